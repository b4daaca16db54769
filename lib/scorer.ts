import { Duration } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { ScorerEnv } from '../lambdas/env.ts';
import type { ContactTable } from './contact-table.ts';
import { type CompiledModel, NodeFunction } from './node-function.ts';
import { grantValue } from './secrets.ts';
import type { Settings } from './settings.ts';
import { WorkQueue } from './work-queue.ts';
import type { Lanes } from './write-back.ts';

/** Messages per invocation: what SQS hands out without a window. */
const BATCH_SIZE = 10;
/**
 * Of up to 1,000 events each. More would meet at the rows of the same contacts and at what a new table takes, 4,000 writes a second (AWS,
 * "DynamoDB on-demand capacity mode", read 2026-11-22), and their second tries are paid for as the first. A flood waits in the queue
 * instead, and leaves the rest of the account's concurrency to others.
 */
const EVENTS_MAX_CONCURRENCY = 20;
/** Decay trickles beside the events and never crowds them out. */
const TICKS_MAX_CONCURRENCY = 2;

export interface ScorerProps {
  readonly settings: Settings;
  /** The compiled scoring model. */
  readonly model: CompiledModel;
  /** Facts and scores, one partition per contact. */
  readonly contacts: ContactTable;
  /** The HMAC key of the identity rows. */
  readonly identityKey: ISecret;
  /** Where contacts go that HubSpot does not yet show as they are. */
  readonly lanes: Lanes;
}

/** Turns events into contact scores. Owns the queues it reads: who reads, knows the time-outs. */
export class Scorer extends Construct {
  /** Where ingest puts verified requests, one per message. */
  readonly events: WorkQueue;
  /**
   * Where contacts wait to be scored anew, up to 100 per message: those that fall due at night, and those of a company that changed,
   * page by page.
   */
  readonly ticks: WorkQueue;
  readonly function: NodeFunction;

  constructor(scope: Construct, id: string, props: ScorerProps) {
    super(scope, id);
    const timeout = Duration.minutes(1);
    this.events = new WorkQueue(this, 'Events', { readerTimeout: timeout });
    this.ticks = new WorkQueue(this, 'Ticks', { readerTimeout: timeout });
    const { urgent, changes, background } = props.lanes;
    const isUrgentOn = props.settings.writeBack.urgent;
    const environment = {
      PORTAL_ID: props.settings.portalId,
      CONTACT_TABLE_NAME: props.contacts.tableName,
      IDENTITY_KEY_SECRET_ARN: props.identityKey.secretArn,
      EVENTS_DEAD_LETTER_QUEUE_URL: this.events.deadLetters.queueUrl,
      URGENT_QUEUE_URL: isUrgentOn ? urgent.queueUrl : '',
      CHANGES_QUEUE_URL: changes.queueUrl,
      BACKGROUND_QUEUE_URL: background.queueUrl,
      TICKS_QUEUE_URL: this.ticks.queueUrl,
      TIME_ZONE: props.settings.timeZone,
      OWN_APP_IDS: props.settings.ownAppIds.join(','),
      FACT_RETENTION_DAYS: String(props.settings.factRetentionDays),
    } satisfies ScorerEnv;

    this.function = new NodeFunction(this, 'Function', {
      door: 'scorer',
      description:
        'Afterglow: keeps events as facts, folds them into scores, and says which contacts to write',
      timeout,
      memoryMb: 1024,
      model: props.model,
      environment,
      isSentOn: true,
    });
    this.events.readBy(this.function, { batchSize: BATCH_SIZE, maxConcurrency: EVENTS_MAX_CONCURRENCY });
    this.ticks.readBy(this.function, { batchSize: BATCH_SIZE, maxConcurrency: TICKS_MAX_CONCURRENCY });

    props.contacts.grantRows(this.function);
    props.contacts.grantCompanies(this.function);
    const lanes = isUrgentOn ? [urgent, changes, background] : [changes, background];
    for (const queue of [...lanes, this.ticks, this.events.deadLetters])
      queue.grant(this.function, 'sqs:SendMessage');
    grantValue(props.identityKey, this.function);
  }
}
