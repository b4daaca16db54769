import * as v from 'valibot';

/** Every local address pretends to be this region and account; nothing leaves the machine. */
export const LOCAL_REGION = 'us-east-1';
export const LOCAL_ACCOUNT = '000000000000';

const templateSchema = v.object({
  Resources: v.record(
    v.string(),
    v.object({
      Type: v.string(),
      Properties: v.optional(v.record(v.string(), v.unknown()), {}),
      Metadata: v.optional(v.record(v.string(), v.unknown()), {}),
    }),
  ),
});

/** A CloudFormation template, as far as the local run reads it. */
export type Template = v.InferOutput<typeof templateSchema>;
export type Resource = Template['Resources'][string];

/** @throws ValiError when `json` is not a template */
export function parseTemplate(json: unknown): Template {
  return v.parse(templateSchema, json);
}

/** What a resource is called once it exists: what `Ref` and `Fn::GetAtt` answer. */
interface Identity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Resolves the intrinsic functions of a template against the local engines. */
export interface Resolver {
  /** @returns `value` with every intrinsic function replaced; members that are `AWS::NoValue` are gone */
  resolve(value: unknown): unknown;
  identity(logicalId: string): Identity;
}

/**
 * @param sqsUrl - base URL of the local SQS engine, without a trailing slash
 * @throws Error (from `resolve`) naming the intrinsic function the local run does not know
 */
export function createResolver(template: Template, sqsUrl: string): Resolver {
  const pseudo: Record<string, string> = {
    'AWS::Region': LOCAL_REGION,
    'AWS::AccountId': LOCAL_ACCOUNT,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': 'local',
    'AWS::StackId': `arn:aws:cloudformation:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stack/local/0`,
  };
  const identity = (logicalId: string): Identity => {
    const resource = template.Resources[logicalId];
    if (resource === undefined) throw new Error(`The template has no resource ${logicalId}`);
    return identify(logicalId, resource, sqsUrl);
  };
  const ref = (name: string): string => pseudo[name] ?? identity(name).ref;
  const attribute = (logicalId: string, name: string): string => {
    const found = identity(logicalId).attributes[name];
    if (found === undefined) throw new Error(`The local run does not know ${logicalId}.${name}`);
    return found;
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== undefined);
    if (!isObject(value)) return value;
    const [key, ...others] = Object.keys(value);
    if (key !== undefined && others.length === 0 && (key === 'Ref' || key.startsWith('Fn::'))) {
      return intrinsic(key, value[key], { resolve, ref, attribute });
    }
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, member]) => [name, resolve(member)] as const)
        .filter(([, member]) => member !== undefined),
    );
  };
  return { resolve, identity };
}

interface Lookups {
  readonly resolve: (value: unknown) => unknown;
  readonly ref: (name: string) => string;
  readonly attribute: (logicalId: string, name: string) => string;
}

const text = v.string();
const joinArguments = v.tuple([text, v.array(v.union([text, v.number(), v.boolean()]))]);
const selectArguments = v.tuple([v.pipe(v.unknown(), v.transform(Number)), v.array(v.unknown())]);
const splitArguments = v.tuple([text, text]);
const subArguments = v.union([text, v.tuple([text, v.record(text, v.unknown())])]);

function intrinsic(name: string, argument: unknown, { resolve, ref, attribute }: Lookups): unknown {
  switch (name) {
    case 'Ref':
      return argument === 'AWS::NoValue' ? undefined : ref(v.parse(text, argument));
    case 'Fn::GetAtt': {
      const parts = typeof argument === 'string' ? argument.split(/\.(.*)/s) : argument;
      const [logicalId = '', attributeName = ''] = v.parse(v.array(text), parts);
      return attribute(logicalId, attributeName);
    }
    case 'Fn::Join': {
      const [separator, parts] = v.parse(joinArguments, resolve(argument));
      return parts.join(separator);
    }
    case 'Fn::Select': {
      const [index, items] = v.parse(selectArguments, resolve(argument));
      return items[index];
    }
    case 'Fn::Split': {
      const [separator, whole] = v.parse(splitArguments, resolve(argument));
      return whole.split(separator);
    }
    case 'Fn::Sub': {
      const parsed = v.parse(subArguments, argument);
      const [pattern, variables] = typeof parsed === 'string' ? [parsed, {}] : parsed;
      return substitute(pattern, variables, { resolve, ref, attribute });
    }
    default:
      throw new Error(`The local run does not resolve ${name}`);
  }
}

function substitute(pattern: string, variables: Record<string, unknown>, lookups: Lookups): string {
  return pattern.replaceAll(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
    if (literal === '!') return `\${${name}}`;
    if (name in variables) return String(lookups.resolve(variables[name]));
    const [logicalId = '', attributeName] = name.split(/\.(.*)/s);
    return attributeName === undefined ? lookups.ref(name) : lookups.attribute(logicalId, attributeName);
  });
}

function identify(logicalId: string, { Type, Properties }: Resource, sqsUrl: string): Identity {
  const named = (property: string) => {
    const given = Properties[property];
    return typeof given === 'string' ? given : logicalId;
  };
  switch (Type) {
    case 'AWS::SQS::Queue': {
      const name = named('QueueName');
      const url = `${sqsUrl}/${LOCAL_ACCOUNT}/${name}`;
      return { ref: url, attributes: { Arn: arn('sqs', name), QueueName: name, QueueUrl: url } };
    }
    case 'AWS::DynamoDB::Table':
    case 'AWS::DynamoDB::GlobalTable': {
      const name = named('TableName');
      return { ref: name, attributes: { Arn: arn('dynamodb', `table/${name}`) } };
    }
    case 'AWS::S3::Bucket': {
      const name = named('BucketName').toLowerCase(); // S3 knows no others.
      return { ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } };
    }
    case 'AWS::Lambda::Function': {
      const name = named('FunctionName');
      return { ref: name, attributes: { Arn: arn('lambda', `function:${name}`) } };
    }
    case 'AWS::SecretsManager::Secret': {
      const secretArn = arn('secretsmanager', `secret:${named('Name')}-local0`);
      return { ref: secretArn, attributes: { Id: secretArn } };
    }
    case 'AWS::IAM::Role': {
      const name = named('RoleName');
      return { ref: name, attributes: { Arn: `arn:aws:iam::${LOCAL_ACCOUNT}:role/${name}` } };
    }
    case 'AWS::Logs::LogGroup': {
      const name = named('LogGroupName');
      return { ref: name, attributes: { Arn: arn('logs', `log-group:${name}:*`) } };
    }
    case 'AWS::SNS::Topic': {
      const topicArn = arn('sns', named('TopicName'));
      return { ref: topicArn, attributes: { TopicArn: topicArn } };
    }
    default:
      return { ref: logicalId, attributes: { Arn: arn('local', logicalId) } };
  }
}

function arn(service: string, rest: string): string {
  return `arn:aws:${service}:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${rest}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
