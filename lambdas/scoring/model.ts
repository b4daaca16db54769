import { createHash } from 'node:crypto';
import * as v from 'valibot';

/** Longest title of a rule, in characters: five of them and their dates must fit the head row of a contact. */
const TITLE_LIMIT = 60;
/** Most rules of one kind: each is looked at in every fold. */
const RULE_LIMIT = 200;
/** Most points one rule may give or take. HubSpot's own scores end at 500; ten times that is a typing mistake. */
const POINTS_LIMIT = 1000;

const Id = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected lower-case letters, digits and hyphens, at most 40'),
  v.description('Short name of the rule; stays the same when the title changes.'),
);
const Title = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(TITLE_LIMIT),
  v.description('What a sales rep reads among the reasons; no personal data.'),
);
const Points = v.pipe(
  v.number(),
  v.finite(),
  v.minValue(-POINTS_LIMIT),
  v.maxValue(POINTS_LIMIT),
  v.description('Points given; negative takes points away.'),
);
const Cap = v.pipe(
  v.number(),
  v.finite(),
  v.minValue(0),
  v.maxValue(POINTS_LIMIT),
  v.description('The points left now, summed, stay between minus this and plus this.'),
);
const PropertyName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9_]{0,99}$/,
    "expected a property's internal name: lower-case letters, digits, underscores",
  ),
  v.description("The property's internal name in HubSpot, or one that your own signals carry."),
);
const Words = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  v.minLength(1),
  v.maxLength(200),
);

const FitRule = v.pipe(
  v.strictObject({
    id: Id,
    title: Title,
    property: PropertyName,
    is: v.optional(
      v.pipe(
        v.array(v.union([v.string(), v.number(), v.boolean()])),
        v.minLength(1),
        v.maxLength(200),
        v.description('True when the value equals one of these; letter case does not matter.'),
      ),
    ),
    contains: v.optional(
      v.pipe(
        Words,
        v.description(
          'True when one of these stands in the value as whole words; letter case does not matter.',
        ),
      ),
    ),
    atLeast: v.optional(v.pipe(v.number(), v.description('True when the value is a number not below this.'))),
    below: v.optional(v.pipe(v.number(), v.description('True when the value is a number below this.'))),
    known: v.optional(v.pipe(v.literal(true), v.description('True when the property has any value.'))),
    points: Points,
  }),
  v.check(
    (rule) =>
      rule.is !== undefined ||
      rule.contains !== undefined ||
      rule.atLeast !== undefined ||
      rule.below !== undefined ||
      rule.known === true,
    'expected a condition: one of is, contains, atLeast, below, known',
  ),
);

const Source = v.variant('kind', [
  v.strictObject({
    kind: v.pipe(v.literal('timestamp'), v.description("The property's value is the time of the signal.")),
    property: PropertyName,
  }),
  v.strictObject({
    kind: v.pipe(
      v.literal('counter'),
      v.description('Points for each one by which the count rises over the highest known.'),
    ),
    property: PropertyName,
  }),
  v.strictObject({
    kind: v.pipe(
      v.literal('transition'),
      v.description('Points when the property takes one of the values in `to`.'),
    ),
    property: PropertyName,
    to: Words,
  }),
  v.strictObject({
    kind: v.pipe(
      v.literal('text'),
      v.description('Points when the changed text holds one of the strings in `contains`.'),
    ),
    property: PropertyName,
    contains: Words,
  }),
  v.strictObject({
    kind: v.pipe(
      v.literal('signal'),
      v.description('One of your own signals, posted to /signals or by a workflow.'),
    ),
    signal: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9._-]{0,79}$/, 'expected a name such as product.login')),
  }),
]);

const SignalRule = v.strictObject({
  id: Id,
  title: Title,
  from: v.pipe(
    Source,
    v.description('What in HubSpot, or of your own, is this signal, and how its values are read.'),
  ),
  points: Points,
  halfLifeDays: v.pipe(
    v.union([v.pipe(v.number(), v.finite(), v.minValue(0.01), v.maxValue(3650)), v.literal('never')]),
    v.description('Days in which the points halve; `never` keeps them until the horizon.'),
  ),
  cap: v.optional(Cap),
  group: v.optional(Id),
});

const Band = v.strictObject({
  grade: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+-]{1,10}$/, 'expected 1 to 10 letters or digits')),
  from: v.pipe(v.number(), v.finite(), v.description('Lowest shown score of this grade.')),
});

/** The scoring model as a person writes it (`models/*.yaml`). The published JSON Schema is made from this. */
export const ModelFile = v.strictObject({
  name: Id,
  horizonDays: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(390),
      v.description('Signals older than this many days no longer count. Facts are kept 400 days.'),
    ),
    365,
  ),
  range: v.optional(
    v.pipe(
      v.strictObject({ min: v.pipe(v.number(), v.finite()), max: v.pipe(v.number(), v.finite()) }),
      v.check((range) => range.min < range.max, 'expected min below max'),
      v.description('The score never leaves this range.'),
    ),
    { min: 0, max: 100 },
  ),
  fit: v.strictObject({
    cap: v.optional(Cap),
    rules: v.pipe(v.array(FitRule), v.maxLength(RULE_LIMIT)),
  }),
  engagement: v.strictObject({
    cap: v.optional(Cap),
    groups: v.optional(v.record(Id, v.strictObject({ cap: Cap })), {}),
    signals: v.pipe(v.array(SignalRule), v.maxLength(RULE_LIMIT)),
  }),
  grades: v.strictObject({
    deadBand: v.optional(
      v.pipe(
        v.number(),
        v.finite(),
        v.minValue(0),
        v.maxValue(50),
        v.description(
          'A grade falls only when the score is this many points below its lowest score, so that it does not flap.',
        ),
      ),
      0,
    ),
    bands: v.pipe(v.array(Band), v.minLength(1), v.maxLength(20)),
  }),
  display: v.optional(
    v.strictObject({
      step: v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.maxValue(50),
        v.description('Scores are shown in steps of this many points; larger steps mean fewer writes.'),
      ),
    }),
    { step: 1 },
  ),
});

type ModelContent = v.InferOutput<typeof ModelFile>;
export type FitRule = v.InferOutput<typeof FitRule>;
export type SignalRule = v.InferOutput<typeof SignalRule>;

/** A checked scoring model. `id` is its name and content hash: the same rules always have the same id. */
export interface Model extends ModelContent {
  readonly id: string;
}

/** What is wrong with a model, and where: `path` as keys and positions from the root. */
export interface ModelProblem {
  readonly path: readonly (string | number)[];
  readonly reason: string;
}

/**
 * Checks a model that was read from a file.
 *
 * @param content - anything; unknown keys are refused, since a misspelt rule would silently not score
 * @returns the model with its defaults filled in, or every problem found
 */
export function checkModel(
  content: unknown,
): { readonly model: Model } | { readonly problems: ModelProblem[] } {
  const parsed = v.safeParse(ModelFile, content);
  if (!parsed.success) return { problems: parsed.issues.flatMap(describeIssue) };
  const problems = [
    ...findDuplicates(parsed.output),
    ...findUnknownGroups(parsed.output),
    ...findBandOrder(parsed.output),
  ];
  if (problems.length > 0) return { problems };
  return { model: { ...parsed.output, id: `${parsed.output.name}@${contentHash(parsed.output)}` } };
}

function describeIssue(issue: v.BaseIssue<unknown>): ModelProblem[] {
  const path = (issue.path ?? []).map((item) => (typeof item.key === 'number' ? item.key : String(item.key)));
  const nested = issue.issues?.flatMap((inner) => describeIssue(inner)) ?? [];
  if (nested.length > 0)
    return nested.map((inner) => ({ path: [...path, ...inner.path], reason: inner.reason }));
  return [{ path, reason: issue.message }];
}

function findDuplicates(model: ModelContent): ModelProblem[] {
  const seen = new Map<string, string>();
  const rules = [
    ...model.fit.rules.map((rule, at) => ({ id: rule.id, path: ['fit', 'rules', at, 'id'] })),
    ...model.engagement.signals.map((rule, at) => ({
      id: rule.id,
      path: ['engagement', 'signals', at, 'id'],
    })),
  ];
  return rules.flatMap(({ id, path }) => {
    const first = seen.get(id);
    seen.set(id, first ?? path.join('.'));
    return first === undefined
      ? []
      : [{ path, reason: `id "${id}" is taken by ${first}; every rule needs its own` }];
  });
}

function findUnknownGroups(model: ModelContent): ModelProblem[] {
  const groups = Object.keys(model.engagement.groups);
  return model.engagement.signals.flatMap(({ group }, at) =>
    group === undefined || groups.includes(group)
      ? []
      : [
          {
            path: ['engagement', 'signals', at, 'group'],
            reason: `group "${group}" is not among engagement.groups (${groups.join(', ') || 'none'})`,
          },
        ],
  );
}

function findBandOrder(model: ModelContent): ModelProblem[] {
  const { bands } = model.grades;
  const problems = bands.slice(1).flatMap((band, at) => {
    const above = bands[at];
    return above !== undefined && band.from < above.from
      ? []
      : [
          {
            path: ['grades', 'bands', at + 1, 'from'],
            reason: 'expected bands from the highest to the lowest score',
          },
        ];
  });
  const names = new Set(bands.map((band) => band.grade));
  if (names.size < bands.length)
    problems.push({ path: ['grades', 'bands'], reason: 'expected every grade once' });
  const lowest = bands.at(-1);
  if (lowest !== undefined && lowest.from > model.range.min) {
    problems.push({
      path: ['grades', 'bands', bands.length - 1, 'from'],
      reason: `expected the lowest band to start at range.min (${model.range.min}) or below, so that every score has a grade`,
    });
  }
  return problems;
}

/** First 12 hexadecimal digits of the SHA-256 of the content, keys in sorted order: independent of layout and comments. */
function contentHash(content: ModelContent): string {
  const canonical = JSON.stringify(content, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(canonical).digest('hex').slice(0, 12);
}

/** Properties of the contact that fit rules read. */
export function fitInputs(model: Model): string[] {
  return [...new Set(model.fit.rules.map((rule) => rule.property))];
}
