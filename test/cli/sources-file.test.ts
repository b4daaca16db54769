import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidModelError, readModelAndWarnings, readModelFile, readSources } from '../../cli/model-file.ts';

const SHIPPED = readSources('models/sources.yaml');
const directory = mkdtempSync(join(tmpdir(), 'afterglow-sources-'));
const modelFile = join(directory, 'mine.yaml');
const sourcesFile = join(directory, 'sources.yaml');

beforeEach(() => {
  rmSync(sourcesFile, { force: true });
  cpSync('models/b2b-saas.yaml', modelFile);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The complaints about a file of sources, without the name of the folder. */
function complaintsAbout(text: string): string[] {
  writeFileSync(sourcesFile, text);
  try {
    readModelFile(modelFile);
  } catch (error) {
    if (error instanceof InvalidModelError) return error.message.replaceAll(`${directory}/`, '').split('\n');
    throw error;
  }
  return [];
}

test('a model has the sources beside it, and those that ship where there are none', () => {
  const shipped = readModelFile(modelFile);
  writeFileSync(
    sourcesFile,
    'sources: [{ id: tomorrow, channel: ai, label: Tomorrow, hosts: [tomorrow.ai] }]',
  );
  const own = readModelFile(modelFile);

  expect(shipped.sources).toEqual(SHIPPED);
  expect(own.sources.sources.map(({ id }) => id)).toEqual(['tomorrow']);
  expect(own.id).not.toBe(shipped.id);
});

test('a model that keeps no visits asks for no sources', () => {
  const without =
    'name: mine\nfit: { rules: [] }\nengagement: { signals: [] }\ngrades: { bands: [{ grade: A, from: 0 }] }';
  writeFileSync(modelFile, without);

  expect(complaintsAbout('not a list of sources')).toEqual([]);
});

const source = (more: string) => `sources:\n  - { id: a, channel: ai, label: A, ${more} }\n`;
const two = (a: string, b: string) =>
  `sources:\n  - { id: a, channel: ai, label: A, ${a} }\n  - { id: b, channel: ai, label: B, ${b} }\n`;

test.each([
  [
    'a channel that is none',
    'sources:\n  - { id: a, channel: chat, label: A }',
    2,
    'sources.0.channel: found "chat", expected one of ai, search, social, email, paid, direct, other',
  ],
  [
    'a misspelt channel',
    'sources:\n  - { id: a, channel: serch, label: A }',
    2,
    'sources.0.channel: found "serch", expected one of ai, search, social, email, paid, direct, other; did you mean "search"?',
  ],
  [
    'a misspelt key',
    source('host: [a.ai]'),
    2,
    'sources.0.host: found an unknown key, expected one of id, channel, label, hosts, utmSources, userAgents, hubSpotDetails; did you mean "hosts"?',
  ],
  [
    'a missing label',
    'sources:\n  - { id: a, channel: ai }',
    2,
    'sources.0.label: found nothing, expected text',
  ],
  [
    'a label of which two do not fit a journey',
    `sources:\n  - { id: a, channel: ai, label: ${'ü'.repeat(17)} }`,
    2,
    `sources.0.label: found "${'ü'.repeat(17)}", expected at most 32 bytes`,
  ],
  [
    'an address for a host',
    source('hosts: ["https://a.ai/chat"]'),
    2,
    'sources.0.hosts.0: found "https://a.ai/chat", expected a host such as chatgpt.com',
  ],
  [
    'a host in capitals',
    source('hosts: [A.ai]'),
    2,
    'sources.0.hosts.0: found "A.ai", expected a host such as chatgpt.com',
  ],
  [
    'a word for a host',
    source('hosts: [chatgpt]'),
    2,
    'sources.0.hosts.0: found "chatgpt", expected a host such as chatgpt.com',
  ],
  [
    'a host below which half of a country is',
    source('hosts: [co.uk]'),
    2,
    'sources.0.hosts.0: found "co.uk", under which anybody may have a domain, expected a domain such as acme.example',
  ],
  [
    'a host below which anybody may have a site',
    source('hosts: [github.io]'),
    2,
    'sources.0.hosts.0: found "github.io", under which anybody may have a domain, expected a domain such as acme.example',
  ],
  [
    'one text where a list stands',
    source('hosts: a.ai'),
    2,
    'sources.0.hosts: found "a.ai", expected a list; did you mean [a.ai]?',
  ],
  [
    'a campaign in capitals',
    source('utmSources: [ChatGPT]'),
    2,
    'sources.0.utmSources.0: found "ChatGPT", expected lower case, without spaces around it',
  ],
  [
    'a letter that half of the browsers have',
    source('userAgents: [a]'),
    2,
    'sources.0.userAgents.0: found "a", expected at least 4 characters',
  ],
  [
    'the id of a channel',
    'sources:\n  - { id: ai, channel: ai, label: A }',
    2,
    'sources.0.id: found "ai", the name of a channel, expected another: it stands for sources that are not known',
  ],
  [
    'one id twice',
    'sources:\n  - { id: a, channel: ai, label: A }\n  - { id: a, channel: ai, label: B }',
    3,
    'sources.1.id: found "a", which sources.0 has already, expected each once',
  ],
  [
    'one label twice',
    'sources:\n  - { id: a, channel: ai, label: A }\n  - { id: b, channel: ai, label: A }',
    3,
    'sources.1.label: found "A", which sources.0 has already, expected each once',
  ],
  [
    'one host twice',
    two('hosts: [a.ai]', 'hosts: [b.ai, a.ai]'),
    3,
    'sources.1.hosts: found "a.ai", which sources.0 has already, expected each once',
  ],
  [
    'one campaign twice',
    two('utmSources: [a]', 'utmSources: [a]'),
    3,
    'sources.1.utmSources: found "a", which sources.0 has already, expected each once',
  ],
  [
    'one app twice',
    two('userAgents: [App/]', 'userAgents: [App/]'),
    3,
    'sources.1.userAgents: found "App/", which sources.0 has already, expected each once',
  ],
  [
    'one detail twice',
    two('hubSpotDetails: [a]', 'hubSpotDetails: [a]'),
    3,
    'sources.1.hubSpotDetails: found "a", which sources.0 has already, expected each once',
  ],
  [
    'a medium of no channel',
    'sources: []\nmediums:\n  cpc: payed',
    3,
    'mediums.cpc: found "payed", expected one of ai, search, social, email, paid, direct, other; did you mean "paid"?',
  ],
  [
    'a file of something else',
    'name: mine\nsources: []',
    1,
    'name: found an unknown key, expected one of sources, mediums',
  ],
])(
  '%s is told with file, line, path, what was found and what was expected',
  (_what, text, line, complaint) => {
    expect(complaintsAbout(text)).toEqual([`sources.yaml:${line}: ${complaint}`]);
  },
);

test('a file that is no YAML is told', () => {
  expect(complaintsAbout('sources: [')[0]).toMatch(/^sources\.yaml:\d+: not valid YAML: /);
});

test('the sources that ship know the assistants that people use, by what they send', () => {
  const assistants = SHIPPED.sources.filter(({ channel }) => channel === 'ai').map(({ label }) => label);

  expect(assistants).toEqual(
    expect.arrayContaining([
      'ChatGPT',
      'Perplexity',
      'Gemini',
      'Copilot',
      'Claude',
      'DeepSeek',
      'Grok',
      'Meta AI',
    ]),
  );
});

/** The sources whose app a user agent names. */
function appsOf(userAgent: string): string[] {
  return SHIPPED.sources
    .filter(({ userAgents }) => userAgents.some((word) => userAgent.includes(word)))
    .map(({ id }) => id);
}

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';

test.each([
  [`${IPHONE} Version/18.5 Mobile/15E148 Safari/604.1`, []],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    [],
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', []],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
    [],
  ],
  ['ChatGPT-User/1.0', []], // A program that reads a page for an answer: no visitor.
  [`${IPHONE} Mobile/22F76 [LinkedInApp]/9.31`, ['linkedin']],
  [`${IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/520.0.0.38;FBBV/1]`, ['facebook']],
  [`${IPHONE} Mobile/15E148 Instagram 390.0.0.28 (iPhone15,2; iOS 18_5; de_DE)`, ['instagram']],
  [`${IPHONE} GSA/385.0.784769264 Mobile/15E148 Safari/604.1`, ['google']],
])('the user agent %s is of the app of %j', (userAgent, apps) => {
  expect(appsOf(userAgent)).toEqual(apps);
});

test.each([
  [
    '{ kind: touch, channel: ai, sources: [chatgtp] }',
    'found "chatgtp", expected a source of the channel ai in sources.yaml; did you mean "chatgpt"?',
  ],
  [
    '{ kind: touch, channel: ai, sources: [google] }',
    'found "google", expected a source of the channel ai in sources.yaml',
  ],
])('a rule on visits by a source that the file does not have so is warned of: %s', (from, reason) => {
  const text = `name: mine\nattribution: {}\nfit: { rules: [] }\nengagement:\n  signals:\n    - id: visit\n      title: Visit
      from: ${from}\n      points: 1\n      halfLifeDays: 1\ngrades: { bands: [{ grade: A, from: 0 }] }\n`;
  writeFileSync(modelFile, text);

  expect(readModelAndWarnings(modelFile).warnings).toEqual([
    { line: 8, path: 'engagement.signals.0.from.sources.0', reason },
  ]);
});

test.each(['[chatgpt, ai]', '[claude]'])('a rule on visits by %s is not', (sources) => {
  const text = `name: mine\nattribution: {}\nfit: { rules: [] }\nengagement:\n  signals:\n    - id: visit\n      title: Visit
      from: { kind: touch, channel: ai, sources: ${sources} }\n      points: 1\n      halfLifeDays: 1\ngrades: { bands: [{ grade: A, from: 0 }] }\n`;
  writeFileSync(modelFile, text);

  expect(readModelAndWarnings(modelFile).warnings).toEqual([]);
});
