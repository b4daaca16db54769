import { subscriptionsOf } from '../../lambdas/events/subscriptions.ts';
import { HEARD_ROW, HeardDays, NOTHING_HEARD } from '../../lambdas/scorer/arrivals.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { type HubSpotApp, hubSpotApp, readBuiltApp } from '../hubspot-app.ts';
import type { Target } from '../target.ts';
import { ok, someOf, unknown, type Verdict, warning, wrong } from './verdict.ts';

const DAY_MS = 86_400_000;
/** After so many days without a single event of any subscription, over a weekend too, something holds them up. */
const SILENT_DAYS = 3;
/** After so many days without a single event of a subscription it is worth a look; of a rare change there may be none for longer. */
const SUSPICIOUS_DAYS = 14;
/** What may not happen for months in a portal where all is well. */
const RARE =
  /\.(deletion|restore|merge|privacyDeletion|associationChange|propertyChange:hs_additional_emails)$/;

/**
 * The app's files, as they were last built, against what the model needs.
 *
 * @param directory - of the files
 * @param build - the command that writes them
 */
export function checkApp(
  { ingestUrl }: Pick<Target, 'ingestUrl'>,
  model: Model,
  directory: string,
  build: string,
): Verdict {
  const built = readBuiltApp(directory);
  if (built === undefined)
    return unknown(`no app was built in ${directory}`, `run \`${build}\` where the app is kept`);
  const needed = hubSpotApp(model, `${ingestUrl}/webhooks/hubspot`);
  const todo = `run \`${build}\`, upload the app, and approve what is new in HubSpot`;
  const lacking = [...lacks('scope', needed.scopes, built.scopes), ...subscriptionsLacking(needed, built)];
  if (built.targetUrl !== needed.targetUrl)
    return wrong(`HubSpot is to post to ${built.targetUrl}, the endpoint is ${needed.targetUrl}`, todo);
  if (lacking.length > 0) return wrong(`the app as last built lacks ${someOf(lacking)}`, todo);
  const idle = lacks('subscription', built.subscriptions, needed.subscriptions);
  return idle.length > 0
    ? warning(`the app as last built asks for more than the model reads: ${someOf(idle)}`, todo)
    : ok(
        `as the model needs it: ${needed.scopes.length} scopes, ${needed.subscriptions.length} subscriptions`,
      );
}

function subscriptionsLacking(needed: HubSpotApp, built: HubSpotApp): string[] {
  return lacks('subscription', needed.subscriptions, built.subscriptions);
}

function lacks(what: string, needed: readonly string[], there: readonly string[]): string[] {
  return needed.filter((name) => !there.includes(name)).map((name) => `the ${what} ${name}`);
}

/**
 * Which subscriptions bring events. Never wrong: nothing may have happened. How long we have been listening is not kept; the oldest day
 * on which any subscription last brought something tells the least.
 *
 * @param rotate - the command that replaces the client secret
 */
export async function checkArrivals(
  { portalRow, clock }: Pick<Target, 'portalRow' | 'clock'>,
  model: Model,
  rotate: string,
): Promise<Verdict> {
  const { heard } = await portalRow(HEARD_ROW, HeardDays, NOTHING_HEARD).read();
  const wanted = subscriptionsOf(model);
  const days = wanted.flatMap((name) => heard[name] ?? []);
  const [oldest] = days.toSorted();
  const newest = days.toSorted().at(-1);
  if (oldest === undefined || newest === undefined)
    return warning(
      'no webhook event has come yet',
      'change a property of a contact that the model reads in HubSpot; if nothing comes within 10 minutes, look at the webhooks of the app',
    );
  const missing = wanted.filter((name) => heard[name] === undefined);
  const unusual = missing.filter((name) => !RARE.test(name));
  const found = `${days.length} of ${wanted.length} subscriptions brought events, the last on ${newest}`;
  const silentDays = daysSince(newest, clock());
  if (silentDays > SILENT_DAYS)
    return warning(
      `${found}: nothing for ${silentDays} days`,
      `compare the client secret with the one on the Auth tab of the app in HubSpot (\`${rotate}\` replaces it), and look whether the app's webhooks are on and point to the endpoint`,
    );
  if (missing.length === 0) return ok(found);
  const listeningDays = daysSince(oldest, clock());
  if (unusual.length === 0) return ok(`${found}; none of ${someOf(missing)}, which are rare`);
  return listeningDays < SUSPICIOUS_DAYS
    ? ok(`${found}; none yet of ${someOf(unusual)} (suspicious after ${SUSPICIOUS_DAYS} days)`)
    : warning(
        `${found}; in ${listeningDays} days none of ${someOf(unusual)}: perhaps nothing of the kind happened`,
        `${exampleOf(unusual)} in HubSpot by hand, wait 10 minutes, and look again`,
      );
}

/** @param day - `YYYY-MM-DD` in UTC */
function daysSince(day: string, nowMs: number): number {
  return Math.floor((nowMs - Date.parse(`${day}T00:00:00Z`)) / DAY_MS);
}

/** Something to do that would tell. */
function exampleOf(subscriptions: readonly string[]): string {
  const [first = ''] = subscriptions;
  const [what = '', property] = first.split(':');
  const [type = '', action] = what.split('.');
  if (property !== undefined) return `change ${property} of a ${type}`;
  return action === 'creation' ? `create a ${type}` : `see to it that there is a ${first}`;
}
