import * as v from 'valibot';
import type { Credit, CreditedDeal } from '../attribution/credit.ts';
import { CREDIT_MODELS } from '../scoring/model-file.ts';
import { dealIdOf, dealRollShardKey, recordKey } from './keys.ts';
import { type PartitionOptions, Partitions } from './partitions.ts';
import { RecordHeads } from './record-heads.ts';
import { DEALS, RollIndex } from './roll-index.ts';
import { rollPlace, type Writes } from './rows.ts';

/** Why a deal's credit became another. */
export const RESTATED_BY = [
  'first credit',
  'amount',
  'stage',
  'reopened',
  'contacts',
  'touches',
  'merge',
  'model',
  'removal effects',
] as const;

/** A line of a deal's log. */
export interface Restatement {
  /** Epoch milliseconds at which it was stored. */
  readonly atMs: number;
  readonly why: (typeof RESTATED_BY)[number];
  /** In a few words what was credited before and after, such as `ChatGPT 400.00, Google 600.00 USD`; `from` is empty at first. */
  readonly from: string;
  readonly to: string;
}

/** The first row of a deal's partition: its credit, and what HubSpot knows of it. */
export interface DealHead {
  /** The id under which it lives now. */
  readonly dealId: string;
  readonly revision: number;
  readonly life: 'living' | 'deleted' | 'erased';
  readonly oldIds: readonly string[];
  /** How many of these the credit knows of. */
  readonly creditedOldIds: number;
  /** As it was last read; undefined while it never was. */
  readonly deal: CreditedDeal | undefined;
  readonly credit: Credit | undefined;
  /** The newest first, at most 20. */
  readonly log: readonly Restatement[];
  /** How many lines were left out of the log. */
  readonly logCut: number;
  /** Id of the model by which it was credited. */
  readonly model: string | undefined;
  readonly writeId: string | undefined;
  readonly confirmedWriteId: string | undefined;
  /** Epoch milliseconds. */
  readonly shownAtMs: number | undefined;
  /** When HubSpot was last asked for it; undefined since another was merged into it. */
  readonly readAtMs: number | undefined;
  /** When it last changed in HubSpot, by HubSpot's own clock, as far as was read. */
  readonly updatedAtMs: number | undefined;
  /** Undefined before the first write. */
  readonly writes: Writes | undefined;
}

/** One page of the deals that live, by id. */
export interface DealPage {
  readonly deals: readonly DealHead[];
  /** Where the next page begins; undefined after the last one. */
  readonly after: string | undefined;
}

/** What is stored with a credit. */
export interface Credited {
  readonly deal: CreditedDeal;
  readonly credit: Credit;
  /** Id of the model. */
  readonly model: string;
  readonly writeId: string;
  /** Epoch milliseconds at which HubSpot was asked for the deal. */
  readonly readAtMs: number;
  /** Epoch milliseconds at which it had last changed in HubSpot. */
  readonly updatedAtMs: number;
  /** The line for the log; undefined where nothing became another. */
  readonly restatement: Restatement | undefined;
}

/** Deals of one page. */
const DEALS_PER_PAGE = 100;
/** Lines of the log that are kept. */
const LOG_LINES = 20;

/** The credit of deals: one partition per deal, of which this is the first row, and an index of all that live. */
export class DealTable {
  readonly #portalId: string;
  readonly #heads: RecordHeads;
  readonly #roll: RollIndex;

  constructor(options: PartitionOptions) {
    this.#portalId = options.portalId;
    this.#heads = new RecordHeads(options, new Partitions(options));
    this.#roll = new RollIndex(options, DEALS);
  }

  #keyOf(dealId: string): string {
    return recordKey(this.#portalId, 'deal', dealId);
  }

  /**
   * Heads of many deals, strongly consistent.
   *
   * @returns by id as asked, the head of the record that lives today; one of revision 0 where there is no row
   */
  async heads(dealIds: readonly string[]): Promise<Map<string, DealHead>> {
    const living = await this.#heads.readLiving(dealIds.map((id) => this.#keyOf(id)));
    return new Map(
      dealIds.map((id) => {
        const { key = '', row } = living.get(this.#keyOf(id)) ?? {};
        return [id, readDealHead(dealIdOf(key, this.#portalId) ?? id, row)];
      }),
    );
  }

  /** The same under these very ids: merges are not followed. @returns ids without a row are left out */
  async kept(dealIds: readonly string[]): Promise<Map<string, DealHead>> {
    const rows = await this.#heads.read(dealIds.map((id) => this.#keyOf(id)));
    return new Map(
      dealIds.flatMap((id) => {
        const row = rows.get(this.#keyOf(id));
        return row === undefined ? [] : [[id, readDealHead(id, row)]];
      }),
    );
  }

  /**
   * Stores a credit, on condition that nobody stored since the head was read, and always raises the revision: of two who credit at
   * once, the one that read the touches first may not have the last word. A deal that lives comes into the index of all.
   *
   * @param before - read before the touches
   * @returns the head as stored; undefined when somebody was first: read both again
   */
  async store(before: DealHead, credited: Credited, nowMs: number): Promise<DealHead | undefined> {
    const { restatement, ...values } = credited;
    const lines = [restatement ?? [], before.log].flat();
    const next: DealHead = {
      ...before,
      ...values,
      revision: before.revision + 1,
      log: lines.slice(0, LOG_LINES),
      logCut: before.logCut + Math.max(0, lines.length - LOG_LINES),
      creditedOldIds: before.oldIds.length,
      shownAtMs: credited.writeId === before.writeId ? before.shownAtMs : nowMs,
    };
    const place =
      before.life === 'living' ? rollPlace(this.#portalId, before.dealId, dealRollShardKey) : undefined;
    const isStored = await this.#heads.store(this.#keyOf(before.dealId), {
      ...attributesOf(next),
      roll: place?.roll,
      id: place?.id,
    });
    return isStored ? next : undefined;
  }

  /** As {@link RecordHeads.confirm}. */
  confirm(dealId: string, sent: Pick<DealHead, 'writeId' | 'shownAtMs'>, writes?: Writes): Promise<boolean> {
    return this.#heads.confirm(this.#keyOf(dealId), sent, writes);
  }

  /** As {@link RecordHeads.countWrite}. */
  countWrite(dealId: string, writes: Writes): Promise<void> {
    return this.#heads.countWrite(this.#keyOf(dealId), writes);
  }

  /** Notes that HubSpot deleted or restored a deal; the newest of these wins. A deleted one is in no report. @param atMs - epoch milliseconds */
  mark(dealId: string, life: 'living' | 'deleted', atMs: number): Promise<void> {
    return this.#heads.mark(this.#keyOf(dealId), life, atMs);
  }

  /** As {@link RecordHeads.revive}. */
  revive(dealId: string, atMs: number): Promise<boolean> {
    return this.#heads.revive(this.#keyOf(dealId), atMs);
  }

  /** Notes that a deal was merged into another, which is to be read and credited afresh. What the old one was credited stays under its id. */
  unite(oldId: string, livingId: string): Promise<void> {
    return this.#heads.unite(this.#keyOf(oldId), this.#keyOf(livingId));
  }

  /**
   * The deals that live and were ever credited, at most 100 at a time, in the order of their numbers. Whoever is credited for the first
   * time meanwhile may be left out.
   *
   * @param after - id of the last deal of the page before; undefined for the first page
   */
  async page(after?: string): Promise<DealPage> {
    const ids = await this.#roll.idsBetween(after, undefined, DEALS_PER_PAGE);
    const heads = await this.heads(ids);
    const deals = [...heads].flatMap(([id, head]) =>
      head.dealId === id && head.life === 'living' ? [head] : [],
    );
    return { deals, after: ids.length < DEALS_PER_PAGE ? undefined : ids.at(-1) };
  }
}

const Units = v.pipe(
  v.string(),
  v.regex(/^-?\d+$/),
  v.transform((text) => BigInt(text)),
);
const SourceCredits = v.array(v.object({ source: v.string(), share: v.number(), units: Units }));

const CreditKept = v.object({
  decimals: v.number(),
  units: v.optional(Units),
  touches: v.number(),
  path: v.array(v.string()),
  byModel: v.partial(v.object(v.entriesFromList(CREDIT_MODELS, SourceCredits))),
});

const DealKept = v.object({
  id: v.string(),
  name: v.string(),
  pipeline: v.string(),
  stage: v.string(),
  state: v.picklist(['open', 'won', 'lost']),
  amount: v.string(),
  currency: v.string(),
  stageSinceMs: v.number(),
  createdAtMs: v.number(),
  closedAtMs: v.optional(v.number()),
  contactIds: v.array(v.string()),
});

const LogKept = v.array(
  v.object({ atMs: v.number(), why: v.picklist(RESTATED_BY), from: v.string(), to: v.string() }),
);

const json = <T>(schema: v.GenericSchema<unknown, T>) => v.pipe(v.string(), v.parseJson(), schema);

const DealRow = v.object({
  rev: v.number(),
  old: v.optional(v.array(v.string()), []),
  life: v.optional(v.picklist(['living', 'deleted', 'erased']), 'living'),
  deal: v.optional(json(DealKept)),
  credit: v.optional(json(CreditKept)),
  log: v.optional(json(LogKept)),
  logCut: v.optional(v.number(), 0),
  oldSeen: v.optional(v.number(), 0),
  model: v.optional(v.string()),
  wid: v.optional(v.string()),
  cwid: v.optional(v.string()),
  shownAt: v.optional(v.number()),
  readAt: v.optional(v.number()),
  updAt: v.optional(v.number()),
  /** How often HubSpot took a write since when, in epoch seconds: an hour's count. */
  ws: v.optional(v.number()),
  wn: v.optional(v.number(), 0),
});

/** The head that a row stands for; without one, that of a deal of which nothing was heard. */
function readDealHead(dealId: string, row: unknown): DealHead {
  const parsed = v.safeParse(DealRow, row ?? { rev: 0 });
  if (!parsed.success) {
    const attributes = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'the row itself');
    throw new TypeError(`the row of a deal cannot be read: ${attributes.join(', ')}`);
  }
  const { rev, old, life, deal, credit, log = [], logCut, oldSeen, model, ...shown } = parsed.output;
  const { wid, cwid, shownAt, readAt, updAt, ws, wn } = shown;
  return {
    dealId,
    revision: rev,
    life,
    oldIds: old,
    creditedOldIds: oldSeen,
    deal: deal && { ...deal, closedAtMs: deal.closedAtMs },
    credit: credit && { ...credit, units: credit.units },
    log,
    logCut,
    model,
    writeId: wid,
    confirmedWriteId: cwid,
    shownAtMs: shownAt,
    readAtMs: readAt,
    updatedAtMs: updAt,
    writes: ws === undefined ? undefined : { sinceMs: ws * 1000, count: wn },
  };
}

/** The attributes of a head that a store of a credit sets. */
function attributesOf(head: DealHead) {
  return {
    rev: head.revision,
    deal: asJson(head.deal),
    credit: asJson(head.credit),
    log: asJson(head.log),
    logCut: head.logCut,
    oldSeen: head.creditedOldIds,
    model: head.model,
    wid: head.writeId,
    shownAt: head.shownAtMs,
    readAt: head.readAtMs,
    updAt: head.updatedAtMs,
  };
}

/** Whole numbers of any size become text. */
function asJson(content: unknown): string {
  return JSON.stringify(content, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}
