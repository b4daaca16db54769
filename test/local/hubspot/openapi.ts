// Judges exchanges with HubSpot's API by HubSpot's own OpenAPI files, where a folder with them is at hand.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';

/** One call and its answer. `path` without the query; bodies parsed, undefined when empty. */
export interface RecordedExchange {
  readonly method: string;
  readonly path: string;
  /** With or without its leading `?`. */
  readonly query?: string;
  readonly requestBody?: unknown;
  readonly status: number;
  readonly responseBody?: unknown;
}

type Json = { readonly [key: string]: unknown };

interface Operation {
  readonly method: string;
  readonly segments: readonly string[];
  readonly queryNames: ReadonlySet<string>;
  readonly request: ValidateFunction | undefined;
  readonly requestRequired: boolean;
  readonly responses: ReadonlyMap<string, ValidateFunction | undefined>;
}

export interface OpenApiJudge {
  /** Problems of request and answer; `no operation` when no file describes the call. Error answers excuse the request. */
  validateExchange(exchange: RecordedExchange): string[];
}

/** The folder with HubSpot's files: `HUBSPOT_OPENAPI_DIR`, or one beside the repository; undefined without either. */
export function openApiDirectory(): string | undefined {
  const beside = fileURLToPath(new URL('../../../../shared/hubspot-openapi', import.meta.url));
  return [process.env.HUBSPOT_OPENAPI_DIR, beside].find(
    (folder) => folder !== undefined && folder !== '' && existsSync(folder),
  );
}

let shared: OpenApiJudge | undefined;

/** Judges by the files found; without a folder nothing is a problem. */
export function validateExchange(exchange: RecordedExchange): string[] {
  const folder = openApiDirectory();
  if (folder === undefined) return [];
  shared ??= openApiJudge(folder);
  return shared.validateExchange(exchange);
}

/** Files of other families and versions describe calls that neither the simulator nor its users make. */
const FILES = /^(contacts|companies|deals|properties|associations|account-info)-(2026-03|v3)\.json$/;

export function openApiJudge(folder: string): OpenApiJudge {
  const files = readdirSync(folder).filter((name) => FILES.test(name));
  const operations = files.flatMap((name) => operationsOf(parse(join(folder, name)), name));
  return {
    validateExchange(exchange) {
      const segments = normalised(exchange.path).split('/');
      const candidates = operations.filter(
        (operation) => operation.method === exchange.method && matches(operation.segments, segments),
      );
      const best = candidates.toSorted((one, other) => literals(other) - literals(one))[0];
      return best === undefined
        ? [`no operation for ${exchange.method} ${exchange.path}`]
        : problemsOf(best, exchange);
    },
  };
}

/** HubSpot's files name contacts and companies, but deals by id; of v3 there is only the file of contacts. */
function normalised(path: string): string {
  return path
    .replace(/\/(2026-03|v3\/objects)\/0-1(?=\/|$)/, '/$1/contacts')
    .replace(/\/(2026-03|v3\/objects)\/0-2(?=\/|$)/, '/$1/companies')
    .replace(/^\/crm\/v3\/objects\/(?!contacts)/, '/crm/objects/2026-03/')
    .replace(/\/objects\/2026-03\/deals?(?=\/|$)/, '/objects/2026-03/0-3');
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => part.startsWith('{') || part === segments[index])
  );
}

function literals(operation: Operation): number {
  return operation.segments.filter((segment) => !segment.startsWith('{')).length;
}

function problemsOf(operation: Operation, exchange: RecordedExchange): string[] {
  const { method, path, status } = exchange;
  const problems: string[] = [];
  const wrong = (where: string, validate: ValidateFunction | undefined, body: unknown) => {
    if (validate === undefined || validate(body)) return;
    for (const { instancePath, message, params } of validate.errors ?? []) {
      problems.push(
        `${where}${instancePath}: ${message} ${JSON.stringify(params)} (${method} ${path} ${status})`,
      );
    }
  };
  const good = status >= 200 && status < 300;
  if (good && exchange.requestBody === undefined && operation.requestRequired)
    problems.push('the request has no body');
  if (good && exchange.requestBody !== undefined) wrong('request', operation.request, exchange.requestBody);
  if (good) problems.push(...unknownQuery(operation, exchange));
  const exact = operation.responses.get(String(status));
  if (good && !operation.responses.has(String(status)))
    problems.push(`status ${status} is not described (${method} ${path})`);
  if (status === 204) return problems;
  // A closed connection, a limit and a gateway have no answer of this API; HTML and empty errors are theirs.
  if (good) wrong('response', exact, exchange.responseBody);
  else if (typeof exchange.responseBody === 'object')
    wrong('error', operation.responses.get('default'), exchange.responseBody);
  return problems;
}

function unknownQuery(operation: Operation, { query = '', method, path }: RecordedExchange): string[] {
  return [...new URLSearchParams(query).keys()]
    .filter((name) => !operation.queryNames.has(name))
    .map((name) => `query parameter ${name} is not described (${method} ${path})`);
}

function operationsOf(document: Json, fileName: string): Operation[] {
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addFormat(
    'date-time',
    (text: string) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
  );
  ajv.addFormat('uuid', /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i);
  ajv.addFormat('int32', {
    type: 'number',
    validate: (value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31,
  });
  ajv.addFormat('int64', { type: 'number', validate: (value) => Number.isInteger(value) });
  ajv.addSchema({ $id: fileName, components: asJsonSchema(document.components) });
  const compile = (schema: unknown) => ajv.compile(json(withReferencesTo(fileName, asJsonSchema(schema))));
  const operations: Operation[] = [];
  for (const [path, methods] of Object.entries(json(document.paths))) {
    for (const [method, described] of Object.entries(json(methods))) {
      if (!['get', 'post', 'put', 'patch', 'delete'].includes(method)) continue;
      operations.push(operationOf(path, method, json(described), document, compile));
    }
  }
  return operations;
}

function operationOf(
  path: string,
  method: string,
  described: Json,
  document: Json,
  compile: (schema: unknown) => ValidateFunction,
): Operation {
  const request = schemaIn(json(described.requestBody));
  const responses = new Map<string, ValidateFunction | undefined>();
  for (const [status, answer] of Object.entries(json(described.responses))) {
    const answered = json(answer);
    const isShared = typeof answered.$ref === 'string';
    const schema = schemaIn(isShared ? json(json(json(document.components).responses).Error) : answered);
    responses.set(status, schema === undefined ? undefined : compile(schema));
  }
  const parameters = Array.isArray(described.parameters) ? described.parameters.map(json) : [];
  const inQuery = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => String(name));
  return {
    method: method.toUpperCase(),
    segments: path.split('/'),
    queryNames: new Set(inQuery),
    request: request === undefined ? undefined : compile(request),
    requestRequired: json(described.requestBody).required === true,
    responses,
  };
}

function schemaIn(holder: Json): unknown {
  const [content] = Object.values(json(holder.content));
  return content === undefined ? undefined : json(content).schema;
}

/**
 * OpenAPI 3.0 as JSON Schema, with corrections where HubSpot is known to differ from its files: values of `properties` may be null on
 * reads, error bodies may lack a category (404, 429), and the order of a search is given as objects, as its guide has it.
 */
function asJsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(asJsonSchema);
  if (typeof node !== 'object' || node === null) return node;
  const converted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'example' && key !== 'pattern') converted[key] = asJsonSchema(value);
  }
  const properties = json(converted.properties);
  if (converted.type === 'object' && converted.properties !== undefined) {
    const isError = 'correlationId' in properties;
    if (isError) converted.required = ['correlationId', 'message'];
    else converted.additionalProperties ??= false;
    if ('createdAt' in properties && 'properties' in properties) {
      converted.properties = {
        ...properties,
        properties: { type: 'object', additionalProperties: { type: ['string', 'null'] } },
      };
    }
  }
  if ('filterGroups' in properties && 'sorts' in properties) {
    const sorts = { type: 'array', items: { type: 'object', required: ['propertyName', 'direction'] } };
    converted.properties = { ...properties, sorts };
  }
  if (converted.nullable === true && typeof converted.type === 'string')
    converted.type = [converted.type, 'null'];
  delete converted.nullable;
  return converted;
}

function withReferencesTo(fileName: string, node: unknown): unknown {
  if (Array.isArray(node)) return node.map((each) => withReferencesTo(fileName, each));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) =>
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? [key, `${fileName}${value}`]
        : [key, withReferencesTo(fileName, value)],
    ),
  );
}

function json(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function parse(file: string): Json {
  return json(JSON.parse(readFileSync(file, 'utf8')));
}
