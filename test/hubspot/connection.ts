// A portal and our way to it: simulator, transport, adapters, provisioned properties.

import { Budget, type BudgetOptions, type BudgetStore } from '../../lambdas/hubspot/budget.ts';
import { type BudgetSettings, type BudgetState, FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import type { HubSpotObjects } from '../../lambdas/hubspot/objects.ts';
import { provisionedProperties } from '../../lambdas/hubspot/outputs.ts';
import { type HubSpotPortal, hubSpotPortal } from '../../lambdas/hubspot/portal.ts';
import { provisionProperties } from '../../lambdas/hubspot/properties.ts';
import { type Send, type TransportOptions, transportOf } from '../../lambdas/hubspot/transport.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import type { Exchange } from '../../local/hubspot/api.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { validateExchange } from '../local/hubspot/openapi.ts';
import { openPortal, type Portal } from '../local/hubspot/portal.ts';

/** Ten points for a CTO, seven for each login; nothing fades. B below 20 points, A from there. */
export function loginModel(): Model {
  const login = { kind: 'signal', signal: 'product.login' };
  const checked = checkModel({
    name: 'logins',
    range: { min: 0, max: 1000 },
    fit: { rules: [{ id: 'cto', title: 'Is a CTO', property: 'jobtitle', is: ['CTO'], points: 10 }] },
    engagement: {
      signals: [{ id: 'login', title: 'Logged in', from: login, points: 7, halfLifeDays: 'never' }],
    },
    grades: {
      bands: [
        { grade: 'A', from: 20 },
        { grade: 'B', from: 0 },
      ],
    },
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

export interface MemoryStore extends BudgetStore {
  state: BudgetState;
  updates: number;
}

/** One row that several budgets may share. */
export function memoryStore(state: BudgetState = FULL_BUDGET): MemoryStore {
  return {
    state,
    updates: 0,
    async read() {
      await Promise.resolve();
      return this.state;
    },
    async update(change) {
      await Promise.resolve();
      this.updates += 1;
      const changed = change(this.state);
      this.state = changed.state;
      return changed.result;
    },
  };
}

export interface Connection {
  readonly portal: Portal;
  readonly send: Send;
  readonly hubSpot: HubSpotPortal;
  readonly contacts: HubSpotObjects;
  readonly budget: MemoryStore;
  /** Everything that was said about answers. */
  readonly said: unknown[];
  readonly exchanges: Exchange[];
  /** What HubSpot's own specs have against the exchanges so far. */
  readonly specProblems: () => string[];
  /** The API calls so far, such as `POST batch/read` of contacts or `POST companies/batch/read`; then forgets them. */
  readonly takeCalls: () => string[];
}

/** Far more than any test needs: the pace of calls is the budget's own test. */
const PLENTY = 100_000;
export const PLENTY_OF_CALLS: BudgetSettings = {
  limit: PLENTY,
  reserve: 0,
  dailyLimit: 10_000_000,
  dailyReservePercent: 0,
};

export async function connect(
  options: SimulatorOptions = {},
  transport: Partial<TransportOptions> = {},
  ofBudget: Partial<BudgetOptions> = {},
): Promise<Connection> {
  const exchanges: Exchange[] = [];
  const said: unknown[] = [];
  const portal = await openPortal({
    rateLimitPer10Seconds: PLENTY,
    searchesPerSecond: PLENTY, // Its clock stands still.
    onExchange: (exchange) => exchanges.push(exchange),
    ...options,
  });
  const budget = memoryStore();
  const clock = () => portal.time.nowMs;
  const send = transportOf({
    budget: new Budget(budget, PLENTY_OF_CALLS, { clock, timeZone: () => 'UTC', ...ofBudget }),
    readToken: async () => 'local-access-token',
    clock,
    onAnswer: (...answer) => said.push(answer),
    ...transport,
  });
  const hubSpot = hubSpotPortal(portal.url, send);
  let seen = 0;
  return {
    portal,
    send,
    hubSpot,
    contacts: hubSpot.contacts,
    budget,
    said,
    exchanges,
    specProblems: () => exchanges.flatMap(validateExchange),
    takeCalls() {
      const calls = portal.calls.slice(seen).map(({ method, path }) => `${method} ${shortened(path)}`);
      seen = portal.calls.length;
      return calls;
    },
  };
}

/** `batch/read` of contacts, `companies/batch/read`, `contacts/deals/batch/read` of associations. */
function shortened(path: string): string {
  return path.replace(
    /^\/crm\/(?:objects\/2026-03\/(?:contacts\/)?|(?:associations|properties)\/2026-03\/)/,
    '',
  );
}

/** A connection to a portal that has our properties. */
export async function connectProvisioned(
  options: SimulatorOptions = {},
  transport: Partial<TransportOptions> = {},
  model = loginModel(),
): Promise<Connection> {
  let isReady = false;
  const { faults } = options;
  const connection = await connect(
    { ...options, ...(faults && { faults: (call) => (isReady ? faults(call) : undefined) }) },
    transport,
  );
  await provisionProperties(
    connection.portal.url,
    connection.send,
    provisionedProperties(model),
    () => undefined,
  );
  isReady = true;
  connection.takeCalls();
  return connection;
}
