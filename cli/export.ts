import { createWriteStream, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { stringify } from 'csv-stringify/sync';
import { addressKeyOf, contactIdOf, visitorIdOf } from '../lambdas/store/keys.ts';
import { HEAD, readFact, readHead, SIGNAL, VISIT } from '../lambdas/store/rows.ts';
import type { Progress } from './progress.ts';
import {
  FACT_COLUMNS,
  type FactLine,
  factLine,
  SCORE_COLUMNS,
  type ScoreLine,
  scoreLine,
  type Whose,
} from './table-lines.ts';
import { type TargetStore, UsageError } from './target.ts';

export const EXPORTED = ['facts', 'scores', 'all'] as const;
export const FORMATS = ['jsonl', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export interface ExportOptions {
  readonly what: (typeof EXPORTED)[number];
  readonly format: Format;
  /** File to write, which stands when it is whole; undefined: standard output. */
  readonly out?: string | undefined;
}

/** What was written. */
export interface Exported {
  readonly facts: number;
  readonly scores: number;
  readonly file: string | null;
}

/**
 * Writes facts and scores of a portal, a page of the table at a time and no faster than they are taken: however many there are, memory
 * holds one page. Of erased contacts nothing is written. What changes meanwhile may be in it as it was before, or after.
 *
 * @param standardOutput - where it goes without a file; stays open
 * @throws UsageError for two kinds in one CSV, and for a file that cannot be written
 */
export async function exportTable(
  store: TargetStore,
  options: ExportOptions,
  standardOutput: Writable,
  progress: Progress,
): Promise<Exported> {
  const { what, format, out } = options;
  if (what === 'all' && format === 'csv')
    throw new UsageError(
      'a CSV file has lines of one kind: give --what facts or --what scores, or --format jsonl',
    );
  if (out !== undefined) checkFile(out);
  const counts = { facts: 0, scores: 0 };
  const texts = Readable.from(textsOf(store, options, counts, progress)); // Which reads one page ahead.
  if (out === undefined) await writeOpen(standardOutput, texts);
  else await writeWhole(out, texts);
  progress.say(`${counts.facts} facts and ${counts.scores} scores written`);
  return { ...counts, file: out ?? null };
}

/** Whether an error is the operating system's of a file, such as a folder that is not there; those of connections the AWS SDK marks. */
export function isOfSystem(error: unknown): error is { readonly code: unknown } {
  const isError = typeof error === 'object' && error !== null;
  return isError && 'syscall' in error && 'code' in error && !('$metadata' in error);
}

/** Another name is given to the file that is written, and so only a file may have it: no directory, device or link is replaced. */
function checkFile(file: string): void {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() === false)
    throw new UsageError(`${file} is there and no file: give another name, or no --out for standard output`);
}

/** Whoever reads it may have seen enough, as `head` has. */
async function writeOpen(output: Writable, texts: Readable): Promise<void> {
  try {
    await pipeline(texts, output, { end: false });
  } catch (cause) {
    if (!isOfSystem(cause)) throw cause;
    if (cause.code !== 'EPIPE') throw unwritable('standard output', cause);
  }
}

/** A file with the name that was asked for holds all of it. Nothing is left of one that could not be written to its end. */
async function writeWhole(file: string, texts: Readable): Promise<void> {
  const part = `${file}.${process.pid}.part`; // Others may write the same file.
  try {
    const fd = openSync(part, 'w', 0o600); // Nobody else on the machine is to read it.
    await pipeline(texts, createWriteStream(part, { fd }));
    renameSync(part, file);
  } catch (cause) {
    rmSync(part, { force: true });
    if (!isOfSystem(cause)) throw cause;
    throw unwritable(file, cause);
  }
}

function unwritable(file: string, cause: { readonly code: unknown }): UsageError {
  return new UsageError(`${file} cannot be written (${String(cause.code)})`, { cause });
}

async function* textsOf(
  store: TargetStore,
  { what, format }: ExportOptions,
  counts: { facts: number; scores: number },
  progress: Progress,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvOf([Object.keys(what === 'scores' ? SCORE_COLUMNS : FACT_COLUMNS)]);
  for await (const { facts, scores } of linesOf(store)) {
    const lines = [...(what === 'scores' ? [] : facts), ...(what === 'facts' ? [] : scores)];
    if (what !== 'scores') counts.facts += facts.length;
    if (what !== 'facts') counts.scores += scores.length;
    progress.at(`${counts.facts} facts, ${counts.scores} scores`);
    if (lines.length === 0) continue;
    if (format === 'csv') yield csvOf(lines.map((line) => Object.values(line)));
    else yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  }
}

function csvOf(rows: readonly (readonly unknown[])[]): string {
  return stringify([...rows], { cast: { boolean: String } }); // Its own word for true is 1, for false nothing.
}

interface LinesOfPage {
  readonly facts: readonly FactLine[];
  readonly scores: readonly ScoreLine[];
}

type Row = Readonly<Record<string, unknown>>;

/** All facts and scores of the portal, by pages of the table of up to 1 MB. */
async function* linesOf(store: TargetStore): AsyncGenerator<LinesOfPage> {
  const { client, tableName, portalId } = store;
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: tableName,
        ConsistentRead: true, // What was erased a moment ago is gone.
        FilterExpression:
          'begins_with(pk, :portal) AND (sk = :head OR begins_with(sk, :signal) OR begins_with(sk, :visit))',
        ExpressionAttributeValues: {
          ':portal': `${portalId}#`,
          ':head': HEAD,
          ':signal': SIGNAL,
          ':visit': VISIT,
        },
        ExclusiveStartKey,
      }),
    );
    yield await linesOfPage(page.Items ?? [], store);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
}

async function linesOfPage(rows: readonly Row[], { contacts, portalId }: TargetStore): Promise<LinesOfPage> {
  const ours = rows.flatMap((row) => {
    const key = String(row['pk']);
    const whose = whoseIs(key, portalId);
    return whose === undefined ? [] : [{ key, whose, row }];
  });
  const [headRows, factRows] = [ours.filter(isHead), ours.filter((one) => !isHead(one))];
  const heads = new Map(headRows.map(({ key, row }) => [key, readHead(row)]));
  // A page may end between a head and its facts.
  const apart = new Set(factRows.map(({ key }) => key).filter((key) => !heads.has(key)));
  const others = await contacts.heads([...apart]);
  const isErased = (key: string) => (heads.get(key) ?? others.get(key))?.life === 'erased';
  return {
    // What was kept after an erasure is swept away by whoever comes across it.
    facts: factRows
      .filter(({ key }) => !isErased(key))
      .map(({ whose, row }) => factLine(portalId, whose, readFact(row))),
    scores: [...heads].flatMap(([key, head]) => {
      const contactId = contactIdOf(key, portalId);
      return contactId === undefined ? [] : (scoreLine(portalId, contactId, head) ?? []);
    }),
  };
}

function isHead({ row }: { readonly row: Row }): boolean {
  return row['sk'] === HEAD;
}

/** Whose partition it is; undefined for those of companies, deals and the portal. */
function whoseIs(key: string, portalId: string): Whose | undefined {
  const contactId = contactIdOf(key, portalId);
  if (contactId !== undefined) return { contactId };
  const addressKey = addressKeyOf(key, portalId);
  if (addressKey !== undefined) return { addressKey };
  const visitorId = visitorIdOf(key, portalId);
  return visitorId === undefined ? undefined : { visitorId };
}
