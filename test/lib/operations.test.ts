// Alarms, their pages of the runbook, and the dashboard: what an operator sees.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS } from '../../lambdas/env.ts';
import { noFigures } from '../../lambdas/nightly/run.ts';
import { LONGEST_DELAY_SECONDS } from '../../lambdas/store/queues.ts';
import { PRICES } from '../../lib/prices.ts';
import { readSettings } from '../../lib/settings.ts';
import { type Piece, PROJECT, Synthesized, sorted } from './synthesized.ts';

const SETTINGS = {
  portalId: '48221593',
  model: 'models/b2b-saas.yaml',
  timeZone: 'Europe/Berlin',
  stackName: 'Leads',
  alarmEmail: 'operators@acme.example',
  alarmDollarsPerDay: 7,
};
const QUEUES = [
  'Scorer/Events',
  'Scorer/Ticks',
  'WriteBack/Urgent',
  'WriteBack/Changes',
  'WriteBack/Background',
  'Nightly/Work',
];
const MEASURING_DOORS = ['Ingest/Function', 'Scorer/Function', 'WriteBack/Function', 'Nightly/Function'];

/** What a night finds different between HubSpot and the table, and what it finds lost. */
const DIFFERENCES = [
  'contactsUnknown',
  'contactsMissed',
  'contactsMoved',
  'contactsGone',
  'contactsMerged',
  'contactsRestored',
  'scoresMissing',
  'scoresStale',
  'scoresEdited',
  'companiesMissed',
  'companyScoresDrifted',
  'dealsMissed',
];
/** The same of deals that are credited to visits. */
const CREDIT_DIFFERENCES = ['dealsUnknown', 'dealsGone', 'dealCreditsDrifted'];
const UNKNOWABLE = ['historyCut', 'vanished', 'windowCut'];

const stack = new Synthesized(SETTINGS);
const { properties } = stack;
const titleOf = (queue: string): string =>
  queue === 'Nightly/Work' ? 'Nightly' : (queue.split('/')[1] ?? '');

const alarms = new Map(
  stack
    .ofType('AWS::CloudWatch::Alarm')
    .map(({ path, Properties }) => [path.replace('Alarms/', ''), Properties] as const),
);

/** The dimensions of a metric of an alarm, `service=write-back`. */
function dimensionsOf({ Dimensions }: Piece): string {
  return Dimensions.map(({ Name, Value }: Piece) => `${Name}=${stack.render(Value)}`).join(' ');
}

/** What an alarm looks at, in one line. */
function watched(name: string): string {
  const alarm = alarms.get(name) ?? {};
  const statistic = alarm.Statistic ?? alarm.ExtendedStatistic;
  return `${statistic} of ${alarm.Namespace} ${alarm.MetricName} ${dimensionsOf(alarm)} in ${alarm.Period} s`;
}

/** When it goes off, in one line. */
function rule(name: string): string {
  const { ComparisonOperator, Threshold, EvaluationPeriods, DatapointsToAlarm, TreatMissingData } =
    alarms.get(name) ?? {};
  return `${ComparisonOperator} ${Threshold}, ${DatapointsToAlarm ?? EvaluationPeriods} of ${EvaluationPeriods}, ${TreatMissingData}`;
}

const ONCE = 'GreaterThanThreshold 0, 1 of 1, notBreaching';
const OWN = 'Leads';
const oldest = (queue: string) =>
  `Maximum of AWS/SQS ApproximateAgeOfOldestMessage QueueName=${queue} in 300 s`;

describe('the alarms', () => {
  test.each([
    ...[...QUEUES, 'Nightly/'].map((queue) => ({
      name: `DeadLetters${queue === 'Nightly/' ? 'Schedule' : titleOf(queue)}`,
      looksAt: `Maximum of AWS/SQS ApproximateNumberOfMessagesVisible QueueName=${queue}DeadLetters in 300 s`,
      when: ONCE,
    })),
    {
      name: 'OldestEvent',
      looksAt: oldest('Scorer/Events'),
      when: 'GreaterThanThreshold 1200, 1 of 1, notBreaching',
    },
    {
      name: 'OldestTick',
      looksAt: oldest('Scorer/Ticks'),
      when: 'GreaterThanThreshold 7200, 1 of 1, notBreaching',
    },
    {
      name: 'OldestNightly',
      looksAt: oldest('Nightly/Work'),
      when: 'GreaterThanThreshold 2700, 1 of 1, notBreaching',
    },
    {
      name: 'WriteBackLagChanges',
      looksAt: oldest('WriteBack/Changes'),
      when: 'GreaterThanThreshold 2700, 1 of 1, notBreaching',
    },
    {
      name: 'WriteBackLagUrgent',
      looksAt: oldest('WriteBack/Urgent'),
      when: 'GreaterThanThreshold 1200, 1 of 1, notBreaching',
    },
    {
      name: 'WriteBackLagPutOff',
      looksAt: `Maximum of ${OWN} WriteBackLag service=write-back in 1800 s`,
      when: 'GreaterThanThreshold 2700, 1 of 1, notBreaching',
    },
    {
      name: 'WriteBackLagBackground',
      looksAt: `Maximum of ${OWN} BackgroundLag service=write-back in 1800 s`,
      when: 'GreaterThanThreshold 93600, 1 of 1, notBreaching',
    },
    {
      name: 'RefusedSignatures',
      looksAt: `Sum of ${OWN} RefusedSignature service=ingest in 3600 s`,
      when: 'GreaterThanThreshold 4, 1 of 1, notBreaching',
    },
    {
      name: 'IngestFaults',
      looksAt: 'Sum of AWS/ApiGateway 5xx ApiId=Ingest/Api in 300 s',
      when: 'GreaterThanThreshold 0, 2 of 3, notBreaching',
    },
    {
      name: 'ErrorShare',
      looksAt: `Average of ${OWN} HubSpotFailed service=write-back in 3600 s`,
      when: 'GreaterThanThreshold 0.05, 3 of 3, notBreaching',
    },
    {
      name: 'DailyShare',
      looksAt: `Maximum of ${OWN} DailyShare service=write-back in 3600 s`,
      when: 'GreaterThanOrEqualToThreshold 80, 1 of 1, ignore',
    },
    {
      name: 'TokenRefused',
      looksAt: `Sum of ${OWN} TokenRefused service=write-back in 1800 s`,
      when: ONCE,
    },
    {
      name: 'PortalStopped',
      looksAt: `Sum of ${OWN} PortalStopped service=write-back in 1800 s`,
      when: ONCE,
    },
    {
      name: 'UnwritableProperties',
      looksAt: `Sum of ${OWN} UnwritableProperties service=write-back in 3600 s`,
      when: ONCE,
    },
    { name: 'LoopBreaker', looksAt: `Sum of ${OWN} LoopBreaker service=write-back in 3600 s`, when: ONCE },
    {
      name: 'NightNotFinished',
      looksAt: `Maximum of ${OWN} NightlyFinished service=nightly in 3600 s`,
      when: 'LessThanThreshold 1, 31 of 31, missing',
    },
    {
      name: 'NightFailed',
      looksAt: `Maximum of ${OWN} NightlyFinished service=nightly in 3600 s`,
      when: 'LessThanThreshold 1, 1 of 1, ignore',
    },
    {
      name: 'ReconcileNotFinished',
      looksAt: `Maximum of ${OWN} ReconcileFinished service=nightly in 3600 s`,
      when: 'LessThanThreshold 1, 31 of 31, missing',
    },
  ])('$name looks at $looksAt', ({ name, looksAt, when }) => {
    expect(watched(name)).toBe(looksAt);
    expect(rule(name)).toBe(when);
    // With a label the CDK writes a list, which emulators of CloudWatch do not read.
    expect(alarms.get(name)).not.toHaveProperty('Metrics');
  });

  test('are these and that of the cost', () => {
    expect(sorted([...alarms.keys()])).toEqual(
      sorted([
        ...QUEUES.map((queue) => `DeadLetters${titleOf(queue)}`),
        'DeadLettersSchedule',
        'OldestEvent',
        'OldestTick',
        'OldestNightly',
        'WriteBackLagChanges',
        'WriteBackLagUrgent',
        'WriteBackLagPutOff',
        'WriteBackLagBackground',
        'RefusedSignatures',
        'IngestFaults',
        'ErrorShare',
        'DailyShare',
        'TokenRefused',
        'PortalStopped',
        'UnwritableProperties',
        'LoopBreaker',
        'NightNotFinished',
        'NightFailed',
        'ReconcileNotFinished',
        'Cost',
      ]),
    );
  });

  test('go to the topic, and so does the end of what lasts', () => {
    const told = (actions: 'AlarmActions' | 'OKActions' | 'InsufficientDataActions') =>
      sorted([...alarms].flatMap(([name, alarm]) => (alarm[actions] === undefined ? [] : [name])));
    for (const alarm of alarms.values()) {
      for (const actions of [alarm.AlarmActions, alarm.OKActions, alarm.InsufficientDataActions])
        expect((actions ?? []).map((action: Piece) => stack.render(action))).toEqual(
          actions === undefined ? [] : ['Alarms/Topic'],
        );
    }

    expect(told('AlarmActions')).toEqual(sorted([...alarms.keys()]));
    expect(told('OKActions')).toEqual([
      'DailyShare',
      'ErrorShare',
      'IngestFaults',
      'NightFailed',
      'NightNotFinished',
      'OldestEvent',
      'OldestNightly',
      'OldestTick',
      'PortalStopped',
      'ReconcileNotFinished',
      'RefusedSignatures',
      'TokenRefused',
      'WriteBackLagBackground',
      'WriteBackLagChanges',
      'WriteBackLagPutOff',
      'WriteBackLagUrgent',
    ]);
    // A night that never came leaves no value at all.
    expect(told('InsufficientDataActions')).toEqual(['NightNotFinished', 'ReconcileNotFinished']);
  });

  test('look back no further than CloudWatch allows: a week, or a day by periods under an hour', () => {
    for (const [name, { Period, EvaluationPeriods, Metrics: math }] of alarms) {
      const period = Period ?? Math.max(...math.flatMap(({ MetricStat }: Piece) => MetricStat?.Period ?? []));
      expect([name, period * EvaluationPeriods <= (period < 3_600 ? 86_400 : 604_800)]).toEqual([name, true]);
    }
  });

  test('do not end in the middle of a stop: what is put off comes back, and is counted, within their period', () => {
    const longestWindowSeconds = 300;
    expect(withWindow(longestWindowSeconds).writeBack.windowSeconds).toBe(longestWindowSeconds);
    expect(() => withWindow(longestWindowSeconds + 1)).toThrow('from 1 to 300');
    const readerSeconds = Number(properties['WriteBack/Function'].Timeout);

    // Also where an invocation takes as long as it may, after another that did.
    for (const name of ['PortalStopped', 'TokenRefused', 'WriteBackLagPutOff', 'WriteBackLagBackground'])
      expect(alarms.get(name)?.Period).toBeGreaterThanOrEqual(
        LONGEST_DELAY_SECONDS + longestWindowSeconds + 2 * readerSeconds,
      );
  });

  test.each([
    { name: 'OldestEvent', queue: 'Scorer/Events', tries: 3 },
    { name: 'OldestTick', queue: 'Scorer/Ticks', tries: 3 },
    { name: 'OldestNightly', queue: 'Nightly/Work', tries: 1 },
    { name: 'WriteBackLagChanges', queue: 'WriteBack/Changes', tries: 1 },
  ])('$name waits out $tries repetitions of a batch that failed', ({ name, queue, tries }) => {
    expect(alarms.get(name)?.Threshold).toBeGreaterThan(tries * properties[queue].VisibilityTimeout);
  });

  test('count what the doors write: namespace, dimension and names as Powertools makes them', () => {
    const byDoor = new Map(
      MEASURING_DOORS.map((path) => {
        const { POWERTOOLS_SERVICE_NAME: door = '', POWERTOOLS_METRICS_NAMESPACE: namespace = '' } =
          stack.environmentOf(path);
        return [door, written(namespace, door)];
      }),
    );
    const counted = [...alarms.values()].filter(({ Namespace }) => Namespace === OWN);

    expect(counted.length).toBeGreaterThan(0);
    for (const { Namespace, MetricName, Dimensions } of counted) {
      const door = Dimensions.find(({ Name }: Piece) => Name === 'service')?.Value;
      expect(byDoor.get(door)).toEqual({ Namespace, Dimensions });
      expect(METRICS).toHaveProperty(MetricName);
    }
  });
});

describe('the alarm of the cost', () => {
  const { Metrics: parts = [], ...alarm } = alarms.get('Cost') ?? {};
  const math = parts.find(({ Expression }: Piece) => Expression !== undefined);
  const metrics: Piece[] = parts.filter(({ MetricStat }: Piece) => MetricStat !== undefined);

  test('looks at no more metrics than an alarm may', () => {
    expect(metrics).toHaveLength(10); // AWS: "Limits that apply to alarms based on metric math expressions"
  });

  test('goes off above what the setting says, of a day', () => {
    expect(alarm).toMatchObject({ ComparisonOperator: 'GreaterThanThreshold', Threshold: 7 });
    for (const { MetricStat } of metrics) expect(MetricStat).toMatchObject({ Period: 86_400, Stat: 'Sum' });
    expect(alarm.AlarmDescription).toContain('more than 7 dollars');
  });

  test('reckons by the prices', () => {
    // A day of: a million units of each kind, a million requests, a million milliseconds of each function, 2^30 bytes of each log.
    const values = new Map(
      metrics.map(({ Id, MetricStat: { Metric } }) => [
        Id,
        Metric.MetricName === 'IncomingBytes' ? 2 ** 30 : 1_000_000,
      ]),
    );

    const dollars = evaluate(math.Expression, values);

    const { dynamoDbWrite, dynamoDbRead, httpApiRequest, lambdaRequest, lambdaArmGbSecond, logsIngested } =
      PRICES;
    const gbSeconds = 1_000 * (0.5 + 1 + 1); // ingest 512 MB, scorer and write-back 1,024 MB
    const byHand =
      3 * dynamoDbWrite.dollars + // the table, and the two indexes that move with the scores
      dynamoDbRead.dollars +
      httpApiRequest.dollars +
      lambdaRequest.dollars +
      (gbSeconds * lambdaArmGbSecond.dollars) / 1_000_000 +
      2 * logsIngested.dollars; // scorer and write-back
    expect(dollars).toBeCloseTo(byHand, 6);
  });

  test('is not hidden by a part that is silent', () => {
    for (const { Id } of metrics) expect(math.Expression).toContain(`FILL(${Id}, 0)`);
  });
});

describe('the topic', () => {
  const [policy, ...others] = stack.ofType('AWS::SNS::TopicPolicy');

  test('takes what CloudWatch of this account publishes, and nothing that is not encrypted on its way', () => {
    expect(others).toEqual([]);
    expect(policy?.Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Principal: '*',
        Action: 'sns:Publish',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }),
    ]);
  });

  test('is under no key that keeps CloudWatch from publishing', () => {
    expect(properties['Alarms/Topic']).not.toHaveProperty('KmsMasterKeyId');
  });

  test('writes to the address of the settings', () => {
    const subscriptions = stack.ofType('AWS::SNS::Subscription').map(({ Properties }) => Properties);

    expect(subscriptions).toEqual([
      { Protocol: 'email', Endpoint: 'operators@acme.example', TopicArn: expect.anything() },
    ]);
  });
});

describe('the runbook', () => {
  const page = readFileSync(join(PROJECT, 'docs/runbook.md'), 'utf8');
  const sections = page
    .split(/^## /m)
    .slice(1)
    .map((text) => ({ text, anchor: anchorOf(text.split('\n')[0] ?? '') }));

  test('is where every alarm points, in words that CloudWatch takes', () => {
    for (const { AlarmDescription } of alarms.values()) {
      expect(AlarmDescription).toMatch(/^[A-Z].* docs\/runbook\.md#[a-z0-9-]+$/);
      expect(AlarmDescription.length).toBeLessThanOrEqual(1_024); // PutMetricAlarm
    }
  });

  test('has a section for every alarm, and none for anything else', () => {
    const pointedAt = new Set(
      [...alarms.values()].map(({ AlarmDescription }) => AlarmDescription.split('#')[1]),
    );

    expect(sorted(sections.map(({ anchor }) => anchor))).toEqual(sorted([...pointedAt]));
  });

  test('names in each section the alarms that point to it', () => {
    for (const [name, { AlarmDescription }] of alarms) {
      const { text = '' } = sections.find(({ anchor }) => AlarmDescription.endsWith(`#${anchor}`)) ?? {};
      expect(text.split('\n').slice(0, 4).join('\n')).toContain(`*${name}*`);
    }
  });

  test.each(sections)('says in #$anchor what it means, where to look and what to do', ({ text }) => {
    const parts = [...text.matchAll(/^\*\*(What it means|Look here|Do this)\.\*\* \S|^\*\*Do this\.\*\*$/gm)];

    expect(parts.map(([part]) => part.slice(2, 9))).toEqual(['What it', 'Look he', 'Do this']);
  });

  test('is linked within itself to sections that are there', () => {
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);

    expect(links.filter((anchor) => !sections.some((section) => section.anchor === anchor))).toEqual([]);
  });
});

describe('the dashboard', () => {
  const { widgets }: { widgets: Piece[] } = JSON.parse(
    stack.render(properties['Dashboard/Dashboard'].DashboardBody),
  );
  const fromTop = widgets.toSorted((one, other) => one.y - other.y || one.x - other.x);

  test('answers its questions from top to bottom', () => {
    const questions = fromTop
      .filter(({ type }) => type === 'text')
      .map((widget) => widget.properties.markdown.split('\n')[0]);

    expect(questions).toEqual([
      '## Healthy?',
      '## How fresh?',
      '## Is HubSpot keeping up?',
      '## What did last night do?',
      '## What does it cost?',
    ]);
  });

  test('begins with the alarms, all of them', () => {
    const [first, second] = fromTop;

    expect(first?.properties.markdown).toContain('## Healthy?');
    expect(second?.type).toBe('alarm');
    expect(sorted(second?.properties.alarms)).toEqual(stack.pathsOf('AWS::CloudWatch::Alarm'));
  });

  test('leaves no hole, and no widget upon another', () => {
    const rows = Map.groupBy(fromTop, ({ y }) => y);
    let next = 0;
    for (const [y, row] of rows) {
      expect(y).toBe(next);
      expect(row.reduce((sum, { width }) => sum + width, 0)).toBe(24);
      expect(new Set(row.map(({ height }) => height)).size).toBe(1);
      next = y + (row[0]?.height ?? 0);
    }
  });

  test('looks at these measurements for its answers', () => {
    const answers: string[][] = [];
    for (const { type, properties: shown } of fromTop) {
      if (type === 'text') answers.push([]);
      else if (type !== 'alarm') answers.at(-1)?.push(...shown.metrics.flatMap(measurement));
    }

    const lanes = QUEUES.slice(2, 5);
    const cost = [
      'AWS/DynamoDB ConsumedWriteCapacityUnits ContactTable',
      'AWS/DynamoDB ConsumedWriteCapacityUnits due ContactTable',
      'AWS/DynamoDB ConsumedWriteCapacityUnits company ContactTable',
      'AWS/DynamoDB ConsumedReadCapacityUnits ContactTable',
      ...lambda('Duration', MEASURING_DOORS.slice(0, 3)),
      ...['Scorer', 'WriteBack'].map((door) => `AWS/Logs IncomingBytes ${door}/FunctionLogs`),
    ];
    expect(answers.map(sorted)).toEqual(
      [
        [
          ...sqs('NumberOfMessagesVisible', [
            ...QUEUES.map((queue) => `${queue}DeadLetters`),
            'Nightly/DeadLetters',
          ]),
          ...lambda('Errors', MEASURING_DOORS),
          ...lambda('Throttles', MEASURING_DOORS),
          ...own('ingest', 'RequestsAccepted', 'RefusedSignature', 'RefusedSize', 'RefusedBody'),
          'AWS/ApiGateway 5xx Ingest/Api',
        ],
        [
          ...own('scorer', 'AgeAtScore', 'AgeAtScore'), // median and p95
          ...own('write-back', 'AgeAtConfirmation', 'AgeAtConfirmation'),
          ...sqs('AgeOfOldestMessage', ['Scorer/Events']),
          ...lambda('Duration', ['Ingest/Function', 'Ingest/Function']),
        ],
        [
          ...own('write-back', 'Calls2xx', 'Calls4xx', 'Calls429', 'Calls5xx', 'CallsUnanswered'),
          ...own('write-back', 'BudgetUsed', 'DailyShare', 'HubSpotFailed'),
          ...own('write-back', 'ContactsWritten', 'WritesSuppressed', 'Postponed'),
          ...own('scorer', 'WritesSuppressed'),
          ...sqs('AgeOfOldestMessage', lanes),
          ...own('write-back', 'WriteBackLag', 'BackgroundLag'),
          ...sqs('NumberOfMessagesVisible', lanes),
        ],
        [
          ...own('nightly', 'NightlyFinished', 'NightlySeconds', 'ContactsDue', 'ContactsTicked'),
          ...own('nightly', 'ReconcileFinished', 'ReconcileSeconds', 'HubSpotCalls', 'HubSpotErrors'),
          ...own('nightly', 'PagesRead', 'RecordsCompared', 'NightDrift', 'Repaired', 'Unknowable'),
          ...DIFFERENCES.map((kind) => `${OWN} NightDrift ${kind} nightly`),
          ...UNKNOWABLE.map((kind) => `${OWN} Unknowable ${kind} nightly`),
          ...own('write-back', 'Drift'),
          ...sqs('NumberOfMessagesVisible', ['Scorer/Ticks', 'Nightly/Work']),
        ],
        [...cost, ...cost, 'AWS/ApiGateway Count Ingest/Api'], // Once for the dollars, once as they are.
      ].map(sorted),
    );
  });

  test('also tells of visits, where these are kept', () => {
    const visiting = new Synthesized(SETTINGS, { name: 'a model', attribution: {} });
    const body = visiting.render(visiting.properties['Dashboard/Dashboard'].DashboardBody);
    const all: { widgets: Piece[] } = JSON.parse(body);
    const metrics = all.widgets.flatMap(({ properties: shown }) => shown.metrics ?? []);
    const before = new Set(widgets.map((widget) => JSON.stringify({ ...widget, y: 0 })));
    const more = all.widgets.filter((widget) => !before.has(JSON.stringify({ ...widget, y: 0 })));
    const kinds = metrics
      .filter(([, name]: Piece) => name === 'NightDrift')
      .map(([, , , kind]: Piece) => kind);

    expect(kinds).toEqual(expect.arrayContaining(CREDIT_DIFFERENCES));
    expect(more.map(({ properties: shown }) => shown.title ?? shown.markdown.split('\n')[0])).toEqual([
      'What was different, and what is lost, by day',
      '## Do visits come in?',
      'Visits that browsers told of',
      'Browsers said to be somebody else’s',
      'Reports of a month, by day',
    ]);
    for (const name of [
      'SessionsAccepted',
      'SessionsFromBots',
      'SessionsRefused',
      'VisitorConflicts',
      'MonthlyReports',
    ])
      expect(metrics.map(([, metric]: Piece) => metric)).toContain(name);
  });

  test('shows of every night all that is counted of a run', () => {
    const counted = Object.keys(noFigures());
    const fading = ['due', 'ticked'];
    const work = ['pages', 'calls', 'contacts', 'companies', 'deals', 'repaired'];

    const found = [...DIFFERENCES, ...CREDIT_DIFFERENCES, ...UNKNOWABLE];

    expect(sorted([...fading, ...work, ...found])).toEqual(sorted(counted));
  });

  test('shows what the doors measure under the names they measure it by', () => {
    const shown = widgets.flatMap(({ properties: { metrics = [] } }) => metrics);
    const counted = shown.filter(([namespace]: Piece) => namespace === OWN);

    expect(counted.length).toBeGreaterThan(0);
    for (const [, name] of counted) expect(METRICS).toHaveProperty(name);
  });
});

function own(door: string, ...names: readonly string[]): string[] {
  return names.map((name) => `${OWN} ${name} ${door}`);
}

function lambda(name: string, paths: readonly string[]): string[] {
  return paths.map((path) => `AWS/Lambda ${name} ${path}`);
}

function sqs(name: string, queues: readonly string[]): string[] {
  return queues.map((queue) => `AWS/SQS Approximate${name} ${queue}`);
}

function withWindow(windowSeconds: number) {
  return readSettings({ afterglow: { ...SETTINGS, writeBack: { windowSeconds } } });
}

/** As GitHub makes an anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(' ', '-')
    .replaceAll(/[^a-z0-9-]/g, '');
}

/** Under which namespace and dimensions Powertools writes metrics in the environment of a door. */
function written(namespace: string, serviceName: string): { Namespace: string; Dimensions: object[] } {
  const before = { ...process.env };
  Object.assign(process.env, {
    POWERTOOLS_METRICS_NAMESPACE: namespace,
    POWERTOOLS_SERVICE_NAME: serviceName,
  });
  const metrics = new Metrics();
  process.env = before;
  metrics.addMetric('One', 'Count', 1);
  const { _aws: about, ...values } = metrics.serializeMetrics();
  const [{ Namespace, Dimensions } = { Namespace: '', Dimensions: [] }] = about.CloudWatchMetrics;
  expect(Dimensions).toHaveLength(1);
  return {
    Namespace,
    Dimensions: (Dimensions[0] ?? []).map((key) => ({ Name: key, Value: values[key] })),
  };
}

/** `[namespace, metric, dimension, resource, …]` as one line; nothing for a sum of others. */
function measurement(metric: Piece): string[] {
  const [namespace, name, ...rest] = metric;
  if (typeof namespace !== 'string') return [];
  const dimensions = rest.filter((part: Piece) => typeof part === 'string');
  const values = dimensions.filter((_: string, index: number) => index % 2 === 1);
  return [[namespace, name, ...values].join(' ')];
}

/** Sums `FILL(id, 0) * factor + …`, the only math there is. */
function evaluate(expression: string, values: ReadonlyMap<string, number>): number {
  const terms = expression.split(' + ').map((term) => /^FILL\((\w+), 0\)(?: \* ([\d.]+))?$/.exec(term));
  return terms.reduce((sum, term) => sum + (values.get(term?.[1] ?? '') ?? NaN) * Number(term?.[2] ?? 1), 0);
}
