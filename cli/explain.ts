import { writeFileSync } from 'node:fs';
import { RECORD_ID } from '../lambdas/events/fields.ts';
import { DAYS_EXPECTED, readDays } from '../lambdas/explain/days.ts';
import { findExplanation } from '../lambdas/explain/find.ts';
import { drawExplanation } from '../lambdas/explain/picture.ts';
import { formatExplanation } from '../lambdas/explain/text.ts';
import type { Explanation } from '../lambdas/scoring/explanation.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { type Target, UsageError } from './target.ts';

/**
 * Explains the score of a contact as it is now, from the table.
 *
 * @param days - how far the graph looks ahead, as typed
 * @throws UsageError when there is nothing to explain, with the reason
 */
export async function explain(
  target: Omit<Target, 'store'>,
  model: Model,
  contactId: string,
  days?: string,
): Promise<Explanation> {
  if (!RECORD_ID.test(contactId))
    throw new UsageError(
      `"${contactId}" is no record id: HubSpot's are digits, as in the address of the contact`,
    );
  const lookAhead = readDays(days);
  if (lookAhead === undefined) throw new UsageError(`--days: expected ${DAYS_EXPECTED}, found "${days}"`);
  const found = await findExplanation({ ...target, model }, contactId, lookAhead);
  if ('missing' in found) throw new UsageError(`${found.reason} (portal ${target.portalId})`);
  return found;
}

/** Writes the graph of the days to come. @throws UsageError when the file cannot be written */
export function writePicture(file: string, explanation: Explanation): void {
  try {
    writeFileSync(file, drawExplanation(explanation));
  } catch (cause) {
    throw new UsageError(`${file} cannot be written`, { cause });
  }
}

/** What the command prints. */
export function printed(explanation: Explanation, isJson: boolean): string {
  return isJson ? JSON.stringify(explanation) : formatExplanation(explanation);
}
