import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMAND = join(import.meta.dirname, '../../cli/check-models.ts');
const directory = mkdtempSync(join(tmpdir(), 'afterglow-models-'));
const schemaFile = join(directory, 'schema.json');
const modelFile = join(directory, 'b2b-saas.yaml');
const sourcesFile = join(directory, 'sources.yaml');
const sourcesSchemaFile = join(directory, 'sources.schema.json');

beforeEach(() => cpSync('models', directory, { recursive: true }));
afterAll(() => rmSync(directory, { recursive: true }));

function check(...words: string[]) {
  return spawnSync(process.execPath, [COMMAND, directory, ...words], { encoding: 'utf8' });
}

function edit(file: string, find: string, replacement: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(find, replacement));
}

test('the models that ship and their schema are right', () => {
  expect(check()).toMatchObject({ status: 0, stderr: '' });
});

test('a wrong model is told with its line', () => {
  edit(modelFile, 'deadBand: 2', 'deadBand: -2');

  expect(check()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/b2b-saas\.yaml:\d+: grades\.deadBand: found -2, expected 0 or more\n$/),
  });
});

test('a model that editors would underline is told too', () => {
  edit(schemaFile, '"maximum": 390', '"maximum": 300');

  expect(check()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/b2b-saas\.yaml: \/horizonDays: must be <= 300 \(.*schema\.json\)\n$/),
  });
});

test('a signal of a model that ships says how it arrives and what of it does not', () => {
  edit(modelFile, '      route: signals\n', '');
  edit(modelFile, '      loss: What nobody notes.\n', '');

  expect(check()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /b2b-saas\.yaml: the signal product-login has no route\n.*b2b-saas\.yaml: the signal in-conversation has no loss\n$/,
    ),
  });
});

test('a wrong source of visits is told with its line, and one that editors would underline too', () => {
  edit(sourcesFile, 'label: Perplexity', 'label: Perplexity, the answer engine of today');
  const wrong = check();
  cpSync('models', directory, { recursive: true });
  edit(sourcesSchemaFile, '"maxItems": 500', '"maxItems": 5');

  expect(wrong).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /sources\.yaml:\d+: sources\.1\.label: found "Perplexity, the .*", expected at most 32 bytes\n$/,
    ),
  });
  expect(check()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /sources\.yaml: \/sources.*: must NOT have more than 5 items \(.*sources\.schema\.json\)\n$/,
    ),
  });
});

test('a schema that is not made from the code is told, and made anew with --write', () => {
  edit(schemaFile, 'Who the contact is', 'What the contact is');

  expect(check()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('schema.json: is not made from the code; run with --write'),
  });
  expect(check('--write').status).toBe(0);
  expect(readFileSync(schemaFile, 'utf8')).toBe(readFileSync('models/schema.json', 'utf8'));
});

test.each(['schema.json', 'sources.schema.json'])('%s explains everything that the file may say', (file) => {
  const unexplained: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, part] of Object.entries(node)) {
      if (key === 'properties') {
        for (const [name, property] of Object.entries<object>(part)) {
          if (!('description' in property)) unexplained.push(`${path}.${name}`);
        }
      }
      visit(part, `${path}.${key}`);
    }
  };
  visit(JSON.parse(readFileSync(`models/${file}`, 'utf8')), '');

  expect(unexplained).toEqual([]);
});
