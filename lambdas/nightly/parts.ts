import type { Logger } from '@aws-lambda-powertools/logger';
import type { Tick } from '../events/envelope.ts';
import type { HubSpotLists } from '../hubspot/lists.ts';
import type { ObjectType } from '../hubspot/objects.ts';
import type { Hydration, HydrationParts } from '../hydration/hydrate.ts';
import type { Measured } from '../measured.ts';
import type { Effects } from '../portal/effects.ts';
import type { DealTable } from '../store/deal-table.ts';
import type { PortalRow } from '../store/portal-rows.ts';
import type { ReportsBucket } from '../store/reports-bucket.ts';
import type { ReportsMade } from './monthly-report.ts';
import type { RunState, WorkRequest } from './run.ts';

/** What a run needs. */
export interface RunParts extends HydrationParts, Pick<Measured, 'count' | 'observe'> {
  /** Has contacts scored anew. */
  readonly tick: (ticks: readonly Tick[]) => Promise<void>;
  readonly lists: Readonly<Record<ObjectType, HubSpotLists>>;
  /** Where the run stands. */
  readonly row: Pick<PortalRow<RunState>, 'read' | 'update'>;
  readonly deals: Pick<DealTable, 'heads' | 'page'>;
  /** Removal effects of the sources. */
  readonly effects: Pick<PortalRow<Effects>, 'read' | 'update'>;
  /** Which month was reported last. */
  readonly reportsMade: Pick<PortalRow<ReportsMade>, 'read' | 'update'>;
  /** Where the report of each month is put; undefined where nothing is reported. */
  readonly reports: ReportsBucket | undefined;
  /** Names of our properties that HubSpot does not let us write. */
  readonly withheld: { read(): Promise<{ readonly names: readonly string[] }> };
  /** App ids whose own writes are no signals. */
  readonly ownAppIds: readonly string[];
  readonly factRetentionDays: number;
  /** Share of the portal's daily limit that a night may call, in percent; 0 = nothing is compared. */
  readonly dailyPercent: number;
  /** Calls HubSpot allows the portal in a day. */
  readonly dailyLimit: () => Promise<number>;
  /** How many calls were made since this was last asked. */
  readonly takeCalls: () => number;
  /** Puts a request on the door's own queue. */
  readonly ask: (request: WorkRequest, delaySeconds: number) => Promise<void>;
  /** How many pages of contacts are listed before they are compared: a few of each have changed, and one call reads the histories of fifty. */
  readonly pagesAtATime: number;
  /** After this time an invocation begins no further page, and asks for another invocation. */
  readonly turnMs: number;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** A run under way, and what it needs. */
export interface NightRun extends RunParts, Hydration {}
