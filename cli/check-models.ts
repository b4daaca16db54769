// Checks every model in models/ as a deployment would and as an editor does, by the published JSON Schema.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import type { Model } from '../lambdas/scoring/model.ts';
import { ModelFile } from '../lambdas/scoring/model-file.ts';
import { InvalidModelError, readModelFile } from './model-file.ts';

/** What JSON Schema has no words for; `checkModel` alone knows it. */
const BEYOND_JSON_SCHEMA = ['check', 'finite'];

/** The JSON Schema of a model file, as text: for editors to complete, explain and underline. */
function schemaText(): string {
  const schema = toJsonSchema(ModelFile, { typeMode: 'input', ignoreActions: BEYOND_JSON_SCHEMA });
  return `${JSON.stringify({ ...schema, title: 'Scoring model of Afterglow' }, null, 2)}\n`;
}

/** A model that ships is read as an example: every signal of it says how it arrives and what of it does not. */
function findUntold({ engagement }: Model): string[] {
  return engagement.signals.flatMap(({ id, route, loss }) => [
    ...(route === undefined ? [`the signal ${id} has no route`] : []),
    ...(loss === undefined ? [`the signal ${id} has no loss`] : []),
  ]);
}

/** @returns what is wrong with the models of a folder and with their schema; nothing when all is well */
function complaints(directory: string): string[] {
  const schemaFile = join(directory, 'schema.json');
  const schema = readFileSync(schemaFile, 'utf8');
  const stale = schema === schemaText() ? [] : [`${schemaFile}: is not made from the code; run with --write`];
  const matches = new Ajv({ allErrors: true }).compile(JSON.parse(schema));
  const files = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name));
  const wrong = files.flatMap((name) => {
    const file = join(directory, name);
    try {
      const untold = findUntold(readModelFile(file));
      if (untold.length > 0) return untold.map((reason) => `${file}: ${reason}`);
    } catch (error) {
      if (error instanceof InvalidModelError) return [error.message];
      throw error;
    }
    if (matches(parse(readFileSync(file, 'utf8')))) return [];
    return (matches.errors ?? []).map(
      ({ instancePath, message }) => `${file}: ${instancePath}: ${message} (${schemaFile})`,
    );
  });
  return [...stale, ...wrong];
}

const [, , ...given] = process.argv;
const directory = given.find((word) => !word.startsWith('--')) ?? join(import.meta.dirname, '../models');
if (given.includes('--write')) writeFileSync(join(directory, 'schema.json'), schemaText());
const found = complaints(directory);
for (const complaint of found) console.error(complaint);
if (found.length > 0) process.exitCode = 1;
