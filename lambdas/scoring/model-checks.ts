import { CONDITION_KEYS, type ModelContent, type SignalRule } from './model-file.ts';
import { didYouMean, type ModelProblem, named } from './model-problems.ts';
import { isOneOf, overlap, type Sample, sampleOf } from './patterns.ts';

/** What no rule alone can say: whether the parts of a model agree. */
export function findContradictions(model: ModelContent): ModelProblem[] {
  return [
    ...findDuplicates(model),
    ...findUnknownGroups(model),
    ...findMixedKinds(model),
    ...findUnheard(model),
    ...findUnseenVisits(model),
    ...findMisusedAddress(model),
    ...findDoubleScoring(model),
    ...findEmptyPatterns(model),
    ...findSilentBursts(model),
    ...findPartSteps(model),
    ...findBandOrder(model),
    ...findUnshownCompanyScore(model),
  ];
}

type Path = ModelProblem['path'];

/** A rule of any kind, and where it stands. */
interface Placed<Rule> {
  readonly rule: Rule;
  readonly path: Path;
}

function placed<Rule>(rules: readonly Rule[], ...path: Path): Placed<Rule>[] {
  return rules.map((rule, at) => ({ rule, path: [...path, at] }));
}

function signalsOf(model: ModelContent): Placed<SignalRule>[] {
  return placed(model.engagement.signals, 'engagement', 'signals');
}

function conditionsOf(model: ModelContent) {
  return [...placed(model.fit.rules, 'fit', 'rules'), ...placed(model.exclusions, 'exclusions')];
}

function findDuplicates(model: ModelContent): ModelProblem[] {
  const seen = new Map<string, string>();
  const rules = [...conditionsOf(model), ...signalsOf(model), ...placed(model.resetOn, 'resetOn')];
  return rules.flatMap(({ rule: { id }, path }) => {
    const first = seen.get(id);
    seen.set(id, first ?? [...path, 'id'].join('.'));
    return first === undefined
      ? []
      : [
          {
            path: [...path, 'id'],
            reason: `found ${named(id)}, which ${first} is already, expected an id of its own`,
          },
        ];
  });
}

function findUnknownGroups(model: ModelContent): ModelProblem[] {
  const groups = Object.keys(model.engagement.groups);
  const members = [
    ...signalsOf(model).map(({ rule, path }) => ({ group: rule.group, path: [...path, 'group'] })),
    ...placed(model.exclusions, 'exclusions').map(({ rule, path }) => ({
      group: rule.onlyGroup,
      path: [...path, 'onlyGroup'],
    })),
  ];
  return members.flatMap(({ group, path }) => {
    if (group === undefined || groups.includes(group)) return [];
    const known = groups.length === 0 ? 'there are none' : groups.join(', ');
    const reason = `found ${named(group)}, expected one of engagement.groups (${known})${didYouMean(group, groups)}`;
    return [{ path, reason }];
  });
}

/** How values are read is said once per property: a count is no time, and neither is a word. */
function findMixedKinds(model: ModelContent): ModelProblem[] {
  const first = new Map<string, { readonly reading: string; readonly id: string }>();
  const read = [
    ...placed(model.resetOn, 'resetOn').flatMap(({ rule: { id, property }, path }) =>
      property === undefined ? [] : [{ id, property, kind: 'transition', path: [...path, 'property'] }],
    ),
    ...signalsOf(model).flatMap(({ rule: { id, from }, path }) =>
      'property' in from ? [{ id, ...from, path: [...path, 'from', 'kind'] }] : [],
    ),
  ];
  return read.flatMap(({ id, property, kind, path }) => {
    // A transition and a text are the same change, looked at in two ways.
    const reading = kind === 'text' ? 'transition' : kind;
    const known = first.get(property);
    if (known === undefined) first.set(property, { reading, id });
    if (known === undefined || known.reading === reading) return [];
    const reason = `found ${kind}, expected ${known.reading}, as ${known.id} reads "${property}": a property has one kind`;
    return [{ path, reason }];
  });
}

/** What HubSpot refuses to tell an app of (webhook subscriptions, read 2026-11), and what says the same instead. */
const NEVER_TOLD: ReadonlyMap<string, string> = new Map([
  ['num_unique_conversion_events', 'num_conversion_events'],
  ['hs_lastmodifieddate', 'the property whose change matters'],
  ['lastmodifieddate', 'the property whose change matters'],
]);

function findUnheard(model: ModelContent): ModelProblem[] {
  const mappings = [
    ...conditionsOf(model).map(({ rule: { property }, path }) => ({ property, path: [...path, 'property'] })),
    ...placed(model.resetOn, 'resetOn').map(({ rule: { property }, path }) => ({
      property,
      path: [...path, 'property'],
    })),
    ...signalsOf(model).map(({ rule: { from }, path }) => ({
      property: 'property' in from ? from.property : undefined,
      path: [...path, 'from', 'property'],
    })),
  ];
  return mappings.flatMap(({ property = '', path }) => {
    const name = property.replace(/^company\./, '');
    if (name.startsWith('afterglow_'))
      return [
        {
          path,
          reason: `found "${property}", which Afterglow writes, expected another property: a score must not feed on itself`,
        },
      ];
    const instead = NEVER_TOLD.get(name);
    if (instead === undefined) return [];
    return [
      { path, reason: `found "${property}", of whose changes HubSpot tells no app, expected ${instead}` },
    ];
  });
}

/** Signals that tell of visits and visitors, and of nothing that a rule could name. */
const RESERVED_SIGNALS: readonly string[] = ['session', 'identify'];

/** Visits are kept only for a model that has the section, and are no signals of one's own. */
function findUnseenVisits(model: ModelContent): ModelProblem[] {
  return signalsOf(model).flatMap(({ rule: { from }, path }) => {
    if (from.kind === 'touch' && model.attribution === undefined)
      return [
        {
          path: [...path, 'from', 'kind'],
          reason: 'found touch, expected the section attribution beside it: without it no visits are kept',
        },
      ];
    if (from.kind !== 'signal' || !RESERVED_SIGNALS.includes(from.signal)) return [];
    const reason = `found ${named(from.signal)}, which tells whose a visit was, expected another name, or the kind touch`;
    return [{ path: [...path, 'from', 'signal'], reason }];
  });
}

/** Of an address the table keeps the domain only. */
function findMisusedAddress(model: ModelContent): ModelProblem[] {
  return [...findReadAddress(model), ...findAddressSignals(model)];
}

function findAddressSignals(model: ModelContent): ModelProblem[] {
  const resets = placed(model.resetOn, 'resetOn').map(({ rule: { property }, path }) => ({ property, path }));
  const signals = signalsOf(model).flatMap(({ rule: { from }, path }) =>
    'property' in from ? [{ property: from.property, path: [...path, 'from'] }] : [],
  );
  return [...resets, ...signals]
    .filter(({ property = '' }) => ADDRESSES.includes(property))
    .map(({ property, path }) => ({
      path: [...path, 'property'],
      reason: `found ${named(property)}, expected another property: the changes of addresses are not kept`,
    }));
}

const ADDRESSES: readonly string[] = ['email', 'hs_additional_emails'];

function findReadAddress(model: ModelContent): ModelProblem[] {
  return conditionsOf(model).flatMap(({ rule, path }) => {
    if (rule.property !== 'email' && rule.property !== 'hs_additional_emails') return [];
    const wrong = CONDITION_KEYS.find(
      (key) => key !== 'domain' && key !== 'known' && rule[key] !== undefined,
    );
    if (rule.property === 'hs_additional_emails')
      return [
        {
          path: [...path, 'property'],
          reason: `found ${named(rule.property)}, expected email: further addresses are not kept`,
        },
      ];
    if (wrong === undefined) return [];
    return [
      {
        path: [...path, wrong],
        reason: `found ${wrong}, expected domain or known: only the domain of an address is kept`,
      },
    ];
  });
}

/** Properties that HubSpot changes in one act. */
const ACTS: readonly (readonly [act: string, properties: readonly string[]])[] = [
  ['a form submission', ['num_conversion_events', 'recent_conversion_date', 'recent_conversion_event_name']],
  ['a click in an e-mail', ['hs_email_click', 'hs_email_last_click_date']],
  ['the opening of an e-mail', ['hs_email_open', 'hs_email_last_open_date']],
  ['a reply', ['hs_email_replied', 'hs_email_last_reply_date', 'hs_sales_email_last_replied']],
  [
    'a visit of the site',
    [
      'hs_analytics_num_page_views',
      'hs_analytics_num_visits',
      'hs_analytics_last_visit_timestamp',
      'hs_analytics_last_timestamp',
      'hs_analytics_last_url',
    ],
  ],
];

/** One act must not be paid twice by accident; a shared cap says that it is meant. */
function findDoubleScoring(model: ModelContent): ModelProblem[] {
  const scoring = signalsOf(model)
    .filter(({ rule }) => rule.points !== 0)
    .map((placedRule) => ({ ...placedRule, samples: samplesOf(placedRule.rule) }));
  return scoring.flatMap(({ rule, path, samples }, at) => {
    const [other] = scoring.slice(0, at).flatMap((before) => {
      const isMeant = before.rule.group !== undefined && before.rule.group === rule.group;
      const act = isMeant ? undefined : sharedAct(before, { rule, samples });
      return act === undefined ? [] : [{ id: before.rule.id, act }];
    });
    if (other === undefined) return [];
    const reason = `found ${other.act}, which ${other.id} scores already, expected one of the two, or both in one group, whose cap they share`;
    return [{ path: [...path, 'from'], reason }];
  });
}

/** What two signals both score, in words; undefined when they score different things. */
function sharedAct(
  { rule: a, samples: ofA }: Sampled,
  { rule: b, samples: ofB }: Sampled,
): string | undefined {
  if (!('property' in a.from) || !('property' in b.from)) return sharedOwnAct(a.from, b.from);
  if (a.from.property !== b.from.property) {
    const { property } = a.from;
    const other = b.from.property;
    return ACTS.find(([, names]) => names.includes(property) && names.includes(other))?.[0];
  }
  if (ofA.length === 0 || ofB.length === 0) return `every change of ${a.from.property}`;
  const [isTextOfA, isTextOfB] = [a.from.kind === 'text', b.from.kind === 'text'];
  const isAwardedByBoth = (ofOne: Word, ofOther: Word) => {
    if (isTextOfA && isTextOfB) return overlap(ofOne.sample, ofOther.sample);
    if (isTextOfA) return isOneOf(ofOther.word, ofOne.sample);
    return isTextOfB ? isOneOf(ofOne.word, ofOther.sample) : ofOne.word === ofOther.word;
  };
  const both = ofB.find((other) => ofA.some((one) => isAwardedByBoth(one, other)));
  return both === undefined ? undefined : `"${both.word}" in ${a.from.property}`;
}

/** What HubSpot changes with a visit by another source: the same that a touch tells. */
const SOURCE_PROPERTIES =
  /^hs_(?:analytics_(?:latest_)?source|latest_source)(?:_data_[12]|_timestamp)?$|^hs_analytics_(?:first|last)_referrer$/;

type From = SignalRule['from'];

function sharedOwnAct(a: From, b: From): string | undefined {
  const [visit, change] = a.kind === 'touch' ? [a, b] : [b, a];
  if (visit.kind === 'touch' && 'property' in change)
    return SOURCE_PROPERTIES.test(change.property) ? 'the source of a visit' : undefined;
  if (a.kind === 'signal' && b.kind === 'signal' && a.signal === b.signal) return `the signal ${a.signal}`;
  if (a.kind !== 'touch' || b.kind !== 'touch' || a.channel !== b.channel) return undefined;
  const sources = a.sources ?? b.sources;
  const both = sources?.find((one) => b.sources?.includes(one) ?? true);
  if (sources !== undefined && both === undefined) return undefined;
  return `visits by ${a.channel}${both === undefined ? '' : `/${both}`}`;
}

/** A value or pattern that a rule awards, made ready once. */
interface Word {
  readonly word: string;
  readonly sample: Sample;
}

interface Sampled {
  readonly rule: SignalRule;
  /** None where the rule awards every value. */
  readonly samples: readonly Word[];
}

function samplesOf({ from }: SignalRule): Sampled['samples'] {
  const words = from.kind === 'transition' ? from.to : from.kind === 'text' ? from.contains : [];
  return words.map((text) => ({ word: text.toLowerCase(), sample: sampleOf(text) }));
}

/** A pattern of which nothing is left once it is put in order would be found everywhere, and a fragment nowhere. */
function findEmptyPatterns(model: ModelContent): ModelProblem[] {
  return signalsOf(model).flatMap(({ rule: { from }, path }) => {
    if (from.kind !== 'text') return [];
    return from.contains.flatMap((text, at) => {
      const here = [...path, 'from', 'contains', at];
      const isAddress = /^(?:\/|https?:)/i.test(text);
      if (isAddress && text.includes('#'))
        return [
          {
            path: here,
            reason: `found "${text}", expected it without #: what stands behind it is not compared`,
          },
        ];
      if (sampleOf(text).pattern.parts.length > 0 || /^\*+$/.test(text)) return [];
      return [
        {
          path: here,
          reason: `found "${text}", expected a path, an address or words: it would be found everywhere`,
        },
      ];
    });
  });
}

/** A gap as long as the window of a burst leaves no two that could make one; of a count, a gap says nothing. */
function findSilentBursts(model: ModelContent): ModelProblem[] {
  return signalsOf(model).flatMap(({ rule: { from, burst, minimumGapSeconds }, path }) => {
    const key = burst === undefined ? 'minimumGapSeconds' : 'burst';
    if (from.kind === 'counter' && (burst !== undefined || minimumGapSeconds !== undefined))
      return [
        { path: [...path, key], reason: `found ${key}, expected cap: a counter says how many, not how fast` },
      ];
    if (burst === undefined || (minimumGapSeconds ?? 0) < burst.withinSeconds) return [];
    const reason = `found ${burst.withinSeconds}, expected more than minimumGapSeconds (${minimumGapSeconds}): what is closer counts as one anyway`;
    return [{ path: [...path, 'burst', 'withinSeconds'], reason }];
  });
}

/** A score is rounded to whole steps: a range that ends between two would be left. */
function findPartSteps({ range, display: { step } }: ModelContent): ModelProblem[] {
  return (['min', 'max'] as const)
    .filter((end) => !Number.isInteger(range[end] / step))
    .map((end) => ({
      path: ['range', end],
      reason: `found ${range[end]}, expected a multiple of display.step (${step}), so that no score is shown outside the range`,
    }));
}

function findBandOrder({ grades, range }: ModelContent): ModelProblem[] {
  if (grades.bands !== undefined)
    return orderOf(grades.bands, ['grades', 'bands'], range.min, `range.min (${range.min})`);
  if (grades.grid === undefined) return [];
  const { fit, engagement } = grades.grid;
  return [
    ...orderOf(fit, ['grades', 'grid', 'fit'], 0, '0'),
    ...orderOf(engagement, ['grades', 'grid', 'engagement'], 0, '0'),
    ...findAmbiguousCells(fit, engagement),
  ];
}

type Bands = NonNullable<ModelContent['grades']['bands']>;

/** @param floor - where the lowest band must begin at the latest; what lies below belongs to it too */
function orderOf(bands: Bands, path: Path, floor: number, floorName: string): ModelProblem[] {
  const problems = bands.slice(1).flatMap((band, at) => {
    const above = bands[at];
    return above !== undefined && band.from < above.from
      ? []
      : [
          {
            path: [...path, at + 1, 'from'],
            reason: `found ${band.from}, expected less than ${above?.from} of the band before: bands go from the highest to the lowest`,
          },
        ];
  });
  const names = bands.map((band) => band.grade);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined)
    problems.push({ path: [...path], reason: `found "${twice}" twice, expected every grade once` });
  const lowest = bands.at(-1);
  if (lowest !== undefined && lowest.from > floor) {
    problems.push({
      path: [...path, bands.length - 1, 'from'],
      reason: `found ${lowest.from}, expected ${floorName} or less, so that every score has a grade`,
    });
  }
  return problems;
}

/** A1 must be read one way only: with fit A and A1, and engagement 1 and 11, A11 could be two cells. */
function findAmbiguousCells(fit: Bands, engagement: Bands): ModelProblem[] {
  const seen = new Set<string>();
  for (const row of fit) {
    for (const column of engagement) {
      const cell = row.grade + column.grade;
      if (seen.has(cell))
        return [
          {
            path: ['grades', 'grid'],
            reason: `found two cells named "${cell}", expected names of which each makes its own cells`,
          },
        ];
      seen.add(cell);
    }
  }
  return [];
}

function findUnshownCompanyScore({ display, companyScore }: ModelContent): ModelProblem[] {
  if (companyScore === undefined || !display.gradeOnly) return [];
  const reason =
    'found a company score, expected none with display.gradeOnly: it is made of the scores that are shown';
  return [{ path: ['companyScore'], reason }];
}
