// A portal in which everything that happens is counted by hand: what a contact did leaves so many points, for ever.
import type { Faker } from '@faker-js/faker';
import type { Happening } from '../../../local/demo/happenings.ts';
import type { RecordHappening } from '../../../local/demo/record-happenings.ts';
import type { Crm } from '../../../local/hubspot/crm.ts';

const HOUR_MS = 3_600_000;
const COUNTED = 56;
/** Of these the points fade, so that nights have something to do. */
const FADING = 8;
/** Of them nothing is known but a name; they are merged into others. */
const BLANK = 10;
/** Things that happen in one round. */
const PER_ROUND = 26;
/** Points of a rule whose signals halve in these hours. */
const FADING_POINTS = 800;
const FADING_HALF_LIFE_HOURS = 6;

/** Points of what never fades. None is the sum of others that happen as often, so that one lost and another doubled do not meet. */
const POINTS = {
  login: 1,
  called: 10,
  connected: 100,
  joined: 1000,
  clicked: 37,
  page: 370,
} as const;
type Kind = keyof typeof POINTS;
const KINDS: readonly Kind[] = ['login', 'called', 'connected', 'joined', 'clicked', 'page'];
const BOSS_POINTS = 500;
const TITLES = ['CTO', 'Office clerk'] as const;

export const PLAIN_MODEL_YAML = `
name: plain
range: { min: 0, max: 1000000 }
fit:
  rules:
    - { id: boss, title: Boss, property: jobtitle, is: [CTO], points: ${BOSS_POINTS} }
engagement:
  signals:
    - { id: login, title: Logged in, from: { kind: signal, signal: product.login }, points: ${POINTS.login}, halfLifeDays: never }
    - { id: called, title: Was called, from: { kind: signal, signal: sales.called }, points: ${POINTS.called}, halfLifeDays: never }
    - { id: connected, title: In conversation, from: { kind: transition, property: hs_lead_status, to: [CONNECTED] }, points: ${POINTS.connected}, halfLifeDays: never }
    - { id: joined, title: Joined a webinar, from: { kind: text, property: recent_conversion_event_name, contains: [webinar] }, points: ${POINTS.joined}, halfLifeDays: never }
    - { id: clicked, title: Clicked, from: { kind: timestamp, property: hs_email_last_click_date }, points: ${POINTS.clicked}, halfLifeDays: never }
    - { id: page, title: Pages, from: { kind: counter, property: hs_analytics_num_page_views }, points: ${POINTS.page}, halfLifeDays: never }
    - { id: fading, title: Soon forgotten, from: { kind: signal, signal: product.looked }, points: ${FADING_POINTS}, halfLifeDays: ${FADING_HALF_LIFE_HOURS / 24} }
grades:
  bands:
    - { grade: A, from: 1000 }
    - { grade: B, from: 0 }
`;

/** How many facts of a name the table must hold of a contact: one for each thing that happened. */
type FactCounts = Readonly<Record<string, number>>;

/** A contact as it was made, and what happened to it since. */
interface Person {
  /** The id with which it was made; others follow it. */
  readonly id: string;
  readonly email: string;
  readonly did: Record<Kind, number>;
  /** Changes of the lead's status to something else. */
  otherStatuses: number;
  /** When it did what fades, epoch milliseconds. */
  readonly fadingMs: number[];
  title: string;
  isConnected: boolean;
  views: number;
  /** `merged`: has another record id by now, so that HubSpot's counters begin anew. */
  life: 'living' | 'merged' | 'gone';
}

export interface Round {
  readonly happenings: readonly Happening[];
  readonly records: readonly RecordHappening[];
}

export interface Expected {
  /** Lowest and highest score that is right: the same but where points fade. */
  readonly score: readonly [number, number];
  readonly fit: number;
  readonly facts: FactCounts;
  /** Whether it was merged: what its properties say may stand there once more, as heard of the record that it became. */
  readonly isMerged: boolean;
}

export class PlainPortal {
  /** How often what happened, for who reads of a run. */
  readonly happened: Record<string, number> = {};
  readonly #faker: Faker;
  readonly #counted: Person[];
  readonly #fading: Person[];
  readonly #blank: string[];
  readonly #run: string;
  #posts = 0;
  #lastMs = 0;

  constructor(crm: Pick<Crm, 'create' | 'defineProperty'>, faker: Faker, nowMs: number) {
    this.#faker = faker;
    this.#run = faker.string.alphanumeric(12);
    const options = ['CONNECTED', 'OPEN'].map((value) => ({ label: value, value }));
    crm.defineProperty('contacts', {
      name: 'hs_lead_status',
      type: 'enumeration',
      fieldType: 'select',
      groupName: 'contactinformation',
      options: options.map((option, displayOrder) => ({ ...option, displayOrder, hidden: false })),
    });
    const make = (properties: Record<string, string>) =>
      crm.create('contacts', properties, { atMs: nowMs - 48 * HOUR_MS });
    const person = (at: number): Person => {
      const email = `somebody.${at}@company.example`;
      const title = TITLES[at % 2] ?? '';
      const did = { login: 0, called: 0, connected: 0, joined: 0, clicked: 0, page: 0 };
      const id = make({ email, jobtitle: title });
      return {
        id,
        email,
        did,
        title,
        otherStatuses: 0,
        fadingMs: [],
        isConnected: false,
        views: 0,
        life: 'living',
      };
    };
    this.#counted = Array.from({ length: COUNTED }, (_, at) => person(at));
    this.#fading = Array.from({ length: FADING }, (_, at) => person(COUNTED + at));
    this.#blank = Array.from({ length: BLANK }, (_, at) => make({ firstname: `Nobody ${at}` }));
  }

  /** The count that HubSpot's counter of pages has at first: what rises is counted from there. */
  first(nowMs: number): Round {
    const happenings = this.#counted.map((person) =>
      change(person, 'hs_analytics_num_page_views', '7', nowMs),
    );
    for (const person of this.#counted) person.views = 7;
    this.#lastMs = nowMs;
    return { happenings, records: [] };
  }

  /** @param nowMs - epoch milliseconds; everything happens then, one thing a millisecond */
  next(nowMs: number): Round {
    this.#lastMs = Math.max(nowMs, this.#lastMs);
    const living = this.#faker.helpers.shuffle(this.#counted.filter(({ life }) => life !== 'gone'));
    const happenings = living.slice(0, PER_ROUND).flatMap((person) => this.#happen(person));
    for (const person of this.#faker.helpers.arrayElements(this.#fading, 2))
      happenings.push(this.#fade(person));
    const records: RecordHappening[] = [];
    const untouched = living.slice(PER_ROUND).filter(({ life }) => life === 'living');
    const [first, second] = untouched;
    if (first !== undefined && this.#faker.datatype.boolean(0.4)) records.push(...this.#merge(first));
    if (second !== undefined && this.#faker.datatype.boolean(0.25)) records.push(this.#erase(second));
    return { happenings, records };
  }

  /** Contacts that live, by the id with which they were made; what HubSpot must show at `nowMs`, if nothing faded since `sinceMs` but by itself. */
  expected(sinceMs: number, nowMs: number): Map<string, Expected> {
    const living = [...this.#counted, ...this.#fading].filter(({ life }) => life !== 'gone');
    return new Map(living.map((person) => [person.id, expectedOf(person, sinceMs, nowMs)]));
  }

  /** Contacts that live, by the id with which they were made. */
  ids(): string[] {
    const living = [...this.#counted, ...this.#fading].filter(({ life }) => life !== 'gone');
    return [...living.map(({ id }) => id), ...this.#blank];
  }

  /** Contacts of whom nothing is known but that they were made. */
  blank(): readonly string[] {
    return this.#blank;
  }

  #count(what: string): void {
    this.happened[what] = (this.happened[what] ?? 0) + 1;
  }

  #tick(): number {
    this.#lastMs += 1;
    return this.#lastMs;
  }

  #happen(person: Person): Happening[] {
    // Of a record that was merged HubSpot tells under another id; what its own systems tell goes on under the old one.
    const kinds = person.life === 'merged' ? (['login', 'called'] as const) : ([...KINDS, 'title'] as const);
    const kind = this.#faker.helpers.arrayElement<Kind | 'title'>(kinds);
    this.#count(kind);
    const atMs = this.#tick();
    if (kind === 'title') {
      person.title = person.title === TITLES[0] ? TITLES[1] : TITLES[0];
      return [change(person, 'jobtitle', person.title, atMs)];
    }
    if (kind === 'connected') {
      person.isConnected = !person.isConnected;
      if (person.isConnected) person.did.connected += 1;
      else person.otherStatuses += 1;
      return [change(person, 'hs_lead_status', person.isConnected ? 'CONNECTED' : 'OPEN', atMs)];
    }
    const times = kind === 'page' ? this.#faker.number.int({ min: 1, max: 3 }) : 1;
    person.did[kind] += times;
    if (kind === 'page') {
      person.views += times;
      return [change(person, 'hs_analytics_num_page_views', String(person.views), atMs)];
    }
    if (kind === 'joined') {
      return [change(person, 'recent_conversion_event_name', `Webinar ${person.did.joined}`, atMs)];
    }
    if (kind === 'clicked') return [change(person, 'hs_email_last_click_date', String(atMs), atMs)];
    return [this.#post(person, kind, atMs)];
  }

  #post(person: Person, kind: 'login' | 'called', atMs: number): Happening {
    const address = this.#faker.datatype.boolean(0.4) ? { email: person.email } : { contactId: person.id };
    const told = { contactId: person.id, address, atMs };
    if (kind === 'called')
      return { kind: 'workflow', ...told, workflowId: '77', signal: 'sales.called', properties: {} };
    return { kind: 'signal', ...told, signal: 'product.login', postId: this.#postId(), index: 0 };
  }

  #fade(person: Person): Happening {
    this.#count('fading');
    const atMs = this.#tick();
    person.fadingMs.push(atMs);
    const address = { contactId: person.id };
    const told = { contactId: person.id, address, atMs, postId: this.#postId(), index: 0 };
    return { kind: 'signal', ...told, signal: 'product.looked' };
  }

  #postId(): string {
    this.#posts += 1;
    return `msg_${this.#run}_${this.#posts}`;
  }

  #merge(person: Person): RecordHappening[] {
    const otherId = this.#blank.pop();
    if (otherId === undefined) return [];
    this.#count('merges');
    person.life = 'merged';
    return [{ kind: 'contact merge', primaryId: person.id, otherId, atMs: this.#tick() }];
  }

  #erase(person: Person): RecordHappening {
    this.#count('erasures');
    person.life = 'gone';
    return { kind: 'contact erasure', contactId: person.id, atMs: this.#tick() };
  }
}

function change({ id: contactId }: Person, property: string, value: string, atMs: number): Happening {
  return { kind: 'property', contactId, property, value, atMs, changeSource: 'CRM' };
}

function expectedOf(person: Person, sinceMs: number, nowMs: number): Expected {
  const { did, fadingMs, title, otherStatuses } = person;
  const fit = title === 'CTO' ? BOSS_POINTS : 0;
  const engagement = KINDS.reduce((sum, kind) => sum + did[kind] * POINTS[kind], 0);
  const at = (instantMs: number) => Math.round(fit + engagement + left(fadingMs, instantMs));
  return {
    score: [at(nowMs), at(sinceMs)],
    fit,
    isMerged: person.life === 'merged',
    facts: {
      'signal:product.login': did.login,
      'signal:sales.called': did.called,
      'signal:product.looked': fadingMs.length,
      'property:hs_lead_status': did.connected + otherStatuses,
      'property:recent_conversion_event_name': did.joined,
      'property:hs_email_last_click_date': did.clicked,
    },
  };
}

/** What is left of points that halve. */
function left(fadingMs: readonly number[], instantMs: number): number {
  let sum = 0;
  for (const atMs of fadingMs)
    sum += FADING_POINTS * 2 ** (-Math.max(0, instantMs - atMs) / (FADING_HALF_LIFE_HOURS * HOUR_MS));
  return sum;
}
