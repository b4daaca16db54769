import type { Envelope } from './envelope.ts';
import {
  ANOTHER_PORTAL,
  factKey,
  type Heard,
  type Hearing,
  implausible,
  type ReadingContext,
  type Rejected,
  rejected,
  type Subject,
} from './heard.ts';
import { readHubSpotEvents } from './hubspot-events.ts';
import { readJson } from './json.ts';
import { observeSnapshot } from './property-facts.ts';
import { readSignals, type Signal } from './signals.ts';
import { readWorkflow } from './workflow.ts';

/** Everything one verified request says. Never throws for what a request holds: what is not understood is rejected. */
export function readEnvelope(envelope: Envelope, context: Omit<ReadingContext, 'receivedAtMs'>): Hearing {
  if (envelope.portalId !== context.portalId) return { heard: [], rejected: [], dropped: [ANOTHER_PORTAL] };
  const raw = Buffer.from(envelope.body, 'base64');
  const reading = { ...context, receivedAtMs: envelope.receivedAtMs };
  let body: unknown;
  try {
    body = readJson(raw);
  } catch {
    return {
      heard: [],
      rejected: [rejected('body', 'the body is not JSON in UTF-8', envelope.body)],
      dropped: [],
    };
  }
  if (envelope.route === '/webhooks/hubspot') return readHubSpotEvents(body, reading);
  if (envelope.route === '/webhooks/workflow') return readWorkflow(body, raw, reading);
  return readOwnSignals(body, envelope.messageId ?? '', reading);
}

function readOwnSignals(body: unknown, messageId: string, context: ReadingContext): Hearing {
  const read = readSignals(body);
  // Ingest told the caller what is wrong; the words name keys the caller made up, and reasons are logged.
  if ('problems' in read)
    return {
      heard: [],
      rejected: [rejected('body', 'not signals as they are documented', body)],
      dropped: [],
    };
  const heard: Heard[] = [];
  const refused: Rejected[] = [];
  for (const [index, signal] of read.signals.entries()) {
    const reason = implausible(signal.occurredAt, context.receivedAtMs);
    if (reason === undefined) heard.push(readOwnSignal(signal, messageId, index, context));
    else refused.push(rejected('time', `[${index}].occurredAt: ${reason}`, signal));
  }
  return { heard, rejected: refused, dropped: [] };
}

/** An own signal is known by the id of its message and its place in it. */
function readOwnSignal(signal: Signal, messageId: string, index: number, context: ReadingContext): Heard {
  const { contactId: id, email = '', occurredAt: occurredAtMs } = signal;
  const subject: Subject = id === undefined ? { type: 'email', email } : { type: 'contact', id };
  const key = factKey(context.portalId, 'signals', messageId, index);
  const { facts, properties } = observeSnapshot(
    Object.entries(signal.properties),
    subject,
    occurredAtMs,
    context,
  );
  return { subject, facts: [{ key, name: `signal:${signal.signal}`, occurredAtMs }, ...facts], properties };
}
