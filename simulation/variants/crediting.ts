// Bugs in the credit of deals.
import type { Variant } from './variant.ts';

const DEAL_CREDIT = 'lambdas/hydration/deal-credit.ts';
const MONEY = 'lambdas/attribution/money.ts';

const TOUCHES_READ =
  '  const credited = creditOf(deal, await touchesOfDeal(deal, run), rules, await effectsFor(rules, run));';

export const CREDITING: readonly Variant[] = [
  {
    name: 'credit-lost-on-reopening',
    wrong: 'A deal that is opened again loses its credit.',
    promise: 2,
    patches: [
      {
        file: DEAL_CREDIT,
        find: TOUCHES_READ,
        replace: `  const wasClosed = (head.deal?.state ?? 'open') !== 'open' || head.log.some(({ why }) => why === 'reopened');
  const touches = wasClosed && deal.state === 'open' ? [] : await touchesOfDeal(deal, run);
  const credited = creditOf(deal, touches, rules, await effectsFor(rules, run));`,
      },
    ],
  },
  {
    name: 'rounding-drift',
    wrong: 'Shares are rounded one by one: they do not sum to the amount of the deal.',
    promise: 2,
    patches: [
      {
        file: MONEY,
        find: '  const whole = parts.map((part, at) => (raised.has(at) ? part + 1n : part));',
        replace: '  const whole = parts;',
      },
    ],
  },
  {
    name: 'stale-amount-wins',
    wrong: 'Of two readings of a deal the one that is stored last wins, not the newer.',
    promise: 2,
    patches: [
      {
        file: DEAL_CREDIT,
        find: '    deal: before !== undefined && isOlder ? { ...before, contactIds: told.contactIds } : told,',
        replace: '    deal: told,',
      },
    ],
  },
  {
    name: 'restatement-not-logged',
    wrong: 'A credit becomes another, and the log of the deal does not say so.',
    promise: 4,
    patches: [
      {
        file: 'lambdas/store/deal-table.ts',
        find: '    const lines = [restatement ?? [], before.log].flat();',
        replace: '    const lines = [before.log.length > 0 ? [] : (restatement ?? []), before.log].flat();',
      },
    ],
  },
];
