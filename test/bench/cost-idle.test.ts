import { idleLines } from '../../bench/cost/idle.ts';
import { metricsIn } from '../../bench/cost/measured.ts';
import { dueShareOf } from '../../bench/cost/night.ts';
import { rowBytes, storedBytes } from '../../bench/cost/rows.ts';
import { weigh } from '../../bench/cost/storage.ts';
import { checkModel } from '../../lambdas/scoring/model.ts';

const metric = (id: string) => ({
  Id: id,
  MetricStat: { Metric: { MetricName: id }, Period: 60, Stat: 'Sum' },
});

/** Units by what they are of. */
function idle(resources: Record<string, unknown>, customMetrics = 0): Record<string, number> {
  const lines = idleLines({ Resources: resources }, customMetrics);
  return Object.fromEntries(lines.filter(({ units }) => units > 0).map(({ price, units }) => [price, units]));
}

test('an alarm counts once, and with metric math once for each metric that it fetches', () => {
  const resources = {
    Plain: { Type: 'AWS::CloudWatch::Alarm', Properties: { MetricName: 'Errors' } },
    Math: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: { Metrics: [{ Id: 'e1', Expression: 'a + b' }, metric('a'), metric('b')] },
    },
  };

  expect(idle(resources)).toEqual({ alarm: 3 });
});

test('each queue that a function reads is polled five at a time, every 20 seconds, all month', () => {
  const mapping = { Type: 'AWS::Lambda::EventSourceMapping', Properties: {} };

  // 5 · 3 a minute · 60 · 24 · 30 = 648,000 of one queue.
  expect(idle({ One: mapping, Other: mapping })).toEqual({ sqsRequest: 1_296_000 });
});

test('what stands in the template is counted, and what is free is not', () => {
  const resources = {
    Secret: { Type: 'AWS::SecretsManager::Secret', Properties: {} },
    Dashboard: { Type: 'AWS::CloudWatch::Dashboard', Properties: {} },
    Key: { Type: 'AWS::KMS::Key', Properties: {} },
    Night: { Type: 'AWS::Scheduler::Schedule', Properties: {} },
    Queue: { Type: 'AWS::SQS::Queue' },
  };

  expect(idle(resources, 7)).toEqual({
    secret: 1,
    dashboard: 1,
    kmsKey: 1,
    schedulerInvocation: 30,
    customMetric: 7,
  });
  const dollars = idleLines({ Resources: resources }, 7).reduce((sum, line) => sum + line.dollars, 0);
  // 0.40 + 3 + 1 + 30 · 0.000001 + 7 · 0.30
  expect(dollars).toBeCloseTo(6.50003, 10);
});

/** A line of the log in embedded metric format. */
function embedded(service: string, names: readonly string[], dimensions = [['service']]): string {
  const Metrics = names.map((Name) => ({ Name, Unit: 'Count' }));
  const CloudWatchMetrics = [{ Namespace: 'Afterglow', Dimensions: dimensions, Metrics }];
  return JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics }, service, reason: 'time' });
}

test('custom metrics are counted by name and the values of their dimensions, however often they are sent', () => {
  const lines = [
    embedded('scorer', ['Facts', 'Duplicates']),
    embedded('scorer', ['Facts']),
    embedded('write-back', ['Facts']),
    embedded('scorer', ['Facts'], [['service', 'reason']]),
    '{"level":"INFO","message":"scored"}',
    'no JSON at all',
  ];

  expect([...metricsIn(lines)]).toEqual([
    'Afterglow Facts service=scorer',
    'Afterglow Duplicates service=scorer',
    'Afterglow Facts service=write-back',
    'Afterglow Facts service=scorer reason=time',
  ]);
});

test('the bytes of a row are counted as in the documentation of DynamoDB', () => {
  // 'Age' and 25: 3 + 1 + 1; 'name' and 'Zoë': 4 + 4; a list of two texts: 1 + 3 + (1 + 2) + (1 + 1).
  expect(rowBytes({ Age: { N: '25' }, name: { S: 'Zoë' }, l: { L: [{ S: 'ab' }, { S: 'c' }] } })).toBe(22);
  // 'n' and -12.5: 1 + 2 + 1 + 1; 'yes' and true: 3 + 1; a map with one text: 1 + 3 + 1 + (1 + 2).
  expect(rowBytes({ n: { N: '-12.5' }, yes: { BOOL: true }, m: { M: { a: { S: 'bc' } } } })).toBe(17);
});

test('stored is the row with 100 bytes, and an entry with 100 bytes for each index in which it stands', () => {
  const keys = { pk: { S: '1#2' }, sk: { S: '#head' } }; // 2 + 3 + 2 + 5 = 12

  expect(storedBytes(keys)).toBe(112);
  expect(storedBytes({ ...keys, company: { S: 'c' } })).toBe(120); // Without a rank it stands in no index.
  // due: 3 + 4; its entry repeats the keys.
  expect(storedBytes({ ...keys, due: { S: 'n#01' } })).toBe(119 + 119);
});

/** A row of contact 2 that takes so many bytes, the 100 that DynamoDB adds among them. */
function row(sk: string, bytes: number) {
  const others = 'pk'.length + '1#2'.length + 'sk'.length + sk.length + 'v'.length + 100;
  return { pk: { S: '1#2' }, sk: { S: sk }, v: { S: 'x'.repeat(bytes - others) } };
}

test('a million contacts are a million heads, what is known of each, and twenty facts each', () => {
  const company = { pk: { S: '1#company#3' }, sk: { S: '#head' } };
  const portal = { pk: { S: '1' }, sk: { S: 'budget' } };

  const weighed = weigh([
    row('#head', 600),
    row('property#city', 200),
    row('property#email', 300),
    row('signal#1', 240),
    row('signal#2', 260),
    company,
    portal,
  ]);

  expect(weighed).toMatchObject({ headBytes: 600, propertyBytes: 500, factBytes: 250 });
  // (600 + 500 + 20 · 250) · 1,000,000 / 2^30 = 5.68 GB, at 0.25 and 0.20 a month.
  expect(weighed.gigabytesPerMillionContacts).toBeCloseTo(5.6811, 3);
  expect(weighed.dollarsPerMillionContacts).toBeCloseTo(2.5565, 3);
});

test('the share of contacts due in a night is that of the days at whose end the score shows another number', () => {
  const checked = checkModel({
    name: 'two-points',
    horizonDays: 365,
    fit: { rules: [{ id: 'known', title: 'Known', property: 'city', known: true, points: 1 }] },
    engagement: {
      signals: [
        {
          id: 'pricing',
          title: 'Looked at pricing',
          from: { kind: 'text', property: 'hs_analytics_last_url', contains: ['/pricing'] },
          points: 2,
          halfLifeDays: 30,
        },
      ],
    },
    grades: { bands: [{ grade: 'A', from: 0 }] },
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));

  // 2 points are shown as 2 until 1.5 are left, after 12.45 days, and as 1 until 0.5 are left, after 60: two days of 365.
  expect(dueShareOf(checked.model, Date.UTC(2026, 10, 4, 9)) * 365).toBe(2);
});
