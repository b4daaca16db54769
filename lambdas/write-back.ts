import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { WriteBackEnv } from './env.ts';
import type { Stop } from './hubspot/budget-state.ts';
import { BUDGET_LANES, type BudgetLane } from './hubspot/budget-state.ts';
import type { BudgetUsage } from './hubspot/budget-usage.ts';
import type { HubSpotPortal } from './hubspot/portal.ts';
import { type Measured, publishing } from './measured.ts';
import { type Platform, platformOfAws } from './platform.ts';
import { countStop } from './portal/calls.ts';
import { connectHubSpot } from './portal/connect.ts';
import { effectsRow } from './portal/effects.ts';
import { withheldRow } from './portal/withheld.ts';
import { connectStore } from './store/connect.ts';
import { type Letter, type ResumeRequest, sendAll, sendLetters, type WriteRequest } from './store/queues.ts';
import { bring } from './write-back/bring.ts';
import { type Copy, delayUntil, followingOf, lagSeconds, type Refusal } from './write-back/endings.ts';
import { Outputs } from './write-back/outputs.ts';
import { type Asked, readRequests } from './write-back/requests.ts';
import { resume } from './write-back/resume.ts';
import type { BringParts, Ended } from './write-back/run.ts';

export interface WriteBackParts extends Omit<BringParts, 'hubSpot'> {
  /** The lane that a queue is, by its name. */
  readonly laneOf: (queue: string) => BudgetLane;
  /** HubSpot, with calls that draw on the budget as a lane may. */
  readonly hubSpotOn: (lane: BudgetLane) => HubSpotPortal;
  /** Until when nobody is to call HubSpot, if so: daily limit, refused token, or migration. */
  readonly stopped: () => Promise<Pick<Stop, 'reason' | 'untilMs'> | undefined>;
  /** How much of HubSpot's limits was used since this was last asked, where that is known. */
  readonly takeUsage: () => BudgetUsage | undefined;
  /** Puts requests back on the queue they came from. */
  readonly again: (
    queue: string,
    requests: readonly (WriteRequest | ResumeRequest)[],
    delaySeconds: number,
  ) => Promise<void>;
  readonly deadLetter: (letters: readonly Letter[]) => Promise<void>;
}

// Write-back lanes -> HubSpot. One message is one contact, company or deal to bring up to date, or an address to find the contact of.
export function createWriteBack(parts: WriteBackParts): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const asked = readRequests(Records, parts.portalId);
    const queue = Records[0]?.eventSourceARN.split(':').at(-1) ?? '';
    const stop = await stopNow(parts);
    const { ended, companiesTold } =
      stop === undefined
        ? await bringAll(asked, queue, parts)
        : { ended: putOff(asked, stop), companiesTold: 0 };
    const following = followingOf(ended, parts.portalId, parts.clock());
    const failed = new Set([...following.failed, ...(await resumeAll(asked, queue, stop, parts))]);
    // Step 9 of convergence: each copy first, then the original. Who dies in between leaves both, and it is done once.
    await sendCopies(following.copies, queue, failed, parts);
    await sendRefusals(asked, following.refusals, failed, parts);
    report(ended, companiesTold, stop, parts);
    const lag = lagSeconds(ended, parts.clock());
    if (lag !== undefined)
      parts.observe(parts.laneOf(queue) === 'background' ? 'BackgroundLag' : 'WriteBackLag', lag);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

type StopNow = Awaited<ReturnType<WriteBackParts['stopped']>>;

/** A stop that was to end by now is none: one call tries whether it has. */
async function stopNow({ stopped, clock, logger }: WriteBackParts): Promise<StopNow> {
  try {
    const stop = await stopped();
    return stop === undefined || stop.untilMs <= clock() ? undefined : stop;
  } catch (error) {
    logger.error('not known whether HubSpot may be called', asFields(error)); // Each call asks for itself.
    return undefined;
  }
}

function asFields(error: unknown): { error: Error | undefined } {
  return { error: error instanceof Error ? error : undefined };
}

async function bringAll({ errands }: Asked, queue: string, parts: WriteBackParts) {
  const { outputs, logger, hubSpotOn } = parts;
  const lane = parts.laneOf(queue);
  const isUnknown = (error: unknown) => logger.error('not known what HubSpot lets us write', asFields(error)); // It will say so.
  await outputs.look().catch(isUnknown);
  const brought = await bring(errands, { ...parts, hubSpot: hubSpotOn(lane) }, lane === 'urgent');
  await outputs.renew().catch(isUnknown);
  return brought;
}

/** Nobody may call: nothing is even looked at, everything comes back later. */
function putOff({ errands }: Asked, { untilMs }: { readonly untilMs: number }): Ended[] {
  return errands.map((errand) => ({ errand, ending: { kind: 'later', retryAtMs: untilMs }, about: {} }));
}

/** @returns ids of the messages that failed */
async function resumeAll(
  { resumes }: Asked,
  queue: string,
  stop: StopNow,
  parts: WriteBackParts,
): Promise<string[]> {
  const failed: string[] = [];
  const seen = new Set<string>();
  for (const { request, messageId } of resumes) {
    try {
      const name = JSON.stringify(request);
      if (seen.has(name)) continue;
      seen.add(name);
      if (stop === undefined) await resume(request, parts);
      else await parts.again(queue, [request], delayUntil(stop.untilMs, parts.clock()));
    } catch (error) {
      parts.logger.error('not sent again', asFields(error));
      failed.push(messageId);
    }
  }
  return failed;
}

/** Those with the same delay together. Adds to `failed` the messages whose copies could not be sent: they come again themselves. */
async function sendCopies(
  copies: readonly Copy[],
  queue: string,
  failed: Set<string>,
  { again, logger }: WriteBackParts,
): Promise<void> {
  for (const [delaySeconds, some] of Map.groupBy(copies, (copy) => copy.delaySeconds)) {
    try {
      await again(
        queue,
        some.map(({ request }) => request),
        delaySeconds,
      );
    } catch (error) {
      logger.error('not put back', asFields(error));
      for (const { errand } of some) for (const id of errand.messageIds) failed.add(id);
    }
  }
}

/** Last of all: what comes again for another reason is refused again, and is to be one dead letter. */
async function sendRefusals(
  { rejected }: Asked,
  refusals: readonly Refusal[],
  failed: Set<string>,
  { deadLetter, count }: WriteBackParts,
): Promise<void> {
  const final = refusals.filter(({ errand }) => !errand.messageIds.some((id) => failed.has(id)));
  await deadLetter([...rejected, ...final.map(({ letter }) => letter)]);
  for (const _ of rejected) count('DeadLettered', 1, 'message');
  for (const { category } of final) count('DeadLettered', 1, category);
}

function distinct(ids: readonly (string | undefined)[]): number {
  return new Set(ids.filter((id) => id !== undefined)).size;
}

function report(
  ended: readonly Ended[],
  companiesTold: number,
  stop: StopNow,
  { logger, count, observe, takeUsage }: WriteBackParts,
): void {
  const counts: Record<string, number> = {};
  for (const { ending } of ended) counts[ending.kind] = (counts[ending.kind] ?? 0) + 1;
  // An address that belongs to nobody yet: its facts wait, and are gone after 30 days.
  const unknownAddresses = ended.filter(
    ({ errand, about, ending }) =>
      errand.request.email !== undefined && about.contactId === undefined && ending.kind === 'done',
  ).length;
  const companies = distinct(ended.map(({ about }) => about.companyId));
  const contacts = distinct(ended.map(({ about }) => about.contactId));
  const deals = distinct(ended.map(({ about }) => about.dealId));
  const mostPostponed = Math.max(0, ...ended.map(({ errand }) => errand.request.postponed ?? 0));
  count('Postponed', counts['later'] ?? 0);
  if (stop !== undefined) countStop(stop, count);
  const usage = takeUsage();
  if (usage !== undefined) {
    observe('BudgetUsed', usage.windowPercent);
    observe('DailyShare', usage.dayPercent);
  }
  logger.info('written back', {
    requests: ended.length,
    contacts,
    companies,
    deals,
    ...counts,
    unknownAddresses,
    companiesTold,
    mostPostponed,
    ...(stop && { stopped: stop.reason, stoppedUntil: new Date(stop.untilMs).toISOString() }),
  });
}

/** The door's parts as its environment names them. */
export function writeBackParts(env: Partial<WriteBackEnv>, platform: Platform): WriteBackParts & Measured {
  const { sqs, secrets, model, count, observe, publish, logger } = platform;
  const store = connectStore(env, platform);
  const lanes: Record<BudgetLane, string> = {
    urgent: env.URGENT_QUEUE_URL ?? '',
    changes: env.CHANGES_QUEUE_URL ?? '',
    background: env.BACKGROUND_QUEUE_URL ?? '',
  };
  const laneOf = (queue: string): BudgetLane =>
    BUDGET_LANES.find((lane) => lanes[lane].endsWith(`/${queue}`)) ?? 'changes';
  const background: BringParts['background'] = (requests, delaySeconds) =>
    sendAll(sqs, lanes.background, requests, delaySeconds);
  const { budget, hubSpotOn, wanted, definitions, companyCurrency } = connectHubSpot({
    env,
    store,
    secrets,
    model,
    background,
    count,
    observe,
    logger,
  });
  const { clock, portalId } = store;
  const outputs = new Outputs({
    clock,
    portalId,
    wanted,
    definitions,
    remembered: withheldRow(store),
    background,
    count,
    logger,
  });
  return {
    ...store,
    model,
    laneOf,
    hubSpotOn,
    stopped: () => budget.stopped(),
    takeUsage: () => budget.takeUsage(),
    outputs,
    effects: effectsRow(store),
    companyCurrency,
    idProperty: env.ID_PROPERTY ?? '',
    mostWritesPerHour: Number(env.MOST_WRITES_PER_HOUR),
    again: (queue, requests, delaySeconds) => sendAll(sqs, lanes[laneOf(queue)], requests, delaySeconds),
    background,
    ticks: (messages, delaySeconds) => sendAll(sqs, env.TICKS_QUEUE_URL ?? '', messages, delaySeconds),
    deadLetter: (letters) => sendLetters(sqs, env.WRITE_BACK_DEAD_LETTER_QUEUE_URL ?? '', letters),
    count,
    observe,
    publish,
    logger,
  };
}

let writeBack: ReturnType<typeof createWriteBack> | undefined;

export const handler: ReturnType<typeof createWriteBack> = (event) => {
  if (writeBack === undefined) {
    const parts = writeBackParts(process.env, platformOfAws(process.env));
    writeBack = publishing(createWriteBack(parts), parts);
  }
  return writeBack(event);
};
