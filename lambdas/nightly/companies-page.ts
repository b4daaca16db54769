import type { HubSpotRecord } from '../hubspot/objects.ts';
import { COMPANY_SCORE_PROPERTY, companyOutputValues, differingOutputs } from '../hubspot/outputs.ts';
import { companyValues, knowNamedCompanies, noteMerge } from '../hydration/companies.ts';
import { each, isFailure } from '../hydration/each.ts';
import type { PropertyValue } from '../scoring/facts.ts';
import { companyInputs } from '../scoring/model.ts';
import { askAround, type CompanyHead } from '../store/company-table.ts';
import type { WriteRequest } from '../store/queues.ts';
import { MERGED_IDS, mergesOf } from './history-facts.ts';
import type { NightRun } from './parts.ts';
import type { Findings } from './run.ts';

/** What is asked of each company: what rules read, what it was merged from, and what it shows of ours. */
export function companyPropertiesAsked({ model }: Pick<NightRun, 'model'>): string[] {
  return [...companyInputs(model), MERGED_IDS, COMPANY_SCORE_PROPERTY];
}

/**
 * Compares a page of HubSpot's companies with the table, as far as these are companies of contacts. Going over it again does no harm.
 *
 * @param askedAtMs - epoch milliseconds at which HubSpot was asked for it
 */
export async function compareCompanies(
  records: readonly HubSpotRecord[],
  askedAtMs: number,
  run: NightRun,
  found: Findings,
): Promise<void> {
  found.note('companies', records.length);
  await uniteMerged(records, run, found);
  const heads = await run.companies.heads(records.map(({ id }) => id));
  const known = records.flatMap((record) => {
    const head = heads.get(record.id);
    // One of revision 0 is nobody's, and one that was merged away is looked at under its living id.
    return head === undefined || head.revision === 0 || head.companyId !== record.id
      ? []
      : [{ record, head }];
  });
  await noteRestored(known, run, found);
  const living = known.filter(({ head }) => head.life === 'living');
  const results = await each(
    living.filter(({ head }) => head.readAtMs !== undefined).map(({ record }) => record.id),
    async (id) => {
      const record = records.find((listed) => listed.id === id);
      if (record !== undefined) await compareValues(record, askedAtMs, run, found);
      return undefined;
    },
  );
  for (const result of results.values()) if (isFailure(result)) throw result.failed;
  await compareScores(living, run, found);
}

interface Known {
  readonly record: HubSpotRecord;
  readonly head: CompanyHead;
}

/** Makes one of companies that HubSpot merged and we did not. */
async function uniteMerged(records: readonly HubSpotRecord[], run: NightRun, found: Findings): Promise<void> {
  const pairs = mergesOf(records);
  const heads = await run.companies.heads([...new Set(pairs.map(({ oldId }) => oldId))]);
  for (const { id, oldId } of pairs) {
    const head = heads.get(oldId);
    if (head === undefined || head.revision === 0 || head.companyId === id) continue;
    await noteMerge(oldId, id, run);
    found.note('companiesMissed');
    found.repair(`company ${id}`);
  }
}

/** HubSpot has companies that are marked as deleted: they are read, and their contacts scored with them. */
async function noteRestored(known: readonly Known[], run: NightRun, found: Findings): Promise<void> {
  const deleted = known.filter(({ head }) => head.life === 'deleted').map(({ record }) => record.id);
  if (deleted.length === 0) return;
  const read = await knowNamedCompanies(deleted, run);
  for (const result of read.values()) if (isFailure(result)) throw result.failed;
  found.note('companiesMissed', deleted.length);
  for (const id of deleted) found.repair(`company ${id}`);
}

async function compareValues(
  record: HubSpotRecord,
  askedAtMs: number,
  run: NightRun,
  found: Findings,
): Promise<void> {
  const { companies, model, ticks, portalId } = run;
  const kept = new Map((await companies.kept(record.id)).map((value) => [value.name, value]));
  const news = companyValues(record, companyInputs(model), run).filter((value) =>
    isNews(value, kept.get(value.name)),
  );
  if (news.length === 0) return;
  await askAround(
    (delaySeconds) => ticks([{ portalId, companyId: record.id }], delaySeconds),
    () => companies.keepFound(record.id, news, askedAtMs),
  );
  found.note('companiesMissed');
  found.repair(`company ${record.id}`);
}

/** Another value than the one that is kept, which is not newer. */
function isNews({ value, occurredAtMs }: PropertyValue, kept: PropertyValue | undefined): boolean {
  if (kept === undefined) return value !== '';
  if (occurredAtMs === kept.occurredAtMs) return value > kept.value;
  return value !== kept.value && occurredAtMs > kept.occurredAtMs;
}

/** Has every company written, or read back, of which HubSpot does not show what the table says. */
async function compareScores(known: readonly Known[], run: NightRun, found: Findings): Promise<void> {
  const withheld = (await run.withheld.read()).names.includes(COMPANY_SCORE_PROPERTY);
  if (run.model.companyScore === undefined || withheld) return;
  const requests: WriteRequest[] = [];
  for (const { record, head } of known) {
    const { companyId, score, writeId, confirmedWriteId } = head;
    if (score === undefined || differingOutputs(companyOutputValues(score), record.properties).length === 0)
      continue;
    if (writeId === confirmedWriteId) found.note('companyScoresDrifted');
    found.repair(`company ${companyId}`);
    requests.push({ portalId: run.portalId, companyId, force: true });
  }
  await run.background(requests, 0);
}
