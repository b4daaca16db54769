// The JSON Schemas in models/ are what editors underline by, and people have read. The code asks for the same, word for word.
import { readFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { ModelFile } from '../../lambdas/scoring/model-file.ts';
import { Sources } from '../../lambdas/scoring/sources.ts';

/** What JSON Schema has no words for. */
const ignoreActions = ['check', 'finite', 'max_bytes'];

test.each([
  { file: 'schema.json', schema: ModelFile },
  { file: 'sources.schema.json', schema: Sources },
])('what the published $file asks and explains is what the code does', ({ file, schema }) => {
  const published = JSON.parse(readFileSync(`models/${file}`, 'utf8'));

  const made = toJsonSchema(schema, { typeMode: 'input', ignoreActions });

  expect({ ...made, title: published.title }).toEqual(published);
});
