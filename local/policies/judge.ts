import type { AwsCall } from '../runner/recorder.ts';
import type { Template } from '../runner/template.ts';
import { callsByAws } from './calls-by-aws.ts';
import { evaluate } from './evaluate.ts';
import { isAction, isArn } from './patterns.ts';
import { type Permissions, type Role, readPermissions } from './permissions.ts';

/** A call as it was recorded, as far as it is judged. */
export type JudgedCall = Pick<AwsCall, 'door' | 'action' | 'resource'>;

/** What differs between what a role may do and what is done with it. */
export interface Finding {
  /** `refused`: done, and not allowed. `unused`: allowed, and never done. `broad`: allowed by a pattern, which holds for more. */
  readonly kind: 'refused' | 'unused' | 'broad';
  /** The function, or the construct path of a role that no function runs as. */
  readonly role: string;
  readonly action: string;
  readonly resource: string;
}

/** As the SDKs call: the queues refuse what comes otherwise. */
export const OVER_TLS = { 'aws:SecureTransport': 'true' };

/**
 * Holds the permissions of a template against the calls of its functions, and of AWS on their behalf.
 *
 * @param template - as synthesized
 * @param calls - everything that the functions called of AWS in a story that lets each of them do all it can, with the ARNs of the
 *   local run (`inLocalNames` translates others)
 * @returns nothing when every call is allowed and every permission was used
 * @throws Error when the template grants in a way that is not understood
 */
export function judge(template: Template, calls: readonly JudgedCall[]): Finding[] {
  const permissions = readPermissions(template);
  const done = distinct([
    ...calls.map(({ door, action, resource }) => ({ role: door, action, resource })),
    ...callsByAws(template).map(({ role, action, resource }) => ({
      role: nameOf(role, permissions),
      action,
      resource: resource.replace(/:\*$/, ':log-stream:any'),
    })),
  ]);
  const granted = permissions.roles.flatMap(grantsOf);
  const unused = granted.filter((grant) => !done.some((one) => isUseOf(one, grant)));
  return [
    ...done
      .filter((one) => !isAllowed(one, permissions))
      .map((one) => ({ kind: 'refused' as const, ...one })),
    ...unused.map((grant) => ({ kind: 'unused' as const, ...grant })),
    ...granted.filter(isBroad).map((grant) => ({ kind: 'broad' as const, ...grant })),
  ];
}

/** Something that a role does, or is allowed to do: then with the patterns of its statement. */
export type Deed = Omit<Finding, 'kind'>;

function distinct(deeds: readonly Deed[]): Deed[] {
  return [...new Map(deeds.map((deed) => [Object.values(deed).join(' '), deed])).values()];
}

/** How a role is called here. */
export function nameOfRole({ doors, path }: Role): string {
  return doors[0] ?? path;
}

function nameOf(roleArn: string, { roles }: Permissions): string {
  const role = roles.find(({ arn }) => arn === roleArn);
  return role === undefined ? roleArn : nameOfRole(role);
}

/** Whether a role may do that, over TLS. */
export function isAllowed({ role, action, resource }: Deed, { roles, ofResources }: Permissions): boolean {
  const found = roles.find((one) => nameOfRole(one) === role);
  if (found === undefined) return false;
  const request = { principal: found.arn, action, resource, context: OVER_TLS };
  return evaluate(request, { ofRole: found.statements, ofResources }) === 'allowed';
}

/** @throws Error on a grant of everything but something: nobody can tell whether that is used */
export function grantsOf(role: Role): Deed[] {
  return role.statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ actions, resources }) => {
      if (actions.isNegated || resources.isNegated)
        throw new Error(`${role.path}: allows everything but something`);
      return actions.patterns.flatMap((action) =>
        resources.patterns.map((resource) => ({ role: nameOfRole(role), action, resource })),
      );
    });
}

/** The streams of a log have names that nobody knows before. */
const STREAMS_OF_A_LOG = /:log-group:[^:*?]+:\*$/;
/** So have the objects of a folder. */
const OBJECTS_OF_A_FOLDER = /^arn:aws:s3:::[^/*?]+\/[^*?]+\/\*$/;

function isBroad({ action, resource }: Deed): boolean {
  const isNamed = [STREAMS_OF_A_LOG, OBJECTS_OF_A_FOLDER].some((pattern) => pattern.test(resource));
  return /[*?]/.test(action) || (/[*?]/.test(resource) && !isNamed);
}

function isUseOf(deed: Deed, grant: Deed): boolean {
  return (
    deed.role === grant.role && isAction(deed.action, grant.action) && isArn(deed.resource, grant.resource)
  );
}
