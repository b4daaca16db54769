// One event among a hundred that nobody can understand, against the processes that `npm start` runs.
import { base, en, Faker } from '@faker-js/faker';
import { type Running, signedWebhook, startRunning, tellSeed } from './running.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NEIGHBOURS = 99;
const POINTS = 7;

const MODEL_YAML = `
name: poison
fit: { rules: [] }
engagement:
  signals:
    - { id: connected, title: In conversation, from: { kind: transition, property: hs_lead_status, to: [CONNECTED] }, points: ${POINTS}, halfLifeDays: never }
grades:
  bands:
    - { grade: A, from: 0 }
`;

const { seed, replay } = tellSeed('test/local/processes/poison.test.ts');
const faker = new Faker({ locale: [en, base], seed });
let running: Running;

beforeAll(async () => {
  running = await startRunning({ modelYaml: MODEL_YAML, seed });
}, 3 * MINUTE_MS);

afterAll(() => running?.stop(), MINUTE_MS);

function eventOf(contactId: string) {
  return {
    eventId: faker.number.int({ min: 1, max: 2 ** 40 }),
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
}

type Event = ReturnType<typeof eventOf>;

/** An event is JSON text: some of what may come cannot be said by a value of JavaScript. */
function json(event: Event, changed: object): string {
  return JSON.stringify({ ...event, ...changed });
}

const POISONS: readonly {
  readonly poison: string;
  readonly reason: RegExp;
  readonly of: (event: Event) => string;
}[] = [
  {
    poison: 'a time a day and an hour ahead',
    reason: /24 hours ahead/,
    of: (event) => json(event, { occurredAt: Date.now() + 25 * HOUR_MS }),
  },
  {
    poison: 'a time that no number holds',
    reason: /occurredAt|finite/,
    of: (event) => json(event, { occurredAt: 0 }).replace('"occurredAt":0', '"occurredAt":1e400'),
  },
  {
    poison: 'a record id that is a thing',
    reason: /objectId/,
    of: (event) => json(event, { objectId: { $ne: 1 } }),
  },
  { poison: 'no event but null', reason: /not an event/, of: () => 'null' },
  { poison: 'a list of lists', reason: /not an event/, of: () => '[[],[[]]]' },
  {
    poison: 'a value nested a thousand deep',
    reason: /propertyValue/,
    of: (event) =>
      json(event, { propertyValue: 0 }).replace(
        '"propertyValue":0',
        `"propertyValue":${'['.repeat(1000)}${']'.repeat(1000)}`,
      ),
  },
  {
    poison: 'a property that every object has',
    reason: /propertyName/,
    of: (event) => json(event, { propertyName: '__proto__' }),
  },
  {
    poison: 'a merge of nobody',
    reason: /merge/i,
    of: (event) => json(event, { subscriptionType: 'contact.merge', objectId: undefined }),
  },
];

test.each(POISONS)(
  'of 100 events in one request, one with $poison goes to the dead letters with its reason, alone, and 99 are scored',
  async ({ reason, of }) => {
    const { system, simulator, said } = running;
    const make = (at: number) => simulator.crm.create('contacts', { firstname: `Somebody ${at}` });
    const ids = Array.from({ length: NEIGHBOURS }, (_, at) => make(at));
    const poisoned = make(NEIGHBOURS);
    const events = ids.map((id) => json(eventOf(id), {}));
    events.splice(faker.number.int({ min: 0, max: NEIGHBOURS }), 0, of(eventOf(poisoned)));
    const body = `[${events.join(',')}]`;
    const lettersBefore = (await system.deadLetters()).length;

    const { uri, headers } = signedWebhook(system, body);
    const { status } = await fetch(uri, { method: 'POST', headers, body });
    await system.drained({ flushWindows: true });

    const letters = (await system.deadLetters()).slice(lettersBefore);
    const scores = ids.map((id) => simulator.crm.get('contacts', id)?.properties['afterglow_score']);
    expect({
      replay,
      status,
      scored: scores.filter((score) => score === String(POINTS)).length,
      poisoned: simulator.crm.get('contacts', poisoned)?.properties['afterglow_score'] ?? 'none',
      letters: letters.map(({ queue, body: letter }) => ({ queue, ...JSON.parse(letter) })),
      failures: said.filter((line) => !line.startsWith('Still waiting')),
    }).toEqual({
      replay,
      status: 202,
      scored: NEIGHBOURS,
      poisoned: 'none',
      letters: [
        expect.objectContaining({ queue: 'Scorer/EventsDeadLetters', reason: expect.stringMatching(reason) }),
      ],
      failures: [],
    });
  },
  2 * MINUTE_MS,
);
