import type { Logger } from '@aws-lambda-powertools/logger';
import type { MetricName } from '../env.ts';
import { type Definitions, unwritable } from '../hubspot/definitions.ts';
import type { OutputProperties } from '../hubspot/outputs.ts';
import type { DefinitionsOf } from '../portal/connect.ts';
import type { Withheld } from '../portal/withheld.ts';
import { type ResumeRequest, resumption } from '../store/queues.ts';

/** The kinds of records that show something of ours. */
type Type = keyof OutputProperties;
const TYPES = ['contacts', 'companies', 'deals'] as const satisfies readonly Type[];

/** While something cannot be written, HubSpot is asked this often whether it can be by now. */
const LOOK_AGAIN_MS = 15 * 60_000;

export interface OutputsParts {
  readonly clock: () => number;
  readonly portalId: string;
  readonly wanted: OutputProperties;
  readonly definitions: DefinitionsOf;
  readonly remembered: {
    read(): Promise<Withheld>;
    update<R>(change: (state: Withheld) => { readonly state: Withheld; readonly result: R }): Promise<R>;
  };
  readonly background: (requests: readonly ResumeRequest[], delaySeconds: number) => Promise<void>;
  readonly count: (name: MetricName, value: number) => void;
  readonly logger: Pick<Logger, 'error' | 'info'>;
}

/** What HubSpot refused to write to. */
export interface Refused {
  readonly properties: readonly string[];
  /** For what the property is, not for the value that was sent. */
  readonly isWhateverTheValue: boolean;
}

/**
 * Which of our properties HubSpot lets us write. A property that somebody archived, retyped or made read-only would make HubSpot refuse
 * every record: it is left out, named once, and the others go on being written. What is written without it is never confirmed, and
 * carries no write id: so everybody is known to be incomplete, and is sent again when the property is back.
 */
export class Outputs {
  readonly #parts: OutputsParts;
  readonly #definitions = new Map<Type, Definitions>();
  /**
   * What HubSpot refused while it would not tell its definitions, until when it is not tried; epoch milliseconds. By kind and name: contacts
   * and deals have properties of one name.
   */
  readonly #refused = new Map<string, number>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #remembered: readonly string[] | undefined;

  constructor(parts: OutputsParts) {
    this.#parts = parts;
  }

  /** To be called before each run: goes by what is kept, which may be nothing yet. */
  async look(): Promise<void> {
    await this.#read('kept');
  }

  /** To be called after each run: asks HubSpot when that is due, and notices when a property that was withheld is back. */
  async renew(): Promise<void> {
    const isStale = this.#undefinable().length > 0 && this.#parts.clock() - this.#readAtMs >= LOOK_AGAIN_MS;
    await this.#read(isStale ? 'anew' : 'believed');
    await this.#remember();
  }

  /** Names among `values` that cannot be written as they are. */
  withheld(type: Type, values: Readonly<Record<string, string>>): ReadonlySet<string> {
    const definitions = this.#definitions.get(type);
    if (definitions !== undefined) return new Set(unwritable(definitions, this.#parts.wanted[type], values));
    const nowMs = this.#parts.clock();
    return new Set(Object.keys(values).filter((name) => (this.#refused.get(`${type} ${name}`) ?? 0) > nowMs));
  }

  /**
   * HubSpot refused properties that were taken for writable: its definitions are read anew. Where it does not tell them, it is believed
   * for a while, unless it refused no more than a value.
   */
  async contradicted(type: Type, refused: readonly Refused[]): Promise<void> {
    await this.#read('anew');
    await this.#remember();
    if (this.#definitions.has(type)) return;
    const untilMs = this.#parts.clock() + LOOK_AGAIN_MS;
    const names = refused.flatMap(({ properties, isWhateverTheValue }) =>
      isWhateverTheValue ? properties : [],
    );
    const isNews = names.some((name) => !this.#refused.has(`${type} ${name}`));
    for (const name of names) this.#refuse(type, name, untilMs);
    // This process alone knows of it, and may not live until they are taken again.
    if (isNews) await this.#parts.background(...resumption(this.#parts.portalId));
  }

  /** HubSpot took properties: of those it refused before, everybody is sent again. */
  async took(type: Type, names: readonly string[]): Promise<void> {
    const back = names.filter((name) => this.#refused.has(`${type} ${name}`));
    if (back.length === 0) return;
    await this.#sendAgain(back);
    for (const name of back) this.#refused.delete(`${type} ${name}`);
  }

  #refuse(type: Type, name: string, untilMs: number): void {
    if (!this.#refused.has(`${type} ${name}`)) this.#warn([name]);
    this.#refused.set(`${type} ${name}`, untilMs);
    this.#parts.count('UnwritableProperties', 1);
  }

  async #read(how: 'kept' | 'believed' | 'anew'): Promise<void> {
    const { wanted, definitions, clock } = this.#parts;
    if (how === 'anew') this.#readAtMs = clock();
    const types = TYPES.filter((type) => wanted[type].length > 0);
    const all = await Promise.all(types.map((type) => definitions(type, how)));
    for (const [at, type] of types.entries()) {
      const known = all[at];
      if (known === undefined) this.#definitions.delete(type);
      else this.#definitions.set(type, known);
    }
  }

  /** By the definitions: what nobody's values could be written to, and choices that are missing for some. */
  #undefinable(): string[] {
    const bad = TYPES.flatMap((type) => {
      const definitions = this.#definitions.get(type);
      return definitions === undefined ? [] : unwritable(definitions, this.#parts.wanted[type]);
    });
    return bad.toSorted();
  }

  /** One alarm for all contacts. Every process that withheld something sends everybody again when it is back, since each wrote without it. */
  async #remember(): Promise<void> {
    const { remembered, count } = this.#parts;
    const now = this.#undefinable();
    if (now.length > 0) count('UnwritableProperties', now.length);
    if (this.#remembered !== undefined && String(now) === String(this.#remembered)) return;
    const { names } = await remembered.read();
    const before = new Set([...names, ...(this.#remembered ?? [])]);
    const isKnown = now.every((name) => before.has(name));
    if (!isKnown) this.#warn(now);
    const back = [...before].filter((name) => !now.includes(name));
    if (back.length > 0) await this.#sendAgain(back);
    if (String(names) !== String(now))
      await remembered.update(() => ({ state: { names: now }, result: undefined }));
    this.#remembered = now;
  }

  #warn(properties: readonly string[]): void {
    this.#parts.logger.error('HubSpot does not let these properties be written: they are left out', {
      properties,
    });
  }

  async #sendAgain(properties: readonly string[]): Promise<void> {
    const { background, portalId, logger } = this.#parts;
    logger.info('properties can be written again: what was written without them is sent again', {
      properties,
    });
    await background(...resumption(portalId));
  }
}
