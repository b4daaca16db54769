// What the table holds of a contact, in bytes, and what a million contacts cost in a month.
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import * as v from 'valibot';
import { LOCAL_CREDENTIALS } from '../../local/runner/engines.ts';
import type { LocalSystem } from '../../local/runner/local-system.ts';
import { LOCAL_REGION } from '../../local/runner/template.ts';
import { dollarsOf, GB } from './bill.ts';
import { type Row, rowSchema, storedBytes } from './rows.ts';

/** What a contact is taken to have done within the days that facts are kept. */
const FACTS_PER_CONTACT = 20;
const MILLION = 1_000_000;
/** Portal and contact; other records say what they are. */
const CONTACT_KEY = /^\d+#\d+$/;

export interface StorageFigures {
  /** Bytes with their entries in indexes and what DynamoDB adds: of a contact's head, of its properties together, and of a fact. */
  readonly headBytes: number;
  readonly propertyBytes: number;
  readonly factBytes: number;
  readonly factsPerContact: number;
  readonly gigabytesPerMillionContacts: number;
  readonly dollarsPerMillionContacts: number;
}

/** Weighs the rows of all contacts in the table. */
export async function readStorage({ dynamoDbUrl, tableName }: LocalSystem): Promise<StorageFigures> {
  const client = new DynamoDBClient({
    endpoint: dynamoDbUrl,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  const rows: Row[] = [];
  try {
    for await (const { Items = [] } of paginateScan({ client }, { TableName: tableName }))
      for (const item of Items) rows.push(v.parse(rowSchema, item));
  } finally {
    client.destroy();
  }
  return weigh(rows);
}

/** @param rows - of the whole table */
export function weigh(rows: readonly Row[]): StorageFigures {
  const ofContacts = rows.filter((row) => CONTACT_KEY.test(textOf(row, 'pk')));
  const bytesOf = (prefix: string): { bytes: number; count: number } => {
    const some = ofContacts.filter((row) => textOf(row, 'sk').startsWith(prefix));
    return { bytes: some.reduce((sum, row) => sum + storedBytes(row), 0), count: some.length };
  };
  const heads = bytesOf('#head');
  const properties = bytesOf('property#');
  const facts = bytesOf('signal#');
  if (heads.count === 0 || facts.count === 0) throw new Error('the table holds no contact with a fact');
  const headBytes = heads.bytes / heads.count;
  const propertyBytes = properties.bytes / heads.count;
  const factBytes = facts.bytes / facts.count;
  const gigabytes = ((headBytes + propertyBytes + FACTS_PER_CONTACT * factBytes) * MILLION) / GB;
  return {
    headBytes,
    propertyBytes,
    factBytes,
    factsPerContact: FACTS_PER_CONTACT,
    gigabytesPerMillionContacts: gigabytes,
    dollarsPerMillionContacts: dollarsOf({ dynamoDbStorage: gigabytes, dynamoDbRecovery: gigabytes }),
  };
}

function textOf(row: Row, name: string): string {
  const value = row[name];
  return value !== undefined && 'S' in value ? value.S : '';
}
