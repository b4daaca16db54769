// What the documentation shows is what the product does.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { readModelFile } from '../cli/model-file.ts';
import { drawDecayChart } from '../docs/decay-chart.ts';
import { readPostedSession } from '../lambdas/events/sessions.ts';
import { readSignals } from '../lambdas/events/signals.ts';
import { readWorkflow } from '../lambdas/events/workflow.ts';
import { OUTPUT_NAMES, PROVISIONED_NAMES } from '../lambdas/hubspot/outputs.ts';
import { NO_SOURCES } from '../lambdas/scoring/sources.ts';
import { readSettings } from '../lib/settings.ts';
import { HAND_COMPANIES, HAND_RULES } from '../local/demo/hand-rules.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'hubspot-app/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

function blocks(page: string, language: string): string[] {
  return [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  );
}

test.each(PAGES)('every link of %s leads somewhere', (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
    ([, target = '']) => target,
  );

  expect(links.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
});

test.each(PAGES)('every npm script that %s names exists', (page) => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
  const named = [...read(page).matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name);

  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
});

test.each(PAGES)('every test that %s names exists', (page) => {
  const named = read(page).match(/\btest\/[\w./-]+\.test\.ts\b/g) ?? [];

  expect(named.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
});

test('SECURITY.md names for every entrance a test that shows its defence, and every test of security', () => {
  const [, , , , entrances = ''] = read('SECURITY.md').split(/^## /m);
  const rows = entrances
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (entrance|---)/.test(line));

  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter((row) => !/`test\/[\w./-]+\.test\.ts` \|$/.test(row))).toEqual([]);
  const tests = readdirSync(join(ROOT, 'test/security')).filter((name) => name.endsWith('.test.ts'));
  expect(tests.filter((name) => !entrances.includes(`\`test/security/${name}\``))).toEqual([]);
});

const OUTPUTS = Object.values(OUTPUT_NAMES).flat();
const PROVISIONED = Object.values(PROVISIONED_NAMES).flat();

test.each(PAGES)('every property of ours that %s names is one that is made', (page) => {
  const named = read(page).match(/\bafterglow_\w+/g) ?? [];

  expect(named.filter((name) => !PROVISIONED.includes(name))).toEqual([]);
});

test('docs/recipes.md says of every property what it is good for', () => {
  const [, table = ''] = read('docs/recipes.md').split(/^## /m);

  expect(OUTPUTS.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});

test('from nothing to the first score is eight steps of docs/deploy.md, and no more on the page of the app', () => {
  const [, steps = ''] = read('docs/deploy.md').split(/^## /m);
  const [, , upload = '', install = ''] = read('hubspot-app/README.md').split(/^## /m);

  expect(steps.match(/^\d\. /gm)).toEqual(['1. ', '2. ', '3. ', '4. ', '5. ', '6. ', '7. ', '8. ']);
  expect([upload, install].map((section) => section.split('\n')[0])).toEqual(['Upload it', 'Install it']);
  expect(`${upload}${install}`).not.toMatch(/^\d+\. /m);
  expect(blocks('docs/deploy.md', 'sh').join('')).not.toMatch(/^npx cdk deploy -c/m); // The next deployment would take it back.
});

test.each(['docs/deploy.md', 'docs/runbook.md', 'hubspot-app/README.md'])(
  'a command that %s tells to run can be typed as it stands there',
  (page) => {
    expect(read(page).match(/`afterglow [a-z][^`]*`/g)).toBeNull();
    expect(
      [...read(page).matchAll(/npm run (?:-s )?afterglow -- [^`\n]*/g)]
        .map(([command]) => command)
        .filter((command) => !/--stack Afterglow|model (check|init)|hubspot-app build/.test(command)),
    ).toEqual([]);
  },
);

test('docs/deploy.md tells the cost that docs/cost.md has of a million contacts', () => {
  const row = /^\| 1,000,000 \| 5,000,000 \| (\$\d+) \| (\$\d+) \|/m.exec(read('docs/cost.md'));
  const told = /about (\$\d+) a month at rest, and about (\$\d+) with a million contacts/.exec(
    read('docs/deploy.md'),
  );

  expect(row).not.toBeNull();
  expect(told?.slice(1)).toEqual(row?.slice(1));
});

test('the decay chart is what fold draws', () => {
  expect(read('docs/decay-chart.svg')).toBe(drawDecayChart());
});

test('the rule in the README stands in the default model', () => {
  const [shown]: { id: string }[] = parse(blocks('README.md', 'yaml')[0] ?? '');
  const { signals } = readModelFile(join(ROOT, 'models/b2b-saas.yaml')).engagement;

  expect(signals.find(({ id }) => id === shown?.id)).toMatchObject(shown ?? {});
});

test('every named example of docs/scoring-model.md is a row of the table, as it is worked there', () => {
  const page = read('docs/scoring-model.md');
  const quoted = [...page.matchAll(/\*Example\* `([^`]+)`: /g)].map(([start, name = '']) => ({
    name,
    start,
  }));
  const rows = new Map([
    ...HAND_RULES.map(({ name, worked }) => [name, worked.join('; ')] as const),
    ...HAND_COMPANIES.map(({ name, worked }) => [name, worked] as const),
  ]);

  expect(quoted.length).toBeGreaterThan(20);
  expect(
    quoted.filter(({ name, start }) => !page.includes(`${start}${rows.get(name) ?? 'no such row'}.`)),
  ).toEqual([]);
});

test('the signals in docs/signals.md are taken', () => {
  const [example = ''] = blocks('docs/signals.md', 'json');

  expect(readSignals(JSON.parse(example))).toMatchObject({
    signals: [{ signal: 'product.login' }, { signal: 'invoice.unpaid' }],
  });
});

test('the visits in docs/signals.md and docs/browser.md are taken, and the settings too', () => {
  const [, visits = ''] = blocks('docs/signals.md', 'json');
  const [posted = ''] = blocks('docs/browser.md', 'json');
  const [settings = ''] = [...read('docs/browser.md').matchAll(/^ {3}```json\n([\s\S]*?)^ {3}```/gm)].map(
    ([, code = '']) => code,
  );
  const from = { origin: 'https://www.example.com', userAgent: '' };

  expect(readSignals(JSON.parse(visits))).toMatchObject({
    signals: [{ signal: 'session' }, { signal: 'identify' }],
  });
  expect(readPostedSession(JSON.parse(posted), from, NO_SOURCES)).toHaveProperty('session');
  const needed = { portalId: '1', model: 'm', timeZone: 'UTC' };
  expect(readSettings({ afterglow: { ...needed, ...JSON.parse(`{${settings}}`) } }).sessions.origins).toEqual(
    ['https://www.example.com', 'https://app.example.com'],
  );
});

test('the workflow body in docs/workflow-webhook.md is one signal and the fit inputs of the default model', () => {
  const [template = ''] = blocks('docs/workflow-webhook.md', 'json');
  const values: Record<string, string> = { hs_object_id: '7', webinar_attended_at: '1795276800000' };
  const body = template.replaceAll(
    /\{\{ contact\.(\w+) \}\}/g,
    (_, name: string) => values[name] ?? 'something',
  );
  const model = readModelFile(join(ROOT, 'models/b2b-saas.yaml'));
  const context = { model, portalId: '1', ownAppIds: [], receivedAtMs: 1_795_276_860_000 };

  const { heard, rejected } = readWorkflow(JSON.parse(body), Buffer.from(body), context);

  expect(rejected).toEqual([]);
  expect(heard[0]?.subject).toEqual({ type: 'contact', id: '7' });
  expect(heard[0]?.facts).toMatchObject([
    { name: 'signal:webinar.attended', occurredAtMs: 1_795_276_800_000 },
  ]);
  expect(new Set(heard[0]?.properties.map(({ name }) => name))).toEqual(
    new Set(['jobtitle', 'country', 'phone']),
  );
});
