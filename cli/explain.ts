import { writeFileSync } from 'node:fs';
import { findExplanation } from '../lambdas/explain/find.ts';
import { drawExplanation } from '../lambdas/explain/picture.ts';
import { formatExplanation } from '../lambdas/explain/text.ts';
import { type Explanation, OUTLOOK_DAYS } from '../lambdas/scoring/explanation.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { type Target, UsageError } from './target.ts';

/** Furthest the graph looks ahead: signals leave the horizon before. */
const MOST_DAYS = 390;

/**
 * Explains the score of a contact as it is now, from the table.
 *
 * @param days - how far the graph looks ahead, as typed
 * @throws UsageError when there is nothing to explain, with the reason
 */
export async function explain(
  target: Target,
  model: Model,
  contactId: string,
  days = String(OUTLOOK_DAYS),
): Promise<Explanation> {
  if (!/^\d{1,20}$/.test(contactId))
    throw new UsageError(
      `"${contactId}" is no record id: HubSpot's are digits, as in the address of the contact`,
    );
  if (!/^\d{1,3}$/.test(days) || Number(days) < 1 || Number(days) > MOST_DAYS)
    throw new UsageError(`--days: expected a whole number from 1 to ${MOST_DAYS}, found "${days}"`);
  const found = await findExplanation({ ...target, model }, contactId, Number(days));
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
