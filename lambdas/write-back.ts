import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as v from 'valibot';
import { deployedModel } from './deployed-model.ts';
import type { WriteBackEnv } from './env.ts';
import { Budget, type BudgetState, FULL_BUDGET } from './hubspot/budget.ts';
import { hubSpotContacts } from './hubspot/contacts.ts';
import { transportOf } from './hubspot/transport.ts';
import { ContactTable } from './store/contact-table.ts';
import { PortalRow } from './store/portal-rows.ts';
import { LONGEST_DELAY_SECONDS, sendAll, type WriteRequest } from './store/queues.ts';
import { secretOf } from './store/secrets.ts';
import { bring, type BringParts } from './write-back/bring.ts';
import { readRequests } from './write-back/requests.ts';

/** After how long the contact of an address, once found, is tried again. */
const RETRY_SECONDS = 60;

export interface WriteBackParts extends BringParts {
  /** Puts requests back on the lane they came from. */
  readonly again: (lane: string, requests: readonly WriteRequest[], delaySeconds: number) => Promise<void>;
  readonly deadLetter: (letters: readonly object[]) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

// Write-back lanes -> HubSpot. One message is one contact to bring up to date, or one address to find the contact of.
export function createWriteBack(parts: WriteBackParts): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const { errands, rejected } = readRequests(Records, parts.portalId);
    const lane = Records[0]?.eventSourceARN.split(':').at(-1) ?? '';
    const endings = await bring(errands, parts);
    const failed: string[] = [];
    const letters: object[] = [...rejected];
    const again = new Map<number, WriteRequest[]>();
    const later = (delaySeconds: number, request: WriteRequest) =>
      again.set(delaySeconds, [...(again.get(delaySeconds) ?? []), request]);
    for (const { errand, ending, contactId } of endings) {
      const { request } = errand;
      if (ending.kind === 'failed') failed.push(...errand.messageIds);
      // The address's own message is done with; its contact goes on as one of its own.
      if (ending.kind === 'failed' && errand.messageIds.length === 0) later(RETRY_SECONDS, request);
      if (ending.kind === 'refused') letters.push({ portalId: parts.portalId, contactId, ...ending });
      // Not tried: comes back with a count of our own, so that the queue counts only what was tried.
      if (ending.kind === 'later')
        later(delayUntil(ending.retryAtMs, parts.clock()), {
          ...request,
          postponed: (request.postponed ?? 0) + 1,
        });
      // A write of somebody's may still land: look again when it has landed, or never will.
      if (ending.kind === 'doubtful')
        later(LONGEST_DELAY_SECONDS, { portalId: parts.portalId, contactId, force: true });
    }
    await parts.deadLetter(letters);
    for (const [delaySeconds, requests] of again) await parts.again(lane, requests, delaySeconds);
    report(endings, parts);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function delayUntil(retryAtMs: number, nowMs: number): number {
  return Math.max(1, Math.min(LONGEST_DELAY_SECONDS, Math.ceil((retryAtMs - nowMs) / 1000)));
}

function report(endings: Awaited<ReturnType<typeof bring>>, { logger }: WriteBackParts): void {
  const counts: Record<string, number> = {};
  for (const { ending } of endings) counts[ending.kind] = (counts[ending.kind] ?? 0) + 1;
  logger.info('written back', { contacts: endings.length, ...counts });
}

const Budgeted: v.GenericSchema<unknown, BudgetState> = v.object({
  nextSlotMs: v.number(),
  blockedUntilMs: v.number(),
  share: v.number(),
  shareSetAtMs: v.number(),
  limit: v.optional(v.number()),
});

function fromEnvironment(env: NodeJS.ProcessEnv & Partial<WriteBackEnv>): WriteBackParts {
  const { PORTAL_ID: portalId = '', TIME_ZONE: timeZone = 'UTC', CONTACT_TABLE_NAME: tableName = '' } = env;
  const clock = Date.now;
  const logger = new Logger();
  const sqs = new SQSClient({});
  const secrets = new SecretsManagerClient({});
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const token = secretOf(
    secrets,
    env.HUBSPOT_TOKEN_SECRET_ARN ?? '',
    v.object({ accessToken: v.string() }),
    clock,
  );
  const limits = {
    limit: Number(env.HUBSPOT_LIMIT_PER_10_SECONDS),
    reserve: Number(env.HUBSPOT_RESERVE_PER_10_SECONDS),
  };
  const budget = new Budget(
    new PortalRow(client, tableName, portalId, 'budget', Budgeted, FULL_BUDGET),
    limits,
    clock,
  );
  const send = transportOf({
    budget,
    readToken: async () => (await token.read()).accessToken,
    clock,
    onAnswer: (status) => logger.info('hubspot answered', { status }),
  });
  const lanes = [env.URGENT_QUEUE_URL, env.CHANGES_QUEUE_URL, env.BACKGROUND_QUEUE_URL].filter(
    (url) => url !== undefined,
  );
  return {
    clock,
    model: deployedModel(env.LAMBDA_TASK_ROOT ?? '.'),
    portalId,
    timeZone,
    contacts: new ContactTable({
      client,
      tableName,
      portalId,
      factRetentionDays: Number(env.FACT_RETENTION_DAYS),
      clock,
    }),
    hubSpot: hubSpotContacts(env.HUBSPOT_API_URL ?? '', send),
    identityKey: secretOf(secrets, env.IDENTITY_KEY_SECRET_ARN ?? '', v.object({ key: v.string() }), clock),
    again: (lane, requests, delaySeconds) =>
      sendAll(
        sqs,
        lanes.find((url) => url.endsWith(`/${lane}`)) ?? env.CHANGES_QUEUE_URL ?? '',
        requests,
        delaySeconds,
      ),
    deadLetter: (letters) => sendAll(sqs, env.WRITE_BACK_DEAD_LETTER_QUEUE_URL ?? '', letters),
    logger,
  };
}

let writeBack: ReturnType<typeof createWriteBack> | undefined;

export const handler: ReturnType<typeof createWriteBack> = (event) => {
  writeBack ??= createWriteBack(fromEnvironment(process.env));
  return writeBack(event);
};
