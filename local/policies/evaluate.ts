import { type Context, doConditionsHold } from './conditions.ts';
import type { Matching, Statement } from './documents.ts';
import { isAction, isArn } from './patterns.ts';

/** One call, as IAM is asked about it. */
export interface Request {
  /** ARN of the role that asks. */
  readonly principal: string;
  /** `sqs:SendMessage` */
  readonly action: string;
  /** ARN, or `*` of an action that is about no resource. */
  readonly resource: string;
  readonly context: Context;
}

/** A policy that hangs on resources. */
export interface ResourcePolicy {
  /** ARNs; a policy on a bucket is one on its objects too. */
  readonly attachedTo: readonly string[];
  readonly statements: readonly Statement[];
}

export interface Policies {
  /** Of all policies of the role. */
  readonly ofRole: readonly Statement[];
  readonly ofResources: readonly ResourcePolicy[];
}

export type Decision = 'allowed' | 'explicitly denied' | 'implicitly denied';

/**
 * What IAM decides, for a role and a resource of one account without an organisation's policies, boundaries and session policies: a
 * statement that denies wins; else one that allows is needed, of the role or of the resource; else it is denied.
 *
 * @throws Error when a statement is not understood
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
 */
export function evaluate(request: Request, { ofRole, ofResources }: Policies): Decision {
  const hanging = ofResources.filter(({ attachedTo }) =>
    attachedTo.some((arn) => request.resource === arn || request.resource.startsWith(`${arn}/`)),
  );
  const applying = [
    ...ofRole.filter((statement) => isAbout(statement, request)),
    ...hanging
      .flatMap(({ statements }) => statements)
      .filter((statement) => isOf(statement, request.principal) && isAbout(statement, request)),
  ];
  if (applying.some(({ effect }) => effect === 'Deny')) return 'explicitly denied';
  return applying.length > 0 ? 'allowed' : 'implicitly denied';
}

function isAbout(
  { actions, resources, conditions }: Statement,
  { action, resource, context }: Request,
): boolean {
  return (
    doesMatch(actions, (pattern) => isAction(action, pattern)) &&
    doesMatch(resources, (pattern) => isArn(resource, pattern)) &&
    doConditionsHold(conditions, context)
  );
}

function doesMatch({ patterns, isNegated }: Matching, matches: (pattern: string) => boolean): boolean {
  return patterns.some(matches) !== isNegated;
}

/** Whether a statement on a resource speaks of a role. To allow an account lets its roles be allowed; it allows none of them. */
function isOf({ principals, effect }: Statement, role: string): boolean {
  if (principals === undefined) throw new Error('a policy on a resource names a Principal');
  if (principals === '*') return true;
  const [, , , , account = ''] = role.split(':');
  const ofAccount = [account, `arn:aws:iam::${account}:root`];
  return (principals['AWS'] ?? []).some(
    (principal) =>
      principal === '*' || principal === role || (effect === 'Deny' && ofAccount.includes(principal)),
  );
}
