import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../lambdas/env.ts';
import type { Alarms } from './alarms.ts';
import { measured, measuredOf, oldest, waiting, weighted } from './measurements.ts';
import type { Door } from './node-function.ts';
import type { Usage } from './usage.ts';
import type { WorkQueue } from './work-queue.ts';
import { type Lanes, lanesByTitle } from './write-back.ts';

const WIDTH = 24;
const THIRD = WIDTH / 3;
const QUARTER = WIDTH / 4;
const PERIOD = Duration.minutes(5);
const BYTES_PER_MB = 1_000_000;
const HOUR = Duration.hours(1);
const DAY = Duration.days(1);

export interface DashboardProps {
  readonly api: HttpApi;
  readonly ingest: IFunction;
  readonly scorer: IFunction;
  readonly writeBack: IFunction;
  readonly nightly: IFunction;
  readonly lanes: Lanes;
  /** All that are read, by title. */
  readonly queues: Readonly<
    Record<'Events' | 'Ticks' | 'Urgent' | 'Changes' | 'Background' | 'Nightly', WorkQueue>
  >;
  /** What the schedules could not hand over. */
  readonly scheduleDeadLetters: IQueue;
  readonly usage: Usage;
  readonly alarms: Alarms;
  /** Whether visits are kept, and deals credited to them. */
  readonly hasVisits: boolean;
}

/**
 * One page that answers five questions from top to bottom: healthy? how fresh? is HubSpot keeping up? what did last night do? what does it
 * cost? And a sixth before the last, where visits are kept: do they come in?
 */
export class Dashboard extends Construct {
  /** Where the page is, in the console of the stack's region. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { region } = Stack.of(this);
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      defaultInterval: DAY,
      widgets: [
        ...question('Healthy?', 'No alarm, nothing in the dead letters, no errors, and nothing but 2xx.'),
        [new AlarmStatusWidget({ title: 'Alarms', width: WIDTH, height: 4, alarms: [...props.alarms.all] })],
        healthy(this, props),
        ...question(
          'How fresh?',
          'From what happened to the score that knows of it, and to HubSpot showing it. Seconds, and a minute or two, are normal.',
        ),
        fresh(this, props),
        ...question(
          'Is HubSpot keeping up?',
          'Nearly all calls are 2xx: the budget waits before HubSpot has to refuse. The lanes empty within minutes after a burst.',
        ),
        calls(this),
        lanes(this, props),
        ...question(
          'What did last night do?',
          'Both came to their end, and the ticks are gone within the hour. Where webhooks come through, little is found different.',
        ),
        lastNight(this),
        differences(this, props),
        ...(props.hasVisits ? visits(this) : []),
        ...question(
          'What does it cost?',
          'An estimate by list prices, without what an idle stack costs (docs/cost.md). The table is most of it.',
        ),
        costs(props),
      ],
    });
    this.url = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboard.dashboardName}`;
  }
}

function question(title: string, answer: string): IWidget[][] {
  return [[new TextWidget({ markdown: `## ${title}\n${answer}`, width: WIDTH, height: 2 })]];
}

function healthy(scope: Construct, props: DashboardProps): IWidget[] {
  const { api, queues, ingest, scorer, writeBack, nightly } = props;
  const doors = { ingest, scorer, 'write-back': writeBack, nightly };
  return [
    new SingleValueWidget({
      title: 'Dead letters',
      width: THIRD,
      height: 6,
      metrics: [
        ...Object.entries(queues).map(([label, queue]) => waiting(queue.deadLetters, PERIOD, label)),
        waiting(props.scheduleDeadLetters, PERIOD, 'Schedule'),
      ],
    }),
    graph('Errors and throttles of the functions', THIRD, 'count', [
      ...Object.entries(doors).map(([label, door]) => door.metricErrors({ label, period: PERIOD })),
      weighted(
        'throttles',
        PERIOD,
        once(Object.values(doors).map((door) => door.metricThrottles({ period: PERIOD }))),
      ),
    ]),
    graph('Requests, and those refused', THIRD, 'count', [
      counted(scope, 'ingest', 'RequestsAccepted', 'accepted'),
      counted(scope, 'ingest', 'RefusedSignature', '401: signature'),
      counted(scope, 'ingest', 'RefusedSize', '413: size'),
      counted(scope, 'ingest', 'RefusedBody', '400: not JSON'),
      api.metricServerError({ label: '5xx: our own fault', period: PERIOD, statistic: 'Sum' }),
    ]),
  ];
}

function fresh(scope: Construct, { queues, ingest }: DashboardProps): IWidget[] {
  const age = (door: Door, name: MetricName) => [
    measured(scope, door, name, { statistic: 'p50', period: PERIOD, label: 'median' }),
    measured(scope, door, name, { statistic: 'p95', period: PERIOD, label: 'p95' }),
  ];
  return [
    graph('Age of an event when scored', QUARTER, 'milliseconds', age('scorer', 'AgeAtScore')),
    graph(
      'Age of an event when HubSpot shows it',
      QUARTER,
      'milliseconds',
      age('write-back', 'AgeAtConfirmation'),
    ),
    graph('Oldest event waiting', QUARTER, 'seconds', [oldest(queues.Events, PERIOD, 'Events')]),
    graph('Time to answer HubSpot (it waits 5 s)', QUARTER, 'milliseconds', [
      ingest.metricDuration({ label: 'median', statistic: 'p50', period: PERIOD }),
      ingest.metricDuration({ label: 'p99', statistic: 'p99', period: PERIOD }),
    ]),
  ];
}

function calls(scope: Construct): IWidget[] {
  const highest = (name: MetricName, label: string) =>
    measured(scope, 'write-back', name, { statistic: 'Maximum', period: PERIOD, label });
  return [
    graph('Calls to HubSpot by answer', THIRD, 'count', [
      counted(scope, 'write-back', 'Calls2xx', '2xx'),
      counted(scope, 'write-back', 'Calls4xx', '4xx'),
      counted(scope, 'write-back', 'Calls429', '429: a limit'),
      counted(scope, 'write-back', 'Calls5xx', '5xx'),
      counted(scope, 'write-back', 'CallsUnanswered', 'no answer'),
    ]),
    graph('Share of the limits', THIRD, 'percent', [
      highest('BudgetUsed', 'of 10 seconds, ours'),
      highest('DailyShare', 'of the day, all apps'),
    ]),
    graph('Contacts written, and not written', THIRD, 'count', [
      counted(scope, 'write-back', 'ContactsWritten', 'written'),
      counted(scope, 'scorer', 'WritesSuppressed', 'nothing to write, said the scorer'),
      counted(scope, 'write-back', 'WritesSuppressed', 'nothing to write, said write-back'),
      counted(scope, 'write-back', 'Postponed', 'put off: no call was free'),
    ]),
  ];
}

function lanes(scope: Construct, props: DashboardProps): IWidget[] {
  const all = Object.entries(lanesByTitle(props.lanes));
  const failed = measured(scope, 'write-back', 'HubSpotFailed', { statistic: 'Average', period: HOUR });
  const putOff = (name: MetricName, label: string) =>
    measured(scope, 'write-back', name, { statistic: 'Maximum', period: PERIOD, label });
  return [
    graph('Oldest contact waiting', THIRD, 'seconds', [
      ...all.map(([label, lane]) => oldest(lane, PERIOD, label)),
      putOff('WriteBackLag', 'put off: Urgent, Changes'),
      putOff('BackgroundLag', 'put off: Background'),
    ]),
    graph(
      'Contacts waiting',
      THIRD,
      'count',
      all.map(([label, lane]) => waiting(lane, PERIOD, label)),
    ),
    graph('Calls that failed (alarm above 5 %)', THIRD, 'percent', [
      weighted('failed', HOUR, [[failed, 100]]),
    ]),
  ];
}

/** One number for a day. */
function ofDay(
  scope: Construct,
  door: Door,
  name: MetricName,
  statistic: 'Maximum' | 'Sum',
  label: string,
): IMetric {
  return measured(scope, door, name, { statistic, period: DAY, label });
}

function lastNight(scope: Construct): IWidget[] {
  return [
    new SingleValueWidget({
      title: 'Scores that fade, by day',
      width: THIRD,
      height: 5,
      metrics: [
        ofDay(scope, 'nightly', 'NightlyFinished', 'Maximum', 'finished (1 = yes)'),
        ofDay(scope, 'nightly', 'NightlySeconds', 'Maximum', 'seconds'),
        ofDay(scope, 'nightly', 'ContactsDue', 'Sum', 'contacts due'),
        ofDay(scope, 'nightly', 'ContactsTicked', 'Sum', 'contacts ticked'),
      ],
    }),
    new SingleValueWidget({
      title: 'HubSpot compared with the table, by day',
      width: 2 * THIRD,
      height: 5,
      metrics: [
        ofDay(scope, 'nightly', 'ReconcileFinished', 'Maximum', 'finished (1 = yes)'),
        ofDay(scope, 'nightly', 'ReconcileSeconds', 'Maximum', 'seconds'),
        ofDay(scope, 'nightly', 'HubSpotCalls', 'Sum', 'calls'),
        ofDay(scope, 'nightly', 'HubSpotErrors', 'Sum', 'calls that failed'),
        ofDay(scope, 'nightly', 'PagesRead', 'Sum', 'pages'),
        ofDay(scope, 'nightly', 'RecordsCompared', 'Sum', 'records'),
        ofDay(scope, 'nightly', 'NightDrift', 'Sum', 'different'),
        ofDay(scope, 'nightly', 'Repaired', 'Sum', 'repaired'),
        ofDay(scope, 'nightly', 'Unknowable', 'Sum', 'lost'),
      ],
    }),
  ];
}

/** Kinds of difference, as lambdas/nightly/run.ts counts them, and how they are called here. */
const DIFFERENCES = {
  contactsUnknown: 'contacts unknown',
  contactsMissed: 'contacts changed',
  contactsMoved: 'contacts moved',
  contactsGone: 'contacts gone',
  contactsMerged: 'contacts merged',
  contactsRestored: 'contacts back',
  scoresMissing: 'scores missing',
  scoresStale: 'scores stale',
  scoresEdited: 'scores edited',
  companiesMissed: 'companies changed',
  companyScoresDrifted: 'scores of companies',
  dealsMissed: 'deals changed',
};
/** The same of deals that are credited. */
const CREDIT_DIFFERENCES = {
  dealsUnknown: 'deals unknown',
  dealsGone: 'deals gone',
  dealCreditsDrifted: 'credits of deals',
};
/** What cannot be known any more, likewise. */
const UNKNOWABLE = {
  historyCut: 'lost: history cut',
  vanished: 'lost: no trace left',
  windowCut: 'lost: too many at once',
};

function differences(scope: Construct, { queues, hasVisits }: DashboardProps): IWidget[] {
  const ofKinds = (name: MetricName, kinds: Readonly<Record<string, string>>) =>
    Object.entries(kinds).map(([reason, label]) =>
      measuredOf(scope, 'nightly', name, reason, { statistic: 'Sum', period: DAY, label }),
    );
  return [
    new SingleValueWidget({
      title: 'What was different, and what is lost, by day',
      width: 2 * THIRD,
      height: 7,
      metrics: [
        ...ofKinds('NightDrift', { ...DIFFERENCES, ...(hasVisits && CREDIT_DIFFERENCES) }),
        ...ofKinds('Unknowable', UNKNOWABLE),
        ofDay(scope, 'write-back', 'Drift', 'Sum', 'found by write-back'),
      ],
    }),
    graph(
      'Messages waiting',
      THIRD,
      'count',
      [
        waiting(queues.Ticks, PERIOD, 'ticks, up to 100 contacts each'),
        waiting(queues.Nightly, PERIOD, 'Nightly'),
      ],
      7,
    ),
  ];
}

function visits(scope: Construct): IWidget[][] {
  return [
    ...question(
      'Do visits come in?',
      'From the snippet, few are refused, and no browser is said to be two people. A month is reported in its first night, or the next.',
    ),
    [
      graph('Visits that browsers told of', THIRD, 'count', [
        counted(scope, 'ingest', 'SessionsAccepted', 'accepted'),
        counted(scope, 'ingest', 'SessionsFromBots', 'of bots, dropped'),
        counted(scope, 'ingest', 'SessionsRefused', 'refused'),
      ]),
      graph('Browsers said to be somebody else’s', THIRD, 'count', [
        counted(scope, 'scorer', 'VisitorConflicts', 'the first stays'),
      ]),
      new SingleValueWidget({
        title: 'Reports of a month, by day',
        width: THIRD,
        height: 6,
        metrics: [ofDay(scope, 'nightly', 'MonthlyReports', 'Sum', 'put into the bucket')],
      }),
    ],
  ];
}

function costs({ usage }: DashboardProps): IWidget[] {
  const { writes, indexWrites, reads } = usage.units(HOUR);
  return [
    new SingleValueWidget({
      title: 'Estimated dollars, by day',
      width: QUARTER,
      height: 6,
      metrics: [usage.dollars(DAY)],
    }),
    graph('Units of the table, by hour', QUARTER, 'count', [
      weighted('writes', HOUR, once(writes)),
      weighted('writes of the indexes', HOUR, once(indexWrites)),
      weighted('reads', HOUR, once(reads)),
    ]),
    graph(
      'Lambda, by hour',
      QUARTER,
      'GB-seconds',
      usage.gbSeconds(HOUR).map(({ door, metric, factor }) => weighted(door, HOUR, [[metric, factor]])),
    ),
    graph(
      'Logs, by hour',
      QUARTER,
      'MB',
      usage.logBytes(HOUR).map(({ door, metric }) => weighted(door, HOUR, [[metric, 1 / BYTES_PER_MB]])),
    ),
  ];
}

function once(metrics: readonly IMetric[]): (readonly [IMetric, number])[] {
  return metrics.map((metric) => [metric, 1]);
}

function counted(scope: Construct, door: Door, name: MetricName, label: string): IMetric {
  return measured(scope, door, name, { statistic: 'Sum', period: PERIOD, label });
}

function graph(title: string, width: number, unit: string, left: IMetric[], height = 6): IWidget {
  return new GraphWidget({
    title,
    width,
    height,
    left,
    leftYAxis: { min: 0, label: unit, showUnits: false },
  });
}
