import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { Budget, type BudgetState, FULL_BUDGET } from '../lambdas/hubspot/budget.ts';
import { type Send, transportOf } from '../lambdas/hubspot/transport.ts';
import { ContactTable } from '../lambdas/store/contact-table.ts';

/** Where the local run keeps its logs and what the commands need to find it. */
export const LOCAL_DIRECTORY = process.env['AFTERGLOW_LOCAL_DIR'] ?? join(import.meta.dirname, '../.local');
/** Where the local run writes down what it started. */
export const LOCAL_STATE_FILE = join(LOCAL_DIRECTORY, 'system.json');

/** What the local run tells the commands. */
export const LocalState = v.object({
  /** Process id of `npm start`. */
  pid: v.number(),
  portalId: v.string(),
  ingestUrl: v.string(),
  hubspotUrl: v.string(),
  dynamoDbUrl: v.string(),
  tableName: v.string(),
  clientSecret: v.string(),
  accessToken: v.string(),
  timeZone: v.string(),
  model: v.string(),
  /** Milliseconds by which the clock of the local system was moved. */
  clockOffsetMs: v.number(),
});
export type LocalState = v.InferOutput<typeof LocalState>;

/** A running Afterglow: the local system, or a stack in AWS. */
export interface Target {
  readonly portalId: string;
  /** Scheme, host and optional prefix of the API, no trailing slash. */
  readonly ingestUrl: string;
  readonly hubspotUrl: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly contacts: Pick<ContactTable, 'readLiving'>;
  readonly clock: () => number;
  readonly readClientSecret: () => Promise<string>;
  readonly send: Send;
}

/** Something the person at the keyboard can put right: shown without a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Calls a command may make in any 10 s: a fifth of the smallest limit HubSpot has. */
const COMMAND_BUDGET = { limit: 20, reserve: 0 };

/**
 * Finds the system a command is about.
 *
 * @param stack - name of a CloudFormation stack; undefined = the local system
 * @throws UsageError when there is none
 */
export async function findTarget(stack: string | undefined): Promise<Target> {
  return stack === undefined ? localTarget(readLocalState()) : awsTarget(stack);
}

/** The local system that a state describes. */
export function localTarget(state: LocalState): Target {
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: state.dynamoDbUrl,
      region: 'local',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
  );
  const clock = () => Date.now() + state.clockOffsetMs;
  return {
    ...state,
    clock,
    contacts: new ContactTable({
      client,
      tableName: state.tableName,
      portalId: state.portalId,
      factRetentionDays: 400,
      clock,
    }),
    readClientSecret: async () => state.clientSecret,
    send: commandTransport(async () => state.accessToken),
  };
}

function readLocalState(): LocalState {
  let text: string;
  try {
    text = readFileSync(LOCAL_STATE_FILE, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'no local system is running: start it with `npm start`, or name a stack with --stack',
      { cause },
    );
  }
  const state = v.parse(v.pipe(v.string(), v.parseJson(), LocalState), text);
  try {
    process.kill(state.pid, 0);
  } catch (cause) {
    throw new UsageError('the local system has ended: start it again with `npm start`', { cause });
  }
  return state;
}

async function awsTarget(stack: string): Promise<Target> {
  const { Stacks } = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName: stack }));
  const found = (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [
    OutputKey,
    OutputValue,
  ]);
  const outputs = new Map(found.map(([key = '', value = '']) => [key, value]));
  const output = (name: string): string => {
    const value = outputs.get(name);
    if (value === undefined)
      throw new UsageError(`the stack ${stack} has no output ${name}: is it an Afterglow stack?`);
    return value;
  };
  const portalId = output('PortalId');
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  return {
    portalId,
    ingestUrl: output('HubSpotWebhookUrl').replace(/\/webhooks\/hubspot$/, ''),
    hubspotUrl: output('HubSpotApiUrl'),
    timeZone: output('TimeZone'),
    clock: Date.now,
    contacts: new ContactTable({
      client,
      tableName: output('ContactTableName'),
      portalId,
      factRetentionDays: 400,
      clock: Date.now,
    }),
    readClientSecret: () => readSecret(output('WebhookSecretArn'), 'clientSecret'),
    send: commandTransport(() => readSecret(output('HubSpotTokenSecretArn'), 'accessToken')),
  };
}

async function readSecret(arn: string, field: string): Promise<string> {
  const { SecretString } = await new SecretsManagerClient({}).send(
    new GetSecretValueCommand({ SecretId: arn }),
  );
  const secret = v.safeParse(
    v.pipe(v.string(), v.parseJson(), v.object({ [field]: v.string() })),
    SecretString,
  );
  if (!secret.success)
    throw new UsageError(`the secret ${arn} has no ${field} yet: fill it in, see docs/deploy.md`);
  return secret.output[field] ?? '';
}

function commandTransport(readToken: () => Promise<string>): Send {
  return transportOf({ budget: ownBudget(), readToken, clock: Date.now, onAnswer: () => undefined });
}

/** A command's few calls do not need the shared budget; they are paced by one of their own, far below the limit. */
function ownBudget(): Budget {
  let state: BudgetState = FULL_BUDGET;
  const store = {
    async update<T>(change: (before: BudgetState) => { state: BudgetState; result: T }): Promise<T> {
      const changed = change(state);
      state = changed.state;
      return changed.result;
    },
  };
  return new Budget(store, COMMAND_BUDGET, Date.now);
}

/** The model file to use when none is named: the local system's own; for a stack, the one in this directory's `cdk.json`. */
export function readLocalModel(stack: string | undefined): string {
  if (stack === undefined) return readLocalState().model;
  const settings = v.object({ context: v.object({ afterglow: v.object({ model: v.string() }) }) });
  const file = join(import.meta.dirname, '../cdk.json');
  return v.parse(settings, JSON.parse(readFileSync(file, 'utf8'))).context.afterglow.model;
}
