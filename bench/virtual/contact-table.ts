import type { TablePlan } from '../../local/runner/assembly.ts';

/** As `lib/contact-table.ts` deploys it. */
export const CONTACT_TABLE: TablePlan = {
  name: 'contacts',
  attributes: [
    ...['pk', 'sk', 'due', 'company', 'roll'].map((name) => ({ name, type: 'S' as const })),
    ...['rank', 'id'].map((name) => ({ name, type: 'N' as const })),
  ],
  keys: [
    { name: 'pk', type: 'HASH' },
    { name: 'sk', type: 'RANGE' },
  ],
  indexes: [
    ['due', 'pk'],
    ['company', 'rank'],
    ['roll', 'id'],
  ].map(([hash = '', range = '']) => ({
    name: hash,
    keys: [
      { name: hash, type: 'HASH' },
      { name: range, type: 'RANGE' },
    ],
    projection: 'KEYS_ONLY',
    projected: [],
  })),
};
