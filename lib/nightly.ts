import { Duration, TimeZone, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { ScheduleTargetBase, type ScheduleTargetBaseProps } from 'aws-cdk-lib/aws-scheduler-targets';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { NightlyEnv } from '../lambdas/env.ts';
import type { ContactTable } from './contact-table.ts';
import { hourOfEveryDay } from './hour-of-every-day.ts';
import { type CompiledModel, NodeFunction } from './node-function.ts';
import type { ReportsBucket } from './reports-bucket.ts';
import { grantValue } from './secrets.ts';
import type { Settings } from './settings.ts';
import { WorkQueue } from './work-queue.ts';

/**
 * How often a run that failed is begun anew: after one minute, and after two more. A later one finds what it left, since it notes how far
 * it came.
 */
const RUN_RETRIES = 2;
/** How often the schedule tries to hand the run over, when Lambda does not take it. */
const HAND_OVER_RETRIES = 10;
/** Nobody needs a run of the night in the afternoon: the next looks at the nights before it too. */
const LATEST_START = Duration.hours(6);
/** An hour on, the next hour's own run does the same. */
const LATEST_HOURLY_START = Duration.hours(1);
/** Minute of every hour for `decayEvery`: the nightly run, on the hour, is over by then or nearly so. */
const HOURLY_MINUTE = 30;
/** A message asks to go on with a run, which takes a whole invocation. */
const BATCH_SIZE = 1;
/** The least SQS allows: one run goes on at a time, and a second invocation finds that somebody else is ahead of it, and stops. */
const MAX_CONCURRENCY = 2;

export interface NightlyProps {
  readonly settings: Settings;
  /** The compiled scoring model, by which contacts are folded whose changes were missed. */
  readonly model: CompiledModel;
  /** Facts and scores, with the indexes of who falls due when, and of all contacts. */
  readonly contacts: ContactTable;
  /** The HMAC key of the identity rows. */
  readonly identityKey: ISecret;
  /** What HubSpot knows us by. */
  readonly hubSpotToken: ISecret;
  /** Where contacts go whose score changes by itself tonight. */
  readonly ticks: IQueue;
  /** The lane for what nobody waits for: contacts that HubSpot does not show as the table does. */
  readonly background: IQueue;
  /**
   * Where the report of each month is put.
   *
   * @default none: the model has no section `attribution`
   */
  readonly reports?: ReportsBucket;
}

/** Once a night, in the portal's own time: which scores fade to something else, and where do HubSpot and the table differ? */
export class Nightly extends Construct {
  readonly function: NodeFunction;
  /** Of the night, in the portal's time zone: that of the settings, or the next where clocks skip that one in spring. */
  readonly hour: number;
  /** Where runs are asked for, and to go on. Owned here: who reads, knows the time-out. */
  readonly work: WorkQueue;
  /** What the schedules could not hand over to the function. What the function could not do is told by its metric NightlyFinished. */
  readonly scheduleDeadLetters: IQueue;

  constructor(scope: Construct, id: string, props: NightlyProps) {
    super(scope, id);
    const timeout = Duration.minutes(5);
    this.hour = hourOfEveryDay(props.settings.nightlyHour, props.settings.timeZone);
    this.work = new WorkQueue(this, 'Work', { readerTimeout: timeout });
    this.function = new NodeFunction(this, 'Function', {
      door: 'nightly',
      description: 'Afterglow: lets scores fade that fall due, and finds where HubSpot and the table differ',
      timeout,
      memoryMb: 1024,
      model: props.model,
      environment: nightlyEnvironment(props, this.work),
      isSentOn: true,
    });
    this.function.configureAsyncInvoke({ retryAttempts: RUN_RETRIES, maxEventAge: LATEST_START });
    this.work.readBy(this.function, { batchSize: BATCH_SIZE, maxConcurrency: MAX_CONCURRENCY });

    props.contacts.grantRows(this.function);
    props.contacts.grantDue(this.function);
    props.contacts.grantRoll(this.function);
    for (const queue of [props.ticks, props.background, this.work])
      queue.grant(this.function, 'sqs:SendMessage');
    for (const secret of [props.hubSpotToken, props.identityKey]) grantValue(secret, this.function);

    props.reports?.grantPutting(this.function);

    this.scheduleDeadLetters = this.#makeDeadLetters();
    this.#schedule(props.settings);
  }

  #makeDeadLetters(): IQueue {
    const deadLetters = new Queue(this, 'DeadLetters', {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    Validations.of(deadLetters).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is itself where the schedules put what they could not hand over, which the rule looks for at other queues only. Evidence: test/lib/stack.test.ts',
    });
    return deadLetters;
  }

  #schedule({ timeZone, decayEvery }: Settings): void {
    const zone = TimeZone.of(timeZone);
    new Schedule(this, 'Decay', {
      description: 'Afterglow: scores that fade, and what HubSpot shows, every night',
      schedule: ScheduleExpression.cron({ minute: '0', hour: String(this.hour), timeZone: zone }),
      target: this.#asked({ job: 'nightly', upTo: 'now' }, LATEST_START),
    });
    if (decayEvery === 'night') return;
    new Schedule(this, 'HourlyDecay', {
      description: 'Afterglow: scores that fade, every hour',
      schedule: ScheduleExpression.cron({ minute: String(HOURLY_MINUTE), timeZone: zone }),
      target: this.#asked({ job: 'decay', upTo: 'now' }, LATEST_HOURLY_START),
    });
  }

  #asked(request: object, latestStart: Duration): FunctionTarget {
    return new FunctionTarget(this.function, {
      input: ScheduleTargetInput.fromObject(request),
      retryAttempts: HAND_OVER_RETRIES,
      maxEventAge: latestStart,
      deadLetterQueue: this.scheduleDeadLetters,
    });
  }
}

function nightlyEnvironment({ settings, ...props }: NightlyProps, work: IQueue) {
  return {
    PORTAL_ID: settings.portalId,
    CONTACT_TABLE_NAME: props.contacts.tableName,
    IDENTITY_KEY_SECRET_ARN: props.identityKey.secretArn,
    HUBSPOT_TOKEN_SECRET_ARN: props.hubSpotToken.secretArn,
    HUBSPOT_API_URL: settings.hubspotApiUrl,
    BACKGROUND_QUEUE_URL: props.background.queueUrl,
    TICKS_QUEUE_URL: props.ticks.queueUrl,
    NIGHTLY_QUEUE_URL: work.queueUrl,
    TIME_ZONE: settings.timeZone,
    OWN_APP_IDS: settings.ownAppIds.join(','),
    FACT_RETENTION_DAYS: String(settings.factRetentionDays),
    HUBSPOT_LIMIT_PER_10_SECONDS: String(settings.hubspotLimitPer10Seconds),
    HUBSPOT_RESERVE_PER_10_SECONDS: String(settings.hubspotReservePer10Seconds),
    HUBSPOT_DAILY_LIMIT: String(settings.hubspotDailyLimit),
    HUBSPOT_DAILY_RESERVE_PERCENT: String(settings.hubspotDailyReservePercent),
    RECONCILE_DAILY_PERCENT: String(settings.reconcileDailyPercent),
    ID_PROPERTY: settings.writeBack.idProperty,
    ...(props.reports !== undefined && { REPORTS_BUCKET_NAME: props.reports.bucketName }),
  } satisfies NightlyEnv;
}

/** Calls the function; the CDK's own target would be allowed to call any version of it too. */
class FunctionTarget extends ScheduleTargetBase {
  readonly #function: NodeFunction;

  constructor(target: NodeFunction, props: ScheduleTargetBaseProps) {
    super(props, target.functionArn);
    this.#function = target;
  }

  protected override addTargetActionToRole(role: IRole): void {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [this.#function.functionArn],
      }),
    );
  }
}
