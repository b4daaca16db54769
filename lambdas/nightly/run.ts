import * as v from 'valibot';
import type { Store } from '../store/connect.ts';
import { PortalRow } from '../store/portal-rows.ts';

/** What a run is for: the night, scoring a portal from nothing, or scoring all contacts of the table anew. */
export const RUN_KINDS = ['nightly', 'backfill', 'rescore'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** One part of a run, which goes on page by page. */
export const Walk = v.object({
  /** `list`: all records by id; `changed`: those changed since a moment; `table`: all contacts that the table knows. */
  way: v.picklist(['list', 'changed', 'table']),
  object: v.picklist(['contacts', 'companies', 'deals']),
  /** Where to go on; undefined at the beginning. */
  after: v.optional(v.string()),
  /** Of `changed`: epoch milliseconds since when; moves on when a search has handed out all that it does. */
  sinceMs: v.optional(v.number()),
  /** Most pages that it may take; undefined: to the end. */
  mostPages: v.optional(v.number()),
  pages: v.number(),
  isDone: v.boolean(),
});
export type Walk = v.InferOutput<typeof Walk>;

const Count = v.optional(v.number(), 0);
/** What is counted of a run. Figures that a row was stored without are 0. */
export const Figures = v.object({
  // Decay.
  due: Count,
  ticked: Count,
  // How much was looked at: pages of HubSpot or of the table, calls to HubSpot, records.
  pages: Count,
  calls: Count,
  contacts: Count,
  companies: Count,
  deals: Count,
  // Drift: contacts that nobody had told of; of which a change was missed; that belong to another company, or other deals; that are gone,
  // merged or back. Scores that HubSpot does not show, shows as they were, or as somebody made them. Companies and deals likewise.
  contactsUnknown: Count,
  contactsMissed: Count,
  contactsMoved: Count,
  contactsGone: Count,
  contactsMerged: Count,
  contactsRestored: Count,
  scoresMissing: Count,
  scoresStale: Count,
  scoresEdited: Count,
  companiesMissed: Count,
  companyScoresDrifted: Count,
  dealsMissed: Count,
  // What was done about it: records taken in afresh, or sent to be written again.
  repaired: Count,
  // What cannot be known any more: changes beyond the history that HubSpot keeps, contacts of which HubSpot has no trace, and windows with
  // more changes than a search hands out.
  historyCut: Count,
  vanished: Count,
  windowCut: Count,
});
export type Figures = Readonly<v.InferOutput<typeof Figures>>;
export type Figure = keyof Figures;

/** A run: where it stands, and what it found so far. */
export const Run = v.object({
  /** Names it; no two runs of a portal have the same. */
  id: v.string(),
  kind: v.picklist(RUN_KINDS),
  /** Epoch milliseconds. */
  startedAtMs: v.number(),
  /** When it last came a page further. */
  progressAtMs: v.number(),
  finishedAtMs: v.optional(v.number()),
  /** In the order in which they are gone. */
  walks: v.array(Walk),
  /** Pages it expects to take, as far as HubSpot told; 0 where nothing is known. */
  expectedPages: v.number(),
  figures: Figures,
});
export type Run = v.InferOutput<typeof Run>;

/** What the portal's row `run` holds. */
export const RunState = v.object({
  /** Under way, or died; undefined when nothing is. */
  current: v.optional(Run),
  /** The last that came to its end. */
  last: v.optional(Run),
  /** The last contact that a rolling share looked at; the next share begins behind it. */
  rolledTo: v.optional(v.string()),
  /** When the last nightly run began that looked at all changes: the next looks at those since. Epoch milliseconds. */
  lookedAtMs: v.optional(v.number()),
});
export type RunState = v.InferOutput<typeof RunState>;

/** The portal's row that says what is under way, and what came of the last run. */
export function runRow({
  client,
  tableName,
  portalId,
}: Pick<Store, 'client' | 'tableName' | 'portalId'>): PortalRow<RunState> {
  return new PortalRow(client, tableName, portalId, 'run', RunState, {});
}

/** What the queue of the nightly door, and its schedules, ask for. Messages name their portal; schedules need not. */
export const NightlyRequest = v.variant('job', [
  /** Decay, then reconciliation. `upTo: 'now'`: also what fell due today. */
  v.object({
    job: v.literal('nightly'),
    portalId: v.optional(v.string()),
    upTo: v.optional(v.picklist(['tonight', 'now']), 'tonight'),
  }),
  /** Decay alone. */
  v.object({
    job: v.literal('decay'),
    portalId: v.optional(v.string()),
    upTo: v.optional(v.picklist(['tonight', 'now']), 'tonight'),
  }),
  v.object({ job: v.picklist(['backfill', 'rescore']), portalId: v.string() }),
  /** Go on with a run from where its row says that it is. */
  v.object({ job: v.literal('continue'), portalId: v.string(), run: v.string() }),
]);
export type NightlyRequest = v.InferOutput<typeof NightlyRequest>;

export function noFigures(): Figures {
  return v.parse(Figures, {});
}
