import { distance } from 'fastest-levenshtein';
import { COMPANY_PREFIX } from '../lambdas/scoring/model-file.ts';
import { createPropertyCatalog, type PropertyDefinition } from '../local/hubspot/properties.ts';

/** Properties that every HubSpot account has: those that a new portal of the simulator has. */
const { contacts, companies } = createPropertyCatalog();

/**
 * The standard property of a name; undefined for properties of one's own, of which nothing is known.
 *
 * @param property - as models write it: those of companies as `company.<name>`
 */
export function standardProperty(property: string): PropertyDefinition | undefined {
  const isOfCompany = property.startsWith(COMPANY_PREFIX);
  return isOfCompany
    ? companies.byName.get(property.slice(COMPANY_PREFIX.length))
    : contacts.byName.get(property);
}

/** Shorter names differ from each other by two letters too easily. */
const SHORT_NAME = 8;

/**
 * The standard property that was likely meant by a name that is none. Properties of one's own may have any name, so this is
 * good for a warning and no more.
 *
 * @param property - as models write it: those of companies as `company.<name>`
 */
export function likelyMeant(property: string): string | undefined {
  if (standardProperty(property) !== undefined) return undefined;
  const isOfCompany = property.startsWith(COMPANY_PREFIX);
  const prefix = isOfCompany ? COMPANY_PREFIX : '';
  const name = property.slice(prefix.length);
  if (!isOfCompany && companies.byName.has(name)) return `${COMPANY_PREFIX}${name}`;
  const edits = name.length < SHORT_NAME ? 1 : 2;
  const known = [...(isOfCompany ? companies : contacts).byName.keys()];
  const [near] = known
    .filter((standard) => distance(name, standard) <= edits)
    .toSorted((a, b) => distance(name, a) - distance(name, b));
  return near === undefined ? undefined : `${prefix}${near}`;
}
