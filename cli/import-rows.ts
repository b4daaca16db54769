import { pipeline, type Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import * as v from 'valibot';
import { readJson } from '../lambdas/events/json.ts';
import { named } from '../lambdas/scoring/model-problems.ts';
import { UsageError } from './target.ts';

/** Longest line, in bytes: a fact has a few hundred. */
const LONGEST_LINE_BYTES = 64 * 1024;
const NEW_LINE = 0x0a;

/** What stands on a line, or why that cannot be read. */
interface RowRead {
  /** From 1. Of a row of CSV that has several lines the last. */
  readonly line: number;
  readonly given?: unknown;
  readonly problem?: string;
}

/** Reads JSON lines; empty ones are passed over. @throws UsageError for a line that has no end in sight */
export async function* jsonRows(input: AsyncIterable<Buffer>): AsyncGenerator<RowRead> {
  let line = 0;
  for await (const bytes of bytesOfLines(input)) {
    line += 1;
    if (bytes.toString('latin1').trim() === '') continue;
    try {
      yield { line, given: readJson(bytes) };
    } catch {
      yield { line, problem: 'not JSON in UTF-8: expected one JSON object on each line' };
    }
  }
}

async function* bytesOfLines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer = Buffer.alloc(0);
  let lines = 0;
  for await (const piece of input) {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    let from = 0;
    for (let end = pending.indexOf(NEW_LINE); end >= 0; end = pending.indexOf(NEW_LINE, from)) {
      lines += 1;
      yield pending.subarray(from, end);
      from = end + 1;
    }
    pending = pending.subarray(from);
    if (pending.length > LONGEST_LINE_BYTES)
      throw new UsageError(
        `line ${lines + 1} is longer than ${LONGEST_LINE_BYTES} bytes: expected one JSON object on each line`,
      );
  }
  if (pending.length > 0) yield pending;
}

const CsvRecord = v.object({
  record: v.record(v.string(), v.string()),
  info: v.object({ lines: v.number(), error: v.optional(v.unknown()) }),
});

/**
 * Reads CSV whose first line names its columns, as objects of texts; empty lines are passed over.
 *
 * @param columnsFor - the columns that a file with such names may have
 * @throws UsageError where what follows cannot be read either: it is no CSV, not UTF-8, or has columns that are not known, or twice
 */
export async function* csvRows(
  input: Readable,
  columnsFor: (names: readonly string[]) => readonly string[],
): AsyncGenerator<RowRead> {
  const parser = parse({
    bom: true,
    columns: (names: string[]) => {
      const trimmed = names.map((name) => name.trim());
      checkColumns(trimmed, columnsFor(trimmed));
      return trimmed;
    },
    info: true,
    skipEmptyLines: true,
    relaxColumnCount: true, // A line with too few or too many is told as one that is wrong.
    maxRecordSize: LONGEST_LINE_BYTES,
  });
  // What goes wrong on the way to it, the parser's reader is told.
  pipeline(input, onlyUtf8, parser, () => undefined);
  try {
    for await (const one of parser) {
      const { record, info } = v.parse(CsvRecord, one);
      const line = info.lines;
      if (info.error === undefined) yield { line, given: record };
      else yield { line, problem: 'expected as many columns as the first line has' };
    }
  } catch (cause) {
    if (cause instanceof CsvError)
      throw new UsageError(`the CSV cannot be read: ${cause.code}, near line ${parser.info.lines}`, {
        cause,
      });
    throw cause;
  }
}

/**
 * Passes on what is UTF-8: of anything else the parser would make other letters, and so other addresses.
 *
 * @throws UsageError
 */
async function* onlyUtf8(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (bytes?: Buffer): void => {
    try {
      decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new UsageError('the CSV is not in UTF-8: save it as "CSV UTF-8"', { cause });
    }
  };
  for await (const bytes of input) {
    check(bytes);
    yield bytes;
  }
  check(); // A letter may be cut off at the end.
}

/** @throws UsageError that names what is not known, or stands there twice */
function checkColumns(names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new UsageError(
      `the first line names columns that are not known: ${listOf(unknown)}; expected some of ${known.join(', ')}, with commas between them`,
    );
  const twice = names.filter((name, at) => names.indexOf(name) < at);
  if (twice.length > 0) throw new UsageError(`the first line names columns twice: ${listOf(twice)}`);
}

function listOf(names: readonly string[]): string {
  return names.map((name) => named(name.slice(0, 40))).join(', ');
}
