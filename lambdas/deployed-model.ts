import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { MisconfiguredError } from './errors.ts';
import { compiledModel, type Model } from './scoring/model.ts';
import { NO_SOURCES, Sources } from './scoring/sources.ts';

/**
 * The compiled model that the stack put beside the handler.
 *
 * @throws MisconfiguredError when it is missing or is no model: the bundle was not built by the stack
 */
export function deployedModel(directory: string): Model {
  const file = join(directory, 'model.json');
  const { freemail, sources, ...content } = contentOf(file);
  const model = compiledModel(content, freemail, sources);
  if (model === undefined) throw new MisconfiguredError(`${file} is no valid model; deploy again`);
  return model;
}

/** A compiled model is its content, its id, and the lists that were written out when it was compiled. */
const Compiled = v.looseObject({
  freemail: v.optional(v.array(v.string()), []),
  sources: v.optional(Sources, NO_SOURCES),
});

function contentOf(file: string): v.InferOutput<typeof Compiled> {
  try {
    const { id: _id, ...content } = v.parse(Compiled, JSON.parse(readFileSync(file, 'utf8')));
    return content;
  } catch (cause) {
    throw new MisconfiguredError(`${file} cannot be read; deploy again`, { cause });
  }
}
