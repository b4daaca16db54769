import * as v from 'valibot';
import { type Account, readAccount } from '../../lambdas/hubspot/account.ts';
import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import { PortalStoppedError } from '../../lambdas/hubspot/budget.ts';
import { type Definitions, readDefinitions, unwritable } from '../../lambdas/hubspot/definitions.ts';
import { detailsAt } from '../../lambdas/hubspot/details.ts';
import type { OutputProperty } from '../../lambdas/hubspot/output-property.ts';
import { type OutputProperties, provisionedProperties } from '../../lambdas/hubspot/outputs.ts';
import { readTokenInfo, type TokenInfo } from '../../lambdas/hubspot/token-info.ts';
import type { Send } from '../../lambdas/hubspot/transport.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { scopesOf } from '../hubspot-app.ts';
import { tierOf } from '../portal.ts';
import { type Target, UsageError } from '../target.ts';
import { isSameTimeZone } from '../time-zone.ts';
import {
  type Outcome,
  ok,
  outcomeOf,
  reasonOf,
  someOf,
  unknown,
  type Verdict,
  warning,
  wrong,
} from './verdict.ts';

/** What HubSpot told, each of it or why not; only ever asked to read. */
export interface Told {
  readonly token: Outcome<string>;
  readonly account: Outcome<Account>;
  readonly tokenInfo: Outcome<TokenInfo>;
  /** Scopes whose reading was refused; tried only where HubSpot does not tell what the token may do. */
  readonly refusedScopes: readonly string[];
  readonly contacts: Outcome<Definitions>;
  /** Undefined where the model writes to no company. */
  readonly companies: Outcome<Definitions> | undefined;
  /** Undefined where the model writes to no deal. */
  readonly deals: Outcome<Definitions> | undefined;
  /** The limits that the headers of its answers say. */
  readonly limits: { readonly per10Seconds?: number; readonly perDay?: number };
  /** HubSpot's clock less this machine's, in milliseconds; undefined when it did not answer. */
  readonly skewMs: number | undefined;
}

/** Asks HubSpot all that there is to be asked, one after the other: what comes later goes by what came before. */
export async function askHubSpot(
  { hubspotUrl, send: sendPlainly, readToken }: Pick<Target, 'hubspotUrl' | 'send' | 'readToken'>,
  model: Model,
): Promise<Told> {
  const watched = watch(sendPlainly);
  const { send } = watched;
  const wanted = provisionedProperties(model);
  const token = await outcomeOf(readToken);
  const account = await outcomeOf(() => readAccount(hubspotUrl, send));
  const tokenInfo: Outcome<TokenInfo> =
    'error' in token ? token : await outcomeOf(() => readTokenInfo(hubspotUrl, send, token.value));
  const definitions = (type: keyof OutputProperties) =>
    outcomeOf(() =>
      readDefinitions(
        hubspotUrl,
        send,
        type,
        wanted[type].map(({ name }) => name),
      ),
    );
  const isTokenTold = 'value' in tokenInfo || 'error' in account;
  return {
    token,
    account,
    tokenInfo,
    refusedScopes: isTokenTold ? [] : await tryScopes(hubspotUrl, send, scopesOf(model)),
    contacts: await definitions('contacts'),
    companies: wanted.companies.length > 0 ? await definitions('companies') : undefined,
    deals: wanted.deals.length > 0 ? await definitions('deals') : undefined,
    ...watched.seen(),
  };
}

/** Notes what the headers of answers say beside what is asked. The last word counts. */
function watch(send: Send): { send: Send; seen: () => Pick<Told, 'limits' | 'skewMs'> } {
  let limits: Told['limits'] = {};
  let skewMs: number | undefined;
  return {
    async send(request) {
      const sentAtMs = Date.now();
      const answer = await send(request);
      const { date, 'x-hubspot-ratelimit-max': max, 'x-hubspot-ratelimit-daily': daily } = answer.headers;
      skewMs = skewOf(date, sentAtMs, Date.now()) ?? skewMs;
      limits = {
        ...limits,
        ...(Number(max) > 0 && { per10Seconds: Number(max) }),
        ...(Number(daily) > 0 && { perDay: Number(daily) }),
      };
      return answer;
    },
    seen: () => ({ limits, skewMs }),
  };
}

/**
 * Another machine's clock less this one's, to about a second: a `Date` header has whole seconds, so half of one is added.
 *
 * @returns undefined where there is no such header
 */
export function skewOf(date: string | undefined, sentAtMs: number, receivedAtMs: number): number | undefined {
  const atMs = Date.parse(date ?? '');
  return Number.isNaN(atMs) ? undefined : atMs + 500 - (sentAtMs + receivedAtMs) / 2;
}

/** Reads one record, or the properties, of each kind: what a scope for reading is for. @returns the scopes that are refused */
async function tryScopes(apiUrl: string, send: Send, scopes: readonly string[]): Promise<string[]> {
  const refused: string[] = [];
  for (const scope of scopes) {
    const [, part, type, action] = scope.split('.');
    if (action !== 'read') continue;
    const path = part === 'schemas' ? `properties/${type}` : `objects/${type}?limit=1`;
    const tried = await outcomeOf(() => detailsAt(`${apiUrl}/crm/v3/${path}`, v.unknown(), send));
    if ('error' in tried && tried.error instanceof HubSpotError && tried.error.status === 403)
      refused.push(scope);
  }
  return refused;
}

/**
 * A secret that could not be read: nobody filled it in, or we may not see it.
 *
 * @param setup - the command that fills it in
 */
export function unread(error: unknown, setup: string): Verdict {
  return error instanceof UsageError
    ? wrong(reasonOf(error), `run \`${setup}\``)
    : unknown(`the secret cannot be read: ${reasonOf(error)}`);
}

/** @param commands - that fill in the token, and replace it */
export function checkToken(
  { token, account, tokenInfo }: Told,
  { setup, rotate }: { readonly setup: string; readonly rotate: string },
): Verdict {
  if ('error' in token) return unread(token.error, setup);
  if ('value' in account) {
    const app = 'value' in tokenInfo ? tokenInfo.value.appId : undefined;
    return ok(`HubSpot takes it${app === undefined ? '' : `, as that of the app ${app}`}`);
  }
  const { error } = account;
  const isRefused =
    (error instanceof HubSpotError && error.trouble === 'unauthorised') ||
    (error instanceof PortalStoppedError && error.reason === 'unauthorised');
  return isRefused
    ? wrong(
        `HubSpot refuses it: ${reasonOf(error)}`,
        `copy the access token that the app shows in HubSpot now, and give it to \`${rotate}\``,
      )
    : unknown(reasonOf(error));
}

/** How a setting is changed so that it stays: what is given to one deployment alone is gone with the next. */
function setting(name: string, value: string | number): string {
  return `set ${name} to ${value} in cdk.json (context.afterglow), and deploy`;
}

export function checkPortal({ account, tokenInfo }: Told, portalId: string): Verdict {
  const ids = [
    ...('value' in account ? [account.value.portalId] : []),
    ...('value' in tokenInfo ? [tokenInfo.value.hubId] : []),
  ];
  const [first] = ids;
  if (first === undefined) return unknown('error' in account ? reasonOf(account.error) : 'not told');
  const other = ids.find((id) => String(id) !== portalId);
  return other === undefined
    ? ok(`${portalId}${'value' in account ? `, ${account.value.accountType}` : ''}`)
    : wrong(
        `the token is of portal ${other}, the setting portalId is ${portalId}`,
        `take the token of the app in portal ${portalId}, or ${setting('portalId', other)}`,
      );
}

/** @param build - the command that writes the app's files */
export function checkScopes(told: Told, model: Model, build: string): Verdict {
  const { tokenInfo, refusedScopes } = told;
  const needed = scopesOf(model);
  const todo = `run \`${build}\`, upload the app, and approve its scopes in HubSpot`;
  if ('value' in tokenInfo) {
    const missing = needed.filter((scope) => !tokenInfo.value.scopes.includes(scope));
    return missing.length === 0
      ? ok(`all ${needed.length} that the model needs`)
      : wrong(`missing: ${missing.join(', ')}`, todo);
  }
  if (refusedScopes.length > 0) return wrong(`refused: ${refusedScopes.join(', ')}`, todo);
  const why = `HubSpot does not tell what the token may do (${reasonOf(tokenInfo.error)})`;
  return 'error' in told.account
    ? unknown(why)
    : unknown(`${why}; reading is allowed, whether writing is cannot be tried without doing it`);
}

export function checkTimeZone({ account }: Told, timeZone: string): Verdict {
  if ('error' in account) return unknown(reasonOf(account.error));
  const own = account.value.timeZone;
  return isSameTimeZone(own, timeZone)
    ? ok(own)
    : warning(
        `the portal has ${own}, the setting timeZone is ${timeZone}: nights and the dates in reasons are not the portal's`,
        setting('timeZone', own),
      );
}

export function checkLimits({ limits, account }: Told, budget: Target['budget']): Verdict {
  const { per10Seconds, perDay } = limits;
  if (per10Seconds === undefined)
    return unknown('error' in account ? reasonOf(account.error) : "HubSpot's answers do not tell them");
  const tier = tierOf(per10Seconds, perDay);
  const found = `${per10Seconds} calls in 10 s, ${perDay ?? 'unknown'} a day${tier === undefined ? '' : ` (${tier})`}`;
  if (budget.reserve >= per10Seconds)
    return wrong(
      `${found}; the setting hubspotReservePer10Seconds is ${budget.reserve}: hardly any call is left for Afterglow`,
      setting('hubspotReservePer10Seconds', Math.floor(per10Seconds / 10)),
    );
  if (budget.limit !== per10Seconds)
    return warning(
      `${found}; the setting hubspotLimitPer10Seconds is ${budget.limit}, and counts until HubSpot has told`,
      setting('hubspotLimitPer10Seconds', per10Seconds),
    );
  return perDay !== undefined && budget.dailyLimit > perDay
    ? warning(
        `${found}; the setting hubspotDailyLimit is ${budget.dailyLimit}, and counts until HubSpot has told`,
        setting('hubspotDailyLimit', perDay),
      )
    : ok(found);
}

/** @param provision - the command that makes what is missing */
export function checkProperties(told: Told, model: Model, provision: string): Verdict {
  const wanted = provisionedProperties(model);
  const types = ['contacts', 'companies', 'deals'] as const;
  const failed = types.map((type) => told[type]).find((one) => one !== undefined && 'error' in one);
  if (failed !== undefined && 'error' in failed) return unknown(reasonOf(failed.error));
  const bad = types.flatMap((type) => {
    const definitions = told[type];
    return definitions !== undefined && 'value' in definitions ? badOf(definitions.value, wanted[type]) : [];
  });
  const count = types.reduce((sum, type) => sum + wanted[type].length, 0);
  if (bad.length === 0) return ok(`all ${count} can be written`);
  const inTheWay = bad.filter(({ isMissing }) => !isMissing).map(({ name }) => name);
  const missing = bad.filter(({ why }) => why === MISSING).map(({ name }) => name);
  const others = bad.filter(({ why }) => why !== MISSING).map(({ name, why }) => `${name} ${why}`);
  return wrong(
    [...(missing.length > 0 ? [`missing: ${someOf(missing)}`] : []), ...others].join('; '),
    inTheWay.length === 0
      ? `run \`${provision}\``
      : `rename or archive ${someOf(inTheWay)} in HubSpot, or make it writable, then run \`${provision}\``,
  );
}

const MISSING = 'is missing';

/** Properties that cannot be written, and whether provisioning is all that it takes. */
function badOf(
  definitions: Definitions,
  wanted: readonly OutputProperty[],
): { name: string; why: string; isMissing: boolean }[] {
  return unwritable(definitions, wanted).map((name) => {
    const definition = definitions[name];
    const type = wanted.find((property) => property.name === name)?.type;
    if (definition === null || definition === undefined) return { name, why: MISSING, isMissing: true };
    if (definition.type !== type)
      return { name, why: `is of the type ${definition.type}, not ${type}`, isMissing: false };
    if (definition.isReadOnly) return { name, why: 'is read-only', isMissing: false };
    return { name, why: 'lacks choices that the model has', isMissing: true };
  });
}
