import * as v from 'valibot';
import { detailsAt } from './details.ts';
import type { Send } from './transport.ts';

/** The pipelines of deals, in HubSpot's order, with their stages in theirs. */
export const Pipelines = v.array(
  v.object({
    id: v.string(),
    label: v.string(),
    stages: v.array(
      v.object({
        id: v.string(),
        label: v.string(),
        isClosed: v.boolean(),
        /** Of winning the deal, 0 to 1; null where HubSpot gives none. */
        probability: v.nullable(v.number()),
      }),
    ),
  }),
);
export type Pipelines = v.InferOutput<typeof Pipelines>;

const Placed = { id: v.string(), label: v.string(), displayOrder: v.optional(v.number(), 0) };
const Answer = v.object({
  results: v.array(
    v.object({
      ...Placed,
      stages: v.array(v.object({ ...Placed, metadata: v.optional(v.record(v.string(), v.string()), {}) })),
    }),
  ),
});

/**
 * Reads the pipelines of deals. Needs the scope `crm.objects.deals.read`.
 *
 * @param apiUrl - scheme and host, no trailing slash
 */
export async function readPipelines(apiUrl: string, send: Send): Promise<Pipelines> {
  const { results } = await detailsAt(`${apiUrl}/crm/v3/pipelines/deals`, Answer, send);
  return results.toSorted(byOrder).map(({ id, label, stages }) => ({
    id,
    label,
    stages: stages.toSorted(byOrder).map((stage) => ({
      id: stage.id,
      label: stage.label,
      isClosed: stage.metadata['isClosed'] === 'true',
      probability: probabilityOf(stage.metadata['probability']),
    })),
  }));
}

function byOrder(one: { displayOrder: number }, other: { displayOrder: number }): number {
  return one.displayOrder - other.displayOrder;
}

function probabilityOf(text = ''): number | null {
  const probability = Number.parseFloat(text);
  return Number.isFinite(probability) ? probability : null;
}
