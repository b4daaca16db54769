import type { Shown } from './definition.ts';
import { evaluate } from './metric-math.ts';
import { type Recording, seriesOf, type TimeSeries } from './recording.ts';

/** What is to be seen of a list of metrics, with its values over the day. */
export interface Line {
  readonly label: string;
  readonly color: string | undefined;
  readonly series: TimeSeries;
}

/** Evaluates a widget's or an alarm's metrics. Expressions may name any metric of the list, and no other expression. */
export function linesOf(shown: readonly Shown[], recording: Recording): Line[] {
  const measured = shown.flatMap((one) =>
    'expression' in one.source ? [] : [[one, seriesOf(recording, one.source)] as const],
  );
  const byId = new Map(
    measured.flatMap(([{ id }, series]) => (id === undefined ? [] : [[id, series] as const])),
  );
  const byShown = new Map(measured);
  return shown
    .filter(({ isVisible }) => isVisible)
    .map((one) => {
      const { label, color, source } = one;
      const series = 'expression' in source ? evaluate(source.expression, byId) : byShown.get(one);
      if (series === undefined) throw new Error(`${label} has no values`);
      return { label, color, series };
    });
}
