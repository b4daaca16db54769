/** How many contacts take part: each of the 16 combinations of what they are and do, once. */
const COMBINATIONS = 16;

/** What a contact of the rehearsal is and does. */
export interface Actor {
  readonly email: string;
  readonly jobtitle: string;
  /** Whether sales begins to talk to them: HubSpot changes `hs_lead_status`. */
  readonly isInProgress: boolean;
  /** Whether they log in: a signal of the company's own. */
  readonly logsIn: boolean;
  /** Whether they come to an event: a workflow says so. */
  readonly attends: boolean;
}

/** The contacts of a rehearsal. @param run - tells those of one run from those of another */
export function castOf(run: string): Actor[] {
  return Array.from({ length: COMBINATIONS }, (_, at) => ({
    email: `afterglow-rehearsal-${run}-${at}@example.com`,
    jobtitle: hasBit(at, 0) ? 'Director of Rehearsals' : 'Analyst',
    isInProgress: hasBit(at, 1),
    logsIn: hasBit(at, 2),
    attends: hasBit(at, 3),
  }));
}

/** Who is made without that any webhook tells of it. @param run - as of `castOf` */
export function unannounced(run: string): Actor {
  return {
    email: `afterglow-rehearsal-${run}-unannounced@example.com`,
    jobtitle: 'Director of Silence',
    isInProgress: false,
    logsIn: false,
    attends: false,
  };
}

function hasBit(value: number, bit: number): boolean {
  return Math.floor(value / 2 ** bit) % 2 === 1;
}

/** What `model.yaml` gives, said once more in plain numbers. */
const DIRECTOR = 20;
const IN_PROGRESS = 40;
const LOGIN = 10;
const ATTENDED = 8;
/** What the changed model gives for the same. */
export const IN_PROGRESS_CHANGED = 60;

/** What is known of an actor when their score is worked out. */
export interface Moment {
  /** Half-lives of 30 days that went by since all signals. */
  readonly halfLives: number;
  /** How often they logged in by then, those who do. */
  readonly logins: number;
  readonly inProgressPoints: number;
}

export const AT_FIRST: Moment = { halfLives: 0, logins: 1, inProgressPoints: IN_PROGRESS };

/** The score that HubSpot has to show, worked out without any of the product's code. */
export function scoreOf(actor: Actor, { halfLives, logins, inProgressPoints }: Moment): number {
  const left = 2 ** -halfLives;
  const fading = (actor.isInProgress ? inProgressPoints : 0) + (actor.logsIn ? logins * LOGIN : 0);
  const lasting = (actor.jobtitle.startsWith('Director') ? DIRECTOR : 0) + (actor.attends ? ATTENDED : 0);
  return Math.min(100, Math.round(fading * left + lasting));
}
