import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { checkModel, FREEMAIL, type Model } from '../lambdas/scoring/model.ts';
import { describeIssue, type ModelProblem } from '../lambdas/scoring/model-problems.ts';
import { findSourceClashes } from '../lambdas/scoring/source-checks.ts';
import { NO_SOURCES, Sources } from '../lambdas/scoring/sources.ts';
import { complaintAboutDomain, freemailDomains } from './domains.ts';
import { findDoubts } from './model-doubts.ts';

/** Most values that a model may have by repeating parts of itself (`*name`). */
const ALIASES = 100;

/** What is wrong or doubtful in a model file. */
export interface Complaint {
  /** From 1; undefined when it is about the whole file. */
  readonly line: number | undefined;
  /** Keys and positions from the root, joined by dots; '' for the whole file. */
  readonly path: string;
  /** What was found, what was expected, and the nearest correct name. */
  readonly reason: string;
}

/** A model file that cannot be used. The message names the file, the lines, the paths and the reasons, one a line. */
export class InvalidModelError extends Error {
  override readonly name = 'InvalidModelError';
  readonly complaints: readonly Complaint[];

  constructor(file: string, complaints: readonly Complaint[], options?: ErrorOptions) {
    super(complaints.map((complaint) => formatComplaint(file, complaint)).join('\n'), options);
    this.complaints = complaints;
  }
}

/** A complaint as editors and terminals understand it: `file:line: path: reason`. */
export function formatComplaint(file: string, { line, path, reason }: Complaint): string {
  return [line === undefined ? file : `${file}:${line}`, path, reason]
    .filter((part) => part !== '')
    .join(': ');
}

/**
 * Reads a scoring model from a YAML file and checks it.
 *
 * @param file - path, for reading and for messages
 * @returns the compiled model
 * @throws InvalidModelError with every problem
 */
export function readModelFile(file: string): Model {
  return readModelText(readText(file), file).model;
}

/** As {@link readModelFile}, with what is allowed but doubtful. */
export function readModelAndWarnings(file: string): ReadModel {
  return readModelText(readText(file), file);
}

interface ReadModel {
  readonly model: Model;
  readonly warnings: readonly Complaint[];
}

/**
 * Reads a model from text.
 *
 * @param file - path, for messages
 * @throws InvalidModelError with every problem
 */
export function readModelText(text: string, file: string): ReadModel {
  const { content, complain } = readYaml(text, file);
  const freemail = text.includes(FREEMAIL) ? freemailDomains() : [];
  const sources = text.includes(ATTRIBUTION) ? readSources(sourcesFileOf(file)) : NO_SOURCES;
  const checked = checkModel(content, freemail, sources);
  const problems = 'problems' in checked ? checked.problems : findNoDomains(checked.model);
  if ('problems' in checked || problems.length > 0)
    throw new InvalidModelError(file, problems.map(complain).toSorted(byLine));
  return { model: checked.model, warnings: findDoubts(checked.model).map(complain).toSorted(byLine) };
}

/** The section of a model that asks for the sources of visits. */
const ATTRIBUTION = 'attribution';
/** How the file is named that stands beside the models. */
export const SOURCES_FILE = 'sources.yaml';
const SHIPPED_SOURCES = join(import.meta.dirname, '../models', SOURCES_FILE);

/** The file beside the model, else the one that ships. */
function sourcesFileOf(modelFile: string): string {
  const beside = join(dirname(modelFile), SOURCES_FILE);
  return existsSync(beside) ? beside : SHIPPED_SOURCES;
}

/**
 * Reads by what sources of visits are known.
 *
 * @throws InvalidModelError with every problem
 */
export function readSources(file: string): Sources {
  const { content, complain } = readYaml(readText(file), file);
  const parsed = v.safeParse(Sources, content, { abortPipeEarly: true });
  const problems = parsed.success
    ? [...findSourceClashes(parsed.output), ...findNoHosts(parsed.output)]
    : parsed.issues.map(describeIssue);
  if (!parsed.success || problems.length > 0)
    throw new InvalidModelError(file, problems.map(complain).toSorted(byLine));
  return parsed.output;
}

/** Hosts below which anybody may have one. */
function findNoHosts({ sources }: Sources): ModelProblem[] {
  return sources.flatMap(({ hosts }, source) =>
    hosts.flatMap((host, at) => {
      const reason = complaintAboutDomain(host);
      return reason === undefined ? [] : [{ path: ['sources', source, 'hosts', at], reason }];
    }),
  );
}

/** The plain values of a file, and how to tell where in it something is wrong. @throws InvalidModelError when it is no YAML */
function readYaml(
  text: string,
  file: string,
): { readonly content: unknown; readonly complain: (problem: ModelProblem) => Complaint } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new InvalidModelError(file, [{ line, path: '', reason: `not valid YAML: ${broken.message}` }]);
  }
  const complain = ({ path, reason }: ModelProblem): Complaint => {
    const offset = offsetOf(document, path);
    const line = offset === undefined ? undefined : lines.linePos(offset).line;
    return { line, path: path.join('.') || 'the file', reason };
  };
  return { content: contentOf(document, file), complain };
}

function byLine(a: Complaint, b: Complaint): number {
  return (a.line ?? 0) - (b.line ?? 0);
}

/** Where something stands in a file, or what would hold it: the key rather than the value, which may begin lines below. */
function offsetOf(document: Document, path: ModelProblem['path']): number | undefined {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = isNode(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else {
      node = isSeq(node) ? node.items[Number(step)] : undefined;
      offset = isNode(node) ? (node.range?.[0] ?? offset) : offset;
    }
  }
  return offset;
}

/** Entries of `domain` conditions that no address could ever match, or that half of the world would. */
function findNoDomains({ fit, exclusions }: Model): ModelProblem[] {
  const rules = [
    ...fit.rules.map(({ domain }, at) => ({ domain, path: ['fit', 'rules', at, 'domain'] })),
    ...exclusions.map(({ domain }, at) => ({ domain, path: ['exclusions', at, 'domain'] })),
  ];
  return rules.flatMap(({ domain = [], path }) =>
    domain.flatMap((entry, at) => {
      const reason = complaintAboutDomain(entry, [FREEMAIL]);
      return reason === undefined ? [] : [{ path: [...path, at], reason }];
    }),
  );
}

/** The plain values of a file. @throws InvalidModelError when it repeats itself beyond measure, or repeats what is not there */
function contentOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES });
  } catch (cause) {
    const reason = `not valid YAML: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new InvalidModelError(file, [{ line: undefined, path: '', reason }], { cause });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = 'cannot be read; give the path of a model such as models/b2b-saas.yaml';
    throw new InvalidModelError(file, [{ line: undefined, path: '', reason }], { cause });
  }
}
