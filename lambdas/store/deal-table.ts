import type { Credit, CreditedDeal } from '../attribution/credit.ts';

/** Why a deal's credit became another. */
export const RESTATED_BY = [
  'first credit',
  'amount',
  'stage',
  'reopened',
  'contacts',
  'touches',
  'merge',
  'model',
  'removal effects',
] as const;

/** A line of a deal's log. */
export interface Restatement {
  /** Epoch milliseconds at which it was stored. */
  readonly atMs: number;
  readonly why: (typeof RESTATED_BY)[number];
  /** In a few words what was credited before and after, such as `ChatGPT 400.00, Google 600.00 USD`; `from` is empty at first. */
  readonly from: string;
  readonly to: string;
}

/** The first row of a deal's partition: its credit, and what HubSpot knows of it. */
export interface DealHead {
  /** The id under which it lives now. */
  readonly dealId: string;
  readonly revision: number;
  readonly life: 'living' | 'deleted' | 'erased';
  readonly oldIds: readonly string[];
  /** As it was last read; undefined while it never was. */
  readonly deal: CreditedDeal | undefined;
  readonly credit: Credit | undefined;
  /** The newest first, at most 20. */
  readonly log: readonly Restatement[];
  /** How many lines were left out of the log. */
  readonly logCut: number;
  /** Id of the model by which it was credited. */
  readonly model: string | undefined;
  readonly writeId: string | undefined;
  readonly confirmedWriteId: string | undefined;
  /** Epoch milliseconds. */
  readonly shownAtMs: number | undefined;
  /** When HubSpot was last asked for it. */
  readonly readAtMs: number | undefined;
}

/** One page of the deals that live, by id. */
export interface DealPage {
  readonly deals: readonly DealHead[];
  /** Where the next page begins; undefined after the last one. */
  readonly after: string | undefined;
}
