import * as v from 'valibot';
import { CompanyTick, Envelope, Tick } from './envelope.ts';
import { ANOTHER_PORTAL, type Heard, type Hearing, type ReadingContext, rejected } from './heard.ts';
import { readEnvelope } from './hearing.ts';

/** One message of the events or the ticks queue, read. */
export interface Message extends Hearing {
  readonly messageId: string;
  readonly portalId: string;
  readonly heard: readonly Heard[];
  /** Ids of contacts that fall due. */
  readonly tick: readonly string[];
  /** A company whose contacts are to be scored anew. */
  readonly companyTick?: CompanyTick;
}

const Body = v.pipe(v.string(), v.parseJson(), v.union([Envelope, Tick, CompanyTick]));

/**
 * Reads the messages of one invocation. Never throws for what a message holds: one that is neither a request nor a tick is
 * rejected as a whole.
 */
export function readMessages(
  records: readonly { readonly messageId: string; readonly body: string }[],
  context: Omit<ReadingContext, 'receivedAtMs'>,
): Message[] {
  return records.map(({ messageId, body }) => {
    const nothing = { messageId, portalId: context.portalId, heard: [], rejected: [], dropped: [], tick: [] };
    const parsed = v.safeParse(Body, body);
    if (!parsed.success) {
      const reason = 'a message that is neither a request nor a tick';
      return { ...nothing, rejected: [rejected('message', reason, body)] };
    }
    if ('route' in parsed.output) return { ...nothing, ...readEnvelope(parsed.output, context) };
    if (parsed.output.portalId !== context.portalId) return { ...nothing, dropped: [ANOTHER_PORTAL] };
    if ('companyId' in parsed.output) return { ...nothing, companyTick: parsed.output };
    return { ...nothing, tick: parsed.output.contactIds };
  });
}
