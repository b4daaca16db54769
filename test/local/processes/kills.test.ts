// What Afterglow promises whatever crashes, shown with processes that are killed.
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { base, en, Faker } from '@faker-js/faker';
import { listDeadLetters, retryDeadLetters } from '../../../cli/dead-letters.ts';
import { compareWithTable, type Difference } from '../../../local/check-table.ts';
import { playHappenings } from '../../../local/demo/play.ts';
import { DOORS, Killer } from './killer.ts';
import { PLAIN_MODEL_YAML, PlainPortal, type Round } from './plain-portal.ts';
import { CLIENT_SECRET, type Running, SIGNALS_SECRET, startRunning, tell, tellSeed } from './running.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
const KILLS = 200;
const LEAST_OF_EACH_DOOR = 20;
/** Between two rounds the clock moves at most so far, so that what is tried again meets what happens next. */
const BETWEEN_ROUNDS_MS = 20 * MINUTE_MS;
/** After so many rounds it is looked whether HubSpot shows what the table says. */
const ROUNDS_PER_LOOK = 3;
/** Longest that killing may take, and whatever is waited for. */
const KILLING_MS = 8 * MINUTE_MS;
const SETTLING_MS = 8 * MINUTE_MS;
/** HubSpot takes its time, so that some die while they wait for it. */
const LATENCY_MS = [10, 80] as const;
/** After an asynchronous call that failed Lambda tries twice more (template, `MaximumRetryAttempts`). */
const NIGHTLY_TRIES = 3;
/** Five times the longest visibility time-out, that of the changes lane, and an hour more. */
const DOOMED_MS = 5 * 31 * MINUTE_MS + 60 * MINUTE_MS;
/** Letters are sent back at most so often; nobody is killed by then. */
const REDRIVES = 3;

const { seed, replay } = tellSeed('test/local/processes/kills.test.ts');
const faker = (part: number) => new Faker({ locale: [en, base], seed: seed + part });
const killer = new Killer(faker(1));
let running: Running;

beforeAll(async () => {
  running = await startRunning({
    modelYaml: PLAIN_MODEL_YAML,
    seed,
    latencyMs: LATENCY_MS,
    answering: killer.watch,
  });
}, 3 * MINUTE_MS);

afterAll(async () => {
  killer.rest();
  await running?.stop();
}, MINUTE_MS);

async function play(round: Round, playSeed: number): Promise<void> {
  const { simulator, system } = running;
  await playHappenings({
    simulator,
    ingestUrl: system.ingestUrl,
    signalsSecret: SIGNALS_SECRET,
    clientSecret: CLIENT_SECRET,
    seed: playSeed,
    ...round,
  });
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** Lets time pass, up to so much, as far as anything is postponed. */
async function pass(mostMs: number): Promise<number> {
  const { simulator, system } = running;
  await simulator.settled();
  const { left } = await system.passTime({
    mostMs,
    mostWallMs: SETTLING_MS,
    alsoDue: () => simulator.landings.due(),
    progress: () => simulator.calls.length,
    onMoved: async () => {
      simulator.landings.catchUp();
      await simulator.settled();
    },
  });
  return left;
}

/**
 * As the schedule calls it; what fails for the third time is left to the next night. Once enough of its runs died, HubSpot and the table
 * are compared no more: it would mend what the other doors have to do right by themselves.
 */
async function night(): Promise<void> {
  const job = killer.of('nightly') < LEAST_OF_EACH_DOOR ? 'nightly' : 'decay';
  for (let attempt = 1; attempt <= NIGHTLY_TRIES; attempt++) {
    const isDone = await running.system.invoke('nightly', { job, upTo: 'now' }).then(
      () => true,
      () => false,
    );
    if (isDone) return;
  }
}

function isEnough(): boolean {
  return killer.kills.length >= KILLS && DOORS.every((door) => killer.of(door) >= LEAST_OF_EACH_DOOR);
}

/** Ids under which HubSpot knows those that live. */
function idsOf(portal: PlainPortal): string[] {
  return portal.ids().map((id) => running.simulator.crm.get('contacts', id)?.id ?? id);
}

/** What there was to see when nobody was killed for a while. */
interface Seen {
  /** Letters sent back. */
  redriven: number;
  /** Letters of which the reason is another than that they came too often. */
  readonly unexplained: string[];
  /** Contacts for which HubSpot showed something else than the table said. */
  readonly differences: Difference[];
}

/**
 * Kills nobody, waits for the end of all that was postponed, and sends back what came too often because of the kills. Done every few
 * rounds: a write that was lost may not wait until its contact happens to be written again.
 */
async function settle(portal: PlainPortal, seen: Seen): Promise<void> {
  const { target, table, simulator } = running;
  killer.rest();
  for (let redrive = 0; redrive < REDRIVES; redrive++) {
    expect(await pass(14 * DAY_MS)).toBe(0);
    const { letters, groups } = await listDeadLetters(target);
    if (letters === 0) break;
    for (const { queue, reason, example } of groups)
      if (reason !== 'tried five times without success')
        seen.unexplained.push(`${queue}: ${reason} (${example})`);
    seen.redriven += (await retryDeadLetters(target)).sent;
  }
  seen.differences.push(...(await compareWithTable(table, simulator.crm, idsOf(portal))));
  killer.goOn();
}

/** Lets things happen until enough were killed. @returns rounds */
async function killMany(portal: PlainPortal, seen: Seen): Promise<number> {
  const { system } = running;
  await play(portal.first(system.now()), seed);
  const endsMs = Date.now() + KILLING_MS;
  let rounds = 0;
  while (!isEnough() && Date.now() < endsMs) {
    rounds += 1;
    await Promise.all([play(portal.next(system.now()), seed + rounds), night()]);
    await pass(BETWEEN_ROUNDS_MS);
    if (rounds % ROUNDS_PER_LOOK === 0) await settle(portal, seen);
  }
  // What comes too often is set aside: that too is to be seen.
  killer.doom('scorer', 'write-back');
  await play(portal.next(system.now()), seed + rounds + 1);
  await pass(DOOMED_MS);
  return rounds + 1;
}

type Row = Readonly<Record<string, unknown>>;

async function allRows(): Promise<Row[]> {
  const { client, tableName } = running.table;
  const rows: Row[] = [];
  let ExclusiveStartKey: Row | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName: tableName, ConsistentRead: true, ExclusiveStartKey }),
    );
    rows.push(...(page.Items ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return rows;
}

/** What is wrong with the points that HubSpot shows, and with the facts that the table holds. */
async function wrongContacts(portal: PlainPortal, sinceMs: number): Promise<string[]> {
  const { system, simulator, table } = running;
  const facts = (await allRows()).filter(({ sk }) => String(sk).startsWith('signal#'));
  const byPartition = Map.groupBy(facts, ({ pk }) => String(pk));
  const wrong: string[] = [];
  for (const [madeId, { score, fit, facts: counts, isMerged }] of portal.expected(sinceMs, system.now())) {
    const record = simulator.crm.get('contacts', madeId);
    const id = record?.id ?? '';
    const shown = (name: string) => record?.properties[`afterglow_${name}`] ?? '';
    const [lowest, highest] = score;
    if (!(Number(shown('score')) >= lowest && Number(shown('score')) <= highest) || shown('score') === '')
      wrong.push(`contact ${madeId}: score "${shown('score')}", right is ${lowest} to ${highest}`);
    if (shown('fit_score') !== String(fit))
      wrong.push(`contact ${madeId}: fit "${shown('fit_score')}", right is ${fit}`);
    const held = byPartition.get(`${table.portalId}#${id}`) ?? [];
    byPartition.delete(`${table.portalId}#${id}`);
    for (const [name, right] of Object.entries(counts)) {
      const ofName = held.filter((row) => row['name'] === name).map(({ sk }) => String(sk));
      const count = isMerged ? new Set(ofName.map((sk) => sk.split('#')[1])).size : ofName.length; // No two happen at one instant.
      if (count !== right) wrong.push(`contact ${madeId}: ${count} facts ${name}, right is ${right}`);
    }
  }
  for (const id of portal.blank()) byPartition.delete(`${table.portalId}#${id}`);
  for (const [pk, left] of byPartition)
    wrong.push(
      `facts under ${pk}, whom nobody is to know: ${left.map(({ name }) => String(name)).join(', ')}`,
    );
  return wrong;
}

test(
  'nothing is lost or doubled, and HubSpot shows what the table says, though 200 processes of four doors die in the middle of their work',
  async () => {
    const { system, simulator, table, said } = running;
    const beganMs = performance.now();
    running.tellOfChanges();
    const portal = new PlainPortal(simulator.crm, faker(2), system.now());

    const seen: Seen = { redriven: 0, unexplained: [], differences: [] };
    const rounds = await killMany(portal, seen);
    const killedMs = performance.now();
    await settle(portal, seen);
    killer.rest();
    const sinceMs = system.now();
    await system.invoke('nightly', { job: 'decay', upTo: 'now' });
    expect(await pass(14 * DAY_MS)).toBe(0);

    tell(
      `kills: ${killer.kills.length}: ${killer.told()}; in ${rounds} rounds and ${seconds(killedMs - beganMs)}, ${simulator.delivered().refused} webhook requests refused, ${seen.redriven} letters sent back, settled after ${seconds(performance.now() - killedMs)}; happened: ${JSON.stringify(portal.happened)}`,
    );
    expect({
      replay,
      killedTooFew: DOORS.filter((door) => killer.of(door) < LEAST_OF_EACH_DOOR),
      areEnough: killer.kills.length >= KILLS,
      wasSetAside: seen.redriven > 0,
      wrong: await wrongContacts(portal, sinceMs),
      otherThanTable: [...seen.differences, ...(await compareWithTable(table, simulator.crm, idsOf(portal)))],
      unexplained: seen.unexplained,
      deadLetters: await system.deadLetters(),
      lostByHubSpot: simulator.delivered().lost,
      otherFailures: said.filter((line) => !/ended with SIGKILL$|^Still waiting|^[a-z-]+ \| /.test(line)),
    }).toEqual({
      replay,
      killedTooFew: [],
      areEnough: true,
      wasSetAside: true,
      wrong: [],
      otherThanTable: [],
      unexplained: [],
      deadLetters: [],
      lostByHubSpot: 0,
      otherFailures: [],
    });
  },
  20 * MINUTE_MS,
);
