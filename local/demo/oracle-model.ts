// Reads a scoring model the plain way. Second opinion on purpose: nothing here comes from `lambdas/`, and nothing is checked.
import { parse } from 'yaml';

export interface PlainFitRule {
  readonly property: string;
  readonly is: readonly (string | number | boolean)[] | undefined;
  readonly contains: readonly string[] | undefined;
  readonly atLeast: number | undefined;
  readonly below: number | undefined;
  readonly points: number;
}

export interface PlainSignal {
  readonly kind: string;
  /** Name of the property, or of the signal. */
  readonly of: string;
  /** Values of a transition or strings of a text. */
  readonly words: readonly string[];
  readonly points: number;
  /** Infinity for `never`. */
  readonly halfLifeDays: number;
  readonly cap: number;
  readonly group: string | undefined;
}

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
  readonly deadBand: number;
  /** From the highest to the lowest score. */
  readonly bands: readonly { readonly grade: string; readonly from: number }[];
  readonly step: number;
}

/** The model in a YAML text that the real check has accepted. @throws Error where a part that must be there is missing */
export function readPlainModel(yaml: string): PlainModel {
  const root: unknown = parse(yaml);
  const fit = part(root, 'fit');
  const engagement = part(root, 'engagement');
  const grades = part(root, 'grades');
  const groups = part(engagement, 'groups');
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
    deadBand: number(grades, 'deadBand') ?? 0,
    bands: list(grades, 'bands')
      .map((band) => ({ grade: text(band, 'grade') ?? '', from: required(number(band, 'from'), 'from') }))
      .toSorted((a, b) => b.from - a.from),
    step: number(part(root, 'display'), 'step') ?? 1,
  };
}

function plainFitRule(rule: unknown): PlainFitRule {
  const is = part(rule, 'is');
  const contains = part(rule, 'contains');
  return {
    property: required(text(rule, 'property'), 'property'),
    is: Array.isArray(is)
      ? is.filter((wanted) => ['string', 'number', 'boolean'].includes(typeof wanted))
      : undefined,
    contains: Array.isArray(contains) ? contains.map(String) : undefined,
    atLeast: number(rule, 'atLeast'),
    below: number(rule, 'below'),
    points: required(number(rule, 'points'), 'points'),
  };
}

function plainSignal(rule: unknown): PlainSignal {
  const from = part(rule, 'from');
  const halfLife = part(rule, 'halfLifeDays');
  return {
    kind: required(text(from, 'kind'), 'kind'),
    of: required(text(from, 'property') ?? text(from, 'signal'), 'property or signal'),
    words: [...list(from, 'to'), ...list(from, 'contains')].map(String),
    points: required(number(rule, 'points'), 'points'),
    halfLifeDays: halfLife === 'never' ? Infinity : required(number(rule, 'halfLifeDays'), 'halfLifeDays'),
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
