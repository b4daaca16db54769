import type { Model } from '../../lambdas/scoring/model.ts';
import type { ChangedContact } from '../virtual/portal.ts';

/** What any writer needs: a portal, a token, and what is to be written. */
export interface WriterTask {
  /** Scheme and host of the API. */
  readonly url: string;
  readonly accessToken: string;
  /** Ids, and properties as text, as HubSpot takes them. */
  readonly contacts: readonly Pick<ChangedContact, 'id' | 'properties'>[];
  readonly sleep: (ms: number) => Promise<void>;
}

/** What a writer is given: besides, what the table of ours holds of the contacts. */
export interface Task extends WriterTask {
  readonly contacts: readonly ChangedContact[];
  readonly model: Model;
  /** Calls that the token may make in any 10 s, and of these, calls left to others. */
  readonly limit: number;
  readonly reserve: number;
  /** Does something that takes real time and no virtual time. */
  readonly real: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What a writer says it did. */
export interface Report {
  /** Ids of the contacts that it counts as written. */
  readonly countedAsWritten: readonly string[];
}

/** A way to write scores to HubSpot. */
export interface Recipe {
  readonly name: string;
  /** Where it is published, and its settings. */
  readonly source: string;
  /** What it does not do. */
  readonly doesNot: readonly string[];
  /** Text properties of contacts that it writes besides ours. */
  readonly moreProperties: readonly string[];
  write(task: Task): Promise<Report>;
}
