import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMAND = join(import.meta.dirname, '../../lib/bundle-sizes.ts');
/** What each door may weigh. */
const LIMITS = {
  ingest: 420_000,
  scorer: 450_000,
  'write-back': 750_000,
  nightly: 750_000,
  explain: 450_000,
};
const assembly = mkdtempSync(join(tmpdir(), 'afterglow-sizes-'));

afterAll(() => rmSync(assembly, { recursive: true }));

function measure(bytesByDoor: Record<string, number>) {
  const resources = Object.entries(bytesByDoor).map(([door, bytes]) => {
    mkdirSync(join(assembly, `asset.${door}`), { recursive: true });
    writeFileSync(join(assembly, `asset.${door}`, 'index.js'), 'x'.repeat(bytes));
    const Properties = {
      Environment: { Variables: { POWERTOOLS_SERVICE_NAME: door, QUEUE: { Ref: 'Queue' } } },
    };
    return [
      door,
      { Type: 'AWS::Lambda::Function', Properties, Metadata: { 'aws:asset:path': `asset.${door}` } },
    ];
  });
  const Resources = { ...Object.fromEntries(resources), Queue: { Type: 'AWS::SQS::Queue' } };
  writeFileSync(join(assembly, 'Afterglow.template.json'), JSON.stringify({ Resources }));
  return spawnSync(process.execPath, [COMMAND, '--json', assembly], { encoding: 'utf8' });
}

test('passes bundles that just fit', () => {
  const { status, stdout } = measure(LIMITS);

  expect(status).toBe(0);
  expect(stdout).toMatch(/^ingest .*420\.0 KB of 420 KB {2}ok$/m);
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ ok: true });
});

test.each(Object.entries(LIMITS))('refuses one byte too many in %s', (door, limit) => {
  const { status, stdout } = measure({ ...LIMITS, [door]: limit + 1 });

  expect(status).toBe(1);
  expect(stdout.match(/TOO LARGE/g)).toHaveLength(1);
  expect(stdout).toMatch(new RegExp(`^${door} .*TOO LARGE$`, 'm'));
});

test('says what to do when a door is not there to be measured', () => {
  const { status, stderr } = measure({ ingest: 1, scorer: 1, nightly: 1 });

  expect(status).not.toBe(0);
  expect(stderr).toContain('expected one function for write-back; run `npx cdk synth` first');
});
