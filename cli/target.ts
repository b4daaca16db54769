import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { Budget } from '../lambdas/hubspot/budget.ts';
import { Budgeted, FULL_BUDGET } from '../lambdas/hubspot/budget-state.ts';
import { type Send, transportOf } from '../lambdas/hubspot/transport.ts';
import { factStores } from '../lambdas/portal/portal-facts.ts';
import { IdentityKey, type Store } from '../lambdas/store/connect.ts';
import { ContactTable } from '../lambdas/store/contact-table.ts';
import { DealTable } from '../lambdas/store/deal-table.ts';
import { PortalRow } from '../lambdas/store/portal-rows.ts';
import { resumption, sendAll } from '../lambdas/store/queues.ts';
import { type Secret, secretOf } from '../lambdas/store/secrets.ts';
import { commandFor } from './typed.ts';

/** Where the local run keeps its logs and what the commands need to find it. */
export const LOCAL_DIRECTORY = process.env['AFTERGLOW_LOCAL_DIR'] ?? join(import.meta.dirname, '../.local');
/** Where the local run writes down what it started. */
export const LOCAL_STATE_FILE = join(LOCAL_DIRECTORY, 'system.json');

/** Every queue by title, such as `Events` or `Changes`, with its dead letters. */
const Queues = v.record(v.string(), v.object({ url: v.string(), deadLettersUrl: v.string() }));
export type Queues = v.InferOutput<typeof Queues>;

/** Where messages for a queue go. @param title - such as `Ticks` @throws UsageError where the system has no such queue */
export function queueUrl(queues: Queues, title: string): string {
  const queue = queues[title];
  if (queue === undefined)
    throw new UsageError(`the system has no queue ${title}: it is of a version from before this command`);
  return queue.url;
}

/** Whose budget commands share: the settings under which write-back draws on it. */
const HubSpotBudget = v.object({
  limit: v.number(),
  reserve: v.number(),
  dailyLimit: v.number(),
  dailyReservePercent: v.number(),
});
export type HubSpotBudget = v.InferOutput<typeof HubSpotBudget>;

/** What the local run tells the commands. */
export const LocalState = v.object({
  /** Process id of `npm start`. */
  pid: v.number(),
  portalId: v.string(),
  ingestUrl: v.string(),
  hubspotUrl: v.string(),
  dynamoDbUrl: v.string(),
  tableName: v.string(),
  sqsUrl: v.string(),
  queues: Queues,
  budget: HubSpotBudget,
  clientSecret: v.string(),
  accessToken: v.string(),
  timeZone: v.string(),
  model: v.string(),
  /** Milliseconds by which the clock of the local system was moved. */
  clockOffsetMs: v.number(),
  /** Where its secrets are, and which of them makes keys of addresses. */
  secretsUrl: v.optional(v.string()),
  identityKeyArn: v.optional(v.string()),
  factRetentionDays: v.optional(v.number()),
});
export type LocalState = v.InferOutput<typeof LocalState>;

/** The table, for commands that read or keep many rows. */
export interface TargetStore extends Pick<Store, 'portalId' | 'client' | 'tableName' | 'contacts' | 'deals'> {
  /** Days a fact is kept. @throws UsageError where the system does not tell */
  factRetentionDays(): number;
  /** The HMAC key under which e-mail addresses become partitions. @throws UsageError where the system does not tell which it is */
  readIdentityKey(): Promise<string>;
}

/** A running Afterglow: the local system, or a stack in AWS. */
export interface Target {
  readonly portalId: string;
  /** Scheme, host and optional prefix of the API, no trailing slash. */
  readonly ingestUrl: string;
  readonly hubspotUrl: string;
  /** Of the setting, by which scores are shown; IANA name. */
  readonly timeZone: string;
  /** Of the setting, in its time zone; undefined where no schedule runs the nights, as in the local system. */
  readonly nightlyHour?: number | undefined;
  readonly contacts: Pick<ContactTable, 'readLiving'>;
  readonly store: TargetStore;
  /** A row of the portal's own partition; `initial` stands while there is none that fits the schema. */
  readonly portalRow: <T>(sk: string, schema: v.GenericSchema<unknown, T>, initial: T) => PortalRow<T>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly queues: Queues;
  readonly clock: () => number;
  /** The settings under which write-back, and whoever else calls HubSpot, draws on the portal's budget. */
  readonly budget: HubSpotBudget;
  readonly readClientSecret: () => Promise<string>;
  /** The token of HubSpot's API: only for a call that must name it in its body. */
  readonly readToken: () => Promise<string>;
  /** Calls HubSpot, within the budget that the whole portal shares. */
  readonly send: Send;
}

/** A secret of the stack: a JSON object of texts. */
export interface StackSecret {
  readonly arn: string;
  /** What it holds; nothing while nobody filled it in. */
  read(): Promise<Readonly<Record<string, string>>>;
  /** Makes this all that it holds. */
  write(content: Readonly<Record<string, string>>): Promise<void>;
}

/** A stack in AWS, with what only its installation changes. */
export interface Installation extends Target {
  readonly stack: string;
  /** Where pages tell of visits; undefined while the settings name no origin. */
  readonly sessionsUrl: string | undefined;
  readonly secrets: {
    /** `{ clientSecret, previousClientSecret?, signalsSecret?, previousSignalsSecret? }` */
    readonly webhook: StackSecret;
    /** `{ accessToken }` */
    readonly token: StackSecret;
  };
}

/** Something the person at the keyboard can put right: shown without a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Finds the system a command is about.
 *
 * @param stack - name of a CloudFormation stack; undefined = the local system
 * @throws UsageError when there is none
 */
export async function findTarget(stack: string | undefined): Promise<Target> {
  return stack === undefined ? localTarget(readLocalState()) : findInstallation(stack);
}

/** The local system that a state describes. */
export function localTarget(state: LocalState): Target {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const clock = () => Date.now() + state.clockOffsetMs;
  const { secretsUrl, identityKeyArn } = state;
  return connect({
    ...state,
    identityKey:
      secretsUrl === undefined || identityKeyArn === undefined
        ? undefined
        : secretOf(
            new SecretsManagerClient({ endpoint: secretsUrl, region: 'local', credentials }),
            identityKeyArn,
            IdentityKey,
            clock,
          ),
    another: 'restart it with `npm start`',
    dynamoDb: new DynamoDBClient({ endpoint: state.dynamoDbUrl, region: 'local', credentials }),
    sqs: new SQSClient({ endpoint: state.sqsUrl, region: 'local', credentials }),
    clock,
    readClientSecret: async () => state.clientSecret,
    readToken: async () => state.accessToken,
  });
}

/** What differs between the local system and AWS. */
interface Found extends Omit<Target, 'contacts' | 'store' | 'portalRow' | 'send'> {
  readonly tableName: string;
  readonly dynamoDb: DynamoDBClient;
  /** Undefined where the system is of a version that did not tell; so too the days. */
  readonly identityKey: Secret<{ key: string }> | undefined;
  readonly factRetentionDays?: number | undefined;
  /** How a system of this version is come by. */
  readonly another: string;
}

function connect({ tableName, dynamoDb, identityKey, factRetentionDays, another, ...found }: Found): Target {
  const { portalId, clock, timeZone, sqs, queues, budget, readToken } = found;
  const client = DynamoDBDocumentClient.from(dynamoDb, { marshallOptions: { removeUndefinedValues: true } });
  // Who keeps facts asks for the days first; no time to live can be made of what nobody told.
  const options = { client, tableName, portalId, clock, factRetentionDays: factRetentionDays ?? Number.NaN };
  const contacts = new ContactTable(options);
  const told = <T>(value: T | undefined): T => {
    if (value === undefined)
      throw new UsageError(`the system is of a version from before this command: ${another}`);
    return value;
  };
  const portalRow: Target['portalRow'] = (sk, schema, initial) =>
    new PortalRow(client, tableName, portalId, sk, schema, initial);
  let ownTimeZone: string | undefined;
  const timing = { clock, timeZone: () => ownTimeZone ?? timeZone };
  const shared = new Budget(portalRow('budget', Budgeted, FULL_BUDGET), budget, {
    ...timing,
    // It may be this command that finds out that HubSpot can be written to again.
    onResumed: () => sendAll(sqs, queues['Background']?.url ?? '', ...resumption(portalId)),
  });
  const send = transportOf({
    ...timing,
    budget: shared,
    lane: 'urgent', // Somebody sits at the keyboard.
    isOptional: true, // What a command may not do stops nobody else.
    readToken,
    onAnswer: () => undefined,
  });
  // Before the first call: write-back counts the portal's days by what HubSpot told of its time zone, and so must whoever shares them.
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    ownTimeZone = (await factStores(portalRow).account.read()).known?.value.timeZone;
  };
  return {
    ...found,
    contacts,
    store: {
      portalId,
      client,
      tableName,
      contacts,
      deals: new DealTable(options),
      factRetentionDays: () => told(factRetentionDays),
      readIdentityKey: async () => (await told(identityKey).read()).key,
    },
    portalRow,
    async send(request) {
      await (looking ??= look());
      return send(request);
    },
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
  const state = v.safeParse(v.pipe(v.string(), v.parseJson(), LocalState), text);
  if (!state.success)
    throw new UsageError(
      `the local system is of another version than this command (${LOCAL_STATE_FILE}): restart it with \`npm start\``,
    );
  try {
    process.kill(state.output.pid, 0);
  } catch (cause) {
    throw new UsageError('the local system has ended: start it again with `npm start`', { cause });
  }
  return state.output;
}

/**
 * Finds a stack by its outputs.
 *
 * @throws UsageError when it is no Afterglow stack, or one of another version
 */
export async function findInstallation(stack: string): Promise<Installation> {
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
  const read = <T>(name: string, schema: v.GenericSchema<unknown, T>): T => {
    const value = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), output(name));
    if (!value.success)
      throw new UsageError(`the stack ${stack} is of another version than this command: deploy this version`);
    return value.output;
  };
  const queues = read('Queues', Queues);
  const budget = read('HubSpotBudget', HubSpotBudget);
  const setup = commandFor(stack)('setup');
  const secrets = {
    webhook: secretAt(output('WebhookSecretArn'), setup),
    token: secretAt(output('HubSpotTokenSecretArn'), setup),
  };
  const target = connect({
    portalId: output('PortalId'),
    ingestUrl: output('HubSpotWebhookUrl').replace(/\/webhooks\/hubspot$/, ''),
    hubspotUrl: output('HubSpotApiUrl'),
    timeZone: output('TimeZone'),
    nightlyHour: outputs.has('NightlyHour') ? read('NightlyHour', v.number()) : undefined,
    tableName: output('ContactTableName'),
    identityKey: outputs.has('IdentityKeySecretArn')
      ? secretOf(new SecretsManagerClient({}), output('IdentityKeySecretArn'), IdentityKey, Date.now)
      : undefined,
    factRetentionDays: outputs.has('FactRetentionDays') ? read('FactRetentionDays', v.number()) : undefined,
    another: 'deploy this version',
    queues,
    budget,
    dynamoDb: new DynamoDBClient({}),
    sqs: new SQSClient({}),
    clock: Date.now,
    readClientSecret: () => readField(secrets.webhook, 'clientSecret', setup),
    readToken: () => readField(secrets.token, 'accessToken', setup),
  });
  return { ...target, stack, sessionsUrl: outputs.get('SessionsUrl'), secrets };
}

/** @param setup - the command that fills it in */
function secretAt(arn: string, setup: string): StackSecret {
  const client = new SecretsManagerClient({});
  return {
    arn,
    async read() {
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
      const content = v.safeParse(
        v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string())),
        SecretString,
      );
      // What is wrong with it would quote it.
      if (!content.success)
        throw new UsageError(
          `the secret ${arn} is not a JSON object of texts: put {} there, and run \`${setup}\``,
        );
      return content.output;
    },
    async write(content) {
      await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString: JSON.stringify(content) }));
    },
  };
}

async function readField(secret: StackSecret, field: string, setup: string): Promise<string> {
  const value = (await secret.read())[field];
  if (value === undefined)
    throw new UsageError(`the secret ${secret.arn} has no ${field} yet: run \`${setup}\``);
  return value;
}

/** The model file to use when none is named: the local system's own; for a stack, that of the settings. */
export function readLocalModel(stack: string | undefined): string {
  return stack === undefined ? readLocalState().model : modelOfSettings();
}

/** The model file that `cdk.json` names, from its folder. */
export function modelOfSettings(): string {
  const settings = v.object({ context: v.object({ afterglow: v.object({ model: v.string() }) }) });
  const file = join(import.meta.dirname, '../cdk.json');
  return v.parse(settings, JSON.parse(readFileSync(file, 'utf8'))).context.afterglow.model;
}
