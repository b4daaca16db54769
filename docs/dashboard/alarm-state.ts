// In which state CloudWatch would have an alarm at the end of the day.
import type { Alarm } from './definition.ts';
import { countsOf, type Recording } from './recording.ts';
import { linesOf } from './shown.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

const COMPARISONS: Readonly<Record<Alarm['comparison'], (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/**
 * Evaluates an alarm from period to period, from `INSUFFICIENT_DATA` before the first as of a new one. CloudWatch does so every minute,
 * with periods that slide along, and looks back a little further than the evaluation periods.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function alarmState(alarm: Alarm, recording: Recording): AlarmState {
  const [line] = linesOf(alarm.shown, recording);
  if (line === undefined) throw new Error(`The alarm ${alarm.name} returns no metric`);
  const few = alarm.ignoresFew ? tooFew(alarm, recording) : () => false;
  const { values } = line.series;
  return values.reduce((state: AlarmState, _value, at): AlarmState => {
    if (few(at)) return state;
    const range = Array.from({ length: alarm.evaluationPeriods }, (_, back) => values[at - back]);
    return evaluated(alarm, range, state);
  }, 'INSUFFICIENT_DATA');
}

/** @param range - the newest value first */
function evaluated(alarm: Alarm, range: readonly (number | undefined)[], before: AlarmState): AlarmState {
  const { missing, datapointsToAlarm, comparison, threshold } = alarm;
  const breaching = range.map((value) => {
    if (value !== undefined) return COMPARISONS[comparison](value, threshold);
    if (missing === 'breaching') return true;
    return missing === 'notBreaching' ? false : undefined;
  });
  if (breaching.every((one) => one === undefined)) return missing === 'ignore' ? before : 'INSUFFICIENT_DATA';
  const isMany = breaching.filter((one) => one === true).length >= datapointsToAlarm;
  if (isMany || (missing === 'missing' && isPremature(breaching, datapointsToAlarm))) return 'ALARM';
  return breaching.includes(false) ? 'OK' : before; // Some are bad, and too few to say more.
}

/** Too few values, but all since the oldest bad one are bad, and that one is as old as values are needed. */
function isPremature(breaching: readonly (boolean | undefined)[], datapointsToAlarm: number): boolean {
  const oldest = breaching.lastIndexOf(true);
  return oldest >= datapointsToAlarm - 1 && !breaching.slice(0, oldest).includes(false);
}

/** Whether a period has fewer values than a percentile needs: ten beyond it, on the side where there are fewer. */
function tooFew({ name, shown }: Alarm, recording: Recording): (at: number) => boolean {
  const source = shown[0]?.source;
  const percent = source !== undefined && 'stat' in source ? /^p([\d.]+)$/.exec(source.stat)?.[1] : undefined;
  if (source === undefined || !('stat' in source) || percent === undefined)
    throw new Error(`The alarm ${name} ignores too few values, and is on no percentile`);
  const share = Number(percent) / 100;
  const needed = 10 / Math.min(share, 1 - share);
  const counts = countsOf(recording, source).values;
  return (at) => counts[at] !== undefined && counts[at] < needed;
}
