import type { Heard } from '../events/heard.ts';
import type { Message } from '../events/messages.ts';
import { FACTS_PER_FOLD } from '../scoring/facts.ts';
import type { Model } from '../scoring/model.ts';
import { score } from '../scoring/score.ts';
import type { ContactTable, Standing } from '../store/contact-table.ts';
import { contactKey, emailKey, recordKey } from '../store/keys.ts';
import type { WriteRequest } from '../store/queues.ts';
import type { Secret } from '../store/secrets.ts';

export interface ScoringParts {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly contacts: ContactTable;
  readonly identityKey: Secret<{ key: string }>;
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
  return recordKey(portalId, subject.type, subject.id);
}

/** What came of one subject. */
export interface SubjectScore {
  /** What write-back is to do, if anything. */
  readonly request: WriteRequest | undefined;
  /** More facts stand there than one fold looks at. */
  readonly isFactLimitReached: boolean;
}

/** Keeps what was heard of a subject, folds all that is known of it and stores the score. */
export async function scoreSubject({ key, heard }: SubjectWork, parts: ScoringParts): Promise<SubjectScore> {
  const { contacts, model, clock, portalId, timeZone } = parts;
  const facts = heard.flatMap((each) => each.facts);
  await contacts.keep(
    key,
    facts, // Same fact, same row: redelivery is harmless.
    heard.flatMap((each) => each.properties),
  );
  const subject = heard[0]?.subject;
  let isFactLimitReached = false;
  if (subject?.type === 'company' || subject?.type === 'deal')
    return { request: undefined, isFactLimitReached };
  for (const each of heard) await turn(key, each, parts);
  const nowMs = clock();
  const standing = await contacts.rescore(
    key,
    (contactId, known, previous) => {
      isFactLimitReached = known.facts.length >= FACTS_PER_FOLD;
      return score(model, { portalId, contactId, timeZone }, known, previous, nowMs);
    },
    nowMs,
  );
  return { request: requestFor(standing, subject, portalId), isFactLimitReached };
}

function requestFor(
  standing: Standing | undefined,
  subject: Heard['subject'] | undefined,
  portalId: string,
): WriteRequest | undefined {
  // Also after a duplicate: an earlier try may have died before its request was sent.
  if (standing !== undefined)
    return isToBeWritten(standing) ? { portalId, contactId: standing.contactId } : undefined;
  return subject?.type === 'email' ? { portalId, email: subject.email } : undefined; // Whose address is it?
}

/** What befell the record itself. */
async function turn(
  key: string,
  { turn: told, subject }: Heard,
  { contacts, portalId }: ScoringParts,
): Promise<void> {
  if (told === undefined || subject.type !== 'contact') return;
  if (told.kind === 'privacyDeletion') await contacts.erase(key);
  else if (told.kind === 'deletion') await contacts.mark(key, 'deleted', told.atMs);
  else if (told.kind === 'restore') await contacts.mark(key, 'living', told.atMs);
  else if (told.kind === 'address') await contacts.forgetReading(key, told.atMs);
  else if (told.kind === 'merge')
    for (const oldId of told.oldIds) await contacts.unite(contactKey(portalId, oldId), key);
}

function isToBeWritten({ head }: Standing): boolean {
  return head.life === 'living' && (head.writeId !== head.confirmedWriteId || head.readAtMs === undefined);
}
