import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { Fact, PropertyValue } from '../scoring/facts.ts';
import type { AiVisit, Journey } from '../scoring/journey.ts';
import type { Shown } from '../scoring/show.ts';
import { TOUCH } from '../scoring/touches.ts';
import { rollShardKey, shardOf } from './keys.ts';

/** Sort keys. `#` sorts before letters: the head comes first. */
export const HEAD = '#head';
export const PROPERTY = 'property#';
export const SIGNAL = 'signal#';
/** Visits: right behind the signals, so that one query has both. */
export const VISIT = 'touch#';
/** Of a contact: the partition of an e-mail address or a browser that turned out to be its own. */
export const VIA = 'via#';
/** Sorts behind every property and before every signal. */
export const BEHIND_PROPERTIES = 'property$';

const TIME_DIGITS = 15;

/** Reads a row as it was stored. The error names attributes and never quotes what stands in them. */
function parseRow<T>(schema: v.GenericSchema<unknown, T>, row: unknown): T {
  const parsed = v.safeParse(schema, row);
  if (parsed.success) return parsed.output;
  const attributes = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'the row itself');
  throw new TypeError(`a row of the contact table cannot be read: ${attributes.join(', ')}`);
}

const NullableNumber = v.nullable(v.number());
const HeadRow = v.object({
  /** Raised by every store: two stores of one reading cannot both succeed. */
  rev: v.number(),
  /** Partition into which this one was merged, or the contact an e-mail address turned out to belong to. */
  alias: v.optional(v.string()),
  /** Of a contact that is an alias: its facts are moved. */
  moved: v.optional(v.boolean()),
  /** Record ids merged into this one. */
  old: v.optional(v.array(v.string()), []),
  life: v.optional(v.picklist(['living', 'deleted', 'erased']), 'living'),
  /** Epoch milliseconds at which HubSpot deleted or restored the record. */
  lifeAt: v.optional(v.number()),
  score: v.optional(NullableNumber),
  fit: v.optional(NullableNumber),
  eng: v.optional(NullableNumber),
  grade: v.optional(v.string()),
  status: v.optional(v.string()),
  model: v.optional(v.string()),
  why: v.optional(v.string()),
  /** The journey, as `journeyText` writes it. */
  jny: v.optional(v.string()),
  /** Write id of what is to be shown, and of what HubSpot confirmed. */
  wid: v.optional(v.string()),
  cwid: v.optional(v.string()),
  /** Epoch milliseconds: when a shown value last changed, the newest signal, the last reading from HubSpot. */
  shownAt: v.optional(v.number()),
  lastAt: v.optional(v.number()),
  readAt: v.optional(v.number()),
  /** Of a company: whether it was ever read. What it is to be read again for does not make it unknown. */
  wasRead: v.optional(v.boolean()),
  /** Epoch milliseconds of a change that a reading must have seen to count. */
  forgotAt: v.optional(v.number()),
  /** How often HubSpot took a write since when, in epoch seconds: an hour's count. */
  ws: v.optional(v.number()),
  wn: v.optional(v.number(), 0),
  due: v.optional(v.string()),
  /** Epoch milliseconds of the due moment, which lies on the day before the due night. */
  dueAt: v.optional(v.number()),
  /** Epoch milliseconds at which HubSpot was asked when the contact was last reconciled, and which properties it was then asked for. */
  recAt: v.optional(v.number()),
  recFor: v.optional(v.string()),
  /** Partition of the primary company while the contact lives: under it the index `company` has the contact, by its `rank`. */
  company: v.optional(v.string()),
});

/** Writes that HubSpot took of one record, counted by the hour. */
export interface Writes {
  /** Epoch milliseconds at which this hour began. */
  readonly sinceMs: number;
  readonly count: number;
}

/** That a contact was compared with what HubSpot has of it. */
export interface Reconciled {
  /** Epoch milliseconds at which HubSpot was asked. */
  readonly atMs: number;
  /** Stands for the list of properties that HubSpot was asked for, in 8 characters: other inputs are another comparison. */
  readonly of: string;
}

/** The first row of a contact's partition: the score it has, what HubSpot knows of it, and what became of the record. */
export interface Head {
  readonly revision: number;
  readonly alias: string | undefined;
  /** Of a contact that is an alias: whether all of its facts were moved, as far as they were there then. */
  readonly isMoved?: boolean | undefined;
  readonly oldIds: readonly string[];
  readonly life: 'living' | 'deleted' | 'erased';
  readonly shown: Shown | undefined;
  readonly writeId: string | undefined;
  readonly confirmedWriteId: string | undefined;
  /** Epoch milliseconds. */
  readonly shownAtMs: number | undefined;
  readonly lastSignalAtMs: number | undefined;
  /** When the contact's properties were last read from HubSpot; undefined while they are unknown. */
  readonly readAtMs: number | undefined;
  /** Whether a company's properties were ever read from HubSpot, under this id. */
  readonly wasRead?: boolean | undefined;
  /** When something changed that only a later reading has seen; undefined when there was no such change. */
  readonly forgotAtMs: number | undefined;
  /** Undefined before the first write. */
  readonly writes?: Writes | undefined;
  readonly due: string | undefined;
  /** Epoch milliseconds from which something else is to be shown; undefined when that never comes. */
  readonly dueAtMs: number | undefined;
  /** When it was last compared with HubSpot, epoch milliseconds, and what then was asked for: see {@link Reconciled}. */
  readonly reconciledAtMs: number | undefined;
  readonly reconciledFor: string | undefined;
  /** Partition of the primary company, as the index has it: none while the contact does not live. */
  readonly company: string | undefined;
}

/** The head a contact has before its first row is stored. */
export const NO_HEAD: Head = {
  revision: 0,
  alias: undefined,
  oldIds: [],
  life: 'living',
  shown: undefined,
  writeId: undefined,
  confirmedWriteId: undefined,
  shownAtMs: undefined,
  lastSignalAtMs: undefined,
  readAtMs: undefined,
  forgotAtMs: undefined,
  due: undefined,
  dueAtMs: undefined,
  reconciledAtMs: undefined,
  reconciledFor: undefined,
  company: undefined,
};

export function readHead(row: unknown): Head {
  const {
    rev,
    alias,
    moved,
    old,
    life,
    wid,
    cwid,
    shownAt,
    lastAt,
    readAt,
    wasRead,
    forgotAt,
    ws,
    wn,
    due,
    dueAt,
    recAt,
    recFor,
    company,
    ...values
  } = parseRow(HeadRow, row);
  return {
    revision: rev,
    alias,
    isMoved: moved,
    oldIds: old,
    life,
    shown: readShown(values),
    writeId: wid,
    confirmedWriteId: cwid,
    shownAtMs: shownAt,
    lastSignalAtMs: lastAt,
    readAtMs: readAt,
    wasRead,
    forgotAtMs: forgotAt,
    writes: ws === undefined ? undefined : { sinceMs: ws * 1000, count: wn },
    due,
    dueAtMs: dueAt,
    reconciledAtMs: recAt,
    reconciledFor: recFor,
    company,
  };
}

function readShown({
  score = null,
  fit = null,
  eng = null,
  grade = '',
  status,
  model = '',
  why = '',
  jny,
}: Partial<v.InferOutput<typeof HeadRow>>): Shown | undefined {
  if (status === undefined) return undefined;
  const shown = { score, fit, engagement: eng, grade, status, model, reasons: why };
  return jny === undefined ? shown : { ...shown, journey: readJourney(jny) };
}

const AiVisitKept = v.tuple([v.string(), v.number(), v.string()]);
/** First and last visit from an AI assistant: `0` as the last for the same one, none where there was none; how many; the text. */
const JourneyKept = v.pipe(
  v.string(),
  v.parseJson(),
  v.tuple([v.nullable(AiVisitKept), v.union([AiVisitKept, v.null(), v.literal(0)]), v.number(), v.string()]),
);

/** A journey in few bytes: the head is written with every score. */
function journeyText({ firstAi, lastAi, aiSessions, text }: Journey): string {
  const [first, last] = [firstAi, lastAi].map((visit) => visit && [visit.source, visit.atMs, visit.page]);
  const isSame = first !== undefined && isDeepStrictEqual(first, last);
  return JSON.stringify([first ?? null, isSame ? 0 : (last ?? null), aiSessions, text]);
}

function visitOf(kept: v.InferOutput<typeof AiVisitKept> | null): AiVisit | undefined {
  return kept === null ? undefined : { source: kept[0], atMs: kept[1], page: kept[2] };
}

function readJourney(kept: string): Journey {
  const parsed = v.safeParse(JourneyKept, kept);
  if (!parsed.success) throw new TypeError('the journey of a contact cannot be read');
  const [first, last, aiSessions, text] = parsed.output;
  return { firstAi: visitOf(first), lastAi: visitOf(last === 0 ? first : last), aiSessions, text };
}

/** Sort key of a fact: its time, then its identity. Facts without a time of their own have zeros. */
export function factSortKey(fact: Fact): string {
  const time = fact.isTimeUnknown === true ? 0 : fact.occurredAtMs;
  const kind = fact.name === TOUCH ? VISIT : SIGNAL;
  return `${kind}${String(time).padStart(TIME_DIGITS, '0')}#${fact.key}`;
}

const FactRow = v.object({
  sk: v.string(),
  name: v.string(),
  at: v.optional(v.number()),
  value: v.optional(v.string()),
  record: v.optional(v.string()),
  baseline: v.optional(v.boolean()),
});

/** The attributes of a fact besides its keys; what the sort key says already is not said twice. */
export function factAttributes({ name, occurredAtMs, value, record, baseline, isTimeUnknown }: Fact): object {
  return {
    name,
    ...(isTimeUnknown === true && { at: occurredAtMs }),
    ...(value !== undefined && { value }),
    ...(record !== undefined && { record }),
    ...(baseline === true && { baseline }),
  };
}

export function readFact(row: unknown): Fact {
  const { sk, name, at, value, record, baseline } = parseRow(FactRow, row);
  const [, time = '', key = ''] = sk.split('#');
  return {
    key,
    name,
    occurredAtMs: at ?? Number(time),
    ...(value !== undefined && { value }),
    ...(record !== undefined && { record }),
    ...(baseline !== undefined && { baseline }),
    ...(at !== undefined && { isTimeUnknown: true }),
  };
}

const PropertyRow = v.object({ sk: v.string(), value: v.string(), at: v.number() });

export function readProperty(row: unknown): PropertyValue {
  const { sk, value, at } = parseRow(PropertyRow, row);
  return { name: sk.slice(PROPERTY.length), value, occurredAtMs: at };
}

/**
 * The attributes of a head that a store of a score sets, or removes where undefined.
 *
 * @param place - in the index of all contacts, for one that lives
 */
export function scoreAttributes(head: Head, place: RollPlace | undefined) {
  const { shown } = head;
  return {
    rev: head.revision,
    score: shown?.score,
    fit: shown?.fit,
    eng: shown?.engagement,
    grade: shown?.grade,
    status: shown?.status,
    model: shown?.model,
    why: shown?.reasons,
    jny: shown?.journey && journeyText(shown.journey),
    wid: head.writeId,
    shownAt: head.shownAtMs,
    lastAt: head.lastSignalAtMs,
    readAt: head.readAtMs,
    due: head.due,
    dueAt: head.dueAtMs,
    company: head.company,
    rank: rankOf(head),
    roll: place?.roll,
    id: place?.id,
  };
}

/** The attributes of a head that note a comparison with HubSpot. */
export function reconciledAttributes({ atMs, of }: Reconciled) {
  return { recAt: atMs, recFor: of };
}

/** Where a contact stands in the index of all that live: as long as it does, always at the same place. */
interface RollPlace {
  readonly roll: string;
  /** Its id, so that the index has numbers in HubSpot's order. */
  readonly id: number;
}

/**
 * @param shardKey - of contacts, unless told otherwise
 * @returns undefined for a number that cannot be kept exactly; HubSpot's are far below
 */
export function rollPlace(
  portalId: string,
  recordId: string,
  shardKey = rollShardKey,
): RollPlace | undefined {
  const id = Number(recordId);
  return Number.isSafeInteger(id) ? { roll: shardKey(portalId, shardOf(recordId)), id } : undefined;
}

/** Below every score: contacts without one come last. */
export const NO_RANK = -1_000_000;

/** By what the contacts of one company are sorted: the shown score. Undefined for a contact that is no company's. */
export function rankOf({ company, shown }: Head): number | undefined {
  return company === undefined ? undefined : (shown?.score ?? NO_RANK);
}

/** What takes a contact out of the indexes of those that live: of its company, and of all. */
export const LIVING_ATTRIBUTES = ['company', 'rank', 'roll', 'id'];

/** What an erased head loses: everything a score ever put there. */
export const SCORE_ATTRIBUTES = [
  ...Object.keys(scoreAttributes(NO_HEAD, undefined)).filter((name) => name !== 'rev'),
  ...Object.keys(reconciledAttributes({ atMs: 0, of: '' })),
  'cwid',
  'forgotAt',
  'moved',
  'ws',
  'wn',
];

/** The first row of a company's partition: what is rolled up from its contacts, and what became of the record. */
export interface CompanyHead {
  /** The id under which it lives now. */
  readonly companyId: string;
  readonly revision: number;
  readonly life: 'living' | 'deleted' | 'erased';
  /** Ids of the records merged into it. */
  readonly oldIds: readonly string[];
  /** Null where no contact has a score; undefined while nothing was ever rolled up. */
  readonly score: number | null | undefined;
  /** Text of the score that HubSpot is to show, and of the one it confirmed. */
  readonly writeId: string | undefined;
  readonly confirmedWriteId: string | undefined;
  /** Epoch milliseconds. */
  readonly shownAtMs: number | undefined;
  /** When the company's properties were last read from HubSpot; undefined while they are unknown. */
  readonly readAtMs: number | undefined;
}

/** @param row - undefined for a company without a row */
export function readCompanyHead(companyId: string, row: unknown): CompanyHead {
  const { rev, life, old, score, wid, cwid, shownAt, readAt } = parseRow(HeadRow, row ?? { rev: 0 });
  return {
    companyId,
    revision: rev,
    life,
    oldIds: old,
    score,
    writeId: wid,
    confirmedWriteId: cwid,
    shownAtMs: shownAt,
    readAtMs: readAt,
  };
}
