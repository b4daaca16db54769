// A portal in a real table, by the deployed code: what DynamoDB's stand-in says that its nights consume.
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { chunks } from '../../lambdas/chunks.ts';
import { hubSpotPortal } from '../../lambdas/hubspot/portal.ts';
import { decay } from '../../lambdas/nightly/decay.ts';
import { begin, goOn } from '../../lambdas/nightly/go-on.ts';
import { reportsRow } from '../../lambdas/nightly/monthly-report.ts';
import type { RunParts } from '../../lambdas/nightly/parts.ts';
import { noFigures, type Run, runRow, type WorkRequest } from '../../lambdas/nightly/run.ts';
import { PAGES_AT_A_TIME } from '../../lambdas/nightly/walk-page.ts';
import { effectsRow } from '../../lambdas/portal/effects.ts';
import { withheldRow } from '../../lambdas/portal/withheld.ts';
import { companyScore, scoresNeeded } from '../../lambdas/scoring/company-score.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { score } from '../../lambdas/scoring/score.ts';
import { CompanyTable } from '../../lambdas/store/company-table.ts';
import { ContactTable, type Standing } from '../../lambdas/store/contact-table.ts';
import { DealTable } from '../../lambdas/store/deal-table.ts';
import { dueContacts } from '../../lambdas/store/due-index.ts';
import { companyIdOf, contactKey } from '../../lambdas/store/keys.ts';
import { NO_HEAD } from '../../lambdas/store/rows.ts';
import type { TableEngine } from '../../local/runner/engines.ts';
import { startDynoxide } from '../cost/tables.ts';
import { CONTACT_TABLE } from '../virtual/contact-table.ts';
import { type BenchContact, groupOf, PORTAL_ID, START_MS } from './contacts.ts';
import { type CountingClient, countingClient } from './counting-client.ts';
import { DAILY_LIMIT, HISTORIES_PER_CALL } from './hubspot.ts';
import { runMs, scoreContact, TIME_ZONE } from './month.ts';
import { companyHeads, FACT_RETENTION_DAYS, putRows, rowsOf } from './table-rows.ts';
import { ToldHubSpot } from './told-hubspot.ts';
import type { Listed, Units } from './units.ts';

const DAY_MS = 86_400_000;
const AT_ONCE = 16;
const PER_CALL = 100;

/** What a night took. */
export interface Seen {
  /** Ids of the contacts. */
  readonly due: readonly string[];
  readonly written: number;
  readonly decision: Units;
  readonly units: Units;
}

/** What one comparison of all contacts with HubSpot took. */
export interface Reconciled {
  readonly listed: Listed;
  /** Calls for histories, by the groups of pages that the changed contacts stand in. */
  readonly historyCalls: number;
  readonly repaired: number;
  readonly calls: { readonly pages: number; readonly histories: number };
  readonly units: Units;
}

/** A portal in a table of DynamoDB's stand-in, and the clock by which it lives. */
export class PlayedTable {
  readonly #engine: TableEngine;
  readonly #model: Model;
  readonly #portal: readonly BenchContact[];
  readonly #client: DynamoDBDocumentClient;
  readonly #takeUnits: CountingClient['takeUnits'];
  readonly #contacts: ContactTable;
  readonly #companies: CompanyTable;
  readonly #deals: DealTable;
  #nowMs = START_MS;
  #progress = { finishedNight: '' };
  readonly #hubSpot: ToldHubSpot;

  private constructor(engine: TableEngine, model: Model, portal: readonly BenchContact[]) {
    this.#engine = engine;
    this.#model = model;
    this.#portal = portal;
    const { client, takeUnits } = countingClient(engine.url);
    this.#client = client;
    this.#takeUnits = takeUnits;
    const options = {
      client,
      tableName: CONTACT_TABLE.name,
      portalId: PORTAL_ID,
      factRetentionDays: FACT_RETENTION_DAYS,
      clock: () => this.#nowMs,
    };
    this.#contacts = new ContactTable(options);
    this.#companies = new CompanyTable(options);
    this.#deals = new DealTable(options);
    this.#hubSpot = new ToldHubSpot(portal, START_MS - DAY_MS);
  }

  /** Starts it with everybody known, scored, and shown in HubSpot. */
  static async open(model: Model, portal: readonly BenchContact[]): Promise<PlayedTable> {
    const engine = await startDynoxide();
    const table = new PlayedTable(engine, model, portal);
    await engine.create(CONTACT_TABLE);
    const standing = portal.map((contact) => ({
      contact,
      scored: scoreContact(model, contact, contact.facts, undefined, START_MS),
    }));
    await putRows(table.#client, [
      ...standing.flatMap((each) => rowsOf(each, model)),
      ...companyHeads(model, standing),
    ]);
    await table.#showAll();
    return table;
  }

  /** HubSpot shows what the table says. */
  async #showAll(): Promise<void> {
    const heads = await this.#contacts.heads(this.#portal.map(({ id }) => keyOf(id)));
    for (const { id } of this.#portal)
      this.#hubSpot.show(id, heads.get(keyOf(id)) ?? NO_HEAD, START_MS - DAY_MS);
    for (const head of (await this.#companies.heads(companiesIn(this.#portal))).values())
      this.#hubSpot.showCompany(head, START_MS - DAY_MS);
  }

  async close(): Promise<void> {
    this.#client.destroy();
    await this.#engine.stop();
  }

  /** The day before a night, which is not counted, and the night itself. */
  async night(night: number): Promise<Seen> {
    await this.#day(night === 0 ? START_MS : runMs(night - 1), runMs(night));
    this.#nowMs = runMs(night);
    this.#takeUnits();
    const due = await this.#decide();
    const decision = this.#takeUnits();
    const before = await this.#contacts.heads(due.map(keyOf));
    this.#takeUnits();
    const standing = await inParallel(due, (id) => this.#rescore(id));
    const written = standing
      .filter((each) => each !== undefined)
      .filter(({ contactId, head }) => head.writeId !== before.get(keyOf(contactId))?.writeId);
    for (const batch of chunks(written, PER_CALL)) await this.#bring(batch);
    await this.#rollUp(written.flatMap(({ head }) => companyIdOf(head.company ?? '', PORTAL_ID) ?? []));
    return { due, written: written.length, decision, units: this.#takeUnits() };
  }

  async #day(fromMs: number, untilMs: number): Promise<void> {
    const today = this.#portal.flatMap(({ id, companyId, happenings }) =>
      happenings
        .filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
        .map(({ atMs, facts }) => ({ id, companyId, atMs, facts })),
    );
    for (const { id, atMs, facts } of today) {
      this.#nowMs = atMs;
      await this.#contacts.keep(keyOf(id), facts, []);
      const standing = await this.#rescore(id);
      if (standing !== undefined && standing.head.writeId !== standing.head.confirmedWriteId)
        await this.#bring([standing]);
    }
    this.#hubSpot.passUntil(untilMs);
    await this.#rollUp(companiesIn(today));
  }

  /** @returns ids of the contacts that were ticked */
  async #decide(): Promise<string[]> {
    const due: string[] = [];
    await decay('tonight', {
      clock: () => this.#nowMs,
      portalId: PORTAL_ID,
      timeZone: TIME_ZONE,
      due: (date) => dueContacts(this.#client, CONTACT_TABLE.name, PORTAL_ID, date),
      tick: async (ticks) => void due.push(...ticks.flatMap(({ contactIds }) => contactIds)),
      progress: {
        update: async (change) => {
          const { state, result } = change(this.#progress);
          this.#progress = state;
          return result;
        },
      },
      dueBy: async () => [], // Asked in the daytime only.
      count: () => {},
      logger: SILENT,
    });
    return due;
  }

  #rescore(id: string): Promise<Standing | undefined> {
    const nowMs = this.#nowMs;
    return this.#contacts.rescore(
      keyOf(id),
      (contactId, known, previous) =>
        score(this.#model, { portalId: PORTAL_ID, contactId, timeZone: TIME_ZONE }, known, previous, nowMs),
      nowMs,
    );
  }

  /** What write-back reads and writes of contacts: heads before anything and again before the batch, and that HubSpot took it. */
  async #bring(standing: readonly Standing[]): Promise<void> {
    const keys = standing.map(({ contactId }) => keyOf(contactId));
    await this.#contacts.heads(keys);
    const heads = await this.#contacts.heads(keys);
    await inParallel(standing, async ({ contactId }) => {
      const head = heads.get(keyOf(contactId));
      if (head === undefined) return;
      this.#hubSpot.show(contactId, head, this.#nowMs);
      await this.#contacts.confirm(keyOf(contactId), head);
    });
  }

  /** The same of companies, which are rolled up first. @param companyIds - each as often as it likes */
  async #rollUp(companyIds: readonly string[]): Promise<void> {
    if (this.#model.companyScore === undefined) return;
    const { rollUp } = this.#model.companyScore;
    for (const ids of chunks([...new Set(companyIds)], PER_CALL)) {
      const heads = await this.#companies.heads(ids);
      await inParallel([...heads], async ([id, head]) => {
        const best = companyScore(rollUp, await this.#companies.topScores(id, scoresNeeded(rollUp)));
        const stored = await this.#companies.storeScore(head, best, this.#nowMs);
        if (stored === undefined || stored.writeId === stored.confirmedWriteId) return;
        await this.#companies.heads([id]);
        this.#hubSpot.showCompany(stored, this.#nowMs);
        await this.#companies.confirm(id, stored);
      });
    }
  }

  /** A whole night of the deployed run, which compares every contact and company with HubSpot. */
  async reconcile(): Promise<Reconciled> {
    const asked: WorkRequest[] = [];
    const run = this.#runParts(asked);
    await run.row.update(() => ({ state: { last: LAST_RUN }, result: undefined }));
    this.#takeUnits();
    await begin('nightly', {}, run);
    for (const request of asked.splice(0)) if (request.job === 'continue') await goOn(request.run, run);
    const units = this.#takeUnits();
    const { last } = await run.row.read();
    if (last === undefined) throw new Error('the comparison did not come to its end');
    const { contacts, companies, deals, repaired } = last.figures;
    const changed = new Set(this.#hubSpot.changedSince(START_MS));
    const ofCompanies = this.#portal.filter(
      ({ id, companyId }) => changed.has(id) && companyId !== undefined,
    );
    return {
      listed: {
        contacts,
        companies,
        deals,
        changed: changed.size,
        changedOfCompanies: ofCompanies.length,
      },
      historyCalls: historyCallsOf([...changed]),
      repaired,
      calls: this.#hubSpot.calls,
      units,
    };
  }

  /** @param asked - takes what the run puts on its own queue */
  #runParts(asked: WorkRequest[]): RunParts {
    const store = {
      client: this.#client,
      tableName: CONTACT_TABLE.name,
      portalId: PORTAL_ID,
      clock: () => this.#nowMs,
      timeZone: TIME_ZONE,
      contacts: this.#contacts,
      companies: this.#companies,
      identityKey: { read: async () => ({ key: 'identity-key-of-the-benchmark' }) },
    };
    return {
      ...store,
      model: this.#model,
      hubSpot: hubSpotPortal('http://127.0.0.1', noCall),
      lists: this.#hubSpot.lists,
      row: runRow(store),
      withheld: withheldRow(store),
      deals: this.#deals,
      effects: effectsRow(store),
      reportsMade: reportsRow(store),
      reports: undefined,
      idProperty: '',
      ownAppIds: [],
      factRetentionDays: FACT_RETENTION_DAYS,
      dailyPercent: 100,
      dailyLimit: async () => DAILY_LIMIT,
      takeCalls: () => 0,
      background: drop,
      ticks: drop,
      tick: drop,
      ask: async (request) => void asked.push(request),
      pagesAtATime: PAGES_AT_A_TIME,
      turnMs: Infinity,
      count: () => {},
      observe: () => {},
      logger: SILENT,
    };
  }
}

/** As large in its row as that of any night. */
const LAST_RUN: Run = {
  id: 'the night before the first one of the bench',
  kind: 'nightly',
  startedAtMs: START_MS - DAY_MS,
  progressAtMs: START_MS - DAY_MS,
  finishedAtMs: START_MS - DAY_MS,
  walks: [],
  expectedPages: 0,
  figures: noFigures(),
};

/** Nobody here waits for what is asked of others. */
async function drop(): Promise<void> {}

async function noCall(): Promise<never> {
  throw new Error('nothing else is asked of HubSpot');
}

const SILENT = { info: () => {}, warn: () => {}, error: (...told: unknown[]) => console.error(...told) };

/** Calls for histories where each group of pages asks for its own. @param contactIds - ascending */
function historyCallsOf(contactIds: readonly string[]): number {
  const groups = Map.groupBy(contactIds, groupOf);
  return [...groups.values()].reduce((sum, ids) => sum + Math.ceil(ids.length / HISTORIES_PER_CALL), 0);
}

function keyOf(contactId: string): string {
  return contactKey(PORTAL_ID, contactId);
}

function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  return pMap(items, work, { concurrency: AT_ONCE });
}

function companiesIn(contacts: readonly Pick<BenchContact, 'companyId'>[]): string[] {
  return [...new Set(contacts.flatMap(({ companyId }) => companyId ?? []))];
}
