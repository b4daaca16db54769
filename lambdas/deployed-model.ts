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
  const { id: _id, ...content } = JSON.parse(readFileSync(file, 'utf8'));
  const checked = checkModel(content);
  if ('problems' in checked) throw new MisconfiguredError(`${file} is no valid model; deploy again`);
  return checked.model;
}
