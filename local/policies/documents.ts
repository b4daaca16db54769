import * as v from 'valibot';

/** One statement of a policy, every element that may be one or many as many. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: Matching;
  readonly resources: Matching;
  /** Of a policy on a resource: whom it is about. */
  readonly principals: Principals | undefined;
  /** By operator, then by key: the values of which one has to hold. */
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** Patterns of which one matches; or, of `NotAction` and `NotResource`, none. */
export interface Matching {
  readonly patterns: readonly string[];
  readonly isNegated: boolean;
}

/** By kind, such as `AWS` and `Service`; `'*'` is everybody. */
export type Principals = '*' | Readonly<Record<string, readonly string[]>>;

const many = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((given) => [given].flat()),
);
const values = v.pipe(
  v.union([v.string(), v.boolean(), v.number(), v.array(v.union([v.string(), v.boolean(), v.number()]))]),
  v.transform((given) => [given].flat().map(String)),
);
// Strict: an element that is not understood, such as NotPrincipal, must not be passed over.
const statementSchema = v.strictObject({
  Sid: v.optional(v.string()),
  Effect: v.picklist(['Allow', 'Deny']),
  Action: v.optional(many),
  NotAction: v.optional(many),
  Resource: v.optional(many),
  NotResource: v.optional(many),
  Principal: v.optional(v.union([v.literal('*'), v.record(v.string(), many)])),
  Condition: v.optional(v.record(v.string(), v.record(v.string(), values)), {}),
});
const documentSchema = v.object({
  Version: v.literal('2012-10-17', 'a policy without Version 2012-10-17 is read by older rules'),
  Statement: v.unknown(),
});

/**
 * Reads a policy document whose intrinsic functions are resolved.
 *
 * @throws Error when it holds an element that is not understood: then nothing can be said of it
 */
export function readStatements(document: unknown): Statement[] {
  return [v.parse(documentSchema, document).Statement].flat().map(readStatement);
}

function readStatement(written: unknown): Statement {
  const statement = v.safeParse(statementSchema, written);
  if (!statement.success) {
    const [{ message }] = statement.issues;
    throw new Error(`a statement is not understood (${message}): ${JSON.stringify(written)}`);
  }
  const { Effect, Action, NotAction, Resource, NotResource, Principal, Condition } = statement.output;
  return {
    effect: Effect,
    actions: oneOf('Action', Action, NotAction),
    resources: oneOf('Resource', Resource, NotResource),
    principals: Principal,
    conditions: Condition,
  };
}

function oneOf(
  element: string,
  patterns: readonly string[] | undefined,
  negated: readonly string[] | undefined,
): Matching {
  const given = patterns ?? negated;
  if (given === undefined || (patterns !== undefined && negated !== undefined))
    throw new Error(`a statement has ${element} or Not${element}, one of them`);
  const variable = given.find((pattern) => pattern.includes('${'));
  if (variable !== undefined) throw new Error(`policy variables are not understood: ${variable}`);
  return { patterns: given, isNegated: patterns === undefined };
}
