// What a regular expression costs, counted instead of timed: a matcher that goes back and tries again as JavaScript's do, and counts its
// steps. It knows what the expressions here are made of, and refuses what it does not know.

type Node =
  | { readonly kind: 'char'; readonly source: string; readonly is: (character: string) => boolean }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | Repeat
  | { readonly kind: 'edge'; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: 'look'; readonly part: Node; readonly isBehind: boolean; readonly isNegative: boolean };

interface Repeat {
  readonly kind: 'repeat';
  readonly part: Node;
  readonly min: number;
  readonly max: number;
  readonly isLazy: boolean;
}

/** An expression, read. */
export interface Expression {
  readonly root: Node;
  readonly isGlobal: boolean;
}

const isWord = (character: string | undefined) => character !== undefined && /\w/.test(character);

const QUANTIFIER = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/;
const GROUP = /^\((?:\?(?:<[A-Za-z]\w*>|<?[:=!]))?/;
const ESCAPE = /^\\(?:p\{[^}]*\}|P\{[^}]*\}|u\{[^}]*\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[^1-9k])/;
const CLASS = /^\[(?:\\.|[^\]\\])*\]/s;

/** @throws Error for what is not known, such as a reference back */
export function readExpression({ source, flags }: RegExp): Expression {
  let rest = source;
  const take = (length: number) => {
    const taken = rest.slice(0, length);
    rest = rest.slice(length);
    return taken;
  };
  const isAtEnd = () => rest === '' || rest.startsWith('|') || rest.startsWith(')');
  const choice = (): Node => {
    const parts = [sequence()];
    while (rest.startsWith('|')) {
      take(1);
      parts.push(sequence());
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'choice', parts };
  };
  const sequence = (): Node => {
    const parts: Node[] = [];
    while (!isAtEnd()) parts.push(repeated(atom()));
    return { kind: 'sequence', parts };
  };
  const repeated = (part: Node): Node => {
    const [all, least, comma, most] = QUANTIFIER.exec(rest) ?? [];
    if (all === undefined) return part;
    take(all.length);
    const isLazy = rest.startsWith('?');
    if (isLazy) take(1);
    if (least === undefined)
      return { kind: 'repeat', part, min: all === '+' ? 1 : 0, max: all === '?' ? 1 : Infinity, isLazy };
    const bound = most === '' ? Infinity : Number(most);
    return { kind: 'repeat', part, min: Number(least), max: comma === '' ? Number(least) : bound, isLazy };
  };
  const char = (text: string): Node => {
    const pattern = new RegExp(`^(?:${text})$`, flags.replaceAll(/[gy]/g, ''));
    return { kind: 'char', source: text, is: (character) => pattern.test(character) };
  };
  const atom = (): Node => {
    const open = GROUP.exec(rest)?.[0];
    if (open !== undefined) {
      take(open.length);
      const part = choice();
      if (take(1) !== ')') throw new Error(`a group without an end: ${source}`);
      const look = /^\(\?(<?)([=!])$/.exec(open);
      return look === null
        ? part
        : { kind: 'look', part, isBehind: look[1] === '<', isNegative: look[2] === '!' };
    }
    if (rest.startsWith('\\b') || rest.startsWith('\\B')) {
      const isAt = take(2) === '\\b';
      return { kind: 'edge', holds: (text, at) => (isWord(text[at - 1]) !== isWord(text[at])) === isAt };
    }
    if (rest.startsWith('^')) {
      take(1);
      return { kind: 'edge', holds: (_text, at) => at === 0 };
    }
    if (rest.startsWith('$')) {
      take(1);
      return { kind: 'edge', holds: (text, at) => at === text.length };
    }
    const found = CLASS.exec(rest)?.[0] ?? ESCAPE.exec(rest)?.[0];
    if (found === undefined && /^[\\[]/.test(rest)) throw new Error(`not known: ${rest}`);
    return char(take(found?.length ?? 1));
  };
  if (flags.includes('m')) throw new Error(`not known: the flag m of ${source}`);
  const root = choice();
  if (rest !== '') throw new Error(`not read: ${rest}`);
  return { root, isGlobal: flags.includes('g') };
}

/** Thrown where counting has no end in sight. */
class TooManySteps extends Error {}

type Next = (at: number) => boolean;

/** @returns the steps of a search from the beginning of a text, of all searches where the expression is global; at most `most` */
export function stepsOf({ root, isGlobal }: Expression, text: string, most: number): number {
  let steps = 0;
  const step = () => {
    steps += 1;
    if (steps > most) throw new TooManySteps();
  };
  const match = (node: Node, at: number, next: Next): boolean => {
    step();
    if (node.kind === 'char') return at < text.length && node.is(text.charAt(at)) && next(at + 1);
    if (node.kind === 'edge') return node.holds(text, at) && next(at);
    if (node.kind === 'look') return looks(node, at) && next(at);
    if (node.kind === 'repeat') return again(node, 0, at, next);
    if (node.kind === 'choice') return node.parts.some((part) => match(part, at, next));
    return inOrder(node.parts, 0, at, next);
  };
  const inOrder = (parts: readonly Node[], which: number, at: number, next: Next): boolean => {
    const part = parts[which];
    return part === undefined ? next(at) : match(part, at, (end) => inOrder(parts, which + 1, end, next));
  };
  const again = (node: Repeat, times: number, at: number, next: Next): boolean => {
    const more = () =>
      times < node.max &&
      match(node.part, at, (end) => (end > at || times < node.min) && again(node, times + 1, end, next));
    if (times < node.min) return more();
    return node.isLazy ? next(at) || more() : more() || next(at);
  };
  const looks = ({ part, isBehind, isNegative }: Node & { kind: 'look' }, at: number): boolean => {
    if (!isBehind) return match(part, at, () => true) !== isNegative;
    let isFound = false;
    for (let from = Math.max(0, at - widthOf(part)); from <= at && !isFound; from++)
      isFound = match(part, from, (end) => end === at);
    return isFound !== isNegative;
  };
  const search = (): void => {
    let from = 0;
    while (from <= text.length) {
      let end = -1;
      const isFound = match(root, from, (at) => {
        end = at;
        return true;
      });
      if (isFound && !isGlobal) return;
      from = isFound && end > from ? end : from + 1;
    }
  };
  try {
    search();
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error;
  }
  return steps;
}

/** Most characters that a node takes. */
function widthOf(node: Node): number {
  if (node.kind === 'char') return 1;
  if (node.kind === 'choice') return Math.max(...node.parts.map(widthOf));
  if (node.kind === 'sequence') return node.parts.reduce((sum, part) => sum + widthOf(part), 0);
  return node.kind === 'repeat' ? widthOf(node.part) * node.max : 0;
}

/** What may come before, again and again, and at last, to make an expression slow: made of what it looks for. */
export function slowTextsOf({ root }: Expression): {
  readonly prefixes: string[];
  readonly pumps: string[];
  readonly ends: string[];
} {
  const bodies: string[] = [];
  const characters = new Set<string>();
  const walk = (node: Node): void => {
    if (node.kind === 'char') for (const one of samplesOf(node.is)) characters.add(one);
    if ('parts' in node) node.parts.forEach(walk);
    if ('part' in node) walk(node.part);
    if (node.kind === 'repeat') bodies.push(exampleOf(node.part));
  };
  walk(root);
  const example = exampleOf(root);
  const single = [...new Set([...bodies, ...[...characters].slice(0, 14)])].filter((text) => text !== '');
  const pairs = single.flatMap((a) => single.map((b) => a + b));
  return {
    prefixes: [...new Set([0, 1, 2, 3, 5, 8].map((length) => example.slice(0, length)).concat(example))],
    pumps: [...new Set([...single, ...pairs, example])].filter((text) => text !== ''),
    ends: ['', '\u0001', '\n'],
  };
}

const ALPHABET = [
  'a',
  'Z',
  '0',
  '9',
  '_',
  '-',
  '.',
  '/',
  '@',
  ':',
  ' ',
  '%',
  '=',
  '?',
  '#',
  '&',
  ';',
  '(',
  ')',
  '[',
  '+',
  '*',
  ',',
  '<',
  '"',
  '\n',
  'é',
  '2',
  '4',
  '5',
  'x',
  'u',
  'e',
];

/** Some characters that one is, the first that are written. */
function samplesOf(is: (character: string) => boolean): string[] {
  const ascii = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));
  return [...ALPHABET, ...ascii].filter(is).slice(0, 3);
}

/** A text that a node means, short. */
function exampleOf(node: Node): string {
  if (node.kind === 'char') return samplesOf(node.is)[0] ?? '\uffff';
  if (node.kind === 'sequence') return node.parts.map(exampleOf).join('');
  if (node.kind === 'choice') return exampleOf(node.parts[0] ?? { kind: 'sequence', parts: [] });
  return node.kind === 'repeat' ? exampleOf(node.part).repeat(Math.max(1, Math.min(node.min, 50))) : '';
}

/**
 * The branches of a choice, each by itself: what they cost together is the sum of it. Those that repeat nothing are left out: they look at
 * no more characters than they have.
 */
export function branches({ root, isGlobal }: Expression): Expression[] {
  const parts = root.kind === 'choice' ? root.parts : [root];
  return parts
    .filter((part) => widthOf(part) === Infinity || looksFar(part))
    .map((part) => ({ root: part, isGlobal }));
}

function looksFar(node: Node): boolean {
  if ('parts' in node) return node.parts.some(looksFar);
  if (node.kind === 'look') return widthOf(node.part) > 8;
  return node.kind === 'repeat' && looksFar(node.part);
}
