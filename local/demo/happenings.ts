// What happens in a portal in a month: people read, click, ask, answer, log in; sales notes what it learns.
import { base, en, Faker } from '@faker-js/faker';
import { type DemoContact, title } from './portal.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Days that the stream covers. */
const STREAM_DAYS = 30;
/** Most signals of one post to /signals. */
const SIGNALS_PER_POST = 20;
/** What a security gateway does with a long e-mail: it follows every link at once. */
const SCANNED_LINKS = 40;
const SCAN_SECONDS = 20;

/** A change of one property of a contact in HubSpot; an empty value clears it. */
export interface PropertyHappening {
  readonly kind: 'property';
  readonly contactId: string;
  readonly property: string;
  readonly value: string;
  /** Epoch milliseconds at which HubSpot changed it. */
  readonly atMs: number;
  /** As webhooks name it: CRM_UI, FORM, ... */
  readonly changeSource: string;
}

/** An event of the company's own systems, posted to /signals. */
export interface SignalHappening {
  readonly kind: 'signal';
  readonly contactId: string;
  readonly signal: string;
  readonly atMs: number;
  /** How the sender names the contact: by HubSpot's id, or by an e-mail address as somebody typed it. */
  readonly address: { readonly contactId: string } | { readonly email: string };
  /** Webhook id of the post that carries it, and its position there: with them it counts once. */
  readonly postId: string;
  readonly index: number;
}

/** A workflow of HubSpot that posts to /webhooks/workflow: a signal, and the properties as they are at that time. */
export interface WorkflowHappening {
  readonly kind: 'workflow';
  readonly contactId: string;
  readonly workflowId: string;
  readonly signal: string;
  readonly atMs: number;
  readonly address: { readonly contactId: string } | { readonly email: string };
  readonly properties: Readonly<Record<string, string>>;
}

/** Something that happens once; told of, it may be, many times. */
export type Happening = PropertyHappening | SignalHappening | WorkflowHappening;

export interface HappeningsPlan {
  /** The same seed, contacts and time give the same happenings. @default 7 */
  readonly seed?: number;
  /** Epoch milliseconds; everything happens in the 30 days before. */
  readonly nowMs: number;
}

/** Things that no person did, and that are known to be so. */
export interface LabelledBurst {
  readonly contactId: string;
  /** What they are, in the plural. */
  readonly label: string;
  readonly count: number;
  readonly seconds: number;
}

export interface Happenings {
  /** Signals of one post stand in the order of their positions. */
  readonly happenings: readonly Happening[];
  /** Part of the happenings; none in a portal so small that nobody fits. */
  readonly burst: LabelledBurst | undefined;
}

/**
 * Plans the happenings of two thirds of the contacts, about a dozen each, the hotter the more, and one burst. They are a portal's
 * ordinary life and know no scoring model. The changes of one contact come in the order of time, no two at one instant.
 */
export function planHappenings(contacts: readonly DemoContact[], plan: HappeningsPlan): Happenings {
  const faker = new Faker({ locale: [en, base], seed: (plan.seed ?? 7) + 1 });
  const stories = contacts.map((contact, at) => new Story(faker, contact, plan.nowMs, temperature(at)));
  for (const story of stories) story.happen();
  const scanned = stories.find((story) => story.isOpenToMail());
  scanned?.scanLinks();
  const planned = stories.flatMap((story) => story.happenings);
  const signals = planned.filter((happening) => happening.kind === 'ownSignal');
  return {
    happenings: [
      ...planned.filter((happening) => happening.kind !== 'ownSignal'),
      ...intoPosts(faker, signals),
    ],
    burst:
      scanned === undefined
        ? undefined
        : {
            contactId: scanned.contact.id,
            label: 'clicks of a link scanner',
            count: SCANNED_LINKS,
            seconds: SCAN_SECONDS,
          },
  };
}

type Temperature = 'hot' | 'warm' | 'lukewarm' | 'cold';

/** Two of three contacts do something, in every portal of whatever size. */
function temperature(at: number): Temperature {
  const place = (at * 7) % 30; // 7 and 30 share no factor: the four kinds are mixed evenly.
  if (place < 3) return 'hot';
  if (place < 10) return 'warm';
  return place < 20 ? 'lukewarm' : 'cold';
}

type OwnSignal = Omit<SignalHappening, 'kind' | 'postId' | 'index'> & { readonly kind: 'ownSignal' };

/** Own systems post single events, and batches of several people's. */
function intoPosts(faker: Faker, signals: readonly OwnSignal[]): SignalHappening[] {
  const waiting = faker.helpers.shuffle(signals);
  const posted: SignalHappening[] = [];
  while (waiting.length > 0) {
    const size = faker.datatype.boolean(0.6) ? 1 : faker.number.int({ min: 2, max: SIGNALS_PER_POST });
    const postId = `msg_${faker.string.alphanumeric(24)}`;
    for (const [index, signal] of waiting.splice(0, size).entries()) {
      posted.push({ ...signal, kind: 'signal', postId, index });
    }
  }
  return posted;
}

type Act = (story: Story, atMs: number) => void;

/** What people of a temperature do, and how often in a month: from and to, both included. */
const HABITS: Readonly<Record<Temperature, readonly (readonly [Act, number, number])[]>> = {
  cold: [[changeAddress, 0, 1]],
  lukewarm: [
    [visit, 1, 3],
    [openEmail, 0, 1],
    [clickEmail, 0, 1],
    [ticket, 0, 1],
    [callBySales, 0, 1],
    [invoice, 0, 1],
    [bounce, 0, 1],
    [unsubscribe, 0, 1],
    [leavePlan, 0, 1],
  ],
  warm: [
    [visit, 2, 4],
    [openEmail, 0, 1],
    [clickEmail, 0, 3],
    [replyToEmail, 0, 1],
    [login, 0, 1],
    [useFeatures, 0, 1],
    [ticket, 0, 1],
    [webinar, 0, 1],
    [callBySales, 0, 1],
    [changeJob, 0, 1],
    [unsubscribe, 0, 1],
    [recycle, 0, 1],
    [buy, 0, 1],
    [addSeats, 0, 2],
    [leavePlan, 0, 1],
  ],
  hot: [
    [visit, 3, 6],
    [openEmail, 0, 2],
    [clickEmail, 1, 4],
    [replyToEmail, 0, 2],
    [trial, 0, 1],
    [login, 1, 3],
    [useFeatures, 0, 2],
    [createWorkspace, 0, 1],
    [inviteTeammate, 0, 3],
    [addSeats, 0, 3],
    [choosePlan, 0, 1],
    [finishOnboarding, 0, 1],
    [webinar, 0, 2],
    [askForDemo, 0, 1],
    [callBySales, 0, 2],
    [fillForm, 0, 1],
    [buy, 0, 1],
    [recycle, 0, 1],
  ],
};

const BLOG_POSTS: readonly string[] = [
  '/blog/lead-scoring',
  '/blog/interest-fades?utm_source=newsletter&utm_medium=email',
  '/blog/webhooks/',
  '/en/blog/why-now#comments',
  '/Blog/why%20now',
];
const OTHER_PAGES: readonly string[] = [
  '/',
  '/product',
  '/customers',
  '/docs/start',
  '/docs/api/webhooks',
  '/account/upgrade',
  '/about',
  '/careers?ref=/pricing',
  '/security?utm_content=/blog',
  '/pricing-guide',
  '/white-papers/pricing-tips',
];
const PRICING_PAGES: readonly string[] = [
  '/pricing',
  '/pricing/',
  '/pricing?plan=team',
  '/en/pricing#faq',
  '/Pricing/enterprise',
  '//pricing?gclid=Cj0KCQ',
];
/** The same site, as it is linked to here and there. */
const SITES: readonly string[] = [
  'https://www.afterglow.example',
  'https://afterglow.example',
  'http://WWW.Afterglow.example:8080',
];
const FORMS: readonly string[] = [
  'Newsletter: Footer',
  'E-book: Score what counts',
  'Contact us: Website',
  'E-book: Democracy of data',
];
const DEMO_FORMS: readonly string[] = ['Request a demo: Website', 'Book a Demo: Pricing page'];
/** What sales notes after a call. */
const CALL_OUTCOMES: readonly string[] = [
  'NEW',
  'OPEN',
  'ATTEMPTED_TO_CONTACT',
  'CONNECTED',
  'OPEN_DEAL',
  'BAD_TIMING',
  'UNQUALIFIED',
];
/** HubSpot moves them forward only. */
const STAGES: readonly string[] = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'evangelist',
];
const BOUNCES: readonly string[] = ['UNKNOWN_USER', 'POLICY', 'MAILBOX_FULL'];

/** One contact's month. Keeps what HubSpot would hold of the contact, since only what changes a value is a change. */
class Story {
  readonly faker: Faker;
  readonly contact: DemoContact;
  readonly held: Map<string, string>;
  private readonly nowMs: number;
  private readonly temperature: Temperature;
  readonly happenings: (PropertyHappening | WorkflowHappening | OwnSignal)[] = [];
  private lastMs = 0;

  constructor(faker: Faker, contact: DemoContact, nowMs: number, warmth: Temperature) {
    this.faker = faker;
    this.contact = contact;
    this.nowMs = nowMs;
    this.temperature = warmth;
    this.held = new Map(Object.entries(contact.properties));
  }

  /** Lets everything happen, in the order of time. */
  happen(): void {
    const acts = HABITS[this.temperature].flatMap(([act, from, to]) =>
      Array.from({ length: this.faker.number.int({ min: from, max: to }) }, () => ({
        act,
        atMs: this.someTime(),
      })),
    );
    for (const { act, atMs } of acts.toSorted((a, b) => a.atMs - b.atMs)) {
      act(this, Math.min(Math.max(atMs, this.lastMs + MINUTE_MS), this.nowMs - MINUTE_MS));
    }
  }

  /** Somebody at work who does things, gets our e-mail, and has had no time for more in the last hour. */
  isOpenToMail(): boolean {
    const isReached =
      this.held.get('hs_email_optout') !== 'true' && !this.held.has('hs_email_hard_bounce_reason_enum');
    const isDone = this.lastMs > 0 && this.lastMs < this.nowMs - HOUR_MS;
    return (
      this.contact.kind === 'worker' && isReached && isDone && this.held.get('lifecyclestage') !== 'customer'
    );
  }

  /** Every link of an e-mail is followed within seconds, by a machine. */
  scanLinks(): void {
    const firstMs = Math.max(this.lastMs + MINUTE_MS, this.nowMs - 2 * DAY_MS);
    for (let link = 0; link < SCANNED_LINKS; link++) {
      const clickedMs = firstMs + (link * SCAN_SECONDS * SECOND_MS) / SCANNED_LINKS;
      this.change('hs_email_last_click_date', String(clickedMs), clickedMs + 100, 'CRM');
    }
  }

  /** Moves a contact on to a stage, never back. */
  advance(stage: string, atMs: number, changeSource: string): void {
    const now = STAGES.indexOf(this.held.get('lifecyclestage') ?? '');
    if (STAGES.indexOf(stage) > now) this.change('lifecyclestage', stage, atMs, changeSource);
  }

  /** HubSpot changes a property; nothing happens when it has that value already. */
  change(property: string, value: string, atMs: number, changeSource: string): void {
    if ((this.held.get(property) ?? '') === value) return;
    this.held.set(property, value);
    this.lastMs = Math.max(atMs, this.lastMs + 1);
    this.happenings.push({
      kind: 'property',
      contactId: this.contact.id,
      property,
      value,
      atMs: this.lastMs,
      changeSource,
    });
  }

  /** Raises a counter by one or more. */
  raise(property: string, by: number, atMs: number, changeSource: string): void {
    this.change(property, String(Number(this.held.get(property) ?? '0') + by), atMs, changeSource);
  }

  /** The company's own systems notice something. Some know the contact by HubSpot's id, some by what was typed once. */
  signal(signal: string, atMs: number): void {
    const { id: contactId, email } = this.contact;
    const address: SignalHappening['address'] =
      email === undefined
        ? { contactId }
        : this.faker.helpers.weightedArrayElement([
            { weight: 6, value: { contactId } },
            { weight: 3, value: { email } },
            { weight: 1, value: { email: ` ${email.toUpperCase()} ` } },
          ]);
    this.happenings.push({ kind: 'ownSignal', contactId, signal, atMs, address });
  }

  /** A workflow of HubSpot tells of the contact, with the form fields as HubSpot holds them then. */
  workflow(workflowId: string, signal: string, atMs: number): void {
    const { id: contactId, email } = this.contact;
    const properties: Record<string, string> = {};
    for (const name of ['jobtitle', 'country', 'phone']) {
      const value = this.held.get(name);
      if (value !== undefined && value !== '') properties[name] = value;
    }
    const address = email === undefined || this.faker.datatype.boolean(0.8) ? { contactId } : { email };
    this.happenings.push({ kind: 'workflow', contactId, workflowId, signal, atMs, address, properties });
  }

  /** More likely late than early, so that some of it is still warm. */
  private someTime(): number {
    const daysAgo = STREAM_DAYS * this.faker.number.float() ** 1.5;
    return Math.round(this.nowMs - Math.max(daysAgo * DAY_MS, 10 * MINUTE_MS));
  }
}

/**
 * A session on the website: HubSpot updates the last page and the count of pages, not each page one by one. Some load a page again,
 * by another link to it.
 */
function visit(story: Story, atMs: number): void {
  const { faker } = story;
  const pages = faker.helpers.weightedArrayElement([
    { weight: 3, value: PRICING_PAGES },
    { weight: 4, value: BLOG_POSTS },
    { weight: 5, value: OTHER_PAGES },
  ]);
  const address = () => `${faker.helpers.arrayElement(SITES)}${faker.helpers.arrayElement(pages)}`;
  story.change('hs_analytics_last_url', address(), atMs, 'CRM');
  if (faker.datatype.boolean(0.2))
    story.change('hs_analytics_last_url', address(), atMs + 20 * SECOND_MS, 'CRM');
  story.raise('hs_analytics_num_page_views', faker.number.int({ min: 1, max: 6 }), atMs, 'CRM');
}

/** Whether somebody reads it or a mail program fetches its pictures, HubSpot cannot tell. */
function openEmail(story: Story, atMs: number): void {
  story.change('hs_email_last_open_date', String(justBefore(story, atMs)), atMs, 'CRM');
}

/** The click is older than HubSpot's change of the contact: its value is the time that counts. */
function clickEmail(story: Story, atMs: number): void {
  story.change('hs_email_last_click_date', String(justBefore(story, atMs)), atMs, 'CRM');
}

function replyToEmail(story: Story, atMs: number): void {
  story.change('hs_sales_email_last_replied', String(justBefore(story, atMs)), atMs, 'CRM');
}

function justBefore(story: Story, atMs: number): number {
  return atMs - story.faker.number.int({ min: 500, max: 50_000 });
}

/** Few addresses stop working, */
function bounce(story: Story, atMs: number): void {
  if (story.contact.email === undefined || !story.faker.datatype.boolean(0.15)) return;
  story.change('hs_email_hard_bounce_reason_enum', story.faker.helpers.arrayElement(BOUNCES), atMs, 'CRM');
}

/** few people unsubscribe, and one in five of them comes back. */
function unsubscribe(story: Story, atMs: number): void {
  if (story.contact.email === undefined || !story.faker.datatype.boolean(0.15)) return;
  story.change('hs_email_optout', 'true', atMs, 'CRM');
  if (story.faker.datatype.boolean(0.2)) story.change('hs_email_optout', 'false', atMs + SECOND_MS, 'CRM');
}

function fillForm(story: Story, atMs: number): void {
  story.change('recent_conversion_event_name', story.faker.helpers.arrayElement(FORMS), atMs, 'FORM');
  story.raise('num_conversion_events', 1, atMs, 'FORM');
}

function askForDemo(story: Story, atMs: number): void {
  story.change('recent_conversion_event_name', story.faker.helpers.arrayElement(DEMO_FORMS), atMs, 'FORM');
  story.raise('num_conversion_events', 1, atMs, 'FORM');
  story.advance('marketingqualifiedlead', atMs, 'FORM');
}

/** Sales calls, and notes how it went. */
function callBySales(story: Story, atMs: number): void {
  story.change('hs_lead_status', story.faker.helpers.arrayElement(CALL_OUTCOMES), atMs, 'CRM_UI');
}

/** Sales gives some back to marketing. */
function recycle(story: Story, atMs: number): void {
  if (story.faker.datatype.boolean(0.3)) story.change('hs_lead_status', 'RECYCLED', atMs, 'CRM_UI');
}

/** Some become customers, and a few of them speak well of us. */
function buy(story: Story, atMs: number): void {
  if (!story.faker.datatype.boolean(0.2)) return;
  story.advance('customer', atMs, 'CRM_UI');
  if (story.faker.datatype.boolean(0.2)) story.advance('evangelist', atMs, 'CRM_UI');
}

/** A new job title, or one that somebody takes out because it was wrong. */
function changeJob(story: Story, atMs: number): void {
  const value = story.faker.datatype.boolean(0.15) ? '' : title(story.faker);
  story.change('jobtitle', value, atMs, 'CRM_UI');
}

/** Some who wrote from a private address have one at work now. They do nothing else, so nobody knows them by the old one. */
function changeAddress(story: Story, atMs: number): void {
  if (story.contact.kind !== 'private') return;
  story.change('email', `at-work.${story.contact.id}@somewhere-else.example`, atMs, 'CRM_UI');
}

function webinar(story: Story, atMs: number): void {
  story.workflow('1043', 'webinar.attended', atMs);
}

function finishOnboarding(story: Story, atMs: number): void {
  story.workflow('2077', 'onboarding.finished', atMs);
}

/** Some apps post again whenever a session is renewed. */
function login(story: Story, atMs: number): void {
  const renewals = story.faker.number.int({ min: 0, max: 2 });
  for (let renewal = 0; renewal <= renewals; renewal++)
    story.signal('product.login', atMs - renewal * 25 * MINUTE_MS);
}

/** Some click through everything once; scripts are faster still. */
function useFeatures(story: Story, atMs: number): void {
  const uses = story.faker.number.int({ min: 1, max: 6 });
  const apartMs = story.faker.helpers.arrayElement([5 * SECOND_MS, 10 * MINUTE_MS]);
  for (let use = 0; use < uses; use++) story.signal('feature.used', atMs - use * apartMs);
}

function trial(story: Story, atMs: number): void {
  story.signal('trial.started', atMs);
  if (!story.held.has('product_plan')) story.change('product_plan', 'free', atMs, 'INTEGRATION');
}

function createWorkspace(story: Story, atMs: number): void {
  story.signal('workspace.created', atMs);
}

function inviteTeammate(story: Story, atMs: number): void {
  story.signal('teammate.invited', atMs);
}

/** The product writes to HubSpot how many seats there are. */
function addSeats(story: Story, atMs: number): void {
  story.raise('product_seats', story.faker.number.int({ min: 1, max: 5 }), atMs, 'INTEGRATION');
}

function choosePlan(story: Story, atMs: number): void {
  const plan = story.faker.helpers.arrayElement(['team', 'business']);
  story.change('product_plan', plan, atMs, 'INTEGRATION');
}

/** Some go back to the free plan, and some cancel. */
function leavePlan(story: Story, atMs: number): void {
  if (!story.held.has('product_plan')) return;
  const plan = story.faker.helpers.arrayElement(['free', 'cancelled']);
  story.change('product_plan', plan, atMs, 'INTEGRATION');
}

function ticket(story: Story, atMs: number): void {
  story.signal('support.ticket', atMs);
}

/** Few leave an invoice unpaid. */
function invoice(story: Story, atMs: number): void {
  if (story.faker.datatype.boolean(0.3)) story.signal('invoice.unpaid', atMs);
}
