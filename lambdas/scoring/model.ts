import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { nearest } from './nearest.ts';

/** Longest title of a rule, in characters: five of them and their dates must fit the head row of a contact. */
const TITLE_LIMIT = 60;
/** Most rules of one kind: each is looked at in every fold. */
const RULE_LIMIT = 200;
/** Most points one rule may give or take. HubSpot's own scores end at 500; ten times that is a typing mistake. */
const POINTS_LIMIT = 1000;

/** Longest misspelt key that is compared with the right ones. */
const KEY_LIMIT = 60;

/** An object with these keys and no others; a message about any other key names the one that was likely meant. */
function closed<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.strictObject(entries, ({ expected, received, message, path }) => {
    const key = String(path?.at(-1)?.key);
    if (expected === 'never') {
      const meant = key.length > KEY_LIMIT ? undefined : nearest(key, Object.keys(entries));
      return meant === undefined ? 'unknown key' : `unknown key; did you mean "${meant}"?`;
    }
    return received === 'undefined' && path !== undefined ? 'missing' : message;
  });
}

const Name = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected lower-case letters, digits and hyphens, at most 40'),
);
const Id = v.pipe(
  Name,
  v.description('Short name of the rule, its own among all rules; stays the same when the title changes.'),
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
/** How HubSpot names properties internally, and we the ones that signals carry. */
export const PROPERTY_NAME = /^[a-z][a-z0-9_]{0,99}$/;
/** How own signals are named. */
export const SIGNAL_NAME = /^[a-z][a-z0-9._-]{0,79}$/;

const PropertyName = v.pipe(
  v.string(),
  v.regex(PROPERTY_NAME, "expected a property's internal name: lower-case letters, digits, underscores"),
  v.description("The property's internal name in HubSpot, or one that your own signals carry."),
);
const Words = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  v.minLength(1),
  v.maxLength(200),
);

const FitRule = v.pipe(
  closed({
    id: Id,
    title: Title,
    property: PropertyName,
    is: v.optional(
      v.pipe(
        v.array(v.union([v.string(), v.number(), v.boolean()], 'expected text, a number, true or false')),
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
    atLeast: v.optional(
      v.pipe(v.number(), v.finite(), v.description('True when the value is a number not below this.')),
    ),
    below: v.optional(
      v.pipe(v.number(), v.finite(), v.description('True when the value is a number below this.')),
    ),
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
  closed({
    kind: v.pipe(v.literal('timestamp'), v.description("The property's value is the time of the signal.")),
    property: PropertyName,
  }),
  closed({
    kind: v.pipe(
      v.literal('counter'),
      v.description('Points for each one by which the count rises over the highest known.'),
    ),
    property: PropertyName,
  }),
  closed({
    kind: v.pipe(
      v.literal('transition'),
      v.description('Points when the property takes one of the values in `to`.'),
    ),
    property: PropertyName,
    to: v.pipe(Words, v.description('The values; letter case does not matter.')),
  }),
  closed({
    kind: v.pipe(
      v.literal('text'),
      v.description('Points when the changed text holds one of the strings in `contains`.'),
    ),
    property: PropertyName,
    contains: v.pipe(
      Words,
      v.description('Parts of the text, such as a path of your site; letter case does not matter.'),
    ),
  }),
  closed({
    kind: v.pipe(
      v.literal('signal'),
      v.description('One of your own signals, posted to /signals or by a workflow.'),
    ),
    signal: v.pipe(
      v.string(),
      v.regex(SIGNAL_NAME, 'expected a name such as product.login'),
      v.description('Its name, such as product.login.'),
    ),
  }),
]);

const SignalRule = closed({
  id: Id,
  title: Title,
  from: v.pipe(
    Source,
    v.description('What in HubSpot, or of your own, is this signal, and how its values are read.'),
  ),
  points: Points,
  halfLifeDays: v.pipe(
    v.union(
      [v.pipe(v.number(), v.finite(), v.minValue(0.01), v.maxValue(3650)), v.literal('never')],
      'expected a number of days, or never',
    ),
    v.description('Days in which the points halve; `never` keeps them until the horizon.'),
  ),
  cap: v.optional(Cap),
  group: v.optional(
    v.pipe(Name, v.description('The group whose cap holds this signal too; one of `engagement.groups`.')),
  ),
});

const Band = closed({
  grade: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9+-]{1,10}$/, 'expected 1 to 10 letters or digits'),
    v.description('What is shown, such as A.'),
  ),
  from: v.pipe(v.number(), v.finite(), v.description('Lowest shown score of this grade.')),
});

const Horizon = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(390),
  v.description('Signals older than this many days no longer count. Facts are kept 400 days.'),
);

const Range = v.pipe(
  closed({
    min: v.pipe(v.number(), v.finite(), v.description('Lowest score.')),
    max: v.pipe(v.number(), v.finite(), v.description('Highest score.')),
  }),
  v.check((range) => range.min < range.max, 'expected min below max'),
  v.description('The score never leaves this range.'),
);

const Fit = v.pipe(
  closed({
    cap: v.optional(Cap),
    rules: v.pipe(
      v.array(FitRule),
      v.maxLength(RULE_LIMIT),
      v.description('What the properties of the contact are worth.'),
    ),
  }),
  v.description('Who the contact is. Fit does not fade.'),
);

const Engagement = v.pipe(
  closed({
    cap: v.optional(Cap),
    groups: v.optional(
      v.pipe(
        v.record(
          Name,
          v.pipe(closed({ cap: Cap }), v.description('A group of signals with a cap of its own.')),
        ),
        v.description('Signals that share a cap, by the name of their group.'),
      ),
      {},
    ),
    signals: v.pipe(
      v.array(SignalRule),
      v.maxLength(RULE_LIMIT),
      v.description('What a contact can do, and what it is worth.'),
    ),
  }),
  v.description('What the contact did. Every signal fades with its half-life.'),
);

const DeadBand = v.pipe(
  v.number(),
  v.finite(),
  v.minValue(0),
  v.maxValue(50),
  v.description(
    'A grade falls only when the score is more than this many points below its lowest score, so that it does not flap.',
  ),
);

const Grades = v.pipe(
  closed({
    deadBand: v.optional(DeadBand, 0),
    bands: v.pipe(
      v.array(Band),
      v.minLength(1),
      v.maxLength(20),
      v.description('The grades, from the highest to the lowest.'),
    ),
  }),
  v.description('The letter that stands beside the score.'),
);

const Display = v.pipe(
  closed({
    step: v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(50),
      v.description('Scores are shown in steps of this many points; larger steps mean fewer writes.'),
    ),
  }),
  v.description('How scores are shown.'),
);

/** The scoring model as a person writes it (`models/*.yaml`). The published JSON Schema is made from this. */
export const ModelFile = closed({
  name: v.pipe(
    Name,
    v.description('Name of the model; stands on every score, followed by its content hash.'),
  ),
  horizonDays: v.optional(Horizon, 365),
  range: v.optional(Range, { min: 0, max: 100 }),
  fit: Fit,
  engagement: Engagement,
  grades: Grades,
  display: v.optional(Display, { step: 1 }),
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
  if (Array.isArray(content))
    return { problems: [{ path: [], reason: 'expected keys and values, not a list' }] };
  const parsed = v.safeParse(ModelFile, content, { abortPipeEarly: true });
  if (!parsed.success) return { problems: parsed.issues.map(describeIssue) };
  const problems = [
    ...findDuplicates(parsed.output),
    ...findUnknownGroups(parsed.output),
    ...findMixedKinds(parsed.output),
    ...findPartSteps(parsed.output),
    ...findBandOrder(parsed.output),
  ];
  if (problems.length > 0) return { problems };
  return { model: { ...parsed.output, id: `${parsed.output.name}@${contentHash(parsed.output)}` } };
}

function describeIssue({ path, message }: v.BaseIssue<unknown>): ModelProblem {
  const keys = (path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  return { path: keys, reason: message };
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

/** How values are read is said once per property: a count is no time, and neither is a word. */
function findMixedKinds(model: ModelContent): ModelProblem[] {
  const first = new Map<string, { readonly reading: string; readonly id: string }>();
  return model.engagement.signals.flatMap(({ id, from }, at) => {
    if (from.kind === 'signal') return [];
    // A transition and a text are the same change, looked at in two ways.
    const reading = from.kind === 'text' ? 'transition' : from.kind;
    const known = first.get(from.property);
    if (known === undefined) first.set(from.property, { reading, id });
    if (known === undefined || known.reading === reading) return [];
    return [
      {
        path: ['engagement', 'signals', at, 'from', 'kind'],
        reason: `"${from.property}" is read as ${known.reading} by ${known.id}; a property has one kind`,
      },
    ];
  });
}

/** A score is rounded to whole steps: a range that ends between two would be left. */
function findPartSteps({ range, display: { step } }: ModelContent): ModelProblem[] {
  return (['min', 'max'] as const)
    .filter((end) => !Number.isInteger(range[end] / step))
    .map((end) => ({
      path: ['range', end],
      reason: `expected a multiple of display.step (${step}), so that no score is shown outside the range`,
    }));
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
