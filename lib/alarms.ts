import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, type AlarmProps, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { AlarmTopic } from './alarm-topic.ts';
import { measured, oldest, waiting } from './measurements.ts';
import type { Settings } from './settings.ts';
import type { Usage } from './usage.ts';
import type { WorkQueue } from './work-queue.ts';

const { GREATER_THAN_THRESHOLD, GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_THRESHOLD } =
  ComparisonOperator;

/** The copy of a request that cannot be tried comes back after so long at the latest: SQS delays none longer. */
const LONGEST_DELAY_MINUTES = 15;
/** Then it waits for its lane's window, whose longest this is: the most that writeBack.windowSeconds allows. */
const LONGEST_WINDOW_MINUTES = 5;
/** For the invocation itself, and those that go before it. */
const SPARE_MINUTES = 10;
/** While a stop lasts, each of these sees an invocation that counts it: a shorter one would end the alarm in between, and begin it anew. */
const STOP_PERIOD = Duration.minutes(LONGEST_DELAY_MINUTES + LONGEST_WINDOW_MINUTES + SPARE_MINUTES);
const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);
const DAY = Duration.days(1);

/**
 * A batch that fails comes again after 6, 12 and 18 minutes. From then on SQS leaves it out of this figure (AWS, "Available CloudWatch
 * metrics for Amazon SQS", read 2026-11-22): what is older is a backlog, and what failed five times has an alarm of its own.
 */
const OLDEST_EVENT = Duration.minutes(20);
/** A night's ticks are gone within the hour: they are two invocations' work at a time, so as not to crowd out the events. */
const OLDEST_TICK = Duration.hours(2);
/**
 * A run that dies gives its contacts back after 31 to 35 minutes, by the window, and the next takes 5 at most. What is put off is a new
 * message each time, and to its queue never old: its age is measured by write-back itself.
 */
const OLDEST_CHANGE = Duration.minutes(45);
/**
 * A run that goes on says so by a new message after each minute or so, or when it may call HubSpot again, after 15 minutes. One whose
 * invocation dies gets its message back after 31 to 35.
 */
const OLDEST_NIGHTLY = Duration.minutes(45);
/** Decay and backfill may wait for midnight of the portal, when a day's calls are used up, and then take their turn. */
const OLDEST_BACKGROUND = Duration.hours(26);
/** What is put off comes back after 15 minutes at the latest, and a run takes 5 at most. */
const OLDEST_URGENT = Duration.minutes(20);
/** Fewer in an hour are somebody who tries the address: HubSpot repeats what is refused, so a wrong secret soon comes to more. */
const FEW_REFUSED = 4;
/** Of the daily limit. With the default reserve the background lane stops here, and all else at 90. */
const DAILY_SHARE_PERCENT = 80;
/** The night before is 24 hours back, a run may begin six hours late (lib/nightly.ts), and clocks change by one. */
const NIGHT_HOURS = 31;
/** Each of which has more than 5 percent of failed calls: one bad call among few makes such an hour, but hardly three in a row. */
const ERROR_HOURS = 3;
/** The share of the day's calls above which HubSpot certifies no app: developers.hubspot.com, "API usage guidelines", read 2026-11. */
const MOST_ERRORS = 0.05;

const PAGE = 'docs/runbook.md';

export interface AlarmsProps {
  readonly settings: Settings;
  /** Every queue that is read, by title, with its dead letters. */
  readonly queues: Readonly<
    Record<'Events' | 'Ticks' | 'Urgent' | 'Changes' | 'Background' | 'Nightly', WorkQueue>
  >;
  /** What the schedules could not hand over. */
  readonly scheduleDeadLetters: IQueue;
  readonly api: HttpApi;
  readonly usage: Usage;
}

/** What an alarm looks at, and when it goes off. */
interface Watch extends Pick<AlarmProps, 'metric' | 'threshold'> {
  /** @default above the threshold */
  readonly comparisonOperator?: ComparisonOperator;
  /** @default 1 */
  readonly evaluationPeriods?: number;
  /** @default all of the evaluation periods */
  readonly datapointsToAlarm?: number;
  /** @default NOT_BREACHING: what is not counted does not happen, and a queue that nobody uses tells nothing */
  readonly treatMissingData?: TreatMissingData;
  /** Whether its end is told too: for what lasts, not for what happened once. */
  readonly isEndTold?: boolean;
  /** Whether it is told when the metric falls silent. */
  readonly isSilenceTold?: boolean;
  /** What it means, and the first thing to do; the rest is on the page. */
  readonly text: readonly string[];
  /** Section of the runbook. */
  readonly anchor: string;
}

/**
 * What somebody has to look at. Each alarm looks at one metric (emulators know no other) but for that of the cost, and has its section
 * in docs/runbook.md. Texts hold names of settings and numbers, and nothing of a contact.
 */
export class Alarms extends Construct {
  readonly topic: AlarmTopic;
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.topic = new AlarmTopic(this, 'Topic', { email: props.settings.alarmEmail });
    const watches = {
      ...deadLetters(props),
      ...waitingTooLong(props),
      ...putOff(this),
      ...arrivals(this, props),
      ...hubSpotCalls(this),
      ...hubSpotStops(this),
      ...records(this),
      ...nights(this),
      ...(props.settings.reconcileDailyPercent > 0 && reconciliation(this)),
      ...(props.settings.alarmDollarsPerDay > 0 && { Cost: cost(props) }),
    };
    this.all = Object.entries<Watch>(watches).map(([name, watch]) => this.#alarm(name, watch));
  }

  #alarm(id: string, { text, anchor, isEndTold = false, isSilenceTold = false, ...watch }: Watch): Alarm {
    const alarm = new Alarm(this, id, {
      comparisonOperator: GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: [...text, `${PAGE}#${anchor}`].join(' '),
      ...watch,
    });
    const tell = new SnsAction(this.topic);
    alarm.addAlarmAction(tell);
    if (isEndTold) alarm.addOkAction(tell);
    if (isSilenceTold) alarm.addInsufficientDataAction(tell);
    return alarm;
  }
}

function deadLetters({ queues, scheduleDeadLetters }: AlarmsProps): Record<string, Watch> {
  const ofQueues = Object.entries(queues).map(([title, queue]): [string, Watch] => [
    `DeadLetters${title}`,
    {
      metric: waiting(queue.deadLetters, FIVE_MINUTES),
      threshold: 0,
      text: [
        `Messages of the queue ${title} were set aside that could not be dealt with; they are kept for 14 days.`,
        'Run "afterglow dead-letters" to see why, and "afterglow dead-letters retry" when the cause is gone.',
      ],
      anchor: 'dead-letters',
    },
  ]);
  return {
    ...Object.fromEntries(ofQueues),
    DeadLettersSchedule: {
      metric: waiting(scheduleDeadLetters, FIVE_MINUTES),
      threshold: 0,
      text: [
        'The schedule could not start the nightly run; what it wanted to send is kept for 14 days.',
        'Nothing is lost: the next run catches up. Start it by hand if you do not want to wait.',
      ],
      anchor: 'night-not-finished',
    },
  };
}

function longerThan(time: Duration, queue: IQueue, anchor: string, text: readonly string[]): Watch {
  return {
    metric: oldest(queue, FIVE_MINUTES),
    threshold: time.toSeconds(),
    isEndTold: true,
    text,
    anchor,
  };
}

function waitingTooLong({ queues }: AlarmsProps): Record<string, Watch> {
  const { Events, Ticks, Changes, Urgent, Nightly } = queues;
  return {
    OldestEvent: longerThan(OLDEST_EVENT, Events, 'oldest-event', [
      'An event waits for its score for more than 20 minutes: the scorer fails, or more comes in than it gets done.',
      'Nothing is lost for 4 days. Look at the errors and throttles of the scorer on the dashboard, then at its log.',
    ]),
    OldestTick: longerThan(OLDEST_TICK, Ticks, 'oldest-tick', [
      'Contacts that fade, or whose company changed, wait to be scored anew for more than 2 hours.',
      'Events are not held up by it. Look at the errors and throttles of the scorer on the dashboard, then at its log.',
    ]),
    OldestNightly: longerThan(OLDEST_NIGHTLY, Nightly, 'oldest-nightly', [
      'A nightly run, a backfill or a new scoring of all contacts has not come further for more than 45 minutes.',
      'It goes on from where it stopped. Look at the errors of nightly on the dashboard, then at its log.',
    ]),
    WriteBackLagChanges: longerThan(OLDEST_CHANGE, Changes, 'write-back-lag', [
      'A score waits to be written to HubSpot for more than 45 minutes.',
      'Nothing is lost for 4 days. If PortalStopped or ErrorShare stands too, begin there; else look at the log of write-back.',
    ]),
    WriteBackLagUrgent: longerThan(OLDEST_URGENT, Urgent, 'write-back-lag', [
      'A grade that rose waits to be written to HubSpot for more than 20 minutes.',
      'Nothing is lost for 4 days. If PortalStopped or ErrorShare stands too, begin there; else look at the log of write-back.',
    ]),
  };
}

/** The worst of the requests that write-back could not bring to their end, since each was first sent. */
function putOff(scope: Construct): Record<string, Watch> {
  const lag = (
    name: 'WriteBackLag' | 'BackgroundLag',
    longest: Duration,
    text: readonly string[],
  ): Watch => ({
    metric: measured(scope, 'write-back', name, { statistic: 'Maximum', period: STOP_PERIOD }),
    threshold: longest.toSeconds(),
    isEndTold: true,
    text,
    anchor: 'write-back-lag',
  });
  return {
    WriteBackLagPutOff: lag('WriteBackLag', OLDEST_CHANGE, [
      'A score that was put off again and again is not in HubSpot after more than 45 minutes.',
      'Nothing is lost. If PortalStopped, TokenRefused or ErrorShare stands too, begin there; else look at the log of write-back.',
    ]),
    WriteBackLagBackground: lag('BackgroundLag', OLDEST_BACKGROUND, [
      'Scores that faded are not in HubSpot after more than a day.',
      'Nothing is lost. Are the calls of the day used up again and again? Else look at the log of write-back.',
    ]),
  };
}

function arrivals(scope: Construct, { api }: AlarmsProps): Record<string, Watch> {
  return {
    RefusedSignatures: {
      metric: measured(scope, 'ingest', 'RefusedSignature', { statistic: 'Sum', period: HOUR }),
      threshold: FEW_REFUSED,
      isEndTold: true,
      text: [
        'More than 4 requests in an hour had a signature that does not hold: a wrong secret, another address than the one signed, or a stranger.',
        'If HubSpot sends them, its events are missing until the secret is right: run "afterglow doctor".',
      ],
      anchor: 'refused-signatures',
    },
    // Of the gateway, not of ingest: a function that dies, or is throttled, counts nothing.
    IngestFaults: {
      metric: api.metricServerError({ statistic: 'Sum', period: FIVE_MINUTES }),
      threshold: 0,
      evaluationPeriods: 3,
      datapointsToAlarm: 2, // A single one may be a cold start that met a slow call: HubSpot comes again.
      isEndTold: true,
      text: [
        'Requests were answered with 5xx twice within 15 minutes: no secret is filled in, or a fault of ours or of AWS.',
        'HubSpot comes again for a day. Look at "request not accepted" in the log of ingest; if there is none, at the log of explain.',
      ],
      anchor: 'own-faults-of-ingest',
    },
  };
}

function hubSpotCalls(scope: Construct): Record<string, Watch> {
  return {
    // 1 for a call that failed and 0 for one that did not: the average is the share. Of write-back alone, for whose calls somebody waits:
    // what nightly cannot read it reads later, ReconcileNotFinished tells when it never can, and what stops the one stops the other.
    ErrorShare: {
      metric: measured(scope, 'write-back', 'HubSpotFailed', { statistic: 'Average', period: HOUR }),
      threshold: MOST_ERRORS,
      evaluationPeriods: ERROR_HOURS,
      isEndTold: true,
      text: [
        'More than 5 percent of the calls to HubSpot did not succeed, in each of the last three hours.',
        'Look at status and reason of "hubspot answered" in the log of write-back; many 429s mean that others use the same token: raise hubspotReservePer10Seconds.',
      ],
      anchor: 'many-calls-fail',
    },
    // Between two calls nothing is measured: then the alarm stays as it is, until the first call of the new day.
    DailyShare: {
      metric: measured(scope, 'write-back', 'DailyShare', { statistic: 'Maximum', period: HOUR }),
      threshold: DAILY_SHARE_PERCENT,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.IGNORE,
      isEndTold: true,
      text: [
        "Of the calls that HubSpot allows the portal in a day, 80 percent are used, by Afterglow and the portal's other apps together.",
        'Decay, the nightly comparison and backfill wait for midnight of the portal from here on, everything else from hubspotDailyReservePercent before the end.',
      ],
      anchor: 'daily-limit',
    },
  };
}

function hubSpotStops(scope: Construct): Record<string, Watch> {
  return {
    TokenRefused: {
      metric: measured(scope, 'write-back', 'TokenRefused', { statistic: 'Sum', period: STOP_PERIOD }),
      threshold: 0,
      isEndTold: true,
      text: [
        'HubSpot refuses the token (401), a scope is missing (403), or no token is filled in: no score is written until it is mended.',
        'Put the right accessToken into its secret, or add the scope to the app. Then it goes on by itself.',
      ],
      anchor: 'token-refused',
    },
    PortalStopped: {
      metric: measured(scope, 'write-back', 'PortalStopped', { statistic: 'Sum', period: STOP_PERIOD }),
      threshold: 0,
      isEndTold: true,
      text: [
        'HubSpot is not called: the token is refused (401, 403), the daily limit is used up, or the account is being moved (477).',
        'Nothing is lost, and writing goes on by itself when the cause is gone.',
        'If the log of write-back says unauthorised, mend the token in its secret or the scopes of the app.',
      ],
      anchor: 'hubspot-is-not-called',
    },
  };
}

function records(scope: Construct): Record<string, Watch> {
  return {
    UnwritableProperties: {
      metric: measured(scope, 'write-back', 'UnwritableProperties', { statistic: 'Sum', period: HOUR }),
      threshold: 0,
      text: [
        'HubSpot does not let us write a property of ours: it is gone, read-only, of another type, or lacks an option.',
        'Run "afterglow portal --refresh" to see which, and "afterglow provision" to create what is missing. All other properties are written meanwhile.',
      ],
      anchor: 'a-property-cannot-be-written',
    },
    LoopBreaker: {
      metric: measured(scope, 'write-back', 'LoopBreaker', { statistic: 'Sum', period: HOUR }),
      threshold: 0,
      text: [
        'A contact was held back because it was written more often than writeBack.mostWritesPerHour.',
        'Something in the portal, often a workflow, answers each of our writes with a change that the model scores: stop it, or take that property out of the model.',
      ],
      anchor: 'a-contact-is-written-again-and-again',
    },
  };
}

/**
 * One value a night, 1 or 0, in hours of which most are empty (AWS, "Configuring how CloudWatch alarms treat missing data", read
 * 2026-11-22):
 *
 * - A run that failed is told, unless one of its repetitions finishes within the hour. `IGNORE`: the alarm stands through the empty hours
 *   until a run finishes.
 * - A night that never came leaves no value at all. When a whole range is empty, OK becomes INSUFFICIENT_DATA (`MISSING`), which is told
 *   as an alarm is; CloudWatch looks back somewhat further than the range before it says so. A stack that is new begins with that state,
 *   and what does not change is not told. Periods of an hour may add up to seven days.
 */
function nights(scope: Construct): Record<string, Watch> {
  const finished = measured(scope, 'nightly', 'NightlyFinished', { statistic: 'Maximum', period: HOUR });
  const any = {
    metric: finished,
    threshold: 1,
    comparisonOperator: LESS_THAN_THRESHOLD,
    isEndTold: true,
    anchor: 'night-not-finished',
  };
  return {
    NightFailed: {
      ...any,
      treatMissingData: TreatMissingData.IGNORE,
      text: [
        'The nightly run failed: scores that fade stay as they were.',
        'The next run catches up. Look at the log of nightly, and run it by hand if you do not want to wait.',
      ],
    },
    NightNotFinished: {
      ...any,
      evaluationPeriods: NIGHT_HOURS,
      treatMissingData: TreatMissingData.MISSING,
      isSilenceTold: true,
      text: [
        'For more than a day no nightly run came to its end: scores that fade stay as they were.',
        'The next run catches up. Is the schedule enabled? Look at the log of nightly, and run it by hand if you do not want to wait.',
      ],
    },
  };
}

/** As NightNotFinished; an invocation that failed is a 0, and goes on from where it stopped, so one alone is not told. */
function reconciliation(scope: Construct): Record<string, Watch> {
  return {
    ReconcileNotFinished: {
      metric: measured(scope, 'nightly', 'ReconcileFinished', { statistic: 'Maximum', period: HOUR }),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: NIGHT_HOURS,
      treatMissingData: TreatMissingData.MISSING,
      isEndTold: true,
      isSilenceTold: true,
      text: [
        'For more than a day the comparison of HubSpot with the table did not come to its end: what webhooks missed stays missing.',
        'It goes on from where it stopped. Look at the log of nightly: are the calls of the day used up, or does HubSpot refuse the token?',
      ],
      anchor: 'reconciliation-not-finished',
    },
  };
}

function cost({ settings: { alarmDollarsPerDay }, usage }: AlarmsProps): Watch {
  return {
    metric: usage.dollars(DAY),
    threshold: alarmDollarsPerDay,
    text: [
      `By an estimate, more than ${alarmDollarsPerDay} dollars were used in a day (setting alarmDollarsPerDay).`,
      'The last row of the dashboard shows of what. To stop a flood at once, set the reserved concurrency of the function ingest to 0 in the console: HubSpot comes again for a day.',
    ],
    anchor: 'cost',
  };
}
