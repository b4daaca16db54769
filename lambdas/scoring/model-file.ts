import * as v from 'valibot';
import { closed, noList } from './closed.ts';
import { didYouMean } from './model-problems.ts';
import { ChannelName, SourceId } from './sources.ts';

/** Longest title of a rule, in characters: five of them and their dates must fit the head row of a contact. */
const TITLE_LIMIT = 60;
/** Most rules of one kind: each is looked at in every fold. */
const RULE_LIMIT = 200;
/** Most points one rule may give or take. HubSpot's own scores end at 500; ten times that is a typing mistake. */
const POINTS_LIMIT = 1000;

/** How models, rules and groups are named, and what to say where they are not. */
export const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const NAME_WANTED = 'expected lower-case letters, digits and hyphens, at most 40';

const Name = v.pipe(v.string(), v.regex(NAME, NAME_WANTED));
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

/** In front of a property's name: that of the contact's primary company. */
export const COMPANY_PREFIX = 'company.';

const PropertyName = v.pipe(
  v.string(),
  v.regex(PROPERTY_NAME, ({ input }) =>
    input.startsWith(COMPANY_PREFIX)
      ? 'expected a property of the contact: only fit rules and exclusions read its company, of whose changes no fact is kept'
      : "expected a property's internal name: lower-case letters, digits, underscores",
  ),
  v.description("The property's internal name in HubSpot, or one that your own signals carry."),
);
const Words = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  v.minLength(1),
  v.maxLength(200),
);

const FitInput = v.pipe(
  v.string(),
  v.regex(
    /^(?:company\.)?[a-z][a-z0-9_]{0,99}$/,
    "expected a property's internal name, or company. and the name of a property of the company",
  ),
  v.description(
    'Internal name of a property of the contact, or of its primary company as company.<name>. Of `email` only the domain is kept.',
  ),
);

/** What a value must be; all that are given must hold. */
const condition = {
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
        'True when one of these stands in the value as whole words; `*` extends a word (`vp*`). Letter case does not matter.',
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
  domain: v.optional(
    v.pipe(
      Words,
      v.description(
        'True when the value is an e-mail address, a domain or a URL of one of these domains or below them. `freemail` stands for the public e-mail providers.',
      ),
    ),
  ),
};
/** The keys of a condition, in the order people read them. */
export const CONDITION_KEYS = ['is', 'contains', 'atLeast', 'below', 'known', 'domain'] as const;

function hasCondition(rule: { readonly [key in (typeof CONDITION_KEYS)[number]]?: unknown }): boolean {
  return CONDITION_KEYS.some((key) => rule[key] !== undefined);
}

const NO_CONDITION = `found no condition, expected one of ${CONDITION_KEYS.join(', ')}`;

const FitRule = v.pipe(
  closed({ id: Id, title: Title, property: FitInput, ...condition, points: Points }),
  v.check((rule) => hasCondition(rule), NO_CONDITION),
);

const DEAL_STATES = ['open', 'won', 'lost'] as const;
const DealState = v.picklist(DEAL_STATES, ({ input }) => `expected open, won or lost${meantState(input)}`);

/** HubSpot's own stages are named `closedwon` and `closedlost`. */
function meantState(input: unknown): string {
  const meant = DEAL_STATES.find((state) => String(input).toLowerCase().includes(state));
  return meant === undefined ? didYouMean(input, DEAL_STATES) : `; did you mean "${meant}"?`;
}

const Exclusion = v.pipe(
  closed({
    id: Id,
    title: Title,
    property: v.optional(FitInput),
    ...condition,
    deal: v.optional(
      v.pipe(DealState, v.description('True when one of the deals of the contact is open, won or lost.')),
    ),
    onlyGroup: v.optional(
      v.pipe(Name, v.description('Leaves out the signals of this group only; the contact keeps its score.')),
    ),
  }),
  v.check(
    ({ deal, property }) => (deal === undefined) !== (property === undefined),
    ({ input }) => `found ${bothOrNeither(input, 'property', 'deal')}, expected one of them`,
  ),
  v.check((rule) => rule.property === undefined || hasCondition(rule), NO_CONDITION),
  v.check(
    (rule) => rule.deal === undefined || !hasCondition(rule),
    `found deal beside one of ${CONDITION_KEYS.join(', ')}, expected deal alone`,
  ),
);

/** Of two keys of which there must be one: what there is instead. */
function bothOrNeither(rule: object, one: string, other: string): string {
  return one in rule && other in rule ? `both ${one} and ${other}` : `neither ${one} nor ${other}`;
}

const Reset = v.pipe(
  closed({
    id: Id,
    title: Title,
    property: v.optional(PropertyName),
    to: v.optional(
      v.pipe(Words, v.description('The values whose entry starts anew; letter case does not matter.')),
    ),
    deal: v.optional(v.pipe(v.literal('lost'), v.description('Starts anew when a deal was lost.'))),
  }),
  v.check(
    ({ deal, property }) => (deal === undefined) !== (property === undefined),
    ({ input }) => `found ${bothOrNeither(input, 'property', 'deal')}, expected one of them`,
  ),
  v.check(
    ({ property, to }) => (property === undefined) === (to === undefined),
    ({ input }) => `found ${'to' in input ? 'to without property' : 'property without to'}, expected both`,
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
      v.description('Points when the changed text matches one of the patterns in `contains`.'),
    ),
    property: PropertyName,
    contains: v.pipe(
      Words,
      v.description(
        'Patterns. `/pricing` means whole parts of the path of a URL, anything else whole words; `*` stands for any characters (`/blog/*`, `demo*`). Letter case does not matter.',
      ),
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
  closed({
    kind: v.pipe(
      v.literal('touch'),
      v.description('A visit, by the source that brought it; needs the section `attribution`.'),
    ),
    channel: v.pipe(ChannelName, v.description('The kind of source, such as ai.')),
    sources: v.optional(
      v.pipe(
        v.array(SourceId),
        v.minLength(1),
        v.maxLength(200),
        v.description(
          'Ids of `models/sources.yaml`, such as chatgpt; left out, every source of the channel.',
        ),
      ),
    ),
  }),
]);

/** Longest gap and burst: what parts two visits is less than a day. */
const LONGEST_BURST_SECONDS = 86_400;
const Seconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LONGEST_BURST_SECONDS));

const SignalRule = closed({
  id: Id,
  title: Title,
  route: v.optional(
    v.pipe(
      v.picklist(['app-webhook', 'workflow', 'signals', 'snippet']),
      v.description(
        'How the signal arrives in a real portal: a property change told by the HubSpot app, a workflow that posts, your own system posting to /signals, or the snippet in the pages of your site. For readers; it does not change the score.',
      ),
    ),
  ),
  loss: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(300),
      v.description('What of it never arrives by this route. For readers; it does not change the score.'),
    ),
  ),
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
  minimumGapSeconds: v.optional(
    v.pipe(
      Seconds,
      v.description('Two of this signal closer than this many seconds count as one, the first.'),
    ),
  ),
  burst: v.optional(
    v.pipe(
      closed({
        moreThan: v.pipe(
          v.number(),
          v.integer(),
          v.minValue(1),
          v.maxValue(500),
          v.description('This many are still people.'),
        ),
        withinSeconds: v.pipe(Seconds, v.description('Length of the window, in seconds.')),
      }),
      v.description(
        'More than so many of this signal in so many seconds were a robot: they count as one, the first.',
      ),
    ),
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

/** Facts are kept 400 days, and some of them arrive late. */
export const MOST_HORIZON_DAYS = 390;
const Horizon = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(MOST_HORIZON_DAYS),
  v.description('Signals older than this many days no longer count. Facts are kept 400 days.'),
);

const Range = v.pipe(
  closed({
    min: v.pipe(v.number(), v.finite(), v.description('Lowest score.')),
    max: v.pipe(v.number(), v.finite(), v.description('Highest score.')),
  }),
  v.check(
    (range) => range.min < range.max,
    ({ input: { min, max } }) => `found min ${min} and max ${max}, expected min below max`,
  ),
  v.description('The score never leaves this range.'),
);

const Fit = v.pipe(
  closed({
    cap: v.optional(Cap),
    rules: v.pipe(
      v.array(FitRule),
      v.maxLength(RULE_LIMIT),
      v.description('What the properties of the contact and of its company are worth.'),
    ),
  }),
  v.description('Who the contact is. Fit does not fade.'),
);

const Engagement = v.pipe(
  closed({
    cap: v.optional(Cap),
    groups: v.optional(
      v.pipe(
        noList(
          v.record(
            Name,
            v.pipe(closed({ cap: Cap }), v.description('A group of signals with a cap of its own.')),
          ),
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

const Bands = v.pipe(v.array(Band), v.minLength(1), v.maxLength(20));

const Grades = v.pipe(
  closed({
    deadBand: v.optional(DeadBand, 0),
    bands: v.optional(
      v.pipe(Bands, v.description('The grades by the score, from the highest to the lowest.')),
    ),
    grid: v.optional(
      v.pipe(
        closed({
          fit: v.pipe(
            Bands,
            v.description('First part of the grade by fit, such as A, B, C; highest first.'),
          ),
          engagement: v.pipe(
            Bands,
            v.description('Second part of the grade by engagement, such as "1", "2", "3"; highest first.'),
          ),
        }),
        v.description('Grades from fit times engagement, such as A1 to C3, instead of bands.'),
      ),
    ),
  }),
  v.check(
    ({ bands, grid }) => (bands === undefined) !== (grid === undefined),
    ({ input }) => `found ${bothOrNeither(input, 'bands', 'grid')}, expected one of them`,
  ),
  v.description('The letter that stands beside the score.'),
);

const Display = v.pipe(
  closed({
    step: v.optional(
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.maxValue(50),
        v.description('Scores are shown in steps of this many points; larger steps mean fewer writes.'),
      ),
      1,
    ),
    gradeOnly: v.optional(
      v.pipe(
        v.boolean(),
        v.description('Shows grade, status and reasons and no numbers: the fewest writes.'),
      ),
      false,
    ),
  }),
  v.description('How scores are shown.'),
);

const CompanyScore = v.pipe(
  closed({
    rollUp: v.pipe(
      v.picklist(['maximum', 'mean-of-top-three']),
      v.description('How the scores of the contacts whose primary company it is become one.'),
    ),
  }),
  v.description('Writes a score on companies, in afterglow_company_score.'),
);

/** How a deal is credited to the visits before it. */
export const CREDIT_MODELS = ['first', 'last', 'linear', 'uShaped', 'timeDecay', 'markov'] as const;
export type CreditModel = (typeof CREDIT_MODELS)[number];

const CreditModels = v.pipe(
  v.array(
    v.picklist(
      CREDIT_MODELS,
      ({ input }) => `expected one of ${CREDIT_MODELS.join(', ')}${didYouMean(input, CREDIT_MODELS)}`,
    ),
  ),
  v.minLength(1),
  v.check((models) => new Set(models).size === models.length, 'expected each model once'),
  v.description(
    'How the amount of a deal is shared among the visits before it: all to the first, to the last, equal shares (linear), 40 % first and 40 % last (uShaped), halving with age (timeDecay), or by how much each source matters over all closed deals (markov). The first of the list also decides the top source.',
  ),
);

const Attribution = v.pipe(
  closed({
    windowDays: v.optional(
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.maxValue(180),
        v.description('Visits count that lie at most this many days before the deal came into its stage.'),
      ),
      90,
    ),
    models: v.optional(CreditModels, ['linear']),
    halfLifeDays: v.optional(
      v.pipe(
        v.number(),
        v.finite(),
        v.minValue(0.01),
        v.maxValue(365),
        v.description('For timeDecay: days in which the weight of a visit halves.'),
      ),
      7,
    ),
  }),
  v.description(
    'Keeps by which sources contacts came, AI assistants first of all, shows it on the contact, and credits deals. Left out: nothing of it is kept or written.',
  ),
);

const RULES_OF_A_KIND = 50;

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
  exclusions: v.optional(
    v.pipe(
      v.array(Exclusion),
      v.maxLength(RULES_OF_A_KIND),
      v.description('Who gets no score, and why; the first that holds is shown in afterglow_status.'),
    ),
    [],
  ),
  resetOn: v.optional(
    v.pipe(
      v.array(Reset),
      v.maxLength(RULES_OF_A_KIND),
      v.description('What lets a contact start anew: signals before it no longer count.'),
    ),
    [],
  ),
  companyScore: v.optional(CompanyScore),
  attribution: v.optional(Attribution),
  grades: Grades,
  display: v.optional(Display, { step: 1, gradeOnly: false }),
});

export type ModelContent = v.InferOutput<typeof ModelFile>;
export type Attribution = v.InferOutput<typeof Attribution>;
export type FitRule = v.InferOutput<typeof FitRule>;
export type SignalRule = v.InferOutput<typeof SignalRule>;
export type Exclusion = v.InferOutput<typeof Exclusion>;
export type Reset = v.InferOutput<typeof Reset>;
export type DealState = v.InferOutput<typeof DealState>;
/** What a value must be, whichever rule asks. */
export type Condition = Pick<FitRule, (typeof CONDITION_KEYS)[number]>;
export type Bands = v.InferOutput<typeof Bands>;
