import type { TablePlan } from '../../local/runner/assembly.ts';
import type { LaggingView } from './lagging.ts';
import { attribute, checkKey, invalid, type KeyValue, pick, type Row, typeOf, type Value } from './values.ts';
import { entryOf, type Place } from './view.ts';

export interface KeyAttribute {
  readonly name: string;
  readonly type: 'S' | 'N';
}

/** The keys of a table or an index. */
export interface KeySchema {
  readonly hash: KeyAttribute;
  /** Undefined for an index with a partition key alone. */
  readonly range: KeyAttribute | undefined;
}

/** @throws Error for keys that are not known here: binary ones, and partition keys that are numbers */
export function schemaOf({ name, attributes }: TablePlan, keys: TablePlan['keys']): KeySchema {
  const attributeOf = (kind: 'HASH' | 'RANGE'): KeyAttribute | undefined => {
    const key = keys.find(({ type }) => type === kind)?.name;
    if (key === undefined) return undefined;
    const type = attributes.find((defined) => defined.name === key)?.type;
    if (type !== 'S' && (type !== 'N' || kind === 'HASH'))
      throw new Error(`the simulated table does not know keys such as ${key} of ${name}`);
    return { name: key, type };
  };
  const hash = attributeOf('HASH');
  if (hash === undefined) throw new Error(`${name} has no partition key`);
  return { hash, range: attributeOf('RANGE') };
}

/** A global secondary index: some attributes of the rows that have its keys, in its own order. */
export class SecondaryIndex {
  readonly name: string;
  readonly schema: KeySchema;
  readonly projectsAll: boolean;
  readonly #projected: ReadonlySet<string>;
  readonly #view: LaggingView;

  constructor(
    plan: TablePlan,
    { name, keys, projection, projected }: TablePlan['indexes'][number],
    view: LaggingView,
  ) {
    this.name = name;
    this.schema = schemaOf(plan, keys);
    this.projectsAll = projection === 'ALL';
    this.#projected = new Set([...plan.keys, ...keys].map((key) => key.name).concat(projected));
    this.#view = view;
  }

  get view(): LaggingView {
    return this.#view;
  }

  projects(name: string): boolean {
    return this.projectsAll || this.#projected.has(name);
  }

  /** @throws ValidationException for a row that cannot stand in the index */
  check(row: Row): void {
    const { hash, range } = this.schema;
    this.#checkKey(row, hash, 'HASH');
    if (range !== undefined) this.#checkKey(row, range, 'RANGE');
  }

  #checkKey(row: Row, { name, type }: KeyAttribute, kind: 'HASH' | 'RANGE'): void {
    const value = attribute(row, name);
    if (value === undefined) return;
    if (typeOf(value) !== type)
      throw invalid(
        `One or more parameter values were invalid: Type mismatch for Index Key ${name} Expected: ${type} Actual: ${typeOf(value)} IndexName: ${this.name}`,
      );
    checkKey(value, name, type, kind);
  }

  /** Follows a change of a row; the index sees it later. */
  change(pk: string, sk: string, before: Row | undefined, after: Row | undefined): void {
    const [from, to] = [before && this.#placeOf(pk, sk, before), after && this.#placeOf(pk, sk, after)];
    if (from === undefined && to === undefined) return;
    const isSame = from?.hash === to?.hash && from?.range === to?.range;
    if (isSame && this.#isSameProjection(before, after)) return;
    this.#view.change(from, to && after && entryOf(to, this.#projection(after)));
  }

  /** Undefined for a row that does not stand in the index. */
  #placeOf(pk: string, sk: string, row: Row): Place | undefined {
    const hash = attribute(row, this.schema.hash.name);
    if (typeof hash !== 'string') return undefined;
    const range = this.schema.range === undefined ? '' : keyValue(attribute(row, this.schema.range.name));
    return range === undefined ? undefined : { hash, range, pk, sk };
  }

  #isSameProjection(before: Row | undefined, after: Row | undefined): boolean {
    if (this.projectsAll || before === undefined || after === undefined) return false;
    for (const name of this.#projected) if (attribute(before, name) !== attribute(after, name)) return false;
    return true;
  }

  #projection(row: Row): Row {
    if (this.projectsAll) return row;
    return pick(row, this.#projected);
  }
}

function keyValue(value: Value | undefined): KeyValue | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}
