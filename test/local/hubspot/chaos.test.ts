import { CHAOS_KINDS, type ChaosOptions, createChaos } from '../../../local/hubspot/chaos.ts';
import type { Fault, FaultableCall } from '../../../local/hubspot/faults.ts';

const UPDATE = '/crm/objects/2026-03/contacts/batch/update';

/** A write of so many contacts. */
function update(inputs: number): Omit<FaultableCall, 'number'> {
  return {
    method: 'POST',
    path: UPDATE,
    body: {
      inputs: Array.from({ length: inputs }, (_none, index) => ({
        id: String(index),
        properties: { afterglow_score: '7', firstname: 'Ada' },
      })),
    },
  };
}

/** What so many calls met, and how often which. */
function met(count: number, call: Omit<FaultableCall, 'number'>, options: Partial<ChaosOptions> = {}) {
  const chaos = createChaos({ seed: 3, ...options });
  const faults = Array.from({ length: count }, (_none, index) =>
    chaos.faults({ ...call, number: index + 1 }),
  );
  return { faults, injected: chaos.injected };
}

test('happens to every twentieth call, each kind as often as any other', () => {
  const { faults, injected } = met(40_000, update(10), { mostDailyLimits: 1_000_000 });

  const happened = faults.filter((fault) => fault !== undefined).length;
  expect(happened / 40_000).toBeCloseTo(0.05, 2);
  expect(Object.keys(injected).toSorted()).toEqual([...CHAOS_KINDS].toSorted());
  const counts = Object.values(injected);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});

test('does all that HubSpot is known to do to a batch of writes', () => {
  expect(CHAOS_KINDS).toEqual(
    expect.arrayContaining(
      `400 401 403 408 409 414 423 429-window 429-day 477 500 502 503 504 521 523 524
       500-done 502-done 503-done 504-done 521-done 523-done 524-done left-out empty not-json
       207-unknown-category 207-READ_ONLY_VALUE 207-PROPERTY_DOESNT_EXIST 207-INVALID_OPTION
       reset reset-done reset-late silence silence-late`.split(/\s+/),
    ),
  );
});

test('is the same for the same seed, and another for another', () => {
  const first = met(500, update(10));

  expect(met(500, update(10)).injected).toEqual(first.injected);
  expect(met(500, update(10), { seed: 4 }).injected).not.toEqual(first.injected);
});

test.each([
  ['provisioning', 'POST', '/crm/properties/2026-03/contacts'],
  ['a question about the account', 'GET', '/account-info/2026-03/details'],
  ['a list of owners', 'GET', '/crm/v3/owners'],
])('leaves %s alone', (_name, method, path) => {
  expect(met(100, { method, path, body: {} }, { rate: 1 }).injected).toEqual({});
});

test.each([
  ['one record', 'GET', '/crm/objects/2026-03/contacts/7'],
  ['one record under an older path', 'GET', '/crm/v3/objects/contacts/7'],
  ['associations', 'POST', '/crm/associations/2026-03/contacts/companies/batch/read'],
])('a read of %s meets nothing that only a write can meet', (_name, method, path) => {
  const { injected } = met(2000, { method, path, body: { inputs: [{ id: '7' }] } }, { rate: 1 });

  expect(injected).toHaveProperty('500');
  expect(injected).toHaveProperty('reset');
  for (const kind of Object.keys(injected))
    expect(kind).not.toMatch(/done|late|409|423|property|VALUE|left-out/);
});

test('of one record alone it is not said that the whole request is wrong', () => {
  const { injected } = met(5000, update(1), { rate: 1 });

  expect(injected).not.toHaveProperty('400');
  expect(injected).not.toHaveProperty('414');
  expect(injected).toHaveProperty('409');
});

test("a day's limit is used up no more often than asked for", () => {
  expect(met(5000, update(2), { rate: 1 }).injected).not.toHaveProperty('429-day');
  expect(met(5000, update(2), { rate: 1, mostDailyLimits: 2 }).injected).toHaveProperty('429-day', 2);
});

/** The first so many faults of one kind. */
function ofKind(kind: string, options: Partial<ChaosOptions> = {}, inputs = 10): (Fault | undefined)[] {
  return met(50, update(inputs), { rate: 1, kinds: [kind], ...options }).faults;
}

test("a day's limit, which stops everything, is used up when all else was done", () => {
  const { injected } = met(CHAOS_KINDS.length, update(2), { rate: 1, mostDailyLimits: 1 });

  expect(Object.keys(injected)).toHaveLength(CHAOS_KINDS.length);
  expect(Object.keys(injected).at(-1)).toBe('429-day');
});

test('a migration lasts as long as told', () => {
  for (const fault of ofKind('477', { migrationSeconds: [30, 40] })) {
    const seconds = Number(fault?.kind === 'answer' ? fault.headers?.['retry-after'] : undefined);
    expect(seconds).toBeGreaterThanOrEqual(30);
    expect(seconds).toBeLessThanOrEqual(40);
  }
});

test('a late write lands within the bound', () => {
  for (const fault of ofKind('reset-late', { latestLandingMs: 500 })) {
    const lands = fault?.kind === 'no-answer' ? fault.lands : undefined;
    expect(lands).toBeGreaterThanOrEqual(1);
    expect(lands).toBeLessThanOrEqual(500);
  }
});

test('a complaint about a property names one of ours, for every input', () => {
  expect(ofKind('207-READ_ONLY_VALUE', {}, 3)[0]).toMatchObject({
    kind: 'item-errors',
    inputs: [0, 1, 2],
    category: 'VALIDATION_ERROR',
    errors: [{ code: 'READ_ONLY_VALUE', context: { propertyName: ['afterglow_score'] } }],
  });
});

test('an option that is unknown is a matter of some inputs, at least of one', () => {
  expect(ofKind('207-INVALID_OPTION', {}, 10)[0]).toMatchObject({
    inputs: [expect.any(Number), expect.any(Number)],
  });
  expect(ofKind('207-INVALID_OPTION', {}, 1)[0]).toMatchObject({ inputs: [0] });
});

test('a kind that there is not is refused', () => {
  expect(() => createChaos({ seed: 1, kinds: ['earthquake'] })).toThrow('no kind of chaos called earthquake');
});
