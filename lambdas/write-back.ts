import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as v from 'valibot';
import { deployedModel } from './deployed-model.ts';
import type { WriteBackEnv } from './env.ts';
import { Budget, type BudgetState, FULL_BUDGET } from './hubspot/budget.ts';
import { hubSpotPortal } from './hubspot/portal.ts';
import { transportOf } from './hubspot/transport.ts';
import { connectStore } from './store/connect.ts';
import { PortalRow } from './store/portal-rows.ts';
import {
  type Letter,
  LONGEST_DELAY_SECONDS,
  sendAll,
  sendLetters,
  type WriteRequest,
} from './store/queues.ts';
import { secretOf } from './store/secrets.ts';
import { bring } from './write-back/bring.ts';
import { type Errand, readRequests } from './write-back/requests.ts';
import type { About, BringParts, Ended, Ending } from './write-back/run.ts';

/** A token that cannot stand in a header would be quoted by the error that says so. */
const HEADER_TEXT = /^[\x21-\x7e]+$/;

export interface WriteBackParts extends BringParts {
  /** Puts requests back on the lane they came from. */
  readonly again: (lane: string, requests: readonly WriteRequest[], delaySeconds: number) => Promise<void>;
  readonly deadLetter: (letters: readonly Letter[]) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

// Write-back lanes -> HubSpot. One message is one contact or company to bring up to date, or an address or deal to find contacts of.
export function createWriteBack(parts: WriteBackParts): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const { portalId } = parts;
    const { errands, rejected } = readRequests(Records, portalId);
    const lane = Records[0]?.eventSourceARN.split(':').at(-1) ?? '';
    const { ended, companiesTold } = await bring(errands, parts);
    const failed = new Set<string>();
    const letters: Letter[] = [...rejected];
    const again = new Map<number, WriteRequest[]>();
    const later = (delaySeconds: number, request: WriteRequest) =>
      again.set(delaySeconds, [...(again.get(delaySeconds) ?? []), request]);
    for (const { errand, ending, about } of ended) {
      if (ending.kind === 'failed') for (const id of errand.messageIds) failed.add(id);
      if (ending.kind === 'refused') letters.push(letterOf(portalId, about, ending));
      if (ending.kind === 'later') later(...postponed(errand, ending.retryAtMs, parts.clock()));
      // A write of somebody's may still land: look again when it has landed, or never will.
      if (ending.kind === 'doubtful') later(ending.afterSeconds, { portalId, ...about, force: true });
    }
    await parts.deadLetter(letters);
    for (const [delaySeconds, requests] of again) await parts.again(lane, requests, delaySeconds);
    report(ended, companiesTold, parts);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function letterOf(
  portalId: string,
  about: About,
  { reason, correlationId }: Extract<Ending, { kind: 'refused' }>,
): Letter & About & { portalId: string; correlationId: string | undefined } {
  return { portalId, ...about, reason, correlationId };
}

/**
 * Not tried: comes back with a count of our own, so that the queue counts only what was tried. A doubt goes with it, and waits as
 * long as any other.
 */
function postponed(
  { request, force, isRedelivered }: Errand,
  retryAtMs: number,
  nowMs: number,
): [delaySeconds: number, request: WriteRequest] {
  const seconds = Math.ceil((retryAtMs - nowMs) / 1000);
  const delaySeconds = isRedelivered ? LONGEST_DELAY_SECONDS : Math.min(LONGEST_DELAY_SECONDS, seconds);
  const isDoubtful = force || isRedelivered;
  return [
    Math.max(1, delaySeconds),
    { ...request, ...(isDoubtful && { force: true }), postponed: (request.postponed ?? 0) + 1 },
  ];
}

function report(ended: readonly Ended[], companiesTold: number, { logger }: WriteBackParts): void {
  const counts: Record<string, number> = {};
  for (const { ending } of ended) counts[ending.kind] = (counts[ending.kind] ?? 0) + 1;
  // An address that belongs to nobody yet: its facts wait, and are gone after 30 days.
  const unknownAddresses = ended.filter(
    ({ errand, about, ending }) =>
      errand.request.email !== undefined && about.contactId === undefined && ending.kind === 'done',
  ).length;
  const companies = ended.filter(({ about }) => about.companyId !== undefined).length;
  const mostPostponed = Math.max(0, ...ended.map(({ errand }) => errand.request.postponed ?? 0));
  const contacts = ended.length - companies;
  logger.info('written back', {
    contacts,
    companies,
    ...counts,
    unknownAddresses,
    companiesTold,
    mostPostponed,
  });
}

const Budgeted: v.GenericSchema<unknown, BudgetState> = v.object({
  nextSlotMs: v.number(),
  blockedUntilMs: v.number(),
  share: v.number(),
  shareSetAtMs: v.number(),
  limit: v.optional(v.number()),
});

function fromEnvironment(env: NodeJS.ProcessEnv & Partial<WriteBackEnv>): WriteBackParts {
  const logger = new Logger();
  const sqs = new SQSClient({});
  const secrets = new SecretsManagerClient({});
  const store = connectStore(env, secrets, Date.now);
  const { clock, client, tableName, portalId, timeZone } = store;
  const Token = v.object({ accessToken: v.pipe(v.string(), v.regex(HEADER_TEXT)) });
  const token = secretOf(secrets, env.HUBSPOT_TOKEN_SECRET_ARN ?? '', Token, clock);
  const budget = new Budget(
    new PortalRow(client, tableName, portalId, 'budget', Budgeted, FULL_BUDGET),
    { limit: Number(env.HUBSPOT_LIMIT_PER_10_SECONDS), reserve: Number(env.HUBSPOT_RESERVE_PER_10_SECONDS) },
    clock,
  );
  const send = transportOf({
    budget,
    readToken: async () => (await token.read()).accessToken,
    clock,
    timeZone,
    onAnswer: (status, error) =>
      logger.info('hubspot answered', { status, reason: error?.reason, correlationId: error?.correlationId }),
  });
  const changes = env.CHANGES_QUEUE_URL ?? '';
  const lanes = [changes, env.URGENT_QUEUE_URL ?? '', env.BACKGROUND_QUEUE_URL ?? ''];
  return {
    ...store,
    model: deployedModel(env.LAMBDA_TASK_ROOT ?? '.'),
    hubSpot: hubSpotPortal(env.HUBSPOT_API_URL ?? '', send),
    again: (lane, requests, delaySeconds) =>
      sendAll(sqs, lanes.find((url) => url.endsWith(`/${lane}`)) ?? changes, requests, delaySeconds),
    background: (requests, delaySeconds) =>
      sendAll(sqs, env.BACKGROUND_QUEUE_URL ?? '', requests, delaySeconds),
    ticks: (messages, delaySeconds) => sendAll(sqs, env.TICKS_QUEUE_URL ?? '', messages, delaySeconds),
    deadLetter: (letters) => sendLetters(sqs, env.WRITE_BACK_DEAD_LETTER_QUEUE_URL ?? '', letters),
    logger,
  };
}

let writeBack: ReturnType<typeof createWriteBack> | undefined;

export const handler: ReturnType<typeof createWriteBack> = (event) => {
  writeBack ??= createWriteBack(fromEnvironment(process.env));
  return writeBack(event);
};
