import * as v from 'valibot';
import type { Route } from '../../lambdas/events/envelope.ts';
import type { Hearing } from '../../lambdas/events/heard.ts';
import { readEnvelope } from '../../lambdas/events/hearing.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { Sources } from '../../lambdas/scoring/sources.ts';

export const PORTAL = '247187887';
/** When everything here is received: a minute after the events of HubSpot's examples. */
export const RECEIVED_AT_MS = 1787843216000;

const rule = (id: string, from: object, points: number, more: object = {}) => ({
  id,
  title: id,
  from,
  points,
  halfLifeDays: 'never',
  ...more,
});
/** Two signals of one act share a cap, here one that is never reached. */
const SITE = { group: 'site' };

/** A model with one rule of each kind, none of them fading or capped: the score is the number of things counted. */
export function countingModel(): Model {
  const checked = checkModel({
    name: 'counting',
    range: { min: 0, max: 1000 },
    fit: {
      rules: [
        { id: 'role', title: 'Role', property: 'jobtitle', is: ['Head of IT'], points: 1 },
        { id: 'size', title: 'Size', property: 'company.numberofemployees', atLeast: 100, points: 0 },
      ],
    },
    engagement: {
      groups: { site: { cap: 1000 } },
      signals: [
        rule('opened', { kind: 'timestamp', property: 'hs_email_last_open_date' }, 1),
        rule('viewed', { kind: 'counter', property: 'hs_analytics_num_page_views' }, 1, SITE),
        rule('became-lead', { kind: 'transition', property: 'lifecyclestage', to: ['lead'] }, 1),
        rule(
          'saw-pricing',
          { kind: 'text', property: 'hs_analytics_last_url', contains: ['/pricing'] },
          1,
          SITE,
        ),
        rule('logged-in', { kind: 'signal', signal: 'product.login' }, 1),
      ],
    },
    grades: { bands: [{ grade: 'A', from: 0 }] },
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

/** A model that keeps visits. */
export function touchModel(): Model {
  const checked = checkModel(
    {
      name: 'touches',
      fit: { rules: [{ id: 'role', title: 'Role', property: 'jobtitle', is: ['Head of IT'], points: 1 }] },
      engagement: { signals: [rule('logged-in', { kind: 'signal', signal: 'product.login' }, 1)] },
      grades: { bands: [{ grade: 'A', from: 0 }] },
      attribution: { models: ['linear'] },
    },
    [],
    SOURCES,
  );
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

const SOURCES = v.parse(Sources, {
  sources: [
    { id: 'chatgpt', channel: 'ai', label: 'ChatGPT', hosts: ['chatgpt.com'], userAgents: ['ChatGPT/'] },
  ],
  mediums: {},
});

export interface HearingOptions {
  /** `countingModel` if not said. */
  readonly model?: Model;
  readonly ownAppIds?: readonly string[];
  readonly receivedAtMs?: number;
  readonly messageId?: string;
}

/** What a request says: its body as text, or as bytes. */
export function hear(
  route: Route,
  body: string | Buffer | object,
  { model = countingModel(), ownAppIds = [], receivedAtMs = RECEIVED_AT_MS, messageId }: HearingOptions = {},
): Hearing {
  const raw =
    typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const envelope = { portalId: PORTAL, route, receivedAtMs, messageId, body: raw.toString('base64') };
  return readEnvelope(envelope, { model, portalId: PORTAL, ownAppIds });
}

/** HubSpot's example of a property change, with some of it changed. */
export function propertyChange(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    eventId: 4101286121,
    subscriptionId: 7562680,
    portalId: 247187887,
    appId: 50780459,
    occurredAt: 1787843156000,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: 541935488729,
    propertyName: 'lifecyclestage',
    propertyValue: 'lead',
    changeSource: 'CRM_UI',
    sourceId: 'userId:882761034',
    ...changes,
  };
}
