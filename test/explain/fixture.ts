import { type Explanation, explainContact } from '../../lambdas/scoring/explanation.ts';
import type { Known } from '../../lambdas/scoring/facts.ts';
import type { Shown } from '../../lambdas/scoring/show.ts';
import { modelOf } from '../scoring/model-of.ts';

export const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
export const DAY_MS = 86_400_000;

/** 40 points for a demo that halve every 30 days, at most 50; 20 of fit; customers are out. Grades A from 60, B from 40, C. */
export const MODEL = modelOf(`
  name: small
  fit: { rules: [{ id: cto, title: Runs technology, property: jobtitle, is: [CTO], points: 20 }] }
  engagement:
    signals:
      - { id: demo-request, title: Asked for a demo, from: { kind: signal, signal: demo }, points: 40, halfLifeDays: 30, cap: 50 }
      - { id: login, title: Logged in, from: { kind: signal, signal: login }, points: 2, halfLifeDays: 30,
          burst: { moreThan: 1, withinSeconds: 60 } }
  exclusions: [{ id: customer, title: Customer & friend, property: lifecyclestage, is: [customer] }]
  grades: { bands: [{ grade: A, from: 60 }, { grade: B, from: 40 }, { grade: C, from: 0 }] }
`);

/** A contact who runs technology and did these things so many days ago. */
export function contact(
  daysAgo: readonly number[],
  properties: Readonly<Record<string, string>> = {},
): Known {
  return {
    facts: daysAgo.map((days, at) => ({
      key: String(at),
      name: 'signal:demo',
      occurredAtMs: NOW_MS - days * DAY_MS,
    })),
    properties: Object.entries({ jobtitle: 'CTO', ...properties }).map(([name, value]) => ({
      name,
      value,
      occurredAtMs: NOW_MS - 400 * DAY_MS,
    })),
  };
}

interface Case {
  readonly nowMs?: number;
  readonly days?: number;
  readonly shown?: Shown;
  readonly timeZone?: string;
  readonly model?: typeof MODEL;
}

export function explained(
  known: Known,
  { nowMs = NOW_MS, days, shown, timeZone = 'UTC', model = MODEL }: Case = {},
): Explanation {
  const head = { shown, confirmedWriteId: undefined };
  return explainContact(model, known, head, { portalId: '33', contactId: '7', timeZone }, nowMs, days);
}
