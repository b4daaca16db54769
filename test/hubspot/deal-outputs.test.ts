import type { Credit, SourceCredit } from '../../lambdas/attribution/credit.ts';
import { dealOutputs, dealOutputValues, dealWriteId } from '../../lambdas/hubspot/deal-outputs.ts';
import { differingOutputs } from '../../lambdas/hubspot/outputs.ts';
import { NO_SOURCES } from '../../lambdas/scoring/sources.ts';
import { loginModel } from './connection.ts';

const attribution = { windowDays: 90, models: ['first' as const, 'markov' as const], halfLifeDays: 7 };
const model = { attribution, sources: NO_SOURCES, id: 'm@1' };

const credits = (...units: bigint[]): SourceCredit[] =>
  units.map((each, at) => ({ source: `other/s${at}`, share: 0.1, units: each }));
const credit = (more: Partial<Credit> = {}): Credit => ({
  decimals: 2,
  units: 1200n,
  touches: 2,
  path: ['other/s0'],
  byModel: { first: credits(...Array.from({ length: 12 }, () => 100n)) },
  ...more,
});
const values = (given = credit()) => dealOutputValues({ currency: 'USD' }, given, model);

test('of many sources ten have a line each, and the others one together', () => {
  const lines = values()['afterglow_sources']?.split('\n') ?? [];

  expect(lines).toHaveLength(11);
  expect([lines[0], lines[9], lines[10]]).toEqual([
    's0 1.00 USD (10 %)',
    's9 1.00 USD (10 %)',
    'and 2 more 2.00 USD',
  ]);
  const { units: _units, ...rest } = credit();
  expect(values({ ...rest, units: undefined })['afterglow_sources']).toMatch(/^s0 10 %\n.*\nand 2 more$/s);
});

test('a way of giving credit that has nothing to go by yet shows nothing, not a 0', () => {
  expect(values()).toMatchObject({ afterglow_ai_amount_first: '0.00', afterglow_ai_amount_markov: '' });
});

test('a deal is AI-influenced by any visit that counts, also where no credit goes to it', () => {
  expect(values()['afterglow_ai_influenced']).toBe('false');
  expect(values(credit({ path: ['other/s0', 'ai/ai'] }))['afterglow_ai_influenced']).toBe('true');
  expect(values(credit({ path: ['aid/x'] }))['afterglow_ai_influenced']).toBe('false');
});

test('a model without attribution shows nothing on deals', () => {
  expect(dealOutputs(loginModel())).toEqual([]);
  expect(dealOutputValues({ currency: '' }, credit(), { ...model, attribution: undefined })).toEqual({});
});

test('an amount is the same in any notation, another amount is another', () => {
  const shown = { ...values(), afterglow_ai_amount_first: '0' };

  expect(differingOutputs(values(), shown)).toEqual([]);
  expect(
    differingOutputs(values(), {
      ...shown,
      afterglow_ai_amount_first: '0.01',
      afterglow_ai_influenced: 'true',
    }),
  ).toEqual(['afterglow_ai_influenced', 'afterglow_ai_amount_first']);
});

test('a write is known by portal, deal and all that is shown', () => {
  const id = dealWriteId('1', '7', values());

  expect(dealWriteId('1', '7', values())).toBe(id);
  const others = [
    dealWriteId('2', '7', values()),
    dealWriteId('1', '8', values()),
    dealWriteId('1', '7', { ...values(), afterglow_sources: '' }),
  ];
  expect(new Set([id, ...others]).size).toBe(4);
});
