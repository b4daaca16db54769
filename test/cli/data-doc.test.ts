// docs/data.md and what is written and taken say the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { readImport } from '../../cli/import-lines.ts';
import { type ColumnType, FACT_COLUMNS, SCORE_COLUMNS } from '../../cli/table-lines.ts';

const DOC = readFileSync(join(import.meta.dirname, '../../docs/data.md'), 'utf8');

function section(title: string): string {
  return DOC.split(/^#{2,3} /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
}

/** Names and types of a table of the doc, as `name text`. */
function listed(title: string): string[] {
  return [...section(title).matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`);
}

/** Columns of a CREATE TABLE, as `name VARCHAR`. */
function created(warehouse: string, table: string): string[] {
  const [, columns = ''] = new RegExp(`CREATE TABLE ${table} \\(([^;]*)\\);`).exec(section(warehouse)) ?? [];
  return columns
    .split(/,\n|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

const SNOWFLAKE: Readonly<Record<ColumnType, string>> = {
  text: 'VARCHAR',
  number: 'NUMBER(12, 3)',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP_TZ',
};
const BIGQUERY: Readonly<Record<ColumnType, string>> = {
  text: 'STRING',
  number: 'NUMERIC',
  boolean: 'BOOL',
  timestamp: 'TIMESTAMP',
};

describe.each([
  ['Facts', 'afterglow.facts', FACT_COLUMNS],
  ['Scores', 'afterglow.scores', SCORE_COLUMNS],
])('the columns of %s', (title, table, columns) => {
  const named = (types: Readonly<Record<ColumnType, string>>) =>
    Object.entries<ColumnType>(columns).map(([name, type]) => `${name} ${types[type]}`);

  test('are described, in their order', () => {
    const own = { text: 'text', number: 'number', boolean: 'boolean', timestamp: 'timestamp' };

    expect(listed(title)).toEqual(named(own));
  });

  test('have a table in Snowflake, and one in BigQuery', () => {
    expect(created('Snowflake', table)).toEqual(named(SNOWFLAKE));
    expect(created('BigQuery', table)).toEqual(named(BIGQUERY));
  });
});

test('the history that the doc shows can be imported', async () => {
  const [, csv = ''] = /```csv\n([^`]*)```/.exec(DOC) ?? [];
  const context = { portalId: '33', nowMs: Date.UTC(2026, 3, 1), factRetentionDays: 400 };

  const facts = [];
  for await (const read of readImport(Readable.from([Buffer.from(csv)]), 'csv', context))
    facts.push('factIn' in read ? { whose: read.whose, ...read.factIn('') } : read);

  expect(facts).toMatchObject([
    {
      whose: { email: 'zoe@acme.example' },
      name: 'signal:product.login',
      occurredAtMs: Date.UTC(2026, 2, 1, 9, 30),
    },
    {
      whose: { email: 'zoe@acme.example' },
      name: 'signal:demo.requested',
      occurredAtMs: Date.UTC(2026, 2, 2, 13),
    },
  ]);
});
