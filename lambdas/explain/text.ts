import { readableDate } from '../scoring/calendar.ts';
import type { ExplainedLine, ExplainedVisits, Explanation } from '../scoring/explanation.ts';
import type { Shown } from '../scoring/show.ts';
import { drawOutlook } from './blocks.ts';

/** The explanation for people, as lines of text. */
export function formatExplanation(explanation: Explanation): string {
  const { contactId, now, timeZone, shown, outlook, visits } = explanation;
  return [
    `Contact ${contactId} on ${instant(now, timeZone)} (${timeZone}), model ${shown.model}`,
    `${summary(shown)}. ${inHubSpot(explanation)}`,
    '',
    ...table(explanation),
    '',
    dueLine(explanation),
    ...(shown.status.startsWith('excluded') ? [] : [nextGradeLine(explanation)]),
    ...(visits === null ? [] : ['', ...visitLines(visits, timeZone)]),
    ...(outlook === null ? [] : ['', ...drawOutlook(outlook, timeZone)]),
  ].join('\n');
}

/** What is shown, in a few words; also where the graph has no score to draw. */
export function summary({ score, fit, engagement, grade, status, reasons }: Shown): string {
  if (status === 'insufficient_data') return 'No score: insufficient data';
  if (status !== 'scored') return `No score: ${reasons}`;
  if (score === null) return `Grade ${grade}; the model shows no numbers`;
  return `Score ${score}, grade ${grade}: fit ${fit}, engagement ${engagement}`;
}

function inHubSpot({ isConfirmed, stored, shown }: Explanation): string {
  if (isConfirmed) return 'HubSpot shows it.';
  if (stored === null) return 'HubSpot has not confirmed it yet.';
  if (stored.model !== shown.model)
    return `HubSpot was last sent "${summary(stored)}", by the model ${stored.model}.`;
  return `HubSpot was last sent "${summary(stored)}"; the rest follows with the next signal, or tonight.`;
}

/** Date and time as people read them. */
function instant(iso: string, timeZone: string): string {
  const time = new Date(iso).toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
  return `${readableDate(Date.parse(iso), timeZone)}, ${time}`;
}

const HEAD = ['left', 'given', 'on', 'kind', 'rule', 'what'] as const;
/** Columns of numbers end where they stand; the others begin. */
const NUMBERS = 2;

/** The lines in columns, and their sum. */
function table({ lines, sumThousandths, shown, timeZone }: Explanation): string[] {
  const rows = [HEAD, ...lines.map((line) => cells(line, timeZone))];
  const sum = points(sumThousandths);
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  widths[0] = Math.max(widths[0] ?? 0, sum.length);
  const rule = '-'.repeat(widths[0] ?? 0);
  return [
    ...rows.map((row) => inColumns(row, widths)),
    rule,
    `${sum.padStart(rule.length)}  ${sumTitle(shown)}`,
  ];
}

function cells({ kind, rule, title, occurredAt, ...line }: ExplainedLine, timeZone: string): string[] {
  const isGiven = kind === 'fit' || kind === 'signal' || line.leftThousandths !== line.givenThousandths;
  return [
    points(line.leftThousandths),
    isGiven ? points(line.givenThousandths) : '', // What a cap takes was given by nobody.
    occurredAt === null ? '' : readableDate(Date.parse(occurredAt), timeZone),
    kind,
    rule,
    title,
  ];
}

function inColumns(row: readonly string[], widths: readonly number[]): string {
  const padded = row.map((cell, column) => {
    const width = widths[column] ?? 0;
    return column < NUMBERS ? cell.padStart(width) : cell.padEnd(width);
  });
  return padded.join('  ').trimEnd();
}

function sumTitle({ status, score }: Shown): string {
  if (status !== 'scored') return 'not shown: there is no score';
  return score === null ? 'score, which the model does not show' : 'score';
}

function points(thousandths: number): string {
  return (thousandths / 1000).toFixed(3);
}

function dueLine({ dueAt, timeZone, shown }: Explanation): string {
  if (dueAt !== null) return `If nothing happens, what is shown next changes on ${instant(dueAt, timeZone)}.`;
  return shown.status === 'scored'
    ? 'Nothing that is shown changes by itself.'
    : 'Time alone changes nothing.';
}

const TIMES = ['No', 'One', 'Two', 'Three'] as const;

function nextGradeLine({ nextGrade: next, isBestGrade, shown }: Explanation): string {
  if (next === null && isBestGrade) return `${shown.grade} is the best grade.`;
  if (next === null) return 'No signal leads to a better grade.';
  if (next.by === null) return `${next.missingPoints} points from ${next.grade}.`;
  const { rule, title, times } = next.by;
  return `${TIMES[times]} ${nameOf(rule, times)} from ${next.grade} ("${title}").`;
}

const SEEN_BY = { browser: '', server: ' (seen by a server)', hubspot: ' (from HubSpot)' } as const;

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length));
}

/** The visits, the newest last. */
function visitLines({ total, newest }: ExplainedVisits, timeZone: string): string[] {
  if (total === 0) return ['No visit is known.'];
  const isWhole = total === newest.length;
  const rows = newest.map(({ at, label, page, seenBy }) => ({
    when: instant(at, timeZone),
    label,
    rest: `${page ?? ''}${SEEN_BY[seenBy]}`.trim(),
  }));
  const whenWidth = widest(rows.map(({ when }) => when));
  const labelWidth = widest(rows.map(({ label }) => label));
  return [
    `${total === 1 ? '1 visit' : `${total} visits`}${isWhole ? ':' : `, the newest ${newest.length}:`}`,
    ...rows.map(({ when, label, rest }) =>
      `  ${when.padEnd(whenWidth)}  ${label.padEnd(labelWidth)}  ${rest}`.trimEnd(),
    ),
  ];
}

/** The id of a rule as words: `demo-request` is "demo request", and twice "demo requests". */
function nameOf(rule: string, times: number): string {
  const words = rule.replaceAll('-', ' ');
  if (times === 1) return words;
  if (/[^aeiou]y$/.test(words)) return `${words.slice(0, -1)}ies`;
  return /(?:s|x|ch|sh)$/.test(words) ? `${words}es` : `${words}s`;
}
