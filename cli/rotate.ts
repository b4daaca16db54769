import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { Model } from '../lambdas/scoring/model.ts';
import {
  type EndpointAnswer,
  PROBE_EVERY_MS,
  post,
  postSigned,
  postUntilKnown,
  SECRET_KNOWN_MS,
} from './endpoint.ts';
import { scopesOf } from './hubspot-app.ts';
import { type GivenSecrets, newSignalsSecret, type Question } from './secret-input.ts';
import { finishCommand, isUnderWay, PAIRS, type PairName, replaced } from './secret-pair.ts';
import { type Installation, UsageError } from './target.ts';
import { checkToken, sendWith } from './token.ts';
import { commandFor } from './typed.ts';

/** What can be rotated, as the command names it. */
export const ROTATED = ['client-secret', 'token', 'signals-secret'] as const;
export type Rotated = (typeof ROTATED)[number];

/** What is asked for a rotation. */
export const QUESTIONS: Readonly<Record<Rotated, Question>> = {
  'client-secret': { name: 'clientSecret', title: 'New client secret of the HubSpot app' },
  token: { name: 'accessToken', title: 'New access token of the HubSpot app' },
  'signals-secret': { name: 'signalsSecret', title: 'New signals secret, whsec_… (empty: one is generated)' },
};

/** How fast the stack learns of a secret, in milliseconds. */
export interface Pace {
  readonly probeEveryMs: number;
  /** From when it is stored until every running instance of ingest takes it. */
  readonly knownAfterMs: number;
}
const PACE: Pace = { probeEveryMs: PROBE_EVERY_MS, knownAfterMs: SECRET_KNOWN_MS };

export interface RotationOptions {
  /** The new secret. */
  readonly given: GivenSecrets;
  /** What a token must be allowed. */
  readonly model: () => Model;
  /** Told of each step that takes time. */
  readonly say: (line: string) => void;
  /** @default PACE */
  readonly pace?: Pace;
}

export interface RotationReport {
  readonly rotated: Rotated;
  readonly did: 'stored' | 'already' | 'finished';
  readonly detail: string;
  /** What to do now, in order. */
  readonly left: readonly string[];
}

/**
 * Puts a new secret beside the one before, or a new token in the place of the old.
 *
 * @throws UsageError saying what is wrong and what to do
 */
export async function rotate(
  installation: Installation,
  rotated: Rotated,
  options: RotationOptions,
): Promise<RotationReport> {
  return rotated === 'token'
    ? rotateToken(installation, options.given.accessToken, options.model())
    : rotatePair(installation, rotated, options);
}

async function rotateToken(
  installation: Installation,
  accessToken: string | undefined,
  model: Model,
): Promise<RotationReport> {
  if (accessToken === undefined)
    throw new UsageError('no new access token was given: HubSpot makes one, see docs/deploy.md#rotation');
  const { token } = installation.secrets;
  const before = await token.read();
  const send = sendWith(accessToken, installation);
  const { account } = await checkToken(installation, send, accessToken, scopesOf(model));
  const isThere = before['accessToken'] === accessToken;
  if (!isThere) await token.write({ ...before, accessToken });
  return {
    rotated: 'token',
    did: isThere ? 'already' : 'stored',
    detail: `HubSpot takes the new token for portal ${account.portalId}${isThere ? ', and it is the one that is stored' : '; it is stored'}`,
    left: [
      'Wait 5 minutes: so long a running function goes on with the token it has read',
      'Then let the old token expire in HubSpot: "Expire now", on the page of the app where it was rotated',
    ],
  };
}

async function rotatePair(
  installation: Installation,
  rotated: PairName,
  { given, say, pace = PACE }: RotationOptions,
): Promise<RotationReport> {
  const { stack, clock } = installation;
  const { name } = PAIRS[rotated];
  const { webhook } = installation.secrets;
  const before = await webhook.read();
  if (rotated === 'client-secret' && given.clientSecret === undefined)
    throw new UsageError('no new client secret was given: HubSpot makes one, see docs/deploy.md#rotation');
  // Ingest takes nothing at all without a client secret, so a signals secret alone could not be tried.
  if (before['clientSecret'] === undefined)
    throw new UsageError(
      `the stack ${stack} has no clientSecret yet: run \`${commandFor(stack)('setup')}\`; nothing was stored`,
    );
  const fresh = given[name] ?? newSignalsSecret();
  const content = replaced(before, rotated, fresh, stack);
  const isStored = content !== before;
  if (isStored) await webhook.write(content);
  const sinceMs = clock();
  say(`${isStored ? `the new ${name} is stored` : `this ${name} is stored already`}; trying it …`);
  await tryPair(installation, rotated, fresh, pace);
  if (isStored || isUnderWay(content, rotated)) {
    // The instance that answered knows it. Another may have read the old one just before, and refuses the new one until then.
    const restMs = sinceMs + pace.knownAfterMs - clock();
    say(
      `it is taken; waiting ${Math.ceil(Math.max(restMs, 0) / 1000)} s until every running function takes it …`,
    );
    await wait(Math.max(restMs, 0));
  }
  return toldOf(installation, rotated, { before, content });
}

/** @throws UsageError when the endpoint does not take what is signed with it, also not after ingest has surely read it */
async function tryPair(
  installation: Installation,
  rotated: PairName,
  secret: string,
  { probeEveryMs }: Pace,
): Promise<void> {
  const { name } = PAIRS[rotated];
  const { ingestUrl, clock } = installation;
  const { status } = await postUntilKnown(
    () => probe(installation, rotated, secret),
    clock,
    probeEveryMs,
  ).catch((cause: unknown) => {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(
      `the ${name} is stored, but could not be tried: ${cause.message}. Does that address lead to the stack's API? Run the same again with the same secret`,
      { cause },
    );
  });
  // A body that says nothing is refused, but only after its signature was found to be right.
  if (status !== 202 && status !== 400)
    throw new UsageError(
      `the ${name} is stored, but ${ingestUrl} answers a request signed with it with ${status}: look at docs/troubleshooting.md#401 and at the log of the ingest function, then run the same again with the same secret`,
    );
}

/** A signed request that tells of nothing. */
async function probe(installation: Installation, rotated: PairName, secret: string): Promise<EndpointAnswer> {
  if (rotated === 'client-secret') return postSigned(installation, '[]', secret);
  const id = `msg_${randomUUID()}`;
  const now = new Date();
  return post(`${installation.ingestUrl}/signals`, '[]', {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, now, '[]'),
  });
}

type Content = Readonly<Record<string, string>>;

function toldOf(
  { stack, secrets }: Installation,
  rotated: PairName,
  { before, content }: { readonly before: Content; readonly content: Content },
): RotationReport {
  const { name } = PAIRS[rotated];
  const isStored = content !== before;
  const isPair = isUnderWay(content, rotated);
  const alone = isStored
    ? `the ${name} is in use; there was none before`
    : `this ${name} is the one in use already`;
  const both = isStored ? `the new ${name} is in use` : alone;
  const finish = finishCommand(rotated, stack);
  const give = `Give your systems the new secret: it stands in ${secrets.webhook.arn}, as ${name}`;
  const steps = {
    'client-secret': [
      ...(isPair ? ['If HubSpot still signs with the old secret, make the new one valid there'] : []),
      ...(isPair ? [`After a day, when nothing signed with the old one can come any more: ${finish}`] : []),
    ],
    'signals-secret': [
      ...(isStored || isPair ? [give] : []),
      ...(isPair ? [`When all of them sign with it: ${finish}`] : []),
    ],
  };
  return {
    rotated,
    did: isStored ? 'stored' : 'already',
    detail: isPair ? `${both}, and the one before is valid too` : alone,
    left: steps[rotated],
  };
}

/** Removes the secret from before the rotation. Doing it again changes nothing. */
export async function finishRotation(
  { secrets: { webhook } }: Pick<Installation, 'secrets'>,
  rotated: Rotated,
): Promise<RotationReport> {
  if (rotated === 'token')
    throw new UsageError('a token is not kept beside the new one: let the old one expire in HubSpot');
  const { name, previous } = PAIRS[rotated];
  const { [previous]: old, ...rest } = await webhook.read();
  if (old !== undefined) await webhook.write(rest);
  return {
    rotated,
    did: old === undefined ? 'already' : 'finished',
    detail:
      old === undefined
        ? `there is no ${previous}: no rotation is under way`
        : `the ${name} from before is removed; running functions accept it for 5 more minutes`,
    left: [],
  };
}

/** A rotation for a terminal. */
export function formatRotation({ detail, left }: RotationReport): string {
  return [detail, ...left.map((step, at) => `  ${at + 1}. ${step}`)].join('\n');
}
