import type { CompanyTick, Tick } from '../events/envelope.ts';
import type { WriteRequest } from '../store/queues.ts';

/** What is to be sent once a piece of work is done; sending it again does no harm. */
export interface Outcome {
  readonly changes?: readonly WriteRequest[];
  /** Somebody waits for these, unless there are many. */
  readonly urgent?: readonly WriteRequest[];
  /** Deals whose credit depends on what was heard. */
  readonly credits?: readonly WriteRequest[];
  readonly background?: readonly WriteRequest[];
  /** Ids of companies to be rolled up, when the index has what was stored. */
  readonly rollUps?: readonly string[];
  /** Ticks that can be dealt with at once. */
  readonly ticks?: readonly (Tick | CompanyTick)[];
  /** Ids of companies whose contacts are to be scored anew, when the index has them all. */
  readonly changedCompanies?: readonly string[];
  /** Ids of contacts that were erased. */
  readonly erased?: readonly string[];
  /** How long ago happened what the new score knows of for the first time, in milliseconds. */
  readonly agesMs?: readonly number[];
  /** More facts stand there than one fold looks at. */
  readonly isFactLimitReached?: boolean;
}
