import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
  request as send,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';
import { type CapacityUnits, indexWritesOf, isBilledInUnits, unitsOf } from './consumed-capacity.ts';
import { closeNow, listenLocally } from './listen.ts';
import { LOCAL_ACCOUNT } from './template.ts';

/** One call of a function to AWS, as IAM sees it and as AWS bills it. */
export interface AwsCall {
  /** Whose credentials signed it: `scorer`. */
  readonly door: string;
  /** As IAM names it: `dynamodb:PutItem`; what the recorder cannot name is `<service>:unknown`. */
  readonly action: string;
  /** ARN, as in the assembly's template; of an index where an index is queried. */
  readonly resource: string;
  readonly status: number;
  /** Of the body, as the function sent it. */
  readonly requestBytes: number;
  /** Of the body, as the function received it; of DynamoDB with the consumed capacity that the recorder asked for. */
  readonly responseBytes: number;
  /** DynamoDB: capacity units, table and indexes apart. */
  readonly units?: CapacityUnits;
  /** DynamoDB: of the units written to indexes, those of each by its name. */
  readonly indexWrites?: Readonly<Record<string, number>>;
  /** SQS: messages of the request. */
  readonly entries?: number;
}

export interface RecorderSetting {
  /** Whose access key id it is; calls of anybody else pass and are not written down. */
  readonly doorOf: (accessKeyId: string) => string | undefined;
  /**
   * Account id, for ARNs.
   *
   * @default that of the local run
   */
  readonly account?: string;
}

/** Reverse proxies before AWS endpoints, which write down what passes. */
export interface Recorder {
  /** Every call that was answered, in that order. */
  readonly calls: readonly AwsCall[];
  /**
   * Puts a proxy before an endpoint.
   *
   * @param upstream - base URL without a path
   * @returns base URL of the proxy, on 127.0.0.1
   */
  before(upstream: string): Promise<string>;
  stop(): void;
}

/** Starts without any proxy. */
export function createRecorder({ doorOf, account = LOCAL_ACCOUNT }: RecorderSetting): Recorder {
  const calls: AwsCall[] = [];
  const servers: Server[] = [];
  return {
    calls,
    async before(upstream) {
      const server = createServer((request, response) => {
        relay(request, response, { upstream, account, doorOf, record: (call) => calls.push(call) }).catch(
          () => response.destroy(), // As the endpoint would seem that does not answer: the caller's client tries again.
        );
      });
      server.keepAliveTimeout = 0; // Who calls keeps its connection: closing it would race with the next request.
      servers.push(server);
      return `http://127.0.0.1:${await listenLocally(server)}`;
    },
    stop() {
      for (const server of servers) closeNow(server);
    },
  };
}

interface Relaying extends Required<RecorderSetting> {
  readonly upstream: string;
  readonly record: (call: AwsCall) => void;
}

/** Reads the request whole, passes it on, passes the answer back as it comes, and writes both down when the answer is complete. */
async function relay(
  request: IncomingMessage,
  response: ServerResponse,
  { upstream, account, doorOf, record }: Relaying,
): Promise<void> {
  const body = await buffer(request);
  const { accessKeyId, region, service } = signer(request.headers.authorization);
  const door = doorOf(accessKeyId);
  const asked =
    service === 's3'
      ? readS3Request(request)
      : readRequest(String(request.headers['x-amz-target'] ?? ''), body, { account, region, service });
  const passed = door === undefined ? body : withCapacity(asked, body);
  const answer = await pass(request, passed, upstream);
  response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.on('error', () => response.destroy());
  answer.on('end', () => {
    if (door === undefined) return;
    const answered = Buffer.concat(chunks);
    const status = answer.statusCode ?? 502;
    const units = unitsOf(asked.action, status, answered.toString());
    const indexWrites = indexWritesOf(asked.action, status, answered.toString());
    record({
      door,
      action: asked.action,
      resource: asked.resource,
      status,
      requestBytes: body.length,
      responseBytes: answered.length,
      ...(units !== undefined && { units }),
      ...(indexWrites !== undefined && { indexWrites }),
      ...(asked.entries !== undefined && { entries: asked.entries }),
    });
  });
  answer.pipe(response);
}

/** Concern one connection, and the two of a proxy are not the same (RFC 9110, 7.6.1). */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding'];

function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}

function pass(request: IncomingMessage, body: Buffer, upstream: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(upstream);
  const headers = { ...endToEnd(request.headers), 'content-length': String(body.length) };
  return new Promise((resolve, reject) => {
    // A connection for each call: one that is kept open may be closed by the endpoint just as it is used again.
    send({ hostname, port, method: request.method, path: request.url, headers, agent: false }, resolve)
      .on('error', reject)
      .end(body);
  });
}

const NOBODY = { accessKeyId: '', region: '', service: '' };

/** Who signed, and for what: `AWS4-HMAC-SHA256 Credential=<key>/<day>/<region>/<service>/aws4_request, …`. */
function signer(authorization = ''): typeof NOBODY {
  const [, accessKeyId = '', region = '', service = ''] =
    /Credential=([^/,]+)\/[^/,]+\/([^/,]+)\/([^/,]+)\/aws4_request/.exec(authorization) ?? [];
  return { accessKeyId, region, service };
}

/** A request, as far as it is written down. */
interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly input: Record<string, unknown>;
  readonly entries?: number;
}

interface Place {
  readonly account: string;
  readonly region: string;
  readonly service: string;
}

const text = v.string();
const INPUTS = {
  table: v.looseObject({ TableName: text, IndexName: v.optional(text) }),
  tables: v.looseObject({ RequestItems: v.record(text, v.unknown()) }),
  queue: v.looseObject({ QueueUrl: text, Entries: v.optional(v.array(v.unknown())) }),
  secret: v.looseObject({ SecretId: text }),
};

/** What is asked of whom; `unknown` where the protocol is not JSON, or the input names none of the resources known here. */
function readRequest(target: string, body: Buffer, { account, region, service }: Place): Asked {
  const operation = target.split('.').at(-1) ?? '';
  const input = parseObject(body.toString());
  const arn = (rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  const asked = { action: `${service}:${operation.replace(/Batch$/, '')}`, input };
  if (service === 'dynamodb' && v.is(INPUTS.table, input)) {
    const { TableName, IndexName } = input;
    const table = TableName.startsWith('arn:') ? TableName : arn(`table/${TableName}`);
    return { ...asked, resource: IndexName === undefined ? table : `${table}/index/${IndexName}` };
  }
  if (service === 'dynamodb' && v.is(INPUTS.tables, input)) {
    const [table, ...others] = Object.keys(input.RequestItems);
    if (table !== undefined && others.length === 0) return { ...asked, resource: arn(`table/${table}`) };
  }
  if (service === 'sqs' && v.is(INPUTS.queue, input)) {
    const { QueueUrl, Entries } = input;
    const name = QueueUrl.split('/').at(-1) ?? '';
    const isMessage = operation === 'SendMessage' || operation === 'DeleteMessage';
    const entries = Entries?.length ?? (isMessage ? 1 : undefined);
    return { ...asked, resource: arn(name), ...(entries !== undefined && { entries }) };
  }
  if (service === 'secretsmanager' && v.is(INPUTS.secret, input)) {
    return { ...asked, resource: input.SecretId };
  }
  return { ...asked, action: `${service}:unknown`, resource: '*' };
}

/** S3's protocol has no name of what is asked: method and path are it, and of these one is known here. */
function readS3Request({ method, url = '/' }: IncomingMessage): Asked {
  const { pathname, search } = new URL(url, 'http://127.0.0.1');
  const isObject = /^\/[^/]+\/./.test(pathname);
  return method === 'PUT' && isObject && search === ''
    ? {
        action: 's3:PutObject',
        resource: `arn:aws:s3::${decodeURIComponent(pathname).replace('/', ':')}`,
        input: {},
      }
    : { action: 's3:unknown', resource: '*', input: {} };
}

/** DynamoDB tells what a call costs only if it is asked to. */
function withCapacity({ action, input }: Asked, body: Buffer): Buffer {
  const isMissing = isBilledInUnits(action) && input['ReturnConsumedCapacity'] === undefined;
  return isMissing ? Buffer.from(JSON.stringify({ ...input, ReturnConsumedCapacity: 'INDEXES' })) : body;
}

/** @returns an empty object where `json` is none */
function parseObject(json: string): Record<string, unknown> {
  try {
    const parsed = v.safeParse(v.record(text, v.unknown()), JSON.parse(json));
    return parsed.success ? parsed.output : {};
  } catch {
    return {};
  }
}
