// Fails when a door's bundle outgrows its limit: `node lib/bundle-sizes.ts [--json] [cdk.out]`, after `cdk synth`.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import type { Door } from './node-function.ts';

/** Bytes of `index.js`. Lambda loads it before the first event, so the time a cold start takes follows it. */
const LIMITS_BYTES: Readonly<Record<Door, number>> = {
  ingest: 420_000,
  scorer: 450_000,
  'write-back': 750_000,
  nightly: 750_000,
  explain: 450_000,
};

const TEMPLATE = v.object({ Resources: v.record(v.string(), v.unknown()) });
const DOOR_FUNCTION = v.object({
  Type: v.literal('AWS::Lambda::Function'),
  Properties: v.object({
    Environment: v.object({ Variables: v.object({ POWERTOOLS_SERVICE_NAME: v.string() }) }),
  }),
  Metadata: v.object({ 'aws:asset:path': v.string() }),
});

interface BundleSize {
  readonly door: string;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** @throws Error when the assembly is not there, or does not hold each door once */
function readBundleSizes(assembly: string): BundleSize[] {
  const files = readdirSync(assembly).filter((name) => name.endsWith('.template.json'));
  const functions = files
    .map((name) => v.parse(TEMPLATE, JSON.parse(readFileSync(join(assembly, name), 'utf8'))))
    .flatMap(({ Resources }) => Object.values(Resources))
    .flatMap((resource) => (v.is(DOOR_FUNCTION, resource) ? [resource] : []));

  return Object.entries(LIMITS_BYTES).map(([door, limitBytes]) => {
    const [found, second] = functions.filter(
      ({ Properties }) => Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME === door,
    );
    if (found === undefined || second !== undefined) {
      throw new Error(`${assembly}: expected one function for ${door}; run \`npx cdk synth\` first`);
    }
    return {
      door,
      bytes: statSync(join(assembly, found.Metadata['aws:asset:path'], 'index.js')).size,
      limitBytes,
    };
  });
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const sizes = readBundleSizes(positionals[0] ?? join(import.meta.dirname, '../cdk.out'));
const tooLarge = sizes.filter(({ bytes, limitBytes }) => bytes > limitBytes);

for (const { door, bytes, limitBytes } of sizes) {
  const verdict = bytes > limitBytes ? 'TOO LARGE' : 'ok';
  const kilobytes = (bytes / 1_000).toFixed(1).padStart(7);
  console.log(`${door.padEnd(10)} ${kilobytes} KB of ${limitBytes / 1_000} KB  ${verdict}`);
}
if (values.json) console.log(JSON.stringify({ ok: tooLarge.length === 0, bundles: sizes }));
if (tooLarge.length > 0) process.exitCode = 1;
