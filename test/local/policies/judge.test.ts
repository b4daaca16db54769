import { judge } from '../../../local/policies/judge.ts';
import { inLocalNames } from '../../../local/policies/local-names.ts';
import { parseTemplate } from '../../../local/runner/template.ts';

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const local = (service: string, rest: string) => `arn:aws:${service}:us-east-1:000000000000:${rest}`;
const statement = (Action: string | string[], Resource: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const document = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

const LOG = statement(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('Logs'));
const POLL = statement(
  ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  arnOf('Events'),
);
const WRITE = statement('dynamodb:PutItem', arnOf('Table'));
const LOOK = statement('dynamodb:Query', { 'Fn::Join': ['', [arnOf('Table'), '/index/due']] });
const OPEN = statement('secretsmanager:GetSecretValue', { Ref: 'Secret' });
const ALL = [LOG, POLL, WRITE, LOOK, OPEN];

/** One function with a queue, a table and a secret. @param resources - over these */
function template(statements: readonly object[], resources: object = {}) {
  return parseTemplate({
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: {} },
      Policy: {
        Type: 'AWS::IAM::Policy',
        Properties: { PolicyDocument: document(...statements), Roles: [{ Ref: 'Role' }] },
      },
      Logs: { Type: 'AWS::Logs::LogGroup', Properties: {} },
      Function: {
        Type: 'AWS::Lambda::Function',
        Properties: { Role: arnOf('Role'), LoggingConfig: { LogGroup: { Ref: 'Logs' } } },
        Metadata: { 'aws:cdk:path': 'Stack/Scorer/Function/Resource' },
      },
      Events: { Type: 'AWS::SQS::Queue', Properties: {} },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: arnOf('Events'), FunctionName: { Ref: 'Function' } },
      },
      Table: { Type: 'AWS::DynamoDB::Table', Properties: {} },
      Secret: { Type: 'AWS::SecretsManager::Secret', Properties: {} },
      ...resources,
    },
  });
}

const put = { door: 'scorer', action: 'dynamodb:PutItem', resource: local('dynamodb', 'table/Table') };
const query = {
  door: 'scorer',
  action: 'dynamodb:Query',
  resource: local('dynamodb', 'table/Table/index/due'),
};
const read = {
  door: 'scorer',
  action: 'secretsmanager:GetSecretValue',
  resource: local('secretsmanager', 'secret:Secret-local0'),
};
const CALLS = [put, query, read];
const finding = (kind: string, action: string, resource: string) => ({
  kind,
  role: 'scorer',
  action,
  resource,
});

test('finds nothing where all that is done is allowed, and all that is allowed is done', () => {
  expect(judge(template(ALL), CALLS)).toEqual([]);
});

test('finds a call that is not allowed, once however often it was made', () => {
  const remove = { ...put, action: 'dynamodb:DeleteItem' };

  expect(judge(template(ALL), [...CALLS, remove, remove])).toEqual([
    finding('refused', 'dynamodb:DeleteItem', put.resource),
  ]);
});

test('finds a call of a function that the template does not have', () => {
  expect(judge(template(ALL), [...CALLS, { ...put, door: 'another' }])).toEqual([
    { ...finding('refused', put.action, put.resource), role: 'another' },
  ]);
});

test('finds what is allowed and never done: an action, a resource, and the table where only its index is queried', () => {
  const more = [
    statement(['dynamodb:PutItem', 'dynamodb:Scan'], arnOf('Table')),
    statement('dynamodb:Query', arnOf('Table')),
  ];

  expect(judge(template([LOG, POLL, LOOK, OPEN, ...more]), CALLS)).toEqual([
    finding('unused', 'dynamodb:Scan', put.resource),
    finding('unused', 'dynamodb:Query', put.resource),
  ]);
});

test.each([
  {
    what: 'an action',
    grant: statement('dynamodb:Put*', arnOf('Table')),
    action: 'dynamodb:Put*',
    resource: put.resource,
  },
  {
    what: 'all resources',
    grant: statement('dynamodb:PutItem', '*'),
    action: 'dynamodb:PutItem',
    resource: '*',
  },
  {
    what: 'all indexes',
    grant: statement('dynamodb:Query', { 'Fn::Join': ['', [arnOf('Table'), '/index/*']] }),
    action: 'dynamodb:Query',
    resource: `${put.resource}/index/*`,
  },
])('finds a pattern, though it is in use: $what', ({ grant, action, resource }) => {
  expect(judge(template([...ALL, grant]), CALLS)).toEqual([finding('broad', action, resource)]);
});

test('wants what AWS does with the role: polling its own queue and writing its own log, no other', () => {
  const others = {
    Others: { Type: 'AWS::Logs::LogGroup', Properties: {} },
    Other: { Type: 'AWS::SQS::Queue', Properties: {} },
  };
  const wrong = [
    statement(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('Others')),
    statement('sqs:ReceiveMessage', arnOf('Other')),
  ];

  expect(judge(template([WRITE, LOOK, OPEN, ...wrong], others), CALLS)).toEqual([
    finding('refused', 'logs:CreateLogStream', local('logs', 'log-group:Logs:log-stream:any')),
    finding('refused', 'logs:PutLogEvents', local('logs', 'log-group:Logs:log-stream:any')),
    ...['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'].map((action) =>
      finding('refused', action, local('sqs', 'Events')),
    ),
    finding('unused', 'logs:CreateLogStream', local('logs', 'log-group:Others:*')),
    finding('unused', 'logs:PutLogEvents', local('logs', 'log-group:Others:*')),
    finding('unused', 'sqs:ReceiveMessage', local('sqs', 'Other')),
  ]);
});

const SCHEDULED = {
  Night: { Type: 'AWS::IAM::Role', Properties: {}, Metadata: { 'aws:cdk:path': 'Stack/Night/Resource' } },
  Dead: { Type: 'AWS::SQS::Queue', Properties: {} },
  Schedule: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Target: { Arn: arnOf('Function'), RoleArn: arnOf('Night'), DeadLetterConfig: { Arn: arnOf('Dead') } },
    },
  },
};
const nightPolicy = (...statements: object[]) => ({
  Type: 'AWS::IAM::RolePolicy',
  Properties: { PolicyDocument: document(...statements), RoleName: { Ref: 'Night' } },
});

const judgedNight = (...statements: object[]) =>
  judge(template(ALL, { ...SCHEDULED, NightPolicy: nightPolicy(...statements) }), CALLS);

test("wants of the scheduler's role that it may start the function and set aside what it could not start", () => {
  const START = statement('lambda:InvokeFunction', arnOf('Function'));
  const SET_ASIDE = statement('sqs:SendMessage', arnOf('Dead'));
  expect(judgedNight(START, SET_ASIDE)).toEqual([]);
  expect(judgedNight(START)).toEqual([
    { kind: 'refused', role: 'Night', action: 'sqs:SendMessage', resource: local('sqs', 'Dead') },
  ]);
  expect(judgedNight(START, SET_ASIDE, statement('lambda:GetFunction', arnOf('Function')))).toEqual([
    {
      kind: 'unused',
      role: 'Night',
      action: 'lambda:GetFunction',
      resource: local('lambda', 'function:Function'),
    },
  ]);
});

test('what one role does is no use of what another may do', () => {
  const START = statement('lambda:InvokeFunction', arnOf('Function'));
  const SET_ASIDE = statement('sqs:SendMessage', arnOf('Dead'));

  expect(judgedNight(START, SET_ASIDE, WRITE)).toEqual([
    { kind: 'unused', role: 'Night', action: 'dynamodb:PutItem', resource: put.resource },
  ]);
});

test('reads every way in which a role gets its policies: inline, attached, managed of our own', () => {
  const managed = {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        Policies: [{ PolicyName: 'a', PolicyDocument: document(LOG, POLL) }],
        ManagedPolicyArns: [{ Ref: 'Managed' }],
      },
    },
    Managed: { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: document(LOOK, OPEN) } },
  };

  expect(judge(template([WRITE], managed), CALLS)).toEqual([]);
});

test('a policy on a queue may take away what the role is given', () => {
  const send = { door: 'scorer', action: 'sqs:SendMessage', resource: local('sqs', 'Other') };
  const closing = (Condition?: object) => ({
    Other: { Type: 'AWS::SQS::Queue', Properties: {} },
    OtherPolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Other' }],
        PolicyDocument: document({
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Action: 'sqs:*',
          Resource: arnOf('Other'),
          ...(Condition && { Condition }),
        }),
      },
    },
  });
  const statements = [...ALL, statement('sqs:SendMessage', arnOf('Other'))];
  const noTls = { Bool: { 'aws:SecureTransport': 'false' } };

  expect(judge(template(statements, closing(noTls)), [...CALLS, send])).toEqual([]);
  expect(judge(template(statements, closing()), [...CALLS, send])).toEqual([
    finding('refused', 'sqs:SendMessage', send.resource),
  ]);
});

test.each([
  {
    what: 'a policy that AWS manages',
    because: 'Role: not a resource of this template',
    resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
      },
    },
  },
  {
    what: 'a boundary',
    because: 'PermissionsBoundary',
    resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: { PermissionsBoundary: 'arn:aws:iam::000000000000:policy/b' },
      },
    },
  },
  {
    what: 'a user',
    because: 'AWS::IAM::User',
    resources: { User: { Type: 'AWS::IAM::User', Properties: {} } },
  },
  {
    what: 'a policy of a secret',
    because: 'AWS::SecretsManager::ResourcePolicy',
    resources: { P: { Type: 'AWS::SecretsManager::ResourcePolicy', Properties: {} } },
  },
  {
    what: 'a policy of a table',
    because: 'AWS::Lambda::Url',
    resources: { Url: { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'NONE' } } },
  },
  {
    because: 'Key: KeyPolicy',
    resources: { Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: {} } } },
  },
  {
    because: 'Table: ResourcePolicy',
    resources: { Table: { Type: 'AWS::DynamoDB::Table', Properties: { ResourcePolicy: {} } } },
  },
  {
    what: 'a policy of a group',
    because: 'P: policies of groups',
    resources: {
      P: { Type: 'AWS::IAM::Policy', Properties: { PolicyDocument: document(WRITE), Groups: ['g'] } },
    },
  },
])('refuses a template with $what, of which it could not judge', ({ resources, because }) => {
  expect(() => judge(template(ALL, resources), CALLS)).toThrow(because);
});

const objects = (folder: string) => ({ 'Fn::Join': ['', [arnOf('Reports'), folder]] });

describe('objects of a bucket', () => {
  const putReport = {
    door: 'scorer',
    action: 's3:PutObject',
    resource: 'arn:aws:s3:::reports/reports/2026-10.html',
  };
  const bucket = (Condition?: object) => ({
    Reports: { Type: 'AWS::S3::Bucket', Properties: {} },
    ReportsPolicy: {
      Type: 'AWS::S3::BucketPolicy',
      Properties: {
        Bucket: { Ref: 'Reports' },
        PolicyDocument: document({
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Action: 's3:*',
          Resource: [arnOf('Reports'), objects('/*')],
          ...(Condition && { Condition }),
        }),
      },
    },
  });
  const noTls = { Bool: { 'aws:SecureTransport': 'false' } };
  const grant = statement('s3:PutObject', objects('/reports/*'));

  test('may be named by their folder, since nobody knows their names before', () => {
    expect(judge(template([...ALL, grant], bucket(noTls)), [...CALLS, putReport])).toEqual([]);
  });

  test('may not be all that the bucket has', () => {
    const all = statement('s3:PutObject', objects('/*'));

    expect(judge(template([...ALL, all], bucket(noTls)), [...CALLS, putReport])).toEqual([
      finding('broad', 's3:PutObject', 'arn:aws:s3:::reports/*'),
    ]);
  });

  test('are closed by a policy on the bucket', () => {
    expect(judge(template([...ALL, grant], bucket()), [...CALLS, putReport])).toEqual([
      finding('refused', 's3:PutObject', putReport.resource),
    ]);
  });

  test('of a deployed bucket are judged by what it is called there', () => {
    const resource = 'arn:aws:s3:::afterglow-reports-1a2b/reports/2026-10.html';
    const names = new Map([['Reports', 'afterglow-reports-1a2b']]);

    expect(inLocalNames(template(ALL, bucket()), [{ ...putReport, resource }], names)).toEqual([putReport]);
  });
});

test('refuses a grant of everything but something', () => {
  const grant = { Effect: 'Allow', NotAction: 'iam:*', Resource: '*' };

  expect(() => judge(template([...ALL, grant]), CALLS)).toThrow('everything but something');
});

const deployed = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`;

test('calls of a deployed stack are judged by what its resources are called there', () => {
  const physicalIds = new Map([
    ['Table', 'Afterglow-Table-1A2B'],
    ['Events', 'https://sqs.eu-central-1.amazonaws.com/123456789012/Afterglow-Events-3C'],
    ['Secret', deployed('secretsmanager', 'secret:Secret-4D5E-aBcDeF')],
    ['Function', 'Afterglow-Function-9Z'],
  ]);
  const calls = [
    { ...put, resource: deployed('dynamodb', 'table/Afterglow-Table-1A2B') },
    { ...query, resource: deployed('dynamodb', 'table/Afterglow-Table-1A2B/index/due') },
    { ...read, resource: deployed('secretsmanager', 'secret:Secret-4D5E-aBcDeF') },
    { ...put, action: 'sqs:SendMessage', resource: deployed('sqs', 'Afterglow-Events-3C') },
    { ...put, resource: deployed('dynamodb', 'table/Afterglow-Table-1A2B-other') },
    { ...put, action: 'sns:Publish', resource: deployed('sns', 'Afterglow-Events-3C') },
  ];

  expect(inLocalNames(template(ALL), calls, physicalIds)).toEqual([
    put,
    query,
    read,
    { ...put, action: 'sqs:SendMessage', resource: local('sqs', 'Events') },
    ...calls.slice(4),
  ]);
});
