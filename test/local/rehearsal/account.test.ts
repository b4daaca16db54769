import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { Account } from '../../../local/rehearsal/account.ts';
import { allowBatches } from '../../../local/rehearsal/batches.ts';

const cloudFormation = mockClient(CloudFormationClient);
const cloudWatch = mockClient(CloudWatchClient);
const dynamoDb = mockClient(DynamoDBClient);
const iam = mockClient(IAMClient);
const lambda = mockClient(LambdaClient);
const scheduler = mockClient(SchedulerClient);
const secrets = mockClient(SecretsManagerClient);
const sqs = mockClient(SQSClient);

beforeAll(() => {
  process.env['AWS_REGION'] = 'us-east-1';
});
beforeEach(() => {
  for (const mock of [cloudFormation, cloudWatch, dynamoDb, iam, lambda, scheduler, secrets, sqs])
    mock.reset();
});

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

function resource(type: string, logicalId = 'It') {
  return { type, logicalId, physicalId: 'it', status: 'CREATE_COMPLETE' };
}

test('a resource is gone when its own service does not know it, and a secret already when it waits for its end', async () => {
  dynamoDb.on(DescribeTableCommand).rejectsOnce(named('ResourceNotFoundException')).resolves({ Table: {} });
  cloudWatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [] });
  secrets.on(DescribeSecretCommand).resolves({ DeletedDate: new Date(0) });
  const account = new Account();

  await expect(account.isThere(resource('AWS::DynamoDB::Table'))).resolves.toBe(false);
  await expect(account.isThere(resource('AWS::DynamoDB::Table'))).resolves.toBe(true);
  await expect(account.isThere(resource('AWS::CloudWatch::Alarm'))).resolves.toBe(false);
  await expect(account.isThere(resource('AWS::SecretsManager::Secret'))).resolves.toBe(false);
  await expect(account.isThere(resource('AWS::Unheard::Of'))).resolves.toBeUndefined();
});

test('a service that refuses to answer is no proof that something is gone', async () => {
  dynamoDb.on(DescribeTableCommand).rejects(named('AccessDeniedException'));

  await expect(new Account().isThere(resource('AWS::DynamoDB::Table'))).rejects.toThrow('AccessDenied');
});

/** A page as CloudFormation tells it. */
function queues(...ids: string[]) {
  return ids.map((id) => ({
    LogicalResourceId: id,
    PhysicalResourceId: `physical-${id}`,
    ResourceType: 'AWS::SQS::Queue',
    ResourceStatus: 'CREATE_COMPLETE' as const,
    LastUpdatedTimestamp: new Date(0),
  }));
}

test('a stack has all the resources that CloudFormation tells, on whatever page', async () => {
  cloudFormation
    .on(ListStackResourcesCommand, { StackName: 'arn:stack' })
    .resolvesOnce({ StackResourceSummaries: queues('One', 'Two'), NextToken: 'more' })
    .resolves({ StackResourceSummaries: queues('Three') });

  const resources = await new Account().resources('arn:stack');

  expect(resources.map(({ logicalId }) => logicalId)).toEqual(['One', 'Two', 'Three']);
  expect(resources[2]).toEqual({
    logicalId: 'Three',
    type: 'AWS::SQS::Queue',
    physicalId: 'physical-Three',
    status: 'CREATE_COMPLETE',
  });
});

test('there is no stack where CloudFormation finds none; any other trouble is told', async () => {
  cloudFormation
    .on(DescribeStacksCommand)
    .rejectsOnce(named('ValidationError'))
    .rejects(named('ExpiredToken'));
  const account = new Account();

  await expect(account.stackId('Afterglow')).resolves.toBeUndefined();
  await expect(account.stackId('Afterglow')).rejects.toThrow('ExpiredToken');
});

test('the schedule is run by what it says, and a function that fails is told', async () => {
  scheduler.on(GetScheduleCommand).resolves({
    State: 'ENABLED',
    Target: { Arn: 'arn:nightly', RoleArn: 'arn:role', Input: '{"job":"nightly"}' },
  });
  const answers = [
    { Payload: Buffer.from('{"due":3}') },
    { FunctionError: 'Unhandled', Payload: Buffer.from('{"errorMessage":"no table"}') },
  ];
  lambda.on(InvokeCommand).callsFake(() => answers.shift());
  const account = new Account();

  await expect(account.runSchedule('decay')).resolves.toEqual({ due: 3 });
  const [call] = lambda.commandCalls(InvokeCommand);
  expect(call?.args[0].input.FunctionName).toBe('arn:nightly');
  expect(call?.args[0].input.Payload).toEqual(Buffer.from('{"job":"nightly"}'));
  await expect(account.runSchedule('decay')).rejects.toThrow('no table');
});

test('a schedule that is switched off is not run', async () => {
  scheduler
    .on(GetScheduleCommand)
    .resolves({ State: 'DISABLED', Target: { Arn: 'arn:nightly', RoleArn: 'r' } });

  await expect(new Account().runSchedule('decay')).rejects.toThrow('DISABLED');
});

test('messages are counted in all their states, dead letters apart', async () => {
  sqs.on(GetQueueAttributesCommand).resolves({
    Attributes: {
      ApproximateNumberOfMessages: '1',
      ApproximateNumberOfMessagesNotVisible: '2',
      ApproximateNumberOfMessagesDelayed: '4',
    },
  });
  const resources = [
    resource('AWS::SQS::Queue', 'ScorerEvents1'),
    resource('AWS::SQS::Queue', 'ScorerEventsDeadLetters1'),
    resource('AWS::SNS::Topic'),
  ];

  await expect(new Account().messages(resources)).resolves.toEqual({ waiting: 7, deadLetters: 7 });
});

test('on the emulator, a batch is allowed where a message is, on the same queues under the same conditions', async () => {
  const may = {
    Effect: 'Allow',
    Action: ['sqs:SendMessage', 'sqs:GetQueueUrl'],
    Resource: 'arn:queue',
    Condition: { Bool: {} },
  };
  const other = { Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: 'arn:table' };
  iam.on(ListRolePoliciesCommand).resolves({ PolicyNames: ['Default'] });
  iam
    .on(GetRolePolicyCommand)
    .resolves({ PolicyDocument: encodeURIComponent(JSON.stringify({ Statement: [may, other] })) });
  iam.on(PutRolePolicyCommand).resolves({});

  await allowBatches([resource('AWS::IAM::Role')]);

  const [put, ...others] = iam.commandCalls(PutRolePolicyCommand);
  expect(others).toEqual([]);
  expect(JSON.parse(put?.args[0].input.PolicyDocument ?? '{}')).toEqual({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'sqs:SendMessageBatch', Resource: 'arn:queue', Condition: { Bool: {} } },
    ],
  });
});
