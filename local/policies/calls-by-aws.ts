import * as v from 'valibot';
import { createResolver, type Template } from '../runner/template.ts';

/** A call that AWS itself makes with a role of ours, before, after or in place of a function: nobody can record it. */
export interface CallByAws {
  /** ARN. */
  readonly role: string;
  readonly action: string;
  /** ARN, or the pattern of those of a log. */
  readonly resource: string;
  readonly because: string;
}

const functionSchema = v.object({
  Role: v.string(),
  LoggingConfig: v.object({ LogGroup: v.string() }),
});
const mappingSchema = v.object({ EventSourceArn: v.string(), FunctionName: v.string() });
const scheduleSchema = v.object({
  Target: v.object({
    Arn: v.string(),
    RoleArn: v.string(),
    DeadLetterConfig: v.optional(v.object({ Arn: v.string() })),
  }),
});

/**
 * What AWS calls in the name of the template's roles.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html - what polling a queue needs
 */
export function callsByAws(template: Template): CallByAws[] {
  const resolver = createResolver(template, 'https://sqs.us-east-1.amazonaws.com');
  const all = Object.entries(template.Resources);
  const read = <T>(type: string, schema: v.GenericSchema<unknown, T>): [id: string, properties: T][] =>
    all
      .filter(([, { Type }]) => Type === type)
      .map(([id, { Properties }]) => [id, v.parse(schema, resolver.resolve(Properties))]);
  const functions = new Map(read('AWS::Lambda::Function', functionSchema));
  const logArns = new Map(
    all
      .filter(([, { Type }]) => Type === 'AWS::Logs::LogGroup')
      .map(([id]) => resolver.identity(id))
      .map(({ ref, attributes }) => [ref, attributes['Arn'] ?? '']),
  );
  return [
    ...[...functions.values()].flatMap(({ Role, LoggingConfig }) =>
      ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => ({
        role: Role,
        action,
        resource: logArns.get(LoggingConfig.LogGroup) ?? LoggingConfig.LogGroup,
        because: 'Lambda writes what the function prints to its log',
      })),
    ),
    ...read('AWS::Lambda::EventSourceMapping', mappingSchema).flatMap(([, mapping]) =>
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'].map((action) => ({
        role: functions.get(mapping.FunctionName)?.Role ?? mapping.FunctionName,
        action,
        resource: mapping.EventSourceArn,
        because: 'Lambda polls the queue that feeds the function',
      })),
    ),
    ...read('AWS::Scheduler::Schedule', scheduleSchema).flatMap(([, { Target }]) => byScheduler(Target)),
  ];
}

function byScheduler({
  Arn,
  RoleArn,
  DeadLetterConfig,
}: v.InferOutput<typeof scheduleSchema>['Target']): CallByAws[] {
  const starting = {
    role: RoleArn,
    action: 'lambda:InvokeFunction',
    resource: Arn,
    because: 'EventBridge Scheduler starts the nightly run',
  };
  if (DeadLetterConfig === undefined) return [starting];
  return [
    starting,
    {
      role: RoleArn,
      action: 'sqs:SendMessage',
      resource: DeadLetterConfig.Arn,
      because: 'EventBridge Scheduler sets aside what it could not start',
    },
  ];
}
