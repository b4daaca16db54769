// How webhooks leave this process: over sockets that are kept open. Redirects are not followed.
import http from 'node:http';
import https from 'node:https';
import type { Post } from './webhooks.ts';

export interface HttpPost {
  readonly post: Post;
  /** Closes what is open. */
  stop(): void;
}

export function createHttpPost(): HttpPost {
  const plain = new http.Agent({ keepAlive: true });
  const secure = new https.Agent({ keepAlive: true });
  return {
    post: (url, headers, body, signal) =>
      new Promise((resolve) => {
        const options = {
          method: 'POST',
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
          signal,
        };
        const answered = (response: http.IncomingMessage) => {
          response.on('error', () => resolve(0));
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.resume();
        };
        const request = url.startsWith('https:')
          ? https.request(url, { ...options, agent: secure }, answered)
          : http.request(url, { ...options, agent: plain }, answered);
        request.on('error', () => resolve(0));
        request.end(body);
      }),
    stop() {
      plain.destroy();
      secure.destroy();
    },
  };
}
