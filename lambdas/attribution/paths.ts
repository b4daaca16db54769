import { addPath, effectsOf, noTransitions, type Transitions, type WeightedPath } from './markov.ts';
import { BY_PLACE } from './models.ts';

/** What a channel is credited with under every model that needs no times: conversions, and parts of them. */
export interface PathCredit {
  readonly first: number;
  readonly last: number;
  readonly linear: number;
  readonly uShaped: number;
  readonly markov: number;
}

type PlaceModel = keyof typeof BY_PLACE;
const PLACE_MODELS = ['first', 'last', 'linear', 'uShaped'] as const satisfies readonly PlaceModel[];

/** Aggregated paths as they are read: what they are credited with so far, a path at a time. */
export interface PathsRead {
  /** By model, by channel. */
  readonly byPlace: Readonly<Record<PlaceModel, Map<string, number>>>;
  readonly transitions: Transitions;
  readonly counts: { paths: number; conversions: number; nulls: number };
}

export function noPaths(): PathsRead {
  return {
    byPlace: { first: new Map(), last: new Map(), linear: new Map(), uShaped: new Map() },
    transitions: noTransitions(),
    counts: { paths: 0, conversions: 0, nulls: 0 },
  };
}

/** Credits a path. A channel that occurs twice in it is credited for each place. */
export function addCreditedPath({ byPlace, transitions, counts }: PathsRead, given: WeightedPath): void {
  counts.paths += 1;
  counts.conversions += given.conversions;
  counts.nulls += given.nulls;
  addPath(transitions, given);
  for (const model of PLACE_MODELS) {
    const weights = BY_PLACE[model](given.path.length).map(Number);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const credits = byPlace[model];
    for (const [at, channel] of given.path.entries()) {
      const credit = (given.conversions * (weights[at] ?? 0)) / total;
      credits.set(channel, (credits.get(channel) ?? 0) + credit);
    }
  }
}

/** The credit of every channel that was met, by name. Under every model they sum to the conversions. */
export function creditsOfPaths({ byPlace, transitions, counts }: PathsRead): Map<string, PathCredit> {
  const effects = effectsOf(transitions);
  const whole = [...effects.values()].reduce((sum, effect) => sum + effect, 0);
  return new Map(
    [...byPlace.first.keys()].toSorted().map((channel) => {
      const of = (model: PlaceModel): number => byPlace[model].get(channel) ?? 0;
      const effect = effects.get(channel) ?? 0;
      const markov = whole === 0 ? 0 : (counts.conversions * effect) / whole;
      return [
        channel,
        { first: of('first'), last: of('last'), linear: of('linear'), uShaped: of('uShaped'), markov },
      ];
    }),
  );
}
