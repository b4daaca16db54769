import { readDashboard } from '../../../docs/dashboard/definition.ts';
import { parseTemplate } from '../../../local/runner/template.ts';

const PLACE = { x: 0, y: 0, width: 6, height: 6 };

/** A template with a queue, an alarm on it, and a dashboard of one widget. */
function templateOf(widget: object, alarm: object = {}) {
  const body = JSON.stringify({ start: '-P1D', widgets: [{ ...PLACE, ...widget }] });
  const [before = '', after = ''] = body.split('QUEUE');
  const name = { 'Fn::GetAtt': ['Events12345678', 'QueueName'] };
  return parseTemplate({
    Resources: {
      Events12345678: { Type: 'AWS::SQS::Queue' },
      AlarmsOldestEvent9ABCDEF0: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          ComparisonOperator: 'GreaterThanThreshold',
          Dimensions: [{ Name: 'QueueName', Value: name }],
          EvaluationPeriods: 3,
          MetricName: 'Age',
          Namespace: 'AWS/SQS',
          Period: 300,
          Statistic: 'Maximum',
          Threshold: 60,
          ...alarm,
        },
      },
      Board: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: {
          DashboardBody: body.includes('QUEUE') ? { 'Fn::Join': ['', [before, name, after]] } : body,
        },
      },
    },
  });
}

function graph(metrics: unknown, properties: object = {}) {
  return {
    type: 'metric',
    properties: { view: 'timeSeries', title: 'Graph', region: 'us-east-1', metrics, ...properties },
  };
}

function sourcesOf(metrics: unknown) {
  const [widget] = readDashboard(templateOf(graph(metrics)));
  return widget !== undefined && 'shown' in widget ? widget.shown.map(({ source }) => source) : [];
}

const MEASURE = { namespace: 'AWS/EC2', name: 'DiskReadBytes', stat: 'Average', periodSeconds: 300 };

// "Metric Widget: Format for Each Metric in the Array" of the page on the dashboard's body.
test('a dot repeats what stands above it, three dots all that stands above', () => {
  expect(
    sourcesOf([
      ['AWS/EC2', 'DiskReadBytes', 'InstanceId', 'i-1'],
      ['.', '.', '.', 'i-2'],
      ['...', 'i-3'],
      ['...', { stat: 'p99', period: 60 }],
      ['.', 'DiskWriteBytes', '.', '.'],
    ]),
  ).toEqual([
    { ...MEASURE, dimensions: { InstanceId: 'i-1' } },
    { ...MEASURE, dimensions: { InstanceId: 'i-2' } },
    { ...MEASURE, dimensions: { InstanceId: 'i-3' } },
    { ...MEASURE, dimensions: { InstanceId: 'i-3' }, stat: 'p99', periodSeconds: 60 },
    { ...MEASURE, name: 'DiskWriteBytes', dimensions: { InstanceId: 'i-3' } },
  ]);
});

test('an expression between metrics is none of what dots repeat', () => {
  expect(
    sourcesOf([
      ['A', 'm', 'd', '1', { id: 'a', visible: false }],
      [{ expression: 'FILL(a, 0)' }],
      ['...', '2'],
    ]).at(-1),
  ).toMatchObject({ namespace: 'A', name: 'm', dimensions: { d: '2' } });
});

test('resources have the names that the local run gives them', () => {
  const [widget] = readDashboard(templateOf(graph([['AWS/SQS', 'Age', 'QueueName', 'QUEUE']])));

  expect(widget).toMatchObject({
    type: 'timeSeries',
    title: 'Graph',
    shown: [{ label: 'Age', isVisible: true, source: { dimensions: { QueueName: 'Events12345678' } } }],
  });
});

const ALARMS = {
  type: 'alarm',
  properties: { title: 'Alarms', alarms: ['arn:aws:cloudwatch:us-east-1:0:alarm:AlarmsOldestEvent9ABCDEF0'] },
};

test('an alarm is what its own resource says', () => {
  const [widget] = readDashboard(templateOf(ALARMS));

  expect(widget).toMatchObject({
    alarms: [
      {
        name: 'OldestEvent',
        comparison: 'GreaterThanThreshold',
        threshold: 60,
        evaluationPeriods: 3,
        datapointsToAlarm: 3,
        missing: 'missing',
        ignoresFew: false,
        shown: [
          {
            source: {
              namespace: 'AWS/SQS',
              name: 'Age',
              dimensions: { QueueName: 'Events12345678' },
              stat: 'Maximum',
              periodSeconds: 300,
            },
          },
        ],
      },
    ],
  });
});

test('an alarm on metric math has its metrics and the expression', () => {
  const metric = { Namespace: 'N', MetricName: 'm', Dimensions: [{ Name: 'd', Value: '1' }] };
  const [widget] = readDashboard(
    templateOf(ALARMS, {
      DatapointsToAlarm: 2,
      TreatMissingData: 'ignore',
      Metrics: [
        { Id: 'sum', Expression: 'FILL(m0, 0)', ReturnData: true },
        { Id: 'm0', MetricStat: { Metric: metric, Period: 86_400, Stat: 'Sum' }, ReturnData: false },
      ],
    }),
  );

  expect(widget).toMatchObject({
    alarms: [
      {
        datapointsToAlarm: 2,
        missing: 'ignore',
        shown: [
          { id: 'sum', isVisible: true, source: { expression: 'FILL(m0, 0)' } },
          {
            id: 'm0',
            isVisible: false,
            source: { namespace: 'N', name: 'm', dimensions: { d: '1' }, stat: 'Sum', periodSeconds: 86_400 },
          },
        ],
      },
    ],
  });
});

test.each([
  { what: 'a widget of another type', widget: { type: 'log', properties: {} }, message: 'received "log"' },
  { what: 'another view', widget: graph([], { view: 'pie' }), message: 'received "pie"' },
  { what: 'a property of a graph', widget: graph([], { stacked: true }), message: 'received "stacked"' },
  { what: 'an option of a metric', widget: graph([['A', 'm', { yAxis: 'right' }]]), message: 'Invalid type' },
  {
    what: 'an alarm that is none',
    widget: { ...ALARMS, properties: { title: 'A', alarms: ['arn:x:Events12345678'] } },
    message: 'Events12345678 is no alarm of the template',
  },
])('refuses $what, instead of a picture without it', ({ widget, message }) => {
  expect(() => readDashboard(templateOf(widget))).toThrow(message);
});
