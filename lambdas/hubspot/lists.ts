import type { Associated } from './associations.ts';
import type { HubSpotRecord, ObjectType } from './objects.ts';

/** A value that a property had, and since when. */
export interface Version {
  /** `''` = cleared. */
  readonly value: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Who wrote it: `userId:…`, or the id of an app. */
  readonly sourceId: string | undefined;
}

/** What a record is associated with, as a list tells it. */
export interface ListedLinks {
  readonly to: readonly Associated[];
  /** False where there are more than the list told. */
  readonly isWhole: boolean;
}

/** A record with all that was asked of it. */
export interface ListedRecord extends HubSpotRecord {
  /** Of each property whose history was asked for, newest first. */
  readonly histories: Readonly<Record<string, readonly Version[]>>;
  /** Of each kind of record that was asked for. */
  readonly links: Readonly<Partial<Record<ObjectType, ListedLinks>>>;
}

export interface ListRequest {
  /** The last record of the page before; undefined for the first page. */
  readonly after: string | undefined;
  readonly properties: readonly string[];
  /** Properties whose history is wanted: a page then holds fewer records. @default none */
  readonly histories?: readonly string[];
  /** Kinds of records whose associations are wanted. @default none */
  readonly links?: readonly ObjectType[];
}

export interface ListPage {
  /** Ascending by id. */
  readonly records: readonly ListedRecord[];
  /** Where the next page begins; undefined after the last. */
  readonly after: string | undefined;
}

export interface ChangedPage {
  /** Ascending by the time of their last change. */
  readonly records: readonly HubSpotRecord[];
  /** Where the next page begins; undefined after the last that this search hands out. */
  readonly after: string | undefined;
  /** How many records there are in all that changed since. */
  readonly total: number;
}

/** What we ask of HubSpot about all records of one kind. Every call goes through the budget; failures are HubSpotErrors. */
export interface HubSpotLists {
  /** One page of all records: 100, or 50 with histories. */
  list(request: ListRequest): Promise<ListPage>;
  /** How many records there are. */
  count(): Promise<number>;
  /**
   * One page of up to 200 of the records that changed since a moment; a search hands out 10,000 at most, some seconds late.
   *
   * @param after - as the page before told it
   */
  changedSince(
    sinceMs: number,
    after: string | undefined,
    properties: readonly string[],
  ): Promise<ChangedPage>;
  /** Up to 50 records with the histories of properties; no links. @returns those that exist */
  readHistories(ids: readonly string[], properties: readonly string[]): Promise<ListedRecord[]>;
  /** Which of up to 100 records are in HubSpot's recycling bin. */
  archived(ids: readonly string[]): Promise<ReadonlySet<string>>;
}
