import type { Heard } from '../events/heard.ts';
import type { Message } from '../events/messages.ts';
import type { Count } from '../measured.ts';
import { isRise } from '../scoring/display.ts';
import { type Deal, FACTS_PER_FOLD, type Fact } from '../scoring/facts.ts';
import { type Model, usesTouches } from '../scoring/model.ts';
import { score } from '../scoring/score.ts';
import { TOUCH } from '../scoring/touches.ts';
import { askAround, type CompanyTable } from '../store/company-table.ts';
import type { ContactTable, Standing } from '../store/contact-table.ts';
import type { DealTable } from '../store/deal-table.ts';
import { companyIdOf, contactIdOf, contactKey, emailKey, recordKey, visitorKey } from '../store/keys.ts';
import type { WriteRequest } from '../store/queues.ts';
import type { Secret } from '../store/secrets.ts';
import { liveAgesMs, newestLiveMs } from './liveness.ts';
import type { Outcome } from './outcome.ts';
import { hearOfCompany, hearOfDeal, isRevivedBy } from './records.ts';

/** The write-back lanes the scorer uses: what somebody did, and what only faded. */
export type Lane = 'changes' | 'background';

/** Puts requests on a lane. @param delaySeconds - before which nobody receives them; none unless told */
export type SendRequests = (requests: readonly WriteRequest[], delaySeconds?: number) => Promise<void>;

export interface ScoringParts {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly contacts: ContactTable;
  readonly companies: CompanyTable;
  readonly deals: DealTable;
  readonly identityKey: Secret<{ key: string }>;
  readonly writeBack: Readonly<Record<Lane, SendRequests>> & {
    /** Where contacts go whose grade rises; undefined where they go the way of all changes. */
    readonly urgent?: SendRequests | undefined;
  };
  readonly count: Count;
}

/** Everything one invocation heard of one subject. */
export interface SubjectWork {
  readonly key: string;
  readonly heard: Heard[];
  readonly messageIds: Set<string>;
  isTickOnly: boolean;
}

/** What the messages of one invocation say, subject by subject: a contact is read and stored once for all of them. */
export async function groupBySubject(
  messages: readonly Message[],
  { identityKey }: ScoringParts,
): Promise<SubjectWork[]> {
  // The key is read only when an e-mail address needs it.
  const isKeyNeeded = messages.some(({ heard }) => heard.some(({ subject }) => subject.type === 'email'));
  const key = isKeyNeeded ? (await identityKey.read()).key : '';
  const work = new Map<string, SubjectWork>();
  const at = (partition: string, messageId: string): SubjectWork => {
    const subject = work.get(partition) ?? {
      key: partition,
      heard: [],
      messageIds: new Set<string>(),
      isTickOnly: true,
    };
    work.set(partition, subject);
    subject.messageIds.add(messageId);
    return subject;
  };
  for (const { messageId, portalId, heard, tick } of messages) {
    for (const contactId of tick) at(contactKey(portalId, contactId), messageId);
    for (const each of heard) {
      const subject = at(keyOf(portalId, each, key), messageId);
      subject.heard.push(each);
      subject.isTickOnly = false;
    }
  }
  return [...work.values()];
}

function keyOf(portalId: string, { subject }: Heard, identityKey: string): string {
  if (subject.type === 'contact') return contactKey(portalId, subject.id);
  if (subject.type === 'email') return emailKey(portalId, subject.email, identityKey);
  if (subject.type === 'visitor') return visitorKey(portalId, subject.visitorId);
  return recordKey(portalId, subject.type, subject.id);
}

/**
 * Keeps what was heard of a subject, folds all that is known of it and stores the score.
 *
 * @param isRedelivered - whether it was heard before, by somebody who may have kept the facts and then died: nobody has told their age
 */
export async function scoreSubject(
  work: SubjectWork,
  parts: ScoringParts,
  isRedelivered: boolean,
): Promise<Outcome> {
  const { key, heard } = work;
  const facts = heard.flatMap((each) => each.facts);
  const properties = heard.flatMap((each) => each.properties);
  const kept = await parts.contacts.keep(key, facts, properties); // Same fact, same row: redelivery is harmless.
  if (facts.length > 0) {
    parts.count('Facts', kept.length);
    parts.count('Duplicates', facts.length - kept.length);
  }
  const subject = heard[0]?.subject;
  if (subject?.type === 'company') return hearOfCompany(subject.id, heard, parts);
  if (subject?.type === 'deal') return hearOfDeal(subject.id, heard, parts);
  return scoreContact(work, subject, isRedelivered ? facts : kept, parts);
}

async function scoreContact(
  { key, heard, isTickOnly }: SubjectWork,
  subject: Heard['subject'] | undefined,
  news: readonly Fact[],
  parts: ScoringParts,
): Promise<Outcome> {
  const { contacts, model, clock, portalId, timeZone } = parts;
  for (const each of heard) await turn(key, each, parts);
  const nowMs = clock();
  let isFactLimitReached = false;
  let deals: readonly Deal[] = [];
  const rescore = () =>
    contacts.rescore(
      key,
      (contactId, known, previous) => {
        isFactLimitReached = known.facts.length >= FACTS_PER_FOLD;
        deals = known.deals ?? [];
        return score(model, { portalId, contactId, timeZone }, known, previous, nowMs);
      },
      nowMs,
    );
  let standing = await rescore();
  if (standing?.head.life === 'deleted') {
    const livingKey = contactKey(portalId, standing.contactId);
    if (await isRevivedBy(heard, (atMs) => contacts.revive(livingKey, atMs))) standing = await rescore();
  }
  const request = requestFor(standing, subject, newestLiveMs(heard, nowMs), portalId);
  countScored(standing, parts);
  const lane = isTickOnly || request === undefined ? 'background' : await laneOf(key, standing, parts);
  return {
    [lane]: request === undefined ? [] : [request],
    credits: areVisitsNew(heard, news) ? creditsOf(deals, parts) : [],
    rollUps: heard.some((each) => each.turn?.kind === 'restore') ? companyOf(standing, parts) : [],
    erased: heard.some((each) => each.turn?.kind === 'privacyDeletion')
      ? [contactIdOf(key, portalId)].flatMap((id) => id ?? [])
      : [],
    agesMs: standing === undefined ? [] : liveAgesMs(news, clock()),
    isFactLimitReached,
  };
}

/** Whether the contact may have visits that its deals are not credited to yet. */
function areVisitsNew(heard: readonly Heard[], news: readonly Fact[]): boolean {
  return news.some(({ name }) => name === TOUCH) || heard.some((each) => each.turn?.kind === 'visitor');
}

function creditsOf(deals: readonly Deal[], { portalId }: ScoringParts): WriteRequest[] {
  return deals.map(({ id: dealId }) => ({ portalId, dealId, creditOnly: true }));
}

function countScored(standing: Standing | undefined, { count }: ScoringParts): void {
  if (standing === undefined) return;
  count('ContactsScored', 1);
  if (standing.head.life === 'living' && !isToBeWritten(standing)) count('WritesSuppressed', 1);
}

/** A grade that rises is news. Of whom only the address is known, what waits there is scored as if it were all. */
async function laneOf(
  key: string,
  standing: Standing | undefined,
  { writeBack, contacts, model, portalId, timeZone, clock }: ScoringParts,
): Promise<'changes' | 'urgent'> {
  if (writeBack.urgent === undefined) return 'changes';
  const known = standing === undefined ? await contacts.waiting(key) : undefined;
  const shown =
    known === undefined
      ? standing?.head.shown
      : score(model, { portalId, contactId: '', timeZone }, known, undefined, clock()).shown;
  return isRise(model, standing?.previous?.grade ?? '', shown?.grade ?? '') ? 'urgent' : 'changes';
}

/** A contact that is back counts for its company again, also where HubSpot shows of itself what it did. */
function companyOf(standing: Standing | undefined, { model, portalId }: ScoringParts): string[] {
  const id = companyIdOf(standing?.head.company ?? '', portalId);
  return id === undefined || model.companyScore === undefined ? [] : [id];
}

function requestFor(
  standing: Standing | undefined,
  subject: Heard['subject'] | undefined,
  occurredAtMs: number | undefined,
  portalId: string,
): WriteRequest | undefined {
  const common = { portalId, ...(occurredAtMs !== undefined && { occurredAtMs }) };
  // Also after a duplicate: an earlier try may have died before its request was sent.
  if (standing !== undefined)
    return isToBeWritten(standing) ? { ...common, contactId: standing.contactId } : undefined;
  return subject?.type === 'email' ? { ...common, email: subject.email } : undefined; // Whose address is it?
}

/** What befell the record itself. */
async function turn(key: string, { turn: told, subject }: Heard, parts: ScoringParts): Promise<void> {
  const { contacts, portalId, clock } = parts;
  if (told?.kind === 'visitor') return bind(visitorKey(portalId, told.visitorId), key, parts);
  if (told === undefined || subject.type !== 'contact') return;
  if (told.kind === 'privacyDeletion') await leaving([key], () => contacts.erase(key), parts);
  else if (told.kind === 'deletion')
    await leaving([key], () => contacts.mark(key, 'deleted', told.atMs), parts);
  else if (told.kind === 'merge') {
    const oldKeys = told.oldIds.map((oldId) => contactKey(portalId, oldId));
    const unite = async () => {
      for (const oldKey of oldKeys) await contacts.unite(oldKey, key);
    };
    await leaving(oldKeys, unite, parts);
  } else {
    // While it was deleted HubSpot listed it under no company and no deal.
    if (told.kind === 'restore') await contacts.mark(key, 'living', told.atMs);
    // HubSpot's clock may be ahead of ours; what lies ahead would let no reading count until then.
    await contacts.forgetReading(key, Math.min(told.atMs, clock()));
  }
}

/** Whoever had the browser first keeps it. */
async function bind(visitor: string, key: string, { contacts, count }: ScoringParts): Promise<void> {
  if (!(await contacts.bind(visitor, key))) count('VisitorConflicts', 1);
}

/** Takes contacts away, and lets the companies be rolled up that they leave, and their deals be credited anew. */
async function leaving(
  keys: readonly string[],
  take: () => Promise<void>,
  parts: ScoringParts,
): Promise<void> {
  const { contacts, model, portalId, writeBack } = parts;
  if (model.companyScore === undefined && !usesTouches(model)) return take();
  const companyIds = model.companyScore === undefined ? [] : await contacts.companiesOf(keys);
  const deals = usesTouches(model) ? [...(await contacts.dealsOf(keys)).values()].flat() : [];
  const requests = [...companyIds.map((companyId) => ({ portalId, companyId })), ...creditsOf(deals, parts)];
  await askAround((delaySeconds) => writeBack.background(requests, delaySeconds), take);
}

function isToBeWritten({ head }: Standing): boolean {
  return head.life === 'living' && (head.writeId !== head.confirmedWriteId || head.readAtMs === undefined);
}
