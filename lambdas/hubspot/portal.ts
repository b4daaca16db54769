import { type HubSpotAssociations, hubSpotAssociations } from './associations.ts';
import { type HubSpotObjects, hubSpotObjects, type ObjectType } from './objects.ts';
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
