import { DEALS_PER_CONTACT, dealsKept, takeApart } from '../../lambdas/store/associations.ts';

const NOON = Date.UTC(2026, 5, 1, 12);

type Deals = Parameters<typeof dealsKept>[0];

/** Ids of the deals that are kept, as they are read back. */
const kept = (deals: Deals) => takeApart([dealsKept(deals, NOON)]).deals.map(({ id }) => id);

/** As many as are kept, with ids from the one given upwards. */
const many = (state: Deals[number]['state'], firstId: number, closedAtMs?: number): Deals =>
  Array.from({ length: DEALS_PER_CONTACT }, (_, at) => ({ id: String(firstId + at), state, closedAtMs }));

test.each([
  { deals: [{ id: '9', state: 'open', closedAtMs: undefined }], because: 'open' },
  { deals: [{ id: '9', state: 'lost', closedAtMs: NOON - 5 }], because: 'lost' },
  { deals: [{ id: '9', state: 'won', closedAtMs: NOON - 5 }], because: 'won' },
] as const)('the only deal that is $because is kept, however many others there are', ({ deals: [only] }) => {
  const states = (['won', 'lost', 'open'] as const).filter((state) => state !== only.state);
  const others = states.flatMap((state, at) => many(state, 1000 * (at + 1), NOON));

  const ids = kept([...others, only]);

  expect(ids).toHaveLength(DEALS_PER_CONTACT);
  expect(ids).toContain('9');
});

test('deals that are closed are kept rather than open ones, won ones rather than lost ones', () => {
  const [won, lost, open] = [
    many('won', 100, NOON).slice(0, 60),
    many('lost', 200, NOON).slice(0, 60),
    many('open', 300),
  ];

  const ids = kept([...open, ...lost, ...won]);

  expect(ids.filter((id) => id.startsWith('1'))).toHaveLength(60);
  expect(ids.filter((id) => id.startsWith('2'))).toHaveLength(39);
  expect(ids.filter((id) => id.startsWith('3'))).toHaveLength(1);
});

test('of lost deals those that closed last are kept, of open ones those made last', () => {
  const lost = Array.from({ length: 102 }, (_, at) => ({
    id: String(1000 - at),
    state: 'lost' as const,
    closedAtMs: NOON + at,
  }));
  const open = [{ id: '9', state: 'open' as const, closedAtMs: undefined }, ...many('open', 10)];

  expect(new Set(kept(lost))).toEqual(new Set(lost.slice(2).map(({ id }) => id)));
  expect(new Set(kept(open))).toEqual(new Set(open.slice(1).map(({ id }) => id)));
});
