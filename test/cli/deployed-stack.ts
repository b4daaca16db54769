// A deployed stack as the commands see it: CloudFormation's outputs, Secrets Manager, the gateway's webhook routes, and the table.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { signV3 } from '../../local/hubspot/sign.ts';
import { closeNow, listenLocally } from '../../local/runner/listen.ts';
import { createTable, startDynalite, type Table } from '../store/table.ts';

export const WEBHOOK_SECRET = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:Webhook';
export const TOKEN_SECRET = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:Token';

/** Commands sent to Secrets Manager, such as `PutSecretValue`, with their secret. */
interface SecretCall {
  readonly action: string;
  readonly secretId: string;
}

/** A request that a route of the gateway got. */
export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether its HubSpot signature is by the client secret that is stored, or the one before. */
  readonly isSigned: boolean;
}

export interface DeployedStack {
  /** What points the AWS SDK to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly url: string;
  readonly table: Table;
  readonly outputs: Map<string, string>;
  /** ARN -> text. */
  readonly secrets: Map<string, string>;
  readonly secretCalls: SecretCall[];
  /** Secrets that may be read and not written. */
  readonly locked: Set<string>;
  readonly deliveries: Delivery[];
  /** What ingest answers; default 202 if signed, 401 if not. */
  answer: (delivery: Delivery) => number;
  /** What comes of a delivery that was taken; default nothing. */
  onTaken: (delivery: Delivery) => Promise<void>;
  /** The object that a secret holds. */
  secret(arn: string): Record<string, string>;
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** @param hubspotUrl - of the simulated HubSpot */
export async function startDeployedStack(hubspotUrl: string): Promise<DeployedStack> {
  const engine = await startDynalite();
  const table = await createTable(engine);
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const path = request.url ?? '/';
      const reply = path === '/' ? answerAws(stack, request.headers, body) : undefined;
      if (reply !== undefined) {
        response.writeHead(reply.status, { 'content-type': reply.type }).end(reply.body);
        return;
      }
      const delivery = {
        path,
        headers: request.headers,
        body,
        isSigned: isSigned(stack, request.headers, path, body),
      };
      stack.deliveries.push(delivery);
      const status = stack.answer(delivery);
      const taken = status === 202 ? stack.onTaken(delivery) : Promise.resolve();
      void taken.then(() => response.writeHead(status).end('{}'));
    });
  });
  const url = `http://127.0.0.1:${await listenLocally(server)}`;
  const stack: DeployedStack = {
    url,
    table,
    environment: {
      AWS_ENDPOINT_URL: url,
      AWS_ENDPOINT_URL_DYNAMODB: engine.url,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      AWS_MAX_ATTEMPTS: '1',
    },
    outputs: new Map(),
    secrets: new Map(),
    secretCalls: [],
    locked: new Set(),
    deliveries: [],
    answer: () => 202,
    onTaken: async () => undefined,
    secret: (arn) => JSON.parse(stack.secrets.get(arn) ?? ''),
    async reset() {
      const outputs = {
        PortalId: '1',
        HubSpotWebhookUrl: `${url}/webhooks/hubspot`,
        HubSpotApiUrl: hubspotUrl,
        TimeZone: 'UTC',
        ContactTableName: table.tableName,
        WebhookSecretArn: WEBHOOK_SECRET,
        HubSpotTokenSecretArn: TOKEN_SECRET,
        Queues: '{}',
        HubSpotBudget: '{"limit":190,"reserve":20,"dailyLimit":250000,"dailyReservePercent":10}',
      };
      stack.outputs.clear();
      for (const [name, value] of Object.entries(outputs)) stack.outputs.set(name, value);
      stack.secrets.set(WEBHOOK_SECRET, '{}').set(TOKEN_SECRET, '{}');
      stack.secretCalls.length = 0;
      stack.deliveries.length = 0;
      stack.locked.clear();
      stack.answer = (delivery) => (delivery.isSigned ? 202 : 401);
      stack.onTaken = async () => undefined;
    },
    async stop() {
      closeNow(server);
      await engine.stop();
    },
  };
  await stack.reset();
  return stack;
}

interface AwsReply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function answerAws(stack: DeployedStack, headers: IncomingHttpHeaders, body: string): AwsReply | undefined {
  const target = headers['x-amz-target'];
  if (typeof target === 'string' && target.startsWith('secretsmanager.'))
    return answerSecrets(stack, target.slice('secretsmanager.'.length), JSON.parse(body));
  if (!body.includes('Action=DescribeStacks')) return undefined;
  const outputs = [...stack.outputs].map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${value.replaceAll('"', '&quot;')}</OutputValue></member>`,
  );
  const described = `<StackName>Afterglow</StackName><Outputs>${outputs.join('')}</Outputs>`;
  return {
    status: 200,
    type: 'text/xml',
    body: `<DescribeStacksResponse><DescribeStacksResult><Stacks><member>${described}</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  };
}

function answerSecrets(
  stack: DeployedStack,
  action: string,
  { SecretId, SecretString }: { readonly SecretId: string; readonly SecretString?: string },
): AwsReply {
  const type = 'application/x-amz-json-1.1';
  stack.secretCalls.push({ action, secretId: SecretId });
  if (action === 'PutSecretValue') {
    if (stack.locked.has(SecretId))
      return { status: 400, type, body: '{"__type":"AccessDeniedException","Message":"not authorized"}' };
    stack.secrets.set(SecretId, SecretString ?? '');
  }
  return {
    status: 200,
    type,
    body: JSON.stringify({ ARN: SecretId, SecretString: stack.secrets.get(SecretId) }),
  };
}

/** By the simulator's own signer, which shares no code with ours. */
function isSigned(stack: DeployedStack, headers: IncomingHttpHeaders, path: string, body: string): boolean {
  const { clientSecret, previousClientSecret } = stack.secret(WEBHOOK_SECRET);
  return [clientSecret, previousClientSecret].some(
    (secret) =>
      secret !== undefined &&
      headers['x-hubspot-signature-v3'] ===
        signV3({
          method: 'POST',
          uri: `${stack.url}${path}`,
          body,
          secret,
          timestamp: String(headers['x-hubspot-request-timestamp']),
        }),
  );
}
