import * as v from 'valibot';
import { _addIssue as addIssue } from 'valibot'; // By which its own schemas complain.
import { didYouMean, wantedType } from './model-problems.ts';

/** An object with these keys and no others; a message about any other key names the one that was likely meant. */
export function closed<const Entries extends v.ObjectEntries>(entries: Entries) {
  const keys = Object.keys(entries);
  const schema = v.strictObject(entries, ({ expected, received, message, path }) => {
    const key = String(path?.at(-1)?.key);
    if (expected === 'never')
      return `found an unknown key, expected one of ${keys.join(', ')}${didYouMean(key, keys)}`;
    if (received !== 'undefined' || path === undefined) return message;
    return `found nothing, expected ${wantedType(entries[key]?.expects ?? '')}`;
  });
  return noList(schema);
}

/**
 * A schema of objects that takes no list for one: to the library every list is an object without these keys. What is made of it by
 * `omit` or `partial` runs the schema that was given.
 */
export function noList<Schema extends v.GenericSchema>(schema: Schema): Schema {
  return {
    ...schema,
    '~run'(dataset, config) {
      if (!Array.isArray(dataset.value)) return schema['~run'](dataset, config);
      addIssue(schema, 'type', dataset, config);
      return dataset;
    },
  };
}
