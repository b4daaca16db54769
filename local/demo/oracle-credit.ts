// Credit of a deal a second time, in fractions: what each source earned, to the last cent. Imports nothing from `lambdas/`.

const DAY_MS = 86_400_000;

/** The section `attribution` of a scoring model. */
export interface PlainAttribution {
  readonly windowDays: number;
  readonly models: readonly string[];
  readonly halfLifeDays: number;
}

/** A visit of one of the deal's contacts. */
export interface PlainTouch {
  /** Such as `ai/chatgpt`. */
  readonly source: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** Whole cents, or what the currency has for them. */
export interface PlainMoney {
  readonly units: bigint;
  readonly decimals: number;
}

/** What each source is given of a deal, the most first. */
export type PlainShares = readonly { readonly source: string; readonly units: bigint }[];

/** Currencies of the demo that have no cents. */
const WITHOUT_CENTS = new Set(['JPY']);

/** @returns undefined for no amount */
export function plainMoney(amount: string, currency: string): PlainMoney | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d*)\.?(\d*)$/.exec(amount) ?? [];
  if (whole === '' && fraction === '') return undefined;
  const given = fraction.replace(/0+$/, '');
  const decimals = Math.max(WITHOUT_CENTS.has(currency) ? 0 : 2, given.length);
  const size = BigInt(whole + given.padEnd(decimals, '0'));
  return { units: sign === '-' ? -size : size, decimals };
}

/** The visits that a deal is credited to: those of the last days before it came into its stage, in the order they happened. */
export function touchesBefore(
  touches: readonly PlainTouch[],
  stageSinceMs: number,
  { windowDays }: Pick<PlainAttribution, 'windowDays'>,
): PlainTouch[] {
  return touches
    .filter(({ atMs }) => atMs <= stageSinceMs && stageSinceMs - atMs <= windowDays * DAY_MS)
    .toSorted((a, b) => a.atMs - b.atMs);
}

/**
 * Shares an amount among the sources of some visits. Every source gets the whole units of its part; the units that are left go, one each,
 * to those of whose part most was cut off, of equals to the one that came first.
 *
 * @param touches - those that count, in the order they happened
 * @param model - every one but `markov`, for which one deal says nothing
 */
export function sharesOf(
  model: string,
  touches: readonly PlainTouch[],
  { units }: Pick<PlainMoney, 'units'>,
  { halfLifeDays }: Pick<PlainAttribution, 'halfLifeDays'>,
): PlainShares {
  const parts = new Map<string, bigint>();
  const weights = weightsOf(model, touches, halfLifeDays);
  for (const [at, { source }] of touches.entries())
    parts.set(source, (parts.get(source) ?? 0n) + (weights[at] ?? 0n));
  const whole = [...parts.values()].reduce((sum, part) => sum + part, 0n);
  const size = units < 0n ? -units : units;
  const given = [...parts]
    .filter(([, part]) => part > 0n)
    .map(([source, part]) => ({ source, part, units: (size * part) / whole, cut: (size * part) % whole }));
  let left = size;
  for (const one of given) left -= one.units;
  for (const one of given.toSorted((a, b) => compare(b.cut, a.cut)).slice(0, Number(left))) one.units += 1n;
  return given
    .toSorted((a, b) => compare(b.part, a.part))
    .map(({ source, units: share }) => ({ source, units: units < 0n ? -share : share }));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Parts of a whole, one for each visit. */
function weightsOf(model: string, touches: readonly PlainTouch[], halfLifeDays: number): bigint[] {
  const count = touches.length;
  const isEnd = (at: number) => at === 0 || at === count - 1;
  switch (model) {
    case 'first':
      return touches.map((_touch, at) => (at === 0 ? 1n : 0n));
    case 'last':
      return touches.map((_touch, at) => (at === count - 1 ? 1n : 0n));
    case 'linear':
      return touches.map(() => 1n);
    case 'uShaped': {
      // Of ten parts for each visit between the ends, the ends get four each, and those between two together.
      const between = BigInt(Math.max(0, count - 2));
      return touches.map((_touch, at) => (between === 0n ? 1n : isEnd(at) ? 4n * between : 2n));
    }
    case 'timeDecay': {
      const newestMs = touches.at(-1)?.atMs ?? 0;
      const halves = touches.map(({ atMs }) => (newestMs - atMs) / (halfLifeDays * DAY_MS));
      return halves.map((count2) => BigInt(Math.round(2 ** -count2 * 2 ** 52)));
    }
    default:
      throw new Error(`what a visit weighs by ${model} is not known here`);
  }
}
