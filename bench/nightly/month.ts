// Thirty nights of a portal, contact by contact: none needs to know of another but those of its company, so no size needs more memory.
import { addDays, localDate } from '../../lambdas/scoring/calendar.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { type Scored, score } from '../../lambdas/scoring/score.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import {
  type BenchContact,
  drawPortal,
  groupOf,
  isInHubSpot,
  NIGHTS,
  PORTAL_ID,
  START_MS,
} from './contacts.ts';
import { HISTORIES_PER_CALL } from './hubspot.ts';
import {
  factBytes,
  NO_UNITS,
  plus,
  UNITS_OF_COMPANY_WRITE,
  UNITS_OF_ROLL_UP,
  UNITS_OF_WRITE,
  type Units,
  unitsOfRescore,
} from './units.ts';

export const TIME_ZONE = 'UTC';
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** The default of the setting `nightlyHour`. */
const NIGHTLY_HOUR = 2;
/** Below every score. */
const NO_SCORE = -1_000_000;

/** The dates of the nights, the first that of the day after the start. */
export const DATES: readonly string[] = Array.from({ length: NIGHTS }, (_, at) =>
  addDays(localDate(START_MS, TIME_ZONE), at + 1),
);
const NIGHT_OF: ReadonlyMap<string, number> = new Map(DATES.map((date, at) => [date, at]));

/** When the run of a night scores those who fell due. @param night - from 0 */
export function runMs(night: number): number {
  return START_MS + (night + 1) * DAY_MS + NIGHTLY_HOUR * HOUR_MS;
}

/** One night of a portal in figures. */
export interface Night {
  /** Contacts that the index has under this night: all of them are ticked. */
  readonly due: number;
  /** Of these, those that show something else since. */
  readonly written: number;
  /** And those that show the same as before: looked at for nothing. */
  readonly unchanged: number;
  /** Companies of which a contact was written, and those of them that show another score since. */
  readonly companiesRolledUp: number;
  readonly companiesWritten: number;
  /** Contacts that HubSpot has as changed since the night before: somebody did something, or we wrote. */
  readonly changed: number;
  /** Of these, those that have a company. */
  readonly changedOfCompanies: number;
  /** Calls for their histories, where all contacts are listed and each group of pages asks for its own. */
  readonly historyCalls: number;
  /** Of the day before it: contacts that did something, as often as they did, and what was written because of it. */
  readonly happenings: number;
  readonly writtenByDay: number;
  /** Of the table: contacts scored anew, contacts and companies brought to HubSpot. Reading the index for who is due is not in it. */
  readonly units: Units;
}

type Tally = { -readonly [name in keyof Night]: Night[name] };

const NO_NIGHT: Night = {
  due: 0,
  written: 0,
  unchanged: 0,
  companiesRolledUp: 0,
  companiesWritten: 0,
  changed: 0,
  changedOfCompanies: 0,
  historyCalls: 0,
  happenings: 0,
  writtenByDay: 0,
  units: NO_UNITS,
};

/** What thirty nights of some contacts come to. */
export interface Month {
  readonly contacts: number;
  readonly companies: number;
  /** Microseconds of one core, the drawing of the contacts included. */
  readonly cpuMicroseconds: number;
  readonly nights: readonly Night[];
}

export interface MonthOptions {
  readonly contacts: number;
  readonly seed: number;
  /** Of so many that share the work, the one that does this part; from 0. */
  readonly part?: number;
  readonly parts?: number;
  /** Told now and then how many contacts are done. */
  readonly onPlayed?: (contacts: number) => void;
}

/** Blocks that one thread plays in a row: with them the pages that a night compares together begin and end. */
const BLOCKS_TOGETHER = 4;
/** Contacts after which it is told. */
const TOLD_AFTER = 10_000;

/** Plays thirty nights, each contact for itself. The clock is whatever the contact's next event or night says. */
export function playMonth(
  model: Model,
  { contacts, seed, part = 0, parts = 1, onPlayed }: MonthOptions,
): Month {
  const before = process.threadCpuUsage();
  const tallies: Tally[] = DATES.map(() => ({ ...NO_NIGHT }));
  const groups = DATES.map((): Group => ({ group: -1, changed: 0 }));
  let played = 0;
  let companies = 0;
  for (const together of drawPortal(
    model,
    seed,
    contacts,
    (block) => Math.floor(block / BLOCKS_TOGETHER) % parts === part,
  )) {
    playCompany(model, together, { tallies, groups });
    if (Math.floor((played + together.length) / TOLD_AFTER) > Math.floor(played / TOLD_AFTER))
      onPlayed?.(played + together.length);
    played += together.length;
    companies += together[0]?.companyId === undefined ? 0 : 1;
  }
  const { user, system } = process.threadCpuUsage(before);
  return { contacts: played, companies, cpuMicroseconds: user + system, nights: tallies };
}

/** The pages of HubSpot's list that a night is at, and how many contacts of them have changed so far. */
interface Group {
  group: number;
  changed: number;
}

/** What the contacts are counted in, by night. */
interface Counted {
  readonly tallies: readonly Tally[];
  readonly groups: readonly Group[];
}

/** Months of parts of one portal, as one. */
export function joinMonths(months: readonly Month[]): Month {
  const sum = (of: (month: Month) => number) => months.reduce((so, month) => so + of(month), 0);
  return {
    contacts: sum(({ contacts }) => contacts),
    companies: sum(({ companies }) => companies),
    cpuMicroseconds: sum(({ cpuMicroseconds }) => cpuMicroseconds),
    nights: DATES.map((_, at) => joinNights(months.flatMap(({ nights }) => nights[at] ?? []))),
  };
}

export function joinNights(nights: readonly Night[]): Night {
  return nights.reduce(
    (one, other) => ({
      due: one.due + other.due,
      written: one.written + other.written,
      unchanged: one.unchanged + other.unchanged,
      companiesRolledUp: one.companiesRolledUp + other.companiesRolledUp,
      companiesWritten: one.companiesWritten + other.companiesWritten,
      changed: one.changed + other.changed,
      changedOfCompanies: one.changedOfCompanies + other.changedOfCompanies,
      historyCalls: one.historyCalls + other.historyCalls,
      happenings: one.happenings + other.happenings,
      writtenByDay: one.writtenByDay + other.writtenByDay,
      units: plus(one.units, other.units),
    }),
    NO_NIGHT,
  );
}

/** The contacts of one company, or one that has none. */
function playCompany(model: Model, contacts: readonly BenchContact[], counted: Counted): void {
  const lives = contacts.map((contact) => {
    const life = playContact(model, contact, counted.tallies);
    for (const night of life.changedIn) countChange(counted, night, contact);
    return life;
  });
  if (contacts[0]?.companyId === undefined || model.companyScore === undefined) return;
  counted.tallies.forEach((tally, night) => {
    if (!lives.some(({ writtenIn }) => writtenIn.has(night))) return;
    const best = (when: 'before' | 'after') =>
      Math.max(...lives.map((life) => life[when][night] ?? NO_SCORE));
    const isWritten = best('before') !== best('after');
    tally.companiesRolledUp += 1;
    tally.companiesWritten += isWritten ? 1 : 0;
    tally.units = plus(plus(tally.units, UNITS_OF_ROLL_UP), UNITS_OF_COMPANY_WRITE, isWritten ? 1 : 0);
  });
}

/** What its company needs to know of a contact: its score right before and after each night, and the nights in which it was written. */
interface Life {
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly writtenIn: ReadonlySet<number>;
  /** The nights that see it as changed. */
  readonly changedIn: ReadonlySet<number>;
}

/** Contacts come in the order of their ids, as HubSpot lists them. */
function countChange({ tallies, groups }: Counted, night: number, { id, companyId }: BenchContact): void {
  const group = groupOf(id);
  const [tally, at] = [tallies[night], groups[night]];
  if (tally === undefined || at === undefined) return;
  if (at.group !== group) Object.assign(at, { group, changed: 0 });
  if (at.changed % HISTORIES_PER_CALL === 0) tally.historyCalls += 1;
  at.changed += 1;
  tally.changed += 1;
  tally.changedOfCompanies += companyId === undefined ? 0 : 1;
}

function playContact(model: Model, contact: BenchContact, tallies: readonly Tally[]): Life {
  const { happenings } = contact;
  const facts: Fact[] = [...contact.facts];
  const key = contactKey(PORTAL_ID, contact.id);
  let bytes = facts.reduce((sum, fact) => sum + factBytes(key, fact), 0);
  let is = scoreContact(model, contact, facts, undefined, START_MS);
  const life = {
    before: new Float64Array(NIGHTS),
    after: new Float64Array(NIGHTS),
    writtenIn: new Set<number>(),
    changedIn: new Set<number>(),
  };
  let told = 0; // Of the happenings.
  for (let night = 0; night < NIGHTS; night++) {
    const tally = tallies[night];
    const atMs = runMs(night);
    if (tally === undefined) break;
    for (let next = happenings[told]; next !== undefined && next.atMs < atMs; next = happenings[++told]) {
      facts.push(...next.facts);
      for (const fact of next.facts) bytes += factBytes(key, fact);
      const was = is;
      is = scoreContact(model, contact, facts, was.shown, next.atMs);
      tally.happenings += 1;
      const isWritten = is.writeId !== was.writeId;
      tally.writtenByDay += isWritten ? 1 : 0;
      if (isWritten || isInHubSpot(next)) life.changedIn.add(night);
    }
    life.before[night] = is.shown.score ?? NO_SCORE;
    if (isDue(is, night)) {
      const was = is;
      is = scoreContact(model, contact, facts, was.shown, atMs);
      tick(tally, { was, is, bytes, hasCompany: contact.companyId !== undefined });
      if (is.writeId !== was.writeId) {
        life.writtenIn.add(night);
        // The write of this night is seen by its reconciliation, or by the next.
        life.changedIn.add(night);
      }
    }
    life.after[night] = is.shown.score ?? NO_SCORE;
  }
  return life;
}

/** A night that is not among the thirty never comes. */
function isDue({ dueNight }: Scored, night: number): boolean {
  return dueNight !== undefined && NIGHT_OF.get(dueNight) === night;
}

interface Ticked {
  readonly was: Scored;
  readonly is: Scored;
  readonly bytes: number;
  readonly hasCompany: boolean;
}

function tick(tally: Tally, { was, is, bytes, hasCompany }: Ticked): void {
  const isWritten = is.writeId !== was.writeId;
  tally.due += 1;
  tally.written += isWritten ? 1 : 0;
  tally.unchanged += isWritten ? 0 : 1;
  const rescore = unitsOfRescore({
    factBytes: bytes,
    hasCompany,
    dueBefore: was.dueNight,
    dueAfter: is.dueNight,
    scoreBefore: was.shown.score,
    scoreAfter: is.shown.score,
  });
  tally.units = plus(plus(tally.units, rescore), UNITS_OF_WRITE, isWritten ? 1 : 0);
}

/** By the same function as the deployed scorer. */
export function scoreContact(
  model: Model,
  { id, properties, company }: BenchContact,
  facts: readonly Fact[],
  previous: Scored['shown'] | undefined,
  nowMs: number,
): Scored {
  const known = { properties, facts, deals: [], ...(company !== undefined && { company }) };
  return score(model, { portalId: PORTAL_ID, contactId: id, timeZone: TIME_ZONE }, known, previous, nowMs);
}
