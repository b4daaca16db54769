import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { RetryableError } from '../errors.ts';
import { portalKey } from './keys.ts';

/** How often a change is tried again after somebody else changed the row first. */
const CHANGE_TRIES = 25;

/** One row of the portal's own partition, changed only on condition that nobody changed it in between. */
export class PortalRow<T> {
  readonly #client: Pick<DynamoDBDocumentClient, 'send'>;
  readonly #tableName: string;
  readonly #key: { readonly pk: string; readonly sk: string };
  readonly #schema: v.GenericSchema<unknown, T>;
  readonly #initial: T;

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
    return (await this.#readVersioned()).state;
  }

  async #readVersioned(): Promise<{ state: T; version: number }> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: this.#key, ConsistentRead: true }),
    );
    const row = v.safeParse(v.object({ version: v.number(), state: this.#schema }), Item);
    if (row.success) return row.output;
    const version = v.safeParse(v.object({ version: v.number() }), Item);
    return { state: this.#initial, version: version.success ? version.output.version : 0 };
  }

  /**
   * Changes the row.
   *
   * @param change - pure; runs again on the newer state when somebody else was first
   * @throws RetryableError when others kept being first
   */
  async update<R>(change: (state: T) => { readonly state: T; readonly result: R }): Promise<R> {
    for (let attempt = 0; attempt < CHANGE_TRIES; attempt++) {
      const { state, version } = await this.#readVersioned();
      const changed = change(state);
      try {
        await this.#client.send(
          new PutCommand({
            TableName: this.#tableName,
            Item: { ...this.#key, version: version + 1, state: changed.state },
            ConditionExpression: version === 0 ? 'attribute_not_exists(pk)' : 'version = :version',
            ...(version > 0 && { ExpressionAttributeValues: { ':version': version } }),
          }),
        );
        return changed.result;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    }
    throw new RetryableError(`others changed the row ${this.#key.sk} ${CHANGE_TRIES} times first`);
  }
}
