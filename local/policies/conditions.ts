import type { Statement } from './documents.ts';
import { isArn, isLike } from './patterns.ts';

/** What is known of a request beside who asks what: keys such as `aws:SecureTransport`, each with one value. */
export type Context = Readonly<Record<string, string>>;

interface Operator {
  readonly holds: (given: string, value: string) => boolean;
  /** None of the values may hold; and a key that is not there fulfils it. */
  readonly isNegated?: true;
}

const isEqual = (given: string, value: string) => given === value;
const isSameBoolean = (given: string, value: string) => given.toLowerCase() === value.toLowerCase();

const OPERATORS: Readonly<Record<string, Operator>> = {
  Bool: { holds: isSameBoolean },
  StringEquals: { holds: isEqual },
  StringNotEquals: { holds: isEqual, isNegated: true },
  StringLike: { holds: isLike },
  StringNotLike: { holds: isLike, isNegated: true },
  ArnEquals: { holds: isArn }, // The two of ARNs do the same.
  ArnLike: { holds: isArn },
  ArnNotEquals: { holds: isArn, isNegated: true },
  ArnNotLike: { holds: isArn, isNegated: true },
};
const IF_EXISTS = /IfExists$/;

/**
 * Whether all conditions of a statement hold: every operator and every key, by any of its values.
 *
 * @throws Error on an operator that is not known here, such as one for sets or numbers
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function doConditionsHold(conditions: Statement['conditions'], context: Context): boolean {
  const given = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => doesHold(operator, given.get(key.toLowerCase()), values)),
  );
}

function doesHold(name: string, given: string | undefined, values: readonly string[]): boolean {
  if (name === 'Null')
    return values.some((value) => (value.toLowerCase() === 'true') === (given === undefined));
  const operator = OPERATORS[name.replace(IF_EXISTS, '')];
  if (operator === undefined) throw new Error(`the condition operator ${name} is not understood`);
  const variable = values.find((value) => value.includes('${'));
  if (variable !== undefined) throw new Error(`policy variables are not understood: ${variable}`);
  const isNegated = operator.isNegated === true;
  if (given === undefined) return isNegated || IF_EXISTS.test(name);
  return values.some((value) => operator.holds(given, value)) !== isNegated;
}
