import { domainToASCII } from 'node:url';
import { type FactKind, FREEMAIL, type Model } from '../lambdas/scoring/model.ts';
import type { Bands, Condition, Exclusion, SignalRule } from '../lambdas/scoring/model-file.ts';
import { didYouMean, either, type ModelProblem, named } from '../lambdas/scoring/model-problems.ts';
import { asNumber } from '../lambdas/scoring/values.ts';
import type { PropertyDefinition } from '../local/hubspot/properties.ts';
import { freemailDomains } from './domains.ts';
import { likelyMeant, standardProperty } from './standard-properties.ts';

/** What is allowed in a model and more likely is not meant so. A model with doubts works. */
export function findDoubts(model: Model): ModelProblem[] {
  return [
    ...findMisspelt(model),
    ...findEmptyGroups(model),
    ...findPlaceholders(model),
    ...findPublicProviders(model),
    ...findUnreachableGrades(model),
    ...findMisreadTypes(model),
    ...findUnknownOptions(model),
    ...findLowCaps(model),
    ...findEverythings(model),
    ...findUnknownSources(model),
  ];
}

type Path = ModelProblem['path'];

/** The conditions on properties, and where they stand. */
function conditionsOf({ fit, exclusions }: Model) {
  return [
    ...fit.rules.map((rule, at) => ({ rule, path: ['fit', 'rules', at] })),
    ...exclusions.map((rule, at) => ({ rule, path: ['exclusions', at] })),
  ];
}

/** The properties whose changes are facts, how these are read, and where that is said. */
function readingsOf({ engagement, resetOn }: Model) {
  const resets = resetOn.flatMap(({ property, to = [] }, at) => {
    const kind: FactKind = 'transition';
    return property === undefined ? [] : [{ kind, property, to, path: ['resetOn', at] }];
  });
  const signals = engagement.signals.flatMap(({ from }, at) => {
    if (!('property' in from)) return [];
    const to = from.kind === 'transition' ? from.to : [];
    return [{ kind: from.kind, property: from.property, to, path: ['engagement', 'signals', at, 'from'] }];
  });
  return [...resets, ...signals];
}

function findMisspelt(model: Model): ModelProblem[] {
  const properties = [
    ...conditionsOf(model).map(({ rule: { property }, path }) => ({ property, path })),
    ...readingsOf(model),
  ];
  return properties.flatMap(({ property = '', path }) => {
    const meant = likelyMeant(property);
    const reason = `found ${named(property)}, which is right if it is a property of your own; did you mean "${meant}"?`;
    return meant === undefined ? [] : [{ path: [...path, 'property'], reason }];
  });
}

function findEmptyGroups({ engagement }: Model): ModelProblem[] {
  const used = new Set(engagement.signals.map(({ group }) => group));
  const reason = 'found a group of no signal, expected a signal with this group';
  return Object.keys(engagement.groups)
    .filter((group) => !used.has(group))
    .map((group) => ({ path: ['engagement', 'groups', group], reason }));
}

/** What the models that ship name on purpose: domains that do not exist, and a status that the demo portal has. */
const SHIPPED: ReadonlySet<string> = new Set(['b2b-saas', 'plg']);
const SHIPPED_NAMES: ReadonlySet<string> = new Set([
  'afterglow.example',
  'competitor.example',
  'rival.example',
  'RECYCLED',
]);

function isShipped({ name }: Model, entry: string): boolean {
  return SHIPPED.has(name) && SHIPPED_NAMES.has(entry);
}

/** `.example` is kept for documents: nobody has an address there (RFC 2606). */
function findPlaceholders(model: Model): ModelProblem[] {
  return domainsOf(model).flatMap(({ entry, path }) => {
    if (!entry.toLowerCase().endsWith('.example') || isShipped(model, entry)) return [];
    const reason = `found ${named(entry)}, which cannot exist, expected a domain that people have`;
    return [{ path, reason }];
  });
}

/** Of an exclusion, that is: as fit, a single provider may well be worth some points. */
function findPublicProviders(model: Model): ModelProblem[] {
  return domainsOf(model).flatMap(({ entry, path }) => {
    if (path[0] !== 'exclusions' || entry === FREEMAIL) return [];
    if (!freemailDomains().includes(domainToASCII(entry))) return [];
    const reason = `found ${named(entry)}, a public e-mail provider, expected a domain of one company: everybody with an address there is excluded`;
    return [{ path, reason }];
  });
}

function domainsOf(model: Model): { readonly entry: string; readonly path: Path }[] {
  return conditionsOf(model).flatMap(({ rule: { domain = [] }, path }) =>
    domain.map((entry, at) => ({ entry, path: [...path, 'domain', at] })),
  );
}

/** The score cannot pass the range, nor what all rules together may give under their caps. */
function findUnreachableGrades({ fit, engagement, range, grades, display }: Model): ModelProblem[] {
  const mostFit = Math.min(sumOf(fit.rules.map(({ points }) => points)), fit.cap ?? Infinity);
  const mostEngagement = mostOf(engagement);
  const mostScore = Math.min(range.max, Math.max(range.min, mostFit + mostEngagement));
  const unreachable = (bands: Bands, most: number, what: string, path: Path) => {
    const shown = Number.isFinite(most) ? Math.round(most / display.step) * display.step : most;
    const reason = (from: number) => `found ${from}, which no ${what} reaches, expected ${shown} or less`;
    return bands.flatMap(({ from }, at) =>
      from > shown ? [{ path: [...path, at, 'from'], reason: reason(from) }] : [],
    );
  };
  return [
    ...unreachable(grades.bands ?? [], mostScore, 'score', ['grades', 'bands']),
    ...unreachable(grades.grid?.fit ?? [], mostFit, 'fit', ['grades', 'grid', 'fit']),
    ...unreachable(grades.grid?.engagement ?? [], mostEngagement, 'engagement', [
      'grades',
      'grid',
      'engagement',
    ]),
  ];
}

/** Most that a model gives for engagement; a signal without a cap may come as often as it likes. */
function mostOf({ cap = Infinity, groups, signals }: Model['engagement']): number {
  const mostOfSignals = (group: string | undefined) =>
    sumOf(signals.filter((one) => one.group === group && one.points > 0).map((one) => one.cap ?? Infinity));
  const mostOfGroups = Object.entries(groups).map(([name, group]) =>
    Math.min(group.cap, mostOfSignals(name)),
  );
  return Math.min(cap, mostOfSignals(undefined) + sumOf(mostOfGroups));
}

/** Of what is above 0: all that gives may come together, and nothing that takes. */
function sumOf(points: readonly number[]): number {
  return points.reduce((sum, one) => sum + Math.max(0, one), 0);
}

/** Types of properties of which facts of a kind are made, and what such a property holds. */
const READ_AS: Readonly<Record<FactKind, { readonly types: readonly string[]; readonly holds: string }>> = {
  timestamp: { types: ['datetime', 'date'], holds: 'a time' },
  counter: { types: ['number'], holds: 'a number' },
  transition: { types: ['enumeration', 'bool', 'string', 'number'], holds: 'one of some options' },
  text: { types: ['string', 'enumeration'], holds: 'text' },
};
const IN_WORDS: Readonly<Record<string, string>> = {
  datetime: 'a time',
  number: 'a number',
  bool: 'true or false',
  enumeration: 'one of some options',
  string: 'text',
};

function findMisreadTypes(model: Model): ModelProblem[] {
  const signals = readingsOf(model).flatMap(({ kind, property, path }) => {
    const type = standardProperty(property)?.type;
    const { types, holds } = READ_AS[kind];
    if (type === undefined || types.includes(type)) return [];
    const key = path[0] === 'resetOn' ? 'property' : 'kind';
    const reason = misread(kind, property, type, `a property that holds ${holds}`);
    return [{ path: [...path, key], reason }];
  });
  const bounds = conditionsOf(model).flatMap(({ rule, path }) => {
    const { property = '' } = rule;
    const type = standardProperty(property)?.type ?? '';
    const key = (['atLeast', 'below'] as const).find((one) => rule[one] !== undefined);
    if (key === undefined || !['enumeration', 'bool'].includes(type)) return [];
    return [{ path: [...path, key], reason: misread(key, property, type, 'is') }];
  });
  return [...signals, ...bounds];
}

function misread(what: string, property: string, type: string, wanted: string): string {
  return `found ${what} of ${property}, which holds ${IN_WORDS[type] ?? type}, expected ${wanted}`;
}

/** Portals may add options to most properties, so that an unknown one is a doubt and no more. */
function findUnknownOptions(model: Model): ModelProblem[] {
  const wanted = [
    ...conditionsOf(model).map(({ rule: { property = '', is = [] }, path }) => ({
      property,
      values: is,
      path: [...path, 'is'],
    })),
    ...readingsOf(model).map(({ property, to, path }) => ({ property, values: to, path: [...path, 'to'] })),
  ];
  return wanted.flatMap(({ property, values, path }) => {
    const standard = standardProperty(property);
    if (standard === undefined) return [];
    return values.flatMap((value, at) => {
      const reason = isShipped(model, String(value)) ? undefined : doubtOfValue(standard, value);
      return reason === undefined ? [] : [{ path: [...path, at], reason }];
    });
  });
}

/** Most options that a message lists. */
const OPTIONS_LISTED = 10;

/** Why a property never has a value; undefined when it may. */
function doubtOfValue(standard: PropertyDefinition, value: string | number | boolean): string | undefined {
  const { name, type, options, externalOptions } = standard;
  if (type === 'number' && asNumber(String(value)) === undefined)
    return `found ${named(value)}, expected a number, as ${name} holds one`;
  if (type === 'bool' && !['true', 'false', '1', '0'].includes(String(value).toLowerCase()))
    return `found ${named(value)}, expected true or false, as ${name} is one of them`;
  if (type !== 'enumeration' || externalOptions || options.length === 0) return undefined;
  const values = options.map((option) => option.value);
  if (values.some((one) => one.toLowerCase() === String(value).toLowerCase())) return undefined;
  const byLabel = options.find(({ label }) => label.toLowerCase() === String(value).toLowerCase());
  const known = values.length > OPTIONS_LISTED ? 'one of its options' : either(values);
  const meant = byLabel === undefined ? didYouMean(value, values) : `; did you mean "${byLabel.value}"?`;
  return `found ${named(value)}, which is right if you added it to the options of ${name}, expected ${known}${meant}`;
}

/** The reasons would promise more than anybody gets. */
function findLowCaps({ engagement }: Model): ModelProblem[] {
  return engagement.signals.flatMap(({ cap, points }: SignalRule, at) => {
    if (cap === undefined || cap >= Math.abs(points)) return [];
    const reason = `found ${cap}, less than the ${Math.abs(points)} points of the first time, expected as many or more`;
    return [{ path: ['engagement', 'signals', at, 'cap'], reason }];
  });
}

function findEverythings(model: Model): ModelProblem[] {
  const conditions: { rule: Condition | Exclusion; path: Path }[] = conditionsOf(model);
  const patterns = [
    ...conditions.map(({ rule: { contains = [] }, path }) => ({ contains, path, instead: 'known: true' })),
    ...model.engagement.signals.map(({ from }, at) => ({
      contains: from.kind === 'text' ? from.contains : [],
      path: ['engagement', 'signals', at, 'from'],
      instead: 'a word, or a part of a path',
    })),
  ];
  return patterns.flatMap(({ contains, path, instead }) =>
    contains.flatMap((pattern, at) => {
      const reason = `found ${named(pattern)}, which matches everything, expected ${instead}`;
      return /^[*/\s]*\*[*/\s]*$/.test(pattern) ? [{ path: [...path, 'contains', at], reason }] : [];
    }),
  );
}

/** A source that the file does not have under this channel brings nobody. */
function findUnknownSources({ engagement, sources: { sources } }: Model): ModelProblem[] {
  return engagement.signals.flatMap(({ from }, signal) => {
    if (from.kind !== 'touch' || from.sources === undefined) return [];
    const { channel } = from;
    // Whoever has visitors may be paid for them.
    const ids = sources.filter((one) => channel === 'paid' || one.channel === channel).map(({ id }) => id);
    return from.sources.flatMap((id, at) => {
      if (id === channel || ids.includes(id)) return [];
      const reason = `found ${named(id)}, expected a source of the channel ${channel} in sources.yaml${didYouMean(id, ids)}`;
      return [{ path: ['engagement', 'signals', signal, 'from', 'sources', at], reason }];
    });
  });
}
