// Visits that a reading of a contact finds: kept, shown, and told to whoever credits its deals.
import { BatchGetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { readSources } from '../../cli/model-file.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { contactKey, emailKey, visitorKey } from '../../lambdas/store/keys.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { modelOf } from '../scoring/model-of.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { IDENTITY_KEY, openSystem, PORTAL, type System } from '../write-back/system.ts';

const MODEL = modelOf(
  `{ attribution: { models: [linear] },
  fit: { rules: [{ id: cto, title: CTO, property: jobtitle, is: [CTO], points: 10 }] } }`,
  [],
  readSources('models/sources.yaml'),
);
const BROWSER = 'fV9cQmXo3oU1q0y0Yb7w-A';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

/** Somebody whom ChatGPT brought, with two deals, of whom a form told the browser. */
async function openPortal() {
  const system = await openSystem(engine, {}, {}, () => ({}), MODEL);
  const { crm, time } = system.portal;
  const contactId = crm.create('contacts', { jobtitle: 'CTO', email: 'ann@example.com' });
  const at = new Date(time.nowMs).toISOString();
  crm.set('contacts', contactId, {
    hs_latest_source: 'AI_REFERRALS',
    hs_latest_source_data_1: 'chatgpt.com',
    hs_latest_source_timestamp: at,
    afterglow_visitor_id: BROWSER,
  });
  const deals = ['One', 'Two'].map((dealname) => crm.create('deals', { dealname }));
  for (const deal of deals) crm.associate('contacts', contactId, 'deals', deal);
  return { system, contactId, deals };
}

/** The deals that are to be credited anew, as they were sent since the last look. */
function credited(system: System): string[] {
  const requests = system.takeSent().map(({ request }) => request);
  return requests.flatMap((request) =>
    'dealId' in request && request.creditOnly === true ? [request.dealId ?? ''] : [],
  );
}

async function visitors({ table }: System): Promise<string[]> {
  const rows = await table.rows();
  return rows.filter(({ sk }) => String(sk).startsWith('touch#')).map(({ pk }) => String(pk));
}

test('a reading keeps the visit, binds the browser, and has the deals credited', async () => {
  const { system, contactId, deals } = await openPortal();
  const seen = { by: 'browser', referrer: 'perplexity.ai' } as const;
  const longAgoMs = system.portal.time.nowMs - 86_400_000;
  await system.store.keep(visitorKey(PORTAL, BROWSER), [touchFact('visit', longAgoMs, seen)], []);
  await system.rescore(contactId);

  await system.receive([{ contactId }]);

  const key = contactKey(PORTAL, contactId);
  expect(await visitors(system)).toEqual([key, key]);
  expect(credited(system).toSorted()).toEqual(deals.toSorted());
  expect(system.shown(contactId)).toMatchObject({
    ai_first_source: 'Perplexity',
    ai_last_source: 'ChatGPT',
    ai_sessions: '2',
    status: 'scored',
  });
});

test('a deal that the contact has no more is credited without it', async () => {
  const { system, contactId, deals } = await openPortal();
  const [one = '', two = ''] = deals;
  await system.rescore(contactId);
  await system.receive([{ contactId }]);
  system.takeSent();
  system.portal.crm.delete('deals', two);
  await system.store.forgetReading(contactKey(PORTAL, contactId), system.portal.time.nowMs + 1);
  system.portal.time.nowMs += 60_000;

  await system.receive([{ contactId }]);

  expect(credited(system).toSorted()).toEqual([one, two].toSorted());
});

test('whoever dies before it is noted that the contact was read tells the deals again', async () => {
  const { system, contactId, deals } = await openPortal();
  await system.rescore(contactId);
  system.failing = (command) =>
    command instanceof UpdateCommand && command.input.UpdateExpression?.includes('#rev') === true;
  const { batchItemFailures } = await system.receive([{ contactId }]);
  expect(batchItemFailures).toHaveLength(1);
  system.takeSent();
  system.failing = undefined;

  await system.receive([{ contactId }], 2);

  expect(credited(system).toSorted()).toEqual(deals.toSorted());
  expect(system.shown(contactId)).toMatchObject({ ai_influenced: 'true' });
});

test('visits that waited under an address are credited when HubSpot says whose it is', async () => {
  const { system, contactId, deals } = await openPortal();
  await system.rescore(contactId);
  await system.receive([{ contactId }]);
  system.takeSent();
  const email = 'ann.other@example.com';
  system.portal.crm.set('contacts', contactId, { email });
  const seen = { by: 'server', referrer: 'claude.ai' } as const;
  const { nowMs } = system.portal.time;
  await system.store.keep(
    emailKey(PORTAL, email, IDENTITY_KEY),
    [touchFact('visit', nowMs - 7_200_000, seen)],
    [],
  );

  await system.receive([{ email }]);

  expect(credited(system).toSorted()).toEqual(deals.toSorted());
  expect(system.shown(contactId)).toMatchObject({ ai_sessions: '2' });
});

test('without the section attribution no visit is asked for, kept or told, nor are deals credited', async () => {
  const model = modelOf('{ exclusions: [{ id: customer, title: Customer, deal: won }] }');
  const system = await openSystem(engine, {}, {}, () => ({}), model);
  const { crm, time } = system.portal;
  const email = 'ann@example.com';
  const contactId = crm.create('contacts', { email });
  const deal = crm.create('deals', { dealname: 'One' });
  crm.associate('contacts', contactId, 'deals', deal);
  const at = new Date(time.nowMs).toISOString();
  crm.set('contacts', contactId, { hs_latest_source: 'AI_REFERRALS', hs_latest_source_timestamp: at });
  await system.login(contactId);
  const read: string[] = [];
  system.failing = (command) => {
    if (!(command instanceof BatchGetCommand)) return false;
    const { Keys = [] } = command.input.RequestItems?.[system.table.tableName] ?? {};
    read.push(...Keys.map(({ sk }) => String(sk)));
    return false;
  };

  await system.receive([{ contactId }, { email }]);

  expect(await visitors(system)).toEqual([]);
  expect(credited(system)).toEqual([]);
  expect(read.filter((row) => row !== '#head')).toEqual([]);
  expect(Object.keys(system.shown(contactId)).filter((name) => name.startsWith('ai_'))).toEqual([]);
});
