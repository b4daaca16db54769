import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { RetryableError } from '../errors.ts';
import { portalKey } from './keys.ts';

/** How often a change is tried again after somebody else changed the row first. */
const CHANGE_TRIES = 25;
/** After so many changes with nobody's in between, reading the row first would be a waste. */
const ALONE_AFTER = 3;

interface Versioned<T> {
  readonly state: T;
  /** 0 while there is no row. */
  readonly version: number;
}

/** One row of the portal's own partition, changed only on condition that nobody changed it in between. */
export class PortalRow<T> {
  readonly #client: Pick<DynamoDBDocumentClient, 'send'>;
  readonly #tableName: string;
  readonly #key: { readonly pk: string; readonly sk: string };
  readonly #schema: v.GenericSchema<unknown, T>;
  readonly #initial: T;
  /** The row as it was last stored here. */
  #stored: Versioned<T> | undefined;
  /** Changes stored here one after the other, with nobody's in between. */
  #inARow = 0;

  /** @param sk - sort key; `initial` stands while there is no row, or one that does not fit the schema */
  constructor(
    client: Pick<DynamoDBDocumentClient, 'send'>,
    tableName: string,
    portalId: string,
    sk: string,
    schema: v.GenericSchema<unknown, T>,
    initial: T,
  ) {
    this.#client = client;
    this.#tableName = tableName;
    this.#key = { pk: portalKey(portalId), sk };
    this.#schema = schema;
    this.#initial = initial;
  }

  async read(): Promise<T> {
    return (await this.#read()).state;
  }

  async #read(): Promise<Versioned<T>> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: this.#key, ConsistentRead: true }),
    );
    const row = v.safeParse(v.object({ version: v.number(), state: this.#schema }), Item);
    if (row.success) return row.output;
    const version = v.safeParse(v.object({ version: v.number() }), Item);
    return { state: this.#initial, version: version.success ? version.output.version : 0 };
  }

  /**
   * Changes the row. While nobody else does, that is one conditional put; otherwise the row is read before.
   *
   * @param change - pure; runs again on the newer state when somebody else was first. The very same state is not stored
   * @throws RetryableError when others kept being first
   */
  async update<R>(change: (state: T) => { readonly state: T; readonly result: R }): Promise<R> {
    if (this.#stored !== undefined && this.#inARow >= ALONE_AFTER) {
      const { state, version } = this.#stored;
      const changed = change(state);
      // What is not to be stored may be said of an old state: only reading tells.
      if (changed.state !== state && (await this.#store(changed.state, version))) return changed.result;
    }
    for (let attempt = 0; attempt < CHANGE_TRIES; attempt++) {
      const { state, version } = await this.#read();
      const changed = change(state);
      if (changed.state === state || (await this.#store(changed.state, version))) return changed.result;
    }
    throw new RetryableError(`others changed the row ${this.#key.sk} ${CHANGE_TRIES} times first`);
  }

  /** @returns false when somebody else changed the row first */
  async #store(state: T, version: number): Promise<boolean> {
    try {
      await this.#client.send(
        new PutCommand({
          TableName: this.#tableName,
          Item: { ...this.#key, version: version + 1, state },
          ConditionExpression: version === 0 ? 'attribute_not_exists(pk)' : 'version = :version',
          ...(version > 0 && { ExpressionAttributeValues: { ':version': version } }),
        }),
      );
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
    this.#inARow = version === this.#stored?.version ? this.#inARow + 1 : 1;
    this.#stored = { state, version: version + 1 };
    return true;
  }
}
