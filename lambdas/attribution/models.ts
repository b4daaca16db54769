import type { CreditModel } from '../scoring/model-file.ts';

/** The models as people name them. */
export const MODEL_NAMES: Readonly<Record<CreditModel, string>> = {
  first: 'first visit',
  last: 'last visit',
  linear: 'linear',
  uShaped: 'U-shaped',
  timeDecay: 'time decay',
  markov: 'Markov',
};

const DAY_MS = 86_400_000;
/** Weights become whole numbers, so that money can be shared by them exactly: parts of the largest, as fine as a number holds them. */
const FINENESS = 2 ** 52;

/** What a touch weighs with. */
interface Placed {
  readonly source: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** How much of what came of a path each of its places is given, as parts of a sum: one for each place. */
type Weights = (length: number) => bigint[];

/** Models that need to know nothing of a touch but its place. */
export const BY_PLACE = {
  first: (length) => atPlaces(length, (at) => (at === 0 ? 1n : 0n)),
  last: (length) => atPlaces(length, (at) => (at === length - 1 ? 1n : 0n)),
  linear: (length) => atPlaces(length, () => 1n),
  /** 40 % first, 40 % last, 20 % shared by those between: as 2 (n - 2), 2 (n - 2) and 1 each. Two places share equally. */
  uShaped: (length) => {
    if (length <= 2) return atPlaces(length, () => 1n);
    const end = 2n * BigInt(length - 2);
    return atPlaces(length, (at) => (at === 0 || at === length - 1 ? end : 1n));
  },
} as const satisfies Readonly<Partial<Record<CreditModel, Weights>>>;

function atPlaces(length: number, weight: (at: number) => bigint): bigint[] {
  return Array.from({ length }, (_, at) => weight(at));
}

/** What weights depend on beside the touches. */
export interface Weighing {
  /** For `timeDecay`: days in which the weight of a touch halves, above 0. */
  readonly halfLifeDays: number;
  /** For `markov`: by source, from 0 to 1. */
  readonly effects: Readonly<Record<string, number>>;
}

/**
 * How much of a deal each touch is given under a model, as parts of their sum, which is above 0.
 *
 * @param touches - in the order they happened, at least one
 * @see docs/attribution.md#models - the formulas, and an example of each by hand
 */
export function weightsOf(model: CreditModel, touches: readonly Placed[], weighing: Weighing): bigint[] {
  if (model === 'timeDecay') return halving(touches, weighing.halfLifeDays);
  if (model === 'markov') return byEffect(touches, weighing.effects);
  return BY_PLACE[model](touches.length);
}

/** `2^(-age / halfLife)`, by the age beside the last touch: the shares are those by any later instant, and the last never fades to nothing. */
function halving(touches: readonly Placed[], halfLifeDays: number): bigint[] {
  const lastMs = touches.at(-1)?.atMs ?? 0;
  return touches.map(({ atMs }) => whole(2 ** (-(lastMs - atMs) / DAY_MS / halfLifeDays)));
}

/** Every touch by the removal effect of its source; equal shares where none of them has any. */
function byEffect(touches: readonly Placed[], effects: Weighing['effects']): bigint[] {
  const weights = touches.map(({ source }) => whole(effects[source] ?? 0));
  return weights.some((weight) => weight > 0n) ? weights : BY_PLACE.linear(touches.length);
}

function whole(weight: number): bigint {
  return BigInt(Math.round(weight * FINENESS));
}
