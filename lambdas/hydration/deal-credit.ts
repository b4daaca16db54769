import type { Logger } from '@aws-lambda-powertools/logger';
import { type CreditedDeal, creditOf, type DealTouch, type RemovalEffects } from '../attribution/credit.ts';
import { RetryableError } from '../errors.ts';
import { dealOutputValues, dealWriteId } from '../hubspot/deal-outputs.ts';
import type { RecordWithHistories } from '../hubspot/histories.ts';
import type { Attribution } from '../scoring/model-file.ts';
import { sourceKeyOf } from '../scoring/sources.ts';
import { touchesOf } from '../scoring/touches.ts';
import type { DealHead, DealTable } from '../store/deal-table.ts';
import { contactKey } from '../store/keys.ts';
import {
  CREDIT_HISTORIES,
  CREDIT_PROPERTIES,
  creditedDealOf,
  mergedInto,
  namesNoCurrency,
} from './credited-deal.ts';
import { restatementOf } from './deal-log.ts';
import { type Each, each, foundOrThrow, isFailure } from './each.ts';
import type { Hydration } from './hydrate.ts';
import { type Links, readLinks, readRecords } from './reading.ts';

/** How often a credit is computed anew after somebody else stored first. */
const STORE_TRIES = 12;
/** HubSpot may for so long still hand out a record that was deleted; what it hands out later lives. */
const BEHIND_MS = 15 * 60_000;

/** What crediting deals needs besides what contacts need. */
export interface CreditParts {
  readonly deals: DealTable;
  /** How much each source matters, and how many closed deals tell of it: 0 while no night computed it. */
  readonly effects: { read(): Promise<{ readonly effects: RemovalEffects; readonly deals: number }> };
  /** In which amounts are that name no currency, ISO 4217; `''` where HubSpot never told. */
  readonly companyCurrency: () => Promise<string>;
  /** Told of every credit that became another, as the log of the deal is. */
  readonly logger: Pick<Logger, 'info'>;
}

type CreditRun = Hydration & CreditParts;

/** A deal as HubSpot told of it in this run. */
interface DealRead {
  readonly record: RecordWithHistories;
  readonly contactIds: readonly string[];
  /** Epoch milliseconds at which HubSpot was asked for the first of it. */
  readonly atMs: number;
  /** Of amounts that name none. */
  readonly currency: string;
}

/**
 * Reads deals from HubSpot and credits them to the visits of their contacts, as far as these are kept.
 *
 * @param rules - by which credit is given: those of the model
 * @param links - whose each deal is, by its id
 * @returns by id as asked for, the heads as they stand then: those merged away under their living id, none for those that HubSpot does
 *   not have, which are marked so
 */
export async function creditDeals(
  rules: Attribution,
  links: ReadonlyMap<string, Links>,
  run: CreditRun,
): Promise<Each<DealHead>> {
  const ids = [...links.keys()];
  const records = await readDeals(ids, run);
  const moved = [...records].flatMap(([id, record]) =>
    record === undefined || isFailure(record) || record.id === id ? [] : [record.id],
  );
  // Of a record that was merged away HubSpot no longer says whose it was.
  const linksOfMoved = await readLinks(run, ['deals', 'contacts'], [...new Set(moved)]);
  return each(ids, async (id) => {
    const record = foundOrThrow(records.get(id));
    if (record === undefined) return noteDealGone(id, run);
    const { to, atMs } = foundOrThrow(linksOfMoved.get(record.id)) ??
      links.get(id) ?? { to: [], atMs: run.startedAtMs };
    const currency = namesNoCurrency(record) ? await run.companyCurrency() : '';
    return credit({ record, contactIds: to.map((contact) => contact.id), atMs, currency }, rules, run);
  });
}

function readDeals(ids: readonly string[], { hubSpot }: CreditRun): Promise<Each<RecordWithHistories>> {
  const { deals } = hubSpot;
  return readRecords(
    {
      lookUp: (id, names) => deals.lookUp(id, names),
      read: (some, names) => deals.readWithHistories(some, names, CREDIT_HISTORIES),
    },
    ids,
    CREDIT_PROPERTIES,
  );
}

/** HubSpot has no such deal: it is in no report. A restore since this run began wins. */
export async function noteDealGone(dealId: string, { deals, startedAtMs }: CreditRun): Promise<undefined> {
  if ((await deals.kept([dealId])).has(dealId)) await deals.mark(dealId, 'deleted', startedAtMs);
}

/**
 * Computes a credit and stores it, on condition that nobody stored since the head was read; else from the beginning. The head is read
 * before the visits and raised by every store: whoever keeps a visit has the deal credited afterwards, and of two stores that saw
 * different visits one fails and sees all.
 *
 * @returns undefined for a deal that was deleted since it was read
 */
async function credit(read: DealRead, rules: Attribution, run: CreditRun): Promise<DealHead | undefined> {
  const { record } = read;
  await uniteMerged(record, run);
  for (let tries = 0; tries < STORE_TRIES; tries++) {
    const head = await livingHead(read, run);
    if (head === undefined || head.dealId !== record.id) return head; // Merged away meanwhile: who told of it has that one credited.
    const stored = await storeCredit(head, read, rules, run);
    if (stored !== undefined) return stored;
  }
  throw new RetryableError(`others credited the deal ${STORE_TRIES} times first`);
}

/** Deals that HubSpot lists as merged into one, and of which nobody told us. */
async function uniteMerged(record: RecordWithHistories, { deals }: CreditRun): Promise<void> {
  const heads = await deals.heads(mergedInto(record));
  for (const [oldId, { revision, dealId }] of heads)
    if (revision > 0 && dealId !== record.id) await deals.unite(oldId, record.id);
}

/** @returns undefined for one that was deleted after it last changed, just before it was read: HubSpot may not have noticed yet */
async function livingHead(
  { record: { id, updatedAtMs }, atMs }: DealRead,
  { deals }: CreditRun,
): Promise<DealHead | undefined> {
  const head = (await deals.heads([id])).get(id);
  if (head?.life !== 'deleted') return head;
  // Being restored need not change a record, and nobody may have told of it.
  const livesSinceMs = Math.max(updatedAtMs, atMs - BEHIND_MS);
  return (await deals.revive(id, livesSinceMs)) ? (await deals.heads([id])).get(id) : undefined;
}

/** @returns the head as stored; undefined when somebody was first */
async function storeCredit(
  head: DealHead,
  read: DealRead,
  rules: Attribution,
  run: CreditRun,
): Promise<DealHead | undefined> {
  const { deals, model, portalId, clock } = run;
  const { deal, ...reading } = newestOf(head, read);
  const credited = creditOf(deal, await touchesOfDeal(deal, run), rules, await effectsFor(rules, run));
  const restatement = await restatementOf(head, { deal, credit: credited }, run);
  const writeId = dealWriteId(portalId, deal.id, dealOutputValues(deal, credited, model));
  const next = { deal, credit: credited, model: model.id, writeId, restatement, ...reading };
  const stored = await deals.store(head, next, clock());
  if (stored !== undefined && restatement !== undefined) {
    const { why, from, to } = restatement;
    run.logger.info('deal credited', { dealId: deal.id, why, from, to });
  }
  return stored;
}

/**
 * A deal as it is known best. Of two readings the older may well be stored last: what it is goes by HubSpot's own time of its last change,
 * whose it is by when HubSpot was asked.
 */
function newestOf(
  { deal: before, readAtMs = 0, updatedAtMs = 0 }: DealHead,
  { record, contactIds, atMs, currency }: DealRead,
): { readonly deal: CreditedDeal; readonly readAtMs: number; readonly updatedAtMs: number } {
  const wasAskedLater = readAtMs > atMs;
  const isOlder = record.updatedAtMs < updatedAtMs || (record.updatedAtMs === updatedAtMs && wasAskedLater);
  const newestIds = before !== undefined && wasAskedLater ? before.contactIds : contactIds;
  const told = creditedDealOf(record, newestIds, currency, before);
  return {
    deal: before !== undefined && isOlder ? { ...before, contactIds: told.contactIds } : told,
    readAtMs: Math.max(readAtMs, atMs),
    updatedAtMs: Math.max(updatedAtMs, record.updatedAtMs),
  };
}

/** The visits of all contacts of a deal, as they are kept now. */
async function touchesOfDeal(
  { contactIds }: CreditedDeal,
  { contacts, portalId, model }: CreditRun,
): Promise<DealTouch[]> {
  const kept = await contacts.touchesOf(contactIds.map((id) => contactKey(portalId, id)));
  return contactIds.flatMap((contactId) =>
    touchesOf(kept.get(contactKey(portalId, contactId)) ?? [], model.sources).map((touch) => ({
      source: sourceKeyOf(touch),
      atMs: touch.atMs,
      contactId,
      key: touch.key,
    })),
  );
}

/** Read after the head, as the visits are: the night that computed them has every deal credited afterwards. */
async function effectsFor(
  { models }: Attribution,
  { effects }: CreditRun,
): Promise<RemovalEffects | undefined> {
  if (!models.includes('markov')) return undefined;
  const { effects: bySource, deals } = await effects.read();
  return deals === 0 ? undefined : bySource;
}
