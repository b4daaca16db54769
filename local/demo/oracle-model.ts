// Reads a scoring model the plain way. Second opinion on purpose: nothing here comes from `lambdas/`, and nothing is checked.
import { parse } from 'yaml';
import type { PlainAttribution } from './oracle-credit.ts';

/** What a value must be; what is undefined is not asked. */
export interface PlainCondition {
  readonly is: readonly (string | number | boolean)[] | undefined;
  readonly contains: readonly string[] | undefined;
  readonly atLeast: number | undefined;
  readonly below: number | undefined;
  readonly known: boolean;
  readonly domain: readonly string[] | undefined;
}

export interface PlainFitRule extends PlainCondition {
  readonly title: string;
  /** With `company.` in front: of the primary company. */
  readonly property: string;
  readonly points: number;
}

export interface PlainExclusion extends PlainCondition {
  readonly id: string;
  readonly title: string;
  /** Undefined where a deal excludes. */
  readonly property: string | undefined;
  /** State of a deal that excludes. */
  readonly deal: string | undefined;
  /** The group that is left out, where the contact stays. */
  readonly onlyGroup: string | undefined;
}

export interface PlainReset {
  /** Undefined where a lost deal resets. */
  readonly property: string | undefined;
  readonly to: readonly string[];
}

export interface PlainSignal {
  readonly id: string;
  readonly title: string;
  readonly route: string | undefined;
  readonly kind: string;
  /** Name of the property, of the signal, or of the kind of source. */
  readonly of: string;
  /** Values of a transition, patterns of a text, or sources of a kind. */
  readonly words: readonly string[];
  readonly points: number;
  /** Infinity for `never`. */
  readonly halfLifeDays: number;
  /** 0 where none is asked for. */
  readonly minimumGapSeconds: number;
  readonly burst: { readonly moreThan: number; readonly withinSeconds: number } | undefined;
  readonly cap: number;
  readonly group: string | undefined;
}

/** From the highest to the lowest. */
export type PlainBands = readonly { readonly grade: string; readonly from: number }[];

/** A scoring model with its defaults filled in; a cap that is not there is Infinity. */
export interface PlainModel {
  readonly name: string;
  readonly horizonDays: number;
  readonly min: number;
  readonly max: number;
  readonly fitCap: number;
  readonly fit: readonly PlainFitRule[];
  readonly engagementCap: number;
  readonly groupCaps: ReadonlyMap<string, number>;
  readonly signals: readonly PlainSignal[];
  readonly exclusions: readonly PlainExclusion[];
  readonly resets: readonly PlainReset[];
  readonly deadBand: number;
  /** Empty where grades come from a grid. */
  readonly bands: PlainBands;
  readonly grid: { readonly fit: PlainBands; readonly engagement: PlainBands } | undefined;
  readonly step: number;
  readonly gradeOnly: boolean;
  /** How deals are credited; undefined where visits are of no interest. */
  readonly attribution: PlainAttribution | undefined;
  /** How companies are scored; undefined when they are not. */
  readonly rollUp: string | undefined;
}

/** The model in a YAML text that the real check has accepted. @throws Error where a part that must be there is missing */
export function readPlainModel(yaml: string): PlainModel {
  const root: unknown = parse(yaml);
  const fit = part(root, 'fit');
  const engagement = part(root, 'engagement');
  const grades = part(root, 'grades');
  const groups = part(engagement, 'groups');
  const grid = part(grades, 'grid');
  return {
    name: text(root, 'name') ?? '',
    horizonDays: number(root, 'horizonDays') ?? 365,
    min: number(part(root, 'range'), 'min') ?? 0,
    max: number(part(root, 'range'), 'max') ?? 100,
    fitCap: number(fit, 'cap') ?? Infinity,
    fit: list(fit, 'rules').map(plainFitRule),
    engagementCap: number(engagement, 'cap') ?? Infinity,
    groupCaps: new Map(names(groups).map((name) => [name, number(part(groups, name), 'cap') ?? Infinity])),
    signals: list(engagement, 'signals').map(plainSignal),
    exclusions: list(root, 'exclusions').map(plainExclusion),
    resets: list(root, 'resetOn').map((rule) => ({
      property: text(rule, 'property'),
      to: list(rule, 'to').map(String),
    })),
    deadBand: number(grades, 'deadBand') ?? 0,
    bands: plainBands(grades, 'bands'),
    grid:
      grid === undefined
        ? undefined
        : { fit: plainBands(grid, 'fit'), engagement: plainBands(grid, 'engagement') },
    step: number(part(root, 'display'), 'step') ?? 1,
    gradeOnly: part(part(root, 'display'), 'gradeOnly') === true,
    attribution: plainAttribution(part(root, 'attribution')),
    rollUp: text(part(root, 'companyScore'), 'rollUp'),
  };
}

function plainAttribution(section: unknown): PlainAttribution | undefined {
  if (section === undefined) return undefined;
  const models = list(section, 'models').map(String);
  return {
    windowDays: number(section, 'windowDays') ?? 90,
    models: models.length === 0 ? ['linear'] : models,
    halfLifeDays: number(section, 'halfLifeDays') ?? 7,
  };
}

function plainBands(of: unknown, name: string): PlainBands {
  return list(of, name)
    .map((band) => ({ grade: text(band, 'grade') ?? '', from: required(number(band, 'from'), 'from') }))
    .toSorted((a, b) => b.from - a.from);
}

function plainCondition(rule: unknown): PlainCondition {
  const texts = (name: string) =>
    Array.isArray(part(rule, name)) ? list(rule, name).map(String) : undefined;
  const is = part(rule, 'is');
  return {
    is: Array.isArray(is)
      ? is.filter((wanted) => ['string', 'number', 'boolean'].includes(typeof wanted))
      : undefined,
    contains: texts('contains'),
    atLeast: number(rule, 'atLeast'),
    below: number(rule, 'below'),
    known: part(rule, 'known') === true,
    domain: texts('domain'),
  };
}

function plainFitRule(rule: unknown): PlainFitRule {
  return {
    ...plainCondition(rule),
    title: text(rule, 'title') ?? '',
    property: required(text(rule, 'property'), 'property'),
    points: required(number(rule, 'points'), 'points'),
  };
}

function plainExclusion(rule: unknown): PlainExclusion {
  return {
    ...plainCondition(rule),
    id: required(text(rule, 'id'), 'id'),
    title: text(rule, 'title') ?? '',
    property: text(rule, 'property'),
    deal: text(rule, 'deal'),
    onlyGroup: text(rule, 'onlyGroup'),
  };
}

function plainSignal(rule: unknown): PlainSignal {
  const from = part(rule, 'from');
  const halfLife = part(rule, 'halfLifeDays');
  const burst = part(rule, 'burst');
  return {
    id: text(rule, 'id') ?? '',
    title: text(rule, 'title') ?? '',
    route: text(rule, 'route'),
    kind: required(text(from, 'kind'), 'kind'),
    of: required(
      text(from, 'property') ?? text(from, 'signal') ?? text(from, 'channel'),
      'property, signal or channel',
    ),
    words: [...list(from, 'to'), ...list(from, 'contains'), ...list(from, 'sources')].map(String),
    points: required(number(rule, 'points'), 'points'),
    halfLifeDays: halfLife === 'never' ? Infinity : required(number(rule, 'halfLifeDays'), 'halfLifeDays'),
    minimumGapSeconds: number(rule, 'minimumGapSeconds') ?? 0,
    burst:
      burst === undefined
        ? undefined
        : {
            moreThan: required(number(burst, 'moreThan'), 'moreThan'),
            withinSeconds: required(number(burst, 'withinSeconds'), 'withinSeconds'),
          },
    cap: number(rule, 'cap') ?? Infinity,
    group: text(rule, 'group'),
  };
}

function part(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
}

function names(of: unknown): string[] {
  return typeof of === 'object' && of !== null ? Object.keys(of) : [];
}

function list(of: unknown, name: string): unknown[] {
  const found = part(of, name);
  return Array.isArray(found) ? found : [];
}

function text(of: unknown, name: string): string | undefined {
  const found = part(of, name);
  return typeof found === 'string' ? found : undefined;
}

function number(of: unknown, name: string): number | undefined {
  const found = part(of, name);
  return typeof found === 'number' ? found : undefined;
}

function required<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`the model has a rule without ${name}`);
  return found;
}
