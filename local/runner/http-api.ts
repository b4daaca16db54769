import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as v from 'valibot';
import type { RoutePlan } from './assembly.ts';
import { allowOrigin, answerPreflight, isPreflight } from './cors.ts';
import type { LocalFunction } from './function.ts';
import { closeNow, listenLocally } from './listen.ts';
import { LOCAL_ACCOUNT } from './template.ts';
import { createThrottle } from './throttle.ts';

/** Largest request API Gateway passes on (HTTP API quotas). */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
/** Bodies of other types reach the function as base64. */
const TEXT_TYPES = /^(text\/|application\/(json|xml|javascript)|application\/[\w.-]+\+(json|xml))/i;

type Route = Pick<RoutePlan, 'routeKey' | 'functionArn'> & Partial<Pick<RoutePlan, 'cors' | 'throttle'>>;

/** API Gateway's HTTP API with payload format 2.0, on 127.0.0.1. */
export interface HttpApi {
  readonly url: string;
  /** Requests being answered. */
  busy(): number;
  stop(): void;
}

/**
 * @param port - 0 = any free one
 * @param clock - epoch milliseconds; the time of receipt that requests are stamped with
 * @param target - finds the function of a route's ARN; asked at each request, and while it finds none the answer is 404
 * @param answered - told the status of every answer
 * @throws Error when the port is taken
 */
export async function startHttpApi(
  port: number,
  routes: readonly Route[],
  clock: () => number,
  target: (functionArn: string) => LocalFunction | undefined,
  answered: (status: number) => void = () => {},
): Promise<HttpApi> {
  const matching = routes.map(toMatcher);
  const find = (method: string, path: string): Found | undefined => {
    const found = matching
      .flatMap((match) => match(method, path) ?? [])
      .toSorted((a, b) => b.precision - a.precision)[0];
    const to = found && target(found.functionArn);
    return found && to && { ...found, target: to };
  };
  let busy = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    busy += 1;
    try {
      await handle(request, response, find, { host, nowMs: clock() });
    } catch {
      // The function's own failure has been told; the caller learns as much as from API Gateway.
      reply(response, 500, 'Internal Server Error');
    } finally {
      answered(response.statusCode);
      busy -= 1;
    }
  };
  const server = createServer((request, response) => void serve(request, response));
  const host = `127.0.0.1:${await listenLocally(server, port)}`;
  return {
    url: `http://${host}`,
    busy: () => busy,
    stop: () => closeNow(server),
  };
}

/** A route that a request takes. */
interface Match extends Route {
  readonly pathParameters: Readonly<Record<string, string>>;
  /** Of several routes API Gateway takes the most precise: by path, then with parameters, then any method, then the default. */
  readonly precision: number;
  /** Whether the route's throttle lets one more request pass. */
  readonly takes: () => boolean;
}

type Found = Match & { readonly target: LocalFunction };

/**
 * @throws Error for a route of a kind that the local run does not know
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
function toMatcher(route: Route): (method: string, path: string) => Match | undefined {
  const { routeKey, throttle } = route;
  const takes = throttle === undefined ? () => true : createThrottle(throttle);
  if (routeKey === '$default') return () => ({ ...route, takes, pathParameters: {}, precision: 0 });
  if (routeKey.includes('+}')) throw new Error(`The local run knows no greedy path parameters: ${routeKey}`);
  const [wanted = '', pattern = ''] = routeKey.split(' ');
  const parts = pattern.split('/');
  const isFixed = !pattern.includes('{');
  const precision = (isFixed ? 2 : 1) * 2 + (wanted === 'ANY' ? 0 : 1);
  return (method, path) => {
    const found = path.split('/');
    if ((wanted !== 'ANY' && wanted !== method) || found.length !== parts.length) return undefined;
    const pathParameters: Record<string, string> = {};
    for (const [at, part] of parts.entries()) {
      const given = found[at] ?? '';
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      if (name === undefined ? part !== given : given === '') return undefined;
      if (name !== undefined) pathParameters[name] = decoded(given);
    }
    return { ...route, takes, pathParameters, precision };
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What the API itself adds to a request. */
interface Stamp {
  readonly host: string;
  /** Time of receipt, epoch milliseconds. */
  readonly nowMs: number;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  find: (method: string, path: string) => Found | undefined,
  stamp: Stamp,
): Promise<void> {
  const [rawPath = '/'] = (request.url ?? '/').split('?');
  const asked = isPreflight(request)
    ? find(request.headers['access-control-request-method'] ?? '', rawPath)
    : undefined;
  if (asked?.cors !== undefined) {
    answerPreflight(request, response, asked.cors);
    return;
  }
  const match = find(request.method ?? 'GET', rawPath);
  if (match?.cors !== undefined) allowOrigin(request, response, match.cors);
  if (match === undefined || !match.takes()) {
    request.resume();
    if (match === undefined) reply(response, 404, 'Not Found');
    else reply(response, 429, 'Too Many Requests');
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    response.setHeader('connection', 'close');
    reply(response, 413, 'Request Entity Too Large');
    return;
  }
  write(response, await match.target.invoke(eventOf(request, body, match, stamp)));
}

/** @returns undefined when the body is above the limit; the rest is then left unread */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BODY_LIMIT_BYTES) return undefined;
  }
  return Buffer.concat(chunks);
}

/**
 * The event a function receives for a request.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
function eventOf(
  request: IncomingMessage,
  body: Buffer,
  { routeKey, pathParameters }: Match,
  { host, nowMs }: Stamp,
) {
  const [rawPath = '/', ...query] = (request.url ?? '/').split('?');
  const rawQueryString = query.join('?');
  const { headers, cookies } = joinHeaders(request.rawHeaders);
  const contentType = headers['content-type'];
  const isText = (contentType === undefined || TEXT_TYPES.test(contentType)) && isUtf8(body);

  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString,
    ...(cookies.length > 0 && { cookies }),
    headers: {
      ...headers,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-port': host.split(':')[1] ?? '',
      'x-forwarded-proto': 'http',
    },
    ...(rawQueryString !== '' && { queryStringParameters: joinQuery(rawQueryString) }),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    requestContext: {
      accountId: LOCAL_ACCOUNT,
      apiId: 'local',
      domainName: host,
      domainPrefix: 'local',
      http: {
        method: request.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: commonLogTime(nowMs),
      timeEpoch: nowMs,
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/** Names in lower case, doubled headers joined by comma, cookies apart. */
function joinHeaders(rawHeaders: readonly string[]): { headers: Record<string, string>; cookies: string[] } {
  const headers = new Map<string, string>();
  const cookies: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    const value = rawHeaders[index + 1] ?? '';
    const before = headers.get(name);
    if (name === 'cookie') cookies.push(...value.split('; '));
    else headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return { headers: Object.fromEntries(headers), cookies };
}

function joinQuery(rawQueryString: string): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
}

/** `12/Mar/2020:19:03:58 +0000` */
function commonLogTime(epochMs: number): string {
  const [, day, month, year, time] = new Date(epochMs).toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}

const responseSchema = v.object({
  statusCode: v.pipe(v.unknown(), v.transform(Number), v.integer(), v.minValue(100), v.maxValue(599)),
  headers: v.nullish(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
  cookies: v.nullish(v.array(v.string())),
  body: v.nullish(v.string()),
  isBase64Encoded: v.nullish(v.boolean()),
});

/** Writes what the function answered; an answer without `statusCode` is the body itself, as API Gateway infers. */
function write(response: ServerResponse, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('statusCode' in answer)) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    return;
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = v.parse(responseSchema, answer);
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, String(value));
  if (cookies) response.setHeader('set-cookie', cookies);
  if (body && !response.hasHeader('content-type'))
    response.setHeader('content-type', 'text/plain;charset=UTF-8');
  response.writeHead(statusCode).end(Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'));
}

function reply(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}
