import type { Fact, PropertyValue } from '../../lambdas/scoring/facts.ts';
import type { ScoreKnown } from '../../lambdas/store/contact-table.ts';

/** 1 June 2026, noon. */
export const NOON = Date.UTC(2026, 5, 1, 12);

/** Something worth points, one unless told otherwise. */
export function fact(key: string, points = 1, occurredAtMs = NOON): Fact {
  return { key, name: 'signal:test', occurredAtMs, value: String(points) };
}

export function property(name: string, value: string, occurredAtMs = NOON): PropertyValue {
  return { name, value, occurredAtMs };
}

/** A score that any reader can check: the sum of the points, and as reasons all that was seen. */
export const plainScore: ScoreKnown = (contactId, { facts, properties, company = [], deals = [] }) => {
  const points = facts.reduce((sum, { value }) => sum + Number(value ?? 0), 0);
  const seen = [
    ...facts.map(({ key }) => key),
    ...properties.map(({ name, value }) => `${name}=${value}`),
    ...company.map(({ name, value }) => `company.${name}=${value}`),
    ...deals.map(({ id, state, closedAtMs = 'now' }) => `deal:${id}:${state}:${closedAtMs}`),
  ].toSorted();
  const shown = {
    score: points,
    fit: 0,
    engagement: points,
    grade: 'A',
    status: 'scored' as const,
    model: 'plain@1',
    reasons: seen.join(' '),
  };
  return {
    shown,
    writeId: `${contactId}:${points}`,
    dueNight: undefined,
    dueAtMs: undefined,
    lastSignalAtMs: facts[0]?.occurredAtMs,
  };
};
