import { type Outcome, outcomeOf, writeBatch } from '../hubspot/batch-write.ts';
import type { HubSpotObjects } from '../hubspot/objects.ts';
import { contactKey } from '../store/keys.ts';
import { inputOf, type Outcomes, type Write } from './inputs.ts';
import type { Run } from './run.ts';

/** An answer that says nothing of whose values are is waited for so long. */
const ASKED_AGAIN_MS = 60_000;

/** A write, and the value by which it is to be made. */
interface Named extends Write {
  readonly value: string;
}

/**
 * Writes contacts by a unique property of the customer's own instead of the record id, up to 100. Whose a value is by now is asked
 * before: what was written to another contact, and got no answer, nobody could trace. Who has no value, shares one, or has it no
 * longer, is written by record id all the same.
 *
 * @returns by record id
 */
export async function sendByProperty(
  writes: readonly Write[],
  hubSpot: HubSpotObjects,
  run: Run,
): Promise<Outcomes> {
  const { idProperty, clock } = run;
  const outcomes = new Map<string, Outcome>();
  const { named, unnamed } = await nameAll(writes, run);
  const left = [...unnamed];
  try {
    const values = named.map(({ value }) => value);
    const owners = values.length === 0 ? [] : await hubSpot.read(values, [idProperty], idProperty);
    const ownerOf = new Map(owners.map(({ id, properties }) => [properties[idProperty]?.toLowerCase(), id]));
    const own = named.filter(({ id, value }) => ownerOf.get(value.toLowerCase()) === id);
    const inputs = own.map(({ id, value, properties }) => ({
      ...inputOf({ id, properties }),
      id: value,
      idProperty,
      recordId: id,
    }));
    const took = inputs.length === 0 ? new Map<string, Outcome>() : await writeBatch(hubSpot, inputs, clock);
    for (const write of named) {
      const outcome = own.includes(write) ? (took.get(write.value) ?? { kind: 'unknown' }) : ASTRAY;
      if (outcome.kind !== 'astray') outcomes.set(write.id, outcome);
      else {
        await noteAstray(write.id, outcome.writtenId, run);
        left.push(write);
      }
    }
  } catch (error) {
    const failed = outcomeOf(error, clock());
    // Only asked, nothing sent yet.
    const outcome: Outcome =
      failed.kind === 'unknown' ? { kind: 'later', retryAtMs: clock() + ASKED_AGAIN_MS } : failed;
    for (const { id } of named) if (!outcomes.has(id)) outcomes.set(id, outcome);
  }
  if (left.length > 0)
    for (const [id, outcome] of await writeBatch(hubSpot, left.map(inputOf), clock))
      outcomes.set(id, outcome);
  return outcomes;
}

const ASTRAY: Outcome = { kind: 'astray', writtenId: undefined };

/** By what each contact is written. Twice in one batch, in whatever case, would make HubSpot refuse all of it. */
async function nameAll(
  writes: readonly Write[],
  { contacts, portalId, idProperty }: Run,
): Promise<{ named: Named[]; unnamed: Write[] }> {
  const keyOf = ({ id }: Write) => contactKey(portalId, id);
  const values = await contacts.propertyOf(writes.map(keyOf), idProperty);
  const named = new Map<string, Named>();
  const unnamed: Write[] = [];
  for (const write of writes) {
    const value = values.get(keyOf(write)) ?? '';
    if (value !== '' && !named.has(value.toLowerCase())) named.set(value.toLowerCase(), { ...write, value });
    else unnamed.push(write);
  }
  return { named: [...named.values()], unnamed };
}

/** The value that was kept has moved on: whoever has it now may show what is not its own, and the contact is read again for its new one. */
async function noteAstray(
  id: string,
  writtenId: string | undefined,
  { contacts, background, portalId, clock }: Run,
): Promise<void> {
  if (writtenId !== undefined) await background([{ portalId, contactId: writtenId, force: true }], 0);
  await contacts.forgetReading(contactKey(portalId, id), clock());
}
