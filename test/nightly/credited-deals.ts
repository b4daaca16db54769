// Deals that stand in the table as write-back leaves them.
import { readSources } from '../../cli/model-file.ts';
import { type CreditedDeal, creditOf } from '../../lambdas/attribution/credit.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { PORTAL } from '../write-back/system.ts';
import { type NightSystem, nightModel } from './system.ts';

const DAY_MS = 86_400_000;
const SOURCES = readSources('models/sources.yaml');

/** A model that also credits deals. */
export function creditModel(models: readonly string[] = ['linear', 'markov']): Model {
  return nightModel({ attribution: { windowDays: 90, models, halfLifeDays: 7 } }, SOURCES);
}

export interface GivenDeal extends Partial<CreditedDeal> {
  readonly id: string;
  /** Sources of its touches, such as `ai/chatgpt`, in the order they happened. */
  readonly path: readonly string[];
}

/** Keeps deals with their credit, as of now. HubSpot knows nothing of them. */
export async function keepCredited(
  { table, portal: { time } }: NightSystem,
  model: Model,
  given: readonly GivenDeal[],
): Promise<void> {
  const { attribution } = model;
  if (attribution === undefined) throw new Error('the model credits no deals');
  const deals = table.deals({ portalId: PORTAL, clock: () => time.nowMs });
  const heads = await deals.heads(given.map(({ id }) => id));
  for (const { path, ...more } of given) {
    const deal: CreditedDeal = {
      name: `Deal ${more.id}`,
      pipeline: 'default',
      stage: 'closedwon',
      state: 'won',
      amount: '1000',
      currency: 'EUR',
      stageSinceMs: time.nowMs,
      createdAtMs: time.nowMs - DAY_MS,
      closedAtMs: time.nowMs,
      contactIds: ['1'],
      ...more,
    };
    const touches = path.map((source, at) => ({
      source,
      atMs: deal.stageSinceMs - (path.length - at) * DAY_MS,
      contactId: '1',
      key: `${deal.id}-${at}`,
    }));
    const credit = creditOf(deal, touches, attribution, undefined);
    const before = heads.get(deal.id);
    const readAtMs = time.nowMs;
    const credited = {
      deal,
      credit,
      model: model.id,
      writeId: 'w',
      readAtMs,
      updatedAtMs: readAtMs,
      restatement: undefined,
    };
    if (before === undefined || (await deals.store(before, credited, readAtMs)) === undefined)
      throw new Error(`deal ${deal.id} was not kept`);
  }
}
