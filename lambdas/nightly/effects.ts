import * as v from 'valibot';
import { addPath, effectsOf, noTransitions, type Transitions } from '../attribution/markov.ts';
import type { Effects } from '../portal/effects.ts';
import type { Model } from '../scoring/model.ts';
import type { DealHead } from '../store/deal-table.ts';
import type { NightRun } from './parts.ts';
import type { Walk } from './run.ts';

/** Pages of a hundred deals that are read in one step: some seconds' work. */
const PAGES_PER_STEP = 20;
/** Effects that move by less change no credit: amounts would flicker from night to night with every deal that closes. */
const DEAD_BAND = 0.01;

/** Whether deals are credited by removal effects, which no single deal tells. */
export function usesEffects({ attribution }: Model): boolean {
  return attribution?.models.includes('markov') === true;
}

const Row = v.array(v.tuple([v.number(), v.number()]));
/** Transitions as they are kept between two steps. */
const Read = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    deals: v.number(),
    states: v.array(v.tuple([v.string(), v.number()])),
    weights: v.array(v.tuple([v.number(), Row])),
    leaving: Row,
  }),
);

/** What was read of the closed deals so far. */
interface ReadSoFar {
  readonly transitions: Transitions;
  readonly deals: number;
}

function readSoFar(text: string | undefined): ReadSoFar {
  if (text === undefined) return { transitions: noTransitions(), deals: 0 };
  const { deals, states, weights, leaving } = v.parse(Read, text);
  const rows = weights.map(([from, row]) => [from, new Map(row)] as const);
  const transitions = { states: new Map(states), weights: new Map(rows), leaving: new Map(leaving) };
  return { deals, transitions };
}

function asText({ transitions: { states, weights, leaving }, deals }: ReadSoFar): string {
  const rows = [...weights].map(([from, row]) => [from, [...row]]);
  return JSON.stringify({ deals, states: [...states], weights: rows, leaving: [...leaving] });
}

/** Where a walk over the table's deals goes on. */
interface Next {
  readonly after: string | undefined;
  readonly pages: number;
  readonly read?: string | undefined;
}

/**
 * Reads some pages of the table's deals for the removal effects; after the last of them, keeps the effects if one of them moved.
 *
 * A path that led to a deal that was won is a conversion, one to a deal that was lost is none. Open deals say nothing yet.
 */
export async function readPaths({ after, read }: Walk, run: NightRun): Promise<Next> {
  const { transitions, deals: before } = readSoFar(read);
  let deals = before;
  const next = await overDeals(after, run, (heads) => {
    for (const { deal, credit } of heads) {
      if (deal === undefined || deal.state === 'open' || credit === undefined) continue;
      const isWon = deal.state === 'won';
      addPath(transitions, { path: credit.path, conversions: isWon ? 1 : 0, nulls: isWon ? 0 : 1 });
      deals += 1;
    }
  });
  if (next.after !== undefined) return { ...next, read: asText({ transitions, deals }) };
  await keepEffects(effectsOf(transitions), deals, run);
  return { ...next, read: undefined };
}

async function keepEffects(moved: ReadonlyMap<string, number>, deals: number, run: NightRun): Promise<void> {
  const atMs = run.clock();
  const effects = Object.fromEntries([...moved].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const before = await run.effects.update((state) => {
    if (!isMoved(state, moved)) return { state, result: undefined };
    // Until all deals are asked to be credited by them: whoever dies meanwhile finds that they were not.
    return { state: { effects, deals, atMs, isSent: false }, result: state };
  });
  if (before === undefined) return;
  run.logger.info('removal effects moved', { deals, effects, before: before.effects });
}

function isMoved(before: Effects, moved: ReadonlyMap<string, number>): boolean {
  const known = Object.keys(before.effects);
  if (known.length !== moved.size) return true;
  return known.some((source) => {
    const effect = moved.get(source);
    return effect === undefined || Math.abs(effect - (before.effects[source] ?? 0)) > DEAD_BAND;
  });
}

/** Has some pages of the table's deals credited by effects that moved; where none did, that is all. */
export async function sendCredited({ after }: Walk, run: NightRun): Promise<Next> {
  const { isSent, atMs } = await run.effects.read();
  if (isSent) return { after: undefined, pages: 0 };
  const next = await overDeals(after, run, (heads) =>
    creditAnew(
      heads.filter(({ credit }) => credit !== undefined && credit.path.length > 0),
      run,
    ),
  );
  if (next.after === undefined)
    await run.effects.update((state) => ({
      state: state.atMs === atMs ? { ...state, isSent: true } : state,
      result: undefined,
    }));
  return next;
}

/** Has some pages of the table's deals credited, whatever they were credited by: the model may be another. */
export function sendAll({ after }: Walk, run: NightRun): Promise<Next> {
  return overDeals(after, run, (heads) => creditAnew(heads, run));
}

function creditAnew(
  heads: readonly DealHead[],
  { portalId, background }: Pick<NightRun, 'portalId' | 'background'>,
): Promise<void> {
  return background(
    heads.map(({ dealId }) => ({ portalId, dealId, creditOnly: true })),
    0,
  );
}

/** Goes over some pages of the deals that the table has, in the order of their ids. */
async function overDeals(
  from: string | undefined,
  { deals }: Pick<NightRun, 'deals'>,
  look: (heads: readonly DealHead[]) => void | Promise<void>,
): Promise<Pick<Next, 'after' | 'pages'>> {
  let after = from;
  let pages = 0;
  do {
    const page = await deals.page(after);
    await look(page.deals);
    after = page.after;
    pages += 1;
  } while (after !== undefined && pages < PAGES_PER_STEP);
  return { after, pages };
}
