import type { Happening } from '../../../local/demo/happenings.ts';
import { expectedOf } from '../../../local/demo/oracle.ts';
import { readPlainModel } from '../../../local/demo/oracle-model.ts';
import { portalNow } from '../../../local/demo/oracle-portal.ts';
import { holdsPattern } from '../../../local/demo/oracle-text.ts';
import type { DemoCompany, DemoContact } from '../../../local/demo/portal.ts';

const NOW_MS = Date.parse('2026-11-01T12:00:00Z');

function modelWith(fit: string, signals = '[]', rest = ''): ReturnType<typeof readPlainModel> {
  return readPlainModel(`
name: of-a-test
fit: { rules: ${fit} }
engagement: { signals: ${signals} }
grades: { bands: [{ grade: A, from: 50 }, { grade: B, from: 0 }] }
${rest}`);
}

function fitOf(rule: string, value: string): number {
  const history = { properties: { asked: value }, createdAtMs: 0, happenings: [] };
  return (
    expectedOf(modelWith(`[{ property: asked, points: 1, ${rule} }]`), history, NOW_MS).thousandths.fit / 1000
  );
}

test.each([
  ['is: [Berlin]', 'berlin', 1, 'letter case does not matter'],
  ['is: [Berlin]', ' Berlin ', 1, 'blanks around a value are none of it'],
  ['is: [Berlin]', 'Berlin West', 0, 'the whole value is compared'],
  ['is: [10]', '10.0', 1, 'numbers are compared as numbers'],
  ['is: [true]', '1', 1, '1 is true'],
  ['is: [true]', 'TRUE', 1, 'booleans come in any letter case'],
  ['is: [false]', '0', 1, '0 is false'],
  ['is: [false]', '', 0, 'no value is not false'],
  ['contains: [cto]', 'Director', 0, 'letters touch'],
  ['contains: [cto]', 'Interim-CTO (EMEA)', 1, 'punctuation parts words'],
  ['contains: [cto]', 'CTO2', 0, 'a digit touches'],
  ['contains: [r&d (emea)]', 'Head of R&D (EMEA)', 1, 'punctuation is taken literally'],
  ['contains: [ceo]', 'Vice-CEÓ', 0, 'an accent is a letter'],
  ['atLeast: 10', '10', 1, 'at least is inclusive'],
  ['below: 10', '10', 0, 'below is not'],
  ['atLeast: 10, below: 20', '15', 1, 'all conditions hold'],
  ['atLeast: 10, below: 20', '25', 0, 'one condition fails'],
  ['atLeast: 10', 'ten', 0, 'no number'],
  ['contains: ["mana*"]', 'Team Manager', 1, 'a star lets a word go on'],
  ['contains: ["*manager"]', 'Teammanager', 1, 'or begin before'],
  ['domain: [acme.example]', 'https://www.acme.example:8080/a@b', 1, 'a URL has a domain'],
  ['domain: [acme.example]', 'ACME.example', 1, 'so has the domain itself'],
  ['domain: [acme.example]', 'acme.example@other.example', 0, 'the domain of an address stands behind the @'],
  ['domain: [freemail]', 'a@gmail.example', 0, 'no public provider'],
  ['domain: [freemail, acme.example]', 'a@acme.example', 1, 'own entries stand beside the list'],
  ['known: true', 'x', 1, 'any value is known'],
  ['known: true', ' ', 0, 'blanks are no value'],
])('fit rule %s, value "%s": %d point, because %s', (rule, value, points) => {
  expect(fitOf(rule, value)).toBe(points);
});

test('a model without caps, range, step and horizon has the usual ones', () => {
  const model = modelWith('[]');

  expect(model).toMatchObject({ min: 0, max: 100, horizonDays: 365, deadBand: 0, step: 1, fitCap: Infinity });
});

test('points are shown in whole steps, halves upwards', () => {
  const model = modelWith('[{ property: asked, known: true, points: 12.5 }]', '[]', 'display: { step: 5 }');
  const history = { properties: { asked: 'x' }, createdAtMs: 0, happenings: [] };

  expect(expectedOf(model, history, NOW_MS)).toMatchObject({ score: 15, thousandths: { score: 12_500 } });
});

test('what a workflow tells by the way sets properties and counts, but is no change', () => {
  const model = modelWith(
    '[{ property: jobtitle, is: [CTO], points: 5 }]',
    `[{ from: { kind: transition, property: jobtitle, to: [CTO] }, points: 50, halfLifeDays: never },
      { from: { kind: signal, signal: webinar.attended }, points: 7, halfLifeDays: never }]`,
  );
  const told: Happening = {
    kind: 'workflow',
    contactId: '1',
    workflowId: '9',
    signal: 'webinar.attended',
    atMs: NOW_MS - 1000,
    address: { contactId: '1' },
    properties: { jobtitle: 'CTO' },
  };
  const history = { properties: {}, createdAtMs: 0, happenings: [told, told] };

  expect(expectedOf(model, history, NOW_MS)).toMatchObject({ fit: 5, engagement: 7, score: 12 });
});

test('a baseline beyond the horizon is forgotten: the next count is the baseline', () => {
  const signals = '[{ from: { kind: counter, property: count }, points: 1, halfLifeDays: never }]';
  const model = modelWith('[]', signals, 'horizonDays: 10');
  const count = (value: string, daysAgo: number): Happening => ({
    kind: 'property',
    contactId: '1',
    property: 'count',
    value,
    atMs: NOW_MS - daysAgo * 86_400_000,
    changeSource: 'CRM',
  });
  const history = {
    properties: {},
    createdAtMs: 0,
    happenings: [count('1', 11), count('5', 9), count('8', 8)],
  };

  expect(expectedOf(model, history, NOW_MS).engagement).toBe(3);
});

test.each([
  ['https://www.afterglow.example/pricing', '/pricing', true],
  ['HTTP://user:word@Afterglow.example:8080//Pricing/', '/pricing', true],
  ['https://afterglow.example/en/pricing/team', '/pricing', true],
  ['https://afterglow.example/en/pricing/team', '/en/pricing', true],
  ['https://afterglow.example/pricing-guide', '/pricing', false],
  ['https://afterglow.example/pricing-guide', '/pricing*', true],
  ['https://afterglow.example/a?next=/pricing', '/pricing', false],
  ['https://afterglow.example/#/pricing', '/pricing', false],
  ['https://pricing.example/', '/pricing', false],
  ['https://afterglow.example/en//pricing', '/en/pricing', true],
  ['https://afterglow.example/blog/', '/blog/*', false],
  ['https://www.afterglow.example/', 'www', false],
  ['https://www.afterglow.example/', 'afterglow.example', true],
  ['https://afterglow.example:8080/', '8080', false],
  ['https://afterglow.example/docs/api/start', '/docs/*/start', true],
  ['https://afterglow.example/100%/pricing', '/pricing', true],
  ['https://afterglow.example/a?plan=team', 'team', true],
  ['https://afterglow.example/a?utm_campaign=team', 'team', false],
  ['https://afterglow.example/a?hsCtaTracking=team&_hsmi=team', 'team', false],
  ['Pricing: request a demo', 'demo', true],
  ['Democracy', 'demo', false],
])('the page or form %s holds %s: %p', (value, pattern, holds) => {
  expect(holdsPattern(value, pattern)).toBe(holds);
});

function company(id: string, properties: Record<string, string>): DemoCompany {
  return { id, properties, createdAtMs: 0 };
}

function contact(id: string, companyId: string | undefined): DemoContact {
  return { id, kind: 'worker', email: undefined, properties: {}, companyId, createdAtMs: 0 };
}

test('a company that merged keeps what the first one was, and takes what only the other had; deals stand at their last stage', () => {
  const deal = { kind: 'deal', deal: 'a', contactIds: ['1', '2'] } as const;

  const { histories, people } = portalNow({
    portal: {
      companies: [
        company('10', { industry: 'RETAIL' }),
        company('20', { industry: 'INTERNET', type: 'OTHER' }),
      ],
      contacts: [contact('1', '10'), contact('2', '20'), contact('3', undefined)],
    },
    happenings: [],
    records: [
      { kind: 'merge', primaryId: '10', otherId: '20', atMs: 5 },
      { kind: 'company', companyId: '20', property: 'numberofemployees', value: '7', atMs: 6 },
      { kind: 'move', contactId: '3', companyId: '20', atMs: 4 },
      { ...deal, stage: 'closedlost', atMs: 2 },
      { ...deal, stage: 'qualifiedtobuy', atMs: 1 },
      { ...deal, deal: 'b', contactIds: ['1'], stage: 'closedlost', atMs: 1 },
      { ...deal, deal: 'b', contactIds: ['1'], stage: 'contractsent', atMs: 3 },
    ],
  });

  for (const id of ['1', '2', '3'])
    expect(histories.get(id)?.company).toEqual({ industry: 'RETAIL', type: 'OTHER', numberofemployees: '7' });
  expect(people).toEqual(new Map([['10', ['1', '2', '3']]]));
  expect(histories.get('1')?.deals).toEqual([
    { id: 'a', state: 'lost', closedAtMs: 2 },
    { id: 'b', state: 'open', closedAtMs: undefined },
  ]);
  expect(histories.get('3')?.deals).toEqual([]);
});
