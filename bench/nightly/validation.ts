// The model of the table's units beside a table.
import type { Model } from '../../lambdas/scoring/model.ts';
import { drawPortal } from './contacts.ts';
import { fullNight } from './hubspot.ts';
import { joinNights, type Night, playMonth } from './month.ts';
import { PlayedTable, type Reconciled, type Seen } from './played-table.ts';
import { decisionUnits, NO_UNITS, plus, reconciliationUnits, unitsTogether } from './units.ts';

/** The same night, by the model and by the table. */
interface Compared {
  readonly modelled: number;
  readonly measured: number;
  /** The first by the second. */
  readonly ratio: number;
}

export interface ValidationFigures {
  readonly contacts: number;
  readonly nights: number;
  /** Contacts due and written in these nights. */
  readonly due: Compared;
  readonly written: Compared;
  /** Units: table and indexes apart, of decay with all that is written; of the decision; and of one night in which all are compared. */
  readonly reads: Compared;
  readonly writes: Compared;
  readonly indexWrites: Compared;
  readonly decisionReads: Compared;
  readonly reconciliationUnits: Compared;
  /** Calls of that night. */
  readonly reconciliationCalls: Compared;
  /** Records in which it found something amiss: nothing is. */
  readonly repaired: number;
}

export interface ValidationOptions {
  readonly contacts: number;
  readonly nights: number;
  readonly seed: number;
}

/** Plays the first nights of a portal in a real table. */
export async function validateUnits(model: Model, options: ValidationOptions): Promise<ValidationFigures> {
  const { contacts, nights, seed } = options;
  const portal = [...drawPortal(model, seed, contacts)].flat();
  const table = await PlayedTable.open(model, portal);
  try {
    const seen: Seen[] = [];
    for (let night = 0; night < nights; night++) seen.push(await table.night(night));
    const compared = await table.reconcile();
    const modelled = joinNights(playMonth(model, { contacts, seed }).nights.slice(0, nights));
    return compare(options, modelled, seen, compared);
  } finally {
    await table.close();
  }
}

function compare(
  { contacts, nights }: ValidationOptions,
  modelled: Night,
  seen: readonly Seen[],
  { listed, historyCalls, repaired, calls, units }: Reconciled,
): ValidationFigures {
  const measured = seen.reduce((sum, night) => plus(sum, night.units), NO_UNITS);
  const decided = seen.reduce((sum, night) => plus(sum, night.decision), NO_UNITS);
  const sum = (of: (night: Seen) => number) => seen.reduce((so, night) => so + of(night), 0);
  const decisions = seen.reduce((so, { due }) => plus(so, decisionUnits(due.length)), NO_UNITS);
  return {
    contacts,
    nights,
    due: against(
      modelled.due,
      sum(({ due }) => due.length),
    ),
    written: against(
      modelled.written,
      sum(({ written }) => written),
    ),
    reads: against(modelled.units.reads + modelled.units.indexReads, measured.reads + measured.indexReads),
    writes: against(modelled.units.writes, measured.writes),
    indexWrites: against(modelled.units.indexWrites, measured.indexWrites),
    decisionReads: against(unitsTogether(decisions), unitsTogether(decided)),
    reconciliationUnits: against(unitsTogether(reconciliationUnits(listed)), unitsTogether(units)),
    reconciliationCalls: against(
      fullNight(listed, { contacts: listed.changed, companies: 0, historyCallsOfPages: historyCalls }).calls,
      calls.pages + calls.histories,
    ),
    repaired,
  };
}

function against(modelled: number, measured: number): Compared {
  return { modelled, measured, ratio: modelled === measured ? 1 : modelled / measured };
}
