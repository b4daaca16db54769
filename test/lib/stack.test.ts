import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { LONGEST_DELAY_SECONDS } from '../../lambdas/store/queues.ts';
import { readSettings } from '../../lib/settings.ts';
import { AfterglowStack } from '../../lib/stack.ts';

const PROJECT = join(import.meta.dirname, '../..');
const DOORS = ['ingest', 'scorer', 'write-back', 'nightly', 'explain'];
/** The functions that events and scores pass through. */
const PATH = ['Ingest/Function', 'Scorer/Function', 'WriteBack/Function', 'Nightly/Function'];
const FUNCTIONS = [...PATH, 'Explain/Function'];
const EVENTS_AND_TICKS = ['Scorer/Events', 'Scorer/Ticks'];
const LANES = ['WriteBack/Urgent', 'WriteBack/Changes', 'WriteBack/Background'];
const QUEUES = [...EVENTS_AND_TICKS, ...LANES];
const SECRETS = ['Secrets/WebhookSecret', 'Secrets/HubSpotToken', 'Secrets/IdentityKey'];

const SETTINGS = {
  portalId: '48221593',
  model: 'models/b2b-saas.yaml',
  timeZone: 'Europe/Berlin',
  nightlyHour: 3,
  writeBack: { windowSeconds: 45, idProperty: 'crm_id', mostWritesPerHour: 12 },
  hubspotDailyLimit: 625_000,
  ownAppIds: ['50780459', '50780460'],
  hubspotApiUrl: 'https://hubspot.example.com',
};

// One synth for the whole file: with the flags that deploy, and without bundling, which another file proves.
const template = synthesize();
const resources = Object.entries(template.Resources).map(([id, resource]) => ({
  ...resource,
  path: pathOf(id),
}));
const properties = Object.fromEntries(resources.map(({ path, Properties }) => [path, Properties]));

/** A piece of the template, of any shape: the CDK types it no further, and each test says what it expects. */
type Piece = ReturnType<Template['toJSON']>[string];

interface Resource {
  readonly Type: string;
  readonly Properties: Piece;
  readonly Metadata?: Record<string, string>;
  readonly DeletionPolicy?: string;
}

function synthesize(): {
  readonly Resources: Record<string, Resource>;
  readonly Outputs: Record<string, Piece>;
} {
  const { context } = JSON.parse(readFileSync(join(PROJECT, 'cdk.json'), 'utf8'));
  const app = new App({
    analyticsReporting: false,
    context: { ...context, 'aws:cdk:enable-path-metadata': true },
    postCliContext: { 'aws:cdk:bundling-stacks': [] },
  });
  const settings = readSettings({
    afterglow: SETTINGS,
  });
  const stack = new AfterglowStack(app, 'Afterglow', { settings, model: { name: 'a model' } });
  const { Resources, Outputs } = Template.fromStack(stack).toJSON();
  return { Resources, Outputs };
}

/** The name of a resource in these tests: where it stands in the code, as in `Scorer/Events`. */
function pathOf(logicalId: string): string {
  const path = template.Resources[logicalId]?.Metadata?.['aws:cdk:path'] ?? logicalId;
  return path.replace(/^Afterglow\//, '').replace(/\/Resource$/, '');
}

/** A value of the template as text, with the path of a resource where CloudFormation will put its name or ARN. */
function render(value: Piece): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('Ref' in value) return pathOf(value.Ref);
  if ('Fn::GetAtt' in value) return pathOf(value['Fn::GetAtt'][0]);
  if ('Fn::Join' in value) return value['Fn::Join'][1].map(render).join(value['Fn::Join'][0]);
  return JSON.stringify(value);
}

const sorted = (texts: readonly string[]): string[] => texts.toSorted((one, other) => (one < other ? -1 : 1));

const ofType = (type: string) => resources.filter(({ Type }) => Type === type);

const pathsOf = (type: string): string[] => sorted(ofType(type).map(({ path }) => path));

const environmentOf = (path: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties[path].Environment.Variables).map(([name, value]) => [name, render(value)]),
  );

const readers = ofType('AWS::Lambda::EventSourceMapping').map(({ Properties }) => ({
  queue: render(Properties.EventSourceArn),
  reader: render(Properties.FunctionName),
  ...Properties,
}));

/** Statements of all roles, one line each: who may do what with what. */
const permissions = ofType('AWS::IAM::Policy').flatMap(({ Properties }) =>
  Properties.PolicyDocument.Statement.map(({ Effect, Action, Resource }: Record<string, unknown>) => ({
    role: render(Properties.Roles[0]),
    effect: Effect,
    actions: [Action].flat().map(String),
    resources: [Resource].flat().map(render),
  })),
);

describe('the house', () => {
  test.each(DOORS)('gives %s one name for its handler, its construct and its test', (door) => {
    expect(existsSync(join(PROJECT, 'test', `${door}.test.ts`))).toBe(true);
    expect(existsSync(join(PROJECT, 'lambdas', `${door}.ts`))).toBe(true);
    expect(existsSync(join(PROJECT, 'lib', `${door}.ts`))).toBe(true);
  });

  test('has no door that nobody deploys', () => {
    const handlers = readdirSync(join(PROJECT, 'lambdas')).filter(
      (name) =>
        name.endsWith('.ts') &&
        readFileSync(join(PROJECT, 'lambdas', name), 'utf8').includes('export const handler'),
    );

    expect(sorted(handlers)).toEqual(sorted(DOORS.map((door) => `${door}.ts`)));
    expect(FUNCTIONS.map((path) => environmentOf(path).POWERTOOLS_SERVICE_NAME)).toEqual(DOORS);
  });

  test('names handlers by path and imports nothing but types from them', () => {
    const imports = readdirSync(join(PROJECT, 'lib')).flatMap(
      (name) => readFileSync(join(PROJECT, 'lib', name), 'utf8').match(/^import [^;]*'\.\.\/[^;]*;$/gm) ?? [],
    );

    expect(imports.length).toBeGreaterThan(0);
    for (const line of imports) expect(line).toMatch(/^import type .* from '\.\.\/lambdas\/env\.ts';$/);
  });
});

describe('queues', () => {
  test('are the five that are read, each with its dead letters', () => {
    const expected = QUEUES.flatMap((queue) => [queue, `${queue}DeadLetters`]);

    expect(pathsOf('AWS::SQS::Queue')).toEqual(sorted(expected));
    expect(sorted(readers.map(({ queue }) => queue))).toEqual(sorted(QUEUES));
  });

  test.each(QUEUES)('%s sets aside for 14 days what failed five times', (queue) => {
    const { RedrivePolicy, MessageRetentionPeriod } = properties[queue];

    expect(RedrivePolicy.maxReceiveCount).toBe(5);
    expect(render(RedrivePolicy.deadLetterTargetArn)).toBe(`${queue}DeadLetters`);
    expect(MessageRetentionPeriod).toBe(4 * 86_400);
    expect(properties[`${queue}DeadLetters`].MessageRetentionPeriod).toBe(14 * 86_400);
  });

  test.each(QUEUES)('%s hides a batch for six time-outs of its reader, and the window', (queue) => {
    const { reader, MaximumBatchingWindowInSeconds } = readers.find((each) => each.queue === queue) ?? {};
    const window = MaximumBatchingWindowInSeconds ?? 0;

    expect(properties[queue].VisibilityTimeout).toBe(6 * properties[reader ?? ''].Timeout + window);
  });

  test.each([
    { queue: 'Scorer/Events', reader: 'Scorer/Function', batch: 10 },
    { queue: 'Scorer/Ticks', reader: 'Scorer/Function', batch: 10, concurrency: 2 },
    { queue: 'WriteBack/Urgent', reader: 'WriteBack/Function', batch: 10, concurrency: 2 },
    { queue: 'WriteBack/Changes', reader: 'WriteBack/Function', batch: 1_000, window: 45, concurrency: 2 },
    { queue: 'WriteBack/Background', reader: 'WriteBack/Function', batch: 1_000, window: 60, concurrency: 2 },
  ])('$queue is read by $reader, $batch at a time', ({ queue, reader, batch, window, concurrency }) => {
    const found = readers.find((each) => each.queue === queue);

    expect(found?.reader).toBe(reader);
    expect(found?.BatchSize).toBe(batch);
    expect(found?.MaximumBatchingWindowInSeconds).toBe(window);
    expect(found?.ScalingConfig?.MaximumConcurrency).toBe(concurrency);
  });

  test('let one message fail without its neighbours', () => {
    for (const { FunctionResponseTypes } of readers)
      expect(FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
  });

  test('have a window wherever a batch is above 10: SQS refuses it otherwise', () => {
    const large = readers.filter(({ BatchSize }) => BatchSize > 10);

    expect(large.length).toBeGreaterThan(0);
    for (const { MaximumBatchingWindowInSeconds } of large)
      expect(MaximumBatchingWindowInSeconds).toBeGreaterThanOrEqual(1);
  });

  test('are encrypted at rest and on the way', () => {
    const policies = ofType('AWS::SQS::QueuePolicy');
    for (const { path, Properties } of ofType('AWS::SQS::Queue')) {
      const policy = policies.find((each) => render(each.Properties.Queues[0]) === path);

      expect(Properties.SqsManagedSseEnabled).toBe(true);
      expect(policy?.Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      );
    }
  });
});

describe('the contact table', () => {
  const table = properties.ContactTable;

  test('cannot be lost by a slip', () => {
    const [resource] = ofType('AWS::DynamoDB::Table');

    expect(resource?.DeletionPolicy).toBe('Retain');
    expect(table.DeletionProtectionEnabled).toBe(true);
    expect(table.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(table.BillingMode).toBe('PAY_PER_REQUEST');
  });

  test('has the keys, the expiry and the index the store relies on', () => {
    expect(table.KeySchema).toEqual([
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ]);
    expect(table.TimeToLiveSpecification).toEqual({ AttributeName: 'expiresAt', Enabled: true });
    expect(table.GlobalSecondaryIndexes).toEqual([
      {
        IndexName: 'due',
        KeySchema: [
          { AttributeName: 'due', KeyType: 'HASH' },
          { AttributeName: 'pk', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'company',
        KeySchema: [
          { AttributeName: 'company', KeyType: 'HASH' },
          { AttributeName: 'rank', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ]);
  });

  test('defines every attribute that is part of a key, the rank as a number and all others as text, and no other', () => {
    const indexes: Piece[] = table.GlobalSecondaryIndexes;
    const schemas = [table.KeySchema, ...indexes.map(({ KeySchema }) => KeySchema)].flat();
    const used = new Set(schemas.map(({ AttributeName }) => AttributeName));

    expect(table.AttributeDefinitions).toHaveLength(used.size);
    for (const { AttributeName, AttributeType } of table.AttributeDefinitions) {
      expect(used).toContain(AttributeName);
      expect(AttributeType).toBe(AttributeName === 'rank' ? 'N' : 'S');
    }
  });
});

describe('functions', () => {
  test.each([
    { path: 'Ingest/Function', timeout: 10, memory: 512 },
    { path: 'Scorer/Function', timeout: 60, memory: 1_024 },
    { path: 'WriteBack/Function', timeout: 300, memory: 1_024 },
    { path: 'Nightly/Function', timeout: 900, memory: 1_024 },
    { path: 'Explain/Function', timeout: 15, memory: 512 },
  ])('$path may take $timeout s and $memory MB', ({ path, timeout, memory }) => {
    expect(properties[path]).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: timeout,
      MemorySize: memory,
    });
  });

  test('are the doors and nothing else', () => {
    expect(pathsOf('AWS::Lambda::Function')).toEqual(sorted(FUNCTIONS));
  });

  test.each(FUNCTIONS)('%s keeps its log for a month', (path) => {
    const logGroup = render(properties[path].LoggingConfig.LogGroup);

    expect(properties[logGroup].RetentionInDays).toBe(30);
  });

  test('are told where things are', () => {
    const common = {
      PORTAL_ID: '48221593',
      POWERTOOLS_LOG_LEVEL: 'INFO',
      POWERTOOLS_METRICS_NAMESPACE: 'Afterglow',
    };
    const lanes = {
      CHANGES_QUEUE_URL: 'WriteBack/Changes',
      BACKGROUND_QUEUE_URL: 'WriteBack/Background',
      TICKS_QUEUE_URL: 'Scorer/Ticks',
    };
    const store = { CONTACT_TABLE_NAME: 'ContactTable', IDENTITY_KEY_SECRET_ARN: 'Secrets/IdentityKey' };

    expect(environmentOf('Ingest/Function')).toEqual({
      ...common,
      POWERTOOLS_SERVICE_NAME: 'ingest',
      EVENTS_QUEUE_URL: 'Scorer/Events',
      WEBHOOK_SECRET_ARN: 'Secrets/WebhookSecret',
      PUBLIC_URL: '',
      WORKFLOW_V2: 'false',
    });
    expect(environmentOf('Scorer/Function')).toEqual({
      ...common,
      ...lanes,
      ...store,
      POWERTOOLS_SERVICE_NAME: 'scorer',
      EVENTS_DEAD_LETTER_QUEUE_URL: 'Scorer/EventsDeadLetters',
      TIME_ZONE: 'Europe/Berlin',
      URGENT_QUEUE_URL: '',
      OWN_APP_IDS: '50780459,50780460',
      FACT_RETENTION_DAYS: '400',
    });
    expect(environmentOf('WriteBack/Function')).toEqual({
      ...common,
      ...lanes,
      ...store,
      POWERTOOLS_SERVICE_NAME: 'write-back',
      HUBSPOT_TOKEN_SECRET_ARN: 'Secrets/HubSpotToken',
      HUBSPOT_API_URL: 'https://hubspot.example.com',
      URGENT_QUEUE_URL: 'WriteBack/Urgent',
      WRITE_BACK_DEAD_LETTER_QUEUE_URL: 'WriteBack/ChangesDeadLetters',
      TIME_ZONE: 'Europe/Berlin',
      FACT_RETENTION_DAYS: '400',
      HUBSPOT_LIMIT_PER_10_SECONDS: '190',
      HUBSPOT_RESERVE_PER_10_SECONDS: '20',
      HUBSPOT_DAILY_LIMIT: '625000',
      HUBSPOT_DAILY_RESERVE_PERCENT: '10',
      ID_PROPERTY: 'crm_id',
      MOST_WRITES_PER_HOUR: '12',
    });
    expect(environmentOf('Nightly/Function')).toEqual({
      ...common,
      POWERTOOLS_SERVICE_NAME: 'nightly',
      CONTACT_TABLE_NAME: 'ContactTable',
      TICKS_QUEUE_URL: 'Scorer/Ticks',
      TIME_ZONE: 'Europe/Berlin',
    });
    expect(environmentOf('Explain/Function')).toEqual({
      ...common,
      POWERTOOLS_SERVICE_NAME: 'explain',
      CONTACT_TABLE_NAME: 'ContactTable',
      TIME_ZONE: 'Europe/Berlin',
    });
  });
});

describe('secrets', () => {
  test('start empty, so that one nobody filled in can be told', () => {
    expect(pathsOf('AWS::SecretsManager::Secret')).toEqual(sorted(SECRETS));
    expect(properties['Secrets/WebhookSecret'].SecretString).toBe('{}');
    expect(properties['Secrets/HubSpotToken'].SecretString).toBe('{}');
  });

  test('include a generated key that outlives the stack, as the table does', () => {
    const { GenerateSecretString, SecretString } = properties['Secrets/IdentityKey'];
    const { DeletionPolicy } = resources.find(({ path }) => path === 'Secrets/IdentityKey') ?? {};

    expect(GenerateSecretString).toMatchObject({ SecretStringTemplate: '{}', GenerateStringKey: 'key' });
    expect(SecretString).toBeUndefined();
    expect(DeletionPolicy).toBe('Retain');
  });

  test('reach no environment, and no other place of the template, but by their ARN', () => {
    expect(JSON.stringify(template)).not.toMatch(/resolve:(secretsmanager|ssm)/);
    for (const path of FUNCTIONS) {
      for (const [name, value] of Object.entries(environmentOf(path))) {
        expect(SECRETS.includes(value)).toBe(name.endsWith('_ARN'));
      }
    }
  });
});

describe('permissions', () => {
  test('allow single actions on single resources', () => {
    for (const { role, actions, resources: on, effect } of permissions) {
      expect(effect).toBe('Allow');
      for (const action of actions) expect(action).not.toContain('*');
      // The Scheduler's target calls any version of the one function.
      for (const resource of on) expect(resource).toMatch(role.startsWith('SchedulerRole') ? /./ : /^[^*]+$/);
    }
  });

  test('come from no managed policy', () => {
    for (const { Properties } of ofType('AWS::IAM::Role'))
      expect(Properties.ManagedPolicyArns).toBeUndefined();
  });

  test('let ingest read no table', () => {
    const ofIngest = permissions.filter(({ role }) => role.startsWith('Ingest/'));

    expect(sorted(ofIngest.flatMap(({ actions }) => actions))).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'sqs:SendMessage',
    ]);
  });

  test('let nobody but write-back read the token of HubSpot', () => {
    const readTheToken = permissions.filter(({ resources: on }) => on.includes('Secrets/HubSpotToken'));

    expect(readTheToken.map(({ role }) => role)).toEqual(['WriteBack/FunctionRole']);
  });
});

describe('the way in', () => {
  test('is three routes to ingest, and one to explain that takes nothing but what IAM signed', () => {
    const targets = new Map(
      ofType('AWS::ApiGatewayV2::Integration').map(({ path, Properties }) => [path, Properties]),
    );
    const routes = ofType('AWS::ApiGatewayV2::Route').map(({ Properties }) => {
      const target = targets.get(render(Properties.Target).replace('integrations/', ''));
      expect(target?.PayloadFormatVersion).toBe('2.0');
      return `${Properties.RouteKey} -> ${render(target?.IntegrationUri)}, ${Properties.AuthorizationType}`;
    });

    expect(sorted(routes)).toEqual([
      'GET /contacts/{id}/score -> Explain/Function, AWS_IAM',
      'POST /signals -> Ingest/Function, NONE',
      'POST /webhooks/hubspot -> Ingest/Function, NONE',
      'POST /webhooks/workflow -> Ingest/Function, NONE',
    ]);
  });

  test('is throttled', () => {
    const [stage] = ofType('AWS::ApiGatewayV2::Stage');

    expect(stage?.Properties.StageName).toBe('$default');
    expect(stage?.Properties.DefaultRouteSettings).toEqual({
      ThrottlingRateLimit: 200,
      ThrottlingBurstLimit: 400,
    });
  });

  test('tells the commands where every queue and its dead letters are', () => {
    const { Queues } = template.Outputs;

    expect(JSON.parse(render(Queues?.Value))).toEqual(
      Object.fromEntries(
        QUEUES.map((queue) => [queue.split('/')[1], { url: queue, deadLettersUrl: `${queue}DeadLetters` }]),
      ),
    );
  });

  test('is told by the outputs', () => {
    const outputs = Object.fromEntries(
      Object.entries(template.Outputs).map(([name, { Value }]) => [name, render(Value)]),
    );

    expect(outputs).toEqual({
      HubSpotWebhookUrl: 'Ingest/Api/webhooks/hubspot',
      WorkflowWebhookUrl: 'Ingest/Api/webhooks/workflow',
      SignalsUrl: 'Ingest/Api/signals',
      ExplainUrl: 'Ingest/Api/contacts/{id}/score',
      ContactTableName: 'ContactTable',
      WebhookSecretArn: 'Secrets/WebhookSecret',
      HubSpotTokenSecretArn: 'Secrets/HubSpotToken',
      PortalId: '48221593',
      TimeZone: 'Europe/Berlin',
      HubSpotApiUrl: 'https://hubspot.example.com',
      HubSpotBudget: '{"limit":190,"reserve":20,"dailyLimit":625000,"dailyReservePercent":10}',
      Queues: expect.any(String),
      DashboardUrl: expect.stringMatching(
        /^https:\/\/AWS::Region\.console.*#dashboards\/dashboard\/Dashboard\/Dashboard$/,
      ),
    });
  });
});

test('looks for fading scores every night, by the clock of the portal', () => {
  const [schedule, ...others] = ofType('AWS::Scheduler::Schedule');

  expect(others).toEqual([]);
  expect(schedule?.Properties).toMatchObject({
    ScheduleExpression: 'cron(0 3 * * ? *)',
    ScheduleExpressionTimezone: 'Europe/Berlin',
    State: 'ENABLED',
  });
  expect(render(schedule?.Properties.Target.Arn)).toBe('Nightly/Function');
  expect(JSON.parse(schedule?.Properties.Target.Input)).toEqual({ job: 'decay' });
});

describe('the dashboard', () => {
  const { widgets } = JSON.parse(render(properties['Dashboard/Dashboard'].DashboardBody));

  test('answers its questions from top to bottom', () => {
    const questions = widgets
      .filter(({ type }: Piece) => type === 'text')
      .toSorted((one: Piece, other: Piece) => one.y - other.y)
      .map((widget: Piece) => widget.properties.markdown.split('\n')[0]);

    expect(questions).toEqual([
      '## Healthy?',
      '## Fresh?',
      '## HubSpot keeping up?',
      '## Within its limits?',
      '## Last night?',
    ]);
  });

  test('begins with the alarms, all of them', () => {
    const [first, second]: Piece[] = widgets.toSorted((one: Piece, other: Piece) => one.y - other.y);

    expect(first.properties.markdown).toContain('## Healthy?');
    expect(second.type).toBe('alarm');
    expect(second.properties.alarms.toSorted()).toEqual(pathsOf('AWS::CloudWatch::Alarm'));
  });

  test('looks at these measurements for its answers', () => {
    const answers: string[][] = [];
    for (const { type, properties: shown } of widgets) {
      if (type === 'text') answers.push([]);
      else if (type !== 'alarm') answers.at(-1)?.push(...shown.metrics.flatMap(measurement));
    }

    const deadLetters = QUEUES.map((queue) => `ApproximateNumberOfMessagesVisible ${queue}DeadLetters`);
    expect(answers.map(sorted)).toEqual(
      [
        [
          ...deadLetters,
          ...PATH.flatMap((path) => [`Errors ${path}`, `Throttles ${path}`]),
          ...['Count', '4xx', '5xx'].map((name) => `${name} Ingest/Api`),
        ],
        [
          'ApproximateAgeOfOldestMessage Scorer/Events',
          'Duration Ingest/Function',
          'Duration Ingest/Function',
        ],
        [
          ...LANES.flatMap((lane) => [
            `ApproximateNumberOfMessagesVisible ${lane}`,
            `ApproximateAgeOfOldestMessage ${lane}`,
          ]),
          'Duration WriteBack/Function',
          'Duration WriteBack/Function',
        ],
        [
          'HubSpotCalls', // As they are, and below those that did not succeed.
          'HubSpotCalls',
          'HubSpotErrors',
          'RateLimitedWindow',
          'RateLimitedDay',
          'ContactsWritten',
          'Postponed',
          'LoopBreaker',
          'DeadLettered',
        ].map((name) => `${name} write-back`),
        [
          'ApproximateNumberOfMessagesVisible Scorer/Ticks',
          'Errors Nightly/Function',
          'Invocations Nightly/Function',
        ],
      ].map(sorted),
    );
  });
});

describe('the alarms', () => {
  const alarms = new Map(
    ofType('AWS::CloudWatch::Alarm').map(({ path, Properties }) => [path.replace('Alarms/', ''), Properties]),
  );
  /** What an alarm looks at: one metric, or those of its expression. */
  const watched = (name: string): Piece[] => {
    const alarm = alarms.get(name) ?? {};
    const several: Piece[] = alarm.Metrics?.flatMap(({ MetricStat }: Piece) => MetricStat ?? []) ?? [
      { Metric: alarm, Period: alarm.Period, Stat: alarm.Statistic },
    ];
    return several.map(({ Metric, Period, Stat }) => ({
      metric: `${Metric.Namespace} ${Metric.MetricName}`,
      dimensions: Object.fromEntries(
        Metric.Dimensions.map(({ Name, Value }: Piece) => [Name, render(Value)]),
      ),
      seconds: Period,
      statistic: Stat,
    }));
  };
  const expression = (name: string): string =>
    alarms.get(name)?.Metrics.find(({ Expression }: Piece) => Expression !== undefined).Expression;

  test('tell what they mean, what to do, and where to read on', () => {
    const headings = readFileSync(join(PROJECT, 'docs/troubleshooting.md'), 'utf8').match(/^## .*$/gm) ?? [];
    const anchors = headings.map((line) =>
      line
        .slice(3)
        .toLowerCase()
        .replaceAll(' ', '-')
        .replaceAll(/[^a-z0-9-]/g, ''),
    );

    expect([...alarms.keys()].toSorted()).toEqual([
      'DeadLetters',
      'ErrorShare',
      'LoopBreaker',
      'PortalStopped',
      'UnwritableProperties',
    ]);
    for (const { AlarmDescription } of alarms.values()) {
      const [, anchor = ''] = AlarmDescription.match(/ docs\/troubleshooting\.md#([a-z0-9-]+)$/) ?? [];
      expect(anchors).toContain(anchor);
      expect(AlarmDescription.length).toBeLessThanOrEqual(1_024); // CloudWatch, PutMetricAlarm
    }
  });

  test('are silent where nothing is counted, and go off at the first that is', () => {
    for (const [name, alarm] of alarms)
      expect([
        name,
        alarm.ComparisonOperator,
        alarm.Threshold,
        alarm.EvaluationPeriods,
        alarm.TreatMissingData,
      ]).toEqual([name, 'GreaterThanThreshold', name === 'ErrorShare' ? 5 : 0, 1, 'notBreaching']);
  });

  test.each([
    { name: 'PortalStopped', metrics: ['PortalStopped'], seconds: 1_800 },
    { name: 'UnwritableProperties', metrics: ['UnwritableProperties'], seconds: 3_600 },
    { name: 'LoopBreaker', metrics: ['LoopBreaker'], seconds: 3_600 },
    { name: 'ErrorShare', metrics: ['HubSpotCalls', 'HubSpotErrors'], seconds: 3_600 },
  ])(
    '$name looks at $metrics of $seconds seconds, as Powertools writes them in write-back',
    ({ name, metrics, seconds }) => {
      const { Namespace, dimensions } = written(metrics);

      expect(watched(name)).toEqual(
        metrics.map((metric) => ({
          metric: `${Namespace} ${metric}`,
          dimensions,
          seconds,
          statistic: 'Sum',
        })),
      );
      expect(dimensions).toEqual({ service: 'write-back' });
    },
  );

  test('do not end in the middle of a stop: what is put off comes back, and is counted, within their period', () => {
    const longestWindowSeconds = 300;
    expect(withWindow(longestWindowSeconds).writeBack.windowSeconds).toBe(longestWindowSeconds);
    expect(() => withWindow(longestWindowSeconds + 1)).toThrow('from 1 to 300');
    const readerSeconds = Number(properties['WriteBack/Function'].Timeout);

    const [{ seconds } = { seconds: 0 }] = watched('PortalStopped');

    // Also where an invocation takes as long as it may, after another that did.
    expect(seconds).toBeGreaterThanOrEqual(LONGEST_DELAY_SECONDS + longestWindowSeconds + 2 * readerSeconds);
  });

  test('speak of a share of errors only with a hundred calls in the hour', () => {
    expect(expression('ErrorShare')).toBe('IF(calls >= 100, 100 * FILL(errors, 0) / calls, 0)');
  });

  test('count the dead letters of every queue, also beside one that tells nothing', () => {
    expect(watched('DeadLetters')).toEqual(
      QUEUES.map((queue) => ({
        metric: 'AWS/SQS ApproximateNumberOfMessagesVisible',
        dimensions: { QueueName: `${queue}DeadLetters` },
        seconds: 300,
        statistic: 'Maximum',
      })),
    );
    expect(expression('DeadLetters').split(' + ')).toEqual(QUEUES.map((_, at) => `FILL(m${at}, 0)`));
  });
});

function withWindow(windowSeconds: number) {
  return readSettings({ afterglow: { ...SETTINGS, writeBack: { windowSeconds } } });
}

/** Under which namespace and dimensions Powertools writes metrics in write-back's environment. */
function written(names: readonly string[]): { Namespace: string; dimensions: Record<string, unknown> } {
  const { POWERTOOLS_METRICS_NAMESPACE: namespace, POWERTOOLS_SERVICE_NAME: serviceName } =
    environmentOf('WriteBack/Function');
  const before = { ...process.env };
  Object.assign(process.env, {
    POWERTOOLS_METRICS_NAMESPACE: namespace,
    POWERTOOLS_SERVICE_NAME: serviceName,
  });
  const metrics = new Metrics();
  process.env = before;
  for (const name of names) metrics.addMetric(name, MetricUnit.Count, 1);
  const { _aws: about, ...values } = metrics.serializeMetrics();
  const [
    { Namespace, Dimensions, Metrics: told } = { Namespace: '', Dimensions: [], Metrics: [] },
    ...others
  ] = about.CloudWatchMetrics;
  expect(others).toEqual([]);
  expect(told.map(({ Name }) => Name)).toEqual(names);
  expect(Dimensions).toHaveLength(1);
  return {
    Namespace,
    dimensions: Object.fromEntries((Dimensions[0] ?? []).map((key) => [key, values[key]])),
  };
}

/** `[namespace, metric, dimension, resource, …]` as metric and resource; nothing for a sum of others. */
function measurement([, metric, , resource]: Piece): string[] {
  return metric === undefined ? [] : [`${metric} ${resource}`];
}

test('holds these resources and gives these permissions', () => {
  const types = Map.groupBy(resources, ({ Type }) => Type);

  expect({
    resources: sorted([...types].map(([type, found]) => `${type} × ${found.length}`)),
    permissions: sorted(
      permissions.map(
        ({ role, actions, resources: on }) => `${role}: ${actions.join(', ')} -> ${on.join(', ')}`,
      ),
    ),
  }).toMatchSnapshot();
});
