// A company's website with the tag, and the API it posts to: the real ingest behind the local gateway. Everything on 127.0.0.1.
import { EventEmitter } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import { buildSnippet, type SnippetOptions } from '../../cli/snippet.ts';
import type { Envelope } from '../../lambdas/events/envelope.ts';
import { createIngest } from '../../lambdas/ingest.ts';
import { NO_SOURCES } from '../../lambdas/scoring/sources.ts';
import type { LocalFunction } from '../../local/runner/function.ts';
import { type HttpApi, startHttpApi } from '../../local/runner/http-api.ts';
import { closeNow, listenLocally } from '../../local/runner/listen.ts';
import { recorded } from '../recorded.ts';

export const NOW_MS = Date.parse('2026-11-22T09:00:00Z');

export interface Site {
  /** Origin of the company's pages. */
  readonly url: string;
  /** Origin of an assistant whose answers link to them. */
  readonly assistant: string;
  readonly api: string;
  /** Bodies of the messages that came onto the events queue. */
  readonly queued: unknown[];
  readonly counted: Map<string, number>;
  /** Requests that reached the function of the API, as `METHOD /path`. */
  readonly asked: string[];
  /** How many posts the API answered; `answers` tells of each by an event `answer`. */
  answered: number;
  readonly answers: EventEmitter;
  /** What the tag is built with, beside its endpoint. */
  options: Omit<SnippetOptions, 'endpoint'>;
  /** HTML of pages, by path; each begins with the tag. */
  readonly pages: Map<string, string>;
  /** What stands before the tag. */
  before: string;
  /** Headers of every page. */
  headers: (hash: string) => Record<string, string>;
  /** The queue takes nothing while this is set. */
  isDown: boolean;
  stop(): void;
}

export async function startSite(): Promise<Site> {
  const { counted, count } = recorded();
  const queued: unknown[] = [];
  const asked: string[] = [];
  const elsewhere = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    response.setHeader('content-type', 'text/html');
    response.end(`<a href="${searchParams.get('to') ?? ''}">an answer</a>`);
  });
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const snippet = buildSnippet({ ...site.options, endpoint: `${api.url}/sessions` });
    response.setHeader('content-type', 'text/html');
    for (const [name, value] of Object.entries(site.headers(snippet.hash))) response.setHeader(name, value);
    response.end(
      `<!doctype html>${site.before}${snippet.tag}<title>x</title>${site.pages.get(pathname) ?? ''}`,
    );
  });
  const url = `http://127.0.0.1:${await listenLocally(server)}`;
  const assistant = `http://localhost:${await listenLocally(elsewhere)}`;
  const ingest = createIngest({
    clock: () => NOW_MS,
    env: {
      PORTAL_ID: '33',
      PUBLIC_URL: '',
      WORKFLOW_V2: 'false',
      SESSION_ORIGINS: `https://x.example,${url}`,
    },
    sources: NO_SOURCES,
    secret: { read: () => Promise.reject(new Error('no secret is read')), refresh: async () => false },
    send: async ({ body }: Envelope) => {
      if (site.isDown) throw new Error('the queue is away');
      queued.push(JSON.parse(Buffer.from(body, 'base64').toString()));
    },
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    count,
  });
  const api: HttpApi = await startHttpApi(
    0,
    [{ routeKey: 'POST /sessions', functionArn: 'ingest', cors: corsOf(url) }],
    () => NOW_MS,
    () => functionOf(ingest, asked),
    (status) => {
      if (status === 204) return; // A preflight.
      site.answered += 1;
      site.answers.emit('answer');
    },
  );
  const site: Site = {
    url,
    assistant,
    api: api.url,
    queued,
    counted,
    asked,
    answered: 0,
    answers: new EventEmitter(),
    options: { isHubSpotBannerHeard: false, isDoNotTrackHeeded: false },
    pages: new Map(),
    before: '',
    headers: () => ({}),
    isDown: false,
    stop() {
      api.stop();
      closeNow(server);
      closeNow(elsewhere);
    },
  };
  return site;
}

/** What the local gateway hands over; its own tests prove the rest of it. */
const GatewayEvent = v.custom<APIGatewayProxyEventV2>(
  (event) => typeof event === 'object' && event !== null && 'routeKey' in event,
);

/** As `lib/ingest.ts` has it. */
function corsOf(origin: string) {
  return { AllowOrigins: [origin], AllowMethods: ['POST'], AllowHeaders: ['content-type'], MaxAge: 3600 };
}

function functionOf(
  ingest: (event: APIGatewayProxyEventV2) => Promise<object | string>,
  asked: string[],
): LocalFunction {
  return {
    plan: {
      door: 'ingest',
      name: 'ingest',
      arn: 'ingest',
      assetDirectory: '',
      handler: 'index.handler',
      memoryMegabytes: 512,
      timeoutSeconds: 10,
      environment: {},
      logGroup: '',
    },
    variables: {},
    invoke: async (event) => {
      const request = v.parse(GatewayEvent, event);
      asked.push(request.routeKey);
      return ingest(request);
    },
    busy: () => 0,
    pids: async () => [],
    stop: async () => {},
  };
}
