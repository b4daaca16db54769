import { Duration } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { WriteBackEnv } from '../lambdas/env.ts';
import type { ContactTable } from './contact-table.ts';
import { type CompiledModel, NodeFunction } from './node-function.ts';
import { grantValue } from './secrets.ts';
import type { Settings } from './settings.ts';
import { WorkQueue } from './work-queue.ts';

/** Ten full batches of HubSpot's 100 inputs to an invocation. */
const LANE_BATCH_SIZE = 1_000;
/** The urgent lane has no window, and without one SQS hands out 10 at most. */
const URGENT_BATCH_SIZE = 10;
/** The least SQS allows: HubSpot's budget is shared, more readers would only wait for each other. */
const MAX_CONCURRENCY = 2;
/** Decay and backfill can wait for a full batch. */
const BACKGROUND_WINDOW = Duration.seconds(60);

export interface WriteBackProps {
  readonly settings: Settings;
  /** The compiled scoring model, by which hydrated contacts are folded. */
  readonly model: CompiledModel;
  /** Facts and scores, one partition per contact. */
  readonly contacts: ContactTable;
  /** The HMAC key of the identity rows. */
  readonly identityKey: ISecret;
  /** What HubSpot knows us by. */
  readonly hubSpotToken: ISecret;
}

/** The three queues on which contacts wait to be written to HubSpot. */
export interface Lanes {
  /** Written at once. */
  readonly urgent: WorkQueue;
  /** Ordinary changes, gathered for a window so that many become few calls. */
  readonly changes: WorkQueue;
  /** Decay and backfill, which nobody waits for. */
  readonly background: WorkQueue;
}

/** The lanes by the names under which people meet them. */
export function lanesByTitle({
  urgent,
  changes,
  background,
}: Lanes): Record<'Urgent' | 'Changes' | 'Background', WorkQueue> {
  return { Urgent: urgent, Changes: changes, Background: background };
}

/** Makes HubSpot show what the table says. Owns the lanes it reads: who reads, knows the time-outs. */
export class WriteBack extends Construct {
  readonly lanes: Lanes;
  readonly function: NodeFunction;

  constructor(scope: Construct, id: string, props: WriteBackProps) {
    super(scope, id);
    const timeout = Duration.minutes(5);
    const changesWindow = Duration.seconds(props.settings.writeBack.windowSeconds);
    this.lanes = {
      urgent: new WorkQueue(this, 'Urgent', { readerTimeout: timeout }),
      changes: new WorkQueue(this, 'Changes', { readerTimeout: timeout, window: changesWindow }),
      background: new WorkQueue(this, 'Background', { readerTimeout: timeout, window: BACKGROUND_WINDOW }),
    };
    const { urgent, changes, background } = this.lanes;
    // Contacts that HubSpot refuses for good, whichever lane they came by; a redrive sends them the ordinary way.
    const deadLetters = changes.deadLetters;

    this.function = new NodeFunction(this, 'Function', {
      door: 'write-back',
      description: 'Afterglow: reads what HubSpot knows and writes scores to it, 100 contacts to a call',
      timeout,
      memoryMb: 1024,
      model: props.model,
      environment: writeBackEnvironment(props, this.lanes, deadLetters),
      isSentOn: true,
    });
    urgent.readBy(this.function, { batchSize: URGENT_BATCH_SIZE, maxConcurrency: MAX_CONCURRENCY });
    changes.readBy(this.function, { batchSize: LANE_BATCH_SIZE, maxConcurrency: MAX_CONCURRENCY });
    background.readBy(this.function, { batchSize: LANE_BATCH_SIZE, maxConcurrency: MAX_CONCURRENCY });

    props.contacts.grantRows(this.function);
    props.contacts.grantScanning(this.function); // After a stop: whom does HubSpot not yet show?
    props.contacts.grantCompanies(this.function);
    for (const queue of [urgent, changes, background, deadLetters])
      queue.grant(this.function, 'sqs:SendMessage');
    for (const secret of [props.hubSpotToken, props.identityKey]) grantValue(secret, this.function);
  }

  /** Lets what was read of a company reach its contacts. The queue is made after this one: its owner sends to the lanes. */
  sendTicksTo(ticks: IQueue): void {
    this.function.addEnvironment('TICKS_QUEUE_URL' satisfies keyof WriteBackEnv, ticks.queueUrl);
    ticks.grant(this.function, 'sqs:SendMessage');
  }
}

function writeBackEnvironment(props: WriteBackProps, lanes: Lanes, deadLetters: IQueue) {
  return {
    PORTAL_ID: props.settings.portalId,
    CONTACT_TABLE_NAME: props.contacts.tableName,
    IDENTITY_KEY_SECRET_ARN: props.identityKey.secretArn,
    HUBSPOT_TOKEN_SECRET_ARN: props.hubSpotToken.secretArn,
    HUBSPOT_API_URL: props.settings.hubspotApiUrl,
    URGENT_QUEUE_URL: lanes.urgent.queueUrl,
    CHANGES_QUEUE_URL: lanes.changes.queueUrl,
    BACKGROUND_QUEUE_URL: lanes.background.queueUrl,
    WRITE_BACK_DEAD_LETTER_QUEUE_URL: deadLetters.queueUrl,
    TIME_ZONE: props.settings.timeZone,
    FACT_RETENTION_DAYS: String(props.settings.factRetentionDays),
    HUBSPOT_LIMIT_PER_10_SECONDS: String(props.settings.hubspotLimitPer10Seconds),
    HUBSPOT_RESERVE_PER_10_SECONDS: String(props.settings.hubspotReservePer10Seconds),
    HUBSPOT_DAILY_LIMIT: String(props.settings.hubspotDailyLimit),
    HUBSPOT_DAILY_RESERVE_PERCENT: String(props.settings.hubspotDailyReservePercent),
    ID_PROPERTY: props.settings.writeBack.idProperty,
    MOST_WRITES_PER_HOUR: String(props.settings.writeBack.mostWritesPerHour),
  } satisfies Omit<WriteBackEnv, 'TICKS_QUEUE_URL'>;
}
