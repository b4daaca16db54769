import {
  BasicApi,
  BatchApi,
  createConfiguration,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@hubspot/api-client/lib/codegen/crm/objects/index.js';
import * as v from 'valibot';
import { chunks } from '../chunks.ts';
import {
  ErrorDetails,
  HubSpotError,
  type NamedProperty,
  propertiesNamed,
  reasonOf,
  understood,
} from './answer.ts';
import {
  BATCH_WITH_HISTORIES,
  historiesOf,
  PropertyHistories,
  type RecordWithHistories,
} from './histories.ts';
import type { Send } from './transport.ts';

/** HubSpot takes this many records in one batch (CRM API reference, batch endpoints, read 2026-11). */
export const BATCH = 100;
/** Of so few records on which a batch keeps silent each is looked up at once; of more, one batch read first tells which are there. */
export const FEW_SILENT = 2;

/** The kinds of records we have to do with, as HubSpot's paths name them. */
export type ObjectType = 'contacts' | 'companies' | 'deals';

/** A record as HubSpot has it. */
export interface HubSpotRecord {
  /** The id it lives under, which may differ from the one asked for. */
  readonly id: string;
  /** Text, or null where there is none. */
  readonly properties: Readonly<Record<string, string | null>>;
  /** Epoch milliseconds. */
  readonly updatedAtMs: number;
}

/** One record of a batch update. */
export interface WriteInput {
  /** The record id, or its value of `idProperty`. */
  readonly id: string;
  /** A custom unique property that names the record; undefined = the record id does. */
  readonly idProperty?: string | undefined;
  /** The record that is meant, where `idProperty` names it: values move from one record to another. */
  readonly recordId?: string | undefined;
  readonly properties: Readonly<Record<string, string>>;
  /** Unique within the batch: with it HubSpot refuses single records instead of the batch. */
  readonly objectWriteTraceId: string;
}

/** What a batch answered, record by record; a record in neither list was passed over in silence. */
export interface BatchAnswer {
  readonly written: readonly { readonly id: string; readonly traceId: string | undefined }[];
  readonly errors: readonly {
    readonly category: string;
    /** The category with the codes and property names HubSpot gave. */
    readonly reason: string;
    readonly ids: readonly string[];
    readonly traceIds: readonly string[];
    /** The properties it names, each with the code. */
    readonly properties: readonly NamedProperty[];
  }[];
  /** What HubSpot's support asks for. */
  readonly correlationId: string | undefined;
}

/** What we ask of HubSpot about records of one kind. Every call goes through the budget; failures are {@link HubSpotError}s. */
export interface HubSpotObjects {
  /**
   * Reads up to 100 records.
   *
   * @param ids - record ids, or values of a unique property with `idProperty`, such as `email` of contacts
   * @returns those that exist
   */
  read(ids: readonly string[], properties: readonly string[], idProperty?: string): Promise<HubSpotRecord[]>;
  /** Reads up to 100 records by their ids, each with what some properties were before. @returns those that exist */
  readWithHistories(
    ids: readonly string[],
    properties: readonly string[],
    histories: readonly string[],
  ): Promise<RecordWithHistories[]>;
  /**
   * Reads one record, also by an id that was merged away.
   *
   * @param idProperty - a unique property whose value stands for the id
   * @returns undefined when there is none
   */
  lookUp(id: string, properties: readonly string[], idProperty?: string): Promise<HubSpotRecord | undefined>;
  /** Writes up to 100 records, no id twice. */
  update(inputs: readonly WriteInput[]): Promise<BatchAnswer>;
  /**
   * Writes one record, also by an id that was merged away.
   *
   * @returns the id under which it was written; undefined when there is no such record
   */
  patch(id: string, properties: WriteInput['properties']): Promise<HubSpotRecord['id'] | undefined>;
}

/** A record as the SDK reads it: its classes are loose about what they hold, so what comes back is checked like anything from outside. */
export const ReadRecord = v.object({
  id: v.string(),
  properties: v.record(v.string(), v.nullable(v.string())),
  updatedAt: v.date(),
});
const Written = v.object({ id: v.string(), objectWriteTraceId: v.optional(v.string()) });
const Patched = v.object({ id: v.string() });
const ItemError = v.object({
  category: v.optional(v.string(), 'no category'),
  errors: ErrorDetails,
  context: v.optional(
    v.object({
      ids: v.optional(v.array(v.string()), []),
      objectWriteTraceId: v.optional(v.array(v.string()), []),
    }),
    {},
  ),
});
const Read = v.object({ results: v.array(ReadRecord) });
const ReadPast = v.object({ results: v.array(v.object({ ...ReadRecord.entries, ...PropertyHistories })) });
const Updated = v.object({
  data: v.object({ results: v.array(Written), errors: v.optional(v.array(ItemError), []) }),
  headers: v.record(v.string(), v.string()),
});

/**
 * HubSpot's records of one kind through the SDK's generated APIs, imported one by one: the whole client is many times the size of
 * the door.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param send - carries one request to HubSpot and throws what is no success
 */
export function hubSpotObjects(apiUrl: string, send: Send, type: ObjectType): HubSpotObjects {
  const { batch, single } = objectApis(apiUrl, send);
  return {
    async read(ids, properties, idProperty) {
      const input = {
        inputs: ids.map((id) => ({ id })),
        properties: [...properties],
        propertiesWithHistory: [],
        ...(idProperty !== undefined && { idProperty }),
      };
      const { results } = await understood(Read, batch.read(type, input, false));
      return results.map(asRecord);
    },
    async readWithHistories(ids, properties, histories) {
      const records: RecordWithHistories[] = [];
      for (const some of chunks(ids, BATCH_WITH_HISTORIES)) {
        const input = {
          inputs: some.map((id) => ({ id })),
          properties: [...properties],
          propertiesWithHistory: [...histories],
        };
        const { results } = await understood(ReadPast, batch.read(type, input, false));
        for (const { propertiesWithHistory, ...record } of results)
          records.push({ ...asRecord(record), histories: historiesOf(propertiesWithHistory, histories) });
      }
      return records;
    },
    async lookUp(id, properties, idProperty) {
      const asked = single.getById(type, id, [...properties], undefined, undefined, false, idProperty);
      const found = await orMissing(understood(ReadRecord, asked));
      return found && asRecord(found);
    },
    async patch(id, properties) {
      const asked = single.update(type, id, { properties: { ...properties } });
      return (await orMissing(understood(Patched, asked)))?.id;
    },
    async update(inputs) {
      const { data, headers } = await understood(
        Updated,
        batch.updateWithHttpInfo(type, { inputs: inputs.map((input) => ({ ...input })) }),
      );
      return {
        written: data.results.map((result) => ({ id: result.id, traceId: result.objectWriteTraceId })),
        correlationId: headers['x-hubspot-correlation-id'],
        errors: data.errors.map(({ category, errors, context }) => ({
          category,
          reason: reasonOf(category, errors),
          ids: context.ids,
          traceIds: context.objectWriteTraceId,
          properties: propertiesNamed(errors),
        })),
      };
    },
  };
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof HubSpotError && error.trouble === 'missing') return undefined;
    throw error;
  }
}

/**
 * The SDK's generated APIs of records, of any kind.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param send - carries one request to HubSpot and throws what is no success
 */
export function objectApis(apiUrl: string, send: Send): { batch: BatchApi; single: BasicApi } {
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(apiUrl, {}),
    httpApi: wrapHttpLibrary({
      async send(request) {
        const { headers, text } = await send(request);
        // Any success of a batch may tell of errors: the SDK reads them in a 207 only, and quotes what it does not expect.
        const status = request.getUrl().includes('/batch/') ? 207 : 200;
        return new ResponseContext(
          status,
          { ...headers, 'content-type': 'application/json' },
          {
            text: async () => text,
            binary: async () => Buffer.from(text),
          },
        );
      },
    }),
  });
  return { batch: new BatchApi(configuration), single: new BasicApi(configuration) };
}

/** A record as the SDK reads it. */
export function asRecord({ id, properties, updatedAt }: v.InferOutput<typeof ReadRecord>): HubSpotRecord {
  return { id, properties, updatedAtMs: updatedAt.getTime() };
}
