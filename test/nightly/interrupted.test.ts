// Whoever dies, and wherever: the run goes on, and in the end everything is as if nothing had happened.
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { PortalStoppedError } from '../../lambdas/hubspot/budget.ts';
import type { WorkRequest } from '../../lambdas/nightly/run.ts';
import type { NightlyParts } from '../../lambdas/nightly.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { asEvent, inPagesOf, type NightSystem, openNights, wrong } from './system.ts';

const DAY = 24;
const PER_PAGE = 3;
/** Each run is a hundred calls of each engine and more. */
const LONG_MS = 180_000;

let engine: Engine;

afterEach(closeAll);
afterAll(() => engine.stop());

/** A dozen contacts that were told of; then much happens to them of which nobody tells. */
async function openStory(): Promise<NightSystem> {
  const nights = await openNights(engine);
  const { crm } = nights.portal;
  const companies = [20, 500].map((numberofemployees) => crm.create('companies', { numberofemployees }));
  const [small = '', large = ''] = companies;
  const deal = crm.create('deals', { dealname: 'One', dealstage: 'appointmentscheduled' });
  const ids = Array.from({ length: 10 }, (_, at) => crm.create('contacts', { email: `${at}@example.com` }));
  for (const id of ids) crm.associate('contacts', id, 'companies', small, { primary: true });
  const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = '', i = '', j = ''] = ids;
  crm.associate('contacts', i, 'deals', deal);
  for (const id of ids) crm.set('contacts', id, { hs_analytics_num_page_views: 1, jobtitle: 'CTO' });
  await nights.hear();
  nights.later(DAY);
  await nights.run();
  nights.later(DAY);
  crm.set('contacts', a, { jobtitle: 'Gardener' });
  crm.set('contacts', b, { hs_analytics_num_page_views: 9 });
  crm.set('contacts', c, { lifecyclestage: 'opportunity' });
  crm.delete('contacts', d);
  crm.set('contacts', crm.merge('contacts', e, f), { hs_analytics_num_page_views: 4 });
  crm.associate('contacts', g, 'companies', large, { primary: true });
  crm.set('contacts', h, { afterglow_score: 99 });
  crm.set('deals', deal, { dealstage: 'closedwon' });
  crm.privacyDelete(j);
  crm.create('contacts', { jobtitle: 'CTO' });
  crm.set('companies', small, { numberofemployees: 120 });
  nights.later(1);
  return nights;
}

const small = (parts: NightlyParts) => ({
  turnMs: 0,
  pagesAtATime: 1,
  lists: inPagesOf(PER_PAGE, parts.lists),
});

/** When something was found out, and how often it was written. */
const PASSING = [
  'rev',
  'recAt',
  'readAt',
  'shownAt',
  'lifeAt',
  'forgotAt',
  'at',
  'ws',
  'wn',
  'dueAt',
  'wasRead',
];

/** All that the table and HubSpot say in the end. */
async function endOf({ table, portal }: NightSystem): Promise<unknown> {
  const rows = (await table.rows()).filter(({ pk }) => !String(pk).endsWith('#portal'));
  const lasting = rows.flatMap(({ pk, sk, ...row }): object[] => {
    // What was read once more is there already, as it was told; and that there are no deals is as good as nothing. Nobody sees the score of who is gone.
    if (row['baseline'] === true || row['value'] === '[]') return [];
    if (row['life'] === 'deleted') return [{ pk, sk, life: 'deleted' }];
    const kept = Object.entries(row).filter(([name]) => !PASSING.includes(name));
    const oldIds = v.parse(v.optional(v.array(v.string()), []), row['old']).toSorted();
    return [{ pk, sk, ...Object.fromEntries(kept), old: oldIds }];
  });
  const shown = portal.crm.all('contacts').map(({ id, properties }) => {
    const ours = Object.entries(properties).filter(([name]) => name.startsWith('afterglow_'));
    return { id, ...Object.fromEntries(ours.filter(([name]) => !name.endsWith('_at'))) };
  });
  const companies = portal.crm
    .all('companies')
    .map(({ properties }) => properties['afterglow_company_score']);
  return { lasting, shown, companies };
}

/** What comes of the story when nothing happens to the run. */
let end: unknown;
let pages: number;

beforeAll(async () => {
  engine = await startDynalite();
  const nights = await openStory();
  nights.deploy(small);
  pages = (await nights.run()).figures.pages;
  end = await endOf(nights);
  await closeAll();
}, LONG_MS);

class Death extends Error {
  override readonly name = 'Death';
}

/** How an invocation dies at each page: at the first try of the page, so that the next comes further. */
const DEATHS: readonly { where: string; of: (parts: NightlyParts) => Partial<NightlyParts> }[] = [
  {
    where: 'before the row is moved',
    of({ row }) {
      let tries = 0;
      const update: NightlyParts['row']['update'] = async (change) => {
        tries += 1;
        if (tries % 2 === 1) throw new Death();
        return row.update(change);
      };
      return { row: { read: () => row.read(), update } };
    },
  },
  {
    where: 'after the row is moved, before the next invocation is asked for',
    of({ ask }) {
      let tries = 0;
      return {
        async ask(request, delaySeconds) {
          tries += 1;
          if (tries % 2 === 1) throw new Death();
          return ask(request, delaySeconds);
        },
      };
    },
  },
  {
    where: 'after the row took it, which nobody heard',
    of({ row }) {
      let tries = 0;
      const update: NightlyParts['row']['update'] = async (change) => {
        const result = await row.update(change);
        tries += 1;
        if (tries % 2 === 0) throw new Death();
        return result;
      };
      return { row: { read: () => row.read(), update } };
    },
  },
  {
    where: 'while what differs is sent to be written',
    of({ background }) {
      const tried = new Set<string>();
      return {
        async background(requests, delaySeconds) {
          const what = JSON.stringify(requests);
          const isFirst = requests.length > 0 && !tried.has(what);
          tried.add(what);
          if (isFirst) throw new Death();
          return background(requests, delaySeconds);
        },
      };
    },
  },
];

test.each(DEATHS)(
  'who dies $where, at every page, leaves no trace',
  async ({ where, of }) => {
    const nights = await openStory();
    nights.deploy((own) => {
      const parts = { ...own, ...small(own) };
      return { ...small(own), ...of(parts) };
    });

    const run = await nights.run();

    expect(where).not.toBe('');
    expect(run.figures.pages).toBe(pages);
    expect(await endOf(nights)).toEqual(end);
    nights.deploy(() => ({}));
    nights.later(DAY);
    expect(wrong(await nights.run())).toEqual({});
  },
  LONG_MS,
);

test(
  'the table fails now and then, at any command: the end is the same',
  async () => {
    const nights = await openStory();
    nights.deploy(small);
    let commands = 0;
    nights.failing = () => {
      commands += 1;
      return commands % 37 === 0 && commands < 1000; // A page has more commands than these lie apart.
    };

    await nights.run();

    nights.failing = undefined;
    expect(await endOf(nights)).toEqual(end);
  },
  LONG_MS,
);

test(
  'who dies between keeping what was missed and scoring it leaves a contact that is scored all the same',
  async () => {
    const nights = await openNights(engine);
    const { crm } = nights.portal;
    const id = crm.create('contacts', { hs_analytics_num_page_views: 1 });
    await nights.hear();
    nights.later(1);
    await nights.run();
    nights.later(1);
    crm.set('contacts', id, { hs_analytics_num_page_views: 8 });
    nights.later(1);
    let deaths = 0;
    nights.failing = (command) => {
      const isScore =
        command instanceof UpdateCommand && command.input.UpdateExpression?.includes('#score = ');
      if (isScore !== true || deaths > 0) return false;
      deaths += 1;
      return true;
    };

    await nights.run();

    expect(deaths).toBe(1);
    expect(nights.shown(id)).toMatchObject({ engagement_score: '7' });
  },
  LONG_MS,
);

test(
  'two invocations at once do no harm, and one of them goes on',
  async () => {
    const nights = await openStory();
    nights.deploy(small);
    await nights.nightly(asEvent({ job: 'nightly', portalId: '1' }));
    const run = (await nights.state()).current?.id ?? '';
    const go = (): WorkRequest => ({ job: 'continue', portalId: '1', run });

    for (let round = 0; round < 3; round++)
      await Promise.all([nights.nightly(asEvent(go())), nights.nightly(asEvent(go()))]);
    await nights.settle();

    expect(await endOf(nights)).toEqual(end);
    expect((await nights.state()).last?.figures.pages).toBe(pages);
    // The beginning, the plan and each page but the last ask once: of two that did the same page, one asks.
    const nudges = nights.asked.filter(({ request }) => request.job === 'continue' && request.run === run);
    expect(nudges).toHaveLength(pages + 1);
  },
  LONG_MS,
);

test(
  'a run that is asked for while one is under way is that one',
  async () => {
    const nights = await openStory();
    nights.deploy(small);
    const ask = () => nights.nightly(asEvent({ job: 'nightly', portalId: '1' }));
    await ask();
    const { current } = await nights.state();
    await ask();

    expect((await nights.state()).current?.id).toBe(current?.id);
    await nights.settle();
    expect(await nights.state()).toMatchObject({ last: { id: current?.id } });
    expect(await nights.state()).not.toHaveProperty('current');
  },
  LONG_MS,
);

test(
  'a backfill that is asked for while a night is under way comes after it',
  async () => {
    const nights = await openStory();
    nights.deploy(small);
    await nights.nightly(asEvent({ job: 'nightly', portalId: '1' }));
    await nights.nightly(asEvent({ job: 'backfill', portalId: '1' }));
    expect((await nights.state()).current?.kind).toBe('nightly');

    await nights.settle();

    expect((await nights.state()).last?.kind).toBe('backfill');
  },
  LONG_MS,
);

test(
  'a run that died a day ago makes room for another',
  async () => {
    const nights = await openStory();
    await nights.nightly(asEvent({ job: 'nightly', portalId: '1' }));
    const dead = (await nights.state()).current?.id;
    nights.later(DAY + 1);

    await nights.nightly(asEvent({ job: 'nightly', portalId: '1' }));

    expect((await nights.state()).current?.id).not.toBe(dead);
  },
  LONG_MS,
);

test(
  'while HubSpot may not be called the run waits, and then goes on from where it was',
  async () => {
    const nights = await openStory();
    const { time } = nights.portal;
    const untilMs = time.nowMs + 2 * 3_600_000;
    let lists = 0;
    nights.deploy((own) => {
      const { lists: smaller } = small(own);
      const list: typeof smaller.contacts.list = async (request) => {
        lists += 1;
        if (lists > 2 && time.nowMs < untilMs) throw new PortalStoppedError('daily', untilMs);
        return smaller.contacts.list(request);
      };
      return { turnMs: 0, pagesAtATime: 1, lists: { ...smaller, contacts: { ...smaller.contacts, list } } };
    });

    const run = await nights.run();

    expect(run.finishedAtMs).toBeGreaterThanOrEqual(untilMs);
    const delays = nights.asked.map(({ delaySeconds }) => delaySeconds).filter((seconds) => seconds > 0);
    expect(delays.length).toBeGreaterThanOrEqual(8);
    expect(Math.max(...delays)).toBe(900);
    expect(await endOf(nights)).toEqual(end);
    expect(nights.night.counted.get('ReconcileFinished')).toBe(2);
  },
  LONG_MS,
);

test(
  'what nobody can answer goes back to the queue, and the run is not marked as finished',
  async () => {
    const nights = await openStory();
    nights.deploy(() => ({
      row: {
        read: async () => {
          throw new Death();
        },
        update: async () => {
          throw new Death();
        },
      },
    }));
    const event = asEvent({ job: 'continue', portalId: '1', run: 'any' });

    const answer = await nights.nightly(event);

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: event.Records[0]?.messageId }] });
  },
  LONG_MS,
);
