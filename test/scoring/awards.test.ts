import { awardFacts, countingFacts } from '../../lambdas/scoring/awards.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { DAY_MS, NOW_MS } from './histories.ts';
import { modelOfSignals } from './model-of.ts';

function signal(id: string, from: string, rest = 'points: 2, halfLifeDays: 7'): string {
  return `{ id: ${id}, title: ${id}, from: ${from}, ${rest} }`;
}

const COUNTER = modelOfSignals(
  `[${signal('views', '{ kind: counter, property: views }')}]`,
  'horizonDays: 100',
);

let told = 0;
/** A change of a property, some days ago. */
function change(property: string, daysAgo: number, value?: string, more: Partial<Fact> = {}): Fact {
  told += 1;
  const occurredAtMs = NOW_MS - daysAgo * DAY_MS;
  return {
    key: `key ${told}`,
    name: `property:${property}`,
    occurredAtMs,
    ...(value !== undefined && { value }),
    ...more,
  };
}

function views(count: number | string, daysAgo: number, more: Partial<Fact> = {}): Fact {
  return change('views', daysAgo, String(count), more);
}

/** Rule and points of every award, in the order the facts happened. */
function awarded(model: Model, facts: readonly Fact[]): string[] {
  const awards = awardFacts(model, { ...countingFacts(model, { facts }), muted: new Set() }, NOW_MS);
  return awards.map(({ signal: at, points }) => `${model.engagement.signals[at]?.id} ${points}`);
}

test('a timestamp awards every time that was told', () => {
  const model = modelOfSignals(`[${signal('click', '{ kind: timestamp, property: click }')}]`);

  expect(awarded(model, [change('click', 3), change('click', 2), change('opened', 1)])).toEqual([
    'click 2',
    'click 2',
  ]);
});

test('one change that was heard of under two record ids, as a merge leaves them, awards once', () => {
  const model = modelOfSignals(
    `[${signal('click', '{ kind: timestamp, property: click }')}, ${signal('status', '{ kind: transition, property: status, to: [NEW] }')}]`,
  );
  const heardBefore = [change('click', 3), change('status', 3, 'NEW')];
  const heardAfter = [change('click', 3), change('status', 3, 'NEW'), change('status', 2, 'NEW')];

  expect(awarded(model, [...heardBefore, ...heardAfter]).toSorted()).toEqual([
    'click 2',
    'status 2',
    'status 2',
  ]);
});

test('two own signals at one instant are two', () => {
  const model = modelOfSignals(`[${signal('login', '{ kind: signal, signal: product.login }')}]`);
  const login = { ...change('', 3), name: 'signal:product.login' };

  expect(awarded(model, [login, { ...login, key: 'other' }])).toEqual(['login 2', 'login 2']);
});

test('an own signal awards each time, whatever it says beside its name', () => {
  const model = modelOfSignals(`[${signal('login', '{ kind: signal, signal: product.login }')}]`);
  const login = { ...change('', 3), name: 'signal:product.login' };

  expect(awarded(model, [login, { ...login, key: 'other', value: 'x' }])).toEqual(['login 2', 'login 2']);
});

test('a property named like an own signal is not that signal', () => {
  const model = modelOfSignals(`[${signal('login', '{ kind: signal, signal: login }')}]`);

  expect(awarded(model, [change('login', 1, 'x')])).toEqual([]);
});

test.each<[string | undefined, string[], string]>([
  ['Connected', ['status 2'], 'entered, in any letter case'],
  ['OPEN_DEAL', ['status 2'], 'one of several values'],
  ['UNQUALIFIED', [], 'another value'],
  ['CONNECTED_ONCE', [], 'the whole value is compared'],
  ['', [], 'cleared: nothing was entered'],
  [undefined, [], 'told without a value'],
])('a transition into "%s" awards %j, because: %s', (value, expected) => {
  const model = modelOfSignals(
    `[${signal('status', '{ kind: transition, property: status, to: [CONNECTED, open_deal] }')}]`,
  );

  expect(awarded(model, [change('status', 1, value)])).toEqual(expected);
});

test.each<[string | undefined, string[], string]>([
  ['https://example.com/Pricing?plan=1', ['url 2'], 'part of the text, in any letter case'],
  ['https://example.com/demo', ['url 2'], 'one of several parts'],
  ['https://example.com/pricing/demo', ['url 2'], 'two parts are still one visit'],
  ['https://example.com/blog', [], 'another page'],
  ['', [], 'cleared'],
  [undefined, [], 'told without a value'],
])('the text "%s" awards %j, because: %s', (value, expected) => {
  const model = modelOfSignals(
    `[${signal('url', '{ kind: text, property: url, contains: [/pricing, /DEMO] }')}]`,
  );

  expect(awarded(model, [change('url', 1, value)])).toEqual(expected);
});

test.each([
  [[views(7, 9)], [], 'the first count is the baseline'],
  [[views(1, 9), views(4, 8)], ['views 6'], 'each one more awards the points once'],
  [[views(1, 9), views(4, 8), views(5, 7)], ['views 6', 'views 2'], 'each rise at its own time'],
  [[views(5, 7), views(1, 9), views(4, 8)], ['views 6', 'views 2'], 'in whatever order they are told'],
  [
    [views(5, 9), views(3, 8), views(5, 7), views(6, 6)],
    ['views 2'],
    'a fall and what was reached before award nothing',
  ],
  [[views(5, 9, { baseline: true })], [], 'a count that was found is a baseline'],
  [
    [views(5, 9), views(9, 8, { baseline: true }), views(10, 7)],
    ['views 2'],
    'what was found above the last count was not seen to rise',
  ],
  [
    [views(5, 9), views(2, 8, { baseline: true }), views(6, 7)],
    ['views 2'],
    'a lower count that was found changes nothing',
  ],
  [[views(5, 9), views('many', 8), views(6, 7)], ['views 2'], 'what is no number is passed over'],
  [[views(5, 9), change('views', 8), views(6, 7)], ['views 2'], 'what has no value is passed over'],
  [[views(5, 101), views(8, 99), views(9, 98)], ['views 2'], 'a baseline beyond the horizon is forgotten'],
  [
    [
      views(10, 9, { record: '1' }),
      views(2, 8, { record: '2' }),
      views(12, 7, { record: '1' }),
      views(3, 6, { record: '2' }),
    ],
    ['views 4', 'views 2'],
    'after a merge each record still counts for itself',
  ],
  [
    [views(5, 9), views(5, 9, { record: '2' }), views(7, 8, { record: '2' })],
    ['views 4'],
    'also where its first count is told at the same instant as an equal one of nobody',
  ],
])('counts award, case %#', (facts, expected, because) => {
  expect([because, ...awarded(COUNTER, facts)]).toEqual([because, ...expected]);
});

test('a baseline is nothing that happened, whatever kind its property has now', () => {
  const model = modelOfSignals(`[${signal('views', '{ kind: timestamp, property: views }')}]`);

  expect(awarded(model, [views(5, 2, { baseline: true })])).toEqual([]);
});

test('several rules may look at one fact', () => {
  const model = modelOfSignals(`[
    ${signal('any', '{ kind: text, property: url, contains: [shop*] }', 'points: 1, halfLifeDays: 7')},
    ${signal('pricing', '{ kind: text, property: url, contains: [/pricing] }', 'points: 5, halfLifeDays: 7')}]`);

  expect(awarded(model, [change('url', 1, 'https://shop.example/pricing')])).toEqual(['any 1', 'pricing 5']);
});

test('a fact counts up to the last millisecond of the horizon, and not after it', () => {
  const model = modelOfSignals(
    `[${signal('click', '{ kind: timestamp, property: click }')}]`,
    'horizonDays: 30',
  );
  const awardsAt = (nowMs: number) =>
    awardFacts(model, { ...countingFacts(model, { facts: [change('click', 0)] }), muted: new Set() }, nowMs)
      .length;

  expect(awardsAt(NOW_MS + 30 * DAY_MS)).toBe(1);
  expect(awardsAt(NOW_MS + 30 * DAY_MS + 1)).toBe(0);
});

test('points count as long as what they were given for: a signal, or the count that was risen over', () => {
  const model = modelOfSignals(
    `[${signal('click', '{ kind: timestamp, property: click }')}, ${signal('views', '{ kind: counter, property: views }')}]`,
    'horizonDays: 30',
  );
  const facts = [views(5, 20), views(5, 15), views(8, 10), change('click', 7)];
  const awards = awardFacts(model, { ...countingFacts(model, { facts }), muted: new Set() }, NOW_MS);

  // The 5 was last told 15 days ago. Once that has left, 8 is the baseline.
  expect(awards.map(({ untilMs }) => untilMs)).toEqual([NOW_MS + 15 * DAY_MS, NOW_MS + 23 * DAY_MS]);
});

test('which facts are the newest thousand, all have a say in, also those that no rule knows', () => {
  const model = modelOfSignals(`[${signal('click', '{ kind: timestamp, property: click }')}]`);
  const unknown = Array.from({ length: 999 }, (_, at) => change('other', 1 + at / 10_000));

  expect(awarded(model, [change('click', 3), change('click', 2), ...unknown])).toEqual(['click 2']);
});

test('a fact ahead of now counts already', () => {
  const model = modelOfSignals(`[${signal('click', '{ kind: timestamp, property: click }')}]`);

  expect(awarded(model, [change('click', -1)])).toEqual(['click 2']);
});
