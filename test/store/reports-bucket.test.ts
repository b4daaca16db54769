import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { buildApp } from 'fauxqs';
import { reportsBucket } from '../../lambdas/store/reports-bucket.ts';
import { closeNow, listenLocally } from '../../local/runner/listen.ts';

const REPORT = { key: 'reports/2026-10.html', body: '<p>1.200 € · Août</p>', contentType: 'text/html' };
const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token of the function',
};

const before = { ...process.env };
const stops: (() => unknown)[] = [];

beforeAll(() => {
  Object.assign(process.env, CREDENTIALS);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(() => {
  process.env = before;
});

/** What S3 is asked, and what it answers, one after the other. */
async function answering(...answers: readonly { status: number; body?: string }[]) {
  const asked: { request: IncomingMessage; body: string }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const { status, body: said = '' } = answers[asked.length] ?? { status: 500 };
    asked.push({ request, body });
    response.writeHead(status).end(said);
  };
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  const url = `http://127.0.0.1:${await listenLocally(server)}`;
  stops.push(() => closeNow(server));
  return { url, asked };
}

const at = (url: string) =>
  reportsBucket('the-reports', { AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL_S3: url });

test('a report lies in the bucket as it was put there, and the next one takes its place', async () => {
  const app = buildApp({ logger: false });
  stops.push(() => app.close());
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  await fetch(`${url}/the-reports`, { method: 'PUT' });

  await at(url).put({ ...REPORT, body: 'a first try' });
  await at(url).put(REPORT);

  const found = await fetch(`${url}/the-reports/reports/2026-10.html`);
  expect(await found.text()).toBe(REPORT.body);
  expect(found.headers.get('content-type')).toBe('text/html; charset=utf-8');
});

test('the function signs with its own credentials, for the region, and for what it puts', async () => {
  const { url, asked } = await answering({ status: 200 });

  await at(url).put(REPORT);

  const [{ request, body } = { request: undefined, body: '' }] = asked;
  expect(request?.method).toBe('PUT');
  expect(request?.headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, /,
  );
  expect(request?.headers['x-amz-security-token']).toBe('token of the function');
  expect(request?.headers['x-amz-content-sha256']).toBe(createHash('sha256').update(body).digest('hex'));
});

test('what S3 cannot take now is tried again at once', async () => {
  const { url, asked } = await answering({ status: 503 }, { status: 500 }, { status: 200 });

  await at(url).put(REPORT);

  expect(asked.map(({ body }) => body)).toEqual([REPORT.body, REPORT.body, REPORT.body]);
});

const REFUSED =
  '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';

test.each([
  {
    answers: [{ status: 403, body: REFUSED }],
    name: 'MisconfiguredError',
    says: '403 AccessDenied',
    tries: 1,
  },
  { answers: [{ status: 404 }], name: 'MisconfiguredError', says: '404', tries: 1 },
  { answers: [], name: 'RetryableError', says: '500', tries: 4 },
])('what S3 does not take ($says) is told for what to do next', async ({ answers, name, says, tries }) => {
  const { url, asked } = await answering(...answers);

  const trying = at(url).put(REPORT);

  await expect(trying).rejects.toMatchObject({ name, message: expect.stringContaining(says) });
  expect(asked).toHaveLength(tries);
});

test('an S3 that does not answer is asked again by the queue', async () => {
  const { url } = await answering();
  for (const stop of stops.splice(0)) await stop();

  await expect(at(url).put(REPORT)).rejects.toMatchObject({ name: 'RetryableError' });
});

test('without an address of a stand-in, the bucket is at that of AWS', async () => {
  const asked: string[] = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (request) => {
    asked.push(request instanceof Request ? request.url : String(request));
    return new Response();
  };
  stops.push(() => (globalThis.fetch = real));

  await reportsBucket('the-reports', { AWS_REGION: 'eu-central-1' }).put(REPORT);

  expect(asked).toEqual(['https://the-reports.s3.eu-central-1.amazonaws.com/reports/2026-10.html']);
});
