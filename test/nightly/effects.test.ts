// What sources are worth, worked out every night over the deals that were closed.
import { type Effects, effectsRow } from '../../lambdas/portal/effects.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { PORTAL } from '../write-back/system.ts';
import { creditModel, type GivenDeal, keepCredited } from './credited-deals.ts';
import { asEvent, type NightSystem, openNights } from './system.ts';

const DAY = 24;
const LONG_MS = 120_000;
const CHATGPT = 'ai/chatgpt';
const GOOGLE = 'search/google';

/**
 * By hand: from the start, 2 of 3 come by ChatGPT and 1 by Google. Of ChatGPT's, half buy and half come again by Google; of Google's, half
 * buy. So 3/4 buy of who comes by ChatGPT, 1/2 of who comes by Google, 2/3 of all. Without ChatGPT that is 1/3 · 1/2 = 1/6, without Google
 * 2/3 · 1/2 = 1/3.
 */
const DEALS: readonly GivenDeal[] = [
  { id: '1', path: [CHATGPT] },
  { id: '2', path: [CHATGPT, GOOGLE] },
  { id: '3', path: [GOOGLE], state: 'lost' },
];
const EFFECTS = { [CHATGPT]: 1 / 2, [GOOGLE]: 1 / 3 };

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

interface Story {
  readonly nights: NightSystem;
  /** Ids of the deals that were asked to be credited, in the order they were. */
  readonly credited: string[];
  readonly effects: () => Promise<Effects>;
}

/** A portal of which nothing is compared with HubSpot. */
async function openStory(deals = DEALS, model = creditModel()): Promise<Story> {
  const credited: string[] = [];
  const nights = await openNights(engine, {
    model,
    parts: () => ({ dailyPercent: 0, background: async (requests) => void note(requests) }),
  });
  const note = (requests: readonly object[]) =>
    credited.push(...requests.map((request: Partial<WriteRequest>) => asked(request)));
  await keepCredited(nights, model, deals);
  const { client, tableName } = nights.table;
  return { nights, credited, effects: () => effectsRow({ client, tableName, portalId: PORTAL }).read() };
}

/** Its contacts need not be read again: only what it is credited with may be another. */
function asked({ dealId, creditOnly, force }: Partial<WriteRequest>): string {
  return `${dealId}${creditOnly === true ? '' : ', with its contacts'}${force === true ? ', by force' : ''}`;
}

test('a night works out what each source is worth, and has all deals credited by it', async () => {
  const open: GivenDeal = { id: '4', path: [GOOGLE, CHATGPT], state: 'open', closedAtMs: undefined };
  const { nights, credited, effects } = await openStory([...DEALS, open]);

  const { figures } = await nights.run();

  expect(await effects()).toMatchObject({ deals: 3, isSent: true });
  const found = (await effects()).effects;
  expect(Object.keys(found)).toEqual([CHATGPT, GOOGLE]);
  for (const [source, effect] of Object.entries(EFFECTS)) expect(found[source]).toBeCloseTo(effect, 12);
  expect(credited).toEqual(['1', '2', '3', '4']);
  expect(figures.repaired).toBe(0); // Nothing was wrong.
});

test('deals that nobody came to by a visit teach nothing, and have nothing to be credited anew', async () => {
  const { nights, credited, effects } = await openStory([...DEALS, { id: '5', path: [] }]);

  await nights.run();

  expect((await effects()).effects[CHATGPT]).toBeCloseTo(1 / 2, 12);
  expect(credited).toEqual(['1', '2', '3']);
});

test('where no effect moved by more than a hundredth, no deal is credited anew', async () => {
  // The three deals twenty times over: one more moves ChatGPT from 0.5 to 31/61 = 0.508, and Google from 0.333 to 0.330.
  const many = DEALS.flatMap((deal) =>
    Array.from({ length: 20 }, (_, at) => ({ ...deal, id: `${deal.id}${String(at).padStart(2, '0')}` })),
  );
  const { nights, credited, effects } = await openStory(many);
  await nights.run();
  const before = await effects();
  nights.later(DAY);
  await keepCredited(nights, creditModel(), [{ id: '999', path: [CHATGPT] }]);

  await nights.run();

  expect(credited).toHaveLength(60);
  expect(await effects()).toEqual(before);
});

test.each([
  { what: 'moved by more', more: [{ id: '9', path: [CHATGPT] }], effect: [CHATGPT, 5 / 8] as const },
  {
    what: 'came',
    more: [{ id: '9', path: ['social/x'], state: 'lost' as const }],
    effect: ['social/x', 0] as const,
  },
])('where an effect $what, all are credited anew', async ({ more, effect: [source, effect] }) => {
  const { nights, credited, effects } = await openStory();
  await nights.run();
  nights.later(DAY);
  await keepCredited(nights, creditModel(), more);

  await nights.run();

  expect((await effects()).effects[source]).toBeCloseTo(effect, 12);
  expect(credited).toEqual(['1', '2', '3', '1', '2', '3', '9']);
});

test('a source that is gone is gone from the effects', async () => {
  const { nights, effects, credited } = await openStory([
    ...DEALS,
    { id: '9', path: ['social/x'], state: 'lost' },
  ]);
  await nights.run();
  nights.later(DAY);
  await keepCredited(nights, creditModel(), [{ id: '9', path: [], state: 'lost' }]);

  await nights.run();

  expect(Object.keys((await effects()).effects)).toEqual([CHATGPT, GOOGLE]);
  expect(credited).toHaveLength(7);
});

/** Two deals to a page, so that a few are more than one step reads. */
const SMALL_PAGES = 2;
const inSmallPages: Parameters<NightSystem['deploy']>[0] = (own) => ({
  dailyPercent: 0,
  turnMs: 0,
  deals: {
    heads: (ids) => own.deals.heads(ids),
    async page(after) {
      const page = await own.deals.page(after);
      const deals = page.deals.slice(0, SMALL_PAGES);
      return { deals, after: page.deals.length > SMALL_PAGES ? deals.at(-1)?.dealId : page.after };
    },
  },
});

class Death extends Error {
  override readonly name = 'Death';
}

/** Fails at every other call. */
function everyOther<A extends readonly unknown[], R>(act: (...args: A) => Promise<R>, isLost = false) {
  let tries = 0;
  return async (...args: A): Promise<R> => {
    tries += 1;
    if (tries % 2 === 1 && !isLost) throw new Death();
    const result = await act(...args);
    if (tries % 2 === 1) throw new Death();
    return result;
  };
}

/** Fails at the first try of all that is sent. */
function dyingOnce(send: Parts['background'], isLost: boolean): Parts['background'] {
  const tried = new Set<string>();
  return async (requests, delaySeconds) => {
    const what = JSON.stringify(requests);
    const isFirst = !tried.has(what);
    tried.add(what);
    if (isFirst && !isLost) throw new Death();
    await send(requests, delaySeconds);
    if (isFirst) throw new Death();
  };
}

type Parts = Parameters<Parameters<NightSystem['deploy']>[0]>[0];

test.each<{ where: string; of: (parts: Parts) => Partial<Parts> }>([
  { where: 'nowhere', of: () => ({}) },
  {
    where: 'before the run is moved on',
    of: ({ row }) => ({ row: { read: () => row.read(), update: everyOther(row.update.bind(row)) } }),
  },
  {
    where: 'after the run was moved on, which nobody heard',
    of: ({ row }) => ({ row: { read: () => row.read(), update: everyOther(row.update.bind(row), true) } }),
  },
  {
    where: 'before the effects are kept, and before they are noted as sent',
    of: ({ effects }) => ({
      effects: { read: () => effects.read(), update: everyOther(effects.update.bind(effects)) },
    }),
  },
  {
    where: 'right after the effects are kept, and after they are noted as sent',
    of: ({ effects }) => ({
      effects: { read: () => effects.read(), update: everyOther(effects.update.bind(effects), true) },
    }),
  },
  { where: 'while deals are sent', of: ({ background }) => ({ background: dyingOnce(background, false) }) },
  { where: 'when deals were sent', of: ({ background }) => ({ background: dyingOnce(background, true) }) },
])(
  'who dies $where finds the same in the end, and has every deal credited',
  async ({ of }) => {
    const many = Array.from({ length: 15 }, (_, at) =>
      DEALS.map((deal) => ({ ...deal, id: `${deal.id}${String(at).padStart(2, '0')}` })),
    ).flat();
    const { nights, credited, effects } = await openStory(many);
    nights.deploy((own) => {
      const parts = {
        ...own,
        background: async (requests: readonly object[]) =>
          void credited.push(...requests.map((request: Partial<WriteRequest>) => asked(request))),
      };
      return { ...inSmallPages(own), background: parts.background, ...of(parts) };
    });

    await nights.run();

    const found = await effects();
    for (const [source, effect] of Object.entries(EFFECTS))
      expect(found.effects[source]).toBeCloseTo(effect, 12);
    expect(found).toMatchObject({ deals: 45, isSent: true });
    expect(new Set(credited)).toEqual(new Set(many.map(({ id }) => id)));
  },
  LONG_MS,
);

test('effects whose deals nobody lived to send are sent by the next night, though they did not move', async () => {
  const { nights, credited, effects } = await openStory();
  const { client, tableName } = nights.table;
  const row = effectsRow({ client, tableName, portalId: PORTAL });
  await row.update((state) => ({
    state: { ...state, effects: EFFECTS, deals: 3, atMs: nights.portal.time.nowMs, isSent: false },
    result: undefined,
  }));
  nights.later(DAY);

  await nights.run();

  expect(credited).toEqual(['1', '2', '3']);
  expect((await effects()).isSent).toBe(true);
});

test('two invocations at once keep the same effects, once', async () => {
  const { nights, credited, effects } = await openStory();
  await nights.nightly(asEvent({ job: 'nightly', portalId: PORTAL }));
  const run = (await nights.state()).current?.id ?? '';
  const go = () => nights.nightly(asEvent({ job: 'continue', portalId: PORTAL, run }));

  await Promise.all([go(), go()]);
  await nights.settle();

  expect((await effects()).isSent).toBe(true);
  expect(new Set(credited)).toEqual(new Set(['1', '2', '3']));
  expect((await nights.state()).last?.id).toBe(run);
});

test('a night that may not call HubSpot credits all the same, and stands for no night that looked at it', async () => {
  const { nights } = await openStory();

  await nights.run();

  expect((await nights.state()).lookedAtMs).toBeUndefined();
  expect((await nights.state()).last?.figures.calls).toBe(0);
});

test('where no deal is credited by effects, none are worked out', async () => {
  const model = creditModel(['linear', 'first']);
  const { nights, credited, effects } = await openStory(DEALS, model);

  await nights.run();

  expect((await effects()).deals).toBe(0);
  expect(credited).toEqual([]);
  expect((await nights.state()).last?.walks).toEqual([]);
});

test('to score everybody anew has all deals credited anew as well, whatever they were credited by', async () => {
  const deals = [...DEALS, { id: '4', path: [] }];
  const { nights, credited } = await openStory(deals, creditModel(['linear']));

  await nights.run('rescore');

  expect(credited).toEqual(['1', '2', '3', '4']);
});
