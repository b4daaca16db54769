import { figuresOf, windowsOver } from '../../bench/virtual/figures.ts';

const sentAt = (...times: number[]) => times.map((atMs) => ({ atMs, status: 200 }));
const over = (...times: number[]) => windowsOver(sentAt(...times), 3);

test('a call counts as over the limit when as many as the limit were sent less than 10 s before it', () => {
  expect(over(0, 1, 2)).toBe(0);
  expect(over(0, 1, 2, 9999)).toBe(1);
  expect(over(0, 1, 2, 10_000)).toBe(0); // HubSpot has forgotten the first by then.
  expect(over(0, 1, 2, 3, 4)).toBe(2);
});

test('what is allowed is the limit without the reserve, and calls are counted between the first and the last', () => {
  // 17 calls a second are allowed, and 17 were made in the second after the first.
  const calls = sentAt(...Array.from({ length: 18 }, (_, at) => 5000 + (at * 1000) / 17));

  expect(figuresOf(calls, 190, 20).shareOfAllowedUsed).toBe(1);
});

test('refusals for the limit and all that is no success are shares of all calls', () => {
  const calls = [200, 207, 429, 500, 0].map((status, at) => ({ atMs: at, status }));

  expect(figuresOf(calls, 190, 20)).toMatchObject({ calls: 5, rateLimitedShare: 0.2, errorShare: 0.6 });
});
