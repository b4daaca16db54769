import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Bare-handed clients for handlers without a bundle. */
const CLIENTS = `
const { appendFileSync } = require('node:fs');
const note = (line) => appendFileSync(process.env.NOTES, JSON.stringify(line) + '\\n');
const call = async (service, url, type, target, body) => {
  const scope = process.env.AWS_ACCESS_KEY_ID + '/20260101/' + process.env.AWS_REGION + '/' + service;
  const headers = { 'content-type': type, 'x-amz-target': target, 'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=' + scope + '/aws4_request, SignedHeaders=host, Signature=0' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
};
const send = (QueueUrl, MessageBody) =>
  call('sqs', process.env.AWS_ENDPOINT_URL_SQS, 'application/x-amz-json-1.0', 'AmazonSQS.SendMessage', { QueueUrl, MessageBody });
const secret = (SecretId) =>
  call('secretsmanager', process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER, 'application/x-amz-json-1.1', 'secretsmanager.GetSecretValue', { SecretId });
const put = (pk) =>
  call('dynamodb', process.env.AWS_ENDPOINT_URL_DYNAMODB, 'application/x-amz-json-1.0', 'DynamoDB_20120810.PutItem',
    { TableName: process.env.CONTACT_TABLE_NAME, Item: { pk: { S: pk }, sk: { S: '#head' }, due: { S: 'tonight' } } });
`;

const HANDLERS = {
  ingest: `
exports.handler = async (event) => {
  const reply = (value) => ({ statusCode: 202, headers: { 'X-Door': 'ingest' }, body: JSON.stringify(value) });
  if (event.body === 'throw') throw new Error('on purpose');
  if (event.body === 'crash') process.exit(7);
  if (event.body === 'secret') return reply(JSON.parse((await secret(process.env.WEBHOOK_SECRET_ARN)).SecretString));
  if (event.body === 'context') return reply({ nowMs: Date.now(), environment: process.env, argv: process.execArgv });
  if (event.rawPath === '/webhooks/hubspot') { await send(process.env.EVENTS_QUEUE_URL, event.body); return reply('kept'); }
  return reply(event);
};`,
  scorer: `
exports.handler = async ({ Records }, context) => {
  const batchItemFailures = [];
  note({ door: 'scorer', size: Records.length, pid: process.pid, remainingMs: context.getRemainingTimeInMillis() });
  for (const { messageId, body } of Records) {
    note({ door: 'scorer', body });
    const { put: pk, forward, fail, hang } = JSON.parse(body);
    if (hang) await new Promise((resolve) => setTimeout(resolve, 60_000));
    if (fail) batchItemFailures.push({ itemIdentifier: messageId });
    if (pk) await put(pk);
    if (forward) await send(process.env.CHANGES_QUEUE_URL, body);
  }
  return { batchItemFailures };
};`,
  'write-back': `
exports.handler = async ({ Records }) => {
  note({ door: 'write-back', size: Records.length, url: process.env.HUBSPOT_API_URL, nowMs: Date.now() });
};`,
  nightly: `
exports.handler = async (event) => {
  note({ door: 'nightly', event, nowMs: Date.now(), newMs: new Date().getTime(), text: Date(), fixed: new Date(5).getTime(), isDate: new Date() instanceof Date, variables: Object.keys(process.env) });
  if (event.print) console.log(event.print);
  if (event.secret) return JSON.parse((await secret(process.env.IDENTITY_KEY_SECRET_ARN)).SecretString);
  return { nowMs: Date.now() };
};`,
};

/** A synthesized assembly of the shape CDK writes, with handlers that note what they get. */
export interface AssemblyFixture {
  readonly directory: string;
  /** What handlers noted, in order. */
  notes(): Promise<Record<string, unknown>[]>;
}

/** Writes the assembly and its handlers to a temporary folder. */
export async function writeAssembly(): Promise<AssemblyFixture> {
  const directory = await mkdtemp(path.join(tmpdir(), 'afterglow-assembly-'));
  const notesFile = path.join(directory, 'notes');
  await writeFile(notesFile, '');
  const files: Record<string, unknown> = {};
  for (const [door, code] of Object.entries(HANDLERS)) {
    await mkdir(path.join(directory, `asset.${door}`));
    await writeFile(path.join(directory, `asset.${door}`, 'index.js'), CLIENTS + code);
    files[door] = {
      source: { path: `asset.${door}`, packaging: 'zip' },
      destinations: { here: { bucketName: 'b', objectKey: `${door}.zip` } },
    };
  }
  const json = (name: string, content: unknown) =>
    writeFile(path.join(directory, name), JSON.stringify(content));
  await json('Test.assets.json', { version: '55.0.0', files });
  await json('Test.template.json', { Resources: resources(notesFile) });
  await json('manifest.json', {
    version: '55.0.0',
    artifacts: {
      'Test.assets': { type: 'cdk:asset-manifest', properties: { file: 'Test.assets.json' } },
      Test: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Test.template.json' } },
    },
  });
  return {
    directory,
    async notes() {
      const lines = (await readFile(notesFile, 'utf8')).split('\n');
      return lines.filter((line) => line !== '').map((line): Record<string, unknown> => JSON.parse(line));
    },
  };
}

const arnOf = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
const at = (constructPath: string) => ({ 'aws:cdk:path': `Test/${constructPath}/Resource` });

function lambda(door: string, construct: string, variables: Record<string, unknown>) {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}-${AWS::Region}' }, S3Key: `${door}.zip` },
      Handler: 'index.handler',
      MemorySize: 256,
      Timeout: 1,
      Environment: { Variables: variables },
    },
    Metadata: at(`${construct}/Function`),
  };
}

function queue(constructPath: string, visibilitySeconds: number, deadLetters?: string) {
  return {
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: visibilitySeconds,
      MessageRetentionPeriod: 345_600,
      ...(deadLetters && {
        RedrivePolicy: { deadLetterTargetArn: arnOf(deadLetters), maxReceiveCount: 2 },
      }),
    },
    Metadata: at(constructPath),
  };
}

function route(logicalId: string, routeKey: string) {
  return {
    [`${logicalId}Integration`]: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: { IntegrationUri: arnOf('Ingest'), PayloadFormatVersion: '2.0' },
    },
    [logicalId]: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        RouteKey: routeKey,
        Target: { 'Fn::Join': ['', ['integrations/', { Ref: `${logicalId}Integration` }]] },
      },
    },
  };
}

function mapping(queueId: string, functionId: string, properties: Record<string, unknown>) {
  return {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: { EventSourceArn: arnOf(queueId), FunctionName: { Ref: functionId }, ...properties },
  };
}

const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });

function resources(NOTES: string) {
  return {
    Contacts: {
      Type: 'AWS::DynamoDB::GlobalTable',
      Properties: {
        AttributeDefinitions: ['pk', 'sk', 'due'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
        KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'due',
            KeySchema: [key('due', 'HASH'), key('pk', 'RANGE')],
            Projection: { ProjectionType: 'KEYS_ONLY' },
          },
        ],
      },
    },
    Events: queue('Scorer/Events', 1, 'EventsDead'),
    EventsDead: queue('Scorer/EventsDeadLetters', 1),
    Changes: queue('WriteBack/Changes', 66),
    WebhookSecret: { Type: 'AWS::SecretsManager::Secret', Properties: { SecretString: '{}' } },
    IdentityKey: {
      Type: 'AWS::SecretsManager::Secret',
      Properties: { GenerateSecretString: { SecretStringTemplate: '{}', GenerateStringKey: 'key' } },
    },
    Ingest: lambda('ingest', 'Ingest', {
      NOTES,
      EVENTS_QUEUE_URL: { Ref: 'Events' },
      WEBHOOK_SECRET_ARN: { Ref: 'WebhookSecret' },
      PUBLIC_URL: '',
      EVENTS_QUEUE_NAME: { 'Fn::Select': [5, { 'Fn::Split': [':', arnOf('Events')] }] },
      GREETING: { 'Fn::Sub': ['${Who} in ${AWS::Region}, ${Events.Arn}', { Who: 'ingest' }] },
    }),
    Scorer: lambda('scorer', 'Scorer', {
      NOTES,
      CHANGES_QUEUE_URL: { Ref: 'Changes' },
      CONTACT_TABLE_NAME: { Ref: 'Contacts' },
    }),
    WriteBack: lambda('write-back', 'WriteBack', { NOTES, HUBSPOT_API_URL: 'https://api.hubapi.com' }),
    Nightly: lambda('nightly', 'Nightly', { NOTES, IDENTITY_KEY_SECRET_ARN: { Ref: 'IdentityKey' } }),
    EventsToScorer: mapping('Events', 'Scorer', {
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    }),
    ChangesToWriteBack: mapping('Changes', 'WriteBack', {
      BatchSize: 25,
      MaximumBatchingWindowInSeconds: 60,
      ScalingConfig: { MaximumConcurrency: 2 },
    }),
    ...route('Webhook', 'POST /webhooks/hubspot'),
    ...route('Signals', 'POST /signals'),
    Night: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        ScheduleExpression: 'cron(0 2 * * ? *)',
        ScheduleExpressionTimezone: 'Europe/Berlin',
        Target: { Arn: arnOf('Nightly'), Input: '{"job":"decay"}' },
      },
    },
  };
}
