import { ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { SQSBatchResponse } from 'aws-lambda';
import type { CompanyTick, Tick } from '../../lambdas/events/envelope.ts';
import { createScorer, type ScorerParts } from '../../lambdas/scorer.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { companyKept } from '../../lambdas/store/associations.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';
import { property } from '../store/plain-score.ts';
import { type Client, createTable, ENGINES, type Engine, type Table, watched } from '../store/table.ts';

const NOW = Date.UTC(2026, 5, 1, 12);
const ALL_WENT_WELL = { batchItemFailures: [] };

/** A model by whose rules a contact has 25 points from a company of 100 heads or more. */
function model(more: object = {}): Model {
  const checked = checkModel({
    name: 'companies',
    fit: {
      rules: [{ id: 'big', title: 'Big', property: 'company.numberofemployees', atLeast: 100, points: 25 }],
    },
    engagement: {
      signals: [
        {
          id: 'login',
          title: 'Login',
          from: { kind: 'signal', signal: 'login' },
          points: 5,
          halfLifeDays: 7,
        },
      ],
    },
    grades: { bands: [{ grade: 'A', from: 0 }] },
    ...more,
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

const USES_COMPANIES = model();
const ROLLS_UP = model({ companyScore: { rollUp: 'maximum' } });
const USES_DEALS = model({ fit: { rules: [] }, resetOn: [{ id: 'lost', title: 'Lost', deal: 'lost' }] });
const USES_NEITHER = model({ fit: { rules: [] } });

/** A message that was sent, and the seconds for which nobody receives it. */
interface Sent {
  readonly to: 'changes' | 'background' | 'ticks';
  readonly message: WriteRequest | Tick | CompanyTick;
  readonly delaySeconds: number | undefined;
}

let engine: Engine;
let table: Table;
let sent: Sent[];

beforeAll(async () => {
  // The quicker of the engines: what the store does is tested on each.
  engine = await (ENGINES.at(-1) ?? { start: () => Promise.reject(new Error('no engine')) }).start();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
  sent = [];
});

/** A queue that takes everything. */
const queue =
  (to: Sent['to']) =>
  async (messages: readonly Sent['message'][], delaySeconds?: number): Promise<void> => {
    for (const each of messages) {
      // The time of what caused a request has a test of its own.
      const { occurredAtMs: _at, ...message } = { occurredAtMs: undefined, ...each };
      sent.push({ to, message, delaySeconds });
    }
  };

function scorer(using: Model, client: Client = table.client, more: Partial<ScorerParts> = {}) {
  return createScorer({
    clock: () => NOW,
    model: using,
    portalId: '33',
    ownAppIds: [],
    timeZone: 'UTC',
    contacts: table.contacts({ client }),
    companies: table.companies({ client }),
    deals: table.deals({ client }),
    identityKey: { read: async () => ({ key: 'a key for tests' }), refresh: async () => false },
    writeBack: { changes: queue('changes'), background: queue('background') },
    count: () => {},
    observe: () => {},
    noteArrivals: async () => {},
    ticks: queue('ticks'),
    reject: async (rejected) => expect(rejected).toEqual([]),
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    ...more,
  });
}

/** One message each, `m1`, `m2` and so on. */
function deliver(run: ReturnType<typeof scorer>, ...messages: object[]): Promise<SQSBatchResponse> {
  return run({
    Records: messages.map((message, at) => ({
      messageId: `m${at + 1}`,
      body: JSON.stringify(message),
      receiptHandle: '',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: String(NOW),
        SenderId: '',
        ApproximateFirstReceiveTimestamp: String(NOW),
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:local:1:events',
      awsRegion: 'local',
    })),
  });
}

/** One request of HubSpot's app webhooks. */
function webhook(...events: object[]): object {
  const body = Buffer.from(JSON.stringify(events)).toString('base64');
  return { portalId: '33', route: '/webhooks/hubspot', receivedAtMs: NOW, body };
}

function event(subscriptionType: string, objectId: number, more: object = {}): object {
  return { portalId: 33, occurredAt: NOW, subscriptionType, objectId, ...more };
}

const employees = (companyId: number, count: number, more: object = {}) =>
  event('company.propertyChange', companyId, {
    propertyName: 'numberofemployees',
    propertyValue: String(count),
    ...more,
  });

const ofCompany = (companyId: string): CompanyTick => ({ portalId: '33', companyId });

const association = (type: string, more: object = {}) => ({
  portalId: 33,
  occurredAt: NOW,
  subscriptionType: 'contact.associationChange',
  associationType: `CONTACT_TO_${type}`,
  fromObjectId: 1,
  toObjectId: 22,
  isPrimaryAssociation: true,
  ...more,
});

/** Does what the ticks that were sent ask for, until nothing more is asked. */
async function settle(using: Model): Promise<void> {
  for (let next = sent.filter(({ to }) => to === 'ticks'); next.length > 0; ) {
    sent = [];
    await deliver(scorer(using), ...next.map(({ message }) => message));
    next = sent.filter(({ to }) => to === 'ticks');
  }
}

/** Contacts that HubSpot was asked about an hour ago and shows as they are, all of one company. */
async function known(companyId: string, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    await table.contacts().keep(`33#${id}`, [], [companyKept(companyId, NOW - 3_600_000)]);
    await deliver(scorer(USES_COMPANIES), { portalId: '33', contactIds: [id] });
    await table.client.send(
      new UpdateCommand({
        TableName: table.tableName,
        Key: { pk: `33#${id}`, sk: '#head' },
        UpdateExpression: 'SET cwid = wid, readAt = :at',
        ExpressionAttributeValues: { ':at': NOW - 3_600_000 },
      }),
    );
  }
  sent = [];
}

const scoreOf = async (id: number) => (await table.row(`33#${id}`, '#head'))?.['score'];

async function inIndex(): Promise<unknown[]> {
  const scan = new ScanCommand({ TableName: table.tableName, IndexName: 'company' });
  return (await table.client.send(scan)).Items ?? [];
}

describe('a change of a company', () => {
  test.each([
    { type: 'company.propertyChange', more: {}, because: 'by the name of companies' },
    { type: 'object.propertyChange', more: { objectTypeId: '0-2' }, because: 'by the name of objects' },
  ])('scores its contacts anew, told $because', async ({ type, more }) => {
    await table.companies().keepFound('8', [property('numberofemployees', '12', NOW - 9)], NOW - 9);
    await known('8', '1', '2');
    await known('9', '3');

    const answer = await deliver(
      scorer(USES_COMPANIES),
      webhook(employees(8, 150, { subscriptionType: type, ...more })),
    );

    // Not at once: the index may not have everybody yet.
    const companyTick = ofCompany('8');
    expect(sent).toEqual([{ to: 'ticks', message: companyTick, delaySeconds: 5 }]);
    sent = [];
    expect(await deliver(scorer(USES_COMPANIES), companyTick)).toEqual(answer);
    const tick = { portalId: '33', contactIds: expect.any(Array) };
    expect(sent).toEqual([{ to: 'ticks', message: tick, delaySeconds: undefined }]);
    const ticked = sent.map(({ message }) => message);
    sent = [];
    await deliver(scorer(USES_COMPANIES), ...ticked);
    expect([await scoreOf(1), await scoreOf(2)]).toEqual([25, 25]);
    expect(sent.map(({ to, message }) => [to, message])).toEqual(
      expect.arrayContaining([
        ['background', { portalId: '33', contactId: '1' }],
        ['background', { portalId: '33', contactId: '2' }],
      ]),
    );
    expect(sent).toHaveLength(2);
  });

  test('is one message however often it is told, and every time it is told: the first time may have died here', async () => {
    const changes = webhook(employees(8, 150), employees(8, 160, { occurredAt: NOW + 1 }));
    const companyTick = { to: 'ticks', message: { portalId: '33', companyId: '8' }, delaySeconds: 5 };

    await deliver(scorer(USES_COMPANIES), changes, changes);
    expect(sent).toEqual([companyTick]);

    await deliver(scorer(USES_COMPANIES), changes);
    expect(sent).toEqual([companyTick, companyTick]);
  });

  test('that no rule asks about is not kept, and nobody is scored', async () => {
    await deliver(
      scorer(USES_COMPANIES),
      webhook(
        event('company.propertyChange', 8, { propertyName: 'city', propertyValue: 'Paris' }),
        event('company.creation', 8),
      ),
    );
    await deliver(scorer(USES_NEITHER), webhook(employees(8, 150)));

    expect(sent).toEqual([]);
    expect(await table.rows()).toEqual([]);
  });

  test('reaches all of 20,000 contacts, each once, and no message or invocation has more than its part', async () => {
    const all = Array.from({ length: 20_000 }, (_, at) => String(at + 1));
    const heads = all.map((id, at) => ({
      pk: `33#${id}`,
      sk: '#head',
      rev: 1,
      company: '33#company#8',
      rank: at % 97,
    }));
    await table.put(heads);
    const run = scorer(USES_COMPANIES);
    const ticked: string[] = [];
    let invocations = 0;
    let most = { contactsOfOneMessage: 0, messagesOfOneInvocation: 0 };

    for (let next: object[] = [{ portalId: '33', companyId: '8' }]; next.length > 0; invocations++) {
      sent = [];
      expect(await deliver(run, ...next)).toEqual(ALL_WENT_WELL);
      next = [];
      for (const { message } of sent) {
        if (!('contactIds' in message)) next.push(message);
        else ticked.push(...message.contactIds);
        const size = 'contactIds' in message ? message.contactIds.length : 0;
        most = { ...most, contactsOfOneMessage: Math.max(most.contactsOfOneMessage, size) };
      }
      most = { ...most, messagesOfOneInvocation: Math.max(most.messagesOfOneInvocation, sent.length) };
    }

    expect(ticked).toHaveLength(20_000);
    expect(new Set(ticked)).toEqual(new Set(all));
    expect(most).toEqual({ contactsOfOneMessage: 100, messagesOfOneInvocation: 11 });
    expect(invocations).toBeLessThanOrEqual(21);
  }, 60_000);

  test('asked for twice in one invocation is looked up once, and a page that fails comes back alone', async () => {
    await known('8', '1');
    const failing = watched(table.client, (command, go) => {
      const isOfIndex = 'IndexName' in command.input && command.input.IndexName === 'company';
      const values =
        'ExpressionAttributeValues' in command.input ? command.input.ExpressionAttributeValues : {};
      return isOfIndex && values?.[':company'] === '33#company#9'
        ? Promise.reject(new Error('throttled'))
        : go();
    });

    const answer = await deliver(
      scorer(USES_COMPANIES, failing),
      ofCompany('8'),
      ofCompany('9'),
      ofCompany('8'),
      ofCompany('9'),
    );

    expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['m2', 'm4']);
    expect(sent.map(({ message }) => message)).toEqual([{ portalId: '33', contactIds: ['1'] }]);
  });
});

/** Write-back is to read the company if need be, and to see to its contacts. */
const seeTo = (companyId: string) => ({
  to: 'changes',
  message: { portalId: '33', companyId, rescoreContacts: true },
  delaySeconds: undefined,
});

describe('what befalls a company', () => {
  const gone = event('company.deletion', 8);
  const back = event('company.restore', 8, { occurredAt: NOW + 1 });
  beforeEach(async () => {
    await table.companies().keepFound('8', [property('numberofemployees', '150')], NOW - 9);
    await known('8', '1');
  });

  test('a deletion takes what it was from its contacts, a restore gives it back', async () => {
    expect(await scoreOf(1)).toBe(25);

    await deliver(scorer(USES_COMPANIES), webhook(gone));
    await settle(USES_COMPANIES);
    expect(await table.row('33#1', '#head')).toMatchObject({ status: 'insufficient_data' });

    sent = [];
    await deliver(scorer(USES_COMPANIES), webhook(back));
    expect(sent).toEqual([seeTo('8')]);
    await deliver(scorer(USES_COMPANIES), { portalId: '33', contactIds: ['1'] });
    expect(await scoreOf(1)).toBe(25);
  });

  test('one that was deleted lives when HubSpot tells later that it changed, however often it tells', async () => {
    const changed = webhook(employees(8, 300, { occurredAt: NOW + 1 }));
    await deliver(scorer(USES_COMPANIES), webhook(gone));
    await settle(USES_COMPANIES);
    sent = [];

    await deliver(scorer(USES_COMPANIES), changed);
    await deliver(scorer(USES_COMPANIES), changed); // The first time may have died here.

    expect(sent.filter(({ to }) => to === 'changes')).toEqual([seeTo('8'), seeTo('8')]);
    await deliver(scorer(USES_COMPANIES), { portalId: '33', contactIds: ['1'] });
    expect(await scoreOf(1)).toBe(25);
  });

  test('one that was deleted stays so by what HubSpot tells of the time before', async () => {
    await deliver(scorer(USES_COMPANIES), webhook(gone, employees(8, 300), event('company.creation', 8)));

    expect((await table.companies().heads(['8'])).get('8')?.life).toBe('deleted');
    expect(sent).not.toContainEqual(seeTo('8'));
  });

  test('one that is deleted and then changes in one breath lives', async () => {
    await deliver(scorer(USES_COMPANIES), webhook(employees(8, 300, { occurredAt: NOW + 1 }), gone));

    expect((await table.companies().heads(['8'])).get('8')?.life).toBe('living');
  });

  test('a merge: write-back is to read the new company and then to see to its contacts', async () => {
    const merge = event('company.merge', 10, { primaryObjectId: 8, mergedObjectIds: [9], newObjectId: 10 });

    await deliver(scorer(USES_COMPANIES), webhook(merge));
    await deliver(scorer(USES_COMPANIES), webhook(merge));

    expect(sent).toEqual([seeTo('10'), seeTo('10')]);
    const heads = await table.companies().heads(['8', '9', '10']);
    expect([...heads.values()].map(({ companyId, oldIds }) => [companyId, oldIds])).toEqual([
      ['10', ['8', '9']],
      ['10', ['8', '9']],
      ['10', ['8', '9']],
    ]);
    // Until the new one is read its contacts keep what they had, whatever is heard of it before.
    await deliver(
      scorer(USES_COMPANIES),
      webhook(
        employees(10, 3),
        event('contact.propertyChange', 1, { propertyName: 'a', propertyValue: 'b' }),
      ),
    );
    expect(await table.row('33#1', '#head')).toMatchObject({ score: 25, company: '33#company#10' });
    await table.companies().keepFound('10', [property('numberofemployees', '12', NOW + 1)], NOW + 1);
    await deliver(scorer(USES_COMPANIES), { portalId: '33', contactIds: ['1'] });
    expect(await scoreOf(1)).toBe(0);
  });

  test('is noted whatever the model asks, and asks nothing of anybody where no rule does', async () => {
    await deliver(
      scorer(USES_NEITHER),
      webhook(gone, event('company.merge', 10, { mergedObjectIds: [9], newObjectId: 10 })),
    );

    expect(sent).toEqual([]);
    expect((await table.companies().heads(['8', '9'])).get('8')?.life).toBe('deleted');
    expect((await table.companies().heads(['9'])).get('9')?.companyId).toBe('10');
  });
});

describe('a company or a deal that a contact gets or loses', () => {
  const toWriteBack = { to: 'changes', message: { portalId: '33', contactId: '1' }, delaySeconds: undefined };

  beforeEach(() => known('8', '1'));

  test.each([
    { type: 'COMPANY', using: USES_COMPANIES, because: 'a rule asks about the company' },
    { type: 'COMPANY', using: ROLLS_UP, because: 'the company has a score' },
    { type: 'DEAL', using: USES_DEALS, because: 'a rule asks about deals' },
  ])('$type: HubSpot is asked again, since $because', async ({ type, using }) => {
    const removed = association(type, { associationRemoved: true, occurredAt: NOW - 5 });

    await deliver(scorer(using), webhook(association(type), removed));

    expect(sent).toEqual([toWriteBack]);
    expect(await table.row('33#1', '#head')).not.toHaveProperty('readAt');
  });

  test.each([
    { type: 'COMPANY', using: USES_DEALS },
    { type: 'DEAL', using: USES_COMPANIES },
    { type: 'COMPANY', using: USES_NEITHER },
  ])('$type: HubSpot is not asked where no rule does', async ({ type, using }) => {
    await deliver(scorer(using), webhook(association(type)));

    expect(await table.row('33#1', '#head')).toHaveProperty('readAt');
  });

  test('HubSpot is asked also when the deal tells it', async () => {
    const ends = { associationType: 'DEAL_TO_CONTACT', fromObjectId: 22, toObjectId: 1 };
    const told = association('DEAL', { ...ends, subscriptionType: 'deal.associationChange' });

    await deliver(scorer(USES_DEALS), webhook(told));

    expect(sent).toEqual([toWriteBack]);
  });

  test('HubSpot is asked about it now, also where its clock is ahead of ours', async () => {
    const told = association('DEAL', { occurredAt: NOW + 3_600_000 });

    await deliver(scorer(USES_DEALS), webhook(told));

    expect(sent).toEqual([toWriteBack]);
    expect(await table.row('33#1', '#head')).toMatchObject({ forgotAt: NOW });
  });

  test('HubSpot is asked again when the contact is back: while it was deleted it had none', async () => {
    const gone = event('contact.deletion', 1, { occurredAt: NOW - 9 });
    const back = event('contact.restore', 1, { occurredAt: NOW - 5 });

    await deliver(scorer(USES_DEALS), webhook(gone));
    expect(sent).toEqual([]);
    await deliver(scorer(USES_DEALS), webhook(back));

    expect(sent).toEqual([toWriteBack]);
    expect(await table.row('33#1', '#head')).not.toHaveProperty('readAt');
  });

  test('HubSpot is not asked again about what it told since', async () => {
    await deliver(scorer(USES_COMPANIES), webhook(association('COMPANY', { occurredAt: NOW - 7_200_000 })));

    expect(sent).toEqual([]);
  });
});

/** Write-back is to ask whose the deal is that changed then. */
const changedAt = (atMs: number): Sent => ({
  to: 'changes',
  message: { portalId: '33', dealId: '22', atMs },
  delaySeconds: undefined,
});

describe('a deal', () => {
  const stage = event('deal.propertyChange', 22, { propertyName: 'dealstage', propertyValue: 'closedlost' });

  test.each([
    { told: [stage], because: 'its stage changed' },
    { told: [event('deal.restore', 22)], because: 'it is back' },
    { told: [event('deal.merge', 22, { mergedObjectIds: [21], newObjectId: 22 })], because: 'two became it' },
    { told: [event('deal.creation', 22), stage, stage], because: 'much was told of it: one request' },
  ])('HubSpot is asked whose it is: $because', async ({ told }) => {
    await deliver(scorer(USES_DEALS), webhook(...told));

    expect(sent).toEqual([changedAt(NOW)]);
  });

  test('HubSpot is asked whose it is: it was made', async () => {
    await deliver(scorer(USES_DEALS), webhook(event('deal.creation', 22)));

    expect(sent).toMatchObject([{ to: 'changes', message: { portalId: '33', dealId: '22' } }]);
  });

  test('is asked about as of the newest that was told of it', async () => {
    const changes = [NOW - 20, NOW - 7, NOW - 30].map((occurredAt) => ({ ...stage, occurredAt }));
    const made = event('deal.creation', 22, { occurredAt: NOW - 90 });

    await deliver(scorer(USES_DEALS), webhook(...changes, made));

    expect(sent).toEqual([changedAt(NOW - 7)]);
  });

  test.each(['closedate', 'pipeline', 'hs_is_closed', 'hs_is_closed_won', 'hs_is_closed_lost'])(
    'is asked about when its %s changes',
    async (propertyName) => {
      await deliver(scorer(USES_DEALS), webhook({ ...stage, propertyName }));

      expect(sent).toEqual([changedAt(NOW)]);
    },
  );

  test.each(['dealname', 'amount', 'hubspot_owner_id'])(
    'is not asked about when its %s changes: no rule can depend on it',
    async (propertyName) => {
      await deliver(scorer(USES_DEALS), webhook({ ...stage, propertyName }));

      expect(sent).toEqual([]);
    },
  );

  test('is waited for since it changed', async () => {
    const asked: WriteRequest[] = [];
    const keep = async (requests: readonly WriteRequest[]) => void asked.push(...requests);
    const writeBack = { changes: keep, background: keep };

    await deliver(
      scorer(USES_DEALS, table.client, { writeBack }),
      webhook({ ...stage, occurredAt: NOW - 20 }, { ...stage, occurredAt: NOW - 7 }),
    );

    expect(asked).toEqual([{ portalId: '33', dealId: '22', atMs: NOW - 7, occurredAtMs: NOW - 7 }]);
  });

  test('that is deleted asks for nothing: HubSpot no longer tells whose it was', async () => {
    await deliver(scorer(USES_DEALS), webhook(event('deal.deletion', 22)));

    expect(sent).toEqual([]);
  });

  test('is kept where no rule asks about deals, and nothing is asked', async () => {
    await deliver(scorer(USES_COMPANIES), webhook(stage));

    expect(sent).toEqual([]);
    expect(await table.row('33#deal#22', 'property#dealstage')).toMatchObject({ value: 'closedlost' });
  });
});

async function lifeOf(id: string) {
  return (await table.deals().heads([id])).get(id);
}

function change(propertyName: string) {
  return event('deal.propertyChange', 22, { propertyName, propertyValue: '5' });
}

function askedOfDeal(more: object): Sent {
  return {
    to: 'changes',
    message: { portalId: '33', dealId: '22', ...more },
    delaySeconds: undefined,
  };
}

describe('a deal that is credited to visits', () => {
  const CREDITS = model({ fit: { rules: [] }, attribution: {} });
  const CREDITS_AND_USES = model({
    fit: { rules: [] },
    attribution: {},
    resetOn: [{ id: 'lost', title: 'Lost', deal: 'lost' }],
  });

  test.each(['dealstage', 'closedate', 'pipeline', 'amount', 'deal_currency_code'])(
    'is asked about when its %s changes, and no contact is read for it where scores do not depend on deals',
    async (propertyName) => {
      await deliver(scorer(CREDITS), webhook(change(propertyName)));

      expect(sent).toEqual([askedOfDeal({ creditOnly: true })]);
    },
  );

  test('has its contacts read where scores depend on deals, but not for what it is worth', async () => {
    await deliver(scorer(CREDITS_AND_USES), webhook(change('amount')));
    await deliver(
      scorer(CREDITS_AND_USES),
      webhook(change('amount'), { ...change('dealstage'), occurredAt: NOW - 7 }),
    );

    expect(sent).toEqual([askedOfDeal({ creditOnly: true }), askedOfDeal({ atMs: NOW - 7 })]);
  });

  test('is in no report once it is deleted, also where that is heard before its restoring is', async () => {
    await deliver(scorer(CREDITS), webhook(event('deal.deletion', 22, { occurredAt: NOW - 9 })));
    expect([(await lifeOf('22'))?.life, sent]).toEqual(['deleted', []]);

    await deliver(scorer(CREDITS), webhook(event('deal.restore', 22, { occurredAt: NOW - 5 })));
    await deliver(scorer(CREDITS), webhook(event('deal.deletion', 22, { occurredAt: NOW - 9 })));

    expect([(await lifeOf('22'))?.life, sent]).toEqual(['living', [askedOfDeal({ creditOnly: true })]]);
  });

  test('that two became is one deal from then on, and is asked about', async () => {
    const merge = event('deal.merge', 23, { primaryObjectId: 21, mergedObjectIds: [22], newObjectId: 23 });

    await deliver(scorer(CREDITS), webhook(merge));
    await deliver(scorer(CREDITS), webhook(merge));

    expect([(await lifeOf('21'))?.dealId, (await lifeOf('22'))?.dealId]).toEqual(['23', '23']);
    expect((await lifeOf('23'))?.oldIds.toSorted()).toEqual(['21', '22']);
    const request = {
      to: 'changes',
      message: { portalId: '33', dealId: '23', creditOnly: true },
      delaySeconds: undefined,
    };
    expect(sent).toEqual([request, request]);
  });

  test('leaves nothing behind where the model asks for no visits', async () => {
    await deliver(
      scorer(USES_DEALS),
      webhook(
        event('deal.deletion', 22),
        event('deal.merge', 23, { mergedObjectIds: [22], newObjectId: 23 }),
      ),
    );

    expect((await table.rows()).filter(({ sk }) => sk === '#head')).toEqual([]);
  });
});

const toBackground = () => sent.filter(({ to }) => to === 'background');

describe('the score of a company that a contact leaves', () => {
  const rollUp = { to: 'background', message: { portalId: '33', companyId: '8' }, delaySeconds: 5 };
  /** For whoever dies on the way. */
  const insurance = { ...rollUp, delaySeconds: 900 };

  beforeEach(() => known('8', '1', '2'));

  test.each([
    { leaving: event('contact.deletion', 1), left: 1, because: 'it is deleted' },
    { leaving: event('contact.privacyDeletion', 1), left: 1, because: 'it asked to be forgotten' },
    {
      leaving: event('contact.merge', 3, { primaryObjectId: 1, mergedObjectIds: [2], newObjectId: 3 }),
      left: 0,
      because: 'it is merged into another, as one more of the company is',
    },
  ])('is rolled up once it has left: $because', async ({ leaving, left }) => {
    const indexWhenAsked: unknown[] = [];
    const run = scorer(ROLLS_UP, table.client, {
      writeBack: {
        changes: async () => {},
        background: async (messages, delaySeconds) => {
          for (const message of messages) {
            sent.push({ to: 'background', message, delaySeconds });
            indexWhenAsked.push((await inIndex()).length);
          }
        },
      },
    });

    await deliver(run, webhook(leaving));

    expect(toBackground()).toEqual([insurance, rollUp]);
    expect(indexWhenAsked).toEqual([2, left]); // Asked before it left too: afterwards nothing says whose it was.
    await deliver(run, webhook(leaving));
    expect(toBackground()).toEqual([insurance, rollUp]);
  });

  test('is asked for again when the deletion broke off', async () => {
    const dying = watched(table.client, (command, go) =>
      command instanceof UpdateCommand ? Promise.reject(new Error('crashed')) : go(),
    );
    const leaving = webhook(event('contact.privacyDeletion', 1));

    expect(await deliver(scorer(ROLLS_UP, dying), leaving)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm1' }],
    });
    await deliver(scorer(ROLLS_UP), leaving);

    expect(toBackground()).toEqual([insurance, insurance, rollUp]);
  });

  test('is rolled up also when the deletion names a record that was merged away', async () => {
    await deliver(scorer(USES_COMPANIES), webhook(event('contact.merge', 1, { mergedObjectIds: [4] })));
    sent = [];

    await deliver(scorer(ROLLS_UP), webhook(event('contact.privacyDeletion', 4)));

    expect(toBackground()).toEqual([insurance, rollUp]);
  });

  test('is rolled up when the contact is back', async () => {
    await deliver(scorer(ROLLS_UP), webhook(event('contact.deletion', 1)));
    sent = [];

    await deliver(scorer(ROLLS_UP), webhook(event('contact.restore', 1, { occurredAt: NOW + 1 })));

    expect(sent).toContainEqual(rollUp);
    expect(await inIndex()).toHaveLength(2);
  });

  test('is nobody to be asked for where companies have none', async () => {
    await deliver(scorer(USES_COMPANIES), webhook(event('contact.deletion', 1)));
    await deliver(scorer(USES_COMPANIES), webhook(event('contact.restore', 1, { occurredAt: NOW + 1 })));

    expect(toBackground()).toEqual([]);
  });

  test('a privacy deletion leaves nothing of the contact in the index', async () => {
    await deliver(scorer(ROLLS_UP), webhook(event('contact.privacyDeletion', 1)));
    await deliver(scorer(ROLLS_UP), { portalId: '33', contactIds: ['1'] });

    expect(await inIndex()).toEqual([expect.objectContaining({ pk: '33#2' })]);
    expect(await table.row('33#1', '#head')).toEqual({ pk: '33#1', sk: '#head', rev: 2, life: 'erased' });
  });
});
