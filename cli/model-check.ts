import { gradeNames } from '../lambdas/scoring/display.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import type { Shown } from '../lambdas/scoring/show.ts';
import { type Complaint, formatComplaint, readModelAndWarnings } from './model-file.ts';
import { rehearse, rulesMet } from './rehearsal.ts';
import { UsageError } from './target.ts';
import { DAYS_TOLD, TYPICAL_CONTACTS, type TypicalContact } from './typical-contacts.ts';

const DEFAULT_DAYS = 90;
/** Contacts of the portal whose writes are added up, and how many of them one call to HubSpot may carry. */
const PORTAL_CONTACTS = 100_000;
const CONTACTS_PER_CALL = 100;

/** What is shown of a contact at the end of a day. */
interface Day extends Pick<Shown, 'score' | 'grade' | 'status'> {
  readonly day: number;
}

interface Course {
  readonly id: string;
  readonly title: string;
  readonly story: string;
  /** Every day from day 0; numbers also where the model shows the grade alone. */
  readonly days: readonly Day[];
  /** Ids of the rules that the contact meets in the whole year. */
  readonly rules: readonly string[];
}

/** What a way to show scores costs, for a year of each contact. */
interface Cost {
  readonly display: string;
  /** Whether it is the model's own. */
  readonly isOwn: boolean;
  /** By the order of the contacts; undefined where the range of the model does not allow the step. */
  readonly writes: readonly number[] | undefined;
}

/** What `model check` finds. */
export interface Check {
  readonly file: string;
  readonly model: Model;
  readonly warnings: readonly Complaint[];
  readonly courses: readonly Course[];
  /** Titles of the signals that none of the contacts gives. */
  readonly unmet: readonly string[];
  readonly costs: readonly Cost[];
}

/**
 * Checks a model file and tries it on the typical contacts.
 *
 * @param days - as given on the command line: a whole number from 1 to a year; undefined = 90
 * @throws InvalidModelError when it cannot be used
 * @throws UsageError when the days are no such number
 */
export function checkModelFile(file: string, days?: string): Check {
  const length = numberOfDays(days);
  const { model, warnings } = readModelAndWarnings(file);
  const courses = TYPICAL_CONTACTS.map((contact) => courseOf(model, contact, length));
  const met = new Set(courses.flatMap(({ rules }) => rules));
  const signals = model.engagement.signals.filter(({ id, points }) => points !== 0 && !met.has(id));
  return { file, model, warnings, courses, unmet: signals.map(({ title }) => title), costs: costsOf(model) };
}

function numberOfDays(days: string | undefined): number {
  if (days === undefined) return DEFAULT_DAYS;
  const number = Number(days);
  if (/^\d{1,3}$/.test(days) && number >= 1 && number <= DAYS_TOLD) return number;
  throw new UsageError(`--days: found "${days}", expected a whole number from 1 to ${DAYS_TOLD}`);
}

function courseOf(model: Model, contact: TypicalContact, length: number): Course {
  const { id, title, story } = contact;
  const withNumbers = { ...model, display: { ...model.display, gradeOnly: false } };
  const days = rehearse(withNumbers, contact, length).days.map(({ score, grade, status }, day) => ({
    day,
    score,
    grade,
    status,
  }));
  const { fit, signals } = rulesMet(model, contact);
  return { id, title, story, days, rules: [...fit, ...signals] };
}

const GRADE_ONLY = 'gradeOnly';

function costsOf(model: Model): Cost[] {
  const own = model.display;
  const ways = [
    ...[1, 5, 10].map((step) => ({ name: `step ${step}`, step, gradeOnly: false })),
    { name: GRADE_ONLY, step: own.step, gradeOnly: true },
  ];
  return ways.map(({ name, ...display }) => {
    const isWhole = [model.range.min, model.range.max].every((end) => Number.isInteger(end / display.step));
    const isOwn = display.gradeOnly === own.gradeOnly && display.step === own.step;
    const writes = isWhole
      ? TYPICAL_CONTACTS.map((contact) => rehearse({ ...model, display }, contact).writes)
      : undefined;
    return { display: name, isOwn, writes };
  });
}

/** Writes of all contacts of a portal in a year, each of them one of the typical ones, and the calls they take. */
function yearlyOf(writes: readonly number[]): { average: number; writes: number; calls: number } {
  const average = writes.reduce((sum, one) => sum + one, 0) / writes.length;
  const total = Math.round(average * PORTAL_CONTACTS);
  return { average, writes: total, calls: Math.ceil(total / CONTACTS_PER_CALL) };
}

/** What stands behind the numbers, in words. */
const ASSUMPTIONS: readonly string[] = [
  'the first year of a contact, as told above and, where nothing more is told, in silence;',
  'a write when anything that is shown changes: at something that happens, or in the night by fading;',
  'what happens in one minute is one write, and the first score is one;',
  `${inThousands(PORTAL_CONTACTS)} contacts of which a fifth is like each; ${CONTACTS_PER_CALL} of them in a call;`,
  'company scores are written besides.',
];

/** The check as one JSON object. */
export function checkAsJson({ file, model, warnings, courses, unmet, costs }: Check): string {
  return JSON.stringify({
    file,
    model: model.id,
    warnings,
    contacts: courses,
    signalsOfNobody: unmet,
    writesAYear: costs.map(({ display, isOwn, writes }) => ({
      display,
      isOwn,
      byContact: writes === undefined ? null : writes,
      portal: writes === undefined ? null : { contacts: PORTAL_CONTACTS, ...yearlyOf(writes) },
    })),
    assumptions: ASSUMPTIONS.map((line) => line.replace(/[;.]$/, '')),
  });
}

/** The check for people, warnings first. */
export function formatCheck(check: Check): string {
  const { file, model, warnings } = check;
  return [
    ...warnings.map((warning) => `warning: ${formatComplaint(file, warning)}`),
    ...(warnings.length === 0 ? [] : ['']),
    `${file} is a valid model: ${model.id}`,
    `  ${contentsOf(model)}`,
    '',
    ...chartOf(check),
    '',
    ...costTable(check),
  ].join('\n');
}

function contentsOf(model: Model): string {
  const { fit, engagement, exclusions, resetOn } = model;
  const counts = [
    countOf(fit.rules.length, 'fit rule'),
    countOf(engagement.signals.length, 'signal'),
    countOf(exclusions.length, 'exclusion'),
    countOf(resetOn.length, 'reset'),
  ];
  return `${counts.join(', ')}; grades ${gradeNames(model).join(', ')}`;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Longest chart of a contact, in characters. */
const CHART_WIDTH = 30;
const BLOCKS = '▁▂▃▄▅▆▇█';
const NO_SCORE = '·';

function chartOf({ courses, unmet, model }: Check): string[] {
  const { min, max } = model.range;
  const last = (courses[0]?.days.length ?? 1) - 1;
  const perBlock = Math.ceil(last / CHART_WIDTH);
  const marks = [...new Set([0, last / 3, (2 * last) / 3, last].map((day) => Math.round(day)))];
  const titleWidth = Math.max(...courses.map(({ title }) => title.length));
  const rows = courses.map(({ title, days, story, rules }) => {
    const blocks = days.filter(({ day }) => day % perBlock === 0).map((day) => blockOf(day, min, max));
    const cells = marks.map((day) => cellOf(days[day]));
    const notes = [
      `  ${story}`,
      ...exclusionsOf(days),
      ...(rules.length === 0 ? ['  no rule of this model scores anything of this contact'] : []),
    ];
    return { title: title.padEnd(titleWidth), blocks: blocks.join(''), cells, notes };
  });
  const widths = marks.map((day, at) =>
    Math.max(`day ${day}`.length, ...rows.map(({ cells }) => cells[at]?.length ?? 0)),
  );
  const columns = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const legend = `${perBlock === 1 ? 'A block is a day' : `A block is ${perBlock} days`}, as high as the score between ${min} and ${max}; ${NO_SCORE} is no score.`;
  const indent = ' '.repeat(titleWidth + 2 + (rows[0]?.blocks.length ?? 0) + 2);
  return [
    `Five typical contacts over ${countOf(last, 'day')}. ${legend}`,
    '',
    `${indent}${columns(marks.map((day) => `day ${day}`))}`,
    ...rows.flatMap(({ title, blocks, cells, notes }) => [
      `${title}  ${blocks}  ${columns(cells)}`,
      ...notes,
    ]),
    ...(unmet.length === 0 ? [] : ['', `None of the five does: ${unmet.join(', ')}.`]),
  ];
}

function blockOf({ score }: Day, min: number, max: number): string {
  if (score === null) return NO_SCORE;
  const part = (score - min) / (max - min);
  return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(part * BLOCKS.length))] ?? NO_SCORE;
}

function cellOf(day: Day | undefined): string {
  if (day === undefined) return '';
  if (day.score !== null) return `${day.score} ${day.grade}`;
  return day.status.startsWith(EXCLUDED) ? 'excluded' : 'no score';
}

const EXCLUDED = 'excluded_';

/** Why there is no score, and from when. */
function exclusionsOf(days: readonly Day[]): string[] {
  return days
    .filter(({ day, status }) => status.startsWith(EXCLUDED) && days[day - 1]?.status !== status)
    .map(({ day, status }) => `  ${status} from day ${day}`);
}

const NO_COMPANY_SCORE = '  asks to remove companyScore, which is made of the scores that are shown';

function costTable({ costs, model }: Check): string[] {
  const heads = TYPICAL_CONTACTS.map(({ id }) => id);
  const lines = costs.flatMap(({ display, isOwn, writes }) => {
    const name = `${display}${isOwn ? ' *' : ''}`;
    if (writes === undefined)
      return `${name.padEnd(ROW_NAME)}  not with this range: its ends are no multiples of the step`;
    const { average, writes: all, calls } = yearlyOf(writes);
    const cells = [name, ...writes.map(String), average.toFixed(1), inThousands(all), inThousands(calls)];
    const isAsking = display === GRADE_ONLY && !isOwn && model.companyScore !== undefined;
    return [row(cells), ...(isAsking ? [NO_COMPANY_SCORE] : [])];
  });
  return [
    'Writes to HubSpot a year, by how scores are shown (* as the model has it):',
    '',
    `${' '.repeat(ROW_NAME + 5 * ROW_CELL)}${`for ${inThousands(PORTAL_CONTACTS)} contacts`.padStart(3 * ROW_CELL)}`,
    row(['display', ...heads, 'average', 'writes', 'calls']),
    ...lines,
    '',
    ...ASSUMPTIONS.map((line, at) => `${at === 0 ? 'Assumed: ' : '         '}${line}`),
  ];
}

/** Widths of the table, in characters. */
const ROW_NAME = 14;
const ROW_CELL = 11;

function row(cells: readonly string[]): string {
  return cells
    .map((cell, at) => (at === 0 ? cell.padEnd(ROW_NAME) : cell.padStart(ROW_CELL)))
    .join('')
    .trimEnd();
}

function inThousands(number: number): string {
  return number.toLocaleString('en-US');
}
