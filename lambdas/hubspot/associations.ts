import {
  BatchApi,
  createConfiguration,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@hubspot/api-client/lib/codegen/crm/associations/v4/index.js';
import * as v from 'valibot';
import { HubSpotError, understood } from './answer.ts';
import { inHalves } from './halves.ts';
import type { ObjectType } from './objects.ts';
import type { Send } from './transport.ts';

/** Association types of HubSpot's own ("Associations" guide, table of type ids, read 2026-11). */
const HUBSPOT_DEFINED = 'HUBSPOT_DEFINED';
const CONTACT_TO_PRIMARY_COMPANY = 1;
/** Pages followed for one record; HubSpot puts some hundreds on each, and who has more has more than we look at. */
const PAGES = 10;

/** A record that another is associated with. */
export interface Associated {
  readonly id: string;
  /** Whether it is the primary company of a contact. */
  readonly isPrimary: boolean;
}

/** One page of what each of several records is associated with. */
interface AssociationPage {
  readonly id: string;
  readonly to: readonly Associated[];
  /** Where the next page begins; undefined on the last. */
  readonly after: string | undefined;
}

/** A record whose associations HubSpot would not tell. */
interface Untold {
  readonly id: string;
  readonly failed: HubSpotError;
}

type PageInput = { readonly id: string; readonly after?: string };

/** What we ask of HubSpot about which records belong together; failures are {@link HubSpotError}s. */
export interface HubSpotAssociations {
  /** Reads one page for each of up to 100 records. @returns what HubSpot told: nothing of records that have none */
  read(from: ObjectType, to: ObjectType, inputs: readonly PageInput[]): Promise<(AssociationPage | Untold)[]>;
}

/** Ids come as text or as numbers, according to the version. */
const Id = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform((id) => String(id)),
);
const ReadPages = v.object({
  results: v.array(
    v.object({
      _from: v.object({ id: Id }), // As the SDK renames it.
      to: v.array(
        v.object({
          toObjectId: Id,
          associationTypes: v.array(v.object({ category: v.string(), typeId: v.number() })),
        }),
      ),
      paging: v.nullish(v.object({ next: v.nullish(v.object({ after: v.string() })) })),
    }),
  ),
  errors: v.optional(
    v.array(
      v.object({
        category: v.optional(v.string(), 'no category'),
        context: v.optional(v.record(v.string(), v.unknown()), {}),
      }),
    ),
    [],
  ),
});
type ReadPages = v.InferOutput<typeof ReadPages>;

/**
 * HubSpot's associations through the SDK's generated API.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param send - carries one request to HubSpot and throws what is no success
 */
export function hubSpotAssociations(apiUrl: string, send: Send): HubSpotAssociations {
  const batch = new BatchApi(
    createConfiguration({
      baseServer: new ServerConfiguration(apiUrl, {}),
      httpApi: wrapHttpLibrary({
        async send(request) {
          const { headers, text } = await send(request);
          // Any success of a batch may tell of errors: the SDK reads them in a 207 only.
          return new ResponseContext(
            207,
            { ...headers, 'content-type': 'application/json' },
            { text: async () => text, binary: async () => Buffer.from(text) },
          );
        },
      }),
    }),
  );
  return {
    async read(from, to, inputs) {
      const answer = await understood(
        ReadPages,
        batch.getPage(from, to, { inputs: inputs.map((input) => ({ ...input })) }),
      );
      const isToCompany = from === 'contacts' && to === 'companies';
      const pages = answer.results.map(
        ({ _from: { id }, to: associated, paging }): AssociationPage => ({
          id,
          to: associated.map(({ toObjectId, associationTypes }) => ({
            id: toObjectId,
            isPrimary: isToCompany && associationTypes.some(isContactToPrimaryCompany),
          })),
          after: paging?.next?.after,
        }),
      );
      return [...pages, ...untoldOf(answer, inputs)];
    },
  };
}

function isContactToPrimaryCompany({ category, typeId }: { category: string; typeId: number }): boolean {
  return category === HUBSPOT_DEFINED && typeId === CONTACT_TO_PRIMARY_COMPANY;
}

/**
 * Records with no associations come as errors too, OBJECT_NOT_FOUND. Of any other error, those it names are untold, and where it
 * names nobody, all of which nothing is told: to take them for records without associations could exclude nobody any more.
 */
function untoldOf({ results, errors }: ReadPages, inputs: readonly PageInput[]): Untold[] {
  const told = new Set(results.map(({ _from: { id } }) => id));
  const real = errors.filter(({ category }) => category !== 'OBJECT_NOT_FOUND');
  return inputs.flatMap(({ id }) => {
    if (told.has(id)) return [];
    const about = real.find(({ context }) => {
      const named = Object.values(context).flat();
      return named.includes(id) || !inputs.some((input) => named.includes(input.id));
    });
    if (about === undefined) return [];
    const trouble = about.category === 'VALIDATION_ERROR' ? 'invalid' : 'unknown';
    return [{ id, failed: new HubSpotError(trouble, 207, about.category) }];
  });
}

/**
 * Finds the records with which up to 100 others are associated, page by page.
 *
 * @param isEnough - whether further pages of one record matter
 * @returns by id; an empty list where HubSpot tells of none, an error where it would not tell
 * @throws HubSpotError when nothing could be read at all
 */
export async function readAssociated(
  hubSpot: HubSpotAssociations,
  [from, to]: readonly [from: ObjectType, to: ObjectType],
  ids: readonly string[],
  isEnough: (found: readonly Associated[]) => boolean = () => false,
): Promise<Map<string, readonly Associated[] | HubSpotError>> {
  const found = new Map<string, readonly Associated[] | HubSpotError>(ids.map((id) => [id, []]));
  let inputs: PageInput[] = ids.map((id) => ({ id }));
  for (let page = 0; page < PAGES && inputs.length > 0; page++) {
    const pages = await inHalves<PageInput, AssociationPage | Untold>(
      inputs,
      (part) => hubSpot.read(from, to, part),
      ({ id }, failed) => ({ id, failed }),
    );
    inputs = [];
    for (const each of pages) {
      if ('failed' in each) {
        found.set(each.id, each.failed);
        continue;
      }
      const before = found.get(each.id);
      if (before === undefined || before instanceof HubSpotError) continue;
      const all = [...before, ...each.to];
      found.set(each.id, all);
      if (each.after !== undefined && !isEnough(all)) inputs.push({ id: each.id, after: each.after });
    }
  }
  return found;
}
