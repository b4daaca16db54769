import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MisconfiguredError } from './errors.ts';
import { checkModel, type Model } from './scoring/model.ts';

/**
 * The compiled model that the stack put beside the handler.
 *
 * @throws MisconfiguredError when it is missing or does not pass the check: the bundle was not built by the stack
 */
export function deployedModel(directory: string): Model {
  const file = join(directory, 'model.json');
  const checked = checkModel(contentOf(file));
  if ('problems' in checked) throw new MisconfiguredError(`${file} is no valid model; deploy again`);
  return checked.model;
}

function contentOf(file: string): unknown {
  try {
    const { id: _id, ...content } = JSON.parse(readFileSync(file, 'utf8'));
    return content;
  } catch (cause) {
    throw new MisconfiguredError(`${file} cannot be read; deploy again`, { cause });
  }
}
