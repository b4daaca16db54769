import { readFileSync } from 'node:fs';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { checkModel, type Model, type ModelProblem } from '../lambdas/scoring/model.ts';

/** Most values that a model may have by repeating parts of itself (`*name`). */
const ALIASES = 100;

/** A model file that cannot be used. The message names the file, the lines, the paths and the reasons. */
export class InvalidModelError extends Error {
  override readonly name = 'InvalidModelError';
}

/**
 * Reads a scoring model from a YAML file and checks it.
 *
 * @param file - path, for reading and for messages
 * @returns the compiled model
 * @throws InvalidModelError with every problem, one a line
 */
export function readModelFile(file: string): Model {
  const text = readText(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new InvalidModelError(`${file}:${line}: not valid YAML: ${broken.message}`);
  }
  const checked = checkModel(contentOf(document, file));
  if ('model' in checked) return checked.model;
  const place = ({ path }: ModelProblem): string => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return `${file}:${lines.linePos(node.range[0]).line}`;
    }
    return file;
  };
  throw new InvalidModelError(
    checked.problems
      .map((problem) => `${place(problem)}: ${problem.path.join('.') || 'the file'}: ${problem.reason}`)
      .join('\n'),
  );
}

/** The plain values of a file. @throws InvalidModelError when it repeats itself beyond measure, or repeats what is not there */
function contentOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidModelError(`${file}: not valid YAML: ${reason}`, { cause });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InvalidModelError(
      `${file}: cannot be read; give the path of a model such as models/b2b-saas.yaml`,
      { cause },
    );
  }
}
