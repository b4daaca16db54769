// Deals and touches for tests, told by what matters.
import type { CreditedDeal, CreditRules, DealTouch } from '../../lambdas/attribution/credit.ts';
import { CREDIT_MODELS } from '../../lambdas/scoring/model-file.ts';

export const DAY_MS = 86_400_000;
export const STAGE_MS = Date.UTC(2026, 9, 20, 12);

export function deal(parts: Partial<CreditedDeal> = {}): CreditedDeal {
  return {
    id: '900',
    name: 'Northwind',
    pipeline: 'default',
    stage: 'closedwon',
    state: 'won',
    amount: '1000',
    currency: 'USD',
    stageSinceMs: STAGE_MS,
    createdAtMs: STAGE_MS - 60 * DAY_MS,
    closedAtMs: STAGE_MS,
    contactIds: ['501'],
    ...parts,
  };
}

/** A visit some days before the deal came into its stage. */
export function touch(source: string, daysBefore: number, parts: Partial<DealTouch> = {}): DealTouch {
  const atMs = STAGE_MS - daysBefore * DAY_MS;
  return { source, atMs, contactId: '501', key: `${source} ${daysBefore}`, ...parts };
}

export const RULES: CreditRules = { windowDays: 90, models: CREDIT_MODELS, halfLifeDays: 7 };

/** The same numbers in every run. @returns from 0 to below `below`, whole */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
