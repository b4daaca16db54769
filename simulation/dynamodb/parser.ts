import { RESERVED_WORDS } from './reserved-words.ts';
import { invalid } from './values.ts';

/** A term of an expression: an attribute or a value, by its place among those that the expression mentions. */
export type Operand =
  | { readonly type: 'path'; readonly at: number }
  | { readonly type: 'value'; readonly at: number }
  | { readonly type: 'size'; readonly at: number };

export const COMPARATORS = ['=', '<>', '<', '<=', '>', '>='] as const;
export type Comparator = (typeof COMPARATORS)[number];

/** The functions that are conditions, and how many terms they take. */
const FUNCTIONS = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
} as const;
type FunctionName = keyof typeof FUNCTIONS;
const FUNCTION_NAMES = [
  'attribute_exists',
  'attribute_not_exists',
  'attribute_type',
  'begins_with',
  'contains',
] as const satisfies readonly FunctionName[];

export type Condition =
  | { readonly type: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly type: 'not'; readonly of: Condition }
  | {
      readonly type: 'compare';
      readonly comparator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly type: 'between'; readonly of: Operand; readonly from: Operand; readonly to: Operand }
  | { readonly type: 'in'; readonly of: Operand; readonly among: readonly Operand[] }
  | { readonly type: 'call'; readonly name: FunctionName; readonly terms: readonly Operand[] };

/** What SET gives an attribute. */
export type Assigned =
  | { readonly type: 'path' | 'value'; readonly at: number }
  | { readonly type: 'plus' | 'minus' | 'list_append'; readonly left: Assigned; readonly right: Assigned }
  | { readonly type: 'if_not_exists'; readonly at: number; readonly otherwise: Assigned };

export type Change =
  | { readonly type: 'SET'; readonly at: number; readonly to: Assigned }
  | { readonly type: 'ADD'; readonly at: number; readonly value: number }
  | { readonly type: 'REMOVE'; readonly at: number };

const TOKEN = /\s*(#\w+|:\w+|[A-Za-z_]\w*|<>|<=|>=|[=<>()+\-,.[\]])/y;
const NAME = /^[#A-Za-z_]/;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const whole = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < whole.length) {
    const from = TOKEN.lastIndex;
    const token = TOKEN.exec(whole)?.[1];
    if (token === undefined)
      throw invalid(`Invalid expression: Syntax error; near: ${whole.slice(from, from + 20)}`);
    tokens.push(token);
  }
  return tokens;
}

/** Reads one expression. What DynamoDB knows and this table does not, such as nested attributes, is refused. */
export class Parser {
  /** Attributes that the expression mentions, as it writes them: `#old`, `alias`. */
  readonly names: string[] = [];
  /** Values that it mentions: `:old`. */
  readonly values: string[] = [];
  readonly #text: string;
  readonly #tokens: readonly string[];
  #at = 0;
  /** The pair of brackets around a condition that was closed last. */
  #bracket = { from: -1, to: -1 };

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
    if (this.#tokens.length === 0) throw invalid('Invalid expression: The expression can not be empty;');
  }

  condition(): Condition {
    const condition = this.#or();
    this.#end();
    return condition;
  }

  /** Names of attributes, with commas. @returns their places */
  projection(): number[] {
    const places = [this.#path()];
    while (this.#takes(',')) places.push(this.#path());
    this.#end();
    return places;
  }

  update(): Change[] {
    const changes: Change[] = [];
    const seen = new Set<string>();
    while (this.#at < this.#tokens.length) {
      const section = this.#tokens[this.#at]?.toUpperCase() ?? '';
      if (seen.has(section))
        throw invalid(
          `Invalid UpdateExpression: The "${section}" section can only be used once in an update expression;`,
        );
      seen.add(section);
      this.#at += 1;
      do changes.push(this.#change(section));
      while (this.#takes(','));
    }
    return changes;
  }

  #change(section: string): Change {
    if (section === 'DELETE') throw new Error('the simulated table knows no sets, nor the section DELETE');
    if (section !== 'SET' && section !== 'ADD' && section !== 'REMOVE') throw this.#wrong();
    const at = this.#path();
    if (section === 'REMOVE') return { type: 'REMOVE', at };
    if (section === 'SET') {
      this.#expect('=');
      return { type: 'SET', at, to: this.#assigned() };
    }
    const value = this.#operand();
    if (value.type !== 'value') throw this.#wrong();
    return { type: 'ADD', at, value: value.at };
  }

  #assigned(): Assigned {
    const left = this.#assignedTerm();
    if (this.#takes('+')) return { type: 'plus', left, right: this.#assignedTerm() };
    if (this.#takes('-')) return { type: 'minus', left, right: this.#assignedTerm() };
    return left;
  }

  #assignedTerm(): Assigned {
    if (this.#takes('(')) {
      const inner = this.#assigned();
      this.#expect(')');
      return inner;
    }
    if (this.#isCall('if_not_exists')) {
      const at = this.#path();
      this.#expect(',');
      const otherwise = this.#assignedTerm();
      this.#expect(')');
      return { type: 'if_not_exists', at, otherwise };
    }
    if (this.#isCall('list_append')) {
      const left = this.#assignedTerm();
      this.#expect(',');
      const right = this.#assignedTerm();
      this.#expect(')');
      return { type: 'list_append', left, right };
    }
    const operand = this.#operand();
    if (operand.type === 'size') throw this.#wrong();
    return { type: operand.type, at: operand.at };
  }

  #or(): Condition {
    let left = this.#and();
    while (this.#takesWord('OR')) left = { type: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Condition {
    let left = this.#not();
    while (this.#takesWord('AND')) left = { type: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Condition {
    return this.#takesWord('NOT') ? { type: 'not', of: this.#not() } : this.#primary();
  }

  #primary(): Condition {
    if (this.#takes('(')) return this.#bracketed();
    const name = FUNCTION_NAMES.find((one) => this.#isCall(one));
    if (name !== undefined) return { type: 'call', name, terms: this.#terms(FUNCTIONS[name]) };
    const left = this.#operand();
    if (this.#takesWord('BETWEEN')) {
      const from = this.#operand();
      if (!this.#takesWord('AND')) throw this.#wrong();
      return { type: 'between', of: left, from, to: this.#operand() };
    }
    if (this.#takesWord('IN')) {
      this.#expect('(');
      return { type: 'in', of: left, among: this.#terms() };
    }
    const comparator = COMPARATORS.find((sign) => this.#takes(sign));
    if (comparator === undefined) throw this.#wrong();
    return { type: 'compare', comparator, left, right: this.#operand() };
  }

  /** A condition up to the closing bracket; DynamoDB refuses two pairs around the same. */
  #bracketed(): Condition {
    const from = this.#at - 1;
    const inner = this.#or();
    this.#expect(')');
    const to = this.#at - 1;
    if (this.#bracket.from === from + 1 && this.#bracket.to === to - 1)
      throw invalid('Invalid expression: The expression has redundant parentheses;');
    this.#bracket = { from, to };
    return inner;
  }

  /** Terms up to the closing bracket. */
  #terms(count?: number): Operand[] {
    const terms = [this.#operand()];
    while (this.#takes(',')) terms.push(this.#operand());
    this.#expect(')');
    if (count !== undefined && terms.length !== count)
      throw invalid(`Invalid expression: a function takes ${count} operands, not ${terms.length}`);
    return terms;
  }

  #operand(): Operand {
    if (this.#isCall('size')) {
      const at = this.#path();
      this.#expect(')');
      return { type: 'size', at };
    }
    const token = this.#tokens[this.#at];
    if (token?.startsWith(':') !== true) return { type: 'path', at: this.#path() };
    this.#at += 1;
    return { type: 'value', at: placeIn(this.values, token) };
  }

  #path(): number {
    const token = this.#tokens[this.#at];
    if (token === undefined || !NAME.test(token)) throw this.#wrong();
    if (RESERVED_WORDS.has(token.toUpperCase()))
      throw invalid(`Invalid expression: Attribute name is a reserved keyword; reserved keyword: ${token}`);
    this.#at += 1;
    const next = this.#tokens[this.#at];
    if (next === '.' || next === '[')
      throw new Error(`the simulated table does not know nested attributes: ${this.#text}`);
    return placeIn(this.names, token);
  }

  #isCall(name: string): boolean {
    if (this.#tokens[this.#at] !== name || this.#tokens[this.#at + 1] !== '(') return false;
    this.#at += 2;
    return true;
  }

  #takesWord(word: string): boolean {
    if (this.#tokens[this.#at]?.toUpperCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  #takes(sign: string): boolean {
    if (this.#tokens[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#takes(sign)) throw this.#wrong();
  }

  #end(): void {
    if (this.#at < this.#tokens.length) throw this.#wrong();
  }

  #wrong(): Error {
    return invalid(
      `Invalid expression: Syntax error; token: "${this.#tokens[this.#at] ?? '<EOF>'}", in: ${this.#text}`,
    );
  }
}

function placeIn(list: string[], text: string): number {
  const at = list.indexOf(text);
  return at === -1 ? list.push(text) - 1 : at;
}
