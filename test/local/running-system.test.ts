// The whole system as `npm start` runs it: the bundles that deploy, wired by the synthesized template, and a simulated HubSpot.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModelFile } from '../../cli/model-file.ts';
import { Budget } from '../../lambdas/hubspot/budget.ts';
import { type BudgetState, FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { outputProperties } from '../../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../../lambdas/hubspot/properties.ts';
import { transportOf } from '../../lambdas/hubspot/transport.ts';
import { compareWithTable, countFacts, openTable } from '../../local/check-table.ts';
import { HAND_MODEL_YAML, HAND_SCORED_OVER_TIME } from '../../local/demo/hand-scored.ts';
import type { Happening } from '../../local/demo/happenings.ts';
import { playHappenings } from '../../local/demo/play.ts';
import { signV3 } from '../../local/hubspot/sign.ts';
import { type Simulator, startSimulator } from '../../local/hubspot/simulator.ts';
import { type LocalSystem, startLocalSystem } from '../../local/runner/local-system.ts';
import { synthesize } from '../../local/synthesize.ts';

const CLIENT_SECRET = 'local-client-secret';
const SIGNALS_SECRET = `whsec_${Buffer.from('for this test and no other').toString('base64')}`;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MINUTES = 60_000;

const directory = mkdtempSync(join(tmpdir(), 'afterglow-test-'));
let system: LocalSystem;
let simulator: Simulator;

/** The hand-worked model, and one rule more: a signal without any cap. */
const MODEL = HAND_MODEL_YAML.replace(
  '  signals:\n',
  `  signals:
    - id: uncapped
      title: Something uncapped
      from: { kind: signal, signal: uncapped.signal }
      points: 32
      halfLifeDays: 8
`,
);

beforeAll(async () => {
  const modelFile = join(directory, 'model.yaml');
  writeFileSync(modelFile, MODEL);
  const assemblyDirectory = join(directory, 'cdk.out');
  await synthesize(assemblyDirectory, {
    portalId: '1',
    model: modelFile,
    timeZone: 'UTC',
    ownAppIds: '50780459',
  });
  simulator = await startSimulator({ clock: () => system?.now() ?? Date.now(), propertyLagMs: [0, 0] });
  system = await startLocalSystem({
    assemblyDirectory,
    ingestPort: 0,
    hubspotUrl: simulator.url,
    hubspotAccessToken: 'local-access-token',
    clientSecret: CLIENT_SECRET,
    signalsSecret: SIGNALS_SECRET,
    logDirectory: directory,
    log: () => undefined,
  });
  let budgetState: BudgetState = FULL_BUDGET;
  const store = {
    read: async () => budgetState,
    update: async <T>(change: (state: BudgetState) => { state: BudgetState; result: T }) => {
      const { state, result } = change(budgetState);
      budgetState = state;
      return result;
    },
  };
  const send = transportOf({
    budget: new Budget(
      store,
      { limit: 100, reserve: 0, dailyLimit: 250_000, dailyReservePercent: 0 },
      { clock: Date.now, timeZone: () => 'UTC' },
    ),
    readToken: async () => 'local-access-token',
    clock: Date.now,
    onAnswer: () => undefined,
  });
  await provisionProperties(simulator.url, send, outputProperties(readModelFile(modelFile)), () => undefined);
  simulator.setWebhooks({
    targetUrl: `${system.ingestUrl}/webhooks/hubspot`,
    subscriptions: [
      ...['jobtitle', 'hs_analytics_last_url', 'hs_analytics_num_page_views', 'hs_lead_status'].map(
        (property) => `contact.propertyChange:${property}`,
      ),
      'object.propertyChange:0-1:hs_lead_status',
    ],
    duplicateRate: 0.3,
    reorder: true,
  });
}, 3 * MINUTES);

afterAll(async () => {
  await simulator?.stop();
  await system?.stop();
  rmSync(directory, { recursive: true, force: true });
}, MINUTES);

async function post(body: string, secret = CLIENT_SECRET): Promise<Response> {
  const uri = `${system.ingestUrl}/webhooks/hubspot`;
  const timestamp = String(Date.now());
  const signature = signV3({ method: 'POST', uri, body, timestamp, secret });
  return fetch(uri, {
    method: 'POST',
    headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp },
    body,
  });
}

function shown(contactId: string): Record<string, string | null> {
  return simulator.crm.get('contacts', contactId)?.properties ?? {};
}

/** The same happening, of another contact. */
function told(happening: Happening, contactId: string): Happening {
  if (happening.kind === 'property') return { ...happening, contactId };
  return { ...happening, contactId, address: { contactId } };
}

async function quiet(): Promise<void> {
  await simulator.settled();
  await system.drained({ flushWindows: true });
}

test(
  'a webhook is answered as it deserves, brings the score to HubSpot, and changes nothing more when it comes 50 times',
  async () => {
    const contactId = simulator.crm.create('contacts', { jobtitle: 'CTO' });
    const event = {
      eventId: 100,
      subscriptionId: 11,
      portalId: 1,
      appId: 50_780_459,
      occurredAt: Date.now() - 1000,
      subscriptionType: 'contact.propertyChange',
      attemptNumber: 0,
      objectId: Number(contactId),
      propertyName: 'hs_lead_status',
      propertyValue: 'CONNECTED',
      changeSource: 'CRM_UI',
    };
    const body = JSON.stringify([event]);

    const answers = {
      signed: (await post(body)).status,
      wronglySigned: (await post(body, 'another secret')).status,
      notJson: (await post('not json')).status,
      tooLarge: (await post(' '.repeat(512 * 1024 + 1))).status,
      anotherPortal: (await post(JSON.stringify([{ ...event, portalId: 247_187_887 }]))).status,
    };
    await quiet();
    const table = openTable(system.dynamoDbUrl, system.tableName, '1');
    const [facts, callsBefore] = [await countFacts(table), simulator.calls.length];
    for (let delivery = 1; delivery < 50; delivery++) {
      await post(
        JSON.stringify([
          { ...event, attemptNumber: delivery, eventId: 100 + delivery, subscriptionId: delivery },
        ]),
      );
    }
    await quiet();

    expect(answers).toEqual({
      signed: 202,
      wronglySigned: 401,
      notJson: 400,
      tooLarge: 413,
      anotherPortal: 202,
    });
    expect(shown(contactId)).toMatchObject({
      afterglow_score: '30',
      afterglow_fit_score: '20',
      afterglow_engagement_score: '10',
    });
    expect(shown(contactId)['afterglow_reasons']).toMatch(/^\+20 Decision maker\n\+10 In conversation \(/);
    expect(await countFacts(table)).toBe(facts);
    expect(simulator.calls.length).toBe(callsBefore); // Neither read nor written again.
    expect(await compareWithTable(table, simulator.crm, [contactId])).toEqual([]);
  },
  2 * MINUTES,
);

test(
  'while the clock moves, one uncapped signal halves and a mixed, capped, negative contact shows its hand-worked scores',
  async () => {
    const [first] = HAND_SCORED_OVER_TIME;
    if (first === undefined) throw new Error('the table is empty');
    const startMs = system.now();
    const laterMs = startMs - first.nowMs; // The table's instants, moved to today: only ages matter.
    const mixed = simulator.crm.create('contacts', first.properties, { atMs: first.createdAtMs + laterMs });
    const uncapped = simulator.crm.create('contacts', { country: 'Germany' });
    const happenings = first.happenings.map((each) => told({ ...each, atMs: each.atMs + laterMs }, mixed));
    const lone = {
      kind: 'signal',
      signal: 'uncapped.signal',
      atMs: startMs,
      postId: 'lone',
      index: 0,
    } as const;
    await playHappenings({
      simulator,
      ingestUrl: system.ingestUrl,
      signalsSecret: SIGNALS_SECRET,
      clientSecret: CLIENT_SECRET,
      happenings: [
        ...happenings,
        told({ ...lone, contactId: uncapped, address: { contactId: uncapped } }, uncapped),
      ],
    });
    await quiet();

    const seen = new Map<number, { mixed: string; uncapped: string }>();
    for (const days of [
      0,
      8,
      ...HAND_SCORED_OVER_TIME.slice(1).map(({ nowMs }) => (nowMs - first.nowMs) / DAY_MS),
    ]) {
      const hours = (startMs + days * DAY_MS - system.now()) / HOUR_MS;
      if (hours > 0) await system.advanceClock(hours);
      const { afterglow_score: score, afterglow_grade: grade } = shown(mixed);
      seen.set(days, {
        mixed: `${score} ${grade}`,
        uncapped: `${shown(uncapped)['afterglow_engagement_score']}`,
      });
    }

    simulator.crm.set('contacts', uncapped, { hs_lead_status: 'CONNECTED' }); // Life goes on at the new time.
    await quiet();

    expect(shown(uncapped)['afterglow_reasons']).toContain('In conversation');
    expect(seen.get(0)?.uncapped).toBe('32');
    expect(seen.get(8)?.uncapped).toBe('16');
    expect(seen.get(16)?.uncapped).toBe('8');
    for (const { nowMs, expected } of HAND_SCORED_OVER_TIME) {
      const grade = expected.held ?? expected.grade;
      expect(seen.get((nowMs - first.nowMs) / DAY_MS)?.mixed).toBe(`${expected.shown} ${grade}`);
    }
  },
  5 * MINUTES,
);
