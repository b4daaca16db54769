import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import type { FunctionPlan } from './assembly.ts';
import { closeNow, listenLocally } from './listen.ts';

/** Longest a function may take to load. Lambda grants 10 s; a laptop with all doors starting at once is slower. */
const INIT_LIMIT_MS = 30_000;
const BASE = '/2018-06-01/runtime';

/** An invocation that did not return: the handler threw, the process died, or time was up. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
  readonly errorType: string;

  constructor(errorType: string, message: string) {
    super(`${errorType}: ${message}`);
    this.errorType = errorType;
  }
}

/** The Lambda Runtime API for one process, on a port of its own. */
export interface RuntimeApi {
  readonly port: number;
  /**
   * Hands the event out as soon as the function asks for one.
   *
   * @param payload - JSON of the event
   * @returns JSON of the handler's answer
   * @throws FunctionError
   */
  invoke(payload: string): Promise<string>;
  /** When the last event was handed out, as `performance.now()` tells it; while none was, when this began. */
  beganMs(): number;
  /** Ends the invocation under way, if any, with an error. */
  fail(errorType: string, message: string): void;
  close(): void;
}

/** How an invocation ended: with an answer, or why without one. */
export type Ended = 'answered' | FunctionError;

interface Invocation {
  readonly requestId: string;
  readonly payload: string;
  readonly ended: Promise<Ended>;
  readonly settle: (outcome: string | FunctionError) => void;
  timer: NodeJS.Timeout;
}

/**
 * @param plan - whose time-out holds for each invocation
 * @param kill - called when time is up, or when the function could not load
 * @param handedOut - told whenever an event was handed out, and how that ends
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntimeApi(
  plan: FunctionPlan,
  kill: () => void,
  handedOut: (ended: Promise<Ended>) => void = () => {},
): Promise<RuntimeApi> {
  let waiting: ServerResponse | undefined; // The function's open request for its next event.
  let current: Invocation | undefined;
  let beganMs = performance.now();
  const giveUp = (errorType: string, message: string): void => {
    current?.settle(new FunctionError(errorType, message));
    kill();
  };
  const handOut = (): void => {
    if (current === undefined || waiting === undefined) return;
    clearTimeout(current.timer);
    const late = `Task timed out after ${plan.timeoutSeconds.toFixed(2)} seconds`;
    current.timer = setTimeout(giveUp, plan.timeoutSeconds * 1000, 'Sandbox.Timedout', late);
    waiting.writeHead(200, eventHeaders(current.requestId, plan));
    waiting.end(current.payload);
    waiting = undefined;
    beganMs = performance.now();
    const { ended } = current;
    handedOut(ended);
  };
  const server = createServer((request, response) => {
    if (request.url === `${BASE}/invocation/next`) {
      waiting = response;
      handOut();
    } else {
      void takeAnswer(request, response, current).then((isDoomed) => isDoomed && kill(), kill);
    }
  });
  return {
    port: await listenLocally(server),
    invoke: (payload) =>
      new Promise((resolve, reject) => {
        const { promise: ended, resolve: end } = Promise.withResolvers<Ended>();
        const settle: Invocation['settle'] = (outcome) => {
          clearTimeout(current?.timer);
          current = undefined;
          end(typeof outcome === 'string' ? 'answered' : outcome);
          if (typeof outcome === 'string') resolve(outcome);
          else reject(outcome);
        };
        const timer = setTimeout(giveUp, INIT_LIMIT_MS, 'Sandbox.Timedout', `${plan.door} did not load`);
        current = { requestId: randomUUID(), payload, ended, settle, timer };
        handOut();
      }),
    beganMs: () => beganMs,
    fail: (errorType, message) => current?.settle(new FunctionError(errorType, message)),
    close: () => closeNow(server),
  };
}

function eventHeaders(requestId: string, plan: FunctionPlan): Record<string, string> {
  return {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': requestId,
    'lambda-runtime-deadline-ms': String(Date.now() + plan.timeoutSeconds * 1000),
    'lambda-runtime-invoked-function-arn': plan.arn,
  };
}

const errorSchema = v.object({
  errorType: v.optional(v.string(), 'Error'),
  errorMessage: v.optional(v.string(), ''),
});

/**
 * Takes what the function posts: a response, an error, or the reason why it could not load.
 *
 * @returns whether the process is of no further use
 */
async function takeAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  invocation: Invocation | undefined,
): Promise<boolean> {
  const body = await text(request);
  const isInitError = request.url === `${BASE}/init/error`;
  response.writeHead(202).end();
  if (request.url === `${BASE}/invocation/${invocation?.requestId}/response`) {
    invocation?.settle(body);
  } else if (isInitError || request.url === `${BASE}/invocation/${invocation?.requestId}/error`) {
    const { errorType, errorMessage } = v.parse(errorSchema, JSON.parse(body));
    invocation?.settle(new FunctionError(errorType, errorMessage));
  }
  return isInitError;
}
