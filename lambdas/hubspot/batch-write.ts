import pMap from 'p-map';
import { MisconfiguredError } from '../errors.ts';
import { HubSpotError, type NamedProperty } from './answer.ts';
import { BudgetExhaustedError, PortalStoppedError } from './budget.ts';
import { inHalves } from './halves.ts';
import { type BatchAnswer, FEW_SILENT, type HubSpotObjects, type WriteInput } from './objects.ts';

/** What became of one record of a write. */
export type Outcome =
  | { readonly kind: 'written' }
  /** Deleted, or never there. Of an input without `recordId`: no record has this value of its `idProperty`. */
  | { readonly kind: 'gone' }
  /** The record lives under another id. What was sent may or may not stand there. */
  | { readonly kind: 'merged'; readonly livingId: string }
  /**
   * The value of `idProperty` does not name the record that is meant, which is there: write by its id. Another record that has the
   * value now may have taken what was sent.
   */
  | { readonly kind: 'astray'; readonly writtenId: string | undefined }
  /** HubSpot will never take it as it is. */
  | { readonly kind: 'refused'; readonly reason: string; readonly correlationId: string | undefined }
  /** Surely not done, for a reason that may pass; HubSpot does not say when. */
  | { readonly kind: 'declined'; readonly reason: string; readonly correlationId: string | undefined }
  /** Not done, since HubSpot does not let us write these properties: the portal is at fault, not the record. */
  | {
      readonly kind: 'unwritable';
      readonly properties: readonly string[];
      /** Whether that is so for every value, and so for every record. */
      readonly isWhateverTheValue: boolean;
      readonly reason: string;
      readonly correlationId: string | undefined;
    }
  /** Not tried, or surely not done; epoch milliseconds before which trying again is pointless. */
  | { readonly kind: 'later'; readonly retryAtMs: number }
  /** May have been done, may still be. */
  | { readonly kind: 'unknown' };

type OutcomeOf<Kind extends Outcome['kind']> = Extract<Outcome, { kind: Kind }>;

/** While an operator mends the token, and while the budget has no slot, work comes back after this time. */
const OPERATOR_RETRY_MS = 15 * 60_000;
const BUDGET_RETRY_MS = 15_000;
/** Records looked up at once, of those on which a batch kept silent. */
const LOOK_UPS_AT_ONCE = 4;
/** What is wrong with a property whatever its value, and so with every record that is sent it (CRM error bodies as recorded, 2026-11). */
const WRONG_WHATEVER_THE_VALUE = new Set(['PROPERTY_DOESNT_EXIST', 'READ_ONLY_VALUE']);
/** Conflict, too large, URI too long: alone, a record is not the cause of any of these. */
const MAY_PASS = new Set([409, 413, 414]);

/**
 * Writes up to 100 records and finds out what became of each, by HubSpot's own rules: only what stands in `results` is written; what
 * stands neither there nor in `errors` is looked up singly, since a merged record is passed over in silence; a batch that is
 * refused as a whole is halved, unless it is refused for a property that no record may be sent.
 *
 * @param inputs - of those with the same id the last is sent: HubSpot refuses a batch that names a record twice
 * @returns by id of the input, every id once
 */
export async function writeBatch(
  hubSpot: HubSpotObjects,
  inputs: readonly WriteInput[],
  clock: () => number,
): Promise<Map<string, Outcome>> {
  const distinct = new Map(inputs.map((input) => [input.id, input]));
  return new Map(await writeDistinct(hubSpot, [...distinct.values()], clock));
}

type Told = readonly [id: string, Outcome];

function writeDistinct(
  hubSpot: HubSpotObjects,
  inputs: readonly WriteInput[],
  clock: () => number,
): Promise<Told[]> {
  return inHalves<WriteInput, Told>(
    inputs,
    (part) => writePart(hubSpot, part, clock),
    (input, error) => [input.id, refusalOf(input, error)],
  );
}

/** @throws HubSpotError when the part is refused as a whole, and halves of it may not be */
async function writePart(
  hubSpot: HubSpotObjects,
  part: readonly WriteInput[],
  clock: () => number,
): Promise<Told[]> {
  let answer: BatchAnswer;
  try {
    answer = await hubSpot.update(part);
  } catch (error) {
    const outcome = outcomeOf(error, clock());
    if (!(error instanceof HubSpotError) || error.trouble !== 'invalid')
      return part.map(({ id }) => [id, outcome]);
    const wrong = wrongForAll(error);
    const [out, rest] = partition(part, ({ properties }) => wrong.some((name) => name in properties));
    if (out.length === 0) throw error;
    const told = out.map((input): Told => [input.id, refusalOf(input, error)]);
    return [...told, ...(await writeDistinct(hubSpot, rest, clock))]; // None of these was written.
  }
  const lost = await lostAmong(hubSpot, part, answer);
  return pMap(
    part,
    async (input): Promise<Told> => [
      input.id,
      lost.has(input.id) ? { kind: 'unknown' } : await accountFor(hubSpot, input, answer, clock),
    ],
    { concurrency: LOOK_UPS_AT_ONCE },
  );
}

/**
 * Of records on which an answer keeps silent, those that are there under their own ids: one batch read tells, which leaves few to be
 * looked up singly. An empty answer is silent about all of them.
 */
async function lostAmong(
  hubSpot: HubSpotObjects,
  part: readonly WriteInput[],
  { written, errors }: BatchAnswer,
): Promise<ReadonlySet<string>> {
  const told = new Set([
    ...written.flatMap(({ id, traceId }) => [id, traceId ?? id]),
    ...errors.flatMap(({ ids, traceIds }) => [...ids, ...traceIds]),
  ]);
  const silent = part.filter(
    ({ id, idProperty, objectWriteTraceId }) =>
      idProperty === undefined && !told.has(id) && !told.has(objectWriteTraceId),
  );
  if (silent.length <= FEW_SILENT) return new Set();
  const ids = silent.map(({ id }) => id);
  const found = await hubSpot.read(ids, []).catch(() => []); // Else each is looked up singly.
  return new Set(found.map(({ id }) => id));
}

/** The properties for which no value can be written, where these are all that is wrong. */
function wrongForAll({ properties }: HubSpotError): string[] {
  const isAll = properties.every(({ code }) => WRONG_WHATEVER_THE_VALUE.has(code));
  return isAll ? properties.map(({ name }) => name) : [];
}

function partition<T>(all: readonly T[], isIn: (each: T) => boolean): [inside: T[], outside: T[]] {
  return [all.filter(isIn), all.filter((each) => !isIn(each))];
}

/** What the answer says of one record, and what is found by looking it up where the answer does not say enough. */
async function accountFor(
  hubSpot: HubSpotObjects,
  input: WriteInput,
  { written, errors, correlationId }: BatchAnswer,
  clock: () => number,
): Promise<Outcome> {
  const meantId = idMeant(input);
  const isTraced = ({ traceId }: { traceId: string | undefined }) => traceId === input.objectWriteTraceId;
  const result =
    written.find(isTraced) ?? written.find(({ id, traceId }) => traceId === undefined && id === meantId);
  if (result !== undefined) return asFound(whereWritten(hubSpot, input, result.id), clock);
  const own = errors.filter(
    ({ ids, traceIds }) => traceIds.includes(input.objectWriteTraceId) || ids.includes(input.id),
  );
  // That a record is not found is looked into: the next version may speak so of merged ones, which must not count as gone.
  const error = own.find(({ category }) => category !== 'OBJECT_NOT_FOUND');
  if (error === undefined) return asFound(lookUp(hubSpot, input, own.length > 0), clock);
  const named = propertiesSent(input, error.properties);
  const about = { reason: error.reason, correlationId };
  if (named.length > 0) return { ...unwritableFor(named, error.properties), ...about };
  return { kind: error.category === 'VALIDATION_ERROR' ? 'refused' : 'declined', ...about };
}

/** The record id that an input is about; undefined when only a value of another property is known. */
function idMeant({ id, idProperty, recordId }: WriteInput): string | undefined {
  return recordId ?? (idProperty === undefined ? id : undefined);
}

function propertiesSent({ properties }: WriteInput, named: readonly NamedProperty[]): string[] {
  return [...new Set(named.map(({ name }) => name))].filter((name) => name in properties);
}

function unwritableFor(properties: readonly string[], named: readonly NamedProperty[]) {
  const isWhateverTheValue = named
    .filter(({ name }) => properties.includes(name))
    .every(({ code }) => WRONG_WHATEVER_THE_VALUE.has(code));
  return { kind: 'unwritable', properties, isWhateverTheValue } as const;
}

/** HubSpot took the write under an id; whether that is the record that was meant. */
async function whereWritten(hubSpot: HubSpotObjects, input: WriteInput, writtenId: string): Promise<Outcome> {
  const meantId = idMeant(input);
  if (meantId === undefined || meantId === writtenId) return { kind: 'written' };
  const livingId = (await hubSpot.lookUp(meantId, []))?.id;
  if (livingId === writtenId) return { kind: 'merged', livingId };
  if (input.idProperty !== undefined) return { kind: 'astray', writtenId };
  // By record id nobody but the record itself can have taken it.
  return livingId === undefined ? { kind: 'gone' } : { kind: 'unknown' };
}

/**
 * A record HubSpot did not account for: merged away, deleted, or lost on the way.
 *
 * @param isMissing - HubSpot said that it finds none
 */
async function lookUp(hubSpot: HubSpotObjects, input: WriteInput, isMissing: boolean): Promise<Outcome> {
  const { id, idProperty } = input;
  const meantId = idMeant(input);
  const found =
    meantId === undefined
      ? await hubSpot.lookUp(id, [], idProperty)
      : await hubSpot.lookUp(meantId, idProperty === undefined ? [] : [idProperty]);
  if (found === undefined) return { kind: 'gone' };
  if (meantId !== undefined && found.id !== meantId) return { kind: 'merged', livingId: found.id };
  const isAstray =
    meantId !== undefined && idProperty !== undefined && (isMissing || found.properties[idProperty] !== id);
  return isAstray ? { kind: 'astray', writtenId: undefined } : { kind: 'unknown' };
}

/**
 * Writes one record at once, by a call of its own. Unlike a batch it follows ids that were merged away: what was sent then stands on
 * the living record.
 *
 * @param input - by record id; its trace id is not sent: a single write has none
 */
export async function writeOne(
  hubSpot: HubSpotObjects,
  input: WriteInput,
  clock: () => number,
): Promise<Outcome> {
  const { id, properties } = input;
  let writtenId: string | undefined;
  try {
    writtenId = await hubSpot.patch(id, properties);
  } catch (error) {
    if (error instanceof HubSpotError && error.trouble === 'invalid') return refusalOf(input, error);
    return outcomeOf(error, clock());
  }
  if (writtenId === undefined) return asFound(findMissing(hubSpot, input), clock);
  return writtenId === id ? { kind: 'written' } : { kind: 'merged', livingId: writtenId };
}

/** A wrong path would say of every record that it is missing. Only one that can be read from tells that this one is. */
async function findMissing(hubSpot: HubSpotObjects, input: WriteInput): Promise<Outcome> {
  const found = await hubSpot.read([input.id], []);
  return found.length > 0 ? { kind: 'unknown' } : lookUp(hubSpot, input, true);
}

/** What a search found out. Where it came to nothing, for whatever reason, the write that went before stays in doubt. */
async function asFound(searched: Promise<Outcome>, clock: () => number): Promise<Outcome> {
  try {
    return await searched;
  } catch (error) {
    outcomeOf(error, clock()); // What is neither HubSpot's nor an operator's is thrown.
    return { kind: 'unknown' };
  }
}

/** What a refusal means for a record that was sent alone, or for one of many that were sent the same property. */
function refusalOf(input: WriteInput, error: HubSpotError): OutcomeOf<'refused' | 'declined' | 'unwritable'> {
  const { reason, correlationId } = error;
  const named = propertiesSent(input, error.properties);
  if (named.length > 0) return { ...unwritableFor(named, error.properties), reason, correlationId };
  return { kind: MAY_PASS.has(error.status) ? 'declined' : 'refused', reason, correlationId };
}

/**
 * What a failed call means for every record in it.
 *
 * @throws the error itself where it is neither HubSpot's nor an operator's
 */
export function outcomeOf(
  error: unknown,
  nowMs: number,
): OutcomeOf<'refused' | 'declined' | 'later' | 'unknown'> {
  if (error instanceof BudgetExhaustedError)
    return { kind: 'later', retryAtMs: Math.max(error.freeAtMs, nowMs + BUDGET_RETRY_MS) };
  if (error instanceof PortalStoppedError) return { kind: 'later', retryAtMs: error.untilMs };
  // The token is not filled in yet.
  if (error instanceof MisconfiguredError) return { kind: 'later', retryAtMs: nowMs + OPERATOR_RETRY_MS };
  if (!(error instanceof HubSpotError)) throw error;
  const { trouble, status, reason, correlationId, retryAtMs } = error;
  if (trouble === 'invalid')
    return { kind: MAY_PASS.has(status) ? 'declined' : 'refused', reason, correlationId };
  if (trouble === 'unknown') return { kind: 'unknown' };
  // `missing` of a whole call says that the path is wrong, never that 100 records are gone.
  return { kind: 'later', retryAtMs: retryAtMs ?? nowMs + OPERATOR_RETRY_MS };
}
