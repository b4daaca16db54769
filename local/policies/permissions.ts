import * as v from 'valibot';
import { constructPath, doorOf } from '../runner/assembly.ts';
import { createResolver, type Resolver, type Resource, type Template } from '../runner/template.ts';
import { readStatements, type Statement } from './documents.ts';
import type { ResourcePolicy } from './evaluate.ts';

/** A role of the template, with everything that its policies say. */
export interface Role {
  /** Construct path below the stack, such as `Scorer/FunctionRole`. */
  readonly path: string;
  readonly arn: string;
  /** The functions that run as it, by the names of their doors. */
  readonly doors: readonly string[];
  readonly statements: readonly Statement[];
  /** Its policies as they stand, with the ARNs of the local run. */
  readonly documents: readonly unknown[];
}

/** A policy that hangs on resources, also as it stands. */
interface WrittenPolicy extends ResourcePolicy {
  readonly document: unknown;
}

/** Who may do what, by a template. */
export interface Permissions {
  readonly roles: readonly Role[];
  readonly ofResources: readonly WrittenPolicy[];
  /**
   * ARNs of everything that is called, by construct path: of a table also its indexes, of a bucket also a report in it, of a log group a
   * stream of it.
   */
  readonly resources: ReadonlyMap<string, string>;
}

/** What hangs a policy on resources, and by which property. */
const ON_RESOURCES: Readonly<Record<string, string>> = {
  'AWS::S3::BucketPolicy': 'Bucket',
  'AWS::SQS::QueuePolicy': 'Queues',
  'AWS::SNS::TopicPolicy': 'Topics',
};
/** Of `AWS::IAM`, and of whatever else is called a policy, these are understood. */
const OF_ROLES = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy'];

const reference = v.object({ Ref: v.string() }, 'not a resource of this template');
const references = v.array(reference);
const oneOrMore = v.pipe(
  v.union([reference, references]),
  v.transform((given) => [given].flat()),
);
const roleSchema = v.object({
  Policies: v.optional(v.array(v.object({ PolicyDocument: v.unknown() })), []),
  ManagedPolicyArns: v.optional(references, []),
});
const policySchema = v.object({
  PolicyDocument: v.unknown(),
  Roles: v.optional(references, []),
  RoleName: v.optional(v.object({ Ref: v.string() })),
  Users: v.optional(v.undefined('policies of users are not understood')),
  Groups: v.optional(v.undefined('policies of groups are not understood')),
});
const functionSchema = v.object({
  Role: v.object({ 'Fn::GetAtt': v.tuple([v.string(), v.literal('Arn')]) }),
});
const tableSchema = v.object({
  GlobalSecondaryIndexes: v.optional(v.array(v.object({ IndexName: v.string() })), []),
});

/**
 * Reads the permissions out of a template, with the ARNs of the local run.
 *
 * @throws Error when the template grants anything in a way that is not understood here, such as by a policy that AWS manages
 */
export function readPermissions(template: Template): Permissions {
  const resolver = createResolver(template, 'https://sqs.us-east-1.amazonaws.com');
  const all = Object.entries(template.Resources);
  for (const [logicalId, { Type, Properties }] of all) refuseUnknown(logicalId, Type, Properties);
  return {
    roles: all
      .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
      .map(([logicalId, resource]) => readRole(logicalId, resource, template, resolver)),
    ofResources: all.flatMap(([logicalId, { Type, Properties }]) => {
      const attached = ON_RESOURCES[Type];
      if (attached === undefined) return [];
      const document = resolver.resolve(Properties['PolicyDocument']);
      return {
        document,
        attachedTo: read(logicalId, oneOrMore, Properties[attached]).map(({ Ref }) => arnOf(Ref, resolver)),
        statements: readStatements(document),
      };
    }),
    resources: new Map(all.flatMap(([logicalId, resource]) => arnsOf(logicalId, resource, resolver))),
  };
}

/** What decides about access without being looked at would make the rest worthless. */
function refuseUnknown(logicalId: string, type: string, properties: Record<string, unknown>): void {
  const isPolicy = type.startsWith('AWS::IAM::') || type.endsWith('Policy') || type === 'AWS::Lambda::Url'; // An address lets in whoever it says.
  const isKnown = type === 'AWS::IAM::Role' || OF_ROLES.includes(type) || ON_RESOURCES[type] !== undefined;
  if (isPolicy && !isKnown) throw new Error(`${logicalId}: ${type} is not understood`);
  for (const unread of ['ResourcePolicy', 'KeyPolicy', 'PermissionsBoundary'])
    if (properties[unread] !== undefined) throw new Error(`${logicalId}: ${unread} is not understood`);
}

/** @throws Error saying of which resource what is not understood */
function read<T>(logicalId: string, schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [{ message }] = parsed.issues;
  throw new Error(`${logicalId}: ${message}`);
}

function readRole(logicalId: string, resource: Resource, { Resources }: Template, resolver: Resolver): Role {
  const { Policies, ManagedPolicyArns } = read(logicalId, roleSchema, resource.Properties);
  const managed = ManagedPolicyArns.map(({ Ref }) => Ref);
  const attached = Object.entries(Resources)
    .filter(([, { Type }]) => OF_ROLES.includes(Type))
    .map(([id, { Properties }]) => ({ id, ...read(id, policySchema, Properties) }))
    .filter(
      ({ id, Roles, RoleName }) =>
        managed.includes(id) || [...Roles, RoleName].some((role) => role?.Ref === logicalId),
    );
  const documents = [...Policies, ...attached].map(({ PolicyDocument }) => resolver.resolve(PolicyDocument));
  return {
    documents,
    path: constructPath(logicalId, resource),
    arn: arnOf(logicalId, resolver),
    doors: Object.entries(Resources)
      .filter(
        ([, { Type, Properties }]) => Type === 'AWS::Lambda::Function' && runsAs(Properties) === logicalId,
      )
      .map(([id, handler]) => doorOf(id, handler)),
    statements: documents.flatMap(readStatements),
  };
}

function runsAs(properties: unknown): string {
  return v.parse(functionSchema, properties).Role['Fn::GetAtt'][0];
}

function arnOf(logicalId: string, resolver: Resolver): string {
  const { ref, attributes } = resolver.identity(logicalId);
  return attributes['Arn'] ?? ref; // Of some, such as a secret, Ref is the ARN.
}

function arnsOf(logicalId: string, resource: Resource, resolver: Resolver): [path: string, arn: string][] {
  const path = constructPath(logicalId, resource).replace(/\/Default$/, '');
  const arn = arnOf(logicalId, resolver).replace(/:\*$/, ':log-stream:any');
  if (!arn.startsWith('arn:') || arn.startsWith('arn:aws:local:')) return [];
  if (resource.Type === 'AWS::S3::Bucket')
    return [
      [path, arn],
      [`${path}, reports`, `${arn}/reports/any`],
    ];
  if (!resource.Type.startsWith('AWS::DynamoDB::')) return [[path, arn]];
  const { GlobalSecondaryIndexes } = v.parse(tableSchema, resource.Properties);
  return [
    [path, arn],
    ...GlobalSecondaryIndexes.map(({ IndexName }): [string, string] => [
      `${path}, index ${IndexName}`,
      `${arn}/index/${IndexName}`,
    ]),
  ];
}
