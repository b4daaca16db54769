// One seed: a small portal, two hours of its life, everything that can go wrong, and what must hold in the end.
import { isDeepStrictEqual } from 'node:util';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { CONTACT_TABLE } from '../bench/virtual/contact-table.ts';
import { createRandom, type Random } from '../local/hubspot/random.ts';
import { Bystander } from './bystander.ts';
import { Faults } from './faults.ts';
import { simulatedModel } from './model.ts';
import { violationsAtRest, wrongRestatement } from './oracle.ts';
import { RestlessError, Scheduler } from './scheduler.ts';
import { ORIGIN, PORTAL_ID, SIGNALS_SECRET, System } from './system.ts';
import { World } from './world.ts';

/** When every world begins: a Monday morning. */
const START_MS = Date.UTC(2026, 2, 2, 8);

export interface SeedOptions {
  readonly isTraced?: boolean;
  /** Share of calls to which something is done. */
  readonly faultRate?: number;
}

/** What came of a seed. */
export interface SeedResult {
  readonly seed: number;
  /** How often each kind of fault was done. */
  readonly faults: Readonly<Record<string, number>>;
  /** Operations on the models. */
  readonly operations: number;
  readonly virtualMs: number;
  /** SHA-256 of the trace, hexadecimal. */
  readonly hash: string;
  /** What does not hold; empty where all does. */
  readonly violations: readonly Violation[];
  /** Line by line, where it was asked for. */
  readonly trace: readonly string[];
  /** How often what took part. */
  readonly happened: Readonly<Record<string, number>>;
}

export interface Violation {
  /** Number of the promise that is broken. */
  readonly promise: number;
  readonly what: string;
}

const MODEL = simulatedModel();
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Share of the seeds at whose end writes cross. */
const WITH_CROSSING = 0.22;
/** Share of the seeds whose world is looked at for some nights more, after a day of which HubSpot does not tell everything. */
const WITH_NIGHTS = 0.028;
const LOST_WEBHOOKS = 0.8;
/** Days that go by before them. */
const LATER_DAYS = [0, 3, 30, 90] as const;
/** What HubSpot allows in 10 seconds, from seed to seed. */
const LIMITS = [6, 20, 190] as const;
/** How often dead letters are sent again that only came too often. */
const REDRIVES = 5;

/**
 * Lives through one seed.
 *
 * @param seed - any whole number; the same one gives the same trace
 */
export async function runSeed(
  seed: number,
  { isTraced = false, faultRate = 0.05 }: SeedOptions = {},
): Promise<SeedResult> {
  const scheduler = new Scheduler(seed, START_MS, isTraced);
  return inTimeOf(scheduler, isTraced, async () => {
    const story = new Story(seed, scheduler, faultRate);
    globalThis.fetch = story.system.fetch;
    await story.live().catch((error: unknown) => {
      if (!(error instanceof RestlessError)) throw error;
      story.violations.push({ promise: 3, what: 'it never comes to rest' });
    });
    const { system, faults, world, violations } = story;
    const lost = system.portal.delivered().dropped;
    return {
      seed,
      faults: { ...faults.done, ...(lost > 0 && { 'webhook lost': lost }) },
      operations: system.cloud.operations,
      virtualMs: scheduler.elapsedMs,
      hash: scheduler.hash(),
      violations,
      trace: scheduler.trace,
      happened: world.ledger.happened,
    };
  });
}

/** A world in which nothing happens any more, and what does not hold of it at the moment at which one looks. */
export interface Rest {
  readonly system: System;
  readonly world: World;
  readonly look: () => readonly Violation[];
}

/** Lives through one seed until everything has come to rest, and no further: to be looked at, and to be damaged. */
export async function restOf(seed: number, faultRate = 0): Promise<Rest> {
  const scheduler = new Scheduler(seed, START_MS);
  return inTimeOf(scheduler, true, async () => {
    const story = new Story(seed, scheduler, faultRate);
    const { system, world } = story;
    globalThis.fetch = system.fetch;
    await story.liveToRest();
    return { system, world, look: () => story.look() };
  });
}

/** Does something with the timers, the clock and the network of a world, and gives back those of this thread. */
async function inTimeOf<T>(scheduler: Scheduler, isTraced: boolean, act: () => Promise<T>): Promise<T> {
  const uninstall = scheduler.install();
  const realFetch = globalThis.fetch;
  const { stackTraceLimit } = Error;
  // Many errors are meant to be, and where they come from takes longer to tell than all that they lead to.
  if (!isTraced) Error.stackTraceLimit = 0;
  try {
    return await act();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    globalThis.fetch = realFetch;
    uninstall();
  }
}

/** What happens in one seed, from the first contact to the last look at everything. */
class Story {
  readonly faults: Faults;
  readonly system: System;
  readonly world: World;
  readonly violations: Violation[] = [];
  readonly #bystander: Bystander;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #isDisturbed: boolean;
  readonly #logins = new KeptLogins();
  readonly #unseen = new UnseenRows();
  /** Rows are taken away by time to live. */
  #isExpiring = false;

  constructor(seed: number, scheduler: Scheduler, faultRate: number) {
    this.#scheduler = scheduler;
    this.#random = createRandom(seed, 'story');
    this.faults = new Faults(seed, faultRate);
    this.#isDisturbed = faultRate > 0;
    const limit = LIMITS[this.#random.between(0, LIMITS.length - 1)] ?? LIMITS[0];
    const { faults } = this;
    this.system = new System({
      seed,
      scheduler,
      faults,
      model: MODEL,
      hubSpotFaultRate: faultRate,
      limit,
      reserve: Math.floor(limit / 10),
      onWrite: (...write) => this.#checkWrite(...write),
    });
    const { system } = this;
    this.#bystander = new Bystander(system.table, system.portal.state);
    this.world = new World({
      crm: system.portal.crm,
      scheduler,
      faults,
      seed,
      portalId: PORTAL_ID,
      origin: ORIGIN,
      signalsSecret: SIGNALS_SECRET,
      send: (route, headers, body) => system.request(route, headers, body),
      signAsHubSpot: (route, body) => system.signAsHubSpot(route, body),
    });
  }

  async live(): Promise<void> {
    await this.liveToRest();
    this.violations.push(...this.look());
    if (this.#random.next() < WITH_NIGHTS && this.violations.length === 0) await this.#nights();
  }

  async liveToRest(): Promise<void> {
    const endMs = this.world.play(this.#random.between(1, 4));
    await this.#scheduler.run(endMs + HOUR_MS / 6);
    await this.#rest();
    if (this.#isDisturbed && this.#random.next() < WITH_CROSSING) await this.#cross();
  }

  /** Where everything is at rest, and no doubt is left that would have it looked at again, writes cross, and nothing else goes wrong. */
  async #cross(): Promise<void> {
    const { system, world } = this;
    system.isHubSpotSlow = true;
    await this.#scheduler.run(world.cross() + HOUR_MS / 6);
    system.isHubSpotSlow = false;
    await this.#rest();
  }

  /** A day of which not everything is told, weeks later; a night that is disturbed, and one that is not. */
  async #nights(): Promise<void> {
    const { faults, system, world } = this;
    await this.#pass((LATER_DAYS[this.#random.between(0, LATER_DAYS.length - 1)] ?? 0) * DAY_MS);
    this.#isExpiring = true;
    system.table.expire(this.#scheduler.now());
    this.#isExpiring = false;
    world.forgetUnclaimed();
    faults.areOn = true;
    system.loseWebhooks(LOST_WEBHOOKS);
    const endMs = world.play(this.#random.between(4, 7), false);
    await this.#scheduler.run(endMs + HOUR_MS);
    system.loseWebhooks(0);
    // For half a day: at this rate doubts would beget doubts as fast as they are settled.
    faults.areOn = false;
    await this.#pass(DAY_MS / 2);
    faults.areOn = true;
    void system.night();
    await this.#scheduler.run(this.#scheduler.now() + HOUR_MS);
    await this.#rest();
    await this.#pass(DAY_MS);
    // What falls due today falls due tomorrow night.
    const nightMs = Math.floor(this.#scheduler.now() / DAY_MS) * DAY_MS;
    void system.night();
    await this.#scheduler.run();
    world.ledger.happened['nights'] = 2;
    this.violations.push(...this.look(nightMs, false));
  }

  async #pass(ms: number): Promise<void> {
    await this.#scheduler.run(this.#scheduler.now() + ms);
  }

  /** Faults stop, and everything comes to its end; what only came too often is sent again, as an operator would. */
  async #rest(): Promise<void> {
    const { faults, system } = this;
    faults.areOn = false;
    await this.#scheduler.run();
    for (let tries = 0; tries < REDRIVES && system.redrive() > 0; tries++) await this.#scheduler.run();
  }

  /** What does not hold. @param scoredSinceMs - see there */
  look(scoredSinceMs = this.world.ledger.lastMs, areLettersKept = true): Violation[] {
    const nowMs = this.#scheduler.now();
    const touched = this.#bystander.changed(this.system.table.rows());
    return [
      ...violationsAtRest(this.system, this.world, nowMs, scoredSinceMs, areLettersKept),
      ...this.#unseen
        .rows((pk) => this.#headOf(pk))
        .map((row) => ({
          promise: 2,
          what: `${row} was kept, and its head was not raised since: who read before could store an older score`,
        })),
      ...touched.map((row) => ({ promise: 6, what: `a row of another portal is not as it was: ${row}` })),
    ];
  }

  /** A browser stays whose it is as long as that one lives. */
  #checkOwner(
    pk: string,
    before: unknown,
    after: unknown,
    tell: (promise: number, what: string) => void,
  ): void {
    if (typeof before !== 'string' || typeof after !== 'string' || !OF_CONTACT.test(before)) return;
    const [owner, next] = [this.#endOf(before), this.#endOf(after)];
    if (owner.key !== next.key && (owner.head?.['life'] ?? 'living') === 'living')
      tell(2, `the browser ${pk} was ${before}'s and becomes ${after}'s`);
  }

  /** Whether HubSpot ever was given what counts as shown from now on, and that is what is to be shown. */
  #wasWritten(pk: string, { wid, cwid }: Row): boolean {
    const [, id = ''] = pk.split('#');
    const { crm } = this.system.portal;
    if (cwid === undefined || crm.get('contacts', id)?.archived !== false) return true;
    return (
      cwid === wid && crm.history('contacts', id, 'afterglow_write_id').some(({ value }) => value === cwid)
    );
  }

  /** Whether whoever keeps a fact here from now on finds that it belongs elsewhere, or to nobody. */
  #isLeft(pk: string): boolean {
    const head = this.#headOf(pk);
    return head === undefined
      ? !OF_CONTACT.test(pk)
      : head['alias'] !== undefined || head['life'] === 'erased';
  }

  #headOf(pk: string): Row | undefined {
    const Key = { pk, sk: '#head' };
    const { Item }: { Item?: Row } = this.system.table.execute(
      new GetCommand({ TableName: CONTACT_TABLE.name, Key, ConsistentRead: true }),
    );
    return Item;
  }

  /** Where a chain of aliases ends now. */
  #endOf(key: string): { readonly key: string; readonly head: Row | undefined } {
    const head = this.#headOf(key);
    const alias = head?.['alias'];
    return typeof alias === 'string' ? this.#endOf(alias) : { key, head };
  }

  /** What must hold of every row that is written, at once. */
  #checkWrite(pk: string, sk: string, before: Row | undefined, after: Row | undefined): void {
    const tell = (promise: number, what: string) => {
      this.#scheduler.note(`!!! ${what}`);
      if (this.violations.length < 20) this.violations.push({ promise, what });
    };
    if (this.#bystander.isWriting) return;
    if (!pk.startsWith(`${PORTAL_ID}#`)) tell(6, `a row under ${pk}: keys begin with the portal`);
    if (after === undefined && OF_FACTS.test(sk) && !this.#isExpiring && !this.#isLeft(pk))
      tell(2, `${sk} is taken from ${pk}, which neither leads elsewhere nor is erased`);
    this.#unseen.note(pk, sk, before, after);
    if (after?.['name'] === LOGIN && before === undefined) this.#logins.keep(pk, sk);
    if (
      sk === '#head' &&
      before !== undefined &&
      after !== undefined &&
      this.#logins.isAnyUnseen(pk, before, after)
    )
      tell(2, `${pk} was scored without a fact that stood there before it was read`);
    if (sk !== '#head' || before === undefined) return;
    const unsaid = OF_DEAL.test(pk) && after !== undefined ? wrongRestatement(before, after) : undefined;
    if (unsaid !== undefined) tell(2, unsaid);
    if (pk.startsWith(`${PORTAL_ID}#visitor#`))
      return this.#checkOwner(pk, before['alias'], after?.['alias'], tell);
    if (!OF_CONTACT.test(pk)) return;
    if (after === undefined) return tell(2, `the head of ${pk} is gone`);
    if (Number(after['rev'] ?? 0) < Number(before['rev'] ?? 0)) tell(2, `the revision of ${pk} falls`);
    if (before['life'] === 'erased' && after['life'] !== 'erased') tell(8, `${pk} was erased and is back`);
    if (after['cwid'] !== before['cwid'] && !this.#wasWritten(pk, after))
      tell(3, `${pk} counts as shown, and was not written so`);
    if (before['alias'] !== undefined && after['alias'] !== before['alias'])
      tell(2, `${pk} leads elsewhere than it did`);
  }
}

const LOGIN = 'signal:product.login';
/** What a store of a score never changes, and every other one that raises the revision does. */
const OF_OTHER_STORES = ['life', 'lifeAt', 'forgotAt', 'old', 'alias'] as const;

/**
 * Which logins a score must know of: whoever stores a score has read its head, and so after everything was kept that stood there when the
 * head was last written.
 */
class KeptLogins {
  /** Epoch milliseconds of the newest, by partition: of all, and of those that stood there when the head was last written. */
  readonly #newest = new Map<string, number>();
  readonly #known = new Map<string, number>();

  keep(pk: string, sk: string): void {
    const atMs = Number(sk.split('#')[1]);
    this.#newest.set(pk, Math.max(atMs, this.#newest.get(pk) ?? 0));
  }

  /** @param after - the head as it is written */
  isAnyUnseen(pk: string, before: Row, after: Row): boolean {
    if (before['rev'] === after['rev']) return false; // A confirmation.
    const knownMs = this.#known.get(pk) ?? 0;
    this.#known.set(pk, this.#newest.get(pk) ?? 0);
    const isOfScore = OF_OTHER_STORES.every((name) => isDeepStrictEqual(before[name], after[name]));
    return isOfScore && after['status'] === 'scored' && !(Number(after['lastAt'] ?? 0) >= knownMs);
  }
}

/**
 * What was kept of whom after the head was last raised: whoever keeps something raises the revision afterwards, also when the score stays,
 * or whoever read before could still store.
 */
class UnseenRows {
  readonly #rows = new Map<string, string>();

  note(pk: string, sk: string, before: Row | undefined, after: Row | undefined): void {
    if (!OF_CONTACT.test(pk) || after === undefined) return;
    if (sk === '#head' && after['rev'] !== before?.['rev']) this.#rows.delete(pk);
    if (OF_SCORES.test(sk) && !isDeepStrictEqual(before, after)) this.#rows.set(pk, sk);
  }

  /** Of those who live. */
  rows(headOf: (pk: string) => Row | undefined): string[] {
    return [...this.#rows].flatMap(([pk, sk]) => {
      const { alias, life = 'living' } = headOf(pk) ?? {};
      return alias === undefined && life === 'living' ? [`${pk} ${sk}`] : [];
    });
  }
}

/** Rows of what happened. */
const OF_FACTS = /^(signal|touch)#/;
/** Rows that a score is folded from: all but those of whose deals they are. */
const OF_SCORES = /^(signal|touch)#|^property#(?!associated\.deals$)/;
/** The partition of a deal. */
const OF_DEAL = /^\d+#deal#\d+$/;
/** A contact's partition, but no other record's. */
const OF_CONTACT = /^\d+#\d+$/;

type Row = Readonly<Record<string, unknown>>;
