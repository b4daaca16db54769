import { readableDate } from '../scoring/calendar.ts';
import type { Explanation } from '../scoring/explanation.ts';
import type { Outlook } from '../scoring/outlook.ts';
import { chart, GLOW, type Spot } from './chart.ts';
import { daysAhead } from './days.ts';
import { summary } from './text.ts';

const DAY_MS = 86_400_000;
/** Distances between the lines of a chart that are easy to read. */
const STEPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000];
/** Most lines above the lowest. */
const LINES = 6;
/** Dates below the chart, evenly spread. */
const DATES = 4;
/** Marks of changes stand at different heights, so that near ones can both be read. */
const MARK_PLACES = 4;

/** The graph of the days to come as an SVG document; without a score, a picture that says why. */
export function drawExplanation(explanation: Explanation): string {
  const { outlook, shown, contactId, timeZone } = explanation;
  if (outlook === null) {
    const text = summary(shown);
    const drawing = chart({ days: 1, low: 0, high: 1 });
    return drawing.document(`Contact ${contactId}`, text, [
      drawing.words([0.5, 0.5], text, 'text-anchor="middle" font-size="16"'),
    ]);
  }
  const days = outlook.days.length - 1;
  return drawDays(outlook, timeZone, {
    title: `Score of contact ${contactId} over the next ${daysAhead(days)} if nothing happens`,
    summary: summary(shown),
  });
}

function drawDays(
  { days, changes }: Outlook,
  timeZone: string,
  words: { readonly title: string; readonly summary: string },
): string {
  const spots = days.flatMap(({ score }, at): Spot[] => (score === null ? [] : [[at, score]]));
  const scores = spots.map(([, score]) => score);
  const { low, high, step } = scale(Math.min(...scores), Math.max(...scores));
  const last = days.length - 1;
  const drawing = chart({ days: last, low, high });
  const startMs = Date.parse(days[0]?.at ?? '');
  const dates = Array.from({ length: DATES + 1 }, (_, at) => Math.round((at * last) / DATES));
  const date = (iso: string) => readableDate(Date.parse(iso), timeZone);
  const said = changes.map(
    ({ at, grade, isFall }) => `${isFall ? 'falls' : 'rises'} to ${grade} on ${date(at)}`,
  );
  const end = days.at(-1)?.score ?? null;
  return drawing.document(
    words.title,
    `${words.summary}. In ${last === 1 ? 'a day' : `${last} days`} ${end === null ? 'there is no score any more' : `the score is ${end}`}${said.length === 0 ? '' : `; the grade ${said.join(', ')}`}.`,
    [
      ...Array.from({ length: (high - low) / step + 1 }, (_, at) => drawing.row(low + at * step)),
      ...[...new Set(dates)].map((day) => drawing.column(day, date(days[day]?.at ?? ''))),
      drawing.line(spots, `stroke="${GLOW}" stroke-width="3"`),
      ...changes.map(({ at, grade }, place) =>
        drawing.mark((Date.parse(at) - startMs) / DAY_MS, `${grade} on ${date(at)}`, place % MARK_PLACES),
      ),
    ],
  );
}

/** From where to where the chart reaches: zero, the least and the most, on whole steps. */
function scale(least: number, most: number): { low: number; high: number; step: number } {
  const span = Math.max(most, 0) - Math.min(least, 0);
  const step = STEPS.find((each) => span / each <= LINES) ?? Math.ceil(span / LINES);
  const low = Math.floor(Math.min(least, 0) / step) * step + 0;
  return { low, high: Math.max(low + step, Math.ceil(Math.max(most, 0) / step) * step), step };
}
