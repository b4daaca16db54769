// What may go wrong, and how often it did.
import { createRandom, type Random } from '../local/hubspot/random.ts';

/** Everything that befalls a function, a call or a message here; what HubSpot does to a call has names of its own. */
export const FAULTS = [
  'function crashed before a call',
  'function crashed after a call',
  'function started anew',
  'request lost',
  'answer lost',
  'answer lost, sent again by the SDK',
  'request landed late',
  'slow call',
  'throttled',
  'torn reading',
  'short page',
  'keys left unread',
  'entries of a batch declined',
  'message delivered twice',
  'message delivered late',
  'received messages lost',
  'deletion of messages lost',
  'secret not readable',
  'webhook delivered twice',
  'webhook answer lost',
  'signal sent again',
] as const;
export type Fault = (typeof FAULTS)[number];

/** What HubSpot does to a call, by the kinds of its simulator: each of them one of these. */
const OF_HUBSPOT: readonly (readonly [fault: string, kinds: RegExp])[] = [
  ['HubSpot does it later, and does not answer', /-late$/],
  ['HubSpot does it, and does not say so', /^(reset|silence|\d+)-done$/],
  ['HubSpot does not answer', /^(reset|silence)$/],
  ['HubSpot leaves inputs out, or answers what is no answer', /^(left-out|empty|not-json)/],
  ['HubSpot refuses inputs, or a whole batch', /^(207-|400|414)/],
  ['HubSpot refuses the token', /^(401|403)$/],
  ['HubSpot has no calls left', /^429-/],
  ['HubSpot is busy with the record, or with the account', /^(409|423|477)$/],
  ['HubSpot fails', /^(408|5\d\d)$/],
];

/** @throws RangeError for a kind that was not thought of */
export function hubSpotFault(kind: string): string {
  const [fault] = OF_HUBSPOT.find(([, kinds]) => kinds.test(kind)) ?? [];
  if (fault === undefined) throw new RangeError(`what HubSpot does by ${kind} is counted nowhere`);
  return fault;
}

/** Decides by the seed what goes wrong, and counts it. */
export class Faults {
  readonly done: Record<string, number> = {};
  readonly random: Random;
  readonly #rate: number;
  /** Whether anything may go wrong now. */
  areOn = true;

  /** @param rate - share of calls to which something is done */
  constructor(seed: number, rate: number) {
    this.random = createRandom(seed, 'faults');
    this.#rate = rate;
  }

  /** One of some kinds, or mostly none. @param likelihood - how much more likely than usual */
  choose<Kind extends string>(kinds: readonly Kind[], likelihood = 1): Kind | undefined {
    if (!this.areOn || this.random.next() >= this.#rate * likelihood) return undefined;
    const kind = kinds[this.random.between(0, kinds.length - 1)];
    if (kind !== undefined) this.count(kind);
    return kind;
  }

  count(kind: string): void {
    this.done[kind] = (this.done[kind] ?? 0) + 1;
  }
}
