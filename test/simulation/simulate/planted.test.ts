import { join } from 'node:path';
import { type AllPlanted, findPlanted, type Planted } from '../../../simulation/simulate/planted.ts';
import type { Patch, Variant } from '../../../simulation/variants/variant.ts';

const PRODUCT = join(import.meta.dirname, '../planted-product');
const SIMULATED = {
  module: new URL('../planted-product/seed.ts', import.meta.url).href,
  root: PRODUCT,
  isTraced: false,
};

function variantOf(name: string, patch: Partial<Patch>): Variant {
  const patches = [{ file: 'points.ts', find: 'points * 2', replace: 'points * 3', ...patch }];
  return { name, wrong: 'Points are not doubled.', promise: 2, patches };
}

async function planted(variant: Variant, options: { from: number; seeds: number }): Promise<AllPlanted> {
  const told: Planted[] = [];
  const all = await findPlanted([variant], { threads: 1, ...options }, SIMULATED, (each) => told.push(each));
  expect(told).toEqual(all.variants);
  return all;
}

test('a planted bug is found by the first seed that sees it, and only the variant has it', async () => {
  const all = await planted(variantOf('trebled', {}), { from: 1, seeds: 10 });

  expect(all).toMatchObject({
    variants: [{ name: 'trebled', outcome: 'found', seeds: 3, by: 'promise 2: twice 3 is 9' }],
    failing: [],
  });
});

test('a bug that no seed sees survives', async () => {
  const all = await planted(variantOf('trebled', {}), { from: 1, seeds: 2 });

  expect(all).toMatchObject({ variants: [{ outcome: 'survived', seeds: 2, by: '' }] });
});

test('what the product does wrong itself is no planted bug, and is told', async () => {
  const all = await planted(variantOf('the same', { replace: '2 * points' }), { from: 49, seeds: 3 });

  expect(all).toMatchObject({ variants: [{ outcome: 'survived' }], failing: [50] });
});

test('a seed that the product itself fails is passed over', async () => {
  const all = await planted(variantOf('trebled', {}), { from: 50, seeds: 3 });

  expect(all).toMatchObject({ variants: [{ outcome: 'found', seeds: 2 }], failing: [50] });
});

test.each<[string, Partial<Patch>, string]>([
  ['that fits no longer', { find: 'points * 4' }, 'the code has moved on'],
  ['of what nobody loads', { file: 'untouched.ts', find: 'loads this' }, 'nothing of this is simulated'],
  ['that is no TypeScript', { replace: 'points *' }, 'Expression expected'],
])('a bug %s is no bug', async (_how, patch, reason) => {
  const all = await planted(variantOf('wrong', patch), { from: 1, seeds: 10 });

  expect(all).toMatchObject({ variants: [{ outcome: 'broken', by: expect.stringContaining(reason) }] });
});
