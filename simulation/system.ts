// All doors of one stack and everything around them in this process: queues, table, HubSpot, and whoever calls the API.
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, SQSRecord } from 'aws-lambda';
import { CONTACT_TABLE } from '../bench/virtual/contact-table.ts';
import { WebhookSecret } from '../lambdas/events/authenticity.ts';
import { subscriptionsOf } from '../lambdas/events/subscriptions.ts';
import { provisionedProperties } from '../lambdas/hubspot/outputs.ts';
import { createIngest } from '../lambdas/ingest.ts';
import { doorLog } from '../lambdas/log.ts';
import { connectNightly } from '../lambdas/nightly/connect.ts';
import type { WorkRequest } from '../lambdas/nightly/run.ts';
import { createNightly } from '../lambdas/nightly.ts';
import type { Platform } from '../lambdas/platform.ts';
import { createScorer, scorerParts } from '../lambdas/scorer.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { sendEnvelope } from '../lambdas/store/events-queue.ts';
import { secretOf } from '../lambdas/store/secrets.ts';
import { createWriteBack, writeBackParts } from '../lambdas/write-back.ts';
import { type Chaos, createChaos } from '../local/hubspot/chaos.ts';
import type { Fault, FaultableCall } from '../local/hubspot/faults.ts';
import { createLocalPortal, type LocalPortal } from '../local/hubspot/portal.ts';
import { createRandom } from '../local/hubspot/random.ts';
import { webhookHeaders } from '../local/hubspot/sign.ts';
import { Cloud, Environment } from './cloud.ts';
import { MemoryTable } from './dynamodb.ts';
import { type EventSource, startEventSource } from './event-source.ts';
import { type Faults, hubSpotFault } from './faults.ts';
import { fetchOf } from './hubspot.ts';
import { ALL_QUEUES, QUEUES } from './queues.ts';
import type { Scheduler } from './scheduler.ts';
import { MemoryQueues } from './sqs.ts';
import { isRefusal } from './world.ts';

export const PORTAL_ID = '1';
export const ORIGIN = 'https://www.example.com';
const PUBLIC_URL = 'https://api.afterglow.test';
const CLIENT_SECRET = 'simulated-client-secret';
export const SIGNALS_SECRET = `whsec_${Buffer.from('simulated-secret-of-own-signals!').toString('base64')}`;
/** The app by which we write: what comes back of it is no news. */
const APP_ID = 50_780_459;
const SECRETS: Readonly<Record<string, string>> = {
  webhooks: JSON.stringify({ clientSecret: CLIENT_SECRET, signalsSecret: SIGNALS_SECRET }),
  identity: JSON.stringify({ key: 'simulated-identity-key' }),
  token: JSON.stringify({ accessToken: 'local-access-token' }),
};
/** Seconds after which an invocation is ended. */
const TIMEOUT_SECONDS = { ingest: 10, scorer: 60, 'write-back': 300, nightly: 300 } as const;
type Door = keyof typeof TIMEOUT_SECONDS;
type QueueName = keyof typeof QUEUES;
/** Some apps subscribe to a change by HubSpot's generic events, too: told both ways it is one. */
const GENERIC = ['jobtitle', 'hs_email_last_click_date', 'hs_analytics_num_page_views'].map(
  (property) => `object.propertyChange:0-1:${property}`,
);
const READERS: Readonly<Record<QueueName, Door>> = {
  events: 'scorer',
  ticks: 'scorer',
  urgent: 'write-back',
  changes: 'write-back',
  background: 'write-back',
  work: 'nightly',
};
export const QUEUE_NAMES: readonly QueueName[] = [
  'events',
  'ticks',
  'urgent',
  'changes',
  'background',
  'work',
];

/** Within what a caller waits for an answer. */
const SLOW_MS = [200, 9_000] as const;
/** Shares of the writes that are slow, and that are done long after, and of the readings that are slow, while HubSpot is. */
const SLOW = { writes: 0.6, left: 0.2, readings: 0.35 } as const;

/** What differs from seed to seed. */
export interface SystemOptions {
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly model: Model;
  /** Share of the calls to HubSpot to which HubSpot does something. */
  readonly hubSpotFaultRate: number;
  /** Calls that HubSpot allows in 10 seconds, and those of them that are left to others. */
  readonly limit: number;
  readonly reserve: number;
  /** Told of every row that is written. */
  readonly onWrite: NonNullable<ConstructorParameters<typeof MemoryTable>[1]['onWrite']>;
}

const ORIGIN_OF = /^https:\/\/[^/?#]*/;
/** How the nightly door tells of a run. */
const RUN_ID = /("run":")([\da-f]{8}-[\da-f-]{27})"/g;

/** Environments have names for good: what a process remembers of one by its address is never another's. */
let environments = 0;

/** What a function does with an event, whatever kind of event it takes. */
interface Handler {
  handle(event: object): Promise<unknown>;
}

/** A stack, its portal, and the way between them. */
export class System {
  readonly table: MemoryTable;
  readonly queues: MemoryQueues;
  readonly portal: LocalPortal;
  readonly cloud: Cloud;
  readonly #options: SystemOptions;
  readonly #ofReadings: Chaos;
  readonly #ofWrites: Chaos;
  readonly #late: Chaos;
  readonly #left: Chaos;
  /** Whether HubSpot does much late, and answers late, and nothing else goes wrong. */
  isHubSpotSlow = false;
  readonly #often: Chaos;
  /** What each of them had done when it last did something. */
  readonly #injected = new Map<Chaos, Readonly<Record<string, number>>>();
  readonly #idle = new Map<Door, { readonly environment: Environment; readonly handler: Handler }[]>();
  readonly #alive = new Map<string, Environment>();
  readonly #sources: EventSource[];
  #started = 0;
  /** Runs of the nightly door that were told of. */
  readonly #runs: string[] = [];
  /** Webhooks of HubSpot's that were refused. */
  readonly refusals: string[] = [];
  /** Everything that was logged, counted or answered: what is looked through for personal data. */
  readonly said: string[] = [];

  constructor(options: SystemOptions) {
    this.#options = options;
    const { seed, scheduler, faults, limit } = options;
    const clock = scheduler.now;
    const random = createRandom(seed, 'queues');
    this.table = new MemoryTable(CONTACT_TABLE, {
      clock,
      indexLagMs: () => random.between(1, 2_000),
      onWrite: options.onWrite,
    });
    this.queues = new MemoryQueues(ALL_QUEUES, {
      clock,
      random: () => random.next(),
      handsOut: (possible) => (random.next() < 0.7 ? possible : random.between(1, possible)),
    });
    this.cloud = new Cloud(scheduler, faults, this, SECRETS);
    const rate = options.hubSpotFaultRate;
    this.#ofReadings = createChaos({ seed, rate });
    // There are far more readings than writes, and writes are what may go wrong.
    this.#ofWrites = createChaos({ seed: seed + 1, rate: 11 * rate });
    this.#late = createChaos({ seed: seed + 2, rate, kinds: ['reset-late', 'silence-late'] });
    this.#left = createChaos({ seed: seed + 4, rate: 1, kinds: ['reset-late', 'silence-late'] });
    this.#often = createChaos({
      seed: seed + 3,
      rate: rate / 2,
      kinds: ['429-window', 'not-json', '477', 'silence'],
    });
    this.portal = createLocalPortal(
      {
        portalId: Number(PORTAL_ID),
        clientSecret: CLIENT_SECRET,
        appId: APP_ID,
        clock,
        wallClock: clock,
        seed,
        rateLimitPer10Seconds: limit,
        latencyMs: [20, 600],
        propertyLagMs: [0, 0],
        searchLagMs: 30_000,
        sleep: (ms) => new Promise((resolve) => scheduler.after(ms, () => resolve())),
        faults: (call) => this.#hubSpotFault(call),
      },
      (url, headers, body) => this.#postAsHubSpot(url, headers, body),
    );
    this.#provision();
    this.#sources = QUEUE_NAMES.map((name) => this.#startReading(name));
  }

  #provision(): void {
    const properties = provisionedProperties(this.#options.model);
    for (const type of ['contacts', 'companies', 'deals'] as const)
      for (const { options: choices = [], ...property } of properties[type])
        this.portal.crm.defineProperty(type, {
          ...property,
          options: choices.map((choice) => ({ ...choice, hidden: false })),
        });
    this.portal.setWebhooks({
      targetUrl: `${PUBLIC_URL}/webhooks/hubspot`,
      subscriptions: [...subscriptionsOf(this.#options.model), ...GENERIC],
      reorder: true,
    });
  }

  /** From now on some of the webhooks never come. */
  loseWebhooks(dropRate: number): void {
    this.portal.setWebhooks({
      targetUrl: `${PUBLIC_URL}/webhooks/hubspot`,
      subscriptions: [...subscriptionsOf(this.#options.model), ...GENERIC],
      reorder: true,
      dropRate,
    });
  }

  #hubSpotFault(call: FaultableCall): ReturnType<Chaos['faults']> {
    const { faults } = this.#options;
    if (this.isHubSpotSlow) return this.#slowly(call);
    if (!faults.areOn) return undefined;
    if (isWrite(call) && faults.choose(['HubSpot does it late, and answers'], 5) !== undefined)
      return this.#doneLate(call);
    if (!isWrite(call) && faults.choose(['HubSpot answers late'], 0.6) !== undefined)
      return this.#answeredLate(call);
    for (const chaos of isWrite(call) ? [this.#late, this.#ofWrites] : [this.#often, this.#ofReadings]) {
      const fault = this.#faultOf(chaos, call);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** What a kind of chaos does to a call, if so, counted. */
  #faultOf(chaos: Chaos, call: FaultableCall): ReturnType<Chaos['faults']> {
    const { faults, scheduler } = this.#options;
    const fault = chaos.faults(call);
    if (fault === undefined) return undefined;
    const before = this.#injected.get(chaos) ?? {};
    const kind = Object.keys(chaos.injected).find((name) => chaos.injected[name] !== before[name]) ?? '';
    this.#injected.set(chaos, { ...chaos.injected });
    faults.count(hubSpotFault(kind));
    scheduler.note(`HubSpot ${call.method} ${call.path}  <<< ${kind}`);
    return fault;
  }

  #slowly(call: FaultableCall): ReturnType<Chaos['faults']> {
    const { faults } = this.#options;
    const at = faults.random.next();
    if (!isWrite(call)) {
      if (at >= SLOW.readings) return undefined;
      faults.count('HubSpot answers late');
      return this.#answeredLate(call);
    }
    if (at < SLOW.writes) {
      faults.count('HubSpot does it late, and answers');
      return this.#doneLate(call);
    }
    return at < SLOW.writes + SLOW.left ? this.#faultOf(this.#left, call) : undefined;
  }

  #doneLate({ method, path }: FaultableCall): Fault {
    const { faults, scheduler } = this.#options;
    scheduler.note(`HubSpot ${method} ${path}  <<< slow`);
    return { kind: 'delay', delayMs: faults.random.between(...SLOW_MS), isDoneLate: true };
  }

  #answeredLate({ method, path }: FaultableCall): Fault {
    const { faults, scheduler } = this.#options;
    scheduler.note(`HubSpot ${method} ${path}  <<< answers late`);
    return { kind: 'delay', delayMs: faults.random.between(...SLOW_MS) };
  }

  /** HubSpot may take an accepted request for one that was not, and tells events twice. */
  async #postAsHubSpot(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<number> {
    const { faults, scheduler } = this.#options;
    const route = url.slice(PUBLIC_URL.length);
    const status = await this.request(route, headers, body);
    if (isRefusal(status)) this.refusals.push(`HubSpot was answered with ${status}`);
    if (faults.choose(['webhook delivered twice'], 2) !== undefined)
      scheduler.after(faults.random.between(1, 60_000), () => void this.request(route, headers, body));
    return faults.choose(['webhook answer lost']) === undefined ? status : 0;
  }

  signAsHubSpot(route: string, body: string): Record<string, string> {
    const uri = `${PUBLIC_URL}${route}`;
    const timestamp = this.#options.scheduler.now();
    return webhookHeaders({ method: 'POST', uri, body, secret: CLIENT_SECRET, timestamp });
  }

  /** One request through the API. @returns the status; 0 where the function died */
  async request(route: string, headers: Readonly<Record<string, string>>, body: string): Promise<number> {
    const answer = await this.#invoke('ingest', this.#httpEvent(route, headers, body));
    const { statusCode = 0, body: told = '' } = Object(answer);
    if (typeof told === 'string') this.said.push(told);
    return typeof statusCode === 'number' ? statusCode : 0;
  }

  #httpEvent(
    route: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Pick<
    APIGatewayProxyEventV2,
    'routeKey' | 'rawPath' | 'rawQueryString' | 'headers' | 'body' | 'isBase64Encoded'
  > & { readonly requestContext: object } {
    return {
      routeKey: `POST ${route}`,
      rawPath: route,
      rawQueryString: '',
      headers,
      body,
      isBase64Encoded: false,
      requestContext: {
        domainName: 'api.afterglow.test',
        timeEpoch: this.#options.scheduler.now(),
        http: { method: 'POST' },
      },
    };
  }

  /** Asks the nightly door as its schedule does; a run that fails is asked for again, as Scheduler and Lambda do. */
  async night(job: object = { job: 'nightly', upTo: 'tonight' }): Promise<void> {
    for (let tries = 0; tries < 3; tries++) {
      const answer = await this.#invoke('nightly', job);
      if (answer !== 'failed') return;
      await new Promise<void>((resolve) => this.#options.scheduler.after(60_000, () => resolve()));
    }
    this.queues.execute(askNightly(job)); // Whoever reads the alarm asks for it once more.
  }

  ask(request: WorkRequest): void {
    this.queues.execute(askNightly(request));
  }

  #startReading(name: QueueName): EventSource {
    const { scheduler, faults, seed } = this.#options;
    const { queue, mapping } = QUEUES[name];
    const random = createRandom(seed, `readers of ${name}`);
    return startEventSource({
      queues: this.queues,
      queue,
      mapping,
      clock: scheduler.now,
      random: () => random.next(),
      after(ms, act) {
        const scheduled = scheduler.after(ms, act);
        return () => {
          scheduled.isCancelled = true;
        };
      },
      pollMs() {
        if (faults.choose(['message delivered late'], 4) === undefined) return random.between(1, 50);
        return random.between(50, random.next() < 0.8 ? 2_000 : 90_000);
      },
      invoke: async (records: SQSRecord[]) => {
        const answer = await this.#invoke(READERS[name], { Records: records });
        if (faults.choose(['message delivered twice'], 3) !== undefined) this.queues.duplicate(queue.name);
        return answer;
      },
      faults: {
        isReceiveLost: () => faults.choose(['received messages lost']) !== undefined,
        isDeleteLost: () => faults.choose(['deletion of messages lost']) !== undefined,
      },
    });
  }

  /** One invocation, in an environment that is warm, or in a new one. @returns `failed` when it threw, ran out of time, or died */
  async #invoke(door: Door, event: object): Promise<unknown> {
    const { scheduler, faults } = this.#options;
    const idle = this.#idle.get(door) ?? [];
    this.#idle.set(door, idle);
    if (idle.length > 0 && faults.choose(['function started anew']) !== undefined) {
      const gone = idle.pop();
      gone?.environment.crash();
    }
    const { environment, handler } = idle.pop() ?? this.#start(door);
    scheduler.note(`${environment.name} begins ${this.#named(tokenOf(event))}`, () =>
      this.#named(`${environment.name} begins ${textOf(event)}`),
    );
    const timeout = scheduler.after(TIMEOUT_SECONDS[door] * 1000, () => environment.crash());
    const died = new Promise<unknown>((resolve) => environment.watch(() => resolve('failed')));
    const done = handler.handle(event).catch((error: unknown) => {
      this.said.push(String(error));
      return 'failed';
    });
    const answer = await Promise.race([done, died]);
    timeout.isCancelled = true;
    environment.watch(undefined);
    scheduler.note(`${environment.name} ends ${JSON.stringify(answer)?.slice(0, 200)}`);
    if (environment.isAlive) idle.push({ environment, handler });
    return answer;
  }

  /** A text in which ids that a door drew by itself are told by the order in which they were first seen. */
  #named(text: string): string {
    return text.replaceAll(RUN_ID, (_, before: string, id: string) => {
      if (!this.#runs.includes(id)) this.#runs.push(id);
      return `${before}${this.#runs.indexOf(id) + 1}"`;
    });
  }

  #start(door: Door): { readonly environment: Environment; readonly handler: Handler } {
    const environment = new Environment(`${door}-${++this.#started}`);
    const host = `https://e${++environments}.hubspot.test`;
    this.#alive.set(host, environment);
    return { environment, handler: this.#handlerOf(door, environment, host) };
  }

  #handlerOf(door: Door, environment: Environment, hubSpotUrl: string): Handler {
    const platform = this.#platformOf(environment);
    if (door === 'ingest') return this.#ingest(platform);
    const env = {
      PORTAL_ID,
      CONTACT_TABLE_NAME: CONTACT_TABLE.name,
      IDENTITY_KEY_SECRET_ARN: 'identity',
      HUBSPOT_TOKEN_SECRET_ARN: 'token',
      HUBSPOT_API_URL: hubSpotUrl,
      EVENTS_DEAD_LETTER_QUEUE_URL: QUEUES.events.deadLetters.url,
      WRITE_BACK_DEAD_LETTER_QUEUE_URL: QUEUES.changes.deadLetters.url,
      URGENT_QUEUE_URL: this.#options.seed % 2 === 0 ? QUEUES.urgent.queue.url : '',
      CHANGES_QUEUE_URL: QUEUES.changes.queue.url,
      BACKGROUND_QUEUE_URL: QUEUES.background.queue.url,
      TICKS_QUEUE_URL: QUEUES.ticks.queue.url,
      NIGHTLY_QUEUE_URL: QUEUES.work.queue.url,
      TIME_ZONE: 'UTC',
      OWN_APP_IDS: String(APP_ID),
      FACT_RETENTION_DAYS: '400',
      HUBSPOT_LIMIT_PER_10_SECONDS: String(this.#options.limit),
      HUBSPOT_RESERVE_PER_10_SECONDS: String(this.#options.reserve),
      HUBSPOT_DAILY_LIMIT: '625000',
      HUBSPOT_DAILY_RESERVE_PERCENT: '10',
      RECONCILE_DAILY_PERCENT: '2',
      ID_PROPERTY: '',
      MOST_WRITES_PER_HOUR: '1000',
    };
    if (door === 'scorer') return { handle: createScorer(scorerParts(env, platform)) };
    if (door === 'write-back') {
      return { handle: createWriteBack(writeBackParts(env, platform)) };
    }
    return { handle: createNightly(connectNightly(env, platform)) };
  }

  #ingest({ clock, secrets, sqs, model, logger, count }: Platform): Handler {
    const handle = createIngest({
      clock,
      env: { PORTAL_ID, PUBLIC_URL, WORKFLOW_V2: '', SESSION_ORIGINS: ORIGIN },
      sources: model.sources,
      secret: secretOf(secrets, 'webhooks', WebhookSecret, clock),
      send: (envelope) => sendEnvelope(sqs, QUEUES.events.queue.url, envelope),
      logger,
      count,
    });
    return { handle };
  }

  #platformOf(environment: Environment): Platform {
    const { scheduler, model } = this.#options;
    const say =
      (level: string) =>
      (message: unknown, ...details: readonly unknown[]) => {
        const line = `${environment.name} ${level}: ${textOfLog(message, details[0])}`;
        this.said.push(line);
        scheduler.note(this.#named(`    ${line}`));
      };
    return {
      ...this.cloud.clientsOf(environment),
      clock: scheduler.now,
      model,
      logger: doorLog({ info: say('info'), warn: say('warn'), error: say('error') }),
      count: () => {},
      observe: () => {},
      publish: () => {},
    };
  }

  /** How functions reach HubSpot: each by an address of its own, so that what it waits for ends with it. */
  readonly fetch: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : input.toString();
    const [origin = ''] = ORIGIN_OF.exec(url) ?? [];
    const environment = this.#alive.get(origin);
    const { faults, scheduler } = this.#options;
    const never = new Promise<never>(() => undefined);
    if (environment === undefined || !environment.isAlive) return never;
    this.cloud.operations += 1;
    const fault = faults.choose(['function crashed before a call', 'function crashed after a call']);
    scheduler.note(
      `${environment.name} ${init?.method ?? 'GET'} ${url.slice(origin.length)}${fault === undefined ? '' : `  <<< ${fault}`}`,
    );
    if (fault === 'function crashed before a call') {
      environment.crash();
      return never;
    }
    const reach = fetchOf(this.portal, origin);
    const answer = reach(input, init);
    if (fault === 'function crashed after a call') {
      answer.catch(() => undefined);
      scheduler.after(faults.random.between(1, 700), () => environment.crash());
    }
    return answer.then(
      (response) => (environment.isAlive ? response : never),
      (error: unknown) => {
        if (!environment.isAlive) return never;
        throw error;
      },
    );
  };

  /** Messages that are anywhere but among the dead letters. */
  get waiting(): number {
    return QUEUE_NAMES.reduce((sum, name) => sum + this.queues.messages(QUEUES[name].queue.name).length, 0);
  }

  /** Sends the dead letters again that no door wrote. @returns how many */
  redrive(): number {
    return QUEUE_NAMES.reduce((sum, name) => sum + this.queues.redrive(QUEUES[name].deadLetters.name), 0);
  }

  stop(): void {
    for (const source of this.#sources) source.stop();
    this.portal.stop();
  }
}

function askNightly(message: object): SendMessageCommand {
  return new SendMessageCommand({ QueueUrl: QUEUES.work.queue.url, MessageBody: JSON.stringify(message) });
}

/** What of an event decides what follows from it. */
function tokenOf(event: object): string {
  if ('Records' in event && Array.isArray(event.Records)) {
    let token = '';
    for (const { messageId, body, attributes } of event.Records)
      token += `${messageId.slice(-4)} ${attributes.ApproximateReceiveCount} ${body} `;
    return token;
  }
  return textOf(event);
}

/** What of an event stands in the trace. */
function textOf(event: object): string {
  if ('Records' in event && Array.isArray(event.Records))
    return event.Records.map(
      ({ messageId, body, attributes }: SQSRecord) =>
        `[${messageId.slice(-4)} ×${attributes.ApproximateReceiveCount} ${readable(body)}]`,
    ).join(' ');
  if ('routeKey' in event && 'body' in event) return `${String(event.routeKey)} ${String(event.body)}`;
  return JSON.stringify(event);
}

/** A message, with what it carries as base64. */
function readable(body: string): string {
  const content: unknown = JSON.parse(body);
  if (typeof content !== 'object' || content === null || !('body' in content)) return body;
  return `${'route' in content ? String(content.route) : ''} ${Buffer.from(String(content.body), 'base64').toString()}`;
}

function textOfLog(message: unknown, details: unknown): string {
  const told = JSON.stringify(details, (key, value: unknown) => (key === 'stack' ? undefined : value));
  return told === undefined ? String(message) : `${String(message)} ${told}`;
}

function isWrite({ method, path }: FaultableCall): boolean {
  return method === 'PATCH' || (method === 'POST' && path.endsWith('/batch/update'));
}
