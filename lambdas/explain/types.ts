/** What an explanation can be had as; the first is what those get who do not mind. */
const TYPES = ['application/json', 'text/plain', 'image/svg+xml'] as const;
export type Type = (typeof TYPES)[number];

/** Longest header that is looked at, in characters: browsers send 200. */
const LONGEST = 1000;

/**
 * The type a caller likes best.
 *
 * @param accept - the header `Accept`, such as `image/svg+xml, text/plain;q=0.5`; undefined when there is none
 * @returns JSON also for those who ask for what there is not
 */
export function preferredType(accept = ''): Type {
  const asked = accept.slice(0, LONGEST).toLowerCase().split(',').map(readRange);
  const liked = TYPES.map((type) => ({
    type,
    liking: asked.find(({ range }) => range === type)?.liking ?? 0,
  }));
  const anything = asked.find(({ range }) => range === '*/*')?.liking ?? 0;
  const [best] = liked.toSorted((a, b) => b.liking - a.liking);
  return best !== undefined && best.liking > 0 && best.liking >= anything ? best.type : TYPES[0];
}

function readRange(text: string): { range: string; liking: number } {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice('q='.length);
  const liking = quality === undefined ? 1 : Number(quality);
  return { range, liking: Number.isFinite(liking) ? liking : 0 };
}
