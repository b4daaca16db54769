// What thirty nights of a portal of some size come to: contacts, calls, virtual time, units and dollars.

import { NIGHTS } from './contacts.ts';
import {
  callVirtually,
  dealsOf,
  fullNight,
  isListedWhole,
  mostPages,
  PAGES_AT_ONCE,
  type ReconciliationCalls,
  type RollingNight,
  rollingNight,
  WRITES_AT_ONCE,
  writeCalls,
} from './hubspot.ts';
import { DATES, joinNights, type Month, type Night } from './month.ts';
import {
  decisionUnits,
  dollarsOfUnits,
  NO_UNITS,
  plus,
  reconciliationUnits,
  unitsTogether,
} from './units.ts';

const MILLION = 1_000_000;

/** One night of the largest portal. */
export interface NightFigures {
  readonly night: string;
  readonly due: number;
  readonly ticked: number;
  readonly written: number;
  readonly unchanged: number;
  readonly companiesWritten: number;
  readonly calls: number;
}

export interface SizeFigures {
  readonly contacts: number;
  readonly companies: number;
  /** Of all thirty nights: contacts due, written, and looked at for nothing; of the days between, what was done and written. */
  readonly due: number;
  readonly written: number;
  readonly unchanged: number;
  readonly happenings: number;
  readonly writtenByDay: number;
  /** Of a night, on average: due by all contacts, in percent; calls that write; seconds that these take. */
  readonly duePercent: number;
  readonly writeCalls: number;
  readonly writeSeconds: number;
  /** What writing everybody takes. */
  readonly everybodyCalls: number;
  readonly everybodySeconds: number;
  /** Of a night, on average: decision, contacts scored anew, and writes. */
  readonly decayUnits: number;
  readonly decayDollars: number;
  /** Contacts that HubSpot has as changed, of a night on average. */
  readonly changed: number;
  /** All records listed. */
  readonly full: ReconciliationCalls & {
    readonly virtualSeconds: number;
    readonly units: number;
    readonly dollars: number;
  };
  /** Only what changed, and a share. */
  readonly rolling: RollingNight;
  /** Which of the two the default settings choose. */
  readonly isListedWhole: boolean;
  /** Dollars of a whole night for a million contacts, calls for a million, and CPU of scoring for one contact and thirty nights. */
  readonly dollarsPerMillion: number;
  readonly callsPerMillion: number;
  readonly cpuMicrosecondsPerContact: number;
}

export async function figuresOfSize(month: Month): Promise<SizeFigures & { readonly windowsOver: number }> {
  const { contacts, companies, cpuMicroseconds } = month;
  const all = joinNights(month.nights);
  const changes = {
    contacts: Math.round(mean(all.changed)),
    companies: Math.round(mean(all.companiesWritten)),
    historyCallsOfPages: Math.round(mean(all.historyCalls)),
  };
  const portal = { contacts, companies, deals: dealsOf(contacts) };
  const decayUnits = month.nights.reduce(
    (sum, night) => plus(plus(sum, night.units), decisionUnits(night.due)),
    NO_UNITS,
  );
  const compared = reconciliationUnits({
    ...portal,
    changed: changes.contacts,
    changedOfCompanies: mean(all.changedOfCompanies),
  });
  const calls = mean(month.nights.reduce((sum, night) => sum + callsOf(night), 0));
  const full = fullNight(portal, changes);
  const writing = await callVirtually(Math.round(calls), WRITES_AT_ONCE);
  const everybody = await callVirtually(writeCalls(contacts), WRITES_AT_ONCE);
  const listing = await callVirtually(full.calls, PAGES_AT_ONCE);
  const decayDollars = mean(dollarsOfUnits(decayUnits));
  const perMillion = MILLION / contacts;
  return {
    contacts,
    companies,
    due: all.due,
    written: all.written,
    unchanged: all.unchanged,
    happenings: all.happenings,
    writtenByDay: all.writtenByDay,
    duePercent: (100 * mean(all.due)) / contacts,
    writeCalls: calls,
    writeSeconds: writing.virtualSeconds,
    everybodyCalls: everybody.calls,
    everybodySeconds: everybody.virtualSeconds,
    decayUnits: mean(unitsTogether(decayUnits)),
    decayDollars,
    changed: changes.contacts,
    full: {
      ...full,
      virtualSeconds: listing.virtualSeconds,
      units: unitsTogether(compared),
      dollars: dollarsOfUnits(compared),
    },
    rolling: rollingNight(portal, changes, mostPages()),
    isListedWhole: isListedWhole(portal),
    dollarsPerMillion: perMillion * (decayDollars + dollarsOfUnits(compared)),
    callsPerMillion: perMillion * (calls + full.calls),
    cpuMicrosecondsPerContact: cpuMicroseconds / contacts,
    windowsOver: writing.windowsOver + everybody.windowsOver + listing.windowsOver,
  };
}

/** Of thirty nights, one on average. */
function mean(sum: number): number {
  return sum / NIGHTS;
}

/** Calls that bring contacts and companies to HubSpot. */
function callsOf({ written, companiesWritten }: Night): number {
  return writeCalls(written) + writeCalls(companiesWritten);
}

/** Night by night. */
export function nightsOf({ nights }: Month): NightFigures[] {
  return nights.map((night, at) => ({
    night: DATES[at] ?? '',
    due: night.due,
    ticked: night.due,
    written: night.written,
    unchanged: night.unchanged,
    companiesWritten: night.companiesWritten,
    calls: callsOf(night),
  }));
}
