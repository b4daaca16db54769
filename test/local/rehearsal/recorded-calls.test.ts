import { createHash } from 'node:crypto';
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { mockClient } from 'aws-sdk-client-mock';
import { recordedCalls } from '../../../local/rehearsal/recorded-calls.ts';

const cloudTrail = mockClient(CloudTrailClient);
const SCORER = { door: 'scorer', functionArn: 'arn:function:scorer', roleArn: 'arn:role:scorer' };
/** As the emulator makes keys: of who the function is. */
const KEY = `ASIA${createHash('sha256').update('arn:function:scorer:arn:role:scorer').digest('hex').slice(0, 16).toUpperCase()}`;

interface Written {
  readonly source: string;
  readonly name: string;
  readonly parameters: object;
  readonly atMs?: number;
}

function event({ source, name, parameters, atMs = 0 }: Written, id: number) {
  return {
    EventId: String(id),
    EventTime: new Date(atMs),
    CloudTrailEvent: JSON.stringify({
      eventSource: `${source}.amazonaws.com`,
      eventName: name,
      awsRegion: 'us-east-1',
      recipientAccountId: '000000000000',
      requestParameters: parameters,
    }),
  };
}

/** Answers as MiniStack does: the newest 50 of a key up to a time, and no token. */
function answerWith(events: readonly Written[]) {
  const all = events.map(event);
  cloudTrail.on(LookupEventsCommand).callsFake(({ LookupAttributes, EndTime }) => {
    const isTheirs =
      LookupAttributes[0].AttributeKey === 'AccessKeyId' && LookupAttributes[0].AttributeValue === KEY;
    const found = all.filter(({ EventTime }) => isTheirs && (EndTime === undefined || EventTime <= EndTime));
    return { Events: found.toReversed().slice(0, 50) };
  });
}

beforeEach(() => cloudTrail.reset());

test('names actions as IAM does, and what they are done to', async () => {
  answerWith([
    { source: 'dynamodb', name: 'PutItem', parameters: { TableName: 'T' } },
    { source: 'dynamodb', name: 'Query', parameters: { TableName: 'T', IndexName: 'due' } },
    { source: 'dynamodb', name: 'BatchGetItem', parameters: { RequestItems: { T: {} } } },
    { source: 'sqs', name: 'SendMessageBatch', parameters: { QueueUrl: 'https://localhost:1/0/Q' } },
    { source: 'secretsmanager', name: 'GetSecretValue', parameters: { SecretId: 'arn:secret' } },
    { source: 'sts', name: 'GetCallerIdentity', parameters: {} },
  ]);

  await expect(recordedCalls([SCORER])).resolves.toEqual(
    expect.arrayContaining([
      {
        door: 'scorer',
        action: 'dynamodb:PutItem',
        resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/T',
      },
      {
        door: 'scorer',
        action: 'dynamodb:Query',
        resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/T/index/due',
      },
      {
        door: 'scorer',
        action: 'dynamodb:BatchGetItem',
        resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/T',
      },
      { door: 'scorer', action: 'sqs:SendMessage', resource: 'arn:aws:sqs:us-east-1:000000000000:Q' },
      { door: 'scorer', action: 'secretsmanager:GetSecretValue', resource: 'arn:secret' },
      { door: 'scorer', action: 'sts:GetCallerIdentity', resource: '*' },
    ]),
  );
});

test('finds what lies beyond the first 50', async () => {
  const many = Array.from({ length: 180 }, (_, at) => ({
    source: 'dynamodb',
    name: 'GetItem',
    parameters: { TableName: `T${at}` },
    atMs: at * 10,
  }));
  answerWith(many);

  const calls = await recordedCalls([SCORER]);

  expect(calls).toHaveLength(180);
});

test('the calls of others are not taken for those of a function', async () => {
  answerWith([{ source: 'dynamodb', name: 'GetItem', parameters: { TableName: 'T' } }]);

  await expect(recordedCalls([{ ...SCORER, roleArn: 'arn:role:another' }])).resolves.toEqual([]);
});
