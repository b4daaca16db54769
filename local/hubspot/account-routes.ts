// What a token can ask about itself and its portal.
import * as v from 'valibot';
import { invalidJson, notFound, type Reply } from './errors.ts';
import type { ApiCall, Route } from './routes.ts';
import { zoneOffsetMs } from './timestamps.ts';

/** In which amounts are where a deal names no currency; a deal can only name one that the portal uses. */
const COMPANY_CURRENCY = 'EUR';

const TokenSchema = v.object({ tokenKey: v.string() });

export const accountRoutes: readonly Route[] = [
  { method: 'GET', path: '/account-info/2026-03/details', handle: details },
  { method: 'GET', path: '/account-info/v3/details', handle: details },
  { method: 'POST', path: '/oauth/v2/private-apps/get/access-token-info', handle: tokenInfo },
];

function details({ portal, state }: ApiCall): Reply {
  const offsetMs = zoneOffsetMs(portal.timeZone, state.clock());
  const minutes = Math.abs(offsetMs) / 60_000;
  return {
    status: 200,
    body: {
      portalId: portal.portalId,
      accountType: 'STANDARD',
      timeZone: portal.timeZone,
      companyCurrency: COMPANY_CURRENCY,
      additionalCurrencies: currencies(state).filter((currency) => currency !== COMPANY_CURRENCY),
      utcOffset: `${offsetMs < 0 ? '-' : '+'}${twoDigits(minutes / 60)}:${twoDigits(minutes % 60)}`,
      utcOffsetMilliseconds: offsetMs,
      uiDomain: 'app-eu1.hubspot.com',
      dataHostingLocation: 'eu1',
    },
  };
}

function currencies({ catalog }: ApiCall['state']): string[] {
  return (catalog.deals.byName.get('deal_currency_code')?.options ?? []).map(({ value }) => value);
}

/** Tells of the token in the body. Nobody has recorded what a token unknown to HubSpot is answered with. */
function tokenInfo({ body, portal, apps }: ApiCall): Reply {
  const asked = v.safeParse(TokenSchema, body);
  if (!asked.success) return invalidJson(v.summarize(asked.issues));
  const appId = apps.get(asked.output.tokenKey);
  if (appId === undefined) return notFound();
  const { portalId, scopes } = portal;
  return { status: 200, body: { userId: 882761034, hubId: portalId, appId, scopes } };
}

function twoDigits(value: number): string {
  return String(Math.trunc(value)).padStart(2, '0');
}
