import { createHash } from 'node:crypto';
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import * as v from 'valibot';
import type { AwsCall } from '../runner/recorder.ts';

/** A function of the stack. */
export interface Caller {
  readonly door: string;
  readonly functionArn: string;
  readonly roleArn: string;
}

export type RecordedCall = Pick<AwsCall, 'door' | 'action' | 'resource'>;

const text = v.string();
/** A call as CloudTrail writes it down. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
const Event = v.looseObject({
  eventSource: text,
  eventName: text,
  awsRegion: text,
  recipientAccountId: text,
  requestParameters: v.nullish(
    v.looseObject({
      TableName: v.optional(text),
      IndexName: v.optional(text),
      RequestItems: v.optional(v.record(text, v.unknown())),
      QueueUrl: v.optional(text),
      SecretId: v.optional(text),
    }),
  ),
});

/**
 * What the functions asked of AWS, as the emulator's CloudTrail wrote it down, each call once.
 *
 * @returns with the emulator's own names of resources
 */
export async function recordedCalls(callers: readonly Caller[]): Promise<RecordedCall[]> {
  const client = new CloudTrailClient({});
  const calls = new Map<string, RecordedCall>();
  for (const caller of callers) {
    for await (const event of eventsOf(client, accessKeyOf(caller))) {
      for (const call of callsOf(event))
        calls.set(`${caller.door} ${call.action} ${call.resource}`, { door: caller.door, ...call });
    }
  }
  return [...calls.values()];
}

/** The newest first. MiniStack answers with the newest 50 up to a time, and with no token for the next ones. */
async function* eventsOf(client: CloudTrailClient, accessKeyId: string) {
  const seen = new Set<string>();
  let EndTime: Date | undefined;
  while (true) {
    const { Events = [] } = await client.send(
      new LookupEventsCommand({
        LookupAttributes: [{ AttributeKey: 'AccessKeyId', AttributeValue: accessKeyId }],
        ...(EndTime !== undefined && { EndTime }),
      }),
    );
    const fresh = Events.filter(({ EventId = '' }) => !seen.has(EventId));
    if (fresh.length === 0) return;
    for (const { EventId = '', CloudTrailEvent = '{}' } of fresh) {
      seen.add(EventId);
      yield v.parse(v.pipe(text, v.parseJson(), Event), CloudTrailEvent);
    }
    EndTime = new Date((fresh.at(-1)?.EventTime?.getTime() ?? 0) + 1); // Others of the same millisecond may be left.
  }
}

/** MiniStack gives every function a key of its own, made of who it is; without IAM it gives all the same. */
function accessKeyOf({ functionArn, roleArn }: Caller): string {
  const digest = createHash('sha256').update(`${functionArn}:${roleArn}`).digest('hex');
  return `ASIA${digest.slice(0, 16).toUpperCase()}`;
}

function callsOf(event: v.InferOutput<typeof Event>): Pick<AwsCall, 'action' | 'resource'>[] {
  const service = event.eventSource.replace('.amazonaws.com', '');
  const action = `${service}:${event.eventName.replace(/Batch$/, '')}`; // IAM knows no batches of messages.
  const arn = (rest: string) => `arn:aws:${service}:${event.awsRegion}:${event.recipientAccountId}:${rest}`;
  const { TableName, IndexName, RequestItems, QueueUrl, SecretId } = event.requestParameters ?? {};
  const index = IndexName === undefined ? '' : `/index/${IndexName}`;
  const tables = TableName === undefined ? Object.keys(RequestItems ?? {}) : [TableName];
  const resources = [
    ...tables.map((name) => `${arn(`table/${name}`)}${index}`),
    ...(QueueUrl === undefined ? [] : [arn(QueueUrl.split('/').at(-1) ?? '')]),
    ...(SecretId === undefined ? [] : [SecretId]),
  ];
  return (resources.length === 0 ? ['*'] : resources).map((resource) => ({ action, resource }));
}
