import { MovedOnError, patched } from '../../../simulation/variants/patching.ts';

const FILE = 'lambdas/scorer.ts';

test('a patch replaces what it looks for, in its own file only', () => {
  const patches = [
    { file: FILE, find: 'await keep(', replace: 'void keep(' },
    { file: 'lambdas/other.ts', find: 'keep', replace: 'lose' },
  ];

  expect(patched('x;\nawait keep(fact);\n', FILE, patches)).toBe('x;\nvoid keep(fact);\n');
});

test('what is put in is taken as it stands', () => {
  expect(patched('a(b)', FILE, [{ file: FILE, find: '(b)', replace: "$& $1 $'" }])).toBe("a$& $1 $'");
});

test.each([
  ['await hold(fact);', 0],
  ['await keep(a); await keep(b);', 2],
])('in %j the code has moved on', (source, times) => {
  const plant = () => patched(source, FILE, [{ file: FILE, find: 'await keep(', replace: '' }]);

  expect(plant).toThrow(MovedOnError);
  expect(plant).toThrow(
    `the code has moved on: in ${FILE} this stands ${times} times, not once: await keep(`,
  );
});
