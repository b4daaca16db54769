import { domainOf, isWithin } from './domains.ts';
import type { Deal } from './facts.ts';
import { FREEMAIL, type Model } from './model.ts';
import type { Condition, Exclusion, FitRule } from './model-file.ts';
import { isIn, wordPattern } from './patterns.ts';
import { asBoolean, asNumber } from './values.ts';

type Test = (value: string) => boolean;

/** What a condition asks of a value, made ready once: folds run by the hundred thousand. */
const testsOf = new WeakMap<Condition, readonly Test[]>();

/**
 * Whether a condition holds for a property's value. Of several tests in one condition, all must hold.
 *
 * @param model - the one the condition stands in: it knows what `freemail` means
 * @param value - the property's current value, undefined when not known or cleared
 */
export function holds(model: Model, condition: Condition, value: string | undefined): boolean {
  if (value === undefined) return false;
  let tests = testsOf.get(condition);
  if (tests === undefined) {
    tests = testsFor(condition, model.freemail);
    testsOf.set(condition, tests);
  }
  return tests.every((test) => test(value));
}

function testsFor(condition: Condition, freemail: readonly string[]): Test[] {
  const { is, contains, atLeast, below, domain } = condition;
  const tests: Test[] = [];
  if (is !== undefined) {
    tests.push((value) => {
      const lower = value.toLowerCase();
      return is.some((wanted) => equals(wanted, lower));
    });
  }
  if (contains !== undefined) {
    const patterns = contains.map(wordPattern);
    tests.push((value) => {
      const lower = value.toLowerCase();
      return patterns.some((pattern) => isIn(lower, pattern));
    });
  }
  if (atLeast !== undefined) tests.push((value) => (asNumber(value) ?? Number.NaN) >= atLeast);
  if (below !== undefined) tests.push((value) => (asNumber(value) ?? Number.NaN) < below);
  if (domain !== undefined) {
    const named = domain.flatMap((one) => (one === FREEMAIL ? freemail : [domainOf(one) ?? '']));
    const domains = new Set(named);
    tests.push((value) => isWithin(domainOf(value) ?? '', domains));
  }
  return tests;
}

function equals(wanted: string | number | boolean, lower: string): boolean {
  if (typeof wanted === 'boolean') return asBoolean(lower) === wanted;
  if (typeof wanted === 'number') return asNumber(lower) === wanted;
  return wanted.toLowerCase() === lower;
}

/** The fit rules that hold, in the model's order. @param values - current values by name */
export function fittingRules(model: Model, values: ReadonlyMap<string, string>): FitRule[] {
  return model.fit.rules.filter((rule) => holds(model, rule, values.get(rule.property)));
}

/** The exclusions that hold, in the model's order. @param values - current values by name */
export function holdingExclusions(
  model: Model,
  values: ReadonlyMap<string, string>,
  deals: readonly Deal[] = [],
): Exclusion[] {
  return model.exclusions.filter((rule) => {
    if (rule.property !== undefined) return holds(model, rule, values.get(rule.property));
    return deals.some(({ state }) => state === rule.deal);
  });
}
