import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { counted, errorShare, total, waiting } from './measurements.ts';
import type { WorkQueue } from './work-queue.ts';

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
/** Of the day's calls; HubSpot certifies no app above it. developers.hubspot.com, "API usage guidelines", read 2026-11. */
const MOST_ERRORS_PERCENT = 5;

const PAGE = 'docs/troubleshooting.md';

export interface AlarmsProps {
  /** Every queue by title, with its dead letters. */
  readonly queues: Readonly<Record<string, WorkQueue>>;
}

/** What somebody has to look at. Nobody is told yet: add an action to `all`, such as a topic of SNS. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const deadLetters = Object.entries(props.queues).map(([title, queue]) =>
      waiting(queue.deadLetters, FIVE_MINUTES, title),
    );
    this.all = [
      this.above(0, 'PortalStopped', counted('PortalStopped', STOP_PERIOD), [
        'HubSpot is not called: the token is refused (401, 403), the daily limit is used up, or the account is being moved (477).',
        'Nothing is lost, and writing goes on by itself when the cause is gone.',
        'If the log of write-back says unauthorised, mend the token in its secret or the scopes of the app.',
        `${PAGE}#hubspot-is-not-called`,
      ]),
      this.above(MOST_ERRORS_PERCENT, 'ErrorShare', errorShare(HOUR), [
        'More than 5 percent of the calls to HubSpot did not succeed in the last hour.',
        'Look at status and reason of "hubspot answered" in the log of write-back; many 429s mean that others use the same token: raise hubspotReservePer10Seconds.',
        `${PAGE}#many-calls-fail`,
      ]),
      this.above(0, 'UnwritableProperties', counted('UnwritableProperties', HOUR), [
        'HubSpot does not let us write a property of ours: it is gone, read-only, of another type, or lacks an option.',
        'Run "afterglow portal --refresh" to see which, and "afterglow provision" to create what is missing. All other properties are written meanwhile.',
        `${PAGE}#a-property-cannot-be-written`,
      ]),
      this.above(0, 'LoopBreaker', counted('LoopBreaker', HOUR), [
        'A contact was held back because it was written more often than writeBack.mostWritesPerHour.',
        'Something in the portal, often a workflow, answers each of our writes with a change that the model scores: stop it, or take that property out of the model.',
        `${PAGE}#a-contact-is-written-again-and-again`,
      ]),
      this.above(0, 'DeadLetters', total('dead letters', deadLetters, FIVE_MINUTES), [
        'Messages were set aside that could not be dealt with; they are kept for 14 days.',
        'Run "afterglow dead-letters" to see why, and "afterglow dead-letters retry" when the cause is gone.',
        `${PAGE}#dead-letters`,
      ]),
    ];
  }

  private above(threshold: number, id: string, metric: IMetric, description: readonly string[]): Alarm {
    return new Alarm(this, id, {
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      // What is not counted does not happen; and a queue that nobody uses tells nothing.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: description.join(' '),
    });
  }
}
