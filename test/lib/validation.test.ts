// What stops `cdk synth`: each kind of finding is planted once, in an app of its own, and the stack itself has none.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { IConstruct } from 'constructs';
import { validate } from '../../lib/validation.ts';
import { afterglowStack, deployableApp, PROJECT } from './synthesized.ts';
import { problemsOf, readTemplate, unknownActions } from './template-rules.ts';

const app = deployableApp();
validate(app);
const stack = afterglowStack(
  app,
  {
    portalId: '48221593',
    model: 'models/b2b-saas.yaml',
    timeZone: 'Europe/Berlin',
    nightlyHour: 3,
    alarmEmail: 'operators@acme.example',
  },
  { name: 'a model', attribution: {} },
);

/** Synthesizes one stack in which `plant` put something. */
function synthesize(plant: (stack: Stack) => void): void {
  const planted = deployableApp();
  validate(planted);
  plant(new Stack(planted, 'Planted'));
  planted.synth();
}

/** A function in a runtime that AWS gave up: CloudFormation's rules only warn of it. */
function oldRuntime(scope: Stack): CfnResource {
  return new CfnResource(scope, 'Old', {
    type: 'AWS::Lambda::Function',
    properties: {
      Runtime: 'nodejs18.x',
      Handler: 'index.handler',
      Code: { ZipFile: 'exports.handler = () => {};' },
      Role: 'arn:aws:iam::111122223333:role/somebody',
    },
  });
}

function wrongQueue(scope: Stack): CfnResource {
  const properties = { VisibilityTimeout: 'a while' };
  return new CfnResource(scope, 'Queue', { type: 'AWS::SQS::Queue', properties });
}

function acknowledgedTopic(scope: Stack): void {
  Validations.of(new Topic(scope, 'Topic')).acknowledge({ id: 'AwsSolutions-SNS3', reason: 'a test' });
}

test('nothing is found in the stack', () => {
  expect(() => app.synth()).not.toThrow();
});

test('an error of CloudFormation stops it', () => {
  expect(() => synthesize(wrongQueue)).toThrow('is not of type');
});

test('a warning of CloudFormation stops it too', () => {
  expect(() => synthesize(oldRuntime)).toThrow(/ERROR Runtime: .*nodejs18\.x.*deprecated/);
});

test('a finding of cdk-nag stops it', () => {
  expect(() => synthesize((scope) => new Topic(scope, 'Topic'))).toThrow('AwsSolutions-SNS3');
});

test('a finding that is acknowledged with a reason does not', () => {
  expect(() => synthesize(acknowledgedTopic)).not.toThrow();
});

describe('every acknowledgement of the stack', () => {
  const given = stack.node.findAll().flatMap(acknowledgements);

  test('is one of these', () => {
    const rules = Map.groupBy(given, ({ id }) => id);

    expect(Object.fromEntries([...rules].map(([id, all]) => [id, all.length]))).toEqual({
      'AwsSolutions-SMG4': 3, // No schedule can rotate the secrets.
      'AwsSolutions-APIG4': 3, // The three routes that verify signatures.
      'AwsSolutions-APIG1': 1, // No access log.
      'AwsSolutions-SQS3': 1, // The schedule's dead letters.
      'AwsSolutions-IAM5[Resource::<ReportsBucket95FE29A2.Arn>/reports/*]': 1, // A key for each month.
      'AwsSolutions-S1': 1, // No log of who read the reports.
    });
  });

  test.each(given)('$id at $path names evidence that is there', ({ reason }) => {
    const [, evidence] = / Evidence: (.+)$/.exec(reason) ?? [];
    const files = evidence?.split(', ') ?? [];

    expect(files).not.toEqual([]);
    expect(files.filter((file) => !existsSync(join(PROJECT, file)))).toEqual([]);
  });
});

/** What a construct acknowledges, as the CDK notes it. */
function acknowledgements(construct: IConstruct): { path: string; id: string; reason: string }[] {
  return construct.node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries<string>(data))
    .map(([id, reason]) => ({ path: construct.node.path, id: id.replace(/^annotation::/i, ''), reason }));
}

type Planted = readonly [type: string, properties: object];

function mapping(properties: object): Planted {
  return ['AWS::Lambda::EventSourceMapping', properties];
}

function schedule(expression: string): Planted {
  return ['AWS::Scheduler::Schedule', { ScheduleExpression: expression }];
}

function table(
  defined: readonly string[],
  keys: readonly string[],
  indexKeys: readonly string[] = [],
): Planted {
  const AttributeDefinitions = defined.map((AttributeName) => ({ AttributeName, AttributeType: 'S' }));
  const [KeySchema, ofIndex] = [keys, indexKeys].map((names) =>
    names.map((AttributeName) => ({ AttributeName, KeyType: 'HASH' })),
  );
  const GlobalSecondaryIndexes = [{ KeySchema: ofIndex }];
  return ['AWS::DynamoDB::Table', { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes }];
}

const PLACE = { x: 0, y: 0, width: 12, height: 6 };

function graph(...metrics: unknown[]) {
  return { type: 'metric', ...PLACE, properties: { view: 'timeSeries', region: 'us-east-1', metrics } };
}

function dashboard(...widgets: unknown[]): Planted {
  return ['AWS::CloudWatch::Dashboard', { DashboardBody: JSON.stringify({ widgets }) }];
}

const NO_JSON: Planted = ['AWS::CloudWatch::Dashboard', { DashboardBody: '{"widgets": [' }];

describe('what validation passes over', () => {
  const template = readTemplate(Template.fromStack(stack).toJSON());

  test('is not in the stack', () => {
    expect(problemsOf(template)).toEqual([]);
  });

  test('is no action of a policy that IAM does not know', async () => {
    expect(await unknownActions(template)).toEqual([]);
  });

  test.each(['dynamodb:GetItems', 'sqs:sendMessage', 'dynamo:GetItem', 'GetItem'])(
    'is an action such as %s, when it is planted',
    async (Action) => {
      const Statement = [{ Effect: 'Allow', Action: ['sqs:SendMessage', Action], Resource: 'x' }];
      const Planted = { Type: 'AWS::IAM::Policy', Properties: { PolicyDocument: { Statement } } };

      expect(await unknownActions({ Resources: { ...template.Resources, Planted } })).toEqual([Action]);
    },
  );

  test('is looked for in resources that the stack has', () => {
    const types = new Set(Object.values(template.Resources).map(({ Type }) => Type));

    expect([...types]).toEqual(
      expect.arrayContaining([
        'AWS::Lambda::EventSourceMapping',
        'AWS::Scheduler::Schedule',
        'AWS::DynamoDB::Table',
        'AWS::CloudWatch::Dashboard',
      ]),
    );
  });

  test.each([
    [mapping({ BatchSize: 11 }), 'a batch of 11 needs a window of a second at least'],
    [
      mapping({ BatchSize: 1_000, MaximumBatchingWindowInSeconds: 0 }),
      'a batch of 1000 needs a window of a second at least',
    ],
    [mapping({ BatchSize: 10_001, MaximumBatchingWindowInSeconds: 60 }), 'a batch of 10001 is above 10000'],
    [schedule('cron(0 2 * * *)'), 'cron(0 2 * * *) has 5 fields, not 6'],
    [schedule('cron(0 2 * * * *)'), 'cron(0 2 * * * *): exactly one of the days is to be ?'],
    [schedule('cron(0 2 ? * ? *)'), 'cron(0 2 ? * ? *): exactly one of the days is to be ?'],
    [schedule('cron(0 24 * * ? *)'), 'cron(0 24 * * ? *): hours'],
    [schedule('cron(60 2 * * ? *)'), 'cron(60 2 * * ? *): minutes'],
    [schedule('cron(0 2 * * ? 26)'), 'cron(0 2 * * ? 26): year'],
    [schedule('cron(0 ? * * ? *)'), 'cron(0 ? * * ? *): hours'],
    [schedule('every night'), 'every night is not cron(…), the only kind used here'],
    [table(['pk'], ['pk', 'sk']), 'sk is part of a key and not defined'],
    [table(['pk'], ['pk'], ['due']), 'due is part of a key and not defined'],
    [table(['pk', 'due'], ['pk']), 'due is defined and part of no key'],
    [NO_JSON, 'the body is not JSON'],
    [dashboard(), 'widgets: Invalid length: Expected >=1 but received 0'],
    [dashboard({ type: 'txt', ...PLACE }), 'widgets.0.type: Invalid type'],
    [dashboard({ ...graph(['AWS/SQS', 'A']), x: 13 }), 'a widget at 13 of width 12 leaves the page'],
    [dashboard(graph()), 'widgets.0.properties.metrics: Invalid length'],
    [
      dashboard(
        graph([{ expression: 'FILL(m0, 0) + FILL(m1, 0)', id: 'e' }], ['AWS/SQS', 'A', { id: 'm0' }]),
      ),
      'an expression names m1, which is no metric',
    ],
    [
      dashboard(graph(['AWS/SQS', 'A', { id: 'm0' }], ['AWS/SQS', 'B', { id: 'm0' }])),
      'two metrics are called m0',
    ],
  ])('is found when it is planted: %j', ([Type, Properties], problem) => {
    const planted = { Resources: { ...template.Resources, Planted: { Type, Properties } } };

    expect(problemsOf(planted)).toEqual([expect.stringContaining(`Planted: ${problem}`)]);
  });
});

test('cdk-nag is in no bundle: nothing that deploys imports it', () => {
  const sources = readdirSync(join(PROJECT, 'lambdas'), { recursive: true, encoding: 'utf8' });

  for (const name of sources.filter((file) => file.endsWith('.ts')))
    expect(readFileSync(join(PROJECT, 'lambdas', name), 'utf8')).not.toContain('cdk-nag');
});
