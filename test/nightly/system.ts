// A portal, the table, and all doors but ingest, whose queues a test lets run: what one sends, the other gets, in the order of its time.
import type { SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import type { CompanyTick, Envelope, Tick } from '../../lambdas/events/envelope.ts';
import { type HubSpotLists, hubSpotLists } from '../../lambdas/hubspot/lists.ts';
import type { ObjectType } from '../../lambdas/hubspot/objects.ts';
import { hubSpotPortal } from '../../lambdas/hubspot/portal.ts';
import type { Send, TransportOptions } from '../../lambdas/hubspot/transport.ts';
import { progressRow } from '../../lambdas/nightly/decay.ts';
import { reportsRow } from '../../lambdas/nightly/monthly-report.ts';
import {
  type Figures,
  type Run,
  type RunState,
  runRow,
  type WorkRequest,
} from '../../lambdas/nightly/run.ts';
import { createNightly, type NightlyParts } from '../../lambdas/nightly.ts';
import { effectsRow } from '../../lambdas/portal/effects.ts';
import { createScorer } from '../../lambdas/scorer.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { NO_SOURCES } from '../../lambdas/scoring/sources.ts';
import { dueBy, dueContacts } from '../../lambdas/store/due-index.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { listenForWebhooks } from '../local/hubspot/portal.ts';
import { type Recorded, recorded } from '../recorded.ts';
import type { Engine } from '../store/table.ts';
import { openSystem, PORTAL, type System, type SystemParts } from '../write-back/system.ts';

const HOUR_MS = 3_600_000;
const VISIBILITY_SECONDS = 30;
/** More messages than any story has: a circle would never end. */
const MOST_MESSAGES = 5_000;

const SUBSCRIPTIONS = [
  'contact.creation',
  'contact.deletion',
  'contact.restore',
  'contact.merge',
  'contact.privacyDeletion',
  'contact.propertyChange:jobtitle',
  'contact.propertyChange:email',
  'contact.propertyChange:hs_email_last_click_date',
  'contact.propertyChange:hs_analytics_num_page_views',
  'contact.propertyChange:lifecyclestage',
  'contact.propertyChange:hs_analytics_source',
  'contact.propertyChange:hs_latest_source',
  'contact.propertyChange:hs_latest_source_timestamp',
  'contact.propertyChange:afterglow_visitor_id',
  'contact.associationChange',
  'company.propertyChange:numberofemployees',
  'company.merge',
  'company.deletion',
  'deal.propertyChange:dealstage',
  'deal.creation',
  'deal.associationChange',
];

function signal(id: string, from: object, points: number): object {
  return { id, title: id, from, points, halfLifeDays: 30 };
}

/**
 * Ten points for a CTO, ten for a company of at least 100 people. A click is worth 5, a further page view 1, becoming an opportunity
 * 20; each halves in 30 days. Who bought is excluded, and the best contact speaks for its company.
 */
export function nightModel(parts: object = {}, sources = NO_SOURCES): Model {
  const employees = 'company.numberofemployees';
  const content = {
    name: 'nights',
    range: { min: 0, max: 1000 },
    fit: {
      rules: [
        { id: 'cto', title: 'Is a CTO', property: 'jobtitle', is: ['CTO'], points: 10 },
        { id: 'large', title: 'Large company', property: employees, atLeast: 100, points: 10 },
      ],
    },
    engagement: {
      signals: [
        signal('click', { kind: 'timestamp', property: 'hs_email_last_click_date' }, 5),
        signal('view', { kind: 'counter', property: 'hs_analytics_num_page_views' }, 1),
        signal('stage', { kind: 'transition', property: 'lifecyclestage', to: ['opportunity'] }, 20),
      ],
    },
    exclusions: [{ id: 'customer', title: 'Is a customer', deal: 'won' }],
    companyScore: { rollUp: 'maximum' },
    grades: {
      bands: [
        { grade: 'A', from: 20 },
        { grade: 'B', from: 0 },
      ],
    },
    ...parts,
  };
  const checked = checkModel(content, [], sources);
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

/** A message on its way to a door. */
interface OnItsWay {
  readonly atMs: number;
  readonly deliver: () => Promise<unknown>;
}

export interface NightSystem extends System {
  /** Calls the nightly door. */
  nightly(event: unknown): ReturnType<ReturnType<typeof createNightly>>;
  /** From now on the nightly door has other parts. @param more - made from its own */
  deploy(more: (own: NightlyParts) => Partial<NightlyParts>): void;
  readonly night: { readonly counted: Recorded['counted']; readonly observed: Recorded['observed'] };
  /** Everything the nightly door asked of itself, since the beginning. */
  readonly asked: readonly { readonly request: WorkRequest; readonly delaySeconds: number }[];
  /** Hands over the webhooks sent since the last time; those left out are lost. @param loses - which of them are */
  hear(loses?: (event: Record<string, unknown>) => boolean): Promise<void>;
  /** Lets all queues run empty, moving the clock where a message waits. */
  settle(): Promise<void>;
  /** Asks for a run and lets everything run. @returns what came of it */
  run(kind?: 'nightly' | 'backfill' | 'rescore'): Promise<Run>;
  state(): Promise<RunState>;
  readonly later: (hours: number) => void;
}

export interface NightOptions {
  readonly simulator?: SimulatorOptions;
  readonly transport?: Partial<TransportOptions>;
  readonly model?: Model;
  readonly parts?: (own: NightlyParts) => Partial<NightlyParts>;
}

export async function openNights(engine: Engine, options: NightOptions = {}): Promise<NightSystem> {
  const { model = nightModel() } = options;
  const waiting: OnItsWay[] = [];
  const asked: { request: WorkRequest; delaySeconds: number }[] = [];
  const { counted, observed, ...measures } = recorded();
  let own: SystemParts | undefined;
  const system = await openSystem(
    engine,
    options.simulator,
    options.transport,
    (parts) => {
      own = parts;
      return {};
    },
    model,
  );
  if (own === undefined) throw new Error('write-back was not made');
  const { clock, contacts, companies, deals, identityKey, timeZone, logger } = own;
  const { time, url } = system.portal;
  const { client, tableName } = system.table;
  /** As a queue does: what failed comes again when its visibility time-out is over. */
  const put = (
    delaySeconds: number,
    deliver: (receiveCount: number) => Promise<unknown>,
    receiveCount = 1,
  ): void => {
    const again = () => put(VISIBILITY_SECONDS, deliver, receiveCount + 1);
    waiting.push({
      atMs: clock() + delaySeconds * 1000,
      deliver: () => delivered(() => deliver(receiveCount)).catch(again),
    });
  };
  const write = (queue: string, request: WriteRequest, delaySeconds = 0) =>
    put(delaySeconds, (receiveCount) => system.receive([request], receiveCount, queue));
  const work = (request: object, delaySeconds: number) => put(delaySeconds, () => nightly(asEvent(request)));
  const score = (message: Tick | CompanyTick | Envelope, delaySeconds = 0) =>
    put(delaySeconds, () => scorer(asEvent(message)));
  const scorer = createScorer({
    clock,
    model,
    portalId: PORTAL,
    ownAppIds: [],
    timeZone,
    contacts,
    companies,
    deals,
    identityKey: { read: () => identityKey.read(), refresh: async () => false },
    writeBack: {
      changes: async (requests, delay) => requests.forEach((request) => write('changes', request, delay)),
      background: async (requests, delay) =>
        requests.forEach((request) => write('background', request, delay)),
    },
    ticks: async (ticks, delay) => ticks.forEach((tick) => score(tick, delay)),
    reject: async (letters) => {
      if (letters.length > 0) throw new Error(JSON.stringify(letters));
    },
    noteArrivals: async () => undefined,
    ...recorded(),
    logger,
  });
  const store = { client, tableName, portalId: PORTAL };
  let calls = 0;
  const send: Send = (request) => {
    calls += 1;
    return system.send(request);
  };
  const listsOf = (type: ObjectType) => hubSpotLists(url, send, type);
  const ownParts: NightlyParts = {
    ...own,
    ...measures,
    due: (night) => dueContacts(client, tableName, PORTAL, night),
    dueBy: (ids, nowMs) => dueBy(contacts, PORTAL, ids, nowMs),
    progress: progressRow(store),
    tick: async (ticks) => ticks.forEach((tick) => score(tick)),
    ticks: async (ticks, delay) => ticks.forEach((tick) => score(tick, delay)),
    background: async (requests, delay) => requests.forEach((request) => write('background', request, delay)),
    ask: async (request, delaySeconds) => {
      asked.push({ request, delaySeconds });
      work(request, delaySeconds);
    },
    hubSpot: hubSpotPortal(url, send),
    lists: { contacts: listsOf('contacts'), companies: listsOf('companies'), deals: listsOf('deals') },
    row: runRow(store),
    effects: effectsRow(store),
    reportsMade: reportsRow(store),
    reports: undefined,
    withheld: { read: async () => ({ names: [] }) },
    ownAppIds: [],
    factRetentionDays: 400,
    dailyPercent: 2,
    dailyLimit: async () => 625_000,
    takeCalls() {
      const taken = calls;
      calls = 0;
      return taken;
    },
    pagesAtATime: 8,
    turnMs: 60_000,
  };
  let nightly = createNightly({ ...ownParts, ...options.parts?.(ownParts) });
  const webhooks = await listenForWebhooks();
  system.portal.setWebhooks({ targetUrl: webhooks.url, subscriptions: SUBSCRIPTIONS });
  let heard = 0;
  const collect = () => {
    for (const { lane, request, delaySeconds } of system.takeSent()) write(lane, request, delaySeconds);
    for (const tick of system.takeTicks()) score(tick);
  };
  const nights: NightSystem = {
    ...system,
    get failing() {
      return system.failing;
    },
    set failing(isFailing) {
      system.failing = isFailing;
    },
    nightly: (event) => nightly(event),
    deploy: (more) => void (nightly = createNightly({ ...ownParts, ...more(ownParts) })),
    night: { counted, observed },
    asked,
    async hear(loses = () => false) {
      await system.portal.settled();
      const events = webhooks.events();
      const news = events.slice(heard).filter((event) => !loses(event));
      heard = events.length;
      const body = Buffer.from(JSON.stringify(news)).toString('base64');
      if (news.length > 0)
        score({ portalId: PORTAL, route: '/webhooks/hubspot', receivedAtMs: clock(), body });
      await nights.settle();
    },
    async settle() {
      for (let message = 0; message < MOST_MESSAGES; message++) {
        collect();
        const first = waiting.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (first === undefined) return;
        waiting.splice(waiting.indexOf(first), 1);
        time.nowMs = Math.max(time.nowMs, first.atMs);
        await first.deliver();
      }
      throw new Error('the queues never run empty');
    },
    async run(kind = 'nightly') {
      work({ job: kind, portalId: PORTAL }, 0);
      await nights.settle();
      const { last } = await nights.state();
      if (last === undefined) throw new Error('the run did not come to its end');
      return last;
    },
    state: () => runRow(store).read(),
    later: (hours) => void (time.nowMs += hours * HOUR_MS),
  };
  return nights;
}

/** A portal whose lists come in smaller pages, so that few records make many. */
export function inPagesOf(size: number, lists: NightlyParts['lists']): NightlyParts['lists'] {
  const smaller = (type: ObjectType): HubSpotLists => ({
    ...lists[type],
    async list(request) {
      const page = await lists[type].list(request);
      const records = page.records.slice(0, size);
      return { records, after: page.records.length > size ? records.at(-1)?.id : page.after };
    },
  });
  return { contacts: smaller('contacts'), companies: smaller('companies'), deals: smaller('deals') };
}

/** Figures that are not 0, without those of size. */
export function wrong({ figures }: Run): Partial<Figures> {
  const {
    pages: _pages,
    calls: _calls,
    contacts: _contacts,
    companies: _companies,
    deals: _deals,
    ...rest
  } = figures;
  const { due: _due, ticked: _ticked, ...drift } = rest;
  return Object.fromEntries(Object.entries(drift).filter(([, count]) => count !== 0));
}

async function delivered(deliver: () => Promise<unknown>): Promise<void> {
  const answer = v.safeParse(v.object({ batchItemFailures: v.array(v.unknown()) }), await deliver());
  if (answer.success && answer.output.batchItemFailures.length > 0) throw new Error('a message failed');
}

let messages = 0;

export function asEvent(body: object): { Records: SQSRecord[] } {
  messages += 1;
  const record = {
    messageId: `message-${messages}`,
    receiptHandle: '',
    body: JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:any',
    awsRegion: 'eu-central-1',
  };
  return { Records: [record] };
}
