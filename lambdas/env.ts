/** What the stack tells each function. `lib/` sets these with `satisfies`, the doors read them: one name, two ends. */

interface CommonEnv {
  /** The HubSpot portal (account) this stack serves; events of any other are counted and dropped. */
  readonly PORTAL_ID: string;
}

export interface IngestEnv extends CommonEnv {
  readonly EVENTS_QUEUE_URL: string;
  /** Secret `{ clientSecret, previousClientSecret?, signalsSecret?, previousSignalsSecret? }`. */
  readonly WEBHOOK_SECRET_ARN: string;
  /** Scheme, host, port and optional prefix HubSpot calls, without a trailing slash; empty = `https://` + the gateway's own domain. */
  readonly PUBLIC_URL: string;
  /** `true` accepts signature v2 on the workflow route: it has no protection against replay. */
  readonly WORKFLOW_V2: string;
  /** Origins whose pages may tell of visits, comma separated; empty = none may. */
  readonly SESSION_ORIGINS: string;
}

export interface StoreEnv extends CommonEnv {
  readonly CONTACT_TABLE_NAME: string;
  /** Secret `{ key }`: the HMAC key under which e-mail addresses become identity rows. */
  readonly IDENTITY_KEY_SECRET_ARN: string;
  /** IANA time zone of the portal: the nights by which scores fade and the dates in reasons. */
  readonly TIME_ZONE: string;
  /** Days a fact is kept. */
  readonly FACT_RETENTION_DAYS: string;
  readonly CHANGES_QUEUE_URL: string;
  readonly BACKGROUND_QUEUE_URL: string;
  /** Where contacts wait to be scored anew, and companies whose contacts do. */
  readonly TICKS_QUEUE_URL: string;
}

export interface ScorerEnv extends StoreEnv {
  /** Where contacts go whose grade rises; empty = the urgent lane is off. */
  readonly URGENT_QUEUE_URL: string;
  readonly EVENTS_DEAD_LETTER_QUEUE_URL: string;
  /** App ids whose own writes come back as events and are dropped, comma separated. */
  readonly OWN_APP_IDS: string;
}

export interface WriteBackEnv extends StoreEnv {
  /** Secret `{ accessToken }`. */
  readonly HUBSPOT_TOKEN_SECRET_ARN: string;
  readonly HUBSPOT_API_URL: string;
  readonly URGENT_QUEUE_URL: string;
  readonly WRITE_BACK_DEAD_LETTER_QUEUE_URL: string;
  /** Calls HubSpot allows this token in any 10 seconds. */
  readonly HUBSPOT_LIMIT_PER_10_SECONDS: string;
  /** Of these, calls left to other users of the same token. */
  readonly HUBSPOT_RESERVE_PER_10_SECONDS: string;
  /** Calls HubSpot allows the portal in a day, while no header has told. */
  readonly HUBSPOT_DAILY_LIMIT: string;
  /** Of these, the share left to other apps of the portal, in percent. */
  readonly HUBSPOT_DAILY_RESERVE_PERCENT: string;
  /** Custom unique property by which contacts are written; empty = the record id. */
  readonly ID_PROPERTY: string;
  /** A contact that is written more often than this in an hour is in a loop. */
  readonly MOST_WRITES_PER_HOUR: string;
}

export interface ExplainEnv extends CommonEnv {
  readonly CONTACT_TABLE_NAME: string;
  /** IANA time zone of the portal, for the dates that are told. */
  readonly TIME_ZONE: string;
}

/** How HubSpot is called, and within which budget. */
type HubSpotEnv = Pick<
  WriteBackEnv,
  | 'HUBSPOT_TOKEN_SECRET_ARN'
  | 'HUBSPOT_API_URL'
  | 'HUBSPOT_LIMIT_PER_10_SECONDS'
  | 'HUBSPOT_RESERVE_PER_10_SECONDS'
  | 'HUBSPOT_DAILY_LIMIT'
  | 'HUBSPOT_DAILY_RESERVE_PERCENT'
  | 'ID_PROPERTY'
>;

export interface NightlyEnv extends Omit<StoreEnv, 'CHANGES_QUEUE_URL'>, HubSpotEnv {
  /** App ids whose own writes are no signals, comma separated. */
  readonly OWN_APP_IDS: string;
  /** The door's own queue, on which it asks itself to go on. */
  readonly NIGHTLY_QUEUE_URL: string;
  /** Share of the portal's daily limit that a night's reconciliation may call, in percent; 0 = there is none. */
  readonly RECONCILE_DAILY_PERCENT: string;
  /** Where the report of each month is put; left out where the model has no section `attribution`. */
  readonly REPORTS_BUCKET_NAME?: string;
}

/**
 * What the doors count, with the units that CloudWatch is told; `lib/` draws and watches these. Each has one dimension, `service`, the
 * door: never a portal, never a contact. Metrics that two doors count have one name.
 */
export const METRICS = {
  // ingest: what became of a request.
  RequestsAccepted: 'Count',
  RefusedSignature: 'Count',
  RefusedSize: 'Count',
  RefusedBody: 'Count',
  /** Our own fault: the caller is to send it again. */
  NotAccepted: 'Count',
  /** Visits that browsers told of, those of them that bots told of, and what was refused; the last also by `reason`, one of a few fixed words. */
  SessionsAccepted: 'Count',
  SessionsFromBots: 'Count',
  SessionsRefused: 'Count',

  // scorer.
  /** Events of another portal, dropped. */
  EventsForeign: 'Count',
  /** Facts newly kept, and those that were there already. */
  Facts: 'Count',
  Duplicates: 'Count',
  ContactsScored: 'Count',
  /** From what happened to the score in the table that knows of it: up to 100 facts of an invocation that are new, or come again. */
  AgeAtScore: 'Milliseconds',
  /** Browsers that are said to be somebody's while they are somebody else's: the first stays. */
  VisitorConflicts: 'Count',

  // scorer and write-back.
  /** Contacts that need no write, since HubSpot shows them as they are. */
  WritesSuppressed: 'Count',
  /** What can never be understood or done; also by `reason`, one of a few fixed words. */
  DeadLettered: 'Count',

  // write-back.
  /** Requests sent to HubSpot, and those of them that did not succeed. */
  HubSpotCalls: 'Count',
  HubSpotErrors: 'Count',
  /** The same of each call, 1 or 0: percentiles of it tell whether more than a share of the calls failed. */
  HubSpotFailed: 'Count',
  /** Calls by what came back; 429 is not among the 4xx. */
  Calls2xx: 'Count',
  Calls4xx: 'Count',
  Calls429: 'Count',
  Calls5xx: 'Count',
  CallsUnanswered: 'Count',
  /** Answers that a limit was met, by the limit. */
  RateLimitedWindow: 'Count',
  RateLimitedDay: 'Count',
  /** Highest use of the 10-second window in an invocation, in percent of what is allowed us. */
  BudgetUsed: 'Percent',
  /** Calls of the portal's day, also those of others, in percent of its limit. */
  DailyShare: 'Percent',
  /** Invocations that found that nobody may call: daily limit, token, or migration. */
  PortalStopped: 'Count',
  /** Invocations that found the token refused, or none that could be used. */
  TokenRefused: 'Count',
  /** Properties of ours that HubSpot does not let us write. */
  UnwritableProperties: 'Count',
  /** Contacts held back because they were written too often. */
  LoopBreaker: 'Count',
  ContactsWritten: 'Count',
  /** Records that were looked at in HubSpot, which showed something else than the table. */
  Drift: 'Count',
  /** Requests put back because they could not be tried. */
  Postponed: 'Count',
  /** How long a request waits that an invocation could not bring to its end, since it was first sent; the longest. Decay and backfill apart. */
  WriteBackLag: 'Seconds',
  BackgroundLag: 'Seconds',
  /** From what happened to HubSpot's taking the score that knows of it. */
  AgeAtConfirmation: 'Milliseconds',

  // nightly.
  /** 1 for a run that came to its end, 0 for one that failed. */
  NightlyFinished: 'Count',
  /** Contacts found due, and those of them that were sent to be scored. */
  ContactsDue: 'Count',
  ContactsTicked: 'Count',
  NightlySeconds: 'Seconds',
  /** Pages of HubSpot, or of the table, that a run looked at, and the records on them. */
  PagesRead: 'Count',
  RecordsCompared: 'Count',
  /** Where HubSpot and the table differed; also by `reason`, the figure of the run's report. */
  NightDrift: 'Count',
  /** Records taken in afresh, or sent to be written again. */
  Repaired: 'Count',
  /** What nobody can know any more; also by `reason`, the figure of the run's report. */
  Unknowable: 'Count',
  /** Reports of a month that were put into the bucket; 0 for one that could not be. */
  MonthlyReports: 'Count',
  /** 1 for a run that came to its end, 0 for an invocation that failed; how long the whole run took. */
  ReconcileFinished: 'Count',
  ReconcileSeconds: 'Seconds',
} as const;
export type MetricName = keyof typeof METRICS;
