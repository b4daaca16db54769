// The judge itself: without HubSpot's files it must be trusted by what it finds in a small one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApiDirectory, openApiJudge, validateExchange } from './openapi.ts';

const document = {
  paths: {
    '/crm/objects/2026-03/contacts/{contactId}': {
      patch: {
        parameters: [{ name: 'idProperty', in: 'query', schema: { type: 'string' } }],
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Input' } } },
        },
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Output' } } } },
          default: { $ref: '#/components/responses/Error' },
        },
      },
    },
  },
  components: {
    schemas: {
      Input: {
        type: 'object',
        required: ['properties'],
        properties: {
          properties: { type: 'object', additionalProperties: { type: 'string', example: null } },
        },
      },
      Output: {
        type: 'object',
        required: ['id', 'createdAt'],
        properties: {
          id: { type: 'string' },
          createdAt: { type: 'string', format: 'date-time' },
          properties: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
      Error: {
        type: 'object',
        required: ['category', 'correlationId', 'message'],
        properties: {
          category: { type: 'string' },
          correlationId: { type: 'string', format: 'uuid' },
          message: { type: 'string' },
        },
      },
    },
    responses: { Error: { content: { '*/*': { schema: { $ref: '#/components/schemas/Error' } } } } },
  },
};

const good = {
  method: 'PATCH',
  path: '/crm/objects/2026-03/contacts/1',
  query: '?idProperty=email',
  requestBody: { properties: { a: 'b' } },
  status: 200,
  responseBody: { id: '1', createdAt: '2026-11-10T12:00:00Z', properties: { a: 'b', c: null } },
};
const correlationId = '11111111-2222-3333-4444-555555555555';

describe('the judge', () => {
  const folder = mkdtempSync(join(tmpdir(), 'openapi-'));
  writeFileSync(join(folder, 'contacts-2026-03.json'), JSON.stringify(document));
  const judge = openApiJudge(folder);
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['an exchange as described', good],
    ['the type id in the path', { ...good, path: '/crm/objects/2026-03/0-1/1' }],
    [
      'an error without a category, as recorded',
      { ...good, status: 404, responseBody: { message: 'm', correlationId } },
    ],
    [
      'a bad request that was refused',
      { ...good, requestBody: {}, status: 400, responseBody: { category: 'c', message: 'm', correlationId } },
    ],
    ['a page of a gateway', { ...good, status: 502, responseBody: '<html>' }],
  ])('has nothing against %s', (_name, exchange) => {
    expect(judge.validateExchange(exchange)).toEqual([]);
  });

  test.each([
    ['a path that is not described', { ...good, path: '/crm/objects/2026-03/contacts' }, 'no operation'],
    ['a number among the texts', { ...good, requestBody: { properties: { a: 1 } } }, 'request/properties/a'],
    ['a field that HubSpot does not know', { ...good, requestBody: { properties: {}, extra: 1 } }, 'extra'],
    ['a missing body', { ...good, requestBody: undefined }, 'no body'],
    ['a query that is not described', { ...good, query: 'hapikey=1' }, 'hapikey'],
    ['an answer without its id', { ...good, responseBody: { createdAt: '2026-11-10T12:00:00Z' } }, "'id'"],
    ['a time that is none', { ...good, responseBody: { id: '1', createdAt: 'noon' } }, 'date-time'],
    ['a status that is not described', { ...good, status: 201 }, 'status 201'],
    ['an error without a message', { ...good, status: 400, responseBody: { correlationId } }, "'message'"],
  ])('finds %s', (_name, exchange, problem) => {
    expect(judge.validateExchange(exchange).join()).toContain(problem);
  });
});

test('without a folder nothing is judged, with one everything', () => {
  const problems = validateExchange({ ...good, path: '/nowhere' });

  expect(problems).toHaveLength(openApiDirectory() === undefined ? 0 : 1);
});
