import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModelFile } from '../cli/model-file.ts';
import { deployedModel } from '../lambdas/deployed-model.ts';
import { MisconfiguredError } from '../lambdas/errors.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'model-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('the deployed model is the one that was read from the file, with the same id', () => {
  const model = readModelFile(join(import.meta.dirname, '../models/b2b-saas.yaml'));
  writeFileSync(join(directory, 'model.json'), JSON.stringify(model));

  expect(deployedModel(directory)).toEqual(model);
});

test.each([
  { content: undefined, because: 'there is none' },
  { content: '{"name":', because: 'it is not JSON' },
  { content: 'null', because: 'it is no object' },
  { content: '{"name":"b2b"}', because: 'it is no model' },
])('an operator has to act when the bundle has no valid model: $because', ({ content }) => {
  if (content !== undefined) writeFileSync(join(directory, 'model.json'), content);

  expect(() => deployedModel(directory)).toThrow(MisconfiguredError);
});
