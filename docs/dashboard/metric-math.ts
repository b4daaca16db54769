// As much of CloudWatch's metric math as the dashboard and the alarms use.
import jsep, {
  type BinaryExpression,
  type CallExpression,
  type Expression,
  type Identifier,
  type Literal,
} from 'jsep';
import type { TimeSeries } from './recording.ts';

type Value = number | TimeSeries;

const OPERATORS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
};

const FUNCTIONS: Readonly<Record<string, (...values: Value[]) => Value>> = {
  FILL: (series = Number.NaN, filling = Number.NaN) => {
    if (typeof series === 'number') return series;
    if (typeof filling !== 'number') throw new Error('FILL with anything but a number is not known');
    return { ...series, values: series.values.map((value) => value ?? filling) };
  },
};

/**
 * Evaluates an expression. Where one side has no data, neither has the result.
 *
 * @param metrics - by id
 * @throws Error naming the operator, function or id that is not known
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
export function evaluate(expression: string, metrics: ReadonlyMap<string, TimeSeries>): TimeSeries {
  const value = valueOf(jsep(expression), metrics);
  if (typeof value === 'number') throw new Error(`${expression} is a number, and no metric`);
  return value;
}

function valueOf(node: Expression, metrics: ReadonlyMap<string, TimeSeries>): Value {
  if (isLiteral(node)) return numberOf(node.value);
  if (isIdentifier(node)) {
    const found = metrics.get(node.name);
    if (found === undefined) throw new Error(`Metric math names ${node.name}, which is no metric of it`);
    return found;
  }
  if (isBinary(node)) {
    const operator = OPERATORS[node.operator];
    if (operator === undefined) throw new Error(`Metric math with ${node.operator} is not known`);
    return combined(valueOf(node.left, metrics), valueOf(node.right, metrics), operator);
  }
  if (!isCall(node)) throw new Error(`Metric math with a ${node.type} is not known`);
  const name = isIdentifier(node.callee) ? node.callee.name : node.callee.type;
  const known = FUNCTIONS[name];
  if (known === undefined) throw new Error(`Metric math with ${name} is not known`);
  return known(...node.arguments.map((argument) => valueOf(argument, metrics)));
}

function isLiteral(node: Expression): node is Literal {
  return node.type === 'Literal';
}

function isIdentifier(node: Expression): node is Identifier {
  return node.type === 'Identifier';
}

function isBinary(node: Expression): node is BinaryExpression {
  return node.type === 'BinaryExpression';
}

function isCall(node: Expression): node is CallExpression {
  return node.type === 'CallExpression';
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new Error(`Metric math with ${String(value)} is not known`);
  return value;
}

/** Period by period; a number is the same in all. @throws Error when the periods differ */
function combined(left: Value, right: Value, operator: (left: number, right: number) => number): Value {
  if (typeof left === 'number' && typeof right === 'number') return operator(left, right);
  const periods = [left, right].flatMap((side) => (typeof side === 'number' ? [] : [side]));
  const [first, second = first] = periods;
  if (first === undefined || first.periodSeconds !== second?.periodSeconds)
    throw new Error('Metric math with metrics of different periods is not known');
  const values = first.values.map((_value, at) => {
    const one = typeof left === 'number' ? left : left.values[at];
    const other = typeof right === 'number' ? right : right.values[at];
    return one === undefined || other === undefined ? undefined : operator(one, other);
  });
  return { periodSeconds: first.periodSeconds, values };
}
