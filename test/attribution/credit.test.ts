import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Credit,
  type CreditRules,
  creditOf,
  type DealTouch,
  TOUCHES_PER_DEAL,
  touchesWithin,
} from '../../lambdas/attribution/credit.ts';
import { amountText } from '../../lambdas/attribution/money.ts';
import { CREDIT_MODELS, type CreditModel } from '../../lambdas/scoring/model-file.ts';
import { DAY_MS, deal, RULES, STAGE_MS, seeded, touch } from './deals.ts';

/** By source what it is credited with, as `source amount`. */
function told(credit: Credit, model: CreditModel): string[] | undefined {
  return credit.byModel[model]?.map(({ source, units }) => `${source} ${amountText(units, credit.decimals)}`);
}

/** Four visits before a deal of 1,000.00 USD: 28, 14 and 7 days before it was won, and at that very moment. */
const VISITS = [
  touch('ai/chatgpt', 28),
  touch('search/google', 14),
  touch('ai/chatgpt', 7),
  touch('direct/direct', 0),
];
const EFFECTS = { 'ai/chatgpt': 0.3, 'search/google': 0.1, 'direct/direct': 0.2, 'email/email': 0.4 };

test.each<{ model: CreditModel; credits: string[]; because: string }>([
  { model: 'first', credits: ['ai/chatgpt 1000.00'], because: 'all to the first' },
  { model: 'last', credits: ['direct/direct 1000.00'], because: 'all to the last' },
  {
    model: 'linear',
    credits: ['ai/chatgpt 500.00', 'search/google 250.00', 'direct/direct 250.00'],
    because: 'a quarter each; ChatGPT stands there twice; of equals the earlier comes first',
  },
  {
    model: 'uShaped',
    credits: ['ai/chatgpt 500.00', 'direct/direct 400.00', 'search/google 100.00'],
    because: '40 % first, 40 % last, 10 % for each of the two between',
  },
  {
    model: 'timeDecay',
    credits: ['direct/direct 551.72', 'ai/chatgpt 310.35', 'search/google 137.93'],
    because:
      'weights 1/16, 4/16, 8/16, 16/16: 9, 4 and 16 of 29; 0.48 of a cent is the largest that was cut off',
  },
  {
    model: 'markov',
    credits: ['ai/chatgpt 666.67', 'direct/direct 222.22', 'search/google 111.11'],
    because: 'weights 0.3, 0.1, 0.3, 0.2: 6, 1 and 2 of 9',
  },
])('credits by $model: $because', ({ model, credits }) => {
  expect(told(creditOf(deal(), VISITS, RULES, EFFECTS), model)).toEqual(credits);
});

test.each([
  { visits: VISITS.slice(0, 1), credits: ['ai/chatgpt 1000.00'] },
  { visits: VISITS.slice(0, 2), credits: ['ai/chatgpt 500.00', 'search/google 500.00'] },
  { visits: VISITS.slice(0, 3), credits: ['ai/chatgpt 800.00', 'search/google 200.00'] },
])('shares U-shaped among $visits.length visits', ({ visits, credits }) => {
  expect(told(creditOf(deal(), visits, RULES, EFFECTS), 'uShaped')).toEqual(credits);
});

test('lets a visit a half-life before another weigh half as much, however long before the stage both lie', () => {
  const late = creditOf(deal({ amount: '3' }), [touch('a/a', 7), touch('b/b', 0)], RULES, undefined);
  const early = creditOf(deal({ amount: '3' }), [touch('a/a', 87), touch('b/b', 80)], RULES, undefined);
  const brief: CreditRules = { windowDays: 180, models: ['timeDecay'], halfLifeDays: 0.01 };
  const long = creditOf(deal(), [touch('a/a', 180), touch('b/b', 179)], brief, undefined);

  expect(told(late, 'timeDecay')).toEqual(['b/b 2.00', 'a/a 1.00']);
  expect(told(early, 'timeDecay')).toEqual(['b/b 2.00', 'a/a 1.00']);
  expect(told(long, 'timeDecay')).toEqual(['b/b 1000.00']);
});

test('credits by markov only once effects are known, and equally where none of the sources has any', () => {
  const unknown = creditOf(deal(), VISITS, RULES, undefined);
  const nothing = creditOf(deal(), VISITS, RULES, { 'email/email': 0.4 });

  expect(unknown.byModel).not.toHaveProperty('markov');
  expect(told(nothing, 'markov')).toEqual(told(nothing, 'linear'));
});

test('credits by the models that are asked for, in their order, and by no others', () => {
  const credit = creditOf(deal(), VISITS, { ...RULES, models: ['last', 'first'] }, EFFECTS);

  expect(Object.keys(credit.byModel)).toEqual(['last', 'first']);
});

test('counts visits from 90 days before the stage up to its very moment, and no others', () => {
  const second = 1 / 86_400;
  const visits = [
    touch('out/before', 90 + second),
    touch('in/first', 90),
    touch('in/last', 0),
    touch('out/after', -second),
  ];

  const credit = creditOf(deal(), visits, RULES, EFFECTS);

  expect(credit.path).toEqual(['in/first', 'in/last']);
  expect(credit.touches).toBe(2);
});

test('tells the sources in the order of the visits, whoever of the contacts made them', () => {
  const visits = [
    touch('c/c', 1, { contactId: '502' }),
    touch('a/a', 9),
    touch('b/b', 5, { contactId: '503' }),
    touch('a/a', 2),
  ];

  expect(creditOf(deal(), visits, RULES, EFFECTS).path).toEqual(['a/a', 'b/b', 'a/a', 'c/c']);
});

test('knows a deal without visits by its amount, credited to nobody', () => {
  const credit = creditOf(deal({ amount: '99.9' }), [], RULES, EFFECTS);

  expect(credit).toMatchObject({ decimals: 2, units: 9990n, touches: 0, path: [] });
  expect(Object.values(credit.byModel)).toEqual(CREDIT_MODELS.map(() => []));
});

test('gives shares of a deal without an amount, and no money', () => {
  const credit = creditOf(deal({ amount: '', currency: 'JPY' }), VISITS, RULES, EFFECTS);

  expect(credit).toMatchObject({ decimals: 0, units: undefined });
  expect(credit.byModel.linear).toEqual([
    { source: 'ai/chatgpt', share: 0.5, units: 0n },
    { source: 'search/google', share: 0.25, units: 0n },
    { source: 'direct/direct', share: 0.25, units: 0n },
  ]);
});

test('credits a deal of very many visits to the newest of them', () => {
  const visits = Array.from({ length: TOUCHES_PER_DEAL + 5 }, (_, at) => touch(`s/${at}`, at / 100));

  const counted = touchesWithin(visits, STAGE_MS, 90);

  expect(counted).toHaveLength(TOUCHES_PER_DEAL);
  expect(counted.at(-1)?.source).toBe('s/0');
  expect(counted[0]?.source).toBe(`s/${TOUCHES_PER_DEAL - 1}`);
});

const SOURCES = ['ai/chatgpt', 'ai/claude', 'search/google', 'direct/direct', 'email/email', 'social/x'];
const CURRENCIES = ['USD', 'EUR', 'JPY', 'KWD', ''];

function randomDeal(random: (below: number) => number) {
  const fraction = ['', '.5', '.25', '.125', '.3333333'][random(5)] ?? '';
  const sign = random(10) === 0 ? '-' : '';
  const whole = random(3) === 0 ? random(100) : random(2 ** 31) * random(1000);
  const visits = Array.from({ length: random(9) }, (_, at): DealTouch => {
    const contactId = `${random(3)}`;
    return touch(SOURCES[random(SOURCES.length)] ?? '', random(100 * 24) / 24, { contactId, key: `${at}` });
  });
  const effects = Object.fromEntries(
    SOURCES.map((source) => [source, random(4) === 0 ? 0 : random(1e6) / 1e6]),
  );
  return {
    given: deal({ amount: `${sign}${whole}${fraction}`, currency: CURRENCIES[random(5)] ?? '' }),
    visits,
    effects,
    rules: { ...RULES, halfLifeDays: 0.01 + random(30) },
  };
}

/** Without zeros that say nothing. */
function trimmed(amount: string): string {
  const short = amount.includes('.') ? amount.replace(/\.?0+$/, '') : amount;
  return short === '-0' ? '0' : short;
}

test('shares every one of 100,000 deals to the last unit, under every model', () => {
  const random = seeded(7);
  let credited = 0;
  for (let at = 0; at < 100_000; at += 1) {
    const { given, visits, effects, rules } = randomDeal(random);
    const { byModel, units, touches, decimals } = creditOf(given, visits, rules, effects);
    if (units === undefined || trimmed(amountText(units, decimals)) !== trimmed(given.amount))
      throw new Error(`deal ${at}: ${given.amount} became ${units} of ${decimals} digits`);
    if (touches === 0) continue;
    credited += 1;
    for (const model of CREDIT_MODELS) {
      const credits = byModel[model] ?? [];
      const sum = credits.reduce((total, each) => total + each.units, 0n);
      const shares = credits.reduce((total, { share }) => total + share, 0);
      if (sum !== units || Math.abs(shares - 1) > 1e-9)
        throw new Error(`deal ${at}, ${model}: ${sum} of ${units}`);
    }
  }

  expect(credited).toBeGreaterThan(80_000);
}, 120_000);

test('credits the same however visits arrive: in any order, twice, or after contacts were merged', () => {
  const random = seeded(8);
  for (let at = 0; at < 5000; at += 1) {
    const { given, visits, effects, rules } = randomDeal(random);
    const asTold = creditOf(given, visits, rules, effects);

    const again = [...visits, ...visits.filter(() => random(2) === 0)];
    const arrived = again
      .map((visit) => ({ visit, place: random(1e9) }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ visit }) => ({ ...visit, contactId: '501' }));

    expect(creditOf(given, arrived, rules, effects)).toEqual(asTold);
  }
});

test('orders visits of one instant by their keys, whichever is heard first', () => {
  const [one, two] = [touch('z/z', 3, { key: 'a' }), touch('b/b', 3, { key: 'b' })];

  const credits = [
    [one, two],
    [two, one],
  ].map((visits) => creditOf(deal(), visits, RULES, EFFECTS));

  expect(credits.map(({ path }) => path)).toEqual([
    ['z/z', 'b/b'],
    ['z/z', 'b/b'],
  ]);
});

test('believes the earlier of two tellings of one visit, whichever is heard first', () => {
  const early = touch('ai/chatgpt', 3, { key: 'one' });
  const late = touch('direct/direct', 2, { key: 'one' });

  const credits = [
    [early, late],
    [late, early],
  ].map((visits) => creditOf(deal(), visits, RULES, EFFECTS));

  expect(credits.map(({ path }) => path)).toEqual([['ai/chatgpt'], ['ai/chatgpt']]);
});

test('gives nothing to a visit that a day less of window leaves out', () => {
  const visits = [touch('a/a', 60), touch('b/b', 60 - 1 / 24)];
  const dayLess = creditOf(
    deal({ stageSinceMs: STAGE_MS + DAY_MS }),
    visits,
    { ...RULES, windowDays: 61 },
    EFFECTS,
  );
  const hourLess = creditOf(deal(), visits, { ...RULES, windowDays: 59.99 }, EFFECTS);

  expect(dayLess.path).toEqual(['a/a', 'b/b']);
  expect(hourLess.path).toEqual(['b/b']);
});

test('credits as the example of docs/attribution.md does', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/attribution.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|/gm)];

  const credit = creditOf(deal(), VISITS, RULES, EFFECTS);

  const amountOf = (model: CreditModel, source: string) =>
    amountText(credit.byModel[model]?.find((each) => each.source === source)?.units ?? 0n, credit.decimals);
  expect(rows.map(([, model, ...amounts]) => [model, ...amounts])).toEqual(
    CREDIT_MODELS.map((model) => [
      model,
      amountOf(model, 'ai/chatgpt'),
      amountOf(model, 'search/google'),
      amountOf(model, 'direct/direct'),
    ]),
  );
});
