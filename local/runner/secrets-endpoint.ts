import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import type { SecretPlan } from './assembly.ts';
import { closeNow, listenLocally } from './listen.ts';

/** As much of Secrets Manager as the functions use: GetSecretValue. */
export interface SecretsEndpoint {
  readonly url: string;
  stop(): void;
}

const requestSchema = v.object({ SecretId: v.string() });

/**
 * @param given - secret strings by ARN; a secret not named here has what the template says, or a generated key
 */
export async function startSecretsEndpoint(
  secrets: readonly SecretPlan[],
  given: ReadonlyMap<string, string>,
): Promise<SecretsEndpoint> {
  const values = new Map(
    secrets.map((secret) => [secret, given.get(secret.arn) ?? secret.value ?? generate(secret)] as const),
  );
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const target = request.headers['x-amz-target'];
    if (target !== 'secretsmanager.GetSecretValue') {
      refuse(response, 'UnknownOperationException', `The local run does not offer ${String(target)}`);
      return;
    }
    const { SecretId } = v.parse(requestSchema, JSON.parse(body));
    const found = [...values].find(([{ arn, name }]) => arn === SecretId || name === SecretId);
    if (found === undefined) {
      refuse(response, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      return;
    }
    const [{ arn, name }, SecretString] = found;
    answer(response, 200, {
      ARN: arn,
      Name: name,
      SecretString,
      VersionId: 'local',
      VersionStages: ['AWSCURRENT'],
    });
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) =>
      refuse(response, 'InvalidRequestException', String(error)),
    );
  });
  return {
    url: `http://127.0.0.1:${await listenLocally(server)}`,
    stop: () => closeNow(server),
  };
}

function generate({ generate: rule }: SecretPlan): string {
  const random = randomBytes(24).toString('base64url');
  if (rule === undefined) return random;
  const template = v.parse(v.record(v.string(), v.unknown()), JSON.parse(rule.template));
  return JSON.stringify({ ...template, [rule.key]: random });
}

function refuse(response: ServerResponse, type: string, message: string): void {
  answer(response, 400, { __type: type, message });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
}
