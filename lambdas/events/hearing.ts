import { usesTouches } from '../scoring/model.ts';
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
import { hearSession, serverTouch } from './sessions.ts';
import { type IdentifySignal, readSignals, type Signal, type VisitSignal } from './signals.ts';
import { keptOf } from './visits.ts';
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
  if (envelope.route === '/sessions') return readSession(body, reading);
  return readOwnSignals(body, envelope.messageId ?? '', reading);
}

/** Why visits, and whose browsers are, are dropped. */
const NO_ATTRIBUTION = 'a visit, and the model has no attribution';

function readSession(body: unknown, context: ReadingContext): Hearing {
  const nothing = { heard: [], rejected: [], dropped: [] };
  if (!usesTouches(context.model)) return { ...nothing, dropped: [NO_ATTRIBUTION] };
  const heard = hearSession(body, context);
  if (heard !== undefined) return { ...nothing, heard: [heard] };
  return { ...nothing, rejected: [rejected('body', 'not a session as ingest writes it', body)] };
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
  const dropped: string[] = [];
  for (const [index, signal] of read.signals.entries()) {
    const reason = implausible(signal.occurredAt, context.receivedAtMs);
    if (reason !== undefined) refused.push(rejected('time', `[${index}].occurredAt: ${reason}`, signal));
    else if ('properties' in signal) heard.push(readOwnSignal(signal, messageId, index, context));
    else if (!usesTouches(context.model)) dropped.push(NO_ATTRIBUTION);
    else heard.push('url' in signal ? readVisit(signal, messageId, index, context) : readIdentity(signal));
  }
  return { heard, rejected: refused, dropped };
}

/** An own signal is known by the id of its message and its place in it. */
function readOwnSignal(signal: Signal, messageId: string, index: number, context: ReadingContext): Heard {
  const { occurredAt: occurredAtMs } = signal;
  const subject = subjectOf(signal);
  const key = factKey(context.portalId, 'signals', messageId, index);
  const { facts, properties } = observeSnapshot(
    Object.entries(signal.properties),
    subject,
    occurredAtMs,
    context,
  );
  return { subject, facts: [{ key, name: `signal:${signal.signal}`, occurredAtMs }, ...facts], properties };
}

/** A visit that names a person beside the browser says, too, whose the browser is. */
function readVisit(signal: VisitSignal, messageId: string, index: number, context: ReadingContext): Heard {
  const { visitorId, sessionId, occurredAt: atMs } = signal;
  const subject = subjectOf(signal);
  const source = { visitorId, sessionId, messageId, index };
  const facts = [serverTouch(source, atMs, keptOf(signal, context.model.sources), context)];
  if (subject.type === 'visitor' || visitorId === undefined) return { subject, facts, properties: [] };
  return { subject, facts, properties: [], turn: { kind: 'visitor', atMs, visitorId } };
}

function readIdentity({ visitorId, occurredAt: atMs, ...person }: IdentifySignal): Heard {
  return {
    subject: subjectOf(person),
    facts: [],
    properties: [],
    turn: { kind: 'visitor', atMs, visitorId },
  };
}

/** Whom a signal is about: a person, or else a browser. */
function subjectOf({ contactId: id, email, visitorId = '' }: Named): Subject {
  if (id !== undefined) return { type: 'contact', id };
  return email === undefined ? { type: 'visitor', visitorId } : { type: 'email', email };
}

type Named = Pick<VisitSignal, 'contactId' | 'email' | 'visitorId'>;
