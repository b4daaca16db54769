import { creditOf } from '../../lambdas/attribution/credit.ts';
import { type CreditIn, creditChange, describeCredit } from '../../lambdas/attribution/restated.ts';
import { deal, RULES, touch } from './deals.ts';

const NAMES: Readonly<Record<string, string>> = { 'ai/chatgpt': 'ChatGPT', 'search/google': 'Google' };
const labelOf = (source: string) => NAMES[source] ?? source;
const RULES_OF_TWO = { ...RULES, models: ['linear', 'last'] } as const;
const CHATGPT = touch('ai/chatgpt', 9);
const GOOGLE = touch('search/google', 5);

function credited(
  amount: string,
  visits = [CHATGPT, GOOGLE, touch('search/google', 4)],
  currency = 'USD',
): CreditIn {
  return { credit: creditOf(deal({ amount, currency }), visits, RULES_OF_TWO, undefined), currency };
}

test('tells a first credit with nothing before it', () => {
  expect(creditChange(undefined, credited('900'), labelOf)).toEqual({
    from: '',
    to: 'Google 600.00, ChatGPT 300.00 USD',
  });
});

test.each([
  {
    what: 'another amount',
    after: credited('1000'),
    change: { from: 'Google 600.00, ChatGPT 300.00 USD', to: 'Google 666.67, ChatGPT 333.33 USD' },
  },
  {
    what: 'another currency',
    after: credited('900', undefined, 'EUR'),
    change: { from: 'Google 600.00, ChatGPT 300.00 USD', to: 'Google 600.00, ChatGPT 300.00 EUR' },
  },
  {
    what: 'another currency with other units',
    after: credited('900', undefined, 'JPY'),
    change: { from: 'Google 600.00, ChatGPT 300.00 USD', to: 'Google 600, ChatGPT 300 JPY' },
  },
  {
    what: 'no amount any more',
    after: credited('', undefined, ''),
    change: { from: 'Google 600.00, ChatGPT 300.00 USD', to: 'Google 67 %, ChatGPT 33 %' },
  },
  {
    what: 'no visit any more',
    after: credited('900', []),
    change: { from: 'Google 600.00, ChatGPT 300.00 USD', to: 'no known visit, 900.00 USD' },
  },
])('tells what was and what is: $what', ({ after, change }) => {
  expect(creditChange(credited('900'), after, labelOf)).toEqual(change);
});

test('tells the first model that differs where the one before it gives the same', () => {
  const before = credited('900', [CHATGPT, GOOGLE]);
  const after = credited('900', [touch('search/google', 12), CHATGPT, GOOGLE, touch('ai/chatgpt', 2)]);

  expect(creditChange(before, after, labelOf)).toEqual({
    from: 'Google 900.00 USD',
    to: 'ChatGPT 900.00 USD',
  });
});

test('tells a model that is no longer asked for, and one that is new', () => {
  const all = credited('900', [CHATGPT]);
  const one = {
    ...all,
    credit: creditOf(deal({ amount: '900' }), [CHATGPT], { ...RULES, models: ['last'] }, undefined),
  };

  expect(creditChange(one, all, labelOf)).toEqual({ from: 'not credited yet', to: 'ChatGPT 900.00 USD' });
  expect(creditChange(all, one, labelOf)).toEqual({ from: 'ChatGPT 900.00 USD', to: 'not credited yet' });
});

test('has nothing to tell where every source is given what it had', () => {
  const more = credited('900.00', [CHATGPT, GOOGLE, touch('search/google', 4), touch('ai/chatgpt', 200)]);

  expect(creditChange(credited('900'), more, labelOf)).toBeUndefined();
});

test('names the four largest sources, and sums up the rest', () => {
  const visits = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, at) => touch(`${name}/${name}`, 20 - at));
  const { credit } = credited('600', visits);

  expect(describeCredit(credit, 'USD', labelOf)).toBe(
    'a/a 100.00, b/b 100.00, c/c 100.00, d/d 100.00, 2 more 200.00 USD',
  );
});
