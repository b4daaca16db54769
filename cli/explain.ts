import { readableDate } from '../lambdas/scoring/calendar.ts';
import { dueMoment } from '../lambdas/scoring/due.ts';
import { explainFold, fold, type Line } from '../lambdas/scoring/fold.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { type Shown, show } from '../lambdas/scoring/show.ts';
import { contactKey } from '../lambdas/store/keys.ts';
import { type Target, UsageError } from './target.ts';

/** Why a contact has the score it has. Points are thousandths in `lines`, points elsewhere. */
export interface Explanation {
  readonly contactId: string;
  readonly now: string;
  readonly shown: Shown;
  /** What HubSpot confirmed; false while a write is on its way. */
  readonly isConfirmed: boolean;
  readonly lines: readonly Line[];
  /** Thousandths by which display rounding differs from the sum of the lines. */
  readonly rounding: number;
  /** ISO time at which a shown value next changes if nothing happens; null when never. */
  readonly dueAt: string | null;
  /** The next better grade and the points that are missing; null at the top. */
  readonly nextGrade: { readonly grade: string; readonly points: number } | null;
}

/** Merges followed to the record that lives. */
const ALIAS_HOPS = 10;

/** @throws UsageError when nothing was ever heard of the contact */
export async function explain(target: Target, model: Model, contactId: string): Promise<Explanation> {
  const { contacts, portalId, timeZone } = target;
  let key = contactKey(portalId, contactId);
  let read = await contacts.read(key);
  for (let hop = 0; read?.head.alias !== undefined && hop < ALIAS_HOPS; hop++) {
    key = read.head.alias;
    read = await contacts.read(key);
  }
  if (read === undefined)
    throw new UsageError(`nothing was heard of contact ${contactId} in portal ${portalId} yet`);
  if (read.head.life === 'deleted') throw new UsageError(`contact ${contactId} was deleted in HubSpot`);
  if (read.head.life === 'erased')
    throw new UsageError(`contact ${contactId} was erased by a privacy deletion`);
  const nowMs = target.clock();
  const { head, known } = read;
  const folded = fold(model, known, nowMs);
  const shown = show(head.shown, folded, model, timeZone);
  const dueMs = dueMoment(model, folded, shown, timeZone);
  return {
    contactId: key.slice(portalId.length + 1),
    now: new Date(nowMs).toISOString(),
    shown,
    isConfirmed: head.writeId !== undefined && head.writeId === head.confirmedWriteId,
    lines: explainFold(model, folded),
    rounding: shown.score === null ? 0 : Math.round(shown.score * 1000) - folded.score,
    dueAt: dueMs === undefined ? null : new Date(dueMs).toISOString(),
    nextGrade: nextGrade(model, shown),
  };
}

function nextGrade(model: Model, { score, grade }: Shown): Explanation['nextGrade'] {
  const at = model.grades.bands.findIndex((band) => band.grade === grade);
  const better = model.grades.bands[at - 1];
  return better === undefined || score === null ? null : { grade: better.grade, points: better.from - score };
}

/** The explanation as a table for people. @param timeZone - IANA name */
export function formatExplanation(explanation: Explanation, timeZone: string): string {
  const { shown, lines, rounding, dueAt, nextGrade: next } = explanation;
  const rows = lines.map(({ title, occurredAtMs, given, left, kind }) => {
    const when = occurredAtMs === undefined ? '' : readableDate(occurredAtMs, timeZone);
    return `${points(left)} ${kind === 'signal' ? points(given) : ' '.repeat(10)}  ${when.padEnd(11)}  ${title}`;
  });
  const sum = lines.reduce((total, line) => total + line.left, 0);
  return [
    `Contact ${explanation.contactId} at ${explanation.now}: ${shown.score ?? 'no score'} ${shown.grade} (${shown.status}, ${shown.model})`,
    `fit ${shown.fit ?? '-'}, engagement ${shown.engagement ?? '-'}${explanation.isConfirmed ? '' : '; not yet confirmed by HubSpot'}`,
    '',
    '      left      given  on           what',
    ...rows,
    ...(rounding === 0 ? [] : [`${points(rounding)}                          rounded for display`]),
    `${points(sum + rounding)}                          score`,
    '',
    dueAt === null
      ? 'Nothing shown changes by itself.'
      : `If nothing happens, the next change is due at ${dueAt}.`,
    next === null ? 'No better grade.' : `${next.points} points to grade ${next.grade}.`,
  ].join('\n');
}

function points(thousandths: number): string {
  return (thousandths / 1000).toFixed(3).padStart(10);
}
