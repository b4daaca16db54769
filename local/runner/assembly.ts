import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { Cors } from './cors.ts';
import { createResolver, parseTemplate, type Resolver, type Resource, type Template } from './template.ts';
import { Throttle } from './throttle.ts';

export interface TablePlan {
  readonly name: string;
  readonly attributes: readonly { readonly name: string; readonly type: 'S' | 'N' | 'B' }[];
  readonly keys: readonly KeyPlan[];
  readonly indexes: readonly {
    readonly name: string;
    readonly keys: readonly KeyPlan[];
    readonly projection: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
    readonly projected: readonly string[];
  }[];
}
interface KeyPlan {
  readonly name: string;
  readonly type: 'HASH' | 'RANGE';
}

export interface QueuePlan {
  /** Construct path below the stack, such as `Scorer/Events`. */
  readonly path: string;
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  readonly visibilitySeconds: number;
  readonly retentionSeconds: number;
  readonly delaySeconds: number;
  readonly deadLetters: { readonly arn: string; readonly maxReceiveCount: number } | undefined;
}

export interface BucketPlan {
  readonly name: string;
}

export interface FunctionPlan {
  /** The capability it belongs to, as its file is called: `ingest`, `write-back`. */
  readonly door: string;
  readonly name: string;
  readonly arn: string;
  /** Folder with the bundle, inside the assembly. */
  readonly assetDirectory: string;
  /** `file.export` */
  readonly handler: string;
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroup: string;
}

export interface MappingPlan {
  readonly queueArn: string;
  readonly functionName: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maximumConcurrency: number | undefined;
  readonly reportsItemFailures: boolean;
}

export interface RoutePlan {
  /** `METHOD /path` or `$default`; a part of the path may be a parameter, such as `{id}`. */
  readonly routeKey: string;
  readonly functionArn: string;
  /** The API that has it. */
  readonly apiId: string;
  /** Which pages may call the API; undefined where none of another origin may. */
  readonly cors: Cors | undefined;
  /** The route's own; undefined where it has none. */
  readonly throttle: Throttle | undefined;
}

export interface SchedulePlan {
  readonly expression: string;
  readonly timeZone: string;
  readonly functionArn: string;
  /** JSON handed to the function. */
  readonly input: string;
}

export interface SecretPlan {
  readonly arn: string;
  readonly name: string;
  /** What the template fills in, or undefined where a key is to be generated. */
  readonly value: string | undefined;
  readonly generate: { readonly template: string; readonly key: string } | undefined;
}

/** What the synthesized stack consists of, as far as it runs on one machine. */
export interface Assembly {
  readonly tables: readonly TablePlan[];
  readonly queues: readonly QueuePlan[];
  readonly buckets: readonly BucketPlan[];
  readonly functions: readonly FunctionPlan[];
  readonly mappings: readonly MappingPlan[];
  readonly routes: readonly RoutePlan[];
  readonly schedules: readonly SchedulePlan[];
  readonly secrets: readonly SecretPlan[];
}

/**
 * Reads a synthesized CDK assembly with one stack.
 *
 * @param directory - `cdk.out`
 * @param sqsUrl - base URL of the SQS engine, which queue URLs begin with
 * @throws Error naming what is missing or not understood
 */
export function readAssembly(directory: string, sqsUrl: string): Assembly {
  const { template, assets } = readStack(directory);
  const resolver = createResolver(template, sqsUrl);
  const all = <T>(types: readonly string[], read: (logicalId: string, resource: Resource) => T): T[] =>
    Object.entries(template.Resources)
      .filter(([, { Type }]) => types.includes(Type))
      .map(([logicalId, resource]) => read(logicalId, resource));
  return {
    tables: all(['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'], (id, resource) =>
      readTable(resolver.identity(id).ref, resolver.resolve(resource.Properties)),
    ),
    queues: all(['AWS::SQS::Queue'], (id, resource) => readQueue(id, resource, resolver)),
    buckets: all(['AWS::S3::Bucket'], (id) => ({ name: resolver.identity(id).ref })),
    functions: all(['AWS::Lambda::Function'], (id, resource) => readFunction(id, resource, resolver, assets)),
    mappings: all(['AWS::Lambda::EventSourceMapping'], (_id, { Properties }) =>
      readMapping(resolver.resolve(Properties)),
    ),
    routes: all(['AWS::ApiGatewayV2::Route'], (_id, { Properties }) =>
      readRoute(Properties, template, resolver),
    ),
    schedules: all(['AWS::Scheduler::Schedule'], (_id, { Properties }) =>
      readSchedule(resolver.resolve(Properties)),
    ).filter((schedule) => schedule !== undefined),
    secrets: all(['AWS::SecretsManager::Secret'], (id, { Properties }) =>
      readSecret(resolver.identity(id).ref, resolver.resolve(Properties)),
    ),
  };
}

const manifestSchema = v.object({
  artifacts: v.record(
    v.string(),
    v.object({ type: v.string(), properties: v.optional(v.record(v.string(), v.unknown()), {}) }),
  ),
});
const assetsSchema = v.object({
  files: v.record(
    v.string(),
    v.object({
      source: v.object({ path: v.optional(v.string()) }),
      destinations: v.record(v.string(), v.object({ objectKey: v.string() })),
    }),
  ),
});

function readStack(directory: string): { template: Template; assets: Map<string, string> } {
  const manifest = v.parse(manifestSchema, readJson(path.join(directory, 'manifest.json')));
  const artifacts = Object.values(manifest.artifacts);
  const [stack, ...others] = artifacts.filter(({ type }) => type === 'aws:cloudformation:stack');
  if (stack === undefined || others.length > 0) {
    throw new Error(`${directory} holds ${others.length + (stack ? 1 : 0)} stacks; the local run needs one`);
  }
  const templateFile = v.parse(v.string(), stack.properties['templateFile']);
  const assets = new Map<string, string>();
  for (const artifact of artifacts.filter(({ type }) => type === 'cdk:asset-manifest')) {
    const file = v.parse(v.string(), artifact.properties['file']);
    const { files } = v.parse(assetsSchema, readJson(path.join(directory, file)));
    for (const { source, destinations } of Object.values(files)) {
      for (const { objectKey } of Object.values(destinations)) {
        if (source.path !== undefined) assets.set(objectKey, path.resolve(directory, source.path));
      }
    }
  }
  return { template: parseTemplate(readJson(path.join(directory, templateFile))), assets };
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** `Afterglow/Scorer/Events/Resource` is `Scorer/Events`; without path metadata the logical id stands for it. */
export function constructPath(logicalId: string, { Metadata }: Resource): string {
  const whole = Metadata['aws:cdk:path'];
  if (typeof whole !== 'string') return logicalId;
  return whole
    .split('/')
    .slice(1)
    .filter((part, index, parts) => !(index === parts.length - 1 && part === 'Resource'))
    .join('/');
}

const keySchema = v.array(v.object({ AttributeName: v.string(), KeyType: v.picklist(['HASH', 'RANGE']) }));
const tableSchema = v.object({
  AttributeDefinitions: v.array(
    v.object({ AttributeName: v.string(), AttributeType: v.picklist(['S', 'N', 'B']) }),
  ),
  KeySchema: keySchema,
  GlobalSecondaryIndexes: v.optional(
    v.array(
      v.object({
        IndexName: v.string(),
        KeySchema: keySchema,
        Projection: v.object({
          ProjectionType: v.picklist(['ALL', 'KEYS_ONLY', 'INCLUDE']),
          NonKeyAttributes: v.optional(v.array(v.string()), []),
        }),
      }),
    ),
    [],
  ),
});

function keys(schema: v.InferOutput<typeof keySchema>): KeyPlan[] {
  return schema.map(({ AttributeName, KeyType }) => ({ name: AttributeName, type: KeyType }));
}

function readTable(name: string, properties: unknown): TablePlan {
  const table = v.parse(tableSchema, properties);
  return {
    name,
    attributes: table.AttributeDefinitions.map(({ AttributeName, AttributeType }) => ({
      name: AttributeName,
      type: AttributeType,
    })),
    keys: keys(table.KeySchema),
    indexes: table.GlobalSecondaryIndexes.map(({ IndexName, KeySchema, Projection }) => ({
      name: IndexName,
      keys: keys(KeySchema),
      projection: Projection.ProjectionType,
      projected: Projection.NonKeyAttributes,
    })),
  };
}

// Defaults are SQS's own (API_SetQueueAttributes).
const queueSchema = v.object({
  VisibilityTimeout: v.optional(v.number(), 30),
  MessageRetentionPeriod: v.optional(v.number(), 345_600),
  DelaySeconds: v.optional(v.number(), 0),
  RedrivePolicy: v.optional(
    v.object({
      deadLetterTargetArn: v.string(),
      maxReceiveCount: v.pipe(v.unknown(), v.transform(Number), v.integer()),
    }),
  ),
});

function readQueue(logicalId: string, resource: Resource, resolver: Resolver): QueuePlan {
  const { ref, attributes } = resolver.identity(logicalId);
  const queue = v.parse(queueSchema, resolver.resolve(resource.Properties));
  return {
    path: constructPath(logicalId, resource),
    name: attributes['QueueName'] ?? logicalId,
    url: ref,
    arn: attributes['Arn'] ?? '',
    visibilitySeconds: queue.VisibilityTimeout,
    retentionSeconds: queue.MessageRetentionPeriod,
    delaySeconds: queue.DelaySeconds,
    deadLetters: queue.RedrivePolicy && {
      arn: queue.RedrivePolicy.deadLetterTargetArn,
      maxReceiveCount: queue.RedrivePolicy.maxReceiveCount,
    },
  };
}

/** The capability that a function belongs to: `WriteBack/Function` is `write-back`. */
export function doorOf(logicalId: string, resource: Resource): string {
  const [construct = logicalId] = constructPath(logicalId, resource).split('/');
  return construct.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();
}

// Defaults are Lambda's own (API_CreateFunction).
const functionSchema = v.object({
  Code: v.object({ S3Key: v.string() }),
  Handler: v.string(),
  MemorySize: v.optional(v.number(), 128),
  Timeout: v.optional(v.number(), 3),
  LoggingConfig: v.optional(v.object({ LogGroup: v.optional(v.string()) }), {}),
  Environment: v.optional(v.object({ Variables: v.optional(v.record(v.string(), v.string()), {}) }), {}),
});

function readFunction(
  logicalId: string,
  resource: Resource,
  resolver: Resolver,
  assets: ReadonlyMap<string, string>,
): FunctionPlan {
  const { ref, attributes } = resolver.identity(logicalId);
  const plan = v.parse(functionSchema, resolver.resolve(resource.Properties));
  const assetDirectory = assets.get(plan.Code.S3Key);
  if (assetDirectory === undefined) throw new Error(`${logicalId}: no asset has the key ${plan.Code.S3Key}`);
  return {
    door: doorOf(logicalId, resource),
    name: ref,
    arn: attributes['Arn'] ?? '',
    assetDirectory,
    handler: plan.Handler,
    memoryMegabytes: plan.MemorySize,
    timeoutSeconds: plan.Timeout,
    environment: plan.Environment.Variables,
    logGroup: plan.LoggingConfig.LogGroup ?? `/aws/lambda/${ref}`,
  };
}

const mappingSchema = v.object({
  EventSourceArn: v.string(),
  FunctionName: v.string(),
  BatchSize: v.optional(v.number(), 10),
  MaximumBatchingWindowInSeconds: v.optional(v.number(), 0),
  ScalingConfig: v.optional(v.object({ MaximumConcurrency: v.optional(v.number()) }), {}),
  FunctionResponseTypes: v.optional(v.array(v.string()), []),
  FilterCriteria: v.optional(v.undefined('filter criteria are not supported by the local run')),
});

function readMapping(properties: unknown): MappingPlan {
  const mapping = v.parse(mappingSchema, properties);
  return {
    queueArn: mapping.EventSourceArn,
    functionName: mapping.FunctionName.split(':').at(-1) ?? mapping.FunctionName,
    batchSize: mapping.BatchSize,
    windowSeconds: mapping.MaximumBatchingWindowInSeconds,
    maximumConcurrency: mapping.ScalingConfig.MaximumConcurrency,
    reportsItemFailures: mapping.FunctionResponseTypes.includes('ReportBatchItemFailures'),
  };
}

const routeSchema = v.object({
  RouteKey: v.string(),
  Target: v.string(),
  ApiId: v.optional(v.string(), 'local'),
  // What IAM guards on AWS is open here: only this machine reaches 127.0.0.1, and everything here is made up.
  AuthorizationType: v.optional(
    v.picklist(['NONE', 'AWS_IAM'], 'the local run knows routes without authorization, and AWS_IAM'),
    'NONE',
  ),
});
const integrationSchema = v.object({ IntegrationUri: v.string(), PayloadFormatVersion: v.literal('2.0') });

function readRoute(properties: unknown, template: Template, resolver: Resolver): RoutePlan {
  const { RouteKey, Target, ApiId } = v.parse(routeSchema, resolver.resolve(properties));
  const integration = template.Resources[Target.replace('integrations/', '')];
  if (integration === undefined) throw new Error(`${RouteKey}: no integration ${Target}`);
  const { IntegrationUri } = v.parse(integrationSchema, resolver.resolve(integration.Properties));
  const api = Object.entries(template.Resources).find(
    ([id, { Type }]) => Type === 'AWS::ApiGatewayV2::Api' && resolver.identity(id).ref === ApiId,
  )?.[1];
  const stages = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Stage')
    .map((stage) => v.parse(stageSchema, resolver.resolve(stage.Properties)));
  return {
    routeKey: RouteKey,
    functionArn: IntegrationUri,
    apiId: ApiId,
    cors: api && v.parse(apiSchema, resolver.resolve(api.Properties)).CorsConfiguration,
    throttle: stages.find((stage) => stage.ApiId === ApiId)?.RouteSettings[RouteKey],
  };
}

const apiSchema = v.object({ CorsConfiguration: v.optional(Cors) });
const stageSchema = v.object({
  ApiId: v.string(),
  RouteSettings: v.optional(v.record(v.string(), Throttle), {}),
});

const scheduleSchema = v.object({
  ScheduleExpression: v.string(),
  ScheduleExpressionTimezone: v.optional(v.string(), 'UTC'),
  State: v.optional(v.string(), 'ENABLED'),
  Target: v.object({ Arn: v.string(), Input: v.optional(v.string(), '{}') }),
});

function readSchedule(properties: unknown): SchedulePlan | undefined {
  const schedule = v.parse(scheduleSchema, properties);
  if (schedule.State !== 'ENABLED') return undefined;
  return {
    expression: schedule.ScheduleExpression,
    timeZone: schedule.ScheduleExpressionTimezone,
    functionArn: schedule.Target.Arn,
    input: schedule.Target.Input,
  };
}

const secretSchema = v.object({
  SecretString: v.optional(v.string()),
  GenerateSecretString: v.optional(
    v.object({
      SecretStringTemplate: v.optional(v.string(), '{}'),
      GenerateStringKey: v.optional(v.string()),
    }),
  ),
});

function readSecret(arn: string, properties: unknown): SecretPlan {
  const { SecretString, GenerateSecretString } = v.parse(secretSchema, properties);
  const key = GenerateSecretString?.GenerateStringKey;
  return {
    arn,
    name:
      arn
        .split(':')
        .at(-1)
        ?.replace(/-local0$/, '') ?? arn,
    value: SecretString,
    generate:
      GenerateSecretString && key !== undefined
        ? { template: GenerateSecretString.SecretStringTemplate, key }
        : undefined,
  };
}
