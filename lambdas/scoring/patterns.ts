/**
 * Patterns on texts and URLs: literal parts in their order, `*` between them for anything. Found by looking for one part after the
 * other, each at its first place, so that no pattern takes longer than its parts times the text.
 */
export interface Pattern {
  /** In lower case. */
  readonly parts: readonly string[];
  /** Begins at the begin of a word; ends at the end of one, or of a path segment. */
  readonly isStartBound: boolean;
  readonly end: 'word' | 'segment' | 'anywhere';
  /** Looked for in the path of a URL; where it has a question mark itself, in the query too. */
  readonly isPath: boolean;
}

/** A pattern of whole words: "cto" is not in "director". Letters and digits of any script belong to a word. */
export function wordPattern(text: string): Pattern {
  const parts = text.toLowerCase().split('*');
  return {
    parts: parts.filter((part) => part !== ''),
    isStartBound: parts[0] !== '',
    end: parts.at(-1) === '' ? 'anywhere' : 'word',
    isPath: false,
  };
}

/**
 * A pattern of a `text` signal: of a path or a whole address it means whole segments, otherwise whole words. As it may be copied from
 * an address bar, it is put in order as URLs are, so that it can be found in them. An address that ends behind its host means the
 * whole site, with a slash there its home page.
 */
export function textPattern(text: string): Pattern {
  const isUrl = URL_START.test(text);
  if (!isUrl && !text.startsWith('/')) return wordPattern(text);
  const [host, path] = isUrl ? hostAndPath(text.replace(URL_START, '')) : ['', text];
  const pattern = wordPattern(host + (path === undefined ? '' : inOrder(path)));
  return {
    ...pattern,
    isStartBound: isUrl, // A path may stand below another one, a host below another one only as a whole word.
    end: pattern.end === 'word' ? 'segment' : 'anywhere',
    isPath: true,
  };
}

function hostAndPath(address: string): [host: string, path: string | undefined] {
  const slash = address.indexOf('/');
  return slash === -1 ? [address, undefined] : [address.slice(0, slash), address.slice(slash)];
}

/** A pattern, and texts that it means: made once, and compared with many others. */
export interface Sample {
  readonly pattern: Pattern;
  readonly examples: readonly Normal[];
}

/** @param text - as a model gives it under `contains` */
export function sampleOf(text: string): Sample {
  const pattern = textPattern(text);
  // A star stands for something, or for nothing.
  const examples = ['x', ''].map((star) => {
    const joined = pattern.parts.join(star) + (pattern.end === 'anywhere' ? star : '');
    const whole = pattern.isPath ? inOrder(joined) : joined;
    return { whole, path: whole.split('?')[0] ?? '' };
  });
  return { pattern, examples };
}

/** Whether some text that one pattern means is meant by another too. */
export function overlap(a: Sample, b: Sample): boolean {
  return (
    a.examples.some((example) => isMeant(example, b.pattern)) ||
    b.examples.some((example) => isMeant(example, a.pattern))
  );
}

/** Whether a pattern means a value. @param value - as HubSpot has it */
export function isOneOf(value: string, { pattern }: Sample): boolean {
  return isMeant(normalise(value), pattern);
}

// A letter may take two places in a string.
const LETTER_AT_END = /[\p{L}\p{N}]$/u;
const LETTER_AT_START = /^[\p{L}\p{N}]/u;

/** Whether a pattern is in a text. @param text - in lower case */
export function isIn(text: string, { parts, isStartBound, end }: Pattern): boolean {
  let from = 0;
  let at = 0;
  for (const part of parts) {
    const isLast = at === parts.length - 1;
    const place = placeOf(text, part, from, at === 0 && isStartBound, isLast ? end : 'anywhere');
    if (place === -1) return false;
    from = place + part.length;
    at += 1;
  }
  return true;
}

/** The first place of a part, from some place on, that is bound as it has to be; -1 for none. */
function placeOf(
  text: string,
  part: string,
  from: number,
  isStartBound: boolean,
  end: Pattern['end'],
): number {
  let place = text.indexOf(part, from);
  while (place !== -1) {
    const isBound = !isStartBound || !LETTER_AT_END.test(text.slice(Math.max(0, place - 2), place));
    if (isBound && isEnd(text, place + part.length, end)) return place;
    place = text.indexOf(part, place + 1);
  }
  return -1;
}

function isEnd(text: string, at: number, end: Pattern['end']): boolean {
  if (end === 'anywhere' || at === text.length) return true;
  if (end === 'segment') return '/?&'.includes(text.charAt(at));
  return !LETTER_AT_START.test(text.slice(at, at + 2));
}

/** How a URL begins, and what of its host does not matter. */
const URL_START = /^https?:\/\/(?:www\.)?/i;

/** Parameters by which campaigns follow people: they say nothing of the page. */
const TRACKING = /^(?:utm_.*|gclid|fbclid|msclkid|hsa_.*|_hs.*|hsctatracking|mc_cid|mc_eid)$/;

/** A text in the form that patterns are looked for in. */
export interface Normal {
  readonly whole: string;
  /** Up to the question mark. */
  readonly path: string;
}

/** @param value - a URL, or the name of a form or page */
function normalise(value: string): Normal {
  const isUrl = URL_START.test(value) && URL.canParse(value);
  const whole = isUrl ? normalUrl(new URL(value)) : value.toLowerCase();
  const [path = ''] = whole.split('?');
  return { whole, path };
}

/** Host, path and query as people mean them: `www.`, port, fragment, campaign parameters and needless slashes left out. */
function normalUrl({ hostname, pathname, searchParams }: URL): string {
  const path = inOrder(pathname);
  const kept = [...searchParams].filter(([name]) => !TRACKING.test(name.toLowerCase()));
  const query = kept.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
  return `${hostname.replace(/^www\./, '')}${path}${query === '' ? '' : `?${query}`}`.toLowerCase();
}

/** A path without what does not matter in one: escapes, slashes too many. */
function inOrder(path: string): string {
  return decoded(path)
    .replaceAll(/\/{2,}/g, '/')
    .replace(/(?<=.)\/(?=$|\?)/, '');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // A stray per cent sign is no reason to know nothing of the page.
  }
}

function isMeant({ whole, path }: Normal, pattern: Pattern): boolean {
  const isPathOnly = pattern.isPath && !pattern.parts.some((part) => part.includes('?'));
  return isIn(isPathOnly ? path : whole, pattern);
}

/** Answers that are remembered per list of patterns: pages and forms are few, and their visitors many. */
const ANSWERS_KEPT = 2000;

/** Whether a value holds one of some patterns. @param texts - as a model gives them under `contains` */
export function textMatcher(texts: readonly string[]): (value: string) => boolean {
  const patterns = texts.map(textPattern);
  const answers = new Map<string, boolean>();
  return (value) => {
    const known = answers.get(value);
    if (known !== undefined) return known;
    const normal = normalise(value);
    const found = patterns.some((pattern) => isMeant(normal, pattern));
    if (answers.size >= ANSWERS_KEPT) answers.clear();
    answers.set(value, found);
    return found;
  };
}
