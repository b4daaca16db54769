import { observe } from '../lambdas/events/property-facts.ts';
import type { Deal, Fact, Known, PropertyValue } from '../lambdas/scoring/facts.ts';
import { type Folded, fold } from '../lambdas/scoring/fold.ts';
import { type GradeChange, nextGradeChange } from '../lambdas/scoring/forecast.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { type Shown, show, writeIdOf } from '../lambdas/scoring/show.ts';
import { touchFact } from '../lambdas/scoring/touches.ts';
import { DAYS_TOLD, type Happening, NOW, type TypicalContact } from './typical-contacts.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** When they come to be: any date does, a fixed one gives everybody the same answer. */
const BEGIN_MS = Date.parse('2026-01-01T00:00:00Z');
const TIME_ZONE = 'UTC';
const PORTAL = '1';
/** When the nightly run looks at them, and the first happening of a day; the others follow by the hour. */
const NIGHT_HOUR = 2;
const MORNING_HOUR = 9;

/** Something at which a contact is scored again: a happening, or a night. */
interface Moment {
  readonly day: number;
  readonly atMs: number;
  readonly known: Known;
}

/** A year of a contact under a model. */
export interface Year {
  /** What is shown at the end of each day, from day 0. */
  readonly days: readonly Shown[];
  /** How often something else was shown than before, the first time included: each is a write to HubSpot. */
  readonly writes: number;
}

/**
 * Folds a contact through a year as the running system does: at every happening, and every night.
 *
 * @param days - to follow it for, at most {@link DAYS_TOLD}
 */
export function rehearse(model: Model, contact: TypicalContact, days = DAYS_TOLD): Year {
  const shown: Shown[] = [];
  const forecast = rememberedForecast();
  let [last, lastId, writes]: [Shown | undefined, string, number] = [undefined, '', 0];
  for (const { day, atMs, known } of momentsOf(model, contact, days)) {
    const folded = fold(model, known, atMs);
    last = show(last, folded, model, TIME_ZONE, (...asked) => forecast(known, ...asked));
    const writeId = writeIdOf(PORTAL, contact.id, last);
    if (writeId !== lastId) writes += 1;
    lastId = writeId;
    shown[day] = last;
  }
  return { days: shown, writes };
}

/** What becomes of a grade is the costly part of a fold, and stays the same until something happens or it has come. */
function rememberedForecast() {
  let found: { readonly of: Known; readonly change: GradeChange | undefined } | undefined;
  return (of: Known, model: Model, folded: Folded, grade: string): GradeChange | undefined => {
    const hasCome = (found?.change?.atMs ?? Number.POSITIVE_INFINITY) <= folded.nowMs;
    if (found === undefined || found.of !== of || hasCome)
      found = { of, change: nextGradeChange(model, folded, grade) };
    return found.change;
  };
}

/** The rules that a contact ever meets, however long ago and whether or not it is excluded. */
export function rulesMet(model: Model, contact: TypicalContact): { fit: string[]; signals: string[] } {
  const known = [...momentsOf(model, contact, DAYS_TOLD)].at(-1)?.known ?? { properties: [], facts: [] };
  const unforgetting = { ...model, horizonDays: 2 * DAYS_TOLD, exclusions: [], resetOn: [] };
  const { fitting, awards } = fold(unforgetting, known, BEGIN_MS + (DAYS_TOLD + 1) * DAY_MS);
  const signals = model.engagement.signals.filter((_, at) => awards.some((award) => award.signal === at));
  return { fit: fitting.map(({ id }) => id), signals: signals.map(({ id }) => id) };
}

/** In the order of time: the night of each day, and what happens on it. */
function* momentsOf(model: Model, contact: TypicalContact, days: number): Generator<Moment> {
  const teller = tellerOf(model, contact);
  let known = teller.begin();
  for (let day = 0; day <= days; day++) {
    const midnightMs = BEGIN_MS + day * DAY_MS;
    yield { day, atMs: midnightMs + NIGHT_HOUR * HOUR_MS, known };
    for (const [at, happening] of contact.happenings.filter((one) => one.day === day).entries()) {
      const atMs = midnightMs + (MORNING_HOUR + at) * HOUR_MS;
      known = teller.tell(known, happening, atMs);
      yield { day, atMs, known };
    }
  }
}

/** Turns happenings into what is known, in the way in which events become facts. */
function tellerOf(model: Model, { id, properties, company, happenings }: TypicalContact) {
  const counts = new Map<string, number>();
  const seen = (property: string, value: string, atMs: number, as: 'change' | 'found') =>
    observe(model, { portalId: PORTAL, objectType: 'contact', objectId: id, property, value, atMs, as });
  const added = (known: Known, observed: readonly ReturnType<typeof seen>[]): Known => ({
    ...known,
    properties: [...known.properties, ...observed.flatMap((one): PropertyValue[] => one.properties)],
    facts: [...known.facts, ...observed.flatMap((one): Fact[] => one.facts)],
  });
  return {
    begin(): Known {
      const counters = new Set(happenings.flatMap(({ rise = {} }) => Object.keys(rise)));
      return added({ properties: [], facts: [], company: valuesOf(company) }, [
        ...Object.entries(properties).map(([name, value]) => seen(name, value, BEGIN_MS, 'found')),
        ...[...counters].map((name) => seen(name, '0', BEGIN_MS, 'found')),
      ]);
    },
    tell(
      known: Known,
      { set = {}, rise = {}, signals = [], seen: visit, deal }: Happening,
      atMs: number,
    ): Known {
      const changed = Object.entries(set).map(([name, value]) =>
        seen(name, value.replace(NOW, new Date(atMs).toISOString()), atMs, 'change'),
      );
      const risen = Object.entries(rise).map(([name, by]) => {
        const count = (counts.get(name) ?? 0) + by;
        counts.set(name, count);
        return seen(name, String(count), atMs, 'change');
      });
      const own = signals.map(
        (name, at): Fact => ({ key: `${atMs}/${at}`, name: `signal:${name}`, occurredAtMs: atMs }),
      );
      const deals = deal === undefined ? known.deals : [dealOf(deal, atMs)];
      const visits = visit === undefined ? [] : [touchFact(`visit ${atMs}`, atMs, visit)];
      const touches = [...(known.touches ?? []), ...visits];
      const told = { ...added(known, [...changed, ...risen, { facts: own, properties: [] }]), touches };
      return deals === undefined ? told : { ...told, deals };
    },
  };
}

function valuesOf(values: Readonly<Record<string, string>>): PropertyValue[] {
  return Object.entries(values).map(([name, value]) => ({ name, value, occurredAtMs: BEGIN_MS }));
}

function dealOf(state: Deal['state'], atMs: number): Deal {
  return { id: '1', state, closedAtMs: state === 'open' ? undefined : atMs };
}
