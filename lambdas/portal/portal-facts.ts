import * as v from 'valibot';
import {
  type DetailReader,
  type DetailReaders,
  PORTAL_DETAILS,
  type PortalDetails,
} from '../hubspot/portal.ts';

/** How long what a portal told of itself is believed; an answer that contradicts it is looked into at once. */
const BELIEVED_MS = 24 * 3_600_000;
/** How often HubSpot is asked for the same, whatever comes of it, by everybody who shares the table. */
const ASKED_EVERY_MS = 60_000;
/** How long a process goes by what it read in the table. */
const REMEMBERED_MS = 5 * 60_000;

export type FactKind = keyof PortalDetails;

/** Something a portal told of itself. */
export interface Known<T> {
  readonly value: T;
  /** Epoch milliseconds at which HubSpot told it. */
  readonly readAtMs: number;
}

/** What the portal's partition holds of it. */
export interface FactRow<T> {
  /** Epoch milliseconds at which HubSpot was last asked, whatever came of it. */
  readonly askedAtMs: number;
  readonly known?: Known<T> | undefined;
}

/** Where one kind is kept: a row that nobody changes unseen. */
export interface FactStore<T> {
  read(): Promise<FactRow<T>>;
  update<R>(change: (row: FactRow<T>) => { readonly state: FactRow<T>; readonly result: R }): Promise<R>;
}

export type FactStores = { readonly [Kind in FactKind]: FactStore<PortalDetails[Kind]> };

/**
 * The rows in which it all is kept, each kind in its own.
 *
 * @param rowOf - a row of the portal's partition by its sort key; `initial` stands while there is none that fits
 */
export function factStores(
  rowOf: <T>(sk: string, schema: v.GenericSchema<unknown, FactRow<T>>, initial: FactRow<T>) => FactStore<T>,
): FactStores {
  const storeOf = <T>(kind: FactKind, schema: v.GenericSchema<unknown, T>): FactStore<T> => {
    const known = v.object({ value: schema, readAtMs: v.number() });
    const row = v.object({ askedAtMs: v.number(), known: v.optional(known) });
    return rowOf<T>(`facts#${kind}`, row, { askedAtMs: 0 });
  };
  return {
    account: storeOf('account', PORTAL_DETAILS.account),
    contacts: storeOf('contacts', PORTAL_DETAILS.contacts),
    companies: storeOf('companies', PORTAL_DETAILS.companies),
    deals: storeOf('deals', PORTAL_DETAILS.deals),
    owners: storeOf('owners', PORTAL_DETAILS.owners),
    pipelines: storeOf('pipelines', PORTAL_DETAILS.pipelines),
  };
}

export interface PortalFactsParts {
  readonly stores: FactStores;
  readonly hubSpot: DetailReaders;
  readonly clock: () => number;
  /** Told when HubSpot could not be asked, or did not tell. */
  readonly onFailure: (kind: FactKind, error: unknown) => void;
}

/**
 * What a portal tells of itself, asked for once and kept for everybody: never per write. HubSpot is asked again after a day, and when
 * an answer contradicts what is known. Where it does not tell, what was known stands.
 */
export class PortalFacts {
  readonly #facts: { readonly [Kind in FactKind]: Fact<PortalDetails[Kind]> };

  constructor({ stores, hubSpot, clock, onFailure }: PortalFactsParts) {
    const fact = <T>(kind: FactKind, store: FactStore<T>, reader: DetailReader<T>) =>
      new Fact({ store, reader, clock, onFailure: (error) => onFailure(kind, error) });
    this.#facts = {
      account: fact('account', stores.account, hubSpot.account),
      contacts: fact('contacts', stores.contacts, hubSpot.contacts),
      companies: fact('companies', stores.companies, hubSpot.companies),
      deals: fact('deals', stores.deals, hubSpot.deals),
      owners: fact('owners', stores.owners, hubSpot.owners),
      pipelines: fact('pipelines', stores.pipelines, hubSpot.pipelines),
    };
  }

  /** @returns undefined when HubSpot never told */
  async read<Kind extends FactKind>(kind: Kind): Promise<PortalDetails[Kind] | undefined> {
    return (await this.known(kind))?.value;
  }

  /** What is known already, however old: HubSpot is not asked. */
  async kept<Kind extends FactKind>(kind: Kind): Promise<PortalDetails[Kind] | undefined> {
    return (await this.#facts[kind].kept())?.value;
  }

  /** The same as `read` with its age. */
  known<Kind extends FactKind>(kind: Kind): Promise<Known<PortalDetails[Kind]> | undefined> {
    return this.#facts[kind].known();
  }

  /**
   * An answer of HubSpot's contradicts what is known: asks anew, unless somebody asked within the last minute.
   *
   * @returns what is known then
   */
  async refresh<Kind extends FactKind>(kind: Kind): Promise<PortalDetails[Kind] | undefined> {
    return (await this.#facts[kind].refresh())?.value;
  }
}

interface FactParts<T> {
  readonly store: FactStore<T>;
  readonly reader: DetailReader<T>;
  readonly clock: () => number;
  readonly onFailure: (error: unknown) => void;
}

class Fact<T> {
  readonly #parts: FactParts<T>;
  #known: Known<T> | undefined;
  #rememberedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<Known<T> | undefined> | undefined;

  constructor(parts: FactParts<T>) {
    this.#parts = parts;
  }

  async kept(): Promise<Known<T> | undefined> {
    const { store, clock } = this.#parts;
    if (isWithin(REMEMBERED_MS, this.#rememberedAtMs, clock())) return this.#known;
    return this.#remember((await store.read()).known);
  }

  async known(): Promise<Known<T> | undefined> {
    const { reader, clock } = this.#parts;
    const known = await this.kept();
    const isBelieved = known !== undefined && isWithin(BELIEVED_MS, known.readAtMs, clock());
    return isBelieved && reader.covers(known.value) ? known : await this.refresh();
  }

  /** Whoever asks at the same time is told by one call. */
  refresh(): Promise<Known<T> | undefined> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<Known<T> | undefined> {
    const { store, reader, clock, onFailure } = this.#parts;
    const { isOurs, known } = await store.update((row) => {
      const mayAsk = !isWithin(ASKED_EVERY_MS, row.askedAtMs, clock());
      const state = mayAsk ? { ...row, askedAtMs: clock() } : row;
      return { state, result: { isOurs: mayAsk, known: row.known } };
    });
    this.#remember(known);
    if (!isOurs) return known;
    try {
      const read: Known<T> = { value: await reader.read(), readAtMs: clock() };
      await store.update((row) => ({ state: { ...row, known: read }, result: undefined }));
      return this.#remember(read);
    } catch (error) {
      onFailure(error);
      return known;
    }
  }

  #remember(known: Known<T> | undefined): Known<T> | undefined {
    this.#known = known;
    // That nothing is known yet is no knowledge: somebody else may be asking.
    if (known !== undefined) this.#rememberedAtMs = this.#parts.clock();
    return known;
  }
}

/** Also false for an instant in the future: it comes from a clock that was wrong, and would never pass. */
function isWithin(periodMs: number, sinceMs: number, nowMs: number): boolean {
  return sinceMs <= nowMs && nowMs - sinceMs < periodMs;
}
