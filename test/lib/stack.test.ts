import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Piece, PROJECT, Synthesized, sorted } from './synthesized.ts';

const DOORS = ['ingest', 'scorer', 'write-back', 'nightly', 'explain'];
const FUNCTIONS = [
  'Ingest/Function',
  'Scorer/Function',
  'WriteBack/Function',
  'Nightly/Function',
  'Explain/Function',
];
const EVENTS_AND_TICKS = ['Scorer/Events', 'Scorer/Ticks'];
const LANES = ['WriteBack/Urgent', 'WriteBack/Changes', 'WriteBack/Background'];
const QUEUES = [...EVENTS_AND_TICKS, ...LANES, 'Nightly/Work'];
/** As they are called where they are told of. */
const TITLES = ['Events', 'Ticks', 'Urgent', 'Changes', 'Background', 'Nightly'];
const SECRETS = ['Secrets/WebhookSecret', 'Secrets/HubSpotToken', 'Secrets/IdentityKey'];

const SETTINGS = {
  portalId: '48221593',
  model: 'models/b2b-saas.yaml',
  timeZone: 'Europe/Berlin',
  nightlyHour: 3,
  writeBack: { windowSeconds: 45, idProperty: 'crm_id', mostWritesPerHour: 12 },
  hubspotDailyLimit: 625_000,
  reconcileDailyPercent: 5,
  ownAppIds: ['50780459', '50780460'],
  hubspotApiUrl: 'https://hubspot.example.com',
};

const stack = new Synthesized(SETTINGS);
const { template, resources, properties } = stack;
const render = (value: Piece) => stack.render(value);
const ofType = (type: string) => stack.ofType(type);
const pathsOf = (type: string) => stack.pathsOf(type);
const environmentOf = (path: string) => stack.environmentOf(path);

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
  test('are the six that are read, each with its dead letters', () => {
    const expected = QUEUES.flatMap((queue) => [queue, `${queue}DeadLetters`]);

    expect(pathsOf('AWS::SQS::Queue')).toEqual(sorted([...expected, 'Nightly/DeadLetters']));
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
    { queue: 'Scorer/Events', reader: 'Scorer/Function', batch: 10, concurrency: 20 },
    { queue: 'Scorer/Ticks', reader: 'Scorer/Function', batch: 10, concurrency: 2 },
    { queue: 'WriteBack/Urgent', reader: 'WriteBack/Function', batch: 10, concurrency: 2 },
    { queue: 'WriteBack/Changes', reader: 'WriteBack/Function', batch: 1_000, window: 45, concurrency: 2 },
    { queue: 'WriteBack/Background', reader: 'WriteBack/Function', batch: 1_000, window: 60, concurrency: 2 },
    { queue: 'Nightly/Work', reader: 'Nightly/Function', batch: 1, concurrency: 2 },
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

  test('has the keys, the expiry and the indexes the store relies on', () => {
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
      {
        IndexName: 'roll',
        KeySchema: [
          { AttributeName: 'roll', KeyType: 'HASH' },
          { AttributeName: 'id', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ]);
    expect(table.AttributeDefinitions).toContainEqual({ AttributeName: 'id', AttributeType: 'N' });
  });
});

describe('functions', () => {
  test.each([
    { path: 'Ingest/Function', timeout: 10, memory: 512 },
    { path: 'Scorer/Function', timeout: 60, memory: 1_024 },
    { path: 'WriteBack/Function', timeout: 300, memory: 1_024 },
    { path: 'Nightly/Function', timeout: 300, memory: 1_024 },
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

  test('let a flood cost no more than 50 invocations of ingest at a time, which nobody else can take from it', () => {
    const reserved = FUNCTIONS.filter((path) => 'ReservedConcurrentExecutions' in properties[path]);

    expect(reserved).toEqual(['Ingest/Function']);
    expect(properties['Ingest/Function'].ReservedConcurrentExecutions).toBe(50);
  });

  test('are not stopped by Lambda at the 16th invocation of a chain that is meant: they send to queues that lead back to them', () => {
    const fed = new Set(readers.map(({ reader }) => reader));
    const allowed = FUNCTIONS.filter((path) => properties[path].RecursiveLoop === 'Allow');

    expect(allowed).toEqual(['Scorer/Function', 'WriteBack/Function', 'Nightly/Function']);
    expect(fed).toEqual(new Set(allowed));
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
      SESSION_ORIGINS: '',
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
      ...store,
      POWERTOOLS_SERVICE_NAME: 'nightly',
      HUBSPOT_TOKEN_SECRET_ARN: 'Secrets/HubSpotToken',
      HUBSPOT_API_URL: 'https://hubspot.example.com',
      BACKGROUND_QUEUE_URL: 'WriteBack/Background',
      TICKS_QUEUE_URL: 'Scorer/Ticks',
      NIGHTLY_QUEUE_URL: 'Nightly/Work',
      TIME_ZONE: 'Europe/Berlin',
      OWN_APP_IDS: '50780459,50780460',
      FACT_RETENTION_DAYS: '400',
      HUBSPOT_LIMIT_PER_10_SECONDS: '190',
      HUBSPOT_RESERVE_PER_10_SECONDS: '20',
      HUBSPOT_DAILY_LIMIT: '625000',
      HUBSPOT_DAILY_RESERVE_PERCENT: '10',
      RECONCILE_DAILY_PERCENT: '5',
      ID_PROPERTY: 'crm_id',
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
    for (const { actions, resources: on, effect } of permissions) {
      expect(effect).toBe('Allow');
      for (const action of actions) expect(action).not.toContain('*');
      for (const resource of on) expect(resource).toMatch(/^[^*]+$/);
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

  test('let nobody but write-back and nightly read the token of HubSpot', () => {
    const readTheToken = permissions.filter(({ resources: on }) => on.includes('Secrets/HubSpotToken'));

    expect(sorted(readTheToken.map(({ role }) => role))).toEqual([
      'Nightly/FunctionRole',
      'WriteBack/FunctionRole',
    ]);
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

  test('lets no page in a browser call it while no origin is set', () => {
    const [api] = ofType('AWS::ApiGatewayV2::Api');
    const [stage] = ofType('AWS::ApiGatewayV2::Stage');

    expect(api?.Properties).not.toHaveProperty('CorsConfiguration');
    expect(stage?.Properties).not.toHaveProperty('RouteSettings');
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
        QUEUES.map((queue, at) => [TITLES[at], { url: queue, deadLettersUrl: `${queue}DeadLetters` }]),
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
      IdentityKeySecretArn: 'Secrets/IdentityKey',
      FactRetentionDays: '400',
      PortalId: '48221593',
      TimeZone: 'Europe/Berlin',
      NightlyHour: '3',
      HubSpotApiUrl: 'https://hubspot.example.com',
      HubSpotBudget: '{"limit":190,"reserve":20,"dailyLimit":625000,"dailyReservePercent":10}',
      Queues: expect.any(String),
      AlarmTopicArn: 'Alarms/Topic',
      DashboardUrl: expect.stringMatching(
        /^https:\/\/AWS::Region\.console.*#dashboards\/dashboard\/Dashboard\/Dashboard$/,
      ),
    });
  });
});

test('looks for fading scores, and where HubSpot differs, every night, by the clock of the portal', () => {
  const [schedule, ...others] = ofType('AWS::Scheduler::Schedule');

  expect(others).toEqual([]);
  expect(schedule?.Properties).toMatchObject({
    ScheduleExpression: 'cron(0 3 * * ? *)',
    ScheduleExpressionTimezone: 'Europe/Berlin',
    State: 'ENABLED',
  });
  expect(render(schedule?.Properties.Target.Arn)).toBe('Nightly/Function');
  expect(JSON.parse(schedule?.Properties.Target.Input)).toEqual({ job: 'nightly', upTo: 'now' });
});

describe('a night that cannot begin, or fails', () => {
  const [schedule] = ofType('AWS::Scheduler::Schedule');
  const [asynchronous, ...others] = ofType('AWS::Lambda::EventInvokeConfig');

  test('is handed over ten times more, for six hours, and then set aside for 14 days', () => {
    const { RetryPolicy, DeadLetterConfig } = schedule?.Properties.Target ?? {};

    expect(RetryPolicy).toEqual({ MaximumRetryAttempts: 10, MaximumEventAgeInSeconds: 6 * 3_600 });
    expect(render(DeadLetterConfig.Arn)).toBe('Nightly/DeadLetters');
    expect(properties['Nightly/DeadLetters'].MessageRetentionPeriod).toBe(14 * 86_400);
  });

  test('is begun anew twice', () => {
    expect(others).toEqual([]);
    expect(render(asynchronous?.Properties.FunctionName)).toBe('Nightly/Function');
    expect(asynchronous?.Properties).toMatchObject({
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 6 * 3_600,
      Qualifier: '$LATEST',
    });
  });
});

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
