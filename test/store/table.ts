import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  type BatchGetCommand,
  BatchWriteCommand,
  type DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  type PutCommand,
  type QueryCommand,
  ScanCommand,
  type UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { chunks } from '../../lambdas/chunks.ts';
import { CompanyTable } from '../../lambdas/store/company-table.ts';
import { ContactTable } from '../../lambdas/store/contact-table.ts';
import { DealTable } from '../../lambdas/store/deal-table.ts';

const require = createRequire(import.meta.url);

/** A stand-in for DynamoDB on 127.0.0.1. */
export interface Engine {
  readonly url: string;
  stop(): Promise<void>;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

export async function startDynalite(): Promise<Engine> {
  const server: Server = require('dynalite')({ createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const DYNOXIDE = path.join(import.meta.dirname, '../../node_modules/@dynoxide/linux-x64/dynoxide');

async function startDynoxide(): Promise<Engine> {
  const probe = createServer();
  const port = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
  const child: ChildProcess = spawn(DYNOXIDE, ['serve', '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (child.stderr !== null) await once(child.stderr, 'data'); // It says that it listens.
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** The engines that this machine has: what the store promises holds on each of them. */
export const ENGINES = [
  { name: 'dynalite', start: startDynalite },
  ...(existsSync(DYNOXIDE) ? [{ name: 'dynoxide', start: startDynoxide }] : []),
];

export type Client = Pick<DynamoDBDocumentClient, 'send'>;

interface TableOptions {
  readonly portalId?: string;
  readonly client?: Client;
  readonly clock?: () => number;
}

export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  /** All rows, in the order of their keys. */
  rows(): Promise<Record<string, unknown>[]>;
  row(pk: string, sk: string): Promise<Record<string, unknown> | undefined>;
  /** Puts rows as they are, 25 at a time. */
  put(rows: readonly Record<string, unknown>[]): Promise<void>;
  /** The contact table of a portal, 33 unless told otherwise, seen through a client of one's own if wanted. */
  contacts(options?: TableOptions): ContactTable;
  /** The companies of the same portal, in the same table. */
  companies(options?: TableOptions): CompanyTable;
  /** Its deals. */
  deals(options?: TableOptions): DealTable;
}

let tables = 0;

function place({ pk, sk }: Record<string, unknown>): string {
  return `${String(pk)} ${String(sk)}`;
}

/** A fresh table as `lib/contact-table.ts` deploys it. */
export async function createTable({ url }: Engine): Promise<Table> {
  tables += 1;
  const tableName = `contacts-${process.pid}-${tables}`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const bare = new DynamoDBClient({ endpoint: url, region: 'local', credentials });
  const client = DynamoDBDocumentClient.from(bare, { marshallOptions: { removeUndefinedValues: true } });
  await bare.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        ...['pk', 'sk', 'due', 'company', 'roll'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S' as const,
        })),
        { AttributeName: 'rank', AttributeType: 'N' },
        { AttributeName: 'id', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'due',
          KeySchema: [
            { AttributeName: 'due', KeyType: 'HASH' },
            { AttributeName: 'pk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
        {
          IndexName: 'company',
          KeySchema: [
            { AttributeName: 'company', KeyType: 'HASH' },
            { AttributeName: 'rank', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
        {
          IndexName: 'roll',
          KeySchema: [
            { AttributeName: 'roll', KeyType: 'HASH' },
            { AttributeName: 'id', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
  const optionsOf = ({ portalId = '33', client: own = client, clock = Date.now }: TableOptions = {}) => ({
    client: own,
    tableName,
    portalId,
    factRetentionDays: 400,
    clock,
  });
  return {
    client,
    tableName,
    async rows() {
      const { Items = [] } = await client.send(
        new ScanCommand({ TableName: tableName, ConsistentRead: true }),
      );
      return Items.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
    },
    async put(rows) {
      for (const some of chunks(rows, 25)) {
        const puts = some.map((Item) => ({ PutRequest: { Item } }));
        await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
      }
    },
    async row(pk, sk) {
      const Key = { pk, sk };
      return (await client.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;
    },
    contacts: (options) => new ContactTable(optionsOf(options)),
    companies: (options) => new CompanyTable(optionsOf(options)),
    deals: (options) => new DealTable(optionsOf(options)),
  };
}

/** A command that the store sends. */
export type Command = QueryCommand | PutCommand | UpdateCommand | DeleteCommand | BatchGetCommand;

/** A client that lets a test look at each command, hold it up, or act between it and its answer. */
export function watched(
  client: Client,
  watch: (command: Command, go: () => Promise<unknown>) => Promise<unknown>,
): Client {
  const send = (command: QueryCommand) => watch(command, () => client.send(command));
  return { send: send as DynamoDBDocumentClient['send'] };
}
