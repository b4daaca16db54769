import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Model } from '../lambdas/scoring/model.ts';
import { type EndpointAnswer, post, postSigned, postUntilKnown } from './endpoint.ts';
import { scopesOf } from './hubspot-app.ts';
import { type GivenSecrets, newSignalsSecret, type Question } from './secret-input.ts';
import { type Installation, UsageError } from './target.ts';
import { checkToken, sendWith } from './token.ts';

/** What can be rotated, as the command names it. */
export const ROTATED = ['client-secret', 'token', 'signals-secret'] as const;
export type Rotated = (typeof ROTATED)[number];

/** A secret of which two are valid during a rotation. */
interface Pair {
  readonly name: 'clientSecret' | 'signalsSecret';
  readonly previous: 'previousClientSecret' | 'previousSignalsSecret';
}
const PAIRS: Readonly<Record<Exclude<Rotated, 'token'>, Pair>> = {
  'client-secret': { name: 'clientSecret', previous: 'previousClientSecret' },
  'signals-secret': { name: 'signalsSecret', previous: 'previousSignalsSecret' },
};

/** What is asked for a rotation. */
export const QUESTIONS: Readonly<Record<Rotated, Question>> = {
  'client-secret': { name: 'clientSecret', title: 'New client secret of the HubSpot app' },
  token: { name: 'accessToken', title: 'New access token of the HubSpot app' },
  'signals-secret': { name: 'signalsSecret', title: 'New signals secret, whsec_… (empty: one is generated)' },
};

/** Milliseconds between two tries whether the endpoint knows a new secret. */
const LOOK_EVERY_MS = 2000;

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
 * @param model - what the token must be allowed
 * @throws UsageError saying what is wrong and what to do
 */
export async function rotate(
  installation: Installation,
  rotated: Rotated,
  given: GivenSecrets,
  model: () => Model,
  lookEveryMs = LOOK_EVERY_MS,
): Promise<RotationReport> {
  return rotated === 'token'
    ? rotateToken(installation, given.accessToken, model())
    : rotatePair(installation, rotated, given, lookEveryMs);
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
  rotated: Exclude<Rotated, 'token'>,
  given: GivenSecrets,
  lookEveryMs: number,
): Promise<RotationReport> {
  const { name, previous } = PAIRS[rotated];
  const { webhook } = installation.secrets;
  const before = await webhook.read();
  const old = before[name];
  if (rotated === 'client-secret' && given.clientSecret === undefined)
    throw new UsageError('no new client secret was given: HubSpot makes one, see docs/deploy.md#rotation');
  if (rotated === 'client-secret' && old === undefined)
    throw new UsageError(
      `the stack ${installation.stack} has no ${name} yet: run \`afterglow setup --stack ${installation.stack}\``,
    );
  const fresh = given[name] ?? newSignalsSecret();
  if (fresh === old) return toldOf(installation, rotated, 'already');
  if (before[previous] !== undefined)
    throw new UsageError(
      `a rotation is under way: the secret before stands beside the one in use. When nobody signs with it any more: afterglow rotate ${rotated} --finish --stack ${installation.stack}`,
    );
  await webhook.write({ ...before, [name]: fresh, ...(old !== undefined && { [previous]: old }) });
  const { status } = await postUntilKnown(
    () => probe(installation, rotated, fresh),
    installation.clock,
    lookEveryMs,
  );
  // A body that says nothing is refused, but only after its signature was found to be right.
  if (status !== 202 && status !== 400)
    throw new UsageError(
      `the new ${name} is stored beside the old one, but ${installation.ingestUrl} answers a request signed with it with ${status}: look at docs/troubleshooting.md#401 and at the log of the ingest function`,
    );
  return toldOf(installation, rotated, 'stored');
}

/** A signed request that tells of nothing. */
async function probe(
  installation: Installation,
  rotated: Exclude<Rotated, 'token'>,
  secret: string,
): Promise<EndpointAnswer> {
  if (rotated === 'client-secret') return postSigned(installation, '[]', secret);
  const id = `msg_${randomUUID()}`;
  const now = new Date();
  return post(`${installation.ingestUrl}/signals`, '[]', {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, now, '[]'),
  });
}

function toldOf(
  { stack, secrets }: Installation,
  rotated: Exclude<Rotated, 'token'>,
  did: 'stored' | 'already',
): RotationReport {
  const { name } = PAIRS[rotated];
  const finish = `afterglow rotate ${rotated} --finish --stack ${stack}`;
  return {
    rotated,
    did,
    detail:
      did === 'already'
        ? `this ${name} is the one in use already`
        : `the new ${name} is in use, and the one before is valid too`,
    left:
      rotated === 'client-secret'
        ? [
            'If HubSpot still signs with the old secret, make the new one valid there',
            `After a day, when nothing signed with the old one can come any more: ${finish}`,
          ]
        : [
            `Give your systems the new secret: it stands in ${secrets.webhook.arn}, as ${name}`,
            `When all of them sign with it: ${finish}`,
          ],
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
