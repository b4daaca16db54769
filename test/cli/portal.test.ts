import { formatPortal, portalReport, tierOf } from '../../cli/portal.ts';
import type { Target } from '../../cli/target.ts';
import { Budgeted, FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { type Connection, connect, connectProvisioned, loginModel } from '../hubspot/connection.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';

let engine: Engine;
let table: Table;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
});
afterEach(closeAll);

const NEVER_STOPPED = { isOptional: true };

const portalRow: Target['portalRow'] = (sk, schema, initial) =>
  new PortalRow(table.client, table.tableName, '1', sk, schema, initial);

function targetOf({ portal, send }: Connection) {
  return { portalId: '1', hubspotUrl: portal.url, send, clock: () => portal.time.nowMs, portalRow };
}

test('tells all that is known of a portal, and asks HubSpot only for what is not known', async () => {
  const connection = await connectProvisioned({ timeZone: 'Europe/Berlin' }, NEVER_STOPPED);

  const report = await portalReport(targetOf(connection), loginModel(), false);

  const readAt = '2026-11-10T12:00:00.000Z';
  expect(report).toMatchObject({
    portalId: '1',
    account: { value: { timeZone: 'Europe/Berlin', accountType: 'STANDARD' }, readAt },
    stopped: null,
    unwritable: { contacts: { value: [], readAt }, companies: null },
    pipelines: { value: [{ id: 'default', label: 'Sales Pipeline' }], readAt },
    owners: { value: { count: 3, isComplete: true }, readAt },
    failures: [],
  });
  expect(JSON.stringify(report)).not.toContain('@example.com');
  expect(connection.takeCalls()).toEqual([
    'GET /account-info/2026-03/details',
    'GET contacts',
    'GET /crm/pipelines/2026-03/deals',
    'GET /crm/owners/2026-03',
  ]);

  connection.portal.time.nowMs += 3_600_000;
  expect(await portalReport(targetOf(connection), loginModel(), false)).toEqual(report);
  expect(connection.takeCalls()).toEqual([]);
});

test('asked to, it reads everything anew', async () => {
  const connection = await connectProvisioned({}, NEVER_STOPPED);
  await portalReport(targetOf(connection), loginModel(), false);
  connection.portal.crm.defineProperty('contacts', {
    name: 'afterglow_score',
    groupName: 'afterglow',
    type: 'number',
    fieldType: 'number',
    readOnlyValue: true,
  });
  connection.portal.time.nowMs += 3_600_000;

  const report = await portalReport(targetOf(connection), loginModel(), true);

  expect(report.unwritable.contacts).toEqual({
    value: ['afterglow_score'],
    readAt: '2026-11-10T13:00:00.000Z',
  });
});

test('what the token may not read is said, and the rest is told', async () => {
  const connection = await connect({ scopes: ['crm.objects.deals.read'] }, NEVER_STOPPED);

  const report = await portalReport(targetOf(connection), loginModel(), false);

  expect(report).toMatchObject({
    owners: null,
    unwritable: { contacts: null },
    pipelines: { value: [{ id: 'default' }] },
    failures: [
      { kind: 'contacts', reason: 'MISSING_SCOPES' },
      { kind: 'owners', reason: 'MISSING_SCOPES' },
    ],
  });
  expect(formatPortal(report, NOON_MS)).toContain('HubSpot did not tell of owners: MISSING_SCOPES');
});

test('reads as a page for people', async () => {
  const connection = await connectProvisioned({ timeZone: 'Europe/Berlin' }, NEVER_STOPPED);
  const report = await portalReport(targetOf(connection), loginModel(), false);
  const budget = {
    limits: {
      per10Seconds: 190,
      perDay: 625_000,
      tier: 'Professional',
      callsToday: { date: '2026-11-10', calls: 1234 },
    },
    stopped: { reason: 'daily', until: '2026-11-10T23:00:00.000Z', isOver: false },
  } as const;

  expect(formatPortal({ ...report, ...budget }, NOON_MS + 3 * 3_600_000)).toBe(
    `Portal 1, STANDARD, Europe/Berlin (as of 3 h ago)
Limits: 190 calls in 10 s, 625000 a day: Professional
Calls on 2026-11-10: 1234
STOPPED: daily, until 2026-11-10T23:00:00.000Z
Properties of contacts that cannot be written: none (as of 3 h ago)
Pipeline Sales Pipeline (default, as of 3 h ago)
  Appointment Scheduled (appointmentscheduled, 20 %)
  Qualified To Buy (qualifiedtobuy, 40 %)
  Presentation Scheduled (presentationscheduled, 60 %)
  Decision Maker Bought-In (decisionmakerboughtin, 80 %)
  Contract Sent (contractsent, 90 %)
  Closed Won (closedwon, 100 %, closed)
  Closed Lost (closedlost, 0 %, closed)
Owners: 3 (as of 3 h ago)`,
  );
});

test('limits and stops are those of the budget that everybody shares', async () => {
  const connection = await connectProvisioned({}, NEVER_STOPPED);
  const target = targetOf(connection);
  const stop = { reason: 'daily', sinceMs: NOON_MS, untilMs: NOON_MS + 3_600_000 } as const;
  const state = { ...FULL_BUDGET, limit: 190, dailyLimit: 1_000_000, stop };
  await target.portalRow('budget', Budgeted, FULL_BUDGET).update(() => ({ state, result: undefined }));

  const report = await portalReport(target, loginModel(), false);

  expect(report).toMatchObject({
    limits: { per10Seconds: 190, perDay: 1_000_000, tier: 'Enterprise', callsToday: null },
    stopped: { reason: 'daily', until: '2026-11-10T13:00:00.000Z', isOver: false },
  });
});

const HOUR_MS = 3_600_000;

test.each([
  {
    because: 'its time has come',
    stop: { untilMs: NOON_MS - HOUR_MS },
    stopped: { until: '2026-11-10T11:00:00.000Z', isOver: true },
    line: 'The stop (daily) is over since 2026-11-10T11:00:00.000Z; the next call tries',
  },
  {
    because: 'its time comes now',
    stop: { untilMs: NOON_MS },
    stopped: { until: '2026-11-10T12:00:00.000Z', isOver: true },
    line: 'The stop (daily) is over since 2026-11-10T12:00:00.000Z; the next call tries',
  },
  {
    because: 'a call is under way to find out',
    stop: { untilMs: NOON_MS - HOUR_MS, probeUntilMs: NOON_MS + 30_000 },
    stopped: { until: '2026-11-10T12:00:30.000Z', isOver: false },
    line: 'STOPPED: daily, until 2026-11-10T12:00:30.000Z',
  },
  {
    because: 'only a clock that was wrong can have said so',
    stop: { untilMs: NOON_MS + 1000 * HOUR_MS },
    stopped: { until: '2026-11-10T12:00:00.000Z', isOver: true },
    line: 'The stop (daily) is over since 2026-11-10T12:00:00.000Z; the next call tries',
  },
])('a stop is told as the budget takes it: $because', async ({ stop, stopped, line }) => {
  const connection = await connectProvisioned({}, NEVER_STOPPED);
  const target = targetOf(connection);
  const state = {
    ...FULL_BUDGET,
    stop: { reason: 'daily', sinceMs: NOON_MS - 2 * HOUR_MS, ...stop },
  } as const;
  await target.portalRow('budget', Budgeted, FULL_BUDGET).update(() => ({ state, result: undefined }));

  const report = await portalReport(target, loginModel(), false);

  expect(report.stopped).toEqual({ reason: 'daily', ...stopped });
  expect(formatPortal(report, NOON_MS).split('\n')).toContain(line);
});

// HubSpot's table of limits (developers.hubspot.com, "API usage guidelines", read 2026-11).
test.each([
  [100, 250_000, 'Free or Starter'],
  [190, 625_000, 'Professional'],
  [190, 650_000, 'Professional'],
  [190, 1_000_000, 'Enterprise'],
  [190, undefined, 'Professional or Enterprise'],
  [250, 2_000_000, 'Professional or Enterprise with an API limit increase'],
  [110, undefined, 'an app of the marketplace'],
  [123, 250_000, undefined],
  [undefined, undefined, undefined],
])('%p calls in 10 s and %p a day: %p', (per10Seconds, perDay, tier) => {
  expect(tierOf(per10Seconds, perDay)).toBe(tier);
});
