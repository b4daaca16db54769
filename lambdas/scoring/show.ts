import { createHash } from 'node:crypto';
import { readableDate } from './calendar.ts';
import { displaySums, gradeOf } from './display.ts';
import type { Folded } from './fold.ts';
import { type GradeChange, nextGradeChange } from './forecast.ts';
import { type Journey, journeyOf } from './journey.ts';
import { type Model, usesTouches } from './model.ts';
import type { Exclusion } from './model-file.ts';
import { capThousandths } from './tally.ts';

/** What HubSpot shows of a score. Numbers are points; null and '' stand for a cleared property. */
export interface ShownScore {
  readonly score: number | null;
  readonly fit: number | null;
  readonly engagement: number | null;
  readonly grade: string;
  /** `scored`, `insufficient_data`, or `excluded_` and the id of the exclusion; one of {@link statuses}. */
  readonly status: string;
  /** Id of the model: name and content hash. */
  readonly model: string;
  /** The strongest terms, one a line, and what becomes of the grade; changes by itself at due moments only. */
  readonly reasons: string;
}

/** What HubSpot shows of a contact. */
export interface Shown extends ShownScore {
  /** Of excluded contacts and those of whom too little is known too. Undefined where the model has no section `attribution`. */
  readonly journey?: Journey | undefined;
}

/** Every status a contact can have, and how HubSpot's users read it. */
export function statuses({ exclusions }: Model): { readonly value: string; readonly label: string }[] {
  return [
    { value: 'scored', label: 'Scored' },
    { value: 'insufficient_data', label: 'Insufficient data' },
    ...exclusions
      .filter(({ onlyGroup }) => onlyGroup === undefined)
      .map((exclusion) => ({ value: excludedBy(exclusion), label: `Excluded: ${exclusion.title}` })),
  ];
}

function excludedBy({ id }: Exclusion): string {
  return `excluded_${id.replaceAll('-', '_')}`;
}

/** How many terms the reasons name. */
const REASONS = 5;
/** Longest reasons in UTF-8 bytes: the head row of a contact, which holds them, is to cost one write unit (1 KB), but for a long journey. */
const REASONS_BYTES = 456;

/**
 * What HubSpot is to show after a fold. Only the grade depends on what was shown before: inside the dead band it stays.
 *
 * @param previous - what the table holds, undefined for a new contact
 * @param timeZone - IANA name, for the dates in the reasons and the journey
 * @param forecast - finds the next change of a grade; for a caller that knows it already
 */
export function show(
  previous: Shown | undefined,
  folded: Folded,
  model: Model,
  timeZone: string,
  forecast = nextGradeChange,
): Shown {
  const shown = showScore(previous, folded, model, timeZone, forecast);
  return usesTouches(model) ? { ...shown, journey: journeyOf(folded.visits, timeZone) } : shown;
}

/** As {@link show}, without what time changes nothing of. */
export function showScore(
  previous: ShownScore | undefined,
  folded: Folded,
  model: Model,
  timeZone: string,
  forecast: typeof nextGradeChange,
): ShownScore {
  const cleared = { score: null, fit: null, engagement: null };
  const { exclusion } = folded;
  if (exclusion !== undefined) {
    const text = `Excluded: ${exclusion.title}`;
    return { ...cleared, grade: '', status: excludedBy(exclusion), model: model.id, reasons: text };
  }
  if (folded.status === 'insufficient_data')
    return { ...cleared, grade: '', status: folded.status, model: model.id, reasons: '' };
  const points = displaySums(model, folded.fit, folded);
  const grade = gradeOf(model, points, previous?.grade ?? '');
  return {
    ...(model.display.gradeOnly ? cleared : points),
    grade,
    status: folded.status,
    model: model.id,
    reasons: reasons(model, folded, forecast(model, folded, grade), timeZone),
  };
}

function reasons(model: Model, folded: Folded, change: GradeChange | undefined, timeZone: string): string {
  const strongest = [...fitTerms(folded), ...signalTerms(model, folded, timeZone)]
    .filter(({ points }) => points !== 0)
    .toSorted((a, b) => Math.abs(b.points) - Math.abs(a.points) || (a.text < b.text ? -1 : 1))
    .slice(0, REASONS)
    .map(({ points, text }) => `${formatPoints(points)} ${text}`);
  if (change === undefined) return linesWithin(REASONS_BYTES, strongest).join('\n');
  const { isFall, grade, atMs } = change;
  const last = `${isFall ? 'Falls' : 'Rises'} to ${grade} on ${readableDate(atMs, timeZone)}`;
  return [...linesWithin(REASONS_BYTES - Buffer.byteLength(`\n${last}`), strongest), last].join('\n');
}

interface Term {
  /** Thousandths of a point as given, inside the caps of their signal and its group. */
  readonly points: number;
  readonly text: string;
}

function fitTerms(folded: Folded): Term[] {
  return folded.fitting.map((rule) => ({ points: Math.round(rule.points * 1000), text: rule.title }));
}

function signalTerms(model: Model, { awards }: Folded, timeZone: string): Term[] {
  const byRule = new Map<number, { given: number; times: number; lastMs: number }>();
  for (const { signal, points, fact } of awards) {
    const sum = byRule.get(signal) ?? { given: 0, times: 0, lastMs: 0 };
    byRule.set(signal, {
      given: sum.given + Math.round(points * 1000),
      times: sum.times + 1,
      lastMs: Math.max(sum.lastMs, fact.occurredAtMs),
    });
  }
  return [...byRule].flatMap(([at, { given, times, lastMs }]) => {
    const rule = model.engagement.signals[at];
    if (rule === undefined) return [];
    const date = readableDate(lastMs, timeZone);
    const when = times === 1 ? date : `${times} times, last ${date}`;
    const groupCap = rule.group === undefined ? undefined : model.engagement.groups[rule.group]?.cap;
    return [
      { points: capThousandths(capThousandths(given, rule.cap), groupCap), text: `${rule.title} (${when})` },
    ];
  });
}

function formatPoints(thousandths: number): string {
  const text = String(Math.abs(thousandths) / 1000);
  return thousandths < 0 ? `−${text}` : `+${text}`;
}

/** The first lines that together, parted by line ends, take no more than some UTF-8 bytes. */
function linesWithin(limit: number, lines: readonly string[]): string[] {
  const tooLong = lines.findIndex((_, at) => Buffer.byteLength(lines.slice(0, at + 1).join('\n')) > limit);
  return lines.slice(0, tooLong === -1 ? lines.length : tooLong);
}

/**
 * Identifies a write: the same portal, contact and shown values always give the same id, so that a repeated write is
 * recognised and HubSpot's copy can be told stale or fresh.
 *
 * @returns 22 URL-safe characters
 */
export function writeIdOf(portalId: string, contactId: string, shown: Shown): string {
  const { score, fit, engagement, grade, status, model, reasons: text, journey } = shown;
  const values = [portalId, contactId, score, fit, engagement, grade, status, model, text];
  const content = JSON.stringify(journey === undefined ? values : [...values, ...journeyValues(journey)]);
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}

function journeyValues({ firstAi, lastAi, aiSessions, text }: Journey): (string | number | undefined)[] {
  const visits = [firstAi, lastAi].flatMap((visit) => [visit?.source, visit?.atMs, visit?.page]);
  return [...visits, aiSessions, text];
}
