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

// Letters and digits of any script belong to a word; everything else parts words. A letter may take two places in a string.
const LETTER_AT_END = /[\p{L}\p{N}]$/u;
const LETTER_AT_START = /^[\p{L}\p{N}]/u;

/** Whether `words` stands in `text` with no letter or digit touching it on either side: "cto" is not in "director". */
function containsWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at !== -1; at = text.indexOf(words, at + 1)) {
    const end = at + words.length;
    const isTouched =
      LETTER_AT_END.test(text.slice(Math.max(0, at - 2), at)) ||
      LETTER_AT_START.test(text.slice(end, end + 2));
    if (!isTouched) return true;
  }
  return false;
}

/** The fit rules that hold, in the model's order. @param properties - current values by name */
export function fittingRules(model: Model, properties: ReadonlyMap<string, string>): FitRule[] {
  return model.fit.rules.filter((rule) => fits(rule, properties.get(rule.property)));
}
