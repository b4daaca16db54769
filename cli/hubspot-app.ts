import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import * as v from 'valibot';
import { subscriptionsOf } from '../lambdas/events/subscriptions.ts';
import { looksAtDeals, type Model, usesCompanies, usesTouches } from '../lambdas/scoring/model.ts';
import { UsageError } from './target.ts';

/** Where the app's files stand. */
export const APP_DIRECTORY = join(import.meta.dirname, '../hubspot-app');
/** The path at which ingest takes HubSpot's webhooks. */
const ROUTE = '/webhooks/hubspot';
/** Stands for an address while nothing is deployed: a name that never resolves (RFC 2606). */
export const PLACEHOLDER_URL = `https://example.invalid${ROUTE}`;

/** The newest version that HubSpot supports (developers.hubspot.com, "Developer platform and API versioning", read 2026-11). */
const PLATFORM_VERSION = '2026.09';
/** Requests that HubSpot has under way at once; its own default, and it takes none of 5 or less (shared with the throttle of the API). */
const CONCURRENT_REQUESTS = 10;
const PROJECT_FILE = 'hsproject.json';
const APP_FILE = 'src/app/app-hsmeta.json';
const WEBHOOKS_FILE = 'src/app/webhooks/webhooks-hsmeta.json';

/** A subscription as HubSpot's project files have it. */
const Subscription = v.object({
  subscriptionType: v.string(),
  propertyName: v.optional(v.string()),
  active: v.boolean(),
});
type Subscription = v.InferOutput<typeof Subscription>;

/** What is read of the app's files; all else is written as it stands below. */
const AppFile = v.object({ config: v.object({ auth: v.object({ requiredScopes: v.array(v.string()) }) }) });
const WebhooksFile = v.object({
  config: v.object({
    settings: v.object({ targetUrl: v.string() }),
    subscriptions: v.object({
      legacyCrmObjects: v.array(Subscription),
      hubEvents: v.array(Subscription),
    }),
  }),
});

/** What an app asks for. */
export interface HubSpotApp {
  /** Where HubSpot posts. */
  readonly targetUrl: string;
  readonly scopes: readonly string[];
  /** As `subscriptionsOf` names them, such as `contact.propertyChange:jobtitle`. */
  readonly subscriptions: readonly string[];
}

/**
 * What the app must be allowed: reading contacts and writing their scores; companies and deals as far as the model looks at them, or
 * writes to them; and making the properties that Afterglow writes.
 */
export function scopesOf(model: Model): string[] {
  return [
    'crm.objects.contacts.read',
    'crm.objects.contacts.write',
    'crm.schemas.contacts.read',
    'crm.schemas.contacts.write',
    ...(usesCompanies(model) ? ['crm.objects.companies.read'] : []),
    ...(model.companyScore === undefined
      ? []
      : ['crm.objects.companies.write', 'crm.schemas.companies.read', 'crm.schemas.companies.write']),
    ...(looksAtDeals(model) ? ['crm.objects.deals.read'] : []),
    ...(usesTouches(model)
      ? ['crm.objects.deals.write', 'crm.schemas.deals.read', 'crm.schemas.deals.write']
      : []),
  ];
}

/**
 * The app that a model needs. A model that was checked reads no property that HubSpot lets nobody subscribe to, none of ours, and too
 * few for HubSpot's limit of 1,000 subscriptions.
 */
export function hubSpotApp(model: Model, targetUrl: string): HubSpotApp {
  return { targetUrl, scopes: scopesOf(model), subscriptions: subscriptionsOf(model) };
}

/**
 * The address that HubSpot is to post to.
 *
 * @param url - as given: with the path of the webhooks or without
 * @throws UsageError when HubSpot could not post there
 */
export function targetUrlOf(url: string): string {
  const refused = (why: string) =>
    new UsageError(`--url: found "${url}", ${why}; expected an address like ${PLACEHOLDER_URL}`);
  const given = url.trim().replace(/\/+$/, '');
  if (!/^[a-z]+:\/\//i.test(given) || !URL.canParse(given)) throw refused('which is no address');
  const { protocol, hostname, username, password } = new URL(given);
  const isHere = /^(127\.0\.0\.1|(.*\.)?localhost)$/.test(hostname); // An emulator of AWS, which only a simulated HubSpot calls.
  if (protocol !== 'https:' && !(protocol === 'http:' && isHere))
    throw refused('but HubSpot calls HTTPS only');
  const isPlain = username === '' && password === '' && !/[?#\\\s]/.test(given);
  if (!isPlain) throw refused('with more than scheme, host and path');
  // As it was typed, capitals included: ingest checks the signature by the very text of the setting publicUrl.
  return given.endsWith(ROUTE) ? given : `${given}${ROUTE}`;
}

/** The files of an app: path below its directory -> text. The same app is always the same text. */
export function appFiles(app: HubSpotApp): ReadonlyMap<string, string> {
  return new Map([
    [PROJECT_FILE, asText({ name: 'afterglow', srcDir: 'src', platformVersion: PLATFORM_VERSION })],
    [APP_FILE, asText(appConfiguration(app))],
    [WEBHOOKS_FILE, asText(webhooksConfiguration(app))],
  ]);
}

function asText(content: object): string {
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/** A static token: the app is installed in one account, and the token does not expire. */
function appConfiguration({ scopes }: HubSpotApp): object {
  return {
    uid: 'afterglow',
    type: 'app',
    config: {
      name: 'Afterglow',
      description: 'Lead scoring with half-lives, run in the AWS account of the company itself.',
      distribution: 'private',
      auth: { type: 'static', requiredScopes: scopes, optionalScopes: [], conditionallyRequiredScopes: [] },
      permittedUrls: { fetch: [], iframe: [], img: [] },
    },
  };
}

/**
 * All subscriptions in their classic form, `contact.*`, although the generic one, `object.*`, is the newer: HubSpot's generic
 * association changes of contacts would also tell of every e-mail, call, note and task, a flood of which nothing is scored; its
 * generic merges and restores nobody has recorded; and it calls them a beta. The scorer understands both, so this is the one
 * place to change. Both at once would deliver every event twice. A privacy deletion has no generic form.
 */
function webhooksConfiguration({ targetUrl, subscriptions }: HubSpotApp): object {
  const all = subscriptions.map((name): Subscription => {
    const [subscriptionType = '', propertyName] = name.split(':');
    return { subscriptionType, ...(propertyName !== undefined && { propertyName }), active: true };
  });
  return {
    uid: 'afterglow-webhooks',
    type: 'webhooks',
    config: {
      settings: { targetUrl, maxConcurrentRequests: CONCURRENT_REQUESTS },
      subscriptions: {
        crmObjects: [],
        legacyCrmObjects: all.filter((one) => !isHubEvent(one)),
        hubEvents: all.filter(isHubEvent),
      },
    },
  };
}

function isHubEvent({ subscriptionType }: Subscription): boolean {
  return subscriptionType === 'contact.privacyDeletion';
}

/**
 * The app as it stands in a directory.
 *
 * @returns undefined where none was built, or its files were changed beyond recognition
 */
export function readBuiltApp(directory: string): HubSpotApp | undefined {
  const app = readFile(join(directory, APP_FILE), AppFile);
  const webhooks = readFile(join(directory, WEBHOOKS_FILE), WebhooksFile);
  if (app === undefined || webhooks === undefined) return undefined;
  const { settings, subscriptions } = webhooks.config;
  const active = [...subscriptions.legacyCrmObjects, ...subscriptions.hubEvents].filter((one) => one.active);
  return {
    targetUrl: settings.targetUrl,
    scopes: app.config.auth.requiredScopes,
    subscriptions: active.map(({ subscriptionType, propertyName }) =>
      propertyName === undefined ? subscriptionType : `${subscriptionType}:${propertyName}`,
    ),
  };
}

function readFile<T>(file: string, schema: v.GenericSchema<unknown, T>): T | undefined {
  if (!existsSync(file)) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), readFileSync(file, 'utf8'));
  return parsed.success ? parsed.output : undefined;
}

/** What a build did, or with `--check` would have done. */
export interface Built extends HubSpotApp {
  readonly directory: string;
  readonly files: readonly { readonly file: string; readonly did: 'written' | 'already' | 'differs' }[];
  /** What the app that stood there asked for otherwise, one line each. */
  readonly changes: readonly string[];
}

export interface BuildOptions {
  /** Where HubSpot posts; undefined = where the app that stands there says, and nowhere if there is none. */
  readonly url: string | undefined;
  readonly directory: string;
  /** Write nothing. */
  readonly isCheck: boolean;
}

/**
 * Writes the files of the app that a model needs. Doing it again changes nothing.
 *
 * @throws UsageError when HubSpot could not post to the address
 */
export function buildHubSpotApp(model: Model, { url, directory, isCheck }: BuildOptions): Built {
  const before = readBuiltApp(directory);
  // An app that is in use goes on posting where it did: uploaded with another address it would be deaf.
  const app = hubSpotApp(
    model,
    url === undefined ? (before?.targetUrl ?? PLACEHOLDER_URL) : targetUrlOf(url),
  );
  const files = [...appFiles(app)].map(([name, text]) => {
    const file = join(directory, name);
    if (existsSync(file) && readFileSync(file, 'utf8') === text)
      return { file: name, did: 'already' } as const;
    if (isCheck) return { file: name, did: 'differs' } as const;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return { file: name, did: 'written' } as const;
  });
  return { ...app, directory, files, changes: before === undefined ? [] : changesBetween(before, app) };
}

function changesBetween(before: HubSpotApp, after: HubSpotApp): string[] {
  const moved =
    before.targetUrl === after.targetUrl ? [] : [`posts to ${after.targetUrl}, not ${before.targetUrl}`];
  return [
    ...moved,
    ...differences('scope', before.scopes, after.scopes),
    ...differences('subscription', before.subscriptions, after.subscriptions),
  ];
}

function differences(what: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((name) => !before.includes(name)).map((name) => `+ ${what} ${name}`),
    ...before.filter((name) => !after.includes(name)).map((name) => `- ${what} ${name}`),
  ];
}

/** A build for a terminal. */
export function formatBuilt({ directory, files, changes, targetUrl, scopes, subscriptions }: Built): string {
  const where = relative(process.cwd(), directory) || '.';
  const isUnreachable = targetUrl === PLACEHOLDER_URL;
  return [
    ...files.map(({ file, did }) => `${join(where, file)}: ${did}`),
    ...changes,
    `${scopes.length} scopes, ${subscriptions.length} subscriptions, to ${targetUrl}`,
    ...(isUnreachable
      ? [
          'HubSpot cannot post there: build it with --stack when the stack is deployed, before it is uploaded.',
        ]
      : []),
  ].join('\n');
}
