import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import pMap from 'p-map';
import { chunks } from '../lambdas/chunks.ts';
import { CONTACTS_PER_TICK } from '../lambdas/events/envelope.ts';
import type { Fact } from '../lambdas/scoring/facts.ts';
import { TOUCH } from '../lambdas/scoring/touches.ts';
import {
  addressPartition,
  contactIdOf,
  contactKey,
  emailKey,
  isIdentityKey,
  visitorKey,
} from '../lambdas/store/keys.ts';
import { sendAll } from '../lambdas/store/queues.ts';
import type { Format } from './export.ts';
import { withFile } from './import-file.ts';
import { type FactRead, type LineRead, readImport, type WhoseImport } from './import-lines.ts';
import type { Progress } from './progress.ts';
import { queueUrl, type Target, UsageError } from './target.ts';

/** Lines that are kept together. */
const LINES_AT_ONCE = 500;
/** Partitions written to at once, each with up to 8 writes under way. */
const PARTITIONS_AT_ONCE = 8;
/** Contacts and addresses that are gathered before they are sent for: history by time names the same ones again and again. */
const MOST_GATHERED = 100_000;
/** Wrong lines that are told; the others are counted. */
const PROBLEMS_TOLD = 20;

export interface ImportOptions {
  /** Path, or `-` for standard input. */
  readonly file: string;
  /** Undefined: by the file's name, `.csv` or JSON lines. */
  readonly format?: Format | undefined;
  /** Bring in the others where some lines are wrong. */
  readonly skipInvalid?: boolean | undefined;
  /** Look at every line, and keep nothing. */
  readonly dryRun?: boolean | undefined;
  /** Called when facts begin to be kept: aborted when no more are to be. */
  readonly leaving?: (() => AbortSignal) | undefined;
}

/** What is wrong with a line. */
export interface LineProblem {
  readonly line: number;
  readonly problem: string;
}

export interface Imported {
  /** Lines that say what happened. Scores among them, and facts older than facts are kept, are passed over. */
  readonly facts: number;
  readonly scoresPassedOver: number;
  readonly expired: number;
  readonly invalid: number;
  /** Of the invalid lines the first {@link PROBLEMS_TOLD}. */
  readonly problems: readonly LineProblem[];
  /** Facts that were not there yet, and those that were. */
  readonly added: number;
  readonly known: number;
  /** Of contacts that a privacy deletion erased: not kept. */
  readonly erased: number;
  /** Contacts sent to be scored, and addresses of which HubSpot is asked whose they are; where there are very many, some more than once. */
  readonly contactsToScore: number;
  readonly addressesToResolve: number;
  readonly dryRun: boolean;
  /** It was left before its end: the same again goes on. */
  readonly isLeft: boolean;
}

type ImportTarget = Pick<Target, 'portalId' | 'store' | 'sqs' | 'queues' | 'clock'>;

/**
 * Brings in facts: those that were exported, or what happened before Afterglow was there. The same fact is the same row, so that all of it
 * may be done again, whole or in part, after an interruption too: what is there already stays as it is.
 *
 * @param standardInput - read where the file is `-`
 * @throws UsageError when the file cannot be read, or a line is wrong and these are not to be passed over; then nothing was kept
 */
export async function importFacts(
  target: ImportTarget,
  options: ImportOptions,
  standardInput: Readable,
  progress: Progress,
): Promise<Imported> {
  const { file, skipInvalid = false, dryRun = false, leaving } = options;
  const format = options.format ?? (extname(file).toLowerCase() === '.csv' ? 'csv' : 'jsonl');
  const { portalId, clock, store } = target;
  const context = { portalId, nowMs: clock(), factRetentionDays: store.factRetentionDays() };
  return withFile(file, standardInput, async (read) => {
    const lines = () => readImport(read(), format, context);
    const seen = await look(lines(), progress);
    if (seen.invalid > 0 && !skipInvalid) throw new UsageError(refusalOf(seen));
    if (dryRun) return { ...seen, ...NOTHING_KEPT, dryRun, isLeft: false };
    const left = leaving?.();
    const kept = await keepAll(lines(), seen.facts, target, progress, left);
    return { ...seen, ...kept, dryRun, isLeft: left?.aborted === true };
  });
}

type Seen = Pick<Imported, 'facts' | 'scoresPassedOver' | 'expired' | 'invalid' | 'problems'>;

async function look(lines: AsyncIterable<LineRead>, progress: Progress): Promise<Seen> {
  const seen = { facts: 0, scoresPassedOver: 0, expired: 0, invalid: 0 };
  let count = 0;
  const problems: LineProblem[] = [];
  for await (const read of lines) {
    if ('problem' in read) {
      seen.invalid += 1;
      if (problems.length < PROBLEMS_TOLD) problems.push(read);
    } else if ('factIn' in read) seen.facts += 1;
    else if (read.passedOver === 'score') seen.scoresPassedOver += 1;
    else seen.expired += 1;
    count += 1;
    if (count % LINES_AT_ONCE === 0) progress.at(`${count} lines looked at`);
  }
  return { ...seen, problems };
}

function refusalOf({ invalid, problems }: Seen): string {
  const lines = problems.map(({ line, problem }) => `  line ${line}: ${problem}`);
  const more = invalid - problems.length;
  return [
    `${invalid} ${invalid === 1 ? 'line is' : 'lines are'} wrong, and nothing was imported: put them right, or leave them out with --skip-invalid`,
    ...lines,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}

type Kept = Pick<Imported, 'added' | 'known' | 'erased' | 'contactsToScore' | 'addressesToResolve'>;

const NOTHING_KEPT: Kept = { added: 0, known: 0, erased: 0, contactsToScore: 0, addressesToResolve: 0 };

function sumOf(one: Kept, other: Kept): Kept {
  return {
    added: one.added + other.added,
    known: one.known + other.known,
    erased: one.erased + other.erased,
    contactsToScore: one.contactsToScore + other.contactsToScore,
    addressesToResolve: one.addressesToResolve + other.addressesToResolve,
  };
}

/** Whom facts were kept of since they were last sent for. */
interface Concerned {
  readonly contactIds: Set<string>;
  /** Those of the contacts of whom visits were kept: their deals are to be credited anew. */
  readonly visitorKeys: Set<string>;
  readonly emails: Set<string>;
}

/**
 * Keeps all facts, then has whoever they are about scored. That is asked for also where all of them were there already: whoever kept them
 * may have died before asking.
 */
async function keepAll(
  lines: AsyncIterable<LineRead>,
  total: number,
  target: ImportTarget,
  progress: Progress,
  left: AbortSignal | undefined,
): Promise<Kept> {
  const sinceMs = Date.now();
  const concerned: Concerned = { contactIds: new Set(), visitorKeys: new Set(), emails: new Set() };
  let kept = NOTHING_KEPT;
  try {
    for await (const batch of batchesOf(lines)) {
      kept = sumOf(kept, await keepBatch(batch, concerned, target));
      if (concerned.contactIds.size + concerned.emails.size >= MOST_GATHERED)
        kept = sumOf(kept, await sendFor(concerned, target));
      const count = kept.added + kept.known + kept.erased;
      const perSecond = Math.round((1000 * count) / Math.max(1, Date.now() - sinceMs));
      progress.at(`${count} of ${total} facts, ${perSecond} a second`);
      if (left?.aborted === true) break;
    }
  } finally {
    // Also when it ends before its time: what is kept by then counts.
    kept = sumOf(kept, await sendFor(concerned, target));
  }
  return kept;
}

async function* batchesOf(lines: AsyncIterable<LineRead>): AsyncGenerator<FactRead[]> {
  let batch: FactRead[] = [];
  for await (const read of lines) {
    if ('factIn' in read) batch.push(read);
    if (batch.length < LINES_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function keepBatch(
  batch: readonly FactRead[],
  concerned: Concerned,
  { portalId, store }: ImportTarget,
): Promise<Kept> {
  const placed = await partitionsOf(batch, store);
  const living = placed.filter(({ isErased }) => !isErased);
  for (const { key, email, fact } of living) {
    const contactId = contactIdOf(key, portalId);
    if (contactId !== undefined) concerned.contactIds.add(contactId);
    if (contactId !== undefined && fact.name === TOUCH) concerned.visitorKeys.add(key);
    if (email !== undefined) concerned.emails.add(email.toLowerCase());
  }
  const added = await pMap(
    Map.groupBy(living, ({ key }) => key),
    async ([key, those]) => {
      const facts = those.map(({ fact }) => fact);
      return (await store.contacts.keep(key, facts, [])).length;
    },
    { concurrency: PARTITIONS_AT_ONCE },
  );
  const news = added.reduce((sum, count) => sum + count, 0);
  return {
    ...NOTHING_KEPT,
    added: news,
    known: living.length - news,
    erased: placed.length - living.length,
  };
}

/** Has contacts scored and deals credited, and asks HubSpot whose addresses are; then they are no longer concerned. */
async function sendFor(
  { contactIds, visitorKeys, emails }: Concerned,
  { portalId, sqs, queues, store }: ImportTarget,
): Promise<Kept> {
  const ticks = chunks([...contactIds], CONTACTS_PER_TICK).map((ids) => ({ portalId, contactIds: ids }));
  await sendAll(sqs, queueUrl(queues, 'Ticks'), ticks);
  const deals = [...(await store.contacts.dealsOf([...visitorKeys])).values()].flat();
  const requests = [
    ...[...emails].map((email) => ({ portalId, email })),
    ...[...new Set(deals.map(({ id }) => id))].map((dealId) => ({ portalId, dealId, creditOnly: true })),
  ];
  await sendAll(sqs, queueUrl(queues, 'Background'), requests);
  const sent = { ...NOTHING_KEPT, contactsToScore: contactIds.size, addressesToResolve: emails.size };
  contactIds.clear();
  visitorKeys.clear();
  emails.clear();
  return sent;
}

/** A fact and where it is to be kept. */
interface Placed {
  readonly key: string;
  readonly fact: Fact;
  readonly isErased: boolean;
  /** Where that is all that was said of whose it is. */
  readonly email: string | undefined;
}

async function partitionsOf(batch: readonly FactRead[], store: ImportTarget['store']): Promise<Placed[]> {
  const { portalId, contacts } = store;
  const isKeyNeeded = batch.some(({ whose }) => 'email' in whose);
  const identityKey = isKeyNeeded ? await store.readIdentityKey() : '';
  const said = batch.map((read) => ({ read, key: partitionOf(read.whose, portalId, identityKey) }));
  const heads = await contacts.heads(said.map(({ key }) => key));
  const aliases = [...heads.values()].map(({ alias = '' }) => alias);
  // A browser may be an address's, and that a contact's.
  const addresses = await contacts.heads(aliases.filter((alias) => isIdentityKey(alias, portalId)));
  return said.map(({ read, key }) => {
    const head = heads.get(key);
    const alias = head?.alias ?? key;
    const email = 'email' in read.whose ? read.whose.email : undefined;
    return {
      // Where it was merged into another contact, that has its facts; so has whose an address turned out to be. Of an address itself
      // HubSpot is asked: it may be somebody else's by now.
      key: email === undefined ? (addresses.get(alias)?.alias ?? alias) : key,
      fact: read.factIn(key),
      isErased: head?.life === 'erased',
      email,
    };
  });
}

function partitionOf(whose: WhoseImport, portalId: string, identityKey: string): string {
  if ('contactId' in whose) return contactKey(portalId, whose.contactId);
  if ('visitorId' in whose) return visitorKey(portalId, whose.visitorId);
  return 'email' in whose
    ? emailKey(portalId, whose.email, identityKey)
    : addressPartition(portalId, whose.addressKey);
}

/** What was done, for people. */
export function formatImport(imported: Imported): string {
  const { facts, scoresPassedOver, expired, invalid, problems, added, known, erased } = imported;
  const { contactsToScore, addressesToResolve, dryRun, isLeft } = imported;
  const parts = dryRun
    ? [`${facts} facts could be imported; nothing was kept`]
    : [
        `${added} facts added, ${known} were there already${erased > 0 ? `, ${erased} of erased contacts left out` : ''}`,
        `${contactsToScore} contacts are scored anew, ${addressesToResolve} addresses looked for in HubSpot`,
      ];
  return [
    ...parts,
    ...(isLeft ? ['Stopped before the end: the same command again goes on.'] : []),
    ...(scoresPassedOver > 0 ? [`${scoresPassedOver} scores passed over: they are reckoned from facts`] : []),
    ...(expired > 0
      ? [`${expired} facts passed over: older than facts are kept (setting factRetentionDays)`]
      : []),
    ...(invalid > 0 ? [`${invalid} wrong lines left out, the first of them:`] : []),
    ...problems.map(({ line, problem }) => `  line ${line}: ${problem}`),
  ].join('\n');
}
