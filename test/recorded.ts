// What a door counts, as a test sees it.
import type { MetricName } from '../lambdas/env.ts';
import type { Measured } from '../lambdas/measured.ts';

export interface Recorded extends Pick<Measured, 'count' | 'observe'> {
  /** Sums by name; what has a reason also as `name reason`. */
  readonly counted: Map<string, number>;
  /** Single values by name, in the order in which they came. */
  readonly observed: (name: MetricName) => readonly number[];
}

export function recorded(): Recorded {
  const counted = new Map<string, number>();
  const values: [name: MetricName, value: number][] = [];
  const add = (key: string, value: number) => void counted.set(key, (counted.get(key) ?? 0) + value);
  return {
    counted,
    count(name, value, reason) {
      add(name, value);
      if (reason !== undefined) add(`${name} ${reason}`, value);
    },
    observe: (name, value) => void values.push([name, value]),
    observed: (name) => values.filter(([each]) => each === name).map(([, value]) => value),
  };
}
