import { displaySums, gradeNames } from './display.ts';
import { dueMoment } from './due.ts';
import type { Known } from './facts.ts';
import { type Folded, fold } from './fold.ts';
import { explainFold, type Line } from './lines.ts';
import { type Model, usesTouches } from './model.ts';
import { type NextGrade, nextGrade } from './next-grade.ts';
import { lookAhead, type Outlook } from './outlook.ts';
import type { ScoredContact } from './score.ts';
import { type Shown, show, writeIdOf } from './show.ts';
import type { Channel } from './sources.ts';
import type { Touch } from './touches.ts';

/** How far the graph looks ahead when nobody says otherwise, in days. */
export const OUTLOOK_DAYS = 60;

/** One term of a score, as it is told to people and programs. */
export interface ExplainedLine {
  /** `rounding` is what the display of the score adds or takes; the others are those of a fold. */
  readonly kind: Line['kind'] | 'rounding';
  /** Id of the rule or group; `fit`, `engagement`, `range` or `display` for what concerns the whole. */
  readonly rule: string;
  readonly title: string;
  /** ISO time of the signal, of the latest of several, or of the reset; null where there is none. */
  readonly occurredAt: string | null;
  /** Thousandths of a point as the rule gave them, or would have given. */
  readonly givenThousandths: number;
  /** Thousandths of a point that count now. */
  readonly leftThousandths: number;
}

/** Most visits that an explanation tells of, the newest. */
const VISITS_TOLD = 50;

/** A visit, as it is told to people and programs. */
export interface ExplainedVisit {
  /** ISO time. */
  readonly at: string;
  readonly channel: Channel;
  /** Id of the source in `models/sources.yaml`; the name of the channel where no single source is known. */
  readonly source: string;
  /** The source as people read it. */
  readonly label: string;
  /** Where the visit began; null where that is not known. */
  readonly page: string | null;
  /** Who told of it; HubSpot only where nobody else did. */
  readonly seenBy: Touch['by'];
}

/** By which sources a contact came. */
export interface ExplainedVisits {
  readonly total: number;
  /** The newest, in the order they happened. */
  readonly newest: readonly ExplainedVisit[];
}

/** Why a contact has the score it has. */
export interface Explanation {
  readonly contactId: string;
  /** ISO time at which all this holds. */
  readonly now: string;
  /** IANA name, for the dates. */
  readonly timeZone: string;
  /** What HubSpot is to show now. */
  readonly shown: Shown;
  /** Whether HubSpot confirmed exactly this. */
  readonly isConfirmed: boolean;
  /** What was last stored, and sent to HubSpot, where it is something else: points faded since. Otherwise null. */
  readonly stored: Shown | null;
  readonly lines: readonly ExplainedLine[];
  /** The sum of the lines: a thousand times the score that is displayed. */
  readonly sumThousandths: number;
  /** ISO time at which a shown value next changes if nothing happens; null when never. */
  readonly dueAt: string | null;
  readonly nextGrade: NextGrade | null;
  /** Whether the model has no better grade than the one shown. */
  readonly isBestGrade: boolean;
  /** Null where the model has no section `attribution`. */
  readonly visits: ExplainedVisits | null;
  /** Null without a score. */
  readonly outlook: Outlook | null;
}

/** What the table holds of the score of a contact. */
export interface LastStored {
  readonly shown: Shown | undefined;
  readonly confirmedWriteId: string | undefined;
}

/**
 * Explains the score of a contact: what each rule gave and what is left of it, what becomes of it, and what would lift it.
 *
 * @param nowMs - epoch milliseconds
 * @param days - how far to look ahead
 */
export function explainContact(
  model: Model,
  known: Known,
  head: LastStored,
  { portalId, contactId, timeZone }: ScoredContact,
  nowMs: number,
  days = OUTLOOK_DAYS,
): Explanation {
  const folded = fold(model, known, nowMs);
  const shown = show(head.shown, folded, model, timeZone);
  const dueMs = dueMoment(model, folded, shown, timeZone);
  const lines = explainLines(model, folded);
  const isStored = head.shown === undefined || isSameShown(head.shown, shown);
  return {
    contactId,
    now: new Date(nowMs).toISOString(),
    timeZone,
    shown,
    isConfirmed: head.confirmedWriteId === writeIdOf(portalId, contactId, shown),
    stored: isStored ? null : (head.shown ?? null),
    lines,
    sumThousandths: lines.reduce((sum, { leftThousandths }) => sum + leftThousandths, 0),
    dueAt: dueMs === undefined ? null : new Date(dueMs).toISOString(),
    nextGrade: nextGrade(model, folded, shown.grade),
    isBestGrade: shown.grade === gradeNames(model)[0],
    visits: usesTouches(model) ? explainVisits(folded.visits) : null,
    outlook: lookAhead(model, folded, shown.grade, timeZone, days),
  };
}

function explainVisits(visits: readonly Touch[]): ExplainedVisits {
  const newest = visits.slice(-VISITS_TOLD).map(({ atMs, channel, source, label, landing, by }) => ({
    at: new Date(atMs).toISOString(),
    channel,
    source,
    label,
    page: landing === '' ? null : landing,
    seenBy: by,
  }));
  return { total: visits.length, newest };
}

/** Two shown values are one when they make one write. */
function isSameShown(a: Shown, b: Shown): boolean {
  return writeIdOf('', '', a) === writeIdOf('', '', b);
}

/**
 * The terms of a score as it is displayed: those of the fold, and what rounding to whole steps adds or takes.
 *
 * @returns lines whose thousandths left sum exactly to a thousand times the displayed score
 */
export function explainLines(model: Model, folded: Folded): ExplainedLine[] {
  const lines = explainFold(model, folded).map(({ kind, rule, title, occurredAtMs, given, left }) => ({
    kind,
    rule,
    title,
    occurredAt: occurredAtMs === undefined ? null : new Date(occurredAtMs).toISOString(),
    givenThousandths: given,
    leftThousandths: left,
  }));
  const rounding = displaySums(model, folded.fit, folded).score * 1000 - folded.score;
  return rounding === 0 ? lines : [...lines, roundingLine(model, rounding)];
}

function roundingLine({ display: { step } }: Model, thousandths: number): ExplainedLine {
  return {
    kind: 'rounding',
    rule: 'display',
    title: step === 1 ? 'Rounded to whole points' : `Rounded to steps of ${step} points`,
    occurredAt: null,
    givenThousandths: thousandths,
    leftThousandths: thousandths,
  };
}
