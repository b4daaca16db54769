// A privacy deletion races everything else: events of the same person, writes, readings, deals, visits, merges and nights, each stopped
// anywhere, or dying there. Whatever the order, only tombstones are left, and nothing comes back.

import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { contactKey, emailKey, visitorKey } from '../../lambdas/store/keys.ts';
import { createRandom, type Random } from '../../local/hubspot/random.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { creditModel } from '../nightly/credited-deals.ts';
import {
  type Command,
  createTable,
  type Engine,
  startDynalite,
  type Table,
  watched,
} from '../store/table.ts';
import { type Doors, type Message, ORIGIN, openDoors, SECRETS } from './doors.ts';

const PORTAL = '33';
const HOUR_MS = 3_600_000;
const WAITING_DAYS = 30;
/** What a tombstone may have: its place, ids, and that it is one, or leads to one. */
const OF_A_TOMBSTONE = ['pk', 'sk', 'rev', 'life', 'lifeAt', 'alias', 'moved', 'old'];

let engine: Engine;
const realFetch = globalThis.fetch;
beforeAll(async () => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  engine = await startDynalite();
});
afterEach(async () => {
  globalThis.fetch = realFetch;
  await closeAll();
});
afterAll(() => engine.stop());

/** Somebody, by all that is known of them alone. */
interface Person {
  readonly id: string;
  readonly email: string;
  readonly visitorId: string;
  readonly words: string;
}

const HAPPENINGS = [
  'change',
  'click',
  'login',
  'visit',
  'identify',
  'form',
  'deal',
  'company',
  'merge',
  'erase',
  'night',
  'rescore',
] as const;
type Happening = (typeof HAPPENINGS)[number];

/** What one function keeps to itself, such as its budget: nobody else waits for it in the middle of that. */
function isShared(command: Command): boolean {
  return JSON.stringify(command.input).includes(`"${PORTAL}#portal"`);
}

/** The doors of one portal, stopped now and then in the middle of what they do. */
class Race {
  readonly table: Table;
  readonly doors: Doors;
  readonly people: Person[] = [];
  readonly erased = new Set<string>();
  readonly happened = new Set<string>();
  readonly #random: Random;
  /** Steps until the door at work is stopped. */
  #left = Number.POSITIVE_INFINITY;
  #isStopped = false;
  #isDead = false;
  #messages = 0;
  interruptions = 0;
  deaths = 0;

  static async open(seed: number): Promise<Race> {
    const table = await createTable(engine);
    const started: { race?: Race } = {};
    const client = watched(table.client, async (command, go) => {
      if (!isShared(command)) await started.race?.step();
      return go();
    });
    const doors = await openDoors({ table, client, model: creditModel(['linear']), portalId: PORTAL });
    const race = new Race(table, doors, createRandom(seed, 'race'));
    globalThis.fetch = async (...request) => {
      const [address] = request;
      const isOfRecords = typeof address === 'string' && /\/crm\/(objects|associations)\//.test(address);
      if (!isOfRecords) return realFetch(...request);
      await race.step();
      const answer = await realFetch(...request);
      await race.step();
      return answer;
    };
    started.race = race;
    return race;
  }

  constructor(table: Table, doors: Doors, random: Random) {
    this.table = table;
    this.doors = doors;
    this.#random = random;
  }

  /** Between any two steps of a door others may do all of their work, or it may die. */
  async step(): Promise<void> {
    if (this.#isDead) throw new Error('the function is gone');
    this.#left -= 1;
    if (this.#left > 0 || this.#isStopped) return;
    this.#left = Number.POSITIVE_INFINITY;
    this.#isStopped = true;
    this.interruptions += 1;
    const isToDie = this.#random.next() < 0.3;
    for (let count = 0; count < 2; count++)
      await this.happen(this.#random.next() < 0.5 ? 'erase' : this.#any());
    await this.work(6);
    this.#isStopped = false;
    if (!isToDie) return;
    this.deaths += 1;
    this.#isDead = true;
    throw new Error('the function is gone');
  }

  #any(): Happening {
    return HAPPENINGS[this.#random.between(0, HAPPENINGS.length - 1)] ?? 'login';
  }

  /** Two who may turn out to be one, and somebody of whom everybody knows but who is never erased. */
  async meet(): Promise<void> {
    const { crm } = this.doors.portal;
    for (const [at, name] of ['ann', 'bob'].entries()) {
      const words = `canary of ${name}`;
      const email = `${name}@example.com`;
      const id = crm.create('contacts', { email, jobtitle: words, firstname: words });
      this.people.push({ id, email, words, visitorId: String.fromCharCode(65 + at).repeat(22) });
    }
    const company = crm.create('companies', { numberofemployees: 200 });
    const deal = crm.create('deals', {
      pipeline: 'default',
      dealstage: 'appointmentscheduled',
      amount: '100',
    });
    for (const { id } of this.people) {
      crm.associate('contacts', id, 'companies', company, { primary: true });
      crm.associate('contacts', id, 'deals', deal);
    }
  }

  #person(): Person {
    const person = this.people[this.#random.between(0, this.people.length - 1)];
    if (person === undefined) throw new Error('nobody was met');
    return person;
  }

  async happen(happening: Happening): Promise<void> {
    const { portal, post, put } = this.doors;
    const { crm, time } = portal;
    const person = this.#person();
    const record = crm.get('contacts', person.id);
    const livingId = record?.archived === false ? record.id : undefined;
    this.happened.add(happening);
    time.nowMs += 1 + this.#random.between(0, 1) * 60_000;
    const occurredAt = time.nowMs;
    const signal = (body: object) =>
      post('/signals', { occurredAt, ...body }, { id: `msg_${++this.#messages}` });
    const by = this.#random.next() < 0.5 ? { contactId: person.id } : { email: person.email };
    if (happening === 'login')
      await signal({ signal: 'product.login', ...by, properties: { jobtitle: person.words } });
    if (happening === 'identify') await signal({ signal: 'identify', visitorId: person.visitorId, ...by });
    if (happening === 'visit') {
      const sessionId = String(++this.#messages).padStart(22, 'S');
      const url = `${ORIGIN}/${person.words.replaceAll(' ', '-')}?utm_source=chatgpt.com`;
      await post('/sessions', { visitorId: person.visitorId, sessionId, url });
    }
    if (happening === 'form') await post('/webhooks/workflow', { ...by, jobtitle: person.words });
    if (happening === 'night') put('nightly', JSON.stringify({ job: 'nightly' }));
    if (happening === 'rescore') put('nightly', JSON.stringify({ job: 'backfill', portalId: PORTAL }));
    if (livingId !== undefined) this.#befall(happening, livingId);
    await this.doors.hear();
  }

  /** What happens to a record in HubSpot. */
  #befall(happening: Happening, id: string): void {
    const { crm, time } = this.doors.portal;
    const [deal] = crm.all('deals');
    const [company] = crm.all('companies');
    const [one, other] = this.people.map((person) => crm.get('contacts', person.id));
    if (happening === 'change') crm.set('contacts', id, { jobtitle: `canary of somebody at ${time.nowMs}` });
    if (happening === 'click') crm.set('contacts', id, { hs_email_last_click_date: time.nowMs });
    if (happening === 'deal' && deal !== undefined)
      crm.set('deals', deal.id, { dealstage: time.nowMs % 2 === 0 ? 'closedwon' : 'decisionmakerboughtin' });
    if (happening === 'company' && company !== undefined)
      crm.set('companies', company.id, { numberofemployees: time.nowMs % 500 });
    if (happening === 'merge' && one !== undefined && other !== undefined && one.id !== other.id)
      if (!one.archived && !other.archived) crm.merge('contacts', one.id, other.id);
    if (happening === 'erase') {
      for (const person of this.people)
        if (crm.get('contacts', person.id)?.id === id) this.erased.add(person.id);
      this.erased.add(id);
      crm.privacyDelete(id);
    }
  }

  /** Hands over messages that wait, any of them first. @param most - of messages */
  async work(most: number, isStoppable = false): Promise<void> {
    const { waiting, portal, deliver } = this.doors;
    for (let count = 0; count < most && waiting.length > 0; count++) {
      const [message] = waiting.splice(this.#random.between(0, waiting.length - 1), 1);
      if (message === undefined) return;
      portal.time.nowMs = Math.max(portal.time.nowMs, message.atMs);
      this.#left = isStoppable ? this.#random.between(1, 40) : Number.POSITIVE_INFINITY;
      await deliver(message);
      if (isStoppable) this.#isDead = false;
    }
    if (waiting.length > 0 && most >= 400) throw new Error('the queues never run empty');
  }

  /** What any queue may do: everything that was ever sent comes once more, in any order. */
  async repeat(): Promise<void> {
    const again = this.doors.sent.filter((message: Message) => !message.queue.endsWith('dead'));
    this.doors.waiting.push(...this.#random.shuffled(again));
    await this.work(10_000);
  }

  /** All that is wrong with what is left of those who were erased. */
  async problems(): Promise<string[]> {
    const rows = await this.table.rows();
    const problems: string[] = [];
    const gone = this.people.filter(({ id }) => this.erased.has(id));
    const keys = [...this.erased].map((id) => `${PORTAL}#${id}`);
    const marks = gone.flatMap(({ email, visitorId, words }) => [
      emailKey(PORTAL, email, SECRETS.identityKey),
      visitorKey(PORTAL, visitorId),
      email,
      words,
      words.replaceAll(' ', '-'),
    ]);
    const latestMs = this.doors.portal.time.nowMs + WAITING_DAYS * 86_400_000 + 1000;
    for (const row of rows) {
      const place = `${String(row['pk'])} ${String(row['sk'])}`;
      const text = JSON.stringify(row);
      const isWaiting = marks.includes(String(row['pk']));
      if (keys.includes(String(row['pk']))) {
        const more = Object.keys(row).filter((name) => !OF_A_TOMBSTONE.includes(name));
        // Where the deletion of the merged record is heard of before the merge, an old one leads to it.
        const isMarked = row['life'] === 'erased' || keys.includes(String(row['alias']));
        if (row['sk'] !== '#head' || !isMarked || more.length > 0) problems.push(`left: ${text}`);
      } else if (isWaiting) {
        // What came, or came again, after the deletion: of an address or a browser that nobody is known by. It is gone in time.
        const expiresAtMs = Number(row['expiresAt']) * 1000;
        if (!(expiresAtMs <= latestMs) || keys.some((key) => text.includes(`"${key}"`)))
          problems.push(`known by: ${text}`);
      } else if (marks.some((mark) => text.includes(mark))) problems.push(`elsewhere, ${place}: ${text}`);
    }
    for (const id of this.erased) {
      if (!rows.some(({ pk }) => pk === `${PORTAL}#${id}`)) problems.push(`no tombstone of ${id}`);
      const answer = await this.doors.explain(id);
      if (typeof answer === 'string' || answer.statusCode !== 410) problems.push(`explained: ${id}`);
    }
    const { crm } = this.doors.portal;
    for (const { id, email } of gone) {
      if (
        crm.find('contacts', 'email', email) !== undefined ||
        crm.all('contacts').some((each) => each.id === id)
      )
        problems.push(`back in HubSpot: ${id}`);
    }
    return problems;
  }
}

const SEEDS = Array.from({ length: 5 }, (_, at) => at + 1);
const seen = { interruptions: 0, deaths: 0, erased: 0, happened: new Set<string>() };

test.each(SEEDS)(
  'of whom HubSpot erased nothing is left but a tombstone, and nothing comes back: seed %i',
  async (seed) => {
    const race = await Race.open(seed);
    await race.meet();
    await race.doors.hear();
    await race.work(4, true);
    const story = createRandom(seed, 'story').shuffled(
      HAPPENINGS.filter((happening) => happening !== 'erase'),
    );
    for (const happening of story) {
      await race.happen(happening);
      await race.work(3, true);
    }
    if (race.erased.size === 0) await race.happen('erase');
    await race.work(400);
    await race.happen('night');
    await race.work(400);
    const atRest = await race.problems();
    await race.repeat();
    race.doors.portal.time.nowMs += 24 * HOUR_MS;
    await race.happen('night');
    await race.work(400);

    expect(race.erased.size).toBeGreaterThan(0);
    expect({ atRest, afterAll: await race.problems() }).toEqual({ atRest: [], afterAll: [] });
    seen.interruptions += race.interruptions;
    seen.deaths += race.deaths;
    seen.erased += race.erased.size;
    for (const happening of race.happened) seen.happened.add(happening);
  },
  180_000,
);

test('in these races everything happened, doors were stopped, and some died', () => {
  expect(HAPPENINGS.filter((happening) => !seen.happened.has(happening))).toEqual([]);
  expect(seen.interruptions).toBeGreaterThan(SEEDS.length);
  expect(seen.deaths).toBeGreaterThan(3);
});

describe('an address of somebody who is erased the moment it turns out to be theirs', () => {
  const address = emailKey(PORTAL, 'ann@example.com', SECRETS.identityKey);
  const contact = contactKey(PORTAL, '7');
  const isLeading = (command: Command) =>
    command instanceof UpdateCommand && command.input.Key?.['pk'] === address;
  const isNoting = (command: Command) =>
    command instanceof PutCommand && command.input.Item?.['pk'] === contact;

  test.each([
    { when: 'before it leads to them', at: isLeading, isAfter: false, dies: false },
    { when: 'before it leads to them, by one who dies then', at: isLeading, isAfter: false, dies: true },
    { when: 'once it leads to them', at: isLeading, isAfter: true, dies: false },
    { when: 'once it leads to them, by one who dies then', at: isLeading, isAfter: true, dies: true },
    { when: 'before it is noted with them', at: isNoting, isAfter: false, dies: false },
    { when: 'before it is noted with them, by one who dies then', at: isNoting, isAfter: false, dies: true },
    { when: 'once it is noted with them', at: isNoting, isAfter: true, dies: false },
    { when: 'once it is noted with them, by one who dies then', at: isNoting, isAfter: true, dies: true },
  ])('$when: nothing of it is left', async ({ at, isAfter, dies }) => {
    const table = await createTable(engine);
    const store = table.contacts({ portalId: PORTAL });
    await store.keep(contact, [{ key: 'login', name: 'signal:product.login', occurredAtMs: Date.now() }], []);
    let isErased = false;
    const client = watched(table.client, async (command, go) => {
      if (isErased || !at(command)) return go();
      isErased = true;
      const answer = isAfter ? await go() : undefined;
      await store.erase(contact);
      if (dies) throw new Error('the function is gone');
      return isAfter ? answer : go();
    });

    await table
      .contacts({ portalId: PORTAL, client })
      .unite(address, contact)
      .catch(() => undefined);

    expect(isErased).toBe(true);
    expect((await table.rows()).map(({ pk, sk, life }) => [pk, sk, life])).toEqual([
      [contact, '#head', 'erased'],
    ]);
  });
});
