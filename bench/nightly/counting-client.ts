import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { LOCAL_CREDENTIALS } from '../../local/runner/engines.ts';
import { LOCAL_REGION } from '../../local/runner/template.ts';
import { NO_UNITS, plus, type Units } from './units.ts';

const number = v.optional(v.number(), 0);
const Consumed = v.object({
  Table: v.optional(v.object({ CapacityUnits: number })),
  GlobalSecondaryIndexes: v.optional(v.record(v.string(), v.object({ CapacityUnits: number })), {}),
});
const Answer = v.object({
  output: v.object({
    ConsumedCapacity: v.optional(
      v.union([
        v.array(Consumed),
        v.pipe(
          Consumed,
          v.transform((one) => [one]),
        ),
      ]),
      [],
    ),
  }),
});

export interface CountingClient {
  readonly client: DynamoDBDocumentClient;
  /** The units that were consumed since this was last asked. */
  readonly takeUnits: () => Units;
}

/** A client that asks of every command what it consumes. @param endpoint - of an engine that tells of indexes too */
export function countingClient(endpoint: string): CountingClient {
  const bare = new DynamoDBClient({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  let units = NO_UNITS;
  bare.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (command) => {
        const result = await next({
          ...command,
          input: { ...command.input, ReturnConsumedCapacity: 'INDEXES' },
        });
        const isWrite = /^(Put|Update|Delete|BatchWrite)Item/.test(commandName);
        for (const { Table, GlobalSecondaryIndexes } of v.parse(Answer, result).output.ConsumedCapacity) {
          const ofTable = Table?.CapacityUnits ?? 0;
          const ofIndexes = Object.values(GlobalSecondaryIndexes).reduce(
            (sum, each) => sum + each.CapacityUnits,
            0,
          );
          units = plus(units, {
            ...NO_UNITS,
            ...(isWrite
              ? { writes: ofTable, indexWrites: ofIndexes }
              : { reads: ofTable, indexReads: ofIndexes }),
          });
        }
        return result;
      },
    { step: 'initialize' },
  );
  const client = DynamoDBDocumentClient.from(bare, { marshallOptions: { removeUndefinedValues: true } });
  const takeUnits = (): Units => {
    const taken = units;
    units = NO_UNITS;
    return taken;
  };
  return { client, takeUnits };
}
