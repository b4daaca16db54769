import type { CreditModel } from '../scoring/model-file.ts';

/** A touch of one of a deal's contacts. */
export interface DealTouch {
  /** Channel and source, as `ai/chatgpt`. */
  readonly source: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly contactId: string;
  /** Identity of the fact: a contact that is listed twice has each touch once. */
  readonly key: string;
}

/** What a deal is, as credit depends on it. */
export interface CreditedDeal {
  readonly id: string;
  readonly name: string;
  readonly pipeline: string;
  readonly stage: string;
  readonly state: 'open' | 'won' | 'lost';
  /** As HubSpot has it, a decimal; `''` where there is none. */
  readonly amount: string;
  /** ISO 4217; `''` where neither the deal nor the portal says. */
  readonly currency: string;
  /** Epoch milliseconds at which the deal came into the stage where it stands: touches after it had no part in it. */
  readonly stageSinceMs: number;
  readonly createdAtMs: number;
  /** Epoch milliseconds; undefined while it is open. */
  readonly closedAtMs: number | undefined;
  /** In rising order. */
  readonly contactIds: readonly string[];
}

/** Removal effects of the sources, as the nights compute them over closed deals: by source, from 0 to 1. */
export type RemovalEffects = Readonly<Record<string, number>>;

/** What one source is credited with. */
export interface SourceCredit {
  readonly source: string;
  /** Share of the deal, from 0 to 1. */
  readonly share: number;
  /** Whole number of the smallest units of `Credit.decimals`; 0 for a deal without an amount. */
  readonly units: bigint;
}

/** The credit of one deal. Of every model the units sum to those of the deal. */
export interface Credit {
  /** Digits behind the point that one unit stands for: 2 for cents. */
  readonly decimals: number;
  /** The deal's amount in units; undefined where it has none. */
  readonly units: bigint | undefined;
  /** How many touches lie in the window. */
  readonly touches: number;
  /** The sources in the order of the touches, for the removal effects. */
  readonly path: readonly string[];
  /** By model, sources by credit, highest first. Empty lists where there is no touch; no entry for `markov` while no effects are known. */
  readonly byModel: Readonly<Partial<Record<CreditModel, readonly SourceCredit[]>>>;
}

/** How credit is given: the section `attribution` of the model. */
export interface CreditRules {
  readonly windowDays: number;
  readonly models: readonly CreditModel[];
  readonly halfLifeDays: number;
}

/**
 * Credits a deal to the touches that lie in the window before it came into its stage.
 *
 * Neither order nor repetition of the touches changes anything.
 */
export function creditOf(
  _deal: CreditedDeal,
  _touches: readonly DealTouch[],
  _rules: CreditRules,
  _effects: RemovalEffects | undefined,
): Credit {
  return { decimals: 2, units: undefined, touches: 0, path: [], byModel: {} };
}
