// The lines that CloudWatch takes for metrics, as a function really writes them: by a process of its own, in the environment that
// `lib/node-function.ts` gives it. Their form is that of the "Embedded metric format specification" (CloudWatch user guide).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as v from 'valibot';
import { measured, publishing } from '../lambdas/measured.ts';

const { jest } = import.meta;

const MODULE = join(import.meta.dirname, '../lambdas/measured.ts');
const ENVIRONMENT = { POWERTOOLS_METRICS_NAMESPACE: 'Afterglow', POWERTOOLS_SERVICE_NAME: 'scorer' };

const Line = v.looseObject({
  _aws: v.strictObject({
    Timestamp: v.number(),
    CloudWatchMetrics: v.array(
      v.strictObject({
        Namespace: v.string(),
        Dimensions: v.array(v.array(v.string())),
        Metrics: v.array(v.strictObject({ Name: v.string(), Unit: v.string() })),
      }),
    ),
  }),
});

/** What a process writes that measures so. @param script - has `count`, `observe` and `publish` */
function linesOf(script: string): string[] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      '--no-warnings',
      '--input-type=module',
      '-e',
      `import { measured } from ${JSON.stringify(MODULE)};
       const { count, observe, publish } = measured(console);
       ${script}`,
    ],
    { env: ENVIRONMENT, encoding: 'utf8' },
  );
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.split('\n').filter((line) => line !== '');
}

const read = (line: string) => v.parse(Line, JSON.parse(line));
const directive = (line: string) => {
  const { _aws: about } = read(line);
  return about.CloudWatchMetrics;
};

test('an invocation is one line: namespace, the door as its only dimension, a unit for each metric, sums and single values', () => {
  const [line = '', ...more] = linesOf(`
    count('Facts', 2); count('Facts', 3); count('ContactsScored', 1);
    observe('AgeAtScore', 1500); observe('AgeAtScore', 20);
    observe('BudgetUsed', 61.5); observe('NightlySeconds', 0.25);
    publish();`);

  expect(more).toEqual([]);
  expect(directive(line)).toEqual([
    {
      Namespace: 'Afterglow',
      Dimensions: [['service']],
      Metrics: [
        { Name: 'Facts', Unit: 'Count' },
        { Name: 'ContactsScored', Unit: 'Count' },
        { Name: 'AgeAtScore', Unit: 'Milliseconds' },
        { Name: 'BudgetUsed', Unit: 'Percent' },
        { Name: 'NightlySeconds', Unit: 'Seconds' },
      ],
    },
  ]);
  const { _aws: about, ...values } = read(line);
  expect(values).toEqual({
    service: 'scorer',
    Facts: 5,
    ContactsScored: 1,
    AgeAtScore: [1500, 20],
    BudgetUsed: 61.5,
    NightlySeconds: 0.25,
  });
  expect(Math.abs(about.Timestamp - Date.now())).toBeLessThan(60_000);
});

test('more than 100 values of one metric are several lines of at most 100 each, and nothing is said twice', () => {
  const lines = linesOf(`
    count('Facts', 250);
    for (let at = 0; at < 250; at++) observe('AgeAtScore', at);
    publish();`).map(read);

  const ages = lines.map((line) => v.parse(v.array(v.number()), line['AgeAtScore']));
  expect(ages.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(ages.flat()).toEqual(Array.from({ length: 250 }, (_, at) => at));
  expect(lines.flatMap((line) => line['Facts'] ?? [])).toEqual([250]);
});

test('what has a reason is counted in all, and once more by its reason', () => {
  const lines = linesOf(`
    count('DeadLettered', 1, 'time'); count('DeadLettered', 2, 'body'); count('DeadLettered', 1, 'time');
    publish();`);

  const told = lines.map((line) => ({
    dimensions: directive(line).flatMap(({ Dimensions }) => Dimensions),
    values: { ...read(line), _aws: undefined },
  }));
  expect(told).toEqual([
    { dimensions: [['service', 'reason']], values: { service: 'scorer', reason: 'time', DeadLettered: 2 } },
    { dimensions: [['service', 'reason']], values: { service: 'scorer', reason: 'body', DeadLettered: 2 } },
    { dimensions: [['service']], values: { service: 'scorer', DeadLettered: 4 } },
  ]);
});

test('the next invocation begins with nothing, and one that measured nothing writes nothing', () => {
  const lines = linesOf(`
    publish();
    count('Facts', 1); observe('AgeAtScore', 1); count('DeadLettered', 1, 'time'); publish();
    publish();
    count('Duplicates', 1); publish();`);

  expect(lines.map((line) => Object.keys(read(line)).slice(1))).toEqual([
    ['service', 'reason', 'DeadLettered'],
    ['service', 'Facts', 'DeadLettered', 'AgeAtScore'],
    ['service', 'Duplicates'],
  ]);
});

test('a value that is no number takes no other value of its line with it', () => {
  const [line = ''] = linesOf(`observe('DailyShare', 0 / 0); observe('DailyShare', 12); publish();`);

  expect(read(line)['DailyShare']).toBe(12);
});

test('an answer depends on no metric: where they cannot be written, that is logged, and they are forgotten', async () => {
  const said: unknown[] = [];
  const { stringify } = JSON;
  const before = process.env;
  process.env = { ...before, ...ENVIRONMENT };
  const { count, publish } = measured({ error: (message) => void said.push(message) });
  process.env = before;
  const door = publishing(
    async () => {
      count('Facts', 1);
      return 'answer';
    },
    { publish },
  );
  JSON.stringify = () => {
    throw new RangeError('out of memory');
  };
  try {
    expect(await door('event')).toBe('answer');
  } finally {
    JSON.stringify = stringify;
  }

  expect(said).toEqual(['not measured']);
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  publish();
  expect(write).not.toHaveBeenCalled();
  write.mockRestore();
});

test.each([
  { end: 'answers', run: async () => 'answer' },
  { end: 'fails', run: () => Promise.reject(new Error('throttled')) },
])('what was measured is published when an invocation $end', async ({ run }) => {
  const steps: string[] = [];
  const door = publishing(run, { publish: () => void steps.push('published') });

  await door(undefined).then(
    () => steps.push('answered'),
    () => steps.push('failed'),
  );

  expect(steps[0]).toBe('published');
  expect(steps).toHaveLength(2);
});
