import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { creditedDealOf } from '../../lambdas/hydration/credited-deal.ts';
import { effectsRow } from '../../lambdas/portal/effects.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { creditModel } from './models.ts';
import { openSystem, PORTAL } from './system.ts';
import { DAY_MS, headOf, isShown, MINUTE_MS, visit, whys, withDeal, wonDeal } from './won-deals.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const NOTHING_FAILED = { batchItemFailures: [] };

type Open = Parameters<typeof openSystem>;
const open = (model = creditModel(), options: Open[1] = {}, parts: Open[3] = () => ({})) =>
  openSystem(engine, options, {}, parts, model);

test('a deal that is won is credited to the visits before it, to the cent and under several models at once', async () => {
  const system = await open(creditModel(['linear', 'first', 'last', 'uShaped', 'timeDecay', 'markov']));
  const { dealId } = await wonDeal(system);

  const response = await system.receive([{ dealId }]);

  expect([response, system.takeSent()]).toEqual([NOTHING_FAILED, []]);
  const { write_id: writeId, attribution_model: by, ...shown } = system.dealShown(dealId);
  // 1000.00 in three equal parts: the first visit gets the cent that is left. Weights of time decay: 1, 2 and 4 sevenths.
  expect(shown).toEqual({
    ai_influenced: 'true',
    ai_amount_linear: '333.34',
    ai_amount_first: '1000',
    ai_amount_last: '0',
    ai_amount_u_shaped: '400',
    ai_amount_time_decay: '142.86',
    top_source: 'ChatGPT',
    sources: 'ChatGPT 333.34 EUR (33 %)\nGoogle 333.33 EUR (33 %)\nDirect 333.33 EUR (33 %)',
  });
  expect(by).toMatch(/^linear, first, last, uShaped, timeDecay, markov · logins@/);
  const head = await headOf(system, dealId);
  expect([head.writeId, isShown(head)]).toEqual([writeId, true]);
  for (const credits of Object.values(head.credit?.byModel ?? {}))
    expect(credits.reduce((sum, { units }) => sum + units, 0n)).toBe(100_000n);
  expect(head.log).toEqual([
    {
      atMs: system.portal.time.nowMs,
      why: 'first credit',
      from: '',
      to: 'ChatGPT 333.34, Google 333.33, Direct 333.33 EUR',
    },
  ]);
  expect(system.specProblems()).toEqual([]);
});

test('by removal effects a deal is credited once a night has computed them', async () => {
  const system = await open(creditModel(['markov', 'linear']));
  const { dealId } = await wonDeal(system);
  await system.receive([{ dealId }]);
  expect(system.dealShown(dealId)).not.toHaveProperty('ai_amount_markov');
  expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '333.34' });
  const { client, tableName } = system.table;
  const effects = { 'ai/chatgpt': 0.3, 'search/google': 0.1, 'direct/direct': 0.1 };
  await effectsRow({ client, tableName, portalId: PORTAL }).update(() => ({
    state: { effects, deals: 7, atMs: 1, isSent: true },
    result: undefined,
  }));

  await system.receive([{ dealId, creditOnly: true }]);

  expect(system.dealShown(dealId)).toMatchObject({
    ai_amount_markov: '600',
    sources: expect.stringMatching(/^ChatGPT 600.00 EUR/),
  });
  expect((await headOf(system, dealId)).log[0]).toMatchObject({
    why: 'removal effects',
    from: 'not credited yet',
    to: 'ChatGPT 600.00, Google 200.00, Direct 200.00 EUR',
  });
});

test('a deal is credited in its own currency, else in that of the portal, in as small units as it has', async () => {
  const system = await open();
  const yen = await wonDeal(system, '1000');
  system.portal.crm.set('deals', yen.dealId, { deal_currency_code: 'JPY' });

  await system.receive([{ dealId: yen.dealId }]);

  expect(system.dealShown(yen.dealId)).toMatchObject({
    ai_amount_linear: '334',
    sources: 'ChatGPT 334 JPY (33 %)\nGoogle 333 JPY (33 %)\nDirect 333 JPY (33 %)',
  });
});

test('a deal without an amount shows its sources by shares, and no amounts', async () => {
  const system = await open();
  const { dealId } = await wonDeal(system, '');

  await system.receive([{ dealId }]);

  expect(system.dealShown(dealId)).toMatchObject({
    ai_influenced: 'true',
    sources: 'ChatGPT 33 %\nGoogle 33 %\nDirect 33 %',
  });
  expect(system.dealShown(dealId)['ai_amount_linear'] ?? '').toBe('');
});

test('a deal whose contacts were never seen to visit is credited to nobody, and says so', async () => {
  const system = await open();
  const { dealId } = await withDeal(system, { dealstage: 'contractsent', amount: '50' });

  await system.receive([{ dealId }]);

  const { ai_influenced, ai_amount_linear, top_source, sources } = system.dealShown(dealId);
  expect([ai_influenced, ai_amount_linear, top_source ?? '', sources ?? '']).toEqual(['false', '0', '', '']);
  expect((await headOf(system, dealId)).log[0]?.to).toBe('no known visit, 50.00 EUR');
});

test('visits after the deal came into its stage, and those before the window, have no part in it', async () => {
  const system = await open();
  const { contactId, dealId } = await wonDeal(system);
  const stageMs = system.portal.time.nowMs;
  await visit(system, contactId, 'claude.ai', stageMs + 1);
  await visit(system, contactId, 'claude.ai', stageMs - 90 * DAY_MS - 1);
  system.portal.time.nowMs += 5 * DAY_MS;
  system.portal.crm.set('deals', dealId, { dealname: 'Renamed', dealstage: 'closedwon' }); // Written once more, it begins nothing.

  await system.receive([{ dealId }]);

  expect((await headOf(system, dealId)).credit?.path).toEqual([
    'ai/chatgpt',
    'search/google',
    'direct/direct',
  ]);
  expect((await headOf(system, dealId)).deal).toMatchObject({ name: 'Renamed', stageSinceMs: stageMs });
});

test('all contacts of a deal count, and those that were never read are read for it', async () => {
  const system = await open();
  const { crm, time } = system.portal;
  const { dealId } = await wonDeal(system, '800');
  const unread = crm.create('contacts', {});
  const source = { hs_analytics_source: 'AI_REFERRALS', hs_analytics_source_data_1: 'claude.ai' };
  crm.set('contacts', unread, { ...source, hs_analytics_first_timestamp: String(time.nowMs - DAY_MS) });
  crm.associate('deals', dealId, 'contacts', unread);

  const response = await system.receive([{ dealId }]);

  expect(response).toEqual(NOTHING_FAILED);
  expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '400' });
  expect(system.dealShown(dealId)['sources']).toContain('Claude 200.00 EUR (25 %)');
  expect(system.shown(unread)).toMatchObject({ status: 'insufficient_data' });
});

async function credited(amount = '1000', model = creditModel()) {
  const system = await open(model);
  const won = await wonDeal(system, amount);
  await system.receive([{ dealId: won.dealId }]);
  system.portal.time.nowMs += MINUTE_MS;
  system.takeSent();
  return { system, ...won, stageMs: system.portal.time.nowMs - MINUTE_MS };
}

describe('what happens later restates the credit, with a line in the log:', () => {
  const BEFORE = 'ChatGPT 333.34, Google 333.33, Direct 333.33 EUR';

  test('a visit that is known only now', async () => {
    const { system, contactId, dealId, stageMs } = await credited();
    await visit(system, contactId, 'claude.ai', stageMs - DAY_MS);

    await system.receive([{ dealId, creditOnly: true }]);

    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '500' });
    const { log } = await headOf(system, dealId);
    expect(log[0]).toEqual({
      atMs: stageMs + MINUTE_MS,
      why: 'touches',
      from: BEFORE,
      to: 'ChatGPT 250.00, Google 250.00, Claude 250.00, Direct 250.00 EUR',
    });
    expect(log).toHaveLength(2);
    // What is sent to CloudWatch says the same.
    const { atMs: _atMs, ...line } = log[0] ?? { atMs: 0 };
    expect(system.logged).toContainEqual(['deal credited', { dealId, ...line }]);
  });

  test('another amount, also below zero', async () => {
    const { system, dealId } = await credited();
    system.portal.crm.set('deals', dealId, { amount: '-100' });

    await system.receive([{ dealId }]);

    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '-33.34' });
    expect((await headOf(system, dealId)).log[0]).toMatchObject({
      why: 'amount',
      from: BEFORE,
      to: 'ChatGPT -33.34, Google -33.33, Direct -33.33 EUR',
    });
  });

  test('a deal that is opened again: what comes until it is won once more counts then', async () => {
    const { system, contactId, dealId } = await credited();
    const { crm, time } = system.portal;
    crm.set('deals', dealId, { dealstage: 'contractsent' });
    await system.receive([{ dealId }]);
    const reopened = await headOf(system, dealId);
    await visit(system, contactId, 'claude.ai', time.nowMs + MINUTE_MS);
    time.nowMs += DAY_MS;
    crm.set('deals', dealId, { dealstage: 'closedwon' });

    await system.receive([{ dealId }]);

    expect([reopened.deal?.state, reopened.log[0]]).toMatchObject([
      'open',
      { why: 'reopened', from: BEFORE, to: BEFORE },
    ]);
    expect(whys(await headOf(system, dealId))).toEqual(['stage', 'reopened', 'first credit']);
    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '500' });
  });

  test('a deal that is opened again is told by one model before and after, whichever comes first', async () => {
    const { system, dealId } = await credited('1000', creditModel(['linear', 'first']));
    system.portal.crm.set('deals', dealId, { dealstage: 'contractsent' });

    await system.receive([{ dealId }]);

    expect((await headOf(system, dealId)).log[0]).toMatchObject({
      why: 'reopened',
      from: BEFORE,
      to: BEFORE,
    });
  });

  test('a contact that joins the deal, or leaves it', async () => {
    const { system, dealId, stageMs } = await credited();
    const { crm } = system.portal;
    const other = crm.create('contacts', {});
    await system.loginKnown(other);
    await visit(system, other, 'claude.ai', stageMs - DAY_MS);
    crm.associate('deals', dealId, 'contacts', other);

    await system.receive([{ dealId, creditOnly: true }]);

    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '500' });
    expect(whys(await headOf(system, dealId))).toEqual(['contacts', 'first credit']);
  });

  test('another model', async () => {
    const { system, dealId } = await credited();
    const head = await headOf(system, dealId);
    await system.table.client.send(
      new UpdateCommand({
        TableName: system.table.tableName,
        Key: { pk: `${PORTAL}#deal#${dealId}`, sk: '#head' },
        UpdateExpression: 'SET model = :model, credit = :credit',
        ExpressionAttributeValues: {
          ':model': 'older@1',
          ':credit': JSON.stringify({
            decimals: 2,
            units: '100000',
            touches: 0,
            path: [],
            byModel: { linear: [] },
          }),
        },
      }),
    );

    await system.receive([{ dealId, creditOnly: true }]);

    const now = await headOf(system, dealId);
    expect(now.log[0]).toMatchObject({ why: 'model', from: 'no known visit, 1000.00 EUR', to: BEFORE });
    expect([now.writeId, isShown(now)]).toEqual([head.writeId, true]);
  });

  test('nothing new is no line and no write', async () => {
    const { system, dealId } = await credited();
    const before = await headOf(system, dealId);
    system.takeCalls();
    const lines = system.logged.length;

    const failed = await system.receive([{ dealId }, { dealId, creditOnly: true }]);

    expect(failed).toEqual(NOTHING_FAILED);
    expect(system.logged.slice(lines)).not.toContainEqual(['deal credited', expect.anything()]);

    const after = await headOf(system, dealId);
    expect([after.log, after.revision]).toEqual([before.log, before.revision + 1]);
    expect(system.takeCalls()).toEqual(['POST deals/contacts/batch/read', 'POST deals/batch/read']);
  });
});

const version = (value: string, atMs: number) => ({ value, atMs, sourceId: undefined });

test.each<[string, ReturnType<typeof version>[], number]>([
  ['since it came into its stage', [version('won', 9), version('open', 5), version('won', 1)], 9],
  [
    'not since its stage was written once more',
    [version('won', 9), version('won', 7), version('open', 5)],
    7,
  ],
  ['since it was made, where it was never in another stage', [version('won', 9), version('won', 4)], 4],
  ['since it was made, where HubSpot tells no history', [], 3],
])('a deal is in its stage %s', (_because, dealstage, stageSinceMs) => {
  const properties = { dealstage: 'won', createdate: new Date(3).toISOString() };
  const record = { id: '7', properties, updatedAtMs: 20, histories: { dealstage } };

  expect(creditedDealOf(record, ['10', '9', '10'], 'EUR', undefined)).toMatchObject({
    stageSinceMs,
    createdAtMs: 3,
    currency: 'EUR',
    contactIds: ['9', '10'],
  });
});
