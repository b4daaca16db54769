// The stack by settings that are not the usual ones: a second one in the account, on a table that is there already.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT, Synthesized, sorted } from './synthesized.ts';

const stack = new Synthesized({
  portalId: '48221593',
  model: 'models/b2b-saas.yaml',
  timeZone: 'Europe/Berlin',
  stackName: 'Rehearsal-2',
  existingTableName: 'restored-contacts',
  alarmDollarsPerDay: 0,
  ingestConcurrency: 0,
  nightlyHour: 2,
  decayEvery: 'hour',
  reconcileDailyPercent: 0,
});
const { template, properties } = stack;
const DOORS_WITH_A_TABLE = ['Scorer', 'WriteBack', 'Nightly', 'Explain'].map((door) => `${door}/Function`);

describe('a table that is there already', () => {
  test('is the one that every door and the outputs name, and no other is made', () => {
    expect(stack.ofType('AWS::DynamoDB::Table')).toEqual([]);
    expect(DOORS_WITH_A_TABLE.map((door) => stack.environmentOf(door)['CONTACT_TABLE_NAME'])).toEqual(
      DOORS_WITH_A_TABLE.map(() => 'restored-contacts'),
    );
    expect(template.Outputs['ContactTableName']?.Value).toBe('restored-contacts');
  });

  test('is what the doors may use, and its three indexes', () => {
    const statements = stack
      .ofType('AWS::IAM::Policy')
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
    const onTables = statements
      .filter(({ Action }) => [Action].flat().some((action: string) => action.startsWith('dynamodb:')))
      .flatMap(({ Resource }) => [Resource].flat().map((resource: unknown) => stack.render(resource)));

    expect(sorted([...new Set(onTables)])).toEqual(
      ['', '/index/company', '/index/due', '/index/roll'].map(
        (rest) => `arn:AWS::Partition:dynamodb:AWS::Region:AWS::AccountId:table/restored-contacts${rest}`,
      ),
    );
  });
});

test('metrics of two stacks in one account are kept apart, by the name of the stack', () => {
  const namespaces = stack
    .ofType('AWS::Lambda::Function')
    .map(({ path }) => stack.environmentOf(path)['POWERTOOLS_METRICS_NAMESPACE']);
  const watched = stack.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties.Namespace);

  expect(new Set(namespaces)).toEqual(new Set(['Rehearsal-2']));
  expect(watched).toContain('Rehearsal-2');
  expect(watched).not.toContain('Afterglow');
});

test('without a limit of dollars, nobody is told of the cost, and every alarm looks at one metric', () => {
  const alarms = stack.ofType('AWS::CloudWatch::Alarm');

  expect(alarms.map(({ path }) => path)).not.toContain('Alarms/Cost');
  for (const { Properties } of alarms) expect(Properties).not.toHaveProperty('Metrics');
});

test('where scores are to fade every hour, they are looked for at half past besides', () => {
  const schedules = stack.ofType('AWS::Scheduler::Schedule').map(({ Properties }) => ({
    at: `${Properties.ScheduleExpression} ${Properties.ScheduleExpressionTimezone}`,
    asks: JSON.parse(Properties.Target.Input),
    of: stack.render(Properties.Target.Arn),
    triesForSeconds: Properties.Target.RetryPolicy.MaximumEventAgeInSeconds,
  }));

  expect(schedules).toEqual([
    // In Berlin 02:00 does not exist on a day of March, and a run at it would be left out.
    {
      at: 'cron(0 3 * * ? *) Europe/Berlin',
      asks: { job: 'nightly', upTo: 'now' },
      of: 'Nightly/Function',
      triesForSeconds: 21_600,
    },
    {
      at: 'cron(30 * * * ? *) Europe/Berlin',
      asks: { job: 'decay', upTo: 'now' },
      of: 'Nightly/Function',
      triesForSeconds: 3_600,
    },
  ]);
  expect(template.Outputs['NightlyHour']?.Value).toBe('3');
});

test('where HubSpot is not to be compared with the table, nobody is told that it was not', () => {
  const alarms = stack.ofType('AWS::CloudWatch::Alarm').map(({ path }) => path);

  expect(stack.environmentOf('Nightly/Function')['RECONCILE_DAILY_PERCENT']).toBe('0');
  expect(alarms).not.toContain('Alarms/ReconcileNotFinished');
  expect(alarms).toContain('Alarms/NightNotFinished');
});

test('without an address, nobody is subscribed to the topic', () => {
  expect(stack.pathsOf('AWS::SNS::Topic')).toEqual(['Alarms/Topic']);
  expect(stack.ofType('AWS::SNS::Subscription')).toEqual([]);
});

test('without a reserve, ingest shares with all functions of the account', () => {
  expect(properties['Ingest/Function']).not.toHaveProperty('ReservedConcurrentExecutions');
});

/** Runs before the app, and puts a topic into its stack that does not ask for TLS. */
const PLANT_A_TOPIC = `
  import { createRequire } from 'node:module';
  const require = createRequire(${JSON.stringify(join(PROJECT, 'package.json'))});
  const { App, Stack } = require('aws-cdk-lib');
  const { Topic } = require('aws-cdk-lib/aws-sns');
  const synth = App.prototype.synth;
  App.prototype.synth = function (...options) {
    new Topic(this.node.children.find((child) => Stack.isStack(child)), 'Planted');
    return synth.apply(this, options);
  };`;

test('the app itself gives the stack its name, and fails on a finding', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'afterglow-app-'));
  const context = {
    afterglow: {
      portalId: '1',
      model: 'models/b2b-saas.yaml',
      timeZone: 'UTC',
      stackName: 'Rehearsal-2',
    },
    'aws:cdk:bundling-stacks': [],
  };

  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(PLANT_A_TOPIC)}`,
      join(PROJECT, 'bin/afterglow.ts'),
    ],
    {
      env: { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify(context) },
      encoding: 'utf8',
    },
  );
  const { artifacts } = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8'));
  rmSync(outdir, { recursive: true });

  expect(artifacts.Afterglow.properties.stackName).toBe('Rehearsal-2');
  expect(status).toBe(1);
  expect(stderr.match(/Acknowledge with '[^']+'/g)).toEqual([
    "Acknowledge with 'AwsSolutions::AwsSolutions-SNS3'",
  ]);
}, 120_000);
