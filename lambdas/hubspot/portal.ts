import type * as v from 'valibot';
import { Account, readAccount } from './account.ts';
import { type HubSpotAssociations, hubSpotAssociations } from './associations.ts';
import { Definitions, readDefinitions } from './definitions.ts';
import { type HubSpotObjects, hubSpotObjects, type ObjectType } from './objects.ts';
import type { OutputProperties } from './outputs.ts';
import { Owners, readOwners } from './owners.ts';
import { Pipelines, readPipelines } from './pipelines.ts';
import type { Send } from './transport.ts';

/** All that we ask of a HubSpot portal: its records by kind, and which of them belong together. */
export interface HubSpotPortal extends Readonly<Record<ObjectType, HubSpotObjects>> {
  readonly associations: HubSpotAssociations;
}

/**
 * @param apiUrl - scheme and host, no trailing slash
 * @param send - carries one request to HubSpot and throws what is no success
 */
export function hubSpotPortal(apiUrl: string, send: Send): HubSpotPortal {
  return {
    contacts: hubSpotObjects(apiUrl, send, 'contacts'),
    companies: hubSpotObjects(apiUrl, send, 'companies'),
    deals: hubSpotObjects(apiUrl, send, 'deals'),
    associations: hubSpotAssociations(apiUrl, send),
  };
}

/** What a portal tells of itself, by kind: time zone and currency, definitions of our properties, who owns records, how deals go. */
export const PORTAL_DETAILS = {
  account: Account,
  contacts: Definitions,
  companies: Definitions,
  deals: Definitions,
  owners: Owners,
  pipelines: Pipelines,
} as const;
export type PortalDetails = {
  readonly [Kind in keyof typeof PORTAL_DETAILS]: v.InferOutput<(typeof PORTAL_DETAILS)[Kind]>;
};

/** One kind of what a portal tells of itself. */
export interface DetailReader<T> {
  /** Asks HubSpot. @throws HubSpotError */
  read(): Promise<T>;
  /** Whether what was read once says all that is asked for now. */
  covers(known: T): boolean;
}

export type DetailReaders = {
  readonly [Kind in keyof PortalDetails]: DetailReader<PortalDetails[Kind]>;
};

/**
 * @param apiUrl - scheme and host, no trailing slash
 * @param send - carries one request to HubSpot and throws what is no success
 * @param names - of the properties whose definitions matter
 */
export function detailReaders(
  apiUrl: string,
  send: Send,
  names: Readonly<Record<keyof OutputProperties, readonly string[]>>,
): DetailReaders {
  const definitions = (type: keyof OutputProperties): DetailReader<Definitions> => ({
    read: () => readDefinitions(apiUrl, send, type, names[type]),
    covers: (known) => names[type].every((name) => name in known),
  });
  return {
    // What an older version kept of it says nothing of the currency.
    account: {
      read: () => readAccount(apiUrl, send),
      covers: (known) => known.companyCurrency !== undefined,
    },
    contacts: definitions('contacts'),
    companies: definitions('companies'),
    deals: definitions('deals'),
    owners: { read: () => readOwners(apiUrl, send), covers: () => true },
    pipelines: { read: () => readPipelines(apiUrl, send), covers: () => true },
  };
}
