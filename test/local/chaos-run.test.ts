import { summaryOf } from '../../local/chaos-run.ts';
import { isAllRight } from '../../local/demo-run.ts';
import { CHAOS_KINDS } from '../../local/hubspot/chaos.ts';

/** What is said of a run in which all kinds of faults were done but some. */
function summarize(left: readonly string[], letters: number) {
  const done = CHAOS_KINDS.filter((kind) => !left.includes(kind));
  return summaryOf(
    {
      chaos: { injected: Object.fromEntries(done.map((kind) => [kind, 2])) },
      system: {
        deadLetters: async () => Array.from({ length: letters }, () => ({ queue: 'Changes', body: '{}' })),
      },
    },
    12,
    34.56,
  );
}

test('the JSON line names the kinds of faults that were not done', async () => {
  expect(await summarize(['477', 'silence-late'], 1)).toMatchObject({
    faults: 2 * (CHAOS_KINDS.length - 2),
    rounds: 12,
    hoursMoved: 34.6,
    deadLetters: 1,
    missing: ['477', 'silence-late'],
  });
});

test.each([
  {
    because: 'every kind was done, and nothing was given up',
    left: [],
    letters: 0,
    mismatches: 0,
    isRight: true,
  },
  { because: 'HubSpot shows something else', left: [], letters: 0, mismatches: 1, isRight: false },
  {
    because: 'a kind was not done, so nothing is known of it',
    left: ['477'],
    letters: 0,
    mismatches: 0,
    isRight: false,
  },
  { because: 'something was given up', left: [], letters: 1, mismatches: 0, isRight: false },
])(
  'a run with chaos is all right: $isRight, since $because',
  async ({ left, letters, mismatches, isRight }) => {
    expect(isAllRight({ mismatches, chaos: await summarize(left, letters) })).toBe(isRight);
  },
);

test.each([
  [0, true],
  [1, false],
])('a calm run with %d mismatches is all right: %p', (mismatches, isRight) => {
  expect(isAllRight({ mismatches })).toBe(isRight);
});
