// A day of a large portal in one go, against the processes that `npm start` runs.
import http from 'node:http';
import { base, en, Faker } from '@faker-js/faker';
import { compareWithTable, countFacts } from '../../../local/check-table.ts';
import { type Running, signedWebhook, startRunning, tell, tellSeed } from './running.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const EVENTS = 20_000;
const PER_REQUEST = 100;
const CONNECTIONS = 10;
const CONTACTS = 200;
/** HubSpot waits so long for an answer, and then sends again (hubspot-facts: webhooks). */
const LONGEST_ANSWER_MS = 5000;
/** How the runner tells of an invocation that failed. */
const FAILURE = /^[a-z-]+: \w+\.\w+: /;
const POINTS = { hs_lead_status: 1, recent_conversion_event_name: 100 } as const;
type Property = keyof typeof POINTS;

const MODEL_YAML = `
name: load
range: { min: 0, max: 1000000 }
fit: { rules: [] }
engagement:
  signals:
    - { id: connected, title: In conversation, from: { kind: transition, property: hs_lead_status, to: [CONNECTED] }, points: ${POINTS.hs_lead_status}, halfLifeDays: never }
    - { id: joined, title: Joined a webinar, from: { kind: text, property: recent_conversion_event_name, contains: [webinar] }, points: ${POINTS.recent_conversion_event_name}, halfLifeDays: never }
grades:
  bands:
    - { grade: A, from: 1000 }
    - { grade: B, from: 0 }
`;

const { seed, replay } = tellSeed('test/local/processes/load.test.ts');
const faker = new Faker({ locale: [en, base], seed });
const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
let running: Running;

beforeAll(async () => {
  running = await startRunning({ modelYaml: MODEL_YAML, seed });
}, 3 * MINUTE_MS);

afterAll(async () => {
  agent.destroy();
  await running?.stop();
}, MINUTE_MS);

interface Planned {
  /** Bodies of requests, each of 100 events. */
  readonly bodies: readonly string[];
  /** Points by contact. */
  readonly right: ReadonlyMap<string, number>;
}

function plan(contactIds: readonly string[]): Planned {
  const nowMs = Date.now();
  const right = new Map(contactIds.map((id) => [id, 0]));
  const events = Array.from({ length: EVENTS }, (_, at) => {
    const contactId = faker.helpers.arrayElement(contactIds);
    const propertyName = faker.helpers.arrayElement<Property>([
      'hs_lead_status',
      'recent_conversion_event_name',
    ]);
    right.set(contactId, (right.get(contactId) ?? 0) + POINTS[propertyName]);
    return {
      eventId: 1_000_000 + at,
      subscriptionId: 11,
      portalId: 1,
      appId: 50_780_459,
      occurredAt: nowMs - 1000 * (at + 1),
      subscriptionType: 'contact.propertyChange',
      attemptNumber: 0,
      objectId: Number(contactId),
      propertyName,
      propertyValue: propertyName === 'hs_lead_status' ? 'CONNECTED' : `Webinar ${at}`,
      changeSource: 'CRM_UI',
    };
  });
  const bodies = Array.from({ length: EVENTS / PER_REQUEST }, (_, at) =>
    JSON.stringify(events.slice(at * PER_REQUEST, (at + 1) * PER_REQUEST)),
  );
  return { bodies, right };
}

interface Answer {
  readonly status: number;
  readonly tookMs: number;
}

function post(body: string): Promise<Answer> {
  const { uri, headers } = signedWebhook(running.system, body);
  const beganMs = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(uri, { method: 'POST', agent, headers }, (response) => {
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, tookMs: performance.now() - beganMs }),
      );
      response.resume();
    });
    request.once('error', reject);
    request.end(body);
  });
}

/** Posts everything, ten at a time. */
async function postAll(bodies: readonly string[]): Promise<Answer[]> {
  const waiting = [...bodies];
  const answers: Answer[] = [];
  const postSome = async () => {
    for (let body = waiting.shift(); body !== undefined; body = waiting.shift())
      answers.push(await post(body));
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, postSome));
  return answers;
}

test(
  '20,000 events in 200 requests over 10 connections are all acknowledged within 5 seconds, and every contact has all of its points',
  async () => {
    const { system, simulator, table, said } = running;
    const ids = Array.from({ length: CONTACTS }, (_, at) =>
      simulator.crm.create('contacts', { firstname: `Somebody ${at}` }),
    );
    const { bodies, right } = plan(ids);

    const answers = await postAll(bodies);
    const acknowledgedMs = performance.now();
    const { left } = await system.passTime({ mostMs: HOUR_MS, mostWallMs: 10 * MINUTE_MS });
    const drainedMs = performance.now() - acknowledgedMs;

    const failures = said.filter((line) => FAILURE.test(line)).length; // On a slow machine some come to their time-out.
    const tookMs = answers.map((one) => one.tookMs).toSorted((a, b) => a - b);
    const quantile = (share: number) => tookMs[Math.ceil(share * tookMs.length) - 1] ?? NaN;
    tell(
      `load: ${EVENTS} events in ${answers.length} requests over ${CONNECTIONS} connections: p50 ${quantile(0.5).toFixed(0)} ms, p99 ${quantile(0.99).toFixed(0)} ms, max ${quantile(1).toFixed(0)} ms; drained ${(drainedMs / 1000).toFixed(1)} s after the last answer${failures > 0 ? `, ${failures} invocations failed on the way` : ''}`,
    );
    const wrong = ids.flatMap((id) => {
      const shown = simulator.crm.get('contacts', id)?.properties['afterglow_score'];
      return shown === String(right.get(id)) ? [] : [`contact ${id}: "${shown}", right is ${right.get(id)}`];
    });
    expect({
      replay,
      statuses: Object.fromEntries(
        [...Map.groupBy(answers, ({ status }) => status)].map(([status, { length }]) => [status, length]),
      ),
      tooLate: tookMs.filter((ms) => ms > LONGEST_ANSWER_MS),
      wrong,
      facts: await countFacts(table),
      otherThanTable: await compareWithTable(table, simulator.crm, ids),
      deadLetters: await system.deadLetters(),
      left,
    }).toEqual({
      replay,
      statuses: { 202: EVENTS / PER_REQUEST },
      tooLate: [],
      wrong: [],
      facts: EVENTS,
      otherThanTable: [],
      deadLetters: [],
      left: 0,
    });
  },
  15 * MINUTE_MS,
);
