// Holds what the simulated HubSpot shows against what the oracle says, contact by contact and company by company.
import type { Crm, CrmRecord } from '../hubspot/crm.ts';
import { checkDeals } from './check-deals.ts';
import type { Happening } from './happenings.ts';
import { type Counted, companyScoreOf, type Expected, expectedOf, type History } from './oracle.ts';
import { type PlainModel, readPlainModel } from './oracle-model.ts';
import { type PortalNow, type PortalStory, portalNow } from './oracle-portal.ts';
import { isThen, wrongJourney } from './oracle-visits.ts';

export interface PortalCheck extends PortalStory {
  readonly crm: Pick<Crm, 'get' | 'all'>;
  /** The model file as it is written. */
  readonly modelYaml: string;
  /** Since when points may have faded without a write: the last decay run, or the start. Epoch milliseconds. */
  readonly sinceMs: number;
  /** The clock of the system that scored, epoch milliseconds. */
  readonly nowMs: number;
  /**
   * Whether the creation of every contact was delivered as a webhook; if not, contacts to whom nothing happened may have no score.
   *
   * @default false
   */
  readonly creationsHeard?: boolean;
}

export interface Mismatch {
  /** `contact`, `company` or `deal`, and its id. */
  readonly record: string;
  /** What HubSpot shows, and what would be right; names no person. */
  readonly reason: string;
}

/** The first thing wrong with each contact and company; nothing when HubSpot shows what it should. */
export function checkPortal(check: PortalCheck): Mismatch[] {
  const model = readPlainModel(check.modelYaml);
  const now = portalNow(check);
  const contacts = [...now.histories].flatMap(([id, history]): Mismatch[] => {
    const reason = whatIsWrong(check, model, history, check.crm.get('contacts', id));
    return reason === undefined ? [] : [{ record: `contact ${id}`, reason }];
  });
  return [...contacts, ...checkCompanies(check, model, now), ...checkDeals(check, model, now)];
}

/** A company's score is made of what its contacts show, whatever that is. */
function checkCompanies({ crm }: PortalCheck, model: PlainModel, { people }: PortalNow): Mismatch[] {
  return [...people].flatMap(([id, contactIds]): Mismatch[] => {
    const scores = contactIds
      .map((contactId) => crm.get('contacts', contactId)?.properties['afterglow_score'] ?? '')
      .filter((text) => text !== '');
    const right = model.rollUp === undefined ? undefined : companyScoreOf(model, scores.map(Number));
    const shown = crm.get('companies', id)?.properties['afterglow_company_score'] ?? '';
    if (shown === (right === undefined ? '' : String(right))) return [];
    const reason = `company score is "${shown}", right is ${right ?? '""'} of ${scores.length} scored contacts`;
    return [{ record: `company ${id}`, reason }];
  });
}

type Shown = (name: string) => string;

function whatIsWrong(
  check: PortalCheck,
  model: PlainModel,
  history: History,
  record: CrmRecord | undefined,
): string | undefined {
  if (record === undefined) return 'the contact is gone';
  const shown: Shown = (name) => record.properties[`afterglow_${name}`] ?? '';
  if (shown('status') === '') {
    const mustBeScored =
      check.creationsHeard === true || history.happenings.some((one) => isHeard(model, one));
    return mustBeScored ? 'HubSpot shows no status, but something was heard of the contact' : undefined;
  }
  const before = expectedOf(model, history, check.sinceMs);
  const now = expectedOf(model, history, check.nowMs);
  if (shown('status') !== before.status && shown('status') !== now.status) {
    return `status is "${shown('status')}", right is "${now.status}"`;
  }
  for (const name of ['score', 'fit', 'engagement'] as const) {
    const property = name === 'score' ? 'score' : `${name}_score`;
    if (!isBetween(shown(property), before[name], now[name])) {
      return `${name} is "${shown(property)}", right is ${now[name] ?? '""'} (${now.thousandths[name]} thousandths)`;
    }
  }
  if (!before.grades.has(shown('grade')) && !now.grades.has(shown('grade'))) {
    return `grade is "${shown('grade')}" at score ${shown('score')}, right is ${[...now.grades].join(' or ')}`;
  }
  return wrongText(model, history, shown, now, check.nowMs);
}

function wrongText(
  model: PlainModel,
  history: History,
  shown: Shown,
  now: Expected,
  nowMs: number,
): string | undefined {
  if (!shown('model').startsWith(`${model.name}@`))
    return `model is "${shown('model')}", right is ${model.name}@…`;
  const isVisited = model.attribution !== undefined;
  const wrong =
    wrongReason(model, shown, now) ?? (isVisited ? wrongJourney(history.visits ?? [], shown) : undefined);
  if (wrong !== undefined) return wrong;
  if (shown('write_id') === '') return 'HubSpot shows no write id';
  if (!Number.isFinite(Date.parse(shown('scored_at')))) return `scored_at is "${shown('scored_at')}"`;
  if (isRightLastSignal(model, history, shown('last_signal_at'), now, nowMs)) return undefined;
  const [newest] = now.counted;
  const right = newest === undefined ? '""' : new Date(newest.atMs).toISOString();
  return `last_signal_at is "${shown('last_signal_at')}", right is ${right}`;
}

/** Reasons are terms of the score, each with the points as given, the strongest first; then what becomes of the grade. */
function wrongReason(model: PlainModel, shown: Shown, now: Expected): string | undefined {
  const lines = shown('reasons')
    .split('\n')
    .filter((line) => line !== '');
  if (now.excludedBecause !== undefined)
    return shown('reasons') === now.excludedBecause ? undefined : `reasons are "${shown('reasons')}"`;
  if (now.status === 'insufficient_data')
    return lines.length === 0 ? undefined : 'there are reasons, but no score';
  const terms = termsOf(model, now);
  const [strongest] = terms;
  for (const line of lines) {
    const change = /^(?:Falls|Rises) to (\S+) on \d/.exec(line);
    const isKnown =
      change === null
        ? terms.some(({ text }) => line === text || line.startsWith(`${text} (`))
        : change[1] !== shown('grade') && gradesThereAre(model).includes(change[1] ?? '');
    if (!isKnown) return `"${line}" is no reason for the score`;
  }
  const first = terms.filter(({ points }) => points === strongest?.points);
  if (strongest === undefined || first.some(({ text }) => lines[0]?.startsWith(text) === true))
    return undefined;
  return `the first reason is "${lines[0] ?? ''}", right is "${strongest.text}"`;
}

interface Term {
  /** Thousandths of a point, without their sign. */
  readonly points: number;
  readonly text: string;
}

/** What there is to say of a score, the strongest first. */
function termsOf(model: PlainModel, { fitting, counted }: Expected): Term[] {
  const fit = model.fit
    .filter(({ title }) => fitting.includes(title))
    .map(({ points, title }) => term(points, title));
  const signals = model.signals.flatMap((rule) => {
    const ofRule = counted.filter((one) => one.rule === rule);
    const cap = Math.min(rule.cap, model.groupCaps.get(rule.group ?? '') ?? Infinity);
    return ofRule.length === 0 ? [] : [term(givenBy(ofRule, cap), rule.title)];
  });
  return [...fit, ...signals].filter(({ points }) => points > 0).toSorted((a, b) => b.points - a.points);
}

function givenBy(counted: readonly Counted[], cap: number): number {
  let thousandths = 0;
  for (const { points } of counted) thousandths += Math.round(points * 1000);
  return Math.min(cap, Math.max(-cap, thousandths / 1000));
}

function term(points: number, title: string): Term {
  const thousandths = Math.round(Math.abs(points) * 1000);
  return { points: thousandths, text: `${points < 0 ? '−' : '+'}${thousandths / 1000} ${title}` };
}

function gradesThereAre({ bands, grid }: PlainModel): string[] {
  if (grid === undefined) return bands.map(({ grade }) => grade);
  return grid.fit.flatMap((row) => grid.engagement.map((column) => row.grade + column.grade));
}

/**
 * The newest signal that counts; or another one, if what was heard of after it changes nothing that is shown: times alone cause no
 * write. That may be an earlier one, and one that counted until another was heard of that it is too close to. Within a step, since
 * points may have faded since. Of who is excluded nothing is shown that a signal could change.
 */
function isRightLastSignal(
  model: PlainModel,
  history: History,
  text: string,
  now: Expected,
  nowMs: number,
): boolean {
  if (text === '') return now.counted.length === 0 || now.excludedBecause !== undefined;
  const shownMs = Date.parse(text);
  const one = now.matched.find(({ atMs, toleranceMs = 0 }) => isThen({ atMs, toleranceMs }, shownMs));
  if (one === undefined) return false;
  const earlier = expectedOf(model, history, nowMs, one.atMs);
  return (
    Math.abs((earlier.score ?? 0) - (now.score ?? 0)) <= model.step &&
    Math.abs((earlier.engagement ?? 0) - (now.engagement ?? 0)) <= model.step
  );
}

/** Whether a happening reaches the scorer: own signals and workflows always do, changes only of what the model looks at. */
function isHeard(model: PlainModel, happening: Happening): boolean {
  if (happening.kind !== 'property') return true;
  const { property } = happening;
  return (
    [...model.fit, ...model.exclusions, ...model.resets].some((rule) => rule.property === property) ||
    model.signals.some((rule) => rule.kind !== 'signal' && rule.of === property)
  );
}

function isBetween(text: string, before: number | null, now: number | null): boolean {
  if (text === '') return before === null || now === null;
  if (before === null || now === null) return Number(text) === (before ?? now);
  return Number(text) >= Math.min(before, now) && Number(text) <= Math.max(before, now);
}
