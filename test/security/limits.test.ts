import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { BODIES, Cost } from './hostile-bodies.ts';

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, 'bodies-process.ts');

/** The heap that bodies are read in, in MiB: ingest has 512 for everything. */
const HEAP_MIB = 160;
const MEMORY_MIB = 512;
/** So much more than a harmless body of the same size may one cost. What grows with the square of its size costs thousands. */
const TIMES = 40;
/** What an answer may be: a third of what a function may answer (Lambda quotas, synchronous invocation, read 2026-11). */
const LARGEST_ANSWER_BYTES = 2_000_000;
/** As many as the scorer sends while the message is invisible. */
const MOST_DEAD_LETTERS = 5_000;

let costs: Map<string, Cost>;

beforeAll(async () => {
  const node = [`--max-old-space-size=${HEAP_MIB}`, '--no-warnings', SCRIPT];
  // Where memory runs out, what stands there until then tells of which body.
  const stdout = await run(process.execPath, node).then(
    (done) => done.stdout,
    (failed: { stdout: string }) => failed.stdout,
  );
  const lines = stdout.split('\n').filter((line) => line.endsWith('}'));
  costs = new Map(lines.map((line) => v.parse(Cost, JSON.parse(line))).map((cost) => [cost.name, cost]));
}, 120_000);

test.each(BODIES)('$name: refused, in bounded time and memory', ({ name }) => {
  const cost = costs.get(name);
  if (cost === undefined) throw new Error('the process that read it did not come so far');

  expect([202, 400]).toContain(cost.statusCode);
  expect({ facts: cost.facts, properties: cost.properties }).toEqual({ facts: 0, properties: 0 });
  expect(cost.deadLetters).toBeLessThanOrEqual(MOST_DEAD_LETTERS);
  expect(cost.answerBytes).toBeLessThan(LARGEST_ANSWER_BYTES);
  expect(cost.cpuMs / Math.max(1, cost.harmlessCpuMs)).toBeLessThan(TIMES);
  expect(cost.peakMib).toBeLessThan(MEMORY_MIB);
});
