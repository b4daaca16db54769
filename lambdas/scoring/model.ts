import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { findContradictions } from './model-checks.ts';
import { COMPANY_PREFIX, type ModelContent, ModelFile } from './model-file.ts';
import { describeIssue, type ModelProblem } from './model-problems.ts';
import { NO_SOURCES, type Sources } from './sources.ts';

/** A checked scoring model. `id` is its name and content hash: the same rules always have the same id. */
export interface Model extends ModelContent {
  readonly id: string;
  /** The domains for which `freemail` stands in the rules; empty when no rule uses the word. */
  readonly freemail: readonly string[];
  /** By what sources of visits are known; none where the model asks for no visits. Part of the content. */
  readonly sources: Sources;
}

/**
 * Checks a model that was read from a file.
 *
 * @param content - anything; unknown keys are refused, since a misspelt rule would silently not score
 * @param freemail - domains of public e-mail providers, registrable ones in lower-case ASCII; they are part of the content
 * @returns the model with its defaults filled in, or every problem found
 */
export function checkModel(
  content: unknown,
  freemail: readonly string[] = [],
  sources: Sources = NO_SOURCES,
): { readonly model: Model } | { readonly problems: ModelProblem[] } {
  if (Array.isArray(content))
    return { problems: [{ path: [], reason: 'expected keys and values, not a list' }] };
  const parsed = v.safeParse(ModelFile, content, { abortPipeEarly: true });
  const reserved = findReservedKeys(content);
  if (!parsed.success) return { problems: [...reserved, ...parsed.issues.map(describeIssue)] };
  const problems = [...reserved, ...findContradictions(parsed.output)];
  if (problems.length > 0) return { problems };
  return { model: modelOf(parsed.output, freemail, sources) };
}

/**
 * A model that was checked when it was compiled: whether its rules agree is not looked at again.
 *
 * @param content - as it was compiled, without its id and the list
 * @returns undefined where it does not have the form of a model
 */
export function compiledModel(
  content: unknown,
  freemail: readonly string[],
  sources: Sources,
): Model | undefined {
  const parsed = v.safeParse(ModelFile, content);
  return parsed.success ? modelOf(parsed.output, freemail, sources) : undefined;
}

function modelOf(content: ModelContent, freemail: readonly string[], sources: Sources): Model {
  const whole = { ...content, freemail: isFreemailUsed(content) ? freemail : [] };
  if (content.attribution === undefined)
    return { ...whole, sources: NO_SOURCES, id: `${whole.name}@${contentHash(whole)}` };
  return { ...whole, sources, id: `${whole.name}@${contentHash({ ...whole, sources })}` };
}

/** Keys that every object of JavaScript has: the schema library passes over them without a word, and a group would be lost. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function findReservedKeys(content: unknown, path: ModelProblem['path'] = []): ModelProblem[] {
  if (content === null || typeof content !== 'object') return [];
  const isList = Array.isArray(content);
  return Object.entries(content).flatMap(([key, value]) => {
    const here = [...path, isList ? Number(key) : key];
    const inside = findReservedKeys(value, here);
    const reason = `found "${key}", expected another name: JavaScript keeps this one for itself`;
    return RESERVED_KEYS.has(key) ? [{ path: here, reason }, ...inside] : inside;
  });
}

/** The word that stands for the public e-mail providers in a `domain` condition. */
export const FREEMAIL = 'freemail';

function isFreemailUsed({ fit, exclusions }: ModelContent): boolean {
  return [...fit.rules, ...exclusions].some(({ domain }) => domain?.includes(FREEMAIL));
}

/** First 12 hexadecimal digits of the SHA-256 of the content, keys in sorted order: independent of layout and comments. */
function contentHash(content: object): string {
  const canonical = JSON.stringify(content, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(canonical).digest('hex').slice(0, 12);
}

function inputs({ fit, exclusions }: Model): string[] {
  const named = [...fit.rules, ...exclusions].map(({ property }) => property);
  return [...new Set(named.filter((name) => name !== undefined))];
}

/** Properties of the contact whose values fit rules and exclusions read. */
export function contactInputs(model: Model): string[] {
  return inputs(model).filter((name) => !name.startsWith(COMPANY_PREFIX));
}

/** Properties of the primary company whose values fit rules and exclusions read, by their names in HubSpot. */
export function companyInputs(model: Model): string[] {
  return inputs(model)
    .filter((name) => name.startsWith(COMPANY_PREFIX))
    .map((name) => name.slice(COMPANY_PREFIX.length));
}

/** Whether anything depends on the contact's primary company. */
export function usesCompanies(model: Model): boolean {
  return companyInputs(model).length > 0 || model.companyScore !== undefined;
}

/** Whether anything depends on the contact's deals. */
export function usesDeals({ exclusions, resetOn }: Model): boolean {
  return [...exclusions, ...resetOn].some(({ deal }) => deal !== undefined);
}

/** Whether visits are kept, shown and credited. */
export function usesTouches({ attribution }: Model): boolean {
  return attribution !== undefined;
}

/** Whether deals matter at all: scores depend on them, or they are credited. */
export function looksAtDeals(model: Model): boolean {
  return usesDeals(model) || usesTouches(model);
}

/** How the changes of a property are read as facts, where the model says it. */
export type FactKind = 'timestamp' | 'counter' | 'transition' | 'text';

/** The properties of the contact whose changes are facts to the model, and how they are read. */
export function factProperties({ engagement, resetOn }: Model): Map<string, FactKind> {
  const kinds = new Map<string, FactKind>();
  for (const { property } of resetOn) if (property !== undefined) kinds.set(property, 'transition');
  for (const { from } of engagement.signals) if ('property' in from) kinds.set(from.property, from.kind);
  return kinds;
}
