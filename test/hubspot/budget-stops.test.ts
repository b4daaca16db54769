// What stops everybody: the day's limit, a token that is refused, an account under migration. On a clock that is moved by hand.
import { BudgetExhaustedError, PortalStoppedError } from '../../lambdas/hubspot/budget.ts';
import type { BudgetSettings, Stop } from '../../lambdas/hubspot/budget-state.ts';
import { NOON, openVirtualHubSpot, PROFESSIONAL, type VirtualHubSpot, within } from './virtual-hubspot.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UPDATE = 'POST /crm/objects/2026-03/contacts/batch/update';
const READ = 'POST /crm/objects/2026-03/contacts/batch/read';

let hubSpot: VirtualHubSpot;

afterEach(() => hubSpot.close());

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
const timesOf = (status: number) =>
  hubSpot.calls.filter((call) => call.status === status).map(({ atMs }) => atMs);
const settingsOf = (parts: Partial<BudgetSettings>): BudgetSettings => ({ ...PROFESSIONAL, ...parts });

describe('the calls of a day', () => {
  const midnight = NOON + 12 * HOUR_MS;
  const day = { daily: 1000, settings: settingsOf({ dailyLimit: 1000, dailyReservePercent: 10 }) };

  test('end where the reserve begins, until midnight of the portal; background ends sooner', async () => {
    hubSpot = openVirtualHubSpot(day);
    const stops: Stop[] = [];
    const onStopped = (stop: Stop) => void stops.push(stop);
    const [one, other] = [hubSpot.instance({ onStopped }), hubSpot.instance({ onStopped })];
    const endMs = NOON + 2 * MINUTE_MS;

    await hubSpot.run(one.work('background', 16, NOON + MINUTE_MS), NOON + MINUTE_MS);
    const background = hubSpot.calls.length;
    await hubSpot.run(Promise.all([one.work('changes', 16, endMs), other.work('urgent', 2, endMs)]), endMs);

    // 20 % and 10 % of 1,000 are left; some grants taken ahead may have come to nothing.
    expect(background).toBeGreaterThanOrEqual(780);
    expect(background).toBeLessThanOrEqual(800);
    expect(hubSpot.calls.length).toBeGreaterThanOrEqual(880);
    expect(hubSpot.calls.length).toBeLessThanOrEqual(900);
    expect(timesOf(429)).toEqual([]);
    expect(stops).toHaveLength(1);
    expect(stops[0]).toMatchObject({ reason: 'daily', untilMs: midnight });
    const [first] = hubSpot.refusals.filter(({ lane }) => lane === 'background');
    expect(first?.error).toBeInstanceOf(BudgetExhaustedError);
    expect(first?.error).toMatchObject({ freeAtMs: midnight });
    expect(hubSpot.refusals.at(-1)?.error).toMatchObject({ reason: 'daily', untilMs: midnight });
  });

  test('begin anew at midnight', async () => {
    hubSpot = openVirtualHubSpot(day);
    const process = hubSpot.instance();
    await hubSpot.run(process.work('changes', 16, NOON + 2 * MINUTE_MS));
    const before = hubSpot.calls.length;

    await hubSpot.run(sleep(midnight - Date.now() - 1000));
    await hubSpot.run(process.work('changes', 16, midnight - 500));
    expect(hubSpot.calls).toHaveLength(before);
    await hubSpot.run(sleep(midnight - Date.now()));
    await hubSpot.run(process.work('changes', 16, midnight + 80_000)); // After the one that tried, the others within a minute.

    expect(hubSpot.calls.length).toBeGreaterThan(before + 250);
    expect(hubSpot.state().stop).toBeUndefined();
    expect(hubSpot.state().today).toMatchObject({ date: '2026-11-11' });
  });

  test('other apps that take half of them are seen in the headers: it is left to them', async () => {
    hubSpot = openVirtualHubSpot({ ...day, settings: settingsOf({ dailyLimit: 250_000 }) });
    const endMs = NOON + 3 * MINUTE_MS;
    let others = 0;
    const otherApps = async () => {
      for (; others < 500; others++) {
        hubSpot.rival(`app ${others % 10}`);
        await sleep(20);
      }
    };

    const work = [hubSpot.instance(), hubSpot.instance()].map((each) => each.work('changes', 16, endMs));
    await hubSpot.run(Promise.all([otherApps(), ...work]), endMs);

    expect(hubSpot.limiter.refused()).toBe(0);
    expect(others).toBe(500);
    expect(hubSpot.calls.length).toBeGreaterThanOrEqual(390);
    expect(hubSpot.calls.length).toBeLessThanOrEqual(410); // 1,000 less 500, less the reserve of 100; and the few that were on the way.
    expect(hubSpot.state()).toMatchObject({ dailyLimit: 1000, stop: { reason: 'daily', untilMs: midnight } });
  });

  test('as headers tell them near midnight, or in answer to a call of yesterday, are not believed', async () => {
    const told = { 'x-hubspot-ratelimit-daily': '1000', 'x-hubspot-ratelimit-daily-remaining': '50' };
    const seenAt = async (sentAtMs: number, nowMs: number) => {
      hubSpot = openVirtualHubSpot({ nowMs, settings: settingsOf({ dailyLimit: 1000 }) });
      const { budget } = hubSpot.instance();
      budget.learn({ slotMs: sentAtMs }, told);
      const taken = budget.take('changes').then(
        () => 'granted',
        (error: unknown) => error,
      );
      await hubSpot.run(taken);
      hubSpot.close();
      return await taken;
    };

    expect(await seenAt(midnight + 4 * MINUTE_MS, midnight + 4 * MINUTE_MS)).toBe('granted');
    expect(await seenAt(midnight - 4 * MINUTE_MS, midnight - 4 * MINUTE_MS)).toBe('granted');
    expect(await seenAt(midnight - 1000, midnight + 6 * MINUTE_MS)).toBe('granted');
    expect(await seenAt(midnight + 6 * MINUTE_MS, midnight + 6 * MINUTE_MS)).toBeInstanceOf(
      PortalStoppedError,
    );
    hubSpot = openVirtualHubSpot();
  });

  test('used up at HubSpot by others: one 429 stops everybody until midnight, and nobody tries before', async () => {
    hubSpot = openVirtualHubSpot({
      ...day,
      timeZone: 'Europe/Berlin',
      settings: settingsOf({ dailyReservePercent: 0 }),
    });
    for (let call = 0; call < 1000; call++) hubSpot.rival(`app ${call % 10}`);
    const process = hubSpot.instance();

    await hubSpot.run(process.call('changes'));
    await hubSpot.run(process.work('changes', 4, NOON + 10 * HOUR_MS));

    expect(timesOf(429)).toHaveLength(1);
    expect(hubSpot.state().stop).toMatchObject({ reason: 'daily', untilMs: Date.UTC(2026, 10, 10, 23) });
  });
});

describe('a token that is refused', () => {
  const refusal = { status: 401, body: { category: 'EXPIRED_AUTHENTICATION' } };
  const brokenMs = NOON + 5000;
  const open = (mendedMs: number) =>
    openVirtualHubSpot({
      answer: (_call, nowMs) => (nowMs >= brokenMs && nowMs < mendedMs ? refusal : undefined),
    });

  test('stops everybody: one call tries every five minutes, and the rest goes on when what was left is seen to', async () => {
    hubSpot = open(NOON + 8 * MINUTE_MS);
    const stops: Stop[] = [];
    const resumed: { stop: Stop; fromMs: number; toMs: number }[] = [];
    const options = {
      onStopped: (stop: Stop) => void stops.push(stop),
      onResumed: async (stop: Stop) => {
        const fromMs = Date.now();
        await sleep(2000);
        resumed.push({ stop, fromMs, toMs: Date.now() });
      },
    };
    const endMs = NOON + 12 * MINUTE_MS;

    const work = [1, 2, 3].map(() => hubSpot.instance(options).work('changes', 8, endMs));
    await hubSpot.run(Promise.all(work));

    const refused = timesOf(401);
    const [firstMs = 0] = refused;
    const tried = refused.filter((atMs) => atMs > firstMs + 3000);
    expect(refused.filter((atMs) => atMs <= firstMs + 3000).length).toBeLessThan(30); // On the way when the first answer came.
    expect(tried).toHaveLength(1);
    expect(tried[0]).toBeGreaterThanOrEqual(firstMs + 5 * MINUTE_MS);
    const afterwards = timesOf(200).filter((atMs) => atMs > firstMs + 3000);
    const [again] = resumed;
    expect(resumed).toHaveLength(1);
    expect(again?.stop).toMatchObject({ reason: 'unauthorised', sinceMs: stops[0]?.sinceMs });
    expect(afterwards[0]).toBeGreaterThanOrEqual((tried[0] ?? 0) + 5 * MINUTE_MS);
    expect(within(afterwards, 0, again?.toMs ?? 0)).toBe(1); // None but the one that tried, until that is done.
    expect(afterwards.length).toBeGreaterThan(500);
    expect(hubSpot.state().stop).toBeUndefined();
  });

  test('costs nothing while it lasts: no call, and next to no table operation', async () => {
    hubSpot = open(NOON + HOUR_MS);
    const process = hubSpot.instance();
    await hubSpot.run(sleep(6000));
    await hubSpot.run(process.call('changes'));
    const before = hubSpot.table.operations();

    const tries = await Promise.all(Array.from({ length: 500 }, () => process.call('changes')));

    expect(tries.every((error) => error instanceof PortalStoppedError)).toBe(true);
    expect(tries[0]).toMatchObject({ reason: 'unauthorised' });
    expect(hubSpot.calls).toHaveLength(1);
    expect(hubSpot.table.operations()).toBe(before);
    expect(await process.budget.stopped()).toMatchObject({ reason: 'unauthorised' });
  });

  test('stops processes that did not hear of it as soon as they ask', async () => {
    hubSpot = open(NOON + HOUR_MS);
    const [one, other] = [hubSpot.instance(), hubSpot.instance()];
    await hubSpot.run(sleep(6000));
    await hubSpot.run(one.call('changes'));

    const stopped = other.budget.stopped();
    const ended = other.call('urgent');
    await hubSpot.run(Promise.all([stopped, ended]));

    expect(await ended).toBeInstanceOf(PortalStoppedError);
    expect(await stopped).toMatchObject({ reason: 'unauthorised' });
    expect(hubSpot.calls).toHaveLength(1);
  });

  test('mended, but who found out dies before the rest is seen to: the next one sees to it', async () => {
    hubSpot = open(NOON + 4 * MINUTE_MS);
    const dying = hubSpot.instance({ onResumed: () => new Promise(() => undefined) });
    await hubSpot.run(sleep(6000));
    await hubSpot.run(dying.call('changes'));
    await hubSpot.run(sleep(6 * MINUTE_MS));
    void dying.call('changes');
    await hubSpot.run(sleep(5000));
    expect(hubSpot.calls.at(-1)?.status).toBe(200);

    const seen: Stop[] = [];
    const next = hubSpot.instance({ onResumed: async (stop) => void seen.push(stop) });
    const tooEarly = next.call('changes');
    await hubSpot.run(tooEarly);
    await hubSpot.run(sleep(MINUTE_MS));
    await hubSpot.run(next.call('changes'));

    expect(await tooEarly).toBeInstanceOf(PortalStoppedError);
    expect(seen).toHaveLength(1);
    expect(hubSpot.state().stop).toBeUndefined();
  });

  test('is not lifted by what cannot be seen to: the failure is told, and it is tried again', async () => {
    hubSpot = open(NOON + 4 * MINUTE_MS);
    let tries = 0;
    const process = hubSpot.instance({
      onResumed: async () => {
        tries += 1;
        if (tries === 1) throw new Error('queue');
      },
    });
    await hubSpot.run(sleep(6000));
    await hubSpot.run(process.call('changes'));
    await hubSpot.run(sleep(6 * MINUTE_MS));

    await expect(hubSpot.run(process.call('changes'))).rejects.toThrow('queue');
    expect(hubSpot.state().stop).toBeDefined();
    await hubSpot.run(sleep(2 * MINUTE_MS));
    await hubSpot.run(process.call('changes'));

    expect(tries).toBe(2);
    expect(hubSpot.state().stop).toBeUndefined();
  });

  test('is not lifted by the success of a call that was granted before', async () => {
    hubSpot = openVirtualHubSpot();
    const { budget } = hubSpot.instance();
    const granted = budget.take('changes');
    await hubSpot.run(granted);

    await hubSpot.run(budget.stop('unauthorised', Date.now() + 5 * MINUTE_MS));
    await hubSpot.run(budget.succeeded(await granted, UPDATE));

    expect(hubSpot.state().stop).toMatchObject({ reason: 'unauthorised' });
  });

  test('refused to many calls that were under way is one stop, told once', async () => {
    hubSpot = openVirtualHubSpot();
    const stops: Stop[] = [];
    const { budget } = hubSpot.instance({ onStopped: (stop) => void stops.push(stop) });

    for (let call = 0; call < 5; call++) {
      await hubSpot.run(budget.stop('unauthorised', Date.now() + 5 * MINUTE_MS));
      await hubSpot.run(sleep(100));
    }

    expect(stops).toEqual([hubSpot.state().stop]);
    expect(hubSpot.state().stop?.untilMs).toBeLessThan(NOON + 5 * MINUTE_MS + 100);
  });

  test.each(['unauthorised', 'migrating'] as const)(
    'is not lifted by a call that tried while another was stopped anew: %s',
    async (reason) => {
      hubSpot = openVirtualHubSpot();
      const { budget } = hubSpot.instance();
      await hubSpot.run(budget.stop('unauthorised', Date.now() + 1000));
      await hubSpot.run(sleep(1000));
      const trying = budget.take('changes');
      await hubSpot.run(trying);
      await hubSpot.run(budget.stop(reason, Date.now() + HOUR_MS));

      await hubSpot.run(budget.succeeded(await trying, UPDATE));

      expect(hubSpot.state().stop).toMatchObject({ reason });
    },
  );

  test('for want of a scope is lifted by the kind of call that was refused; another that succeeds lets the next one try at once', async () => {
    hubSpot = openVirtualHubSpot();
    const resumed: Stop[] = [];
    const { budget } = hubSpot.instance({ onResumed: async (stop) => void resumed.push(stop) });
    await hubSpot.run(budget.stop('unauthorised', Date.now() + 1000, UPDATE));
    await hubSpot.run(sleep(1000));

    const reading = budget.take('changes');
    await hubSpot.run(reading);
    await hubSpot.run(budget.succeeded(await reading, READ));
    expect(resumed).toEqual([]);
    expect(hubSpot.state().stop).toMatchObject({ refusedCall: UPDATE });
    const updating = budget.take('changes');
    await hubSpot.run(updating);
    await hubSpot.run(budget.succeeded(await updating, UPDATE));

    expect(resumed).toHaveLength(1);
    expect(hubSpot.state().stop).toBeUndefined();
  });

  test('for want of a scope that nothing asks for any more ends within the hour', async () => {
    hubSpot = openVirtualHubSpot();
    const { budget } = hubSpot.instance();
    await hubSpot.run(budget.stop('unauthorised', Date.now() + 1000, UPDATE));
    await hubSpot.run(sleep(1000 + HOUR_MS));

    const reading = budget.take('changes');
    await hubSpot.run(reading);
    await hubSpot.run(budget.succeeded(await reading, READ));

    expect(hubSpot.state().stop).toBeUndefined();
  });

  test('is tried by another call at once when the first was one that can be done without', async () => {
    hubSpot = openVirtualHubSpot();
    const { budget } = hubSpot.instance();
    await hubSpot.run(budget.stop('unauthorised', Date.now() + 1000));
    await hubSpot.run(sleep(1000));
    const optional = budget.take('changes');
    await hubSpot.run(optional);

    await hubSpot.run(budget.release(await optional));
    const next = budget.take('changes');
    await hubSpot.run(next);

    expect((await next).probes).toBeDefined();
  });

  test('no answer, or one of a gateway, says nothing: another call tries a minute later', async () => {
    const mendedMs = NOON + 4 * MINUTE_MS;
    hubSpot = openVirtualHubSpot({
      answer: (call, nowMs) => {
        if (nowMs < mendedMs) return refusal;
        return call === 2 ? { status: 502 } : undefined;
      },
    });
    const process = hubSpot.instance();
    await hubSpot.run(process.call('changes'));
    await hubSpot.run(sleep(5 * MINUTE_MS));
    await hubSpot.run(process.call('changes'));
    expect(hubSpot.calls.map(({ status }) => status)).toEqual([401, 502]);

    const soon = process.call('changes');
    await hubSpot.run(soon);
    await hubSpot.run(sleep(MINUTE_MS));
    await hubSpot.run(process.call('changes'));

    expect(await soon).toBeInstanceOf(PortalStoppedError);
    expect(hubSpot.calls.map(({ status }) => status)).toEqual([401, 502, 200]);
    expect(hubSpot.state().stop).toBeUndefined();
  });
});
