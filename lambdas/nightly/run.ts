import * as v from 'valibot';
import type { Store } from '../store/connect.ts';
import { PortalRow } from '../store/portal-rows.ts';

/** What a run is for: the night, scoring a portal from nothing, or scoring all contacts of the table anew. */
export const RUN_KINDS = ['nightly', 'backfill', 'rescore'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** One part of a run, which goes on page by page. */
export const Walk = v.object({
  /**
   * `list`: all records by id; `changed`: those changed since a moment; `table`: all contacts that the table knows; `effects`: all deals
   * that the table knows, for the removal effects of sources; `credit`: the same deals, to be credited by effects that moved, or all of
   * them by another model.
   */
  way: v.picklist(['list', 'changed', 'table', 'effects', 'credit']),
  object: v.picklist(['contacts', 'companies', 'deals']),
  /** Where to go on; undefined at the beginning. */
  after: v.optional(v.string()),
  /** Of `changed`: epoch milliseconds since when; moves on when a search has handed out all that it does. */
  sinceMs: v.optional(v.number()),
  /** Of `effects`: what was read so far, as JSON. */
  read: v.optional(v.string()),
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
  // merged or back. Scores that HubSpot does not show, shows as they were, or as somebody made them. Companies and deals likewise; credits of
  // deals that HubSpot does not show.
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
  dealsUnknown: Count,
  dealsGone: Count,
  dealCreditsDrifted: Count,
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
  /** The invocation that came a page further last. */
  turn: v.optional(v.string()),
  /** In the order in which they are gone; none while it is not known which. */
  walks: v.array(Walk),
  /** Pages it expects to take, as far as HubSpot told; 0 where nothing is known. */
  expectedPages: v.number(),
  figures: Figures,
});
export type Run = v.InferOutput<typeof Run>;

const HOUR_MS = 3_600_000;
/** A run that came no page further for so long stands still. */
export const STANDS_STILL_MS = HOUR_MS;
/** One that began so long ago, and stands still, makes room for that of the next night, which may begin 23 hours later. */
const OVER_MS = 20 * HOUR_MS;

export function isStandingStill({ progressAtMs }: Run, nowMs: number): boolean {
  return nowMs - progressAtMs > STANDS_STILL_MS;
}

/** Whether a run has died so long ago that another begins in its place. */
export function isOver(run: Run, nowMs: number): boolean {
  return nowMs - run.startedAtMs > OVER_MS && isStandingStill(run, nowMs);
}

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

/** What the schedules ask for, and commands that do not want to wait for the night. Schedules need not name the portal. */
export const DecayRequest = v.object({
  /** `nightly`: decay, then reconciliation; `decay`: that alone. */
  job: v.picklist(['nightly', 'decay']),
  portalId: v.optional(v.string()),
  /** `now` also looks at what fell due today, which the coming night would find. */
  upTo: v.optional(v.picklist(['tonight', 'now']), 'tonight'),
});

/** What else the door's own queue asks for. */
export const WorkRequest = v.variant('job', [
  v.object({ job: v.picklist(['backfill', 'rescore']), portalId: v.string() }),
  /** Report where the deals of the month before a night came from, unless that was done. `nightMs`: when it began, epoch milliseconds. */
  v.object({ job: v.literal('report'), portalId: v.string(), nightMs: v.number() }),
  /** Go on with a run from where its row says that it is. */
  v.object({ job: v.literal('continue'), portalId: v.string(), run: v.string() }),
]);
export type WorkRequest = v.InferOutput<typeof WorkRequest>;

export function noFigures(): Figures {
  return v.parse(Figures, {});
}

/** What of it says that HubSpot and the table differed, and what nobody can know any more. */
export const DRIFT_FIGURES = [
  'contactsUnknown',
  'contactsMissed',
  'contactsMoved',
  'contactsGone',
  'contactsMerged',
  'contactsRestored',
  'scoresMissing',
  'scoresStale',
  'scoresEdited',
  'companiesMissed',
  'companyScoresDrifted',
  'dealsMissed',
  'dealsUnknown',
  'dealsGone',
  'dealCreditsDrifted',
] as const satisfies readonly Figure[];
export const UNKNOWABLE_FIGURES = [
  'historyCut',
  'vanished',
  'windowCut',
] as const satisfies readonly Figure[];

/** What a step found: added to the figures of the run when it is done. */
export interface Findings {
  readonly figures: Readonly<Partial<Record<Figure, number>>>;
  note(figure: Figure, count?: number): void;
  /** That a record was taken in afresh, or sent to be written: it counts once, whatever was wrong with it. */
  repair(record: string): void;
}

export function newFindings(): Findings {
  const figures: Partial<Record<Figure, number>> = {};
  const repaired = new Set<string>();
  return {
    figures,
    note(figure, count = 1) {
      if (count > 0) figures[figure] = (figures[figure] ?? 0) + count;
    },
    repair(record) {
      repaired.add(record);
      figures.repaired = repaired.size;
    },
  };
}

/** Names of all figures. */
const FIGURES: readonly Figure[] = v.parse(v.array(v.keyof(Figures)), Object.keys(Figures.entries));

/** The figures with those of another step. */
export function sumOf(figures: Figures, more: Findings['figures']): Figures {
  return v.parse(
    Figures,
    Object.fromEntries(FIGURES.map((name) => [name, figures[name] + (more[name] ?? 0)])),
  );
}
