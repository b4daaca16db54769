import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { patched } from '../../simulation/variants/patching.ts';
import { VARIANTS } from '../../simulation/variants.ts';

const ROOT = join(import.meta.dirname, '../..');

/** At least so many bugs the simulation is to be tried with. */
const LEAST = 25;

test('there are enough planted bugs, each with a name of its own, and a promise that it breaks', () => {
  const names = VARIANTS.map(({ name }) => name);

  expect(VARIANTS.length).toBeGreaterThanOrEqual(LEAST);
  expect(new Set(names).size).toBe(names.length);
  expect(VARIANTS.filter(({ promise }) => ![1, 2, 3, 4, 5, 6, 7, 8].includes(promise))).toEqual([]);
});

test.each(VARIANTS)('the bug $name can be planted in the code as it is today', ({ patches }) => {
  for (const file of new Set(patches.map((patch) => patch.file))) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    const planted = patched(source, file, patches);

    expect(planted).not.toBe(source);
    expect(() => stripTypeScriptTypes(planted)).not.toThrow();
  }
});
