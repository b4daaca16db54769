// Makes planned happenings happen: changes in the simulated HubSpot, which tells of them by itself, and posts of our own.
import { base, en, Faker } from '@faker-js/faker';
import { Webhook } from 'standardwebhooks';
import type { Crm } from '../hubspot/crm.ts';
import { signV3 } from '../hubspot/sign.ts';
import type { Happening, PropertyHappening, SignalHappening, WorkflowHappening } from './happenings.ts';
import type { DealHappening, RecordHappening } from './record-happenings.ts';
import { type Identification, SITE, type Visit, type VisitHappening } from './visit-happenings.ts';

/** Posts in flight at once. */
const IN_FLIGHT = 8;
/** Tries of one post before the demo gives up, and the wait after the first; it doubles. */
const TRIES = 6;
const FIRST_WAIT_MS = 200;
/** Longest a sender waits for an answer. */
const ANSWER_LIMIT_MS = 30_000;
/** Of 100 posts, those that are sent a second time, and of these those that are sent a third. */
const REPEATED_PERCENT = 40;
/** How often progress is told. */
const PROGRESS_MS = 250;

type Changers = Pick<
  Crm,
  'set' | 'get' | 'create' | 'associate' | 'merge' | 'delete' | 'restore' | 'privacyDelete'
>;

/** The part of the HubSpot simulator that is needed here. */
export interface PlayedPortal {
  readonly crm: Changers;
  /** Accepted webhook deliveries since the start: events with repeats, and without. */
  delivered(): { readonly events: number; readonly distinct: number };
  /** Until all webhooks are delivered or given up. */
  settled(): Promise<void>;
}

export interface Play {
  readonly simulator: PlayedPortal;
  /** Scheme, host and port of ingest, no slash at the end. */
  readonly ingestUrl: string;
  /** `whsec_` and Base64, or Base64 alone: signs posts to /signals. */
  readonly signalsSecret: string;
  /** Signs posts to /webhooks/workflow as HubSpot does. */
  readonly clientSecret: string;
  readonly happenings: readonly Happening[];
  /** What happens to companies, deals and whole contacts. @default nothing */
  readonly records?: readonly RecordHappening[];
  /** Who visited: what HubSpot noted of it is among the happenings. @default nobody */
  readonly visits?: readonly VisitHappening[];
  /** Is filled with when ingest first took a page's word for a visit, epoch milliseconds, by session id. */
  readonly told?: Map<string, number>;
  /** Ids of the deals that were made so far, by name: for a play that goes on from another. @default none */
  readonly dealIds?: DealIds;
  /** @default 7 */
  readonly seed?: number;
  /** Called several times a second with what ingest has taken so far. */
  readonly onProgress?: (soFar: Played) => void;
}

export interface Played {
  /** Events that ingest took, repeats counted: webhook events, signals and workflow posts. */
  readonly delivered: number;
  /** The same without repeats. */
  readonly distinct: number;
}

/**
 * Makes everything happen, and returns when ingest has taken it all. HubSpot's past is made first and at once, each
 * contact's in the order of time, so that nobody reads a contact halfway through it; webhooks of it, posts and repeats
 * then arrive in any order.
 *
 * @throws Error when ingest refuses a post or does not take it after {@link TRIES} tries
 */
export async function playHappenings(play: Play): Promise<Played> {
  const { simulator, happenings, records = [], dealIds = new Map(), seed = 7, onProgress } = play;
  const before = simulator.delivered();
  const own = { delivered: 0, distinct: 0 };
  const soFar = (): Played => {
    const { events, distinct } = simulator.delivered();
    return {
      delivered: events - before.events + own.delivered,
      distinct: distinct - before.distinct + own.distinct,
    };
  };
  const faker = new Faker({ locale: [en, base], seed });
  const sendings = withRepeats(faker, [...signalPosts(play), ...workflowPosts(play), ...visitPosts(play)]);
  const timer = setInterval(() => onProgress?.(soFar()), PROGRESS_MS);
  try {
    changeAll(simulator.crm, faker, happenings);
    changeRecords(simulator.crm, records, dealIds);
    await sendAll(sendings, (post) => {
      own.delivered += post.events;
      if (!post.isRepeat) own.distinct += post.events;
      const { sessionId = '' } = post;
      if (sessionId !== '' && play.told?.has(sessionId) === false) play.told.set(sessionId, Date.now());
    });
    await simulator.settled();
  } finally {
    clearInterval(timer);
  }
  onProgress?.(soFar());
  return soFar();
}

function changeAll(crm: Pick<Crm, 'set'>, faker: Faker, happenings: readonly Happening[]): void {
  const changes = happenings.filter((happening) => happening.kind === 'property');
  const byContact = Map.groupBy(changes, ({ contactId }) => contactId);
  for (const ofOne of faker.helpers.shuffle([...byContact.values()])) changeOne(crm, ofOne);
}

function changeOne(crm: Pick<Crm, 'set'>, changes: readonly PropertyHappening[]): void {
  for (const { contactId, property, value, atMs, changeSource } of changes.toSorted(
    (a, b) => a.atMs - b.atMs,
  )) {
    const source =
      changeSource === 'CRM_UI' ? { changeSource, sourceId: 'userId:882761034' } : { changeSource };
    crm.set('contacts', contactId, { [property]: value }, { atMs, source });
  }
}

/** Deals of a plan by their names, as the portal knows them. */
type DealIds = Map<string, string>;

function changeRecords(crm: Changers, records: readonly RecordHappening[], dealIds: DealIds): void {
  for (const one of records.toSorted((a, b) => a.atMs - b.atMs)) {
    const { atMs } = one;
    if (one.kind === 'company') crm.set('companies', one.companyId, { [one.property]: one.value }, { atMs });
    if (one.kind === 'move')
      crm.associate('contacts', one.contactId, 'companies', one.companyId, { atMs, primary: true });
    if (one.kind === 'merge') crm.merge('companies', one.primaryId, one.otherId, { atMs });
    if (one.kind === 'contact merge') crm.merge('contacts', one.primaryId, one.otherId, { atMs });
    if (one.kind === 'contact deletion') crm.delete('contacts', one.contactId, { atMs });
    if (one.kind === 'contact return') crm.restore('contacts', one.contactId, { atMs });
    if (one.kind === 'contact erasure') crm.privacyDelete(one.contactId, { atMs });
    changeDeal(crm, dealIds, one);
  }
}

/** HubSpot works out by itself what a stage means, and when the deal closed. */
function changeDeal(crm: Changers, dealIds: DealIds, one: RecordHappening): void {
  const { atMs } = one;
  if (one.kind === 'deal') moveDeal(crm, dealIds, one);
  if (one.kind === 'deal change') crm.set('deals', idOf(dealIds, one.deal), one.values, { atMs });
  if (one.kind === 'deal contact')
    crm.associate('deals', idOf(dealIds, one.deal), 'contacts', one.contactId, { atMs });
  if (one.kind === 'deal deletion') crm.delete('deals', idOf(dealIds, one.deal), { atMs });
  if (one.kind !== 'deal merge') return;
  const merged = crm.merge('deals', idOf(dealIds, one.deal), idOf(dealIds, one.other), { atMs });
  dealIds.set(one.deal, merged);
  dealIds.set(one.other, merged);
}

function moveDeal(crm: Changers, dealIds: DealIds, one: DealHappening): void {
  const { deal, contactIds, stage: dealstage, values = {}, atMs } = one;
  const known = dealIds.get(deal);
  if (known !== undefined) return crm.set('deals', known, { dealstage }, { atMs });
  const id = crm.create('deals', { dealname: deal, pipeline: 'default', dealstage, ...values }, { atMs });
  dealIds.set(deal, id);
  for (const contactId of contactIds) crm.associate('deals', id, 'contacts', contactId, { atMs });
}

function idOf(dealIds: DealIds, deal: string): string {
  const id = dealIds.get(deal);
  if (id === undefined) throw new Error(`${deal} was never made`);
  return id;
}

/** One post with everything that stays the same when it is repeated; each try is signed anew. */
interface Post {
  readonly url: string;
  readonly body: string;
  readonly events: number;
  /** Of a page's post: the visit it tells of. */
  readonly sessionId?: string | undefined;
  readonly sign: (nowMs: number) => Record<string, string>;
}

function signalPosts(play: Play): Post[] {
  const signals = play.happenings.filter((happening) => happening.kind === 'signal');
  return [...Map.groupBy(signals, ({ postId }) => postId)].map(([postId, together]) => {
    const items = together.toSorted((a, b) => a.index - b.index).map((signal) => signalBody(signal));
    return { ...signedPost(play, postId, items.length === 1 ? items[0] : items), events: items.length };
  });
}

/** A post to /signals that carries one event. */
function signedPost({ ingestUrl, signalsSecret }: Play, postId: string, content: unknown): Post {
  const signer = new Webhook(signalsSecret);
  const body = JSON.stringify(content);
  const sign = (nowMs: number) => ({
    'webhook-id': postId,
    'webhook-timestamp': String(Math.floor(nowMs / 1000)),
    'webhook-signature': signer.sign(postId, new Date(nowMs), body),
  });
  return { url: `${ingestUrl}/signals`, body, events: 1, sign };
}

function signalBody({ signal, atMs, address }: SignalHappening): Record<string, string | number> {
  // Both forms of time are taken; which one a system sends does not change between its tries.
  return { signal, occurredAt: atMs % 2 === 0 ? new Date(atMs).toISOString() : atMs, ...address };
}

/** What a browser says of itself, and what a crawler does. */
const BROWSER =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** Pages tell of a visit as the snippet does, servers by a signed signal; what HubSpot alone saw nobody posts. */
function visitPosts(play: Play): Post[] {
  return (play.visits ?? []).flatMap((one): Post[] => {
    if (one.kind === 'identification')
      return one.signal === undefined ? [] : [identifyPost(play, one, one.signal)];
    if (one.own === undefined) return [];
    return [one.own.by === 'browser' ? sessionPost(play, one, one.own) : serverPost(play, one, one.own)];
  });
}

type OwnSight = NonNullable<Visit['own']>;

/** Nothing is signed: everybody can read what a page sends. */
function sessionPost(
  { ingestUrl }: Play,
  { url, arrival: { referrer } }: Visit,
  { visitorId, sessionId, isBot }: OwnSight,
): Post {
  const body = JSON.stringify({ visitorId, sessionId, url, referrer });
  const headers = { origin: SITE, 'user-agent': isBot ? CRAWLER : BROWSER };
  return { url: `${ingestUrl}/sessions`, body, events: 1, sessionId, sign: () => headers };
}

function serverPost(
  play: Play,
  { url, atMs: occurredAt, arrival: { referrer } }: Visit,
  { visitorId, sessionId, address, postId }: OwnSight,
): Post {
  return signedPost(play, postId, {
    signal: 'session',
    occurredAt,
    visitorId,
    sessionId,
    ...address,
    url,
    referrer,
    userAgent: BROWSER,
  });
}

function identifyPost(
  play: Play,
  { visitorId, atMs: occurredAt }: Identification,
  { address, postId }: NonNullable<Identification['signal']>,
): Post {
  return signedPost(play, postId, { signal: 'identify', occurredAt, visitorId, ...address });
}

function workflowPosts({ happenings, ingestUrl, clientSecret }: Play): Post[] {
  const url = `${ingestUrl}/webhooks/workflow`;
  return happenings
    .filter((happening) => happening.kind === 'workflow')
    .map((happening) => {
      const body = workflowBody(happening);
      const sign = (timestamp: number) => ({
        'x-hubspot-signature-v3': signV3({ method: 'POST', uri: url, body, secret: clientSecret, timestamp }),
        'x-hubspot-request-timestamp': String(timestamp),
      });
      return { url, body, events: 1, sign };
    });
}

function workflowBody({ workflowId, signal, atMs, address, properties }: WorkflowHappening): string {
  return JSON.stringify({ workflowId, ...address, signal, time: new Date(atMs).toISOString(), properties });
}

interface Sending extends Post {
  readonly isRepeat: boolean;
}

function withRepeats(faker: Faker, posts: readonly Post[]): Sending[] {
  const sendings = posts.flatMap((post) => {
    const again = faker.datatype.boolean(REPEATED_PERCENT / 100);
    const onceMore = again && faker.datatype.boolean(REPEATED_PERCENT / 100);
    const repeats = [again, onceMore].filter(Boolean).map(() => ({ ...post, isRepeat: true }));
    return [{ ...post, isRepeat: false }, ...repeats];
  });
  return faker.helpers.shuffle(sendings);
}

/** Rejects with the first failure, once nothing is in flight any more. */
async function sendAll(sendings: readonly Sending[], onTaken: (post: Sending) => void): Promise<void> {
  const waiting = [...sendings];
  const failures: unknown[] = [];
  const sendSome = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      try {
        await send(next);
        onTaken(next);
      } catch (error) {
        failures.push(error);
        waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sendSome));
  if (failures.length > 0) throw failures[0];
}

/** Sends one post, again as long as ingest cannot take it. */
async function send({ url, body, sign }: Post): Promise<void> {
  let last = 'no answer';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await pause(FIRST_WAIT_MS * 2 ** (attempt - 1));
    const headers = { 'content-type': 'application/json', ...sign(Date.now()) };
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      await answer.arrayBuffer();
      if (answer.ok) return;
      last = `status ${answer.status}`;
      if (answer.status !== 429 && answer.status < 500) break;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
  }
  throw new Error(`${new URL(url).pathname} did not take a post: ${last}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
