// What deploys holds no secret: no file of the cloud assembly, whatever stands in the environment of whoever builds it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from '../lib/synthesized.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterglow-assembly-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Everything by which an operator, or a laptop, may hand over a secret; each with a value that stands nowhere else. */
const HELD = [
  'HUBSPOT_CLIENT_SECRET',
  'HUBSPOT_ACCESS_TOKEN',
  'AFTERGLOW_SIGNALS_SECRET',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'NPM_TOKEN',
].map((name) => ({ name, value: `qzcanary-${name.toLowerCase().replaceAll('_', '-')}` }));

/** What credentials look like. */
const CREDENTIALS = [
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\bpat-(na|eu|ap)\d-[0-9a-f]{8}-/,
  /\bwhsec_[A-Za-z0-9+/]{16,}/,
  /-----BEGIN [A-Z ]*PRIVATE KEY/,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\./,
];

const TOLD = 'https://told.example.com';
const outputs = new Map<string, string>();

beforeAll(() => {
  const settings = { portalId: '33', model: 'models/b2b-saas.yaml', timeZone: 'UTC', publicUrl: TOLD };
  const env = { ...process.env, ...Object.fromEntries(HELD.map(({ name, value }) => [name, value])) };
  const context = JSON.stringify({ afterglow: settings, 'aws:cdk:bundling-stacks': ['**'] });
  execFileSync(process.execPath, [join(PROJECT, 'bin/afterglow.ts')], {
    cwd: PROJECT,
    env: { ...env, CDK_OUTDIR: folder, CDK_CONTEXT_JSON: context },
    stdio: 'pipe',
  });
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (statSync(join(folder, name)).isFile()) outputs.set(name, readFileSync(join(folder, name), 'utf8'));
}, 60_000);

/** Files in which something stands. */
const filesWith = (sought: string | RegExp) =>
  [...outputs]
    .filter(([, text]) => (typeof sought === 'string' ? text.includes(sought) : sought.test(text)))
    .map(([name]) => name);

test('what is looked through is all that deploys: the template and the bundle of every door', () => {
  const names = [...outputs.keys()];

  expect(names.filter((name) => name.endsWith('.template.json'))).toHaveLength(1);
  expect(names.filter((name) => /^asset\.\w+\/index\.js$/.test(name)).length).toBeGreaterThanOrEqual(5);
  expect(filesWith(TOLD)).toContainEqual(expect.stringMatching(/\.template\.json$/)); // So it would be found.
});

test.each(HELD)('$name of whoever deploys is in none of it', ({ value }) => {
  expect(filesWith(value)).toEqual([]);
});

test('nothing in it looks like a credential', () => {
  expect(CREDENTIALS.flatMap(filesWith)).toEqual([]);
  const samples = [
    'AKIAIOSFODNN7EXAMPLE',
    'pat-eu1-01234567-89ab-cdef-0123-456789abcdef',
    `whsec_${'A'.repeat(32)}`,
    '-----BEGIN RSA PRIVATE KEY-----',
    `ghp_${'a'.repeat(36)}`,
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.x',
  ];
  expect(samples.map((sample) => CREDENTIALS.findIndex((form) => form.test(sample)))).toEqual([
    0, 1, 2, 3, 4, 5,
  ]);
});
