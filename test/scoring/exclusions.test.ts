import { dueMoment } from '../../lambdas/scoring/due.ts';
import type { Fact, Known } from '../../lambdas/scoring/facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import { explainFold } from '../../lambdas/scoring/lines.ts';
import { show, statuses } from '../../lambdas/scoring/show.ts';
import { DAY_MS, NOW_MS } from './histories.ts';
import { modelOf } from './model-of.ts';

const MODEL = modelOf(`
fit:
  rules: [{ id: big, title: Big company, property: company.size, atLeast: 100, points: 25 }]
engagement:
  groups: { email: { cap: 50 } }
  signals:
    - { id: click, title: Clicked, from: { kind: timestamp, property: click }, points: 10, halfLifeDays: never, group: email }
    - { id: login, title: Logged in, from: { kind: signal, signal: login }, points: 4, halfLifeDays: 7 }
    - { id: views, title: Pages viewed, from: { kind: counter, property: views }, points: 1, halfLifeDays: never }
exclusions:
  - { id: opted-out, title: Opted out, property: optout, is: [true], onlyGroup: email }
  - { id: works-for-us, title: Works for us, property: email, domain: [us.example] }
  - { id: customer, title: Is a customer, property: stage, is: [customer] }
  - { id: open-deal, title: Has an open deal, deal: open }
resetOn:
  - { id: recycled, title: Recycled, property: status, to: [RECYCLED] }
  - { id: deal-lost, title: Deal lost, deal: lost }
grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] }`);

function fact(name: string, daysAgo: number, value?: string): Fact {
  const occurredAtMs = NOW_MS - daysAgo * DAY_MS;
  return { key: `${name} ${daysAgo} ${value}`, name, occurredAtMs, ...(value !== undefined && { value }) };
}

function contact(
  properties: Record<string, string>,
  facts: readonly Fact[],
  rest: Partial<Known> = {},
): Known {
  const values = Object.entries(properties).map(([name, value]) => ({ name, value, occurredAtMs: NOW_MS }));
  return { properties: values, facts, ...rest };
}

function shownOf(known: Known) {
  return show(undefined, fold(MODEL, known, NOW_MS), MODEL, 'UTC');
}

function linesOf(known: Known) {
  return explainFold(MODEL, fold(MODEL, known, NOW_MS)).map(({ kind, title, given, left }) => [
    kind,
    title,
    given,
    left,
  ]);
}

const CLICK = fact('property:click', 1);
const LOGIN = fact('signal:login', 0);
const COMPANY = { company: [{ name: 'size', value: '250', occurredAtMs: NOW_MS }] };

test('a contact that is excluded has no score, and the reason stands in its status', () => {
  const known = contact({ stage: 'Customer' }, [CLICK], COMPANY);

  expect(shownOf(known)).toEqual({
    score: null,
    fit: null,
    engagement: null,
    grade: '',
    status: 'excluded_customer',
    model: MODEL.id,
    reasons: 'Excluded: Is a customer',
  });
});

test('of several exclusions the first of the model is the reason', () => {
  expect(shownOf(contact({ stage: 'customer', email: 'eu.us.example' }, [])).status).toBe(
    'excluded_works_for_us',
  );
});

test('also a contact of whom nothing else is known is excluded', () => {
  expect(shownOf(contact({ stage: 'customer' }, [])).status).toBe('excluded_customer');
});

test('a contact that is no longer excluded has the score it would have had all along', () => {
  const before = contact({ stage: 'lead' }, [CLICK], COMPANY);

  expect(shownOf(contact({ stage: 'lead' }, [CLICK], COMPANY))).toEqual(shownOf(before));
  expect(shownOf(before)).toMatchObject({ status: 'scored', score: 35, fit: 25, engagement: 10, grade: 'A' });
});

test('the lines of an excluded contact say what it would have, and sum to nothing', () => {
  expect(linesOf(contact({ stage: 'customer' }, [CLICK], COMPANY))).toEqual([
    ['fit', 'Big company', 25_000, 25_000],
    ['signal', 'Clicked', 10_000, 10_000],
    ['excluded', 'Excluded: Is a customer', -35_000, -35_000],
  ]);
});

test('of an excluded contact without anything 0 is taken, not -0', () => {
  expect(linesOf(contact({ stage: 'customer' }, []))).toEqual([
    ['excluded', 'Excluded: Is a customer', 0, 0],
  ]);
});

test('nothing is due for an excluded contact, since nothing it shows fades', () => {
  const folded = fold(MODEL, contact({ stage: 'customer' }, [LOGIN]), NOW_MS);

  expect(dueMoment(MODEL, folded, show(undefined, folded, MODEL, 'UTC'), 'UTC')).toBeUndefined();
});

test('a group can be left out instead of the contact', () => {
  const known = contact({ optout: 'true' }, [CLICK, LOGIN]);

  expect(shownOf(known)).toMatchObject({ status: 'scored', engagement: 4 });
  expect(linesOf(known)).toEqual([
    ['signal', 'Logged in', 4000, 4000],
    ['muted', 'Opted out: 1 signal of email left out', 10_000, 0],
  ]);
});

test('signals that are left out are no sign of life', () => {
  expect(shownOf(contact({ optout: 'true' }, [CLICK])).status).toBe('insufficient_data');
});

test.each([
  ['open', 'excluded_open_deal'],
  ['won', 'scored'],
  ['lost', 'scored'],
] as const)('with a deal that is %s the contact is %s', (state, status) => {
  const deals = [{ id: '7', state, closedAtMs: state === 'open' ? undefined : NOW_MS - 90 * DAY_MS }];

  expect(shownOf(contact({}, [LOGIN], { deals })).status).toBe(status);
});

test('every status a contact can have is offered to HubSpot', () => {
  expect(statuses(MODEL)).toEqual([
    { value: 'scored', label: 'Scored' },
    { value: 'insufficient_data', label: 'Insufficient data' },
    { value: 'excluded_works_for_us', label: 'Excluded: Works for us' },
    { value: 'excluded_customer', label: 'Excluded: Is a customer' },
    { value: 'excluded_open_deal', label: 'Excluded: Has an open deal' },
  ]);
});

function count(daysAgo: number, value: string): Fact {
  return { ...fact('property:views', daysAgo, value), record: '1' };
}

describe('a contact starts anew', () => {
  const recycled = fact('property:status', 3, 'Recycled');

  test('what happened before no longer counts, and stands in one line', () => {
    const known = contact({}, [fact('property:click', 5), fact('property:click', 4), recycled, CLICK]);

    expect(shownOf(known)).toMatchObject({ engagement: 10 });
    expect(linesOf(known)).toEqual([
      ['signal', 'Clicked', 10_000, 10_000],
      ['reset', 'Recycled: 2 signals before it no longer count', 20_000, 0],
    ]);
  });

  test('a burst before it is one signal there too', () => {
    const model = modelOf(`
engagement:
  signals: [{ id: click, title: Clicked, from: { kind: timestamp, property: click }, points: 5, halfLifeDays: never, burst: { moreThan: 2, withinSeconds: 60 } }]
resetOn: [{ id: recycled, title: Recycled, property: status, to: [RECYCLED] }]`);
    const burst = [0, 1, 2, 3].map((second) => fact('property:click', 5 - second / 86_400));
    const folded = fold(model, contact({}, [...burst, recycled]), NOW_MS);

    expect(explainFold(model, folded).map(({ title, given, left }) => [title, given, left])).toEqual([
      ['Recycled: 1 signal before it no longer counts', 5000, 0],
    ]);
  });

  test('what came just after it counts, however close it is to what came before', () => {
    const model = modelOf(`
engagement:
  signals: [{ id: click, title: Clicked, from: { kind: timestamp, property: click }, points: 5, halfLifeDays: never, minimumGapSeconds: 30 }]
resetOn: [{ id: recycled, title: Recycled, property: status, to: [RECYCLED] }]`);
    const SECOND = 1 / 86_400;
    const facts = [fact('property:click', 3 + SECOND), recycled, fact('property:click', 3 - SECOND)];

    expect(fold(model, contact({}, facts), NOW_MS).score).toBe(5000);
  });

  test('what happened at that very instant counts', () => {
    expect(shownOf(contact({}, [recycled, fact('property:click', 3)])).engagement).toBe(10);
  });

  test('what happened at that very instant is not told as before it', () => {
    expect(linesOf(contact({}, [fact('property:click', 5), recycled, fact('property:click', 3)]))).toEqual([
      ['signal', 'Clicked', 10_000, 10_000],
      ['reset', 'Recycled: 1 signal before it no longer counts', 10_000, 0],
    ]);
  });

  test('fit stays', () => {
    expect(shownOf(contact({}, [CLICK, fact('property:status', 0, 'RECYCLED')], COMPANY))).toMatchObject({
      score: 25,
      fit: 25,
      engagement: 0,
    });
  });

  test('of several resets the latest counts', () => {
    const deals = [
      { id: '1', state: 'lost', closedAtMs: NOW_MS - 2 * DAY_MS } as const,
      { id: '2', state: 'lost', closedAtMs: NOW_MS - 9 * DAY_MS } as const,
    ];
    const clicks = [fact('property:click', 10), fact('property:click', 2.5), CLICK];

    expect(shownOf(contact({}, [recycled, ...clicks], { deals })).engagement).toBe(10);
    expect(shownOf(contact({}, [recycled, ...clicks])).engagement).toBe(20);
  });

  test('a deal that is open again takes the reset back', () => {
    const lost = [{ id: '1', state: 'lost', closedAtMs: NOW_MS } as const];
    const won = [{ id: '1', state: 'won', closedAtMs: NOW_MS } as const];

    expect(shownOf(contact({}, [CLICK], { deals: lost })).status).toBe('insufficient_data');
    expect(shownOf(contact({}, [CLICK], { deals: won })).engagement).toBe(10);
  });

  test('a count of before is still the one to rise over', () => {
    const known = contact({}, [count(6, '10'), count(5, '30'), recycled, count(1, '34')]);

    expect(shownOf(known).engagement).toBe(4);
  });

  test('another status does not', () => {
    expect(shownOf(contact({}, [CLICK, fact('property:status', 0, 'OPEN')])).engagement).toBe(10);
  });
});
