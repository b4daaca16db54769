import type { Logger } from '@aws-lambda-powertools/logger';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import type { WriteBackEnv } from '../env.ts';
import { MisconfiguredError } from '../errors.ts';
import { HubSpotError } from '../hubspot/answer.ts';
import { Budget } from '../hubspot/budget.ts';
import { Budgeted, type BudgetLane, type BudgetState, FULL_BUDGET } from '../hubspot/budget-state.ts';
import type { Definitions } from '../hubspot/definitions.ts';
import { type OutputProperties, outputProperties } from '../hubspot/outputs.ts';
import { detailReaders, type HubSpotPortal, hubSpotPortal } from '../hubspot/portal.ts';
import { type Send, type TransportOptions, transportOf } from '../hubspot/transport.ts';
import type { Measured } from '../measured.ts';
import type { Model } from '../scoring/model.ts';
import type { Store } from '../store/connect.ts';
import { PortalRow } from '../store/portal-rows.ts';
import { type ResumeRequest, resumption } from '../store/queues.ts';
import { secretOf } from '../store/secrets.ts';
import { countCall, countStop } from './calls.ts';
import { factStores, PortalFacts } from './portal-facts.ts';

/** A token that cannot stand in a header would be quoted by the error that says so. */
const HEADER_TEXT = /^[\x21-\x7e]+$/;
const Token = v.object({ accessToken: v.pipe(v.string(), v.regex(HEADER_TEXT)) });

export interface HubSpotConnectionParts extends Pick<Measured, 'count' | 'observe'> {
  readonly env: Partial<WriteBackEnv>;
  readonly store: Store;
  readonly secrets: Pick<SecretsManagerClient, 'send'>;
  readonly model: Model;
  /** Puts requests on the lane for what nobody waits for. */
  readonly background: (requests: readonly ResumeRequest[], delaySeconds: number) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * How HubSpot defines the properties: as kept, so that nobody waits for HubSpot; as believed, which asks it once a day; or read anew.
 * Undefined where it does not tell.
 */
export type DefinitionsOf = (
  type: keyof OutputProperties,
  how: 'kept' | 'believed' | 'anew',
) => Promise<Definitions | undefined>;

/** HubSpot as the doors reach it. */
export interface HubSpotConnection {
  readonly budget: Budget;
  readonly hubSpotOn: (lane: BudgetLane) => HubSpotPortal;
  /** Carries requests that draw on the budget as a lane may. */
  readonly sendOn: (lane: BudgetLane) => Send;
  /** How many calls were made since this was last asked. */
  readonly takeCalls: () => number;
  /** How many calls HubSpot allows the portal in a day: as its headers said last, else as set. */
  readonly dailyLimit: () => Promise<number>;
  /** The properties that Afterglow writes. */
  readonly wanted: OutputProperties;
  readonly definitions: DefinitionsOf;
  /** In which amounts are that name no currency, ISO 4217; `''` where HubSpot never told. */
  readonly companyCurrency: () => Promise<string>;
}

/** Connects to the portal that the environment names: one budget for all lanes, one memory of what the portal told of itself. */
export function connectHubSpot(parts: HubSpotConnectionParts): HubSpotConnection {
  const { env, store, model, logger } = parts;
  const { clock, portalId, client, tableName } = store;
  const apiUrl = env.HUBSPOT_API_URL ?? '';
  const wanted = outputProperties(model);
  let timeZone = store.timeZone;
  let calls = 0;
  const row = new PortalRow(client, tableName, portalId, 'budget', Budgeted, FULL_BUDGET);
  const budget = budgetOf(row, parts, () => timeZone);
  const transport = transportParts({ ...parts, onCall: () => void calls++ }, budget, () => timeZone);
  const facts = new PortalFacts({
    stores: factStores(
      (sk, schema, initial) => new PortalRow(client, tableName, portalId, sk, schema, initial),
    ),
    hubSpot: detailReaders(apiUrl, transportOf({ ...transport, isOptional: true }), namesOf(wanted, env)),
    clock,
    onFailure: (kind, error) =>
      logger.warn('HubSpot did not tell of its portal', {
        kind,
        reason: error instanceof HubSpotError ? error.reason : undefined,
      }),
  });
  const portals: Partial<Record<BudgetLane, HubSpotPortal>> = {};
  const sendOn = (lane: BudgetLane) => transportOf({ ...transport, lane });
  return {
    budget,
    hubSpotOn: (lane) => (portals[lane] ??= hubSpotPortal(apiUrl, sendOn(lane))),
    sendOn,
    takeCalls() {
      const taken = calls;
      calls = 0;
      return taken;
    },
    dailyLimit: async () => (await row.read()).dailyLimit ?? Number(env.HUBSPOT_DAILY_LIMIT),
    wanted,
    async definitions(type, how) {
      const [account, known] = await Promise.all([
        how === 'kept' ? facts.kept('account') : facts.read('account'),
        definitionsOf(facts, type, how),
      ]);
      timeZone = account?.timeZone ?? store.timeZone;
      return known;
    },
    companyCurrency: async () => (await facts.read('account'))?.companyCurrency ?? '',
  };
}

/** The row that everybody draws on who calls HubSpot for this portal. */
function budgetOf(
  row: PortalRow<BudgetState>,
  { env, store, background, count, logger }: HubSpotConnectionParts,
  timeZone: () => string,
): Budget {
  const { clock, portalId } = store;
  const settings = {
    limit: Number(env.HUBSPOT_LIMIT_PER_10_SECONDS),
    reserve: Number(env.HUBSPOT_RESERVE_PER_10_SECONDS),
    dailyLimit: Number(env.HUBSPOT_DAILY_LIMIT),
    dailyReservePercent: Number(env.HUBSPOT_DAILY_RESERVE_PERCENT),
  };
  return new Budget(row, settings, {
    clock,
    timeZone,
    onStopped(stop) {
      const { reason, untilMs } = stop;
      countStop(stop, count);
      logger.error('HubSpot is not called for a while', { reason, until: new Date(untilMs).toISOString() });
    },
    // Sent before the stop is lifted: who dies in between does both again.
    onResumed({ reason }) {
      logger.info('HubSpot can be called again: what it does not show is sent again', { reason });
      return background(...resumption(portalId));
    },
  });
}

function definitionsOf(facts: PortalFacts, type: keyof OutputProperties, how: Parameters<DefinitionsOf>[1]) {
  if (how === 'kept') return facts.kept(type);
  return how === 'believed' ? facts.read(type) : facts.refresh(type);
}

/** What every call has in common. Each is counted, and told in one line of the log. */
function transportParts(
  {
    env,
    store,
    secrets,
    count,
    observe,
    logger,
    onCall,
  }: HubSpotConnectionParts & { readonly onCall: () => void },
  budget: Budget,
  timeZone: () => string,
): TransportOptions {
  const token = secretOf(secrets, env.HUBSPOT_TOKEN_SECRET_ARN ?? '', Token, store.clock);
  const onAnswer = (status: number, error?: HubSpotError) => {
    onCall();
    countCall(status, error, { count, observe });
    logger.info('hubspot answered', { status, reason: error?.reason, correlationId: error?.correlationId });
  };
  return {
    budget,
    async readToken() {
      try {
        return (await token.read()).accessToken;
      } catch (error) {
        if (error instanceof MisconfiguredError) count('TokenRefused', 1); // No call is made that could be refused.
        throw error;
      }
    },
    clock: store.clock,
    timeZone,
    onAnswer,
  };
}

function namesOf({ contacts, companies, deals }: OutputProperties, env: Partial<WriteBackEnv>) {
  const own = env.ID_PROPERTY === undefined || env.ID_PROPERTY === '' ? [] : [env.ID_PROPERTY];
  return {
    contacts: [...contacts.map(({ name }) => name), ...own],
    companies: companies.map(({ name }) => name),
    deals: deals.map(({ name }) => name),
  };
}
