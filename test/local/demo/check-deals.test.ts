// Credits that HubSpot could show of one deal, with the right ones worked by hand.
import { ARRIVALS } from '../../../local/demo/arrivals.ts';
import { checkPortal, type Mismatch } from '../../../local/demo/check-portal.ts';
import { HAND_MODEL_YAML } from '../../../local/demo/hand-scored.ts';
import { dealsNow } from '../../../local/demo/oracle-deals.ts';
import type { DealHappening, RecordHappening } from '../../../local/demo/record-happenings.ts';
import type { Visit } from '../../../local/demo/visit-happenings.ts';
import { createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const WON_MS = Date.parse('2026-11-01T12:00:00Z');
const DAY_MS = 86_400_000;
const MODEL = `${HAND_MODEL_YAML}
attribution: { windowDays: 30, models: [linear, first, uShaped] }
`;

const DEAL: DealHappening = {
  kind: 'deal',
  deal: 'a deal',
  contactIds: ['one', 'two'],
  stage: 'closedwon',
  atMs: WON_MS,
  values: { amount: '100', deal_currency_code: 'USD' },
};

function visit(contactId: string, source: string, daysBefore: number): Visit {
  const arrival = ARRIVALS.find(({ own }) => own.key === source);
  if (arrival === undefined) throw new Error(`nobody comes by ${source}`);
  const own = {
    by: 'server',
    visitorId: undefined,
    sessionId: undefined,
    address: { contactId },
    postId: 'msg',
    isBot: false,
  } as const;
  const url = 'https://www.afterglow.example/';
  return {
    kind: 'visit',
    contactId,
    atMs: WON_MS - daysBefore * DAY_MS,
    arrival,
    url,
    hubspot: undefined,
    own,
  };
}

/** Three visits in the window, one too long before it and one after the deal was won. */
const VISITS = [
  visit('one', 'search/google', 31),
  visit('one', 'search/google', 20),
  visit('two', 'ai/chatgpt', 10),
  visit('one', 'email/newsletter', 5),
  visit('one', 'ai/claude', -1),
];

/** 100.00 in thirds: the cent that is left goes to the first. By the ends: 40.00, 20.00 and 40.00. */
const RIGHT = {
  ai_influenced: 'true',
  ai_amount_linear: '33.33',
  ai_amount_first: '0',
  ai_amount_u_shaped: '20',
  top_source: 'Google',
  sources: 'Google 33.34 USD (33 %)\nChatGPT 33.33 USD (33 %)\nNewsletter 33.33 USD (33 %)',
  write_id: 'some-id',
};

interface Story {
  readonly shown?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, string>>;
  readonly visits?: readonly Visit[];
  readonly later?: readonly RecordHappening[];
}

/** What is wrong with the deal, when HubSpot shows the right credit but for some values. */
function check({ shown = {}, values, visits = VISITS, later = [] }: Story = {}): Mismatch[] {
  const crm = createCrm(createCrmState(() => WON_MS, 1));
  for (const name of Object.keys(RIGHT))
    crm.defineProperty('deals', {
      name: `afterglow_${name}`,
      type: 'string',
      fieldType: 'text',
      groupName: 'x',
    });
  const outputs = Object.entries({ ...RIGHT, ...shown }).map(([name, value]) => [`afterglow_${name}`, value]);
  crm.create('deals', { dealname: 'a deal', ...Object.fromEntries(outputs) });
  const contacts = ['one', 'two'].map((id) => ({
    id,
    kind: 'worker' as const,
    email: undefined,
    properties: {},
    companyId: undefined,
    createdAtMs: 0,
  }));
  return checkPortal({
    crm,
    modelYaml: MODEL,
    portal: { companies: [], contacts },
    happenings: [],
    records: [{ ...DEAL, ...(values !== undefined && { values }) }, ...later],
    visits,
    sinceMs: WON_MS,
    nowMs: WON_MS,
  }).filter(({ record }) => record.startsWith('deal'));
}

test('a right credit is right', () => {
  expect(check()).toEqual([]);
});

test.each([
  ['ai_influenced', 'false', 'right is true'],
  ['ai_amount_linear', '33.34', 'right are 3333 units'],
  ['ai_amount_linear', '', 'right are 3333 units'],
  ['ai_amount_linear', '3.333', 'right are 3333 units'],
  ['ai_amount_first', '100', 'right are 0 units'],
  ['ai_amount_u_shaped', '33.33', 'right are 2000 units'],
  ['top_source', 'ChatGPT', 'right is "Google"'],
  [
    'sources',
    'Google 33.33 USD (33 %)\nChatGPT 33.33 USD (33 %)\nNewsletter 33.33 USD (33 %)',
    'sum to 9999',
  ],
  [
    'sources',
    'Google 33.34 USD (33 %)\nChatGPT 33.32 USD (33 %)\nNewsletter 33.34 USD (33 %)',
    'of ChatGPT it says "ChatGPT 33.32 USD (33 %)", right are 3333 units',
  ],
  [
    'sources',
    'Google 33.34 USD (33 %)\nChatGPT 33.33 USD (33 %)\nLinkedIn 33.33 USD (33 %)',
    'of LinkedIn it says "LinkedIn 33.33 USD (33 %)", right are no units',
  ],
  ['sources', '', 'sum to 0'],
  ['write_id', '', 'no write id'],
])('a wrong %s "%s" is noticed', (name, value, reason) => {
  expect(check({ shown: { [name]: value } })).toMatchObject([{ reason: expect.stringContaining(reason) }]);
});

test('sources that are not named are a line of their own, and count', () => {
  expect(check({ shown: { sources: 'Google 33.34 USD (33 %)\nand 2 more 66.66 USD' } })).toEqual([]);
});

test('a deal without an amount shows no amounts', () => {
  const none = { ai_amount_linear: '', ai_amount_first: '', ai_amount_u_shaped: '' };

  expect(check({ values: {}, shown: none })).toEqual([]);
  expect(check({ values: {}, shown: { ...none, ai_amount_first: '0' } })).toHaveLength(1);
});

test('a deal that no visit led to shows that', () => {
  const nothing = {
    ai_influenced: 'false',
    ai_amount_linear: '0',
    ai_amount_u_shaped: '0',
    top_source: '',
    sources: '',
  };

  expect(check({ visits: [], shown: nothing })).toEqual([]);
  expect(check({ visits: [] })).toHaveLength(1);
});

test('what is right after an amount was put right is the new amount’s', () => {
  const later = [
    { kind: 'deal change', deal: 'a deal', values: { amount: '200' }, atMs: WON_MS + 1 },
  ] as const;

  expect(check({ later })).toHaveLength(1);
  expect(
    check({
      later,
      shown: {
        ai_amount_linear: '66.67',
        ai_amount_u_shaped: '40',
        sources: 'Google 66.67 USD (33 %)\nChatGPT 66.67 USD (33 %)\nNewsletter 66.66 USD (33 %)',
      },
    }),
  ).toEqual([]);
});

test('of a deal one of whose contacts was deleted nothing is said', () => {
  const later = [{ kind: 'contact deletion', contactId: 'two', atMs: WON_MS + 1 }] as const;

  expect(check({ later, shown: { ai_influenced: 'false' } })).toEqual([]);
});

function moved(deal: string, stage: string, atMs: number, contactIds: string[] = []): DealHappening {
  return { kind: 'deal', deal, contactIds, stage, atMs };
}

describe('what became of deals', () => {
  test('a deal is as of its last stage, with the amount and the contacts that it has by now', () => {
    const records: RecordHappening[] = [
      { ...DEAL, stage: 'contractsent', atMs: 1 },
      moved('a deal', 'closedlost', 2),
      moved('a deal', 'decisionmakerboughtin', 3),
      { kind: 'deal contact', deal: 'a deal', contactId: 'three', atMs: 4 },
      { kind: 'deal contact', deal: 'a deal', contactId: 'one', atMs: 5 },
      { kind: 'deal change', deal: 'a deal', values: { amount: '7' }, atMs: 6 },
    ];

    expect(dealsNow(records)).toEqual([
      {
        name: 'a deal',
        stage: 'decisionmakerboughtin',
        stageSinceMs: 3,
        amount: '7',
        currency: 'USD',
        contactIds: ['one', 'two', 'three'],
      },
    ]);
  });

  test('deals that merge are one, with the first one’s values and the contacts of both; one that is deleted is none', () => {
    const records: RecordHappening[] = [
      moved('a', 'contractsent', 1, ['one']),
      { ...moved('b', 'qualifiedtobuy', 2, ['one', 'two']), values: { amount: '5' } },
      moved('c', 'closedwon', 3),
      { kind: 'deal merge', deal: 'a', other: 'b', atMs: 4 },
      { kind: 'deal deletion', deal: 'c', atMs: 5 },
      { ...moved('d', 'qualifiedtobuy', 6), values: { amount: '1', deal_currency_code: 'EUR' } },
      { ...moved('e', 'qualifiedtobuy', 7), values: { amount: '2', deal_currency_code: 'USD' } },
      { kind: 'deal merge', deal: 'd', other: 'e', atMs: 8 },
    ];

    expect(dealsNow(records)).toEqual([
      {
        name: 'a',
        stage: 'contractsent',
        stageSinceMs: 1,
        amount: '5',
        currency: '',
        contactIds: ['one', 'two'],
      },
      {
        name: 'd',
        stage: 'qualifiedtobuy',
        stageSinceMs: 6,
        amount: '1',
        currency: 'EUR',
        contactIds: [],
      },
    ]);
  });
});
