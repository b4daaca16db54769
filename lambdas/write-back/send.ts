import { type Outcome, writeBatch, writeOne } from '../hubspot/batch-write.ts';
import { sendByProperty } from './by-property.ts';
import { inputOf, type Outcomes, type Write } from './inputs.ts';
import type { Run } from './run.ts';
import type { Candidate, Kind } from './write.ts';

/** Some properties of ours were left out: HubSpot shows the others. */
export interface Partly {
  readonly kind: 'partly';
}

/** While none of its properties can be written, a record comes back after this time. */
const NOTHING_WRITABLE_RETRY_MS = 15 * 60_000;

/**
 * Sends up to 100 records. Properties that HubSpot does not let us write are left out; where it says so only now, the records it
 * refused for it are sent once more without them.
 */
export async function send<Head>(
  open: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<ReadonlyMap<string, Outcome | Partly>> {
  const outcomes = new Map(await sendOnce(open, kind, run));
  const refused = [...outcomes.values()].filter((outcome) => outcome.kind === 'unwritable');
  if (refused.length === 0) return outcomes;
  await run.outputs.contradicted(kind.type, refused);
  const again = open.filter(({ id }) => outcomes.get(id)?.kind === 'unwritable');
  for (const [id, outcome] of await sendOnce(again, kind, run)) outcomes.set(id, outcome);
  return outcomes;
}

async function sendOnce<Head>(
  open: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<Map<string, Outcome | Partly>> {
  const valuesById = new Map(open.map(({ id, head }) => [id, kind.valuesOf(head)]));
  const writes = [...valuesById].map(([id, values]) => ({ id, properties: writable(values, kind, run) }));
  const outcomes = new Map<string, Outcome | Partly>();
  const possible = writes.filter(({ id, properties }) => {
    const isPossible = Object.keys(properties).length > 0;
    if (!isPossible) outcomes.set(id, { kind: 'later', retryAtMs: run.clock() + NOTHING_WRITABLE_RETRY_MS });
    return isPossible;
  });
  const took = await sendWrites(possible, kind, run);
  for (const { id, properties } of possible) {
    const outcome = took.get(id) ?? { kind: 'unknown' };
    const isPartly = Object.keys(properties).length < Object.keys(valuesById.get(id) ?? {}).length;
    outcomes.set(id, outcome.kind === 'written' && isPartly ? { kind: 'partly' } : outcome);
  }
  const written = possible.find(({ id }) => took.get(id)?.kind === 'written');
  if (written !== undefined) await run.outputs.took(kind.type, Object.keys(written.properties));
  return outcomes;
}

/** What can be written of some values. Where that is not all, no write id vouches for it. */
function writable<Head>(
  values: Readonly<Record<string, string>>,
  { type, telling }: Kind<Head>,
  { outputs }: Run,
): Record<string, string> {
  const withheld = outputs.withheld(type, values);
  if (withheld.size === 0) return { ...values };
  const left = Object.entries(values).filter(([name]) => !withheld.has(name));
  return Object.fromEntries(left.map(([name, value]) => [name, name === telling ? '' : value]));
}

async function sendWrites<Head>(
  writes: readonly Write[],
  { hubSpot, type }: Kind<Head>,
  run: Run,
): Promise<Outcomes> {
  const [first] = writes;
  if (first === undefined) return new Map();
  // Somebody waits for this one, and it would be alone in its batch: the single call also finds merged records by itself.
  if (run.isUrgent && writes.length === 1)
    return new Map([[first.id, await writeOne(hubSpot, inputOf(first), run.clock)]]);
  if (type === 'contacts' && run.idProperty !== '') return sendByProperty(writes, hubSpot, run);
  return writeBatch(hubSpot, writes.map(inputOf), run.clock);
}
