import { type EndpointAnswer, postSigned } from '../endpoint.ts';
import type { Target } from '../target.ts';
import { skewOf, unread } from './hubspot.ts';
import { type Outcome, ok, outcomeOf, reasonOf, unknown, type Verdict, warning, wrong } from './verdict.ts';

/** A webhook request that says nothing. */
const NO_EVENTS = '[]';

/** What the endpoint answered to a request that is signed rightly, and to one that is not. */
export interface Answers {
  readonly secret: Outcome<string>;
  readonly right: Outcome<EndpointAnswer>;
  readonly forged: Outcome<EndpointAnswer>;
  /** AWS's clock less this machine's, in milliseconds; undefined when nobody answered. */
  readonly skewMs: number | undefined;
}

/** Posts two empty requests: the right one becomes a message without events, the forged one counts as a refused signature. */
export async function askEndpoint(target: Pick<Target, 'ingestUrl' | 'readClientSecret'>): Promise<Answers> {
  const secret = await outcomeOf(target.readClientSecret);
  if ('error' in secret) return { secret, right: secret, forged: secret, skewMs: undefined };
  const sentAtMs = Date.now();
  const right = await outcomeOf(() => postSigned(target, NO_EVENTS, secret.value));
  const receivedAtMs = Date.now();
  const forged = await outcomeOf(() => postSigned(target, NO_EVENTS, `not ${secret.value}`));
  const date = 'value' in right ? right.value.date : undefined;
  return { secret, right, forged, skewMs: skewOf(date, sentAtMs, receivedAtMs) };
}

/**
 * It is signed with the secret that is stored, so that one of another app stands there is not seen: that tell the arrivals.
 *
 * @param setup - the command that fills in the secret
 */
export function checkEndpoint({ secret, right }: Answers, ingestUrl: string, setup: string): Verdict {
  if ('error' in secret) return unread(secret.error, setup);
  if ('error' in right)
    return wrong(
      `${ingestUrl}: ${reasonOf(right.error)}`,
      'is the stack deployed, and its address reachable from here?',
    );
  const { status } = right.value;
  if (status === 202) return ok('a request signed with the stored secret is taken (202)');
  const found = `a signed request is answered with ${status}`;
  if (status === 401)
    return wrong(
      found,
      'wait 5 minutes if the secret was just changed; else see "401" in docs/troubleshooting.md: the setting publicUrl, or a clock',
    );
  if (status === 503) return wrong(found, 'wait 5 minutes if the secret was just filled in, then look again');
  if (status === 429) return warning(found, 'look again in a minute: more requests come than may at once');
  return wrong(found, "look at the log of the function ingest: it is Afterglow's own fault");
}

export function checkForgery({ forged }: Answers): Verdict {
  if ('error' in forged) return unknown(reasonOf(forged.error));
  const { status } = forged.value;
  if (status === 401) return ok('a wrongly signed request is refused (401)');
  const found = `a wrongly signed request is answered with ${status}, not 401`;
  return status < 300
    ? wrong(
        found,
        'take the endpoint out of service: anybody can post scores; then find out what answers there',
      )
    : unknown(found);
}

/** From here on a clock is off by more than a network and whole seconds explain. */
const NOTABLE_SKEW_MS = 10_000;
/** Signatures that are so much ahead, or so old, are refused: see lambdas/events/signature.ts. */
const REFUSED_AHEAD_MS = 60_000;
const REFUSED_OLD_MS = 300_000;

/**
 * The clocks by which requests are signed, HubSpot's and this machine's, against AWS's, by which they are judged.
 *
 * @param hubSpotSkewMs - HubSpot's clock less this machine's
 * @param awsSkewMs - AWS's less this machine's
 */
export function checkClocks(hubSpotSkewMs: number | undefined, awsSkewMs: number | undefined): Verdict {
  if (awsSkewMs === undefined) return unknown('the endpoint did not tell its time');
  const ours = judged('this machine', -awsSkewMs);
  if (hubSpotSkewMs === undefined)
    return ours.state === 'ok' ? unknown('HubSpot did not tell its time') : ours;
  const theirs = judged('HubSpot', hubSpotSkewMs - awsSkewMs);
  if (theirs.state === 'wrong') return theirs;
  if (ours.state !== 'ok') return ours;
  return theirs.state === 'ok' ? ok("HubSpot's, AWS's and this machine's agree within 10 s") : theirs;
}

/** @param aheadMs - how much a clock is ahead of AWS's */
function judged(whose: string, aheadMs: number): Verdict {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const found = `the clock of ${whose} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} AWS's`;
  const todo =
    whose === 'HubSpot'
      ? 'tell support of HubSpot or AWS, whichever of the two differs from time.gov'
      : 'let this machine keep its time by NTP';
  if (aheadMs > REFUSED_AHEAD_MS || aheadMs < -REFUSED_OLD_MS)
    return wrong(`${found}: what it signs is refused`, todo);
  return Math.abs(aheadMs) > NOTABLE_SKEW_MS ? warning(found, todo) : ok(found);
}
