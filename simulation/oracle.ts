// What must hold when everything has come to rest, worked out from what truly happened. Shares no rule with the doors.

import { type PlainTouch, plainMoney, sharesOf, touchesBefore } from '../local/demo/oracle-credit.ts';
import { associatedWith, associationTypes } from '../local/hubspot/associations.ts';
import type { CrmRecord } from '../local/hubspot/crm.ts';
import { CLICK_HALF_LIFE_DAYS, LARGE, POINTS } from './model.ts';
import { QUEUES } from './queues.ts';
import type { Violation } from './seed.ts';
import { PORTAL_ID, QUEUE_NAMES, type System } from './system.ts';
import type { Browser, DealNow, Person, World } from './world.ts';

const DAY_MS = 86_400_000;
const CREDIT = { windowDays: 90, models: ['linear', 'first', 'uShaped'], halfLifeDays: 7 } as const;
/** What a tombstone may hold: ids, and that it is one. */
const OF_TOMBSTONES = new Set(['pk', 'sk', 'rev', 'alias', 'moved', 'old', 'life', 'lifeAt']);

type Row = Record<string, unknown>;

/** The whole table, partition by partition. */
type Partitions = ReadonlyMap<string, readonly Row[]>;

/** A visit, and the contacts whose it may be: one, unless two were said to have the browser. */
interface KnownVisit extends PlainTouch {
  readonly browser: Browser;
}

/** All that is to be looked at, found once. */
interface Scene {
  readonly system: System;
  readonly world: World;
  readonly partitions: Partitions;
  /** By id of the living contact, whoever it was made of. */
  readonly people: ReadonlyMap<string, readonly Person[]>;
  readonly visits: ReadonlyMap<string, readonly KnownVisit[]>;
  /** Contacts of whose visits it depends on what was heard first, or on who left meanwhile, which are theirs. */
  readonly vague: ReadonlySet<string>;
  readonly nowMs: number;
  /** Since when every contact was scored at least once, epoch milliseconds. */
  readonly scoredSinceMs: number;
}

/**
 * @param scoredSinceMs - epoch milliseconds after which everybody was scored: what fades may have faded since
 * @param areLettersKept - whether no dead letter can be gone by retention
 */
export function violationsAtRest(
  system: System,
  world: World,
  nowMs: number,
  scoredSinceMs: number,
  areLettersKept = true,
): Violation[] {
  const partitions = Map.groupBy<string, Row>(system.table.rows(), ({ pk }) => String(pk));
  const people = Map.groupBy(
    world.ledger.people.filter(({ fate }) => fate === 'lives'),
    (person) => world.idOf(person),
  );
  const owners = ownersOf(world, partitions);
  const scene: Scene = { system, world, partitions, people, nowMs, scoredSinceMs, ...owners };
  const found: Violation[] = [];
  const tell = (promise: number, what: string) => void found.push({ promise, what });
  const { crm } = system.portal;
  for (const contact of crm.all('contacts')) checkContact(contact, scene, tell);
  for (const person of world.ledger.people) checkWhoLeft(person, scene, tell);
  for (const company of crm.all('companies')) checkCompany(company, scene, tell);
  for (const deal of world.ledger.deals) checkDeal(deal, scene, tell);
  checkIdentities(scene, tell);
  if (areLettersKept) checkLetters(scene, tell);
  checkWords(scene, tell);
  for (const refusal of [...world.refusals, ...system.refusals]) tell(1, refusal);
  if (system.waiting > 0) tell(3, `${system.waiting} messages are still on their way`);
  if (world.underWay > 0) tell(1, `${world.underWay} requests were never accepted`);
  if (system.portal.refused() > 0) tell(5, `${system.portal.refused()} calls were over a limit of HubSpot's`);
  return found;
}

type Tell = (promise: number, what: string) => void;

function headOf(partitions: Partitions, key: string): Row | undefined {
  return partitions.get(key)?.find(({ sk }) => sk === '#head');
}

/** An attribute as text, `''` for none. */
function textOf(row: Row | undefined, attribute: string): string {
  const value = row?.[attribute] ?? '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whose the visits are. */
function ownersOf(world: World, partitions: Partitions): Pick<Scene, 'visits' | 'vague'> {
  const visits = new Map<string, KnownVisit[]>();
  const vague = new Set<string>();
  for (const browser of world.ledger.browsers) {
    const ids = new Set(browser.claims.map((person) => world.idOf(person)));
    const isSure = ids.size === 1 && browser.claims.every(({ fate }) => fate === 'lives');
    const own = world.ledger.sessions.filter((session) => session.browser === browser);
    if (!isSure) for (const id of ids) vague.add(id);
    const owner = isSure ? [...ids][0] : aliasEnd(`${PORTAL_ID}#visitor#${browser.visitorId}`, partitions);
    if (owner === undefined || !ids.has(owner)) continue;
    visits.set(owner, [
      ...(visits.get(owner) ?? []),
      ...own.map(({ source, atMs }) => ({ source: source.key, atMs, browser })),
    ]);
  }
  return { visits, vague };
}

/** The id of the contact at which a chain of aliases ends. */
function aliasEnd(key: string, partitions: Partitions): string | undefined {
  let at = key;
  for (let hop = 0; hop < 20; hop++) {
    const alias = headOf(partitions, at)?.['alias'];
    if (typeof alias !== 'string') return at === key ? undefined : at.slice(PORTAL_ID.length + 1);
    at = alias;
  }
  return undefined;
}

function checkContact(contact: CrmRecord, scene: Scene, tell: Tell): void {
  const { id, properties } = contact;
  const name = `contact ${id}`;
  const rows = scene.partitions.get(`${PORTAL_ID}#${id}`) ?? [];
  const head = rows.find(({ sk }) => sk === '#head');
  const people = scene.people.get(id) ?? [];
  if (head === undefined || head['wid'] === undefined) {
    tell(3, `${name} was never scored`);
    return;
  }
  if (head['alias'] !== undefined || (head['life'] ?? 'living') !== 'living')
    tell(2, `${name} lives, and the table has it as ${textOf(head, 'life')} ${textOf(head, 'alias')}`);
  const shown = (property: string) => properties[`afterglow_${property}`] ?? '';
  for (const [property, attribute] of [
    ['write_id', 'wid'],
    ['write_id', 'cwid'],
    ['score', 'score'],
    ['fit_score', 'fit'],
    ['engagement_score', 'eng'],
    ['grade', 'grade'],
    ['status', 'status'],
    ['reasons', 'why'],
    ['model', 'model'],
  ] as const) {
    const right = textOf(head, attribute);
    if (shown(property) !== right)
      tell(3, `${name} shows ${property} "${shown(property)}", the table says ${attribute} "${right}"`);
  }
  checkFacts(name, rows, people, scene, tell);
  checkScore(name, contact, people, head, scene, tell);
}

/** Every login and every click is one row, no more. */
function checkFacts(
  name: string,
  rows: readonly Row[],
  people: readonly Person[],
  scene: Scene,
  tell: Tell,
): void {
  const { logins } = scene.world.ledger;
  const right = logins.filter(({ person }) => people.includes(person)).map(({ atMs }) => atMs);
  const kept = rows
    .filter((row) => row['name'] === 'signal:product.login')
    .map(({ sk }) => Number(String(sk).split('#')[1]));
  const [wanted, found] = [right, kept].map((times) => times.toSorted((a, b) => a - b).join(' '));
  if (wanted !== found) tell(2, `${name} has logins at [${found}], right are [${wanted}]`);
}

/** Thousandths of a point at an instant, without visits of AI assistants. */
function engagementAt(people: readonly Person[], atMs: number, { world }: Scene): number {
  const { logins, clicks, rises } = world.ledger;
  let sum = 0;
  for (const { person } of logins) if (people.includes(person)) sum += POINTS.login * 1000;
  for (const { person, atMs: clickedMs } of clicks)
    if (people.includes(person)) {
      const age = Math.max(0, atMs - clickedMs) / (CLICK_HALF_LIFE_DAYS * DAY_MS);
      sum += POINTS.click * 1000 * 2 ** -age;
    }
  for (const person of people) sum += (rises.get(person) ?? 0) * POINTS.view * 1000;
  return sum;
}

function isByAi({ source }: PlainTouch): boolean {
  return source.startsWith('ai/');
}

function checkScore(
  name: string,
  { id, properties }: CrmRecord,
  people: readonly Person[],
  head: Row,
  scene: Scene,
  tell: Tell,
): void {
  const { portal } = scene.system;
  const companyId = primaryOf(scene, id);
  const company = companyId === undefined ? undefined : portal.crm.get('companies', companyId);
  const employees = company?.properties['numberofemployees'] ?? '';
  const title = properties['jobtitle'] ?? '';
  const fit =
    (title === 'CTO' ? POINTS.cto : 0) + (employees !== '' && Number(employees) >= LARGE ? POINTS.large : 0);
  const visits = scene.visits.get(id) ?? [];
  const byAi = visits.filter(isByAi).length;
  const isVague = scene.vague.has(id);
  const sessions = Number((properties['afterglow_ai_sessions'] ?? '') || 0);
  if (!isVague && sessions !== byAi) tell(2, `${name} shows ${sessions} visits by AI, right are ${byAi}`);
  const [highest, lowest] = [scene.scoredSinceMs, scene.nowMs].map((ms) => engagementAt(people, ms, scene));
  const isKnown = title !== '' || employees !== '' || (highest ?? 0) > 0 || sessions > 0;
  const isOut = properties['hs_lead_status'] === 'UNQUALIFIED';
  const status = isOut ? 'excluded_unqualified' : isKnown ? 'scored' : 'insufficient_data';
  if (head['status'] !== status) {
    tell(2, `${name} is ${textOf(head, 'status')}, right is ${status}`);
    return;
  }
  if (status !== 'scored') {
    if ((head['score'] ?? null) !== null) tell(2, `${name} is ${status} and has a score`);
    return;
  }
  const points = (thousandths: number) => thousandths / 1000 + (isVague ? sessions : byAi) * POINTS.aiVisit;
  const [least, most] = [Math.round(points(lowest ?? 0) - 0.01), Math.round(points(highest ?? 0) + 0.01)];
  if (head['fit'] !== fit) tell(2, `${name} has fit ${textOf(head, 'fit')}, right is ${fit}`);
  const engagement = Number(head['eng']);
  if (!(engagement >= least && engagement <= most))
    tell(2, `${name} has engagement ${engagement}, right is ${least}${least === most ? '' : ` to ${most}`}`);
  const score = Number(head['score']);
  if (Math.abs(score - (fit + engagement)) > 1)
    tell(2, `${name} has ${score} points of ${fit} and ${engagement}`);
}

function primaryOf({ system }: Scene, contactId: string): string | undefined {
  const companies = associatedWith(system.portal.state, { type: 'contacts', id: contactId }, 'companies');
  const primary = associationTypes('contacts', 'companies')?.primary ?? Number.NaN;
  return companies.find(({ typeIds }) => typeIds.includes(primary))?.id;
}

/** Of who was erased nothing is left but tombstones; who was deleted is not among those that live. */
function checkWhoLeft(person: Person, { partitions, world }: Scene, tell: Tell): void {
  if (person.fate === 'lives') return;
  for (const id of new Set([person.firstId, world.lastIdOf(person)])) {
    const rows = partitions.get(`${PORTAL_ID}#${id}`) ?? [];
    const head = rows.find(({ sk }) => sk === '#head');
    if (person.fate === 'deleted') {
      if (head !== undefined && head['alias'] === undefined && (head['life'] ?? 'living') === 'living')
        tell(2, `contact ${id} was deleted, and the table has it as living`);
      continue;
    }
    // An old id may lead to the tombstone instead of being one.
    const isTombstone =
      head?.['life'] === 'erased' || (id === person.firstId && head?.['alias'] !== undefined);
    if (!isTombstone) tell(8, `contact ${id} was erased, and there is no tombstone`);
    for (const row of rows) {
      if (row['sk'] !== '#head') tell(8, `contact ${id} was erased, and ${String(row['sk'])} is there`);
      else
        for (const attribute of Object.keys(row))
          if (!OF_TOMBSTONES.has(attribute)) tell(8, `the tombstone of ${id} has ${attribute}`);
    }
  }
}

/** No address and no browser leads to anybody who was erased; no visit is anybody's twice. */
function checkIdentities({ partitions, world, system }: Scene, tell: Tell): void {
  for (const [key, rows] of partitions) {
    const head = rows.find(({ sk }) => sk === '#head');
    if (!/^\d+#(email|visitor)#/.test(key) || head?.['alias'] === undefined) continue;
    const end = aliasEnd(key, partitions) ?? '';
    if (headOf(partitions, `${PORTAL_ID}#${end}`)?.['life'] === 'erased')
      tell(8, `${key} leads to ${end}, who was erased`);
  }
  const shown = system.portal.crm
    .all('contacts')
    .reduce((sum, { properties }) => sum + Number(properties['afterglow_ai_sessions'] ?? 0), 0);
  const visits = world.ledger.sessions.filter(({ source }) => source.key.startsWith('ai/'));
  // Known, and told in docs/reliability.md: a browser that was an address's and gave way to a contact takes along what is told again.
  const contested = visits.filter(({ browser: { gaveWayAtMs = 0 }, atMs }) => atMs <= gaveWayAtMs);
  if (shown > visits.length + contested.length)
    tell(2, `contacts show ${shown} visits by AI, there were ${visits.length}`);
}

function checkCompany({ id, properties }: CrmRecord, scene: Scene, tell: Tell): void {
  const { crm } = scene.system.portal;
  const scores = crm
    .all('contacts')
    .filter((contact) => primaryOf(scene, contact.id) === id)
    .map((contact) => contact.properties['afterglow_score'] ?? '')
    .filter((score) => score !== '')
    .map(Number);
  const right = scores.length === 0 ? '' : String(Math.max(...scores));
  const shown = properties['afterglow_company_score'] ?? '';
  if (shown !== right) tell(3, `company ${id} shows "${shown}", its best contact has "${right}"`);
}

function checkDeal(deal: DealNow, scene: Scene, tell: Tell): void {
  const name = `deal ${deal.id}`;
  const row = headOf(scene.partitions, `${PORTAL_ID}#deal#${deal.id}`);
  if (deal.isDeleted) {
    if (row !== undefined && row['life'] !== 'deleted') tell(2, `${name} was deleted, and the table has it`);
    return;
  }
  const properties = scene.system.portal.crm.get('deals', deal.id)?.properties ?? {};
  const shown = (property: string) => properties[`afterglow_${property}`] ?? '';
  if (row?.['wid'] === undefined) {
    tell(3, `${name} was never credited`);
    return;
  }
  for (const attribute of ['wid', 'cwid'])
    if (row[attribute] !== shown('write_id')) tell(3, `${name} shows another credit than its ${attribute}`);
  const money = plainMoney(deal.amount, 'EUR');
  // Where no visit is known nothing that HubSpot shows tells of the amount.
  const kept: { readonly amount?: string } = JSON.parse(textOf(row, 'deal') || '{}');
  if (plainMoney(kept.amount ?? '', 'EUR')?.units !== money?.units)
    tell(2, `${name} is worth "${deal.amount}", the table has "${kept.amount}"`);
  const sum = sumOf(shown('sources'), money?.decimals ?? 2);
  if (money !== undefined && shown('sources') !== '' && sum !== money.units)
    tell(2, `${name} is worth ${money.units} units, its sources sum to ${sum}: ${shown('sources')}`);
  // Whose contact left: nobody hears of it, so what is right depends on when the deal was last looked at.
  const ids = [...new Set(deal.people.map((person) => scene.world.idOf(person)))];
  if (deal.people.some(({ fate }) => fate !== 'lives') || ids.some((id) => scene.vague.has(id))) return;
  const all = ids.flatMap((id) => scene.visits.get(id) ?? []);
  const touches = touchesBefore(all, deal.stageSinceMs, CREDIT);
  if (String(touches.some(isByAi)) !== shown('ai_influenced'))
    tell(2, `${name} shows ai_influenced "${shown('ai_influenced')}", of its visits ${touches.length}`);
  for (const [model, property] of [
    ['linear', 'ai_amount_linear'],
    ['first', 'ai_amount_first'],
    ['uShaped', 'ai_amount_u_shaped'],
  ] as const) {
    const shares = money === undefined ? [] : sharesOf(model, touches, money, CREDIT);
    let right = 0n;
    for (const { source, units } of shares) if (source.startsWith('ai/')) right += units;
    const text = shown(property);
    const found = text === '' ? undefined : unitsIn(text, money?.decimals ?? 2);
    if (found !== (money === undefined ? undefined : right))
      tell(2, `${name} shows ${property} "${text}", right are ${right} units`);
  }
}

/**
 * What is wrong with how a deal was stored: a credit that became another has a line more in the log of the same row.
 *
 * @returns undefined where all is right
 */
export function wrongRestatement(before: Row, after: Row): string | undefined {
  const [was, is] = [before, after].map((row) => {
    const { byModel, units }: { readonly byModel?: object; readonly units?: string } = JSON.parse(
      textOf(row, 'credit') || '{}',
    );
    return JSON.stringify([inOrder(byModel), units]);
  });
  if (was === is || before['log'] !== after['log']) return undefined;
  return `the credit of ${textOf(after, 'pk')} became another, and its log says nothing of it`;
}

function inOrder(byModel: object | undefined): unknown {
  return Object.entries(byModel ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1));
}

function sumOf(lines: string, decimals: number): bigint {
  let sum = 0n;
  for (const line of lines.split('\n')) {
    const [, text = ''] = /(-?[\d.]+)(?: [A-Z]{3})?(?: \(.*\))?$/.exec(line) ?? [];
    sum += unitsIn(text, decimals) ?? 0n;
  }
  return sum;
}

function unitsIn(text: string, decimals: number): bigint | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const digits = fraction.replace(/0+$/, '');
  if (whole === '' || digits.length > decimals) return undefined;
  const size = BigInt(whole + digits.padEnd(decimals, '0'));
  return sign === '-' ? -size : size;
}

/** Nothing is a dead letter but what nobody could understand; that is one, with its reason. */
function checkLetters({ system, world }: Scene, tell: Tell): void {
  const left = new Set(world.ledger.poisons);
  for (const queue of QUEUE_NAMES)
    for (const { body } of system.queues.messages(QUEUES[queue].deadLetters.name)) {
      const {
        reason,
        event,
      }: { readonly reason?: unknown; readonly event?: { readonly propertyValue?: string } } =
        JSON.parse(body);
      const mark = event?.propertyValue ?? '';
      if (typeof reason !== 'string' || reason === '')
        tell(4, `a dead letter of ${queue} has no reason: ${body}`);
      else if (!world.ledger.poisons.has(mark))
        tell(4, `a dead letter of ${queue} that should be none: ${body}`);
      left.delete(mark);
    }
  for (const mark of left) tell(4, `an event that cannot be understood is no dead letter: ${mark}`);
}

/** What is said to anybody holds no name and no address. */
function checkWords({ system }: Scene, tell: Tell): void {
  const words = system.said.find((line) => /Canary|@example\.com/.test(line));
  if (words !== undefined) tell(7, `said: ${words.slice(0, 300)}`);
}
