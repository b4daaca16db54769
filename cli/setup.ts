import { setTimeout as wait } from 'node:timers/promises';
import * as v from 'valibot';
import { SETUP_SOURCE } from '../lambdas/events/hubspot-events.ts';
import type { Account } from '../lambdas/hubspot/account.ts';
import { HubSpotError } from '../lambdas/hubspot/answer.ts';
import { detailsAt } from '../lambdas/hubspot/details.ts';
import { provisionedProperties } from '../lambdas/hubspot/outputs.ts';
import { type Provisioned, provisionProperties } from '../lambdas/hubspot/properties.ts';
import type { TokenInfo } from '../lambdas/hubspot/token-info.ts';
import type { Send } from '../lambdas/hubspot/transport.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import type { Shown } from '../lambdas/scoring/show.ts';
import { contactIdOf, contactKey } from '../lambdas/store/keys.ts';
import type { Head } from '../lambdas/store/rows.ts';
import { PROBE_EVERY_MS, postSigned, postUntilKnown } from './endpoint.ts';
import { type Built, buildHubSpotApp, scopesOf } from './hubspot-app.ts';
import { type GivenSecrets, newSignalsSecret } from './secret-input.ts';
import { finishCommand, isUnderWay, PAIRS, type PairName, replaced } from './secret-pair.ts';
import { type Installation, UsageError } from './target.ts';
import { isSameTimeZone } from './time-zone.ts';
import { checkToken, sendWith } from './token.ts';
import { commandFor } from './typed.ts';

/** Contacts looked at for one to try with: one page of HubSpot's. */
const PAGE = 100;
/** Earlier times are not believed of an event. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);

/** How long the score of the test is waited for. Changes are gathered for a minute by default, five at most. */
export interface Patience {
  readonly scoreWithinMs: number;
  readonly lookEveryMs: number;
  /** Between two tries whether the endpoint takes the secret. */
  readonly probeEveryMs: number;
}
export const PATIENCE: Patience = {
  scoreWithinMs: 8 * 60_000,
  lookEveryMs: 2000,
  probeEveryMs: PROBE_EVERY_MS,
};

export interface SetupOptions {
  readonly model: Model;
  /** Where the app's files are written. */
  readonly appDirectory: string;
  /** What was typed; what was not is taken from the stack's secrets. */
  readonly given: GivenSecrets;
  /** Told of each step as it is done. */
  readonly say: (line: string) => void;
  /** Asked once it is known whose portal it is, before anything is changed. */
  readonly confirm: (account: Account) => Promise<boolean>;
  /** @default PATIENCE */
  readonly patience?: Patience;
}

/** A step of the setup. */
interface Step {
  readonly step: 'token' | 'properties' | 'secrets' | 'app' | 'test';
  /** `skipped`: there was nothing to do it with. */
  readonly did: 'done' | 'already' | 'skipped';
  readonly detail: string;
}

export interface SetupReport {
  readonly stack: string;
  readonly portalId: string;
  /** Of the HubSpot app; null when HubSpot does not tell. */
  readonly appId: string | null;
  readonly targetUrl: string;
  readonly steps: readonly Step[];
  /** The contact that was tried with; null in an empty portal. */
  readonly contact: Tried | null;
  readonly warnings: readonly string[];
  /** What is left for a human, in order. */
  readonly left: readonly string[];
}

interface Tried {
  readonly id: string;
  readonly status: string;
  readonly score: number | null;
  readonly grade: string;
  /** From the event to HubSpot's confirmation. */
  readonly seconds: number;
}

/**
 * Sets up a stack that is deployed: checks the token, makes the properties, stores the secrets, builds the app and has one contact
 * scored. Every step may be repeated; nothing is stored before HubSpot took the token and the properties.
 *
 * @throws UsageError saying what is wrong and what to do
 */
export async function setUp(installation: Installation, options: SetupOptions): Promise<SetupReport> {
  const { model, appDirectory, say } = options;
  const steps: Step[] = [];
  const done = (step: Step['step'], did: Step['did'], detail: string): void => {
    steps.push({ step, did, detail });
    say(`${step.padEnd(10)}  ${did === 'done' ? '' : `${did}: `}${detail}`);
  };
  const secrets = await secretsToUse(installation, options.given);
  const send = sendWith(secrets.accessToken, installation);
  const { account, info } = await checkToken(installation, send, secrets.accessToken, scopesOf(model));
  if (!(await options.confirm(account))) throw new UsageError('not agreed to; nothing was changed');
  done('token', 'done', describeAccess(account, info));
  // Before the secrets: from then on webhooks are taken, and scores are written.
  const provisioned = await provision(installation, send, model);
  const created = provisioned.filter(({ did }) => did !== 'existed').length;
  done(
    'properties',
    created > 0 ? 'done' : 'already',
    `${created} created or completed, ${provisioned.length - created} as they were`,
  );
  const { stored, content } = await storeSecrets(installation, secrets);
  done('secrets', stored.length > 0 ? 'done' : 'already', stored.join(', ') || 'nothing new');
  const url = `${installation.ingestUrl}/webhooks/hubspot`;
  const app = buildHubSpotApp(model, { url, directory: appDirectory, isCheck: false });
  const isBuilt = app.files.some(({ did }) => did === 'written');
  done(
    'app',
    isBuilt ? 'done' : 'already',
    `${app.subscriptions.length} subscriptions, ${app.scopes.length} scopes, to ${url}`,
  );
  const tried = await tryOne(installation, send, secrets.clientSecret, options);
  if (tried === null)
    done('test', 'skipped', 'the portal has no contact yet; the first that is made gets a score');
  else done('test', 'done', describeTried(tried));
  return {
    stack: installation.stack,
    portalId: installation.portalId,
    appId: info?.appId === undefined ? null : String(info.appId),
    targetUrl: url,
    steps,
    contact: tried?.tried ?? null,
    warnings: warningsOf(installation, account, info, tried, model),
    left: leftToDo(installation, app, tried, content),
  };
}

/** The secrets that are to be in use. */
interface Secrets {
  readonly accessToken: string;
  readonly clientSecret: string;
  readonly signalsSecret: string;
  readonly isSignalsSecretNew: boolean;
}

async function secretsToUse({ stack, secrets }: Installation, given: GivenSecrets): Promise<Secrets> {
  const token = await secrets.token.read();
  const webhook = await secrets.webhook.read();
  const accessToken = given.accessToken ?? token['accessToken'];
  const clientSecret = given.clientSecret ?? webhook['clientSecret'];
  if (accessToken === undefined || clientSecret === undefined)
    throw new UsageError(
      `${accessToken === undefined ? 'accessToken' : 'clientSecret'} was not given, and the stack ${stack} has none yet: see hubspot-app/README.md for where it stands in HubSpot`,
    );
  const known = given.signalsSecret ?? webhook['signalsSecret'];
  const signalsSecret = known ?? newSignalsSecret();
  webhookContent(webhook, { clientSecret, signalsSecret }, stack); // Refuses a third secret before anything is changed.
  return { accessToken, clientSecret, signalsSecret, isSignalsSecretNew: known === undefined };
}

function describeAccess({ portalId, accountType, timeZone }: Account, info: TokenInfo | undefined): string {
  if (info === undefined)
    return `portal ${portalId} (${accountType}, ${timeZone}); HubSpot does not tell its scopes`;
  const app = info.appId === undefined ? 'its app' : `app ${info.appId}`;
  return `portal ${portalId} (${accountType}, ${timeZone}); ${app} has the scopes`;
}

async function provision(
  { hubspotUrl, stack }: Installation,
  send: Send,
  model: Model,
): Promise<Provisioned[]> {
  const done: Provisioned[] = [];
  try {
    await provisionProperties(hubspotUrl, send, provisionedProperties(model), (one) => done.push(one));
  } catch (error) {
    if (!(error instanceof HubSpotError && error.status === 403)) throw error;
    throw new UsageError(
      `the access token may not make the properties (${error.reason}); the model asks for ${scopesOf(model).join(', ')}: build the app with \`${commandFor(stack)('hubspot-app build')}\`, upload it and accept its scopes; no secret was stored`,
      { cause: error },
    );
  }
  return done;
}

type Content = Readonly<Record<string, string>>;

/** @throws UsageError where a secret would be lost that is still valid */
function webhookContent(
  before: Content,
  { clientSecret, signalsSecret }: Pick<Secrets, 'clientSecret' | 'signalsSecret'>,
  stack: string,
): Content {
  return replaced(
    replaced(before, 'client-secret', clientSecret, stack),
    'signals-secret',
    signalsSecret,
    stack,
  );
}

interface Stored {
  /** What was stored, in words. */
  readonly stored: readonly string[];
  /** What the webhook secret holds now. */
  readonly content: Content;
}

/** Stores what differs, beside what else the secrets hold. One that is replaced stays valid for what is under way. */
async function storeSecrets({ secrets, stack }: Installation, wanted: Secrets): Promise<Stored> {
  const { accessToken } = wanted;
  const token = await secrets.token.read();
  const before = await secrets.webhook.read();
  const content = webhookContent(before, wanted, stack);
  const isTokenNew = token['accessToken'] !== accessToken;
  // The token first: with the other, webhooks are taken.
  if (isTokenNew) await secrets.token.write({ ...token, accessToken });
  if (content !== before)
    await secrets.webhook.write(content).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.name : 'unknown';
      throw new UsageError(
        `${isTokenNew ? 'the access token is stored, ' : ''}the client secret is not (${reason}), so no webhook is taken: may you write the secret ${secrets.webhook.arn}? Run setup again`,
        { cause },
      );
    });
  const told = (which: PairName, first: string): string[] => {
    const { name } = PAIRS[which];
    if (before[name] === content[name]) return [];
    return [before[name] === undefined ? first : `${name} replaced, the one before stays valid`];
  };
  const signals = wanted.isSignalsSecretNew
    ? `signalsSecret generated, it stands in ${secrets.webhook.arn}`
    : 'signalsSecret stored';
  return {
    content,
    stored: [
      ...(isTokenNew ? ['access token stored'] : []),
      ...told('client-secret', 'client secret stored'),
      ...told('signals-secret', signals),
    ],
  };
}

interface Trial {
  readonly tried: Tried;
  readonly shown: Shown;
}

/**
 * Has one contact scored, from a signed event to HubSpot's confirmation. What the event says is true: that a contact which is there
 * was made when it was made. HubSpot would tell the same; nothing is invented, in HubSpot or in the table.
 *
 * @returns null when the portal has no contact
 */
async function tryOne(
  installation: Installation,
  send: Send,
  clientSecret: string,
  { say, patience = PATIENCE }: SetupOptions,
): Promise<Trial | null> {
  const { portalId, contacts, clock } = installation;
  const contact = await newestContact(installation, send);
  if (contact === undefined) return null;
  const key = contactKey(portalId, contact.id);
  const before = (await contacts.readLiving(key))?.head.revision ?? 0;
  const sinceMs = clock();
  await sendTest(installation, clientSecret, contact, patience);
  say(`${'test'.padEnd(10)}  contact ${contact.id}: the event was accepted; waiting for its score …`);
  let head: Head | undefined;
  while (clock() - sinceMs < patience.scoreWithinMs) {
    const read = await contacts.readLiving(key);
    head = read?.head;
    const { shown, writeId, confirmedWriteId, revision = 0 } = head ?? {};
    const isConfirmed = writeId !== undefined && writeId === confirmedWriteId;
    if (revision > before && shown !== undefined && isConfirmed) {
      const { status, score, grade } = shown;
      const seconds = Math.round((clock() - sinceMs) / 1000);
      const id = contactIdOf(read?.key ?? key, portalId) ?? contact.id;
      return { tried: { id, status, score, grade, seconds }, shown };
    }
    await wait(patience.lookEveryMs);
  }
  throw new UsageError(whyNoScore(installation, contact.id, head, before, patience));
}

interface Contact {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
}

const Contacts = v.object({ results: v.array(v.object({ id: v.string(), createdAt: v.string() })) });

/** Of one page of HubSpot's contacts the one that was made last: of the oldest in a portal there is often little to score. */
async function newestContact({ hubspotUrl, clock }: Installation, send: Send): Promise<Contact | undefined> {
  const { results } = await detailsAt(`${hubspotUrl}/crm/v3/objects/contacts?limit=${PAGE}`, Contacts, send);
  const nowMs = clock();
  return results
    .map(({ id, createdAt }) => ({ id, createdAtMs: Date.parse(createdAt) }))
    .filter(({ createdAtMs }) => createdAtMs >= EARLIEST_MS && createdAtMs <= nowMs)
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs)[0];
}

/** @throws UsageError when the endpoint does not take it, also not after ingest has surely read the secret */
async function sendTest(
  installation: Installation,
  clientSecret: string,
  { id, createdAtMs }: Contact,
  { probeEveryMs }: Patience,
): Promise<void> {
  const event = {
    portalId: Number(installation.portalId),
    occurredAt: createdAtMs,
    subscriptionType: 'contact.creation',
    objectId: Number(id),
    changeFlag: 'CREATED',
    changeSource: SETUP_SOURCE,
    attemptNumber: 0,
  };
  const { status } = await postUntilKnown(
    () => postSigned(installation, JSON.stringify([event]), clientSecret),
    installation.clock,
    probeEveryMs,
  ).catch((cause: unknown) => {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(
      `the secrets are stored and the properties made, but ${cause.message}: does that address lead to the stack's API? Look at the setting publicUrl, then run setup again`,
      { cause },
    );
  });
  if (status !== 202) throw new UsageError(whyNotTaken(installation, status));
}

function whyNotTaken({ ingestUrl }: Installation, status: number): string {
  const answered = `the secrets are stored and the properties made, but ${ingestUrl} answers the signed test with ${status}`;
  if (status === 401)
    return `${answered}: is the setting publicUrl the address that HubSpot calls, and is the clock of this machine right? See docs/troubleshooting.md#401`;
  if (status === 404 || status === 403)
    return `${answered}: does that address lead to the stack's API? Look at the setting publicUrl`;
  return `${answered}: look at the log of the ingest function, then run setup again`;
}

function whyNoScore(
  { stack }: Installation,
  id: string,
  head: Head | undefined,
  before: number,
  { scoreWithinMs }: Patience,
): string {
  const waited = `after ${Math.round(scoreWithinMs / 1000)} s`;
  const command = commandFor(stack);
  const letters = `\`${command('dead-letters')}\``;
  const portal = `\`${command('portal')}\``;
  if ((head?.revision ?? 0) <= before)
    return `the test event was accepted, but ${waited} the scorer has stored nothing of contact ${id}: look at the log of the scorer function and at ${letters}, then run setup again`;
  if (head?.shown === undefined)
    return `the test event was stored, but ${waited} contact ${id} was not read from HubSpot: look at the log of the write-back function and at ${portal}, then run setup again`;
  return `contact ${id} is scored (${head.shown.score ?? head.shown.status}), but ${waited} HubSpot has not confirmed it: look at the log of the write-back function, ${letters} and ${portal}, then run setup again`;
}

function describeTried({ tried: { id, status, score, grade, seconds } }: Trial): string {
  const said = score === null ? status : `score ${score}, grade ${grade}`;
  return `contact ${id}: ${said}, on the contact in HubSpot after ${seconds} s`;
}

function warningsOf(
  { timeZone, stack }: Installation,
  account: Account,
  info: TokenInfo | undefined,
  trial: Trial | null,
  model: Model,
): string[] {
  return [
    ...(isSameTimeZone(account.timeZone, timeZone)
      ? []
      : [
          `the portal's time zone is ${account.timeZone}, the setting timeZone is ${timeZone}: nights and dates go by the setting; put "timeZone": "${account.timeZone}" into cdk.json (context.afterglow) and deploy`,
        ]),
    ...(info === undefined
      ? [`HubSpot did not tell the scopes of the token: \`${commandFor(stack)('doctor')}\` tries each`]
      : []),
    ...(trial === null || trial.shown.model === model.id
      ? []
      : [
          `the stack scores by the model ${trial.shown.model}, the app was built for ${model.id}: name the deployed one with --model, or deploy`,
        ]),
  ];
}

function leftToDo(
  { stack, portalId }: Installation,
  app: Built,
  trial: Trial | null,
  webhook: Content,
): string[] {
  const isNew = app.files.some(({ did }) => did === 'written');
  return [
    isNew
      ? `Upload the app, which has changed, and install it or accept its scopes: cd ${app.directory} && hs project upload (hubspot-app/README.md)`
      : `If that is not done yet, upload the app and install it: cd ${app.directory} && hs project upload (hubspot-app/README.md)`,
    ...(trial === null
      ? []
      : [`Look at the contact: https://app.hubspot.com/contacts/${portalId}/record/0-1/${trial.tried.id}`]),
    `Change a contact in HubSpot, and see with \`${commandFor(stack)('doctor')}\` that webhooks arrive`,
    ...(['client-secret', 'signals-secret'] as const)
      .filter((which) => isUnderWay(webhook, which))
      .map(
        (which) =>
          `The ${PAIRS[which].name} from before is still valid. When nothing signed with it can come any more: ${finishCommand(which, stack)}`,
      ),
  ];
}

/** What is left to do, for a terminal. */
export function formatLeft({ warnings, left }: SetupReport): string {
  return [
    ...warnings.map((warning) => `Warning: ${warning}`),
    'Left to do:',
    ...left.map((step, at) => `  ${at + 1}. ${step}`),
  ].join('\n');
}
