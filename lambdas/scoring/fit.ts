import type { FitRule, Model } from './model.ts';
import { asBoolean, asNumber } from './values.ts';

/**
 * Whether a fit rule holds for a property's value. Of several conditions in one rule, all must hold.
 *
 * @param value - the property's current value, undefined when not known or cleared
 */
export function fits(rule: FitRule, value: string | undefined): boolean {
  if (value === undefined) return false;
  const lower = value.toLowerCase();
  if (rule.is !== undefined && !rule.is.some((wanted) => equals(wanted, lower))) return false;
  if (
    rule.contains !== undefined &&
    !rule.contains.some((words) => containsWords(lower, words.toLowerCase()))
  ) {
    return false;
  }
  if (rule.atLeast === undefined && rule.below === undefined) return true;
  const number = asNumber(value);
  if (number === undefined) return false;
  return (
    number >= (rule.atLeast ?? Number.NEGATIVE_INFINITY) && number < (rule.below ?? Number.POSITIVE_INFINITY)
  );
}

function equals(wanted: string | number | boolean, lower: string): boolean {
  if (typeof wanted === 'boolean') return asBoolean(lower) === wanted;
  if (typeof wanted === 'number') return asNumber(lower) === wanted;
  return wanted.toLowerCase() === lower;
}

/** Letters and digits of any script belong to a word; everything else parts words. */
const WORD = /[\p{L}\p{N}]/u;

/** Whether `words` stands in `text` with no letter or digit touching it on either side: "cto" is not in "director". */
function containsWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at !== -1; at = text.indexOf(words, at + 1)) {
    const before = text.slice(0, at).at(-1) ?? ' ';
    const after = text.slice(at + words.length).at(0) ?? ' ';
    if (!WORD.test(before) && !WORD.test(after)) return true;
  }
  return false;
}

/** The fit rules that hold, in the model's order. @param properties - current values by name */
export function fittingRules(model: Model, properties: ReadonlyMap<string, string>): FitRule[] {
  return model.fit.rules.filter((rule) => fits(rule, properties.get(rule.property)));
}
