// Checks every model in models/, and the sources of visits, as a deployment would and as an editor does, by the published JSON Schemas.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import type { Model } from '../lambdas/scoring/model.ts';
import { ModelFile } from '../lambdas/scoring/model-file.ts';
import { Sources } from '../lambdas/scoring/sources.ts';
import { InvalidModelError, readModelFile, readSources, SOURCES_FILE } from './model-file.ts';

/** What JSON Schema has no words for; the code alone knows it. */
const BEYOND_JSON_SCHEMA = ['check', 'finite', 'max_bytes'];

/** A kind of file in the folder: what it must be, as the code and as its JSON Schema says it. */
interface Kind {
  readonly schemaFile: string;
  readonly title: string;
  readonly schema: typeof ModelFile | typeof Sources;
  readonly isOne: (name: string) => boolean;
  /** @throws InvalidModelError @returns what else is wrong with it */
  readonly read: (file: string) => readonly string[];
}

const KINDS: readonly Kind[] = [
  {
    schemaFile: 'schema.json',
    title: 'Scoring model of Afterglow',
    schema: ModelFile,
    isOne: (name) => /\.ya?ml$/.test(name) && name !== SOURCES_FILE,
    read: (file) => findUntold(readModelFile(file)),
  },
  {
    schemaFile: 'sources.schema.json',
    title: 'Sources of visits of Afterglow',
    schema: Sources,
    isOne: (name) => name === SOURCES_FILE,
    read: (file) => {
      readSources(file);
      return [];
    },
  },
];

/** The JSON Schema of a kind of file, as text: for editors to complete, explain and underline. */
function schemaText({ schema, title }: Kind): string {
  const made = toJsonSchema(schema, { typeMode: 'input', ignoreActions: BEYOND_JSON_SCHEMA });
  return `${JSON.stringify({ ...made, title }, null, 2)}\n`;
}

/** A model that ships is read as an example: every signal of it says how it arrives and what of it does not. */
function findUntold({ engagement }: Model): string[] {
  return engagement.signals.flatMap(({ id, route, loss }) => [
    ...(route === undefined ? [`the signal ${id} has no route`] : []),
    ...(loss === undefined ? [`the signal ${id} has no loss`] : []),
  ]);
}

/** @returns what is wrong with the files of a kind and with their schema; nothing when all is well */
function complaints(directory: string, kind: Kind): string[] {
  const schemaFile = join(directory, kind.schemaFile);
  const schema = readFileSync(schemaFile, 'utf8');
  const stale =
    schema === schemaText(kind) ? [] : [`${schemaFile}: is not made from the code; run with --write`];
  const matches = new Ajv({ allErrors: true }).compile(JSON.parse(schema));
  const files = readdirSync(directory).filter((name) => kind.isOne(name));
  const wrong = files.flatMap((name) => {
    const file = join(directory, name);
    try {
      const reasons = kind.read(file);
      if (reasons.length > 0) return reasons.map((reason) => `${file}: ${reason}`);
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
if (given.includes('--write'))
  for (const kind of KINDS) writeFileSync(join(directory, kind.schemaFile), schemaText(kind));
const found = KINDS.flatMap((kind) => complaints(directory, kind));
for (const complaint of found) console.error(complaint);
if (found.length > 0) process.exitCode = 1;
