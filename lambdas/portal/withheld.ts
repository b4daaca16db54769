import * as v from 'valibot';
import type { Store } from '../store/connect.ts';
import { PortalRow } from '../store/portal-rows.ts';

/** Names of our properties that HubSpot does not let us write. */
export const Withheld = v.object({ names: v.array(v.string()) });
export type Withheld = v.InferOutput<typeof Withheld>;

/** The portal's row that remembers them: write-back keeps it, and whoever compares HubSpot with the table passes them over. */
export function withheldRow({
  client,
  tableName,
  portalId,
}: Pick<Store, 'client' | 'tableName' | 'portalId'>): PortalRow<Withheld> {
  return new PortalRow(client, tableName, portalId, 'withheld', Withheld, { names: [] });
}
