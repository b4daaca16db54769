import { createHash } from 'node:crypto';
import type { Fact, PropertyValue } from '../scoring/facts.ts';
import type { Model } from '../scoring/model.ts';

/** Everything that reading a request needs to know besides the request. */
export interface ReadingContext {
  readonly model: Model;
  /** The portal this stack serves. */
  readonly portalId: string;
  /** App ids whose own writes come back as events. */
  readonly ownAppIds: readonly string[];
  /** Epoch milliseconds at which the request was received. */
  readonly receivedAtMs: number;
}

/** Whom something is about. */
export type Subject =
  | { readonly type: 'contact' | 'company' | 'deal'; readonly id: string }
  | { readonly type: 'email'; readonly email: string }
  /** A browser of which it may not be known yet whose it is. */
  | { readonly type: 'visitor'; readonly visitorId: string };

/** What befell the record itself. */
export type Turn =
  | { readonly kind: 'deletion' | 'restore' | 'privacyDeletion'; readonly atMs: number }
  /** Of a company or deal; that of a contact is a fact. */
  | { readonly kind: 'creation'; readonly atMs: number }
  /** The contact has another e-mail address: HubSpot is to be asked which. */
  | { readonly kind: 'address'; readonly atMs: number }
  /** The contact got or lost a company or a deal that scores depend on: HubSpot is to be asked which it has. */
  | { readonly kind: 'association'; readonly atMs: number }
  /** HubSpot saw a visit of the contact: it is to be asked by which source. */
  | { readonly kind: 'source'; readonly atMs: number }
  /** A browser turned out to be the subject's. */
  | { readonly kind: 'visitor'; readonly atMs: number; readonly visitorId: string }
  | { readonly kind: 'merge'; readonly atMs: number; readonly oldIds: readonly string[] };

/** What one event says, in our words. */
export interface Heard {
  readonly subject: Subject;
  readonly facts: readonly Fact[];
  readonly properties: readonly PropertyValue[];
  readonly turn?: Turn;
}

/** What cannot be understood: a message of the queue, the body of a request, the time of an event, or anything else of it. */
type RejectedKind = 'message' | 'body' | 'time' | 'event';

/** An event that can never be understood. The reason holds nothing of what it says. */
export interface Rejected {
  readonly kind: RejectedKind;
  readonly reason: string;
  readonly event: unknown;
}

/** Most bytes of JSON kept of a rejected event: with its reason it still fits one message of 1 MiB. */
const LARGEST_KEPT_BYTES = 1_000_000;

/** A rejected event as it can be kept. What no message can hold is left out, and the reason says so. */
export function rejected(kind: RejectedKind, reason: string, event: unknown): Rejected {
  if (isKeepable(event)) return { kind, reason, event };
  return { kind, reason: `${reason}; too large to be kept`, event: null };
}

function isKeepable(event: unknown): boolean {
  try {
    const json = JSON.stringify(event, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    return Buffer.byteLength(json) <= LARGEST_KEPT_BYTES;
  } catch {
    return false; // Nested deeper than JSON can be written.
  }
}

/** Why what concerns another portal is dropped. */
export const ANOTHER_PORTAL = 'another portal';

/** That HubSpot delivered an event of one of the app's subscriptions, whatever is made of it. */
export interface Arrival {
  /** As `subscriptionsOf` names it. */
  readonly subscription: string;
  readonly occurredAtMs: number;
}

/** What a request said: understood, refused with a reason, or dropped on purpose (counted by reason). */
export interface Hearing {
  readonly heard: readonly Heard[];
  readonly rejected: readonly Rejected[];
  readonly dropped: readonly string[];
  /** Of our portal's webhooks. */
  readonly arrivals?: readonly Arrival[];
}

/**
 * The identity of a fact: what happened, not how we heard of it.
 *
 * @param parts - beginning with the portal, what tells this fact from every other; never attempts, never receive times
 * @returns 22 URL-safe characters
 */
export function factKey(...parts: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify(parts.map(String)))
    .digest('base64url')
    .slice(0, 22);
}

/** Most a time may lie ahead of its receipt: clocks differ, but not by days. */
const AHEAD_MS = 86_400_000;
const YEAR_2000_MS = Date.UTC(2000, 0, 1);

/** Why a time cannot be one at which something happened; undefined when it can. @param nowMs - time of receipt, epoch ms */
export function implausible(occurredAtMs: number, nowMs: number): string | undefined {
  if (!Number.isFinite(occurredAtMs)) return 'the time is not a finite number';
  if (occurredAtMs < YEAR_2000_MS) return 'the time lies before the year 2000';
  if (occurredAtMs > nowMs + AHEAD_MS) return 'the time lies more than 24 hours ahead of its receipt';
  return undefined;
}
