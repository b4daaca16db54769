// Holds what the simulated HubSpot shows against what the oracle says, contact by contact.
import type { Crm, CrmRecord } from '../hubspot/crm.ts';
import type { Happening } from './happenings.ts';
import { type Expected, expectedOf, type History } from './oracle.ts';
import { type PlainModel, readPlainModel } from './oracle-model.ts';
import type { DemoContact } from './portal.ts';

export interface PortalCheck {
  readonly crm: Pick<Crm, 'get'>;
  /** The model file as it is written. */
  readonly modelYaml: string;
  readonly contacts: readonly DemoContact[];
  /** All that was made to happen since the contacts were created. */
  readonly happenings: readonly Happening[];
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
  readonly contactId: string;
  /** What HubSpot shows, and what would be right; names no person. */
  readonly reason: string;
}

/** The first thing wrong with each contact; nothing when HubSpot shows what it should. */
export function checkPortal(check: PortalCheck): Mismatch[] {
  const model = readPlainModel(check.modelYaml);
  const byContact = Map.groupBy(check.happenings, ({ contactId }) => contactId);
  return check.contacts.flatMap(({ id, properties, createdAtMs }): Mismatch[] => {
    const history = { properties, createdAtMs, happenings: byContact.get(id) ?? [] };
    const reason = whatIsWrong(check, model, history, check.crm.get('contacts', id));
    return reason === undefined ? [] : [{ contactId: id, reason }];
  });
}

function whatIsWrong(
  check: PortalCheck,
  model: PlainModel,
  history: History,
  record: CrmRecord | undefined,
): string | undefined {
  if (record === undefined) return 'the contact is gone';
  const shown = (name: string) => record.properties[`afterglow_${name}`] ?? '';
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
  shown: (name: string) => string,
  now: Expected,
  nowMs: number,
): string | undefined {
  if (!shown('model').startsWith(`${model.name}@`))
    return `model is "${shown('model')}", right is ${model.name}@…`;
  if (now.status === 'insufficient_data' && shown('reasons') !== '') return 'there are reasons, but no score';
  if (shown('write_id') === '') return 'HubSpot shows no write id';
  if (!Number.isFinite(Date.parse(shown('scored_at')))) return `scored_at is "${shown('scored_at')}"`;
  if (isRightLastSignal(model, history, shown('last_signal_at'), now, nowMs)) return undefined;
  const [newestMs] = now.signalsAtMs;
  const right = newestMs === undefined ? '""' : new Date(newestMs).toISOString();
  return `last_signal_at is "${shown('last_signal_at')}", right is ${right}`;
}

/**
 * The newest signal that counts; or an earlier one, if those after it change nothing that is shown: times alone cause no
 * write. Within a step, since points may have faded since.
 */
function isRightLastSignal(
  model: PlainModel,
  history: History,
  text: string,
  now: Expected,
  nowMs: number,
): boolean {
  const [newestMs] = now.signalsAtMs;
  if (text === '') return newestMs === undefined;
  const shownMs = Date.parse(text);
  if (!now.signalsAtMs.includes(shownMs)) return false;
  const earlier = expectedOf(model, history, nowMs, shownMs);
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
    model.fit.some((rule) => rule.property === property) ||
    model.signals.some((rule) => rule.kind !== 'signal' && rule.of === property)
  );
}

function isBetween(text: string, before: number | null, now: number | null): boolean {
  if (text === '') return before === null || now === null;
  if (before === null || now === null) return Number(text) === (before ?? now);
  return Number(text) >= Math.min(before, now) && Number(text) <= Math.max(before, now);
}
