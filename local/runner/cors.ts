import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';

/** Which pages of other origins may call an HTTP API: `CorsConfiguration` of its resource. */
export const Cors = v.strictObject({
  AllowOrigins: v.array(v.string()),
  AllowMethods: v.array(v.string()),
  AllowHeaders: v.optional(v.array(v.string()), []),
  /** Seconds. */
  MaxAge: v.optional(v.number()),
});
export type Cors = v.InferOutput<typeof Cors>;

/**
 * Answers a browser's question whether a page may call the API, as API Gateway does without asking the function.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
 */
export function answerPreflight(request: IncomingMessage, response: ServerResponse, cors: Cors): void {
  request.resume();
  if (allowOrigin(request, response, cors)) {
    response.setHeader('access-control-allow-methods', cors.AllowMethods.join(','));
    response.setHeader('access-control-allow-headers', cors.AllowHeaders.join(','));
    if (cors.MaxAge !== undefined) response.setHeader('access-control-max-age', cors.MaxAge);
  }
  response.writeHead(204).end();
}

/** Whether a request is such a question. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/** Lets the page that asks read the answer, where it may. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse, cors: Cors): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !cors.AllowOrigins.includes(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  return true;
}
