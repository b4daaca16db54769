import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import type { Random } from './random.ts';

/** Public e-mail providers of the random world. */
const FREEMAIL = ['freemail.example'];

const FIT = [
  { property: 'jobtitle', contains: ['chief', 'head of'] },
  { property: 'country', is: ['Germany', 'France'] },
  { property: 'seats', atLeast: 10, below: 100 },
  { property: 'email', domain: ['freemail'] },
  { property: 'company.numberofemployees', atLeast: 100 },
  { property: 'company.industry', is: ['COMPUTER_SOFTWARE'] },
  { property: 'phone', known: true },
];

const SOURCES = [
  { kind: 'signal', signal: 'login' },
  { kind: 'signal', signal: 'ticket' },
  { kind: 'signal', signal: 'demo' },
  { kind: 'timestamp', property: 'last_click' },
  { kind: 'counter', property: 'views' },
  { kind: 'transition', property: 'hs_lead_status', to: ['OPEN', 'connected'] },
  { kind: 'text', property: 'last_url', contains: ['/pricing', '/demo'] },
  { kind: 'text', property: 'last_url', contains: ['/blog/*'] },
];

const EXCLUSIONS = [
  { property: 'lifecyclestage', is: ['customer'] },
  { deal: 'won' },
  { property: 'email', domain: ['competitor.example'] },
  { property: 'hs_email_optout', is: [true], onlyGroup: 'mail' },
  { property: 'company.industry', is: ['EDUCATION'], onlyGroup: 'web' },
];

const RESETS = [{ property: 'hs_lead_status', to: ['RECYCLED'] }, { deal: 'lost' }];

/** Points as people write them, and some whose decimals no binary number holds. */
function points(random: Random): number {
  if (random.isLucky(0.2)) return random.oneOf([0.1, 7.3333, -0.7, 33.333, 12.3456, 1e-3]);
  const quarters = random.between(-80, 200);
  return quarters / 4;
}

function cap(random: Random, chance: number): { cap?: number } {
  return random.isLucky(chance) ? { cap: random.oneOf([0, 0.5, 5, 10.1, 20, 40, 75]) } : {};
}

function signal(random: Random, from: (typeof SOURCES)[number], at: number) {
  const isSpaced = from.kind !== 'counter';
  return {
    id: `signal-${at}`,
    title: `Signal ${at}`,
    from,
    points: points(random),
    halfLifeDays: random.oneOf([0.01, 0.5, 2, 7, 13.7, 30, 90, 365, 'never']),
    ...cap(random, 0.3),
    ...(random.isLucky(0.4) && { group: random.oneOf(['web', 'mail']) }),
    ...(isSpaced && random.isLucky(0.3) && { minimumGapSeconds: random.oneOf([1, 5, 20]) }),
    ...(isSpaced &&
      random.isLucky(0.4) && {
        burst: { moreThan: random.between(1, 5), withinSeconds: random.oneOf([30, 60, 600]) },
      }),
  };
}

/** Bands ten points apart, the lowest from 0. */
function axis(names: readonly string[], most: number) {
  return names.map((grade, at) => ({ grade, from: at === names.length - 1 ? 0 : most - 10 * at }));
}

function grades(random: Random, lowest: number) {
  const deadBand = random.oneOf([0, 1, 3, 7]);
  if (random.isLucky(0.7)) {
    const bands = [80, 60, 40, 20].map((from, at) => ({
      grade: 'ABCD'[at],
      from: from - random.between(0, 15),
    }));
    return { deadBand, bands: [...bands.filter(({ from }) => from > lowest), { grade: 'E', from: lowest }] };
  }
  return { deadBand, grid: { fit: axis(['A', 'B', 'C'], 30), engagement: axis(['1', '2', '3'], 40) } };
}

/** A valid model with rules, caps, groups, bursts, exclusions, resets and a display of any kind. */
export function randomModel(random: Random): Model {
  const range = random.oneOf([
    { min: 0, max: 100 },
    { min: 0, max: 100 },
    { min: -20, max: 40 },
    { min: 0, max: 10 },
    { min: 20, max: 500 },
  ]);
  const checked = checkModel(
    {
      name: 'random',
      horizonDays: random.oneOf([5, 30, 90, 365]),
      range,
      fit: {
        ...cap(random, 0.4),
        rules: random
          .some(FIT, 0.4)
          .map((rule, at) => ({ id: `fit-${at}`, title: `Fit ${at}`, ...rule, points: points(random) })),
      },
      engagement: {
        ...cap(random, 0.4),
        groups: { web: { cap: random.between(0, 60) }, mail: { cap: random.between(0, 30) } },
        signals: random.some(SOURCES, 0.6).map((from, at) => signal(random, from, at)),
      },
      exclusions: random
        .some(EXCLUSIONS, 0.25)
        .map((rule, at) => ({ id: `out-${at}`, title: `Exclusion ${at}`, ...rule })),
      resetOn: random
        .some(RESETS, 0.3)
        .map((rule, at) => ({ id: `reset-${at}`, title: `Reset ${at}`, ...rule })),
      grades: grades(random, range.min),
      display: { step: random.oneOf([1, 1, 1, 2, 5, 10]), gradeOnly: random.isLucky(0.1) },
    },
    FREEMAIL,
  );
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}
