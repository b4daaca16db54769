import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readAssembly } from '../../../local/runner/assembly.ts';
import type { LocalFunction } from '../../../local/runner/function.ts';
import { type HttpApi, startHttpApi } from '../../../local/runner/http-api.ts';
import { writeAssembly } from './assembly-fixture.ts';

const running: HttpApi[] = [];

afterEach(() => {
  for (const api of running.splice(0)) api.stop();
});

/** An API with these routes to one function, which answers what it was given. */
async function start(...routeKeys: string[]): Promise<(method: string, path: string) => Promise<unknown>> {
  const url = await startWith(routeKeys.map((routeKey) => ({ routeKey, functionArn: 'arn' })));
  return async (method, given) => (await fetch(`${url}${given}`, { method })).json();
}

async function startWith(routes: Parameters<typeof startHttpApi>[1]): Promise<string> {
  const echo: LocalFunction = {
    plan: {
      door: 'echo',
      name: 'echo',
      arn: 'arn',
      assetDirectory: '',
      handler: 'index.handler',
      memoryMegabytes: 128,
      timeoutSeconds: 1,
      environment: {},
      logGroup: '',
    },
    variables: {},
    invoke: async (event) => event,
    busy: () => 0,
    pids: async () => [],
    stop: async () => {},
  };
  const api = await startHttpApi(
    0,
    routes,
    () => 0,
    () => echo,
  );
  running.push(api);
  return api.url;
}

/** The assembly of the other tests, with one of its routes guarded. */
async function assemblyWith(AuthorizationType: string): Promise<string> {
  const { directory } = await writeAssembly();
  const file = path.join(directory, 'Test.template.json');
  const template = JSON.parse(await readFile(file, 'utf8'));
  template.Resources.Webhook.Properties.AuthorizationType = AuthorizationType;
  await writeFile(file, JSON.stringify(template));
  return directory;
}

test('hands a function the parameters of the path, decoded', async () => {
  const ask = await start('GET /contacts/{id}/score');

  expect(await ask('GET', '/contacts/7/score?days=3')).toMatchObject({
    routeKey: 'GET /contacts/{id}/score',
    rawPath: '/contacts/7/score',
    pathParameters: { id: '7' },
    queryStringParameters: { days: '3' },
  });
  expect(await ask('GET', '/contacts/a%20b/score')).toMatchObject({ pathParameters: { id: 'a b' } });
  expect(await ask('GET', '/contacts/%ff/score')).toMatchObject({ pathParameters: { id: '%ff' } });
});

test.each([
  ['GET', '/contacts//score'],
  ['GET', '/contacts/7'],
  ['GET', '/contacts/7/score/'],
  ['GET', '/contacts/7/8/score'],
  ['POST', '/contacts/7/score'],
])('%s %s is no such route', async (method, given) => {
  const ask = await start('GET /contacts/{id}/score');

  expect(await ask(method, given)).toEqual({ message: 'Not Found' });
});

test.each([
  { given: '/contacts/all/score', routeKey: 'GET /contacts/all/score' },
  { given: '/contacts/7/score', routeKey: 'GET /contacts/{id}/score' },
  { given: '/contacts/7/other', routeKey: 'ANY /contacts/{id}/{what}' },
  { given: '/elsewhere', routeKey: '$default' },
])('of several routes $given takes $routeKey, the most precise', async ({ given, routeKey }) => {
  const ask = await start(
    '$default',
    'ANY /contacts/{id}/{what}',
    'GET /contacts/{id}/score',
    'GET /contacts/all/score',
  );

  expect(await ask('GET', given)).toMatchObject({ routeKey });
});

test('refuses greedy parameters, which it does not know', async () => {
  await expect(start('GET /{proxy+}')).rejects.toThrow('no greedy path parameters: GET /{proxy+}');
});

describe('a route that the template guards', () => {
  test('by IAM is open here, on 127.0.0.1', async () => {
    const directory = await assemblyWith('AWS_IAM');

    const { routes } = readAssembly(directory, 'http://127.0.0.1:1');

    expect(routes.map(({ routeKey }) => routeKey)).toContain('POST /webhooks/hubspot');
    await rm(directory, { recursive: true });
  });

  test('in another way is refused: what it lets through on AWS is not known here', async () => {
    const directory = await assemblyWith('JWT');

    expect(() => readAssembly(directory, 'http://127.0.0.1:1')).toThrow(
      'the local run knows routes without authorization, and AWS_IAM',
    );
    await rm(directory, { recursive: true });
  });
});

const SESSIONS = {
  routeKey: 'POST /sessions',
  functionArn: 'arn',
  cors: {
    AllowOrigins: ['https://www.example.com'],
    AllowMethods: ['POST'],
    AllowHeaders: ['content-type'],
    MaxAge: 3600,
  },
};
const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));
/** What a browser asks before it posts what no form could. */
const ask = (url: string, origin: string) =>
  fetch(`${url}/sessions`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  });

describe('a page of another origin', () => {
  test('that is named may post, and read the answer', async () => {
    const url = await startWith([SESSIONS]);

    const asked = await ask(url, 'https://www.example.com');
    const posted = await fetch(`${url}/sessions`, {
      method: 'POST',
      headers: { origin: 'https://www.example.com' },
    });

    expect(asked.status).toBe(204);
    expect(corsOf(asked)).toEqual({
      'access-control-allow-origin': 'https://www.example.com',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type',
      'access-control-max-age': '3600',
    });
    expect(corsOf(posted)).toEqual({ 'access-control-allow-origin': 'https://www.example.com' });
  });

  test('that is not named is told nothing by which a browser would let it', async () => {
    const url = await startWith([SESSIONS]);

    const asked = await ask(url, 'https://evil.example');
    const posted = await fetch(`${url}/sessions`, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
    });

    expect({ status: asked.status, cors: corsOf(asked) }).toEqual({ status: 204, cors: {} });
    expect(corsOf(posted)).toEqual({});
  });

  test('finds no route where the API lets none in', async () => {
    const url = await startWith([{ routeKey: 'POST /sessions', functionArn: 'arn' }]);

    expect((await ask(url, 'https://www.example.com')).status).toBe(404);
  });
});

test('a route with a throttle takes its burst, refuses the rest, and leaves the others alone', async () => {
  const url = await startWith([
    {
      routeKey: 'POST /sessions',
      functionArn: 'arn',
      throttle: { ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 2 },
    },
    { routeKey: 'POST /signals', functionArn: 'arn' },
  ]);
  const post = async (given: string) => (await fetch(url + given, { method: 'POST' })).status;

  expect([await post('/sessions'), await post('/sessions'), await post('/sessions')]).toEqual([
    200, 200, 429,
  ]);
  expect(await post('/signals')).toBe(200);
});

test('reads who may call and how often from the template', async () => {
  const { directory } = await writeAssembly();
  const file = path.join(directory, 'Test.template.json');
  const template = JSON.parse(await readFile(file, 'utf8'));
  const cors = { AllowOrigins: ['https://www.example.com'], AllowMethods: ['POST'], AllowHeaders: [] };
  const throttle = { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 };
  template.Resources.Other = { Type: 'AWS::ApiGatewayV2::Api', Properties: {} };
  template.Resources.Web = { Type: 'AWS::ApiGatewayV2::Api', Properties: { CorsConfiguration: cors } };
  template.Resources.Stage = {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: { ApiId: { Ref: 'Web' }, RouteSettings: { 'POST /webhooks/hubspot': throttle } },
  };
  template.Resources.Webhook.Properties.ApiId = { Ref: 'Web' };
  await writeFile(file, JSON.stringify(template));

  const { routes } = readAssembly(directory, 'http://127.0.0.1:1');

  expect(routes).toContainEqual(
    expect.objectContaining({ routeKey: 'POST /webhooks/hubspot', cors, throttle }),
  );
  await rm(directory, { recursive: true });
});
