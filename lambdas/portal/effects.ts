import * as v from 'valibot';
import type { Store } from '../store/connect.ts';
import { PortalRow } from '../store/portal-rows.ts';

/** How much each source matters over all closed deals, as a night computed it. */
export const Effects = v.object({
  /** By source, such as `ai/chatgpt`: from 0 to 1. */
  effects: v.record(v.string(), v.number()),
  /** How many closed deals they were computed from; 0 while they never were. */
  deals: v.number(),
  /** Epoch milliseconds. */
  atMs: v.number(),
  /** Whether every deal was asked to be credited by them; a night that is under way may still have to. */
  isSent: v.optional(v.boolean(), true),
});
export type Effects = v.InferOutput<typeof Effects>;

/** The portal's row that holds them: nights compute them, and write-back credits deals by them. */
export function effectsRow({
  client,
  tableName,
  portalId,
}: Pick<Store, 'client' | 'tableName' | 'portalId'>): PortalRow<Effects> {
  const none: Effects = { effects: {}, deals: 0, atMs: 0, isSent: true };
  return new PortalRow(client, tableName, portalId, 'effects', Effects, none);
}
