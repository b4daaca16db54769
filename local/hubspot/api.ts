// One API call from its headers to its answer: token, limits, faults, route.
import { accountRoutes } from './account-routes.ts';
import { assetRoutes } from './asset-routes.ts';
import { associationRoutes } from './association-routes.ts';
import { batchRoutes } from './batch.ts';
import { errorReply, invalidJson, notFound, type Reply, withIds } from './errors.ts';
import { type Fault, type FaultableCall, faultyReply } from './faults.ts';
import {
  answerOf,
  bearerToken,
  isTooLarge,
  type PortalAnswer,
  type PortalRequest,
  parseJson,
} from './http.ts';
import type { Landings, Sleep } from './landings.ts';
import type { Limiter } from './limiter.ts';
import { objectRoutes } from './object-routes.ts';
import { objectTypeOf } from './object-types.ts';
import { ownerRoutes } from './owner-routes.ts';
import { pipelineRoutes } from './pipeline-routes.ts';
import { propertyRoutes } from './property-routes.ts';
import type { Random } from './random.ts';
import type { CrmState } from './records.ts';
import { createRouteTable, type MatchedRoute, type PortalFacts } from './routes.ts';
import { isSearch, searchRoutes } from './search-routes.ts';

/** Longest path with query that is taken. */
const MAX_URI_LENGTH = 8192;

/** A call as it was answered; status 0 when the connection was closed without an answer. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  /** The portal's clock at arrival, epoch milliseconds. */
  readonly atMs: number;
  readonly requestBody: unknown;
  readonly responseBody: unknown;
}

export interface Api {
  readonly state: CrmState;
  readonly portal: PortalFacts;
  readonly random: Random;
  /** Ids of calls and of errors. */
  readonly newId: () => string;
  readonly limiter: Limiter;
  /** Token -> id of the app it belongs to. */
  readonly apps: ReadonlyMap<string, number>;
  readonly latencyMs: readonly [number, number];
  readonly faults: ((call: FaultableCall) => Fault | undefined) | undefined;
  /** What every wait of the simulator's is made with. */
  readonly sleep: Sleep;
  readonly landings: Landings;
  onExchange(exchange: Exchange): void;
  admitted: number;
}

const table = createRouteTable([
  ...batchRoutes,
  ...objectRoutes,
  ...searchRoutes,
  ...associationRoutes,
  ...propertyRoutes,
  ...accountRoutes,
  ...ownerRoutes,
  ...pipelineRoutes,
  ...assetRoutes,
]);

/** Answers one request of HubSpot's API; undefined when the connection is closed without an answer. */
export async function answerApi(api: Api, request: PortalRequest): Promise<PortalAnswer | undefined> {
  const { method } = request;
  const url = new URL(request.url, 'http://127.0.0.1');
  const atMs = api.state.clock();
  const text = isTooLarge(request.body ?? '') ? undefined : (request.body ?? '');
  const parsed = parseJson(text ?? '');
  const requestBody = parsed.valid ? parsed.value : text;
  const { pathname: path, search: query } = url;
  const note = (status: number, responseBody: unknown) =>
    api.onExchange({ method, path, query, status, atMs, requestBody, responseBody });
  const answer = (reply: Reply, headers?: Record<string, string>) => {
    const whole = withIds(reply, api.newId);
    note(whole.status, whole.body);
    return answerOf(whole, api.newId, headers);
  };

  const token = bearerToken(request.headers);
  const appId = token === undefined ? undefined : api.apps.get(token);
  if (token === undefined || appId === undefined) return answer(unauthenticated(token));
  if (path.length + query.length > MAX_URI_LENGTH) return answer(errorReply(414, 'URI too long'));
  if (text === undefined) return answer(errorReply(413, 'Request body too large'));
  const { refusal, headers } = api.limiter.admit(token, isSearch(method, path));
  if (refusal !== undefined) return answer(refusal, headers);
  api.admitted++;
  const fault = api.faults?.({ number: api.admitted, method, path, body: requestBody });
  const execute = (body: unknown) =>
    parsed.valid ? route(api, method, url, body, appId) : invalidJson(parsed.why);
  const latencyMs = api.latencyMs[1] <= 0 ? 0 : api.random.between(api.latencyMs[0], api.latencyMs[1]);
  if (latencyMs > 0) await api.sleep(latencyMs / 2, 'answer');

  if (fault?.kind === 'no-answer' || fault?.kind === 'silent') {
    api.landings.land(fault.lands, () => void execute(requestBody));
    if (fault.kind === 'silent') await api.sleep(fault.afterMs, 'answer');
    note(0, undefined);
    return undefined;
  }
  const isLate = fault?.kind === 'delay';
  if (isLate && fault.isDoneLate === true) await api.sleep(fault.delayMs, 'answer');
  const reply =
    fault === undefined || isLate
      ? execute(requestBody)
      : faultyReply(fault, { body: requestBody, nowMs: api.state.clock(), execute, newId: api.newId });
  const waitMs = latencyMs / 2 + (isLate && fault.isDoneLate !== true ? fault.delayMs : 0);
  if (waitMs > 0) await api.sleep(waitMs, 'answer');
  return answer(reply, isOfGateway(reply) ? {} : headers);
}

/** A gateway in front of HubSpot knows nothing of limits. */
function isOfGateway({ body }: Reply): boolean {
  return typeof body === 'string';
}

function unauthenticated(token: string | undefined): Reply {
  const message =
    token === undefined
      ? 'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview'
      : 'Authentication credentials not valid. The access token is unknown.';
  return errorReply(401, message, { category: 'INVALID_AUTHENTICATION' });
}

function route(api: Api, method: string, url: URL, body: unknown, appId: number): Reply {
  const matched = table.match(method, url.pathname);
  if (matched === 'no-path') return notFound();
  if (matched === 'no-method') return errorReply(405, 'Method Not Allowed');
  const missing = missingScope(api.portal, matched);
  if (missing !== undefined) {
    return errorReply(403, "This app hasn't been granted all required scopes to make this call.", {
      category: 'MISSING_SCOPES',
      context: { requiredGranularScopes: [missing] },
    });
  }
  try {
    return matched.route.handle({
      state: api.state,
      portal: api.portal,
      apps: api.apps,
      random: api.random,
      newId: api.newId,
      path: url.pathname,
      params: matched.params,
      query: url.searchParams,
      body,
      source: { changeSource: 'INTEGRATION', sourceId: String(appId) },
    });
  } catch (error) {
    return errorReply(500, `simulator fault: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

function missingScope(
  { scopes }: PortalFacts,
  { route: { scope }, params }: MatchedRoute,
): string | undefined {
  const asked = typeof scope === 'string' ? [scope] : (scope ?? []);
  const needed = asked.map((each) =>
    each
      .replace('{type}', objectTypeOf(params.type ?? '') ?? '')
      .replace('{toType}', objectTypeOf(params.toType ?? '') ?? ''),
  );
  return needed.find((each) => !scopes.includes(each));
}
