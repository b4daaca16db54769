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
import type { Alarms } from './alarms.ts';
import { counted, errorShare, total, waiting } from './measurements.ts';
import type { WorkQueue } from './work-queue.ts';
import { type Lanes, lanesByTitle } from './write-back.ts';

const WIDTH = 24;
const HALF = WIDTH / 2;
const THIRD = WIDTH / 3;
const PERIOD = Duration.minutes(5);

export interface DashboardProps {
  readonly api: HttpApi;
  readonly ingest: IFunction;
  readonly scorer: IFunction;
  readonly writeBack: IFunction;
  readonly nightly: IFunction;
  readonly events: WorkQueue;
  readonly ticks: WorkQueue;
  readonly lanes: Lanes;
  /** All of them, by title. */
  readonly queues: Readonly<Record<string, WorkQueue>>;
  readonly alarms: Alarms;
}

/** One page that answers five questions from top to bottom: healthy? fresh? HubSpot keeping up? within its limits? last night? */
export class Dashboard extends Construct {
  /** Where the page is, in the console of the stack's region. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { region } = Stack.of(this);
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      defaultInterval: Duration.days(1),
      widgets: [
        ...question(
          'Healthy?',
          'No alarm, nothing in the dead letters, no errors, and no 5xx: all of these stay at 0.',
        ),
        [new AlarmStatusWidget({ title: 'Alarms', width: WIDTH, height: 3, alarms: [...props.alarms.all] })],
        healthy(props),
        ...question(
          'Fresh?',
          'How long the oldest event waits for its score. Seconds are normal, minutes are a backlog.',
        ),
        fresh(props),
        ...question(
          'HubSpot keeping up?',
          'Contacts that wait to be written. The lanes empty within minutes after a burst.',
        ),
        keepingUp(props),
        ...question(
          'Within its limits?',
          'Calls refused for a limit stay near 0: the budget waits before HubSpot has to refuse. Errors stay below 5 %.',
        ),
        withinLimits(),
        ...question('Last night?', 'One run a night. Its ticks are gone within the hour.'),
        lastNight(props),
      ],
    });
    this.url = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboard.dashboardName}`;
  }
}

function question(title: string, answer: string): IWidget[][] {
  return [[new TextWidget({ markdown: `## ${title}\n${answer}`, width: WIDTH, height: 2 })]];
}

function healthy(props: DashboardProps): IWidget[] {
  const deadLetters = Object.entries(props.queues).map(([label, queue]) =>
    waiting(queue.deadLetters, PERIOD, label),
  );
  const doors = {
    ingest: props.ingest,
    scorer: props.scorer,
    'write-back': props.writeBack,
    nightly: props.nightly,
  };
  return [
    new SingleValueWidget({ title: 'Dead letters', width: THIRD, height: 5, metrics: deadLetters }),
    graph('Errors and throttles of the functions', THIRD, 'count', [
      ...Object.entries(doors).map(([label, door]) => door.metricErrors({ label, period: PERIOD })),
      total(
        'throttles',
        Object.values(doors).map((door) => door.metricThrottles({ period: PERIOD })),
        PERIOD,
      ),
    ]),
    graph('Requests, and those not accepted', THIRD, 'count', [
      props.api.metricCount({ label: 'requests', period: PERIOD, statistic: 'Sum' }),
      props.api.metricClientError({
        label: '4xx: refused, often a wrong secret',
        period: PERIOD,
        statistic: 'Sum',
      }),
      props.api.metricServerError({ label: '5xx: our own fault', period: PERIOD, statistic: 'Sum' }),
    ]),
  ];
}

function fresh(props: DashboardProps): IWidget[] {
  return [
    graph('Oldest event waiting', HALF, 'seconds', [oldest(props.events, 'Events')]),
    graph('Time to answer HubSpot (it waits 5 s)', HALF, 'milliseconds', [
      props.ingest.metricDuration({ label: 'median', statistic: 'p50', period: PERIOD }),
      props.ingest.metricDuration({ label: 'p99', statistic: 'p99', period: PERIOD }),
    ]),
  ];
}

function keepingUp(props: DashboardProps): IWidget[] {
  const lanes = Object.entries(lanesByTitle(props.lanes));
  return [
    graph(
      'Contacts waiting',
      THIRD,
      'count',
      lanes.map(([label, lane]) => waiting(lane, PERIOD, label)),
    ),
    graph(
      'Oldest contact waiting',
      THIRD,
      'seconds',
      lanes.map(([label, lane]) => oldest(lane, label)),
    ),
    graph('Length of a write-back run (ends at 5 minutes)', THIRD, 'milliseconds', [
      props.writeBack.metricDuration({ label: 'median', statistic: 'p50', period: PERIOD }),
      props.writeBack.metricDuration({ label: 'longest', statistic: 'Maximum', period: PERIOD }),
    ]),
  ];
}

function withinLimits(): IWidget[] {
  return [
    graph('Calls to HubSpot, and those refused for a limit', THIRD, 'count', [
      counted('HubSpotCalls', PERIOD, 'calls'),
      counted('RateLimitedWindow', PERIOD, '429: limit of 10 seconds'),
      counted('RateLimitedDay', PERIOD, '429: limit of the day'),
    ]),
    graph('Calls that did not succeed', THIRD, 'percent', [errorShare(Duration.hours(1))]),
    graph('Contacts written, and requests put off or given up', THIRD, 'count', [
      counted('ContactsWritten', PERIOD, 'written'),
      counted('Postponed', PERIOD, 'put off: no call was free'),
      counted('LoopBreaker', PERIOD, 'held back: written too often'),
      counted('DeadLettered', PERIOD, 'given up: dead letters'),
    ]),
  ];
}

function lastNight(props: DashboardProps): IWidget[] {
  const day = Duration.days(1);
  return [
    new SingleValueWidget({
      title: 'Nightly runs, by day',
      width: HALF,
      height: 5,
      metrics: [
        props.nightly.metricInvocations({ label: 'runs', period: day }),
        props.nightly.metricErrors({ label: 'failed', period: day }),
      ],
    }),
    graph('Ticks waiting, up to 100 contacts each', HALF, 'count', [waiting(props.ticks, PERIOD, 'Ticks')]),
  ];
}

function oldest(queue: IQueue, label: string): IMetric {
  return queue.metricApproximateAgeOfOldestMessage({ label, statistic: 'Maximum', period: PERIOD });
}

function graph(title: string, width: number, unit: string, left: IMetric[]): IWidget {
  return new GraphWidget({
    title,
    width,
    height: 6,
    left,
    leftYAxis: { min: 0, label: unit, showUnits: false },
  });
}
