import type { SQSBatchResponse } from 'aws-lambda';
import * as v from 'valibot';
import { publishing } from './measured.ts';
import { connectNightly } from './nightly/connect.ts';
import { type DecayParts, type NightReport, runDecay } from './nightly/decay.ts';
import { begin, goOn } from './nightly/go-on.ts';
import { reportMonth } from './nightly/monthly-report.ts';
import type { RunParts } from './nightly/parts.ts';
import { DecayRequest, WorkRequest } from './nightly/run.ts';
import { platformOfAws } from './platform.ts';

/** What decay needs, and what comparing HubSpot with the table does. */
export interface NightlyParts extends Omit<DecayParts, 'logger'>, RunParts {}

/** What of a message of the door's own queue is read. */
const Messages = v.object({ Records: v.array(v.object({ messageId: v.string(), body: v.string() })) });

// Schedules -> due index -> ticks queue: only contacts whose shown values change are touched. Own queue -> HubSpot, page by page -> what
// differs is kept, scored, and sent to write-back. Then the table's deals: what sources are worth, and once a month a report.
export function createNightly(
  parts: NightlyParts,
): (event: unknown) => Promise<NightReport | SQSBatchResponse> {
  return async (event) => {
    const messages = v.safeParse(Messages, event);
    if (!messages.success) return fadeAndBegin(event, parts);
    const failed: string[] = [];
    for (const { messageId, body } of messages.output.Records) {
      try {
        await answer(JSON.parse(body), parts);
      } catch (error) {
        parts.count('ReconcileFinished', 0);
        parts.logger.error('a run came no further', { error: error instanceof Error ? error : undefined });
        failed.push(messageId); // The queue brings it again, and the run goes on from where it is.
      }
    }
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

async function answer(body: unknown, parts: NightlyParts): Promise<void> {
  const work = v.safeParse(WorkRequest, body);
  if (!work.success) await fadeAndBegin(body, parts);
  else if (work.output.portalId !== parts.portalId) throw new Error('asked about another portal');
  else if (work.output.job === 'continue') await goOn(work.output.run, parts);
  else if (work.output.job === 'report') await reportMonth(work.output.nightMs, parts);
  else await begin(work.output.job, {}, parts);
}

/** Lets fade what is due; where a night is asked for, then begins to compare. */
async function fadeAndBegin(event: unknown, parts: NightlyParts): Promise<NightReport> {
  const report = await runDecay(event, parts);
  const { job } = v.parse(DecayRequest, event);
  if (job === 'nightly') await begin(job, { due: report.due, ticked: report.due }, parts);
  return report;
}

let nightly: ReturnType<typeof createNightly> | undefined;

export const handler: ReturnType<typeof createNightly> = (event) => {
  if (nightly === undefined) {
    const parts = connectNightly(process.env, platformOfAws(process.env));
    nightly = publishing(createNightly(parts), parts);
  }
  return nightly(event);
};
