import { readableDate } from '../scoring/calendar.ts';
import type { Outlook, OutlookDay } from '../scoring/outlook.ts';
import { daysAhead } from './days.ts';

/** Most columns: with the numbers beside them they fit a terminal of 80. */
const COLUMNS = 61;
const ROWS = 5;
/** A block filled from below by eighths. */
const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * The days to come as lines of text: blocks as high as the score, a mark below where the grade changes, and both in words.
 *
 * @param timeZone - IANA name, for the dates
 */
export function drawOutlook({ days, changes }: Outlook, timeZone: string): string[] {
  const scores = days.flatMap(({ score }) => (score === null ? [] : [score]));
  const [least, most] = [Math.min(...scores), Math.max(...scores)];
  const low = Math.min(0, least);
  const high = Math.max(most, low + 1);
  const margin = Math.max(`${low}`.length, `${high}`.length) + 1;
  const shown = sampled(days);
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const label = row === 0 ? `${high}` : '';
    const blocks = shown.map(({ score }) => block(score, low, high, ROWS - 1 - row)).join('');
    return `${label.padStart(margin)} │${blocks}`.trimEnd();
  });
  const [first, last] = [days[0], days.at(-1)];
  const marked = marks(changes, first, last, shown.length);
  return [
    `The next ${daysAhead(days.length - 1)} if nothing happens: ${first?.score ?? 'none'} to ${last?.score ?? 'none'}, between ${least} and ${most}`,
    ...rows,
    `${`${low}`.padStart(margin)} └${'─'.repeat(shown.length)}`,
    ...(changes.length === 0 ? [] : [`${' '.repeat(margin + 2)}${marked}`]),
    `${' '.repeat(margin + 2)}${ends(first, last, timeZone, shown.length)}`,
    ...changes.map(
      ({ at, grade, isFall }) =>
        `${isFall ? '▼ falls' : '▲ rises'} to ${grade} on ${readableDate(Date.parse(at), timeZone)}`,
    ),
  ];
}

/** The dates of both ends, below them where there is room. */
function ends(
  first: OutlookDay | undefined,
  last: OutlookDay | undefined,
  timeZone: string,
  width: number,
): string {
  const [from = '', to = ''] = [first, last].map((day) => readableDate(Date.parse(day?.at ?? ''), timeZone));
  return width > from.length + to.length ? from + to.padStart(width - from.length) : `${from} to ${to}`;
}

/** As many days as there are columns, evenly spread, the first and the last among them. */
function sampled(days: readonly OutlookDay[]): OutlookDay[] {
  const columns = Math.min(COLUMNS, days.length);
  const every = (days.length - 1) / Math.max(1, columns - 1);
  return Array.from({ length: columns }, (_, column) => days[Math.round(column * every)]).filter(
    (day) => day !== undefined,
  );
}

/** The part of a column that stands in a row. @param row - 0 is lowest */
function block(score: number | null, low: number, high: number, row: number): string {
  if (score === null) return ' ';
  const eighths = Math.round(((score - low) / (high - low)) * ROWS * 8);
  const seen = score > low ? Math.max(1, eighths) : eighths; // A single point is seen too.
  return BLOCKS[Math.max(0, Math.min(8, seen - row * 8))] ?? ' ';
}

function marks(
  changes: Outlook['changes'],
  first: OutlookDay | undefined,
  last: OutlookDay | undefined,
  columns: number,
): string {
  const fromMs = Date.parse(first?.at ?? '');
  const span = Date.parse(last?.at ?? '') - fromMs;
  const line = Array.from({ length: columns }, () => ' ');
  for (const { at, isFall } of changes) {
    const column = Math.ceil(((Date.parse(at) - fromMs) / span) * (columns - 1)); // The first column that shows it.
    line[column] = isFall ? '▼' : '▲';
  }
  return line.join('').trimEnd();
}
