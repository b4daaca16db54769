import { HubSpotError } from '../lambdas/hubspot/answer.ts';
import { Budgeted, believable, FULL_BUDGET } from '../lambdas/hubspot/budget-state.ts';
import { unwritable } from '../lambdas/hubspot/definitions.ts';
import { type OutputProperties, outputProperties } from '../lambdas/hubspot/outputs.ts';
import { detailReaders, type PortalDetails } from '../lambdas/hubspot/portal.ts';
import { type FactKind, factStores, type Known, PortalFacts } from '../lambdas/portal/portal-facts.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { type StopNow, stopNow } from './budget.ts';
import type { Target } from './target.ts';

/** Something HubSpot told, with the instant at which it did, ISO 8601. */
interface Told<T> {
  readonly value: T;
  readonly readAt: string;
}

/** What Afterglow knows of a portal. A kind is null when HubSpot never told. */
export interface PortalReport {
  readonly portalId: string;
  readonly account: Told<PortalDetails['account']> | null;
  readonly limits: {
    /** As HubSpot's headers said; null while no call was made. */
    readonly per10Seconds: number | null;
    readonly perDay: number | null;
    /** The subscription that has such limits; null where none is known. */
    readonly tier: string | null;
    /** Calls of the whole portal on its present day, as far as we know. */
    readonly callsToday: { readonly date: string; readonly calls: number } | null;
  };
  /** Null when all may call HubSpot. */
  readonly stopped: StopNow | null;
  /** Properties of ours that HubSpot does not let us write, by kind of record. */
  readonly unwritable: Readonly<Record<keyof OutputProperties, Told<readonly string[]> | null>>;
  readonly pipelines: Told<PortalDetails['pipelines']> | null;
  readonly owners: Told<{ readonly count: number; readonly isComplete: boolean }> | null;
  /** What HubSpot would not tell now, and why. */
  readonly failures: readonly { readonly kind: FactKind; readonly reason: string }[];
}

/**
 * What Afterglow knows of a portal; what it does not know, or has not heard for a day, it asks HubSpot.
 *
 * @param isReadAnew - whether to ask HubSpot for everything, unless somebody did so within the last minute
 */
export async function portalReport(
  target: Pick<Target, 'portalId' | 'hubspotUrl' | 'send' | 'clock' | 'portalRow'>,
  model: Model,
  isReadAnew: boolean,
): Promise<PortalReport> {
  const { portalId, hubspotUrl, send, clock, portalRow } = target;
  const wanted = outputProperties(model);
  const failures: { kind: FactKind; reason: string }[] = [];
  const facts = new PortalFacts({
    stores: factStores(portalRow),
    hubSpot: detailReaders(hubspotUrl, send, {
      contacts: wanted.contacts.map(({ name }) => name),
      companies: wanted.companies.map(({ name }) => name),
      deals: wanted.deals.map(({ name }) => name),
    }),
    clock,
    onFailure: (kind, error) => failures.push({ kind, reason: reasonOf(error) }),
  });
  const known = async <Kind extends FactKind>(
    kind: Kind,
  ): Promise<Known<PortalDetails[Kind]> | undefined> => {
    if (isReadAnew) await facts.refresh(kind);
    return facts.known(kind);
  };
  const account = await known('account');
  const contacts = await known('contacts');
  const companies = wanted.companies.length > 0 ? await known('companies') : undefined;
  const deals = wanted.deals.length > 0 ? await known('deals') : undefined;
  const pipelines = await known('pipelines');
  const owners = await known('owners');
  // Last, since these very calls may have told something of the limits.
  const budget = await portalRow('budget', Budgeted, FULL_BUDGET).read();
  const { limit, dailyLimit, today, stop } = believable(budget, clock());
  return {
    portalId,
    account: told(account, (value) => value),
    limits: {
      per10Seconds: limit ?? null,
      perDay: dailyLimit ?? null,
      tier: tierOf(limit, dailyLimit) ?? null,
      callsToday: today ?? null,
    },
    stopped: stop === undefined ? null : stopNow(stop, clock()),
    unwritable: {
      contacts: told(contacts, (value) => unwritable(value, wanted.contacts)),
      companies: told(companies, (value) => unwritable(value, wanted.companies)),
      deals: told(deals, (value) => unwritable(value, wanted.deals)),
    },
    pipelines: told(pipelines, (value) => value),
    owners: told(owners, ({ ids, isComplete }) => ({ count: ids.length, isComplete })),
    failures,
  };
}

function told<T, R>(known: Known<T> | undefined, show: (value: T) => R): Told<R> | null {
  return known === undefined
    ? null
    : { value: show(known.value), readAt: new Date(known.readAtMs).toISOString() };
}

/** HubSpot's own word where there is one. */
function reasonOf(error: unknown): string {
  if (error instanceof HubSpotError) return error.reason;
  return error instanceof Error ? error.message : 'unknown';
}

/**
 * The subscription that has such limits (developers.hubspot.com, "API usage guidelines", read 2026-11). The limit of the day tells
 * Professional from Enterprise; each increase that was bought adds a million to it.
 */
export function tierOf(per10Seconds: number | undefined, perDay: number | undefined): string | undefined {
  if (per10Seconds === 100) return 'Free or Starter';
  if (per10Seconds === 110) return 'an app of the marketplace';
  if (per10Seconds === 250) return 'Professional or Enterprise with an API limit increase';
  if (per10Seconds !== 190) return undefined;
  if (perDay === 625_000 || perDay === 650_000) return 'Professional';
  return perDay === 1_000_000 ? 'Enterprise' : 'Professional or Enterprise';
}

/** The report for a terminal. @param nowMs - epoch milliseconds */
export function formatPortal(report: PortalReport, nowMs: number): string {
  const { portalId, account, limits, stopped, unwritable: bad, pipelines, owners, failures } = report;
  const age = ({ readAt }: { readonly readAt: string }) => `as of ${agoText(nowMs - Date.parse(readAt))}`;
  const isKnown = limits.per10Seconds !== null;
  return [
    account === null
      ? `Portal ${portalId}`
      : `Portal ${portalId}, ${account.value.accountType}, ${account.value.timeZone} (${age(account)})`,
    isKnown
      ? `Limits: ${limits.per10Seconds} calls in 10 s, ${limits.perDay ?? 'unknown'} a day${limits.tier === null ? '' : `: ${limits.tier}`}`
      : 'Limits: not known before the first call',
    ...(limits.callsToday === null ? [] : [`Calls on ${limits.callsToday.date}: ${limits.callsToday.calls}`]),
    ...(stopped === null ? [] : [stopLine(stopped)]),
    ...(['contacts', 'companies', 'deals'] as const).flatMap((type) => {
      const names = bad[type];
      if (names === null) return [];
      const list = names.value.length === 0 ? 'none' : names.value.join(', ');
      return [`Properties of ${type} that cannot be written: ${list} (${age(names)})`];
    }),
    ...(pipelines === null
      ? []
      : pipelines.value.flatMap(({ label, id, stages }) => [
          `Pipeline ${label} (${id}, ${age(pipelines)})`,
          ...stages.map(stageLine),
        ])),
    ...(owners === null
      ? []
      : [`Owners: ${owners.value.isComplete ? '' : 'more than '}${owners.value.count} (${age(owners)})`]),
    ...failures.map(({ kind, reason }) => `HubSpot did not tell of ${kind}: ${reason}`),
  ].join('\n');
}

function stopLine({ reason, until, isOver }: NonNullable<PortalReport['stopped']>): string {
  return isOver
    ? `The stop (${reason}) is over since ${until}; the next call tries`
    : `STOPPED: ${reason}, until ${until}`;
}

function stageLine(stage: PortalDetails['pipelines'][number]['stages'][number]): string {
  const chance = stage.probability === null ? '' : `, ${Math.round(stage.probability * 100)} %`;
  return `  ${stage.label} (${stage.id}${chance}${stage.isClosed ? ', closed' : ''})`;
}

function agoText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'now';
  return minutes < 120 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
}
