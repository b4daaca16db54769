/** A change of one file of the product. */
export interface Patch {
  /** From the root of the repository, such as `lambdas/scorer.ts`. */
  readonly file: string;
  /** What stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The product with a bug planted in it, which the simulation must find. */
export interface Variant {
  /** Such as `mark-then-score`. */
  readonly name: string;
  /** What is wrong, and what follows from it, in a sentence. */
  readonly wrong: string;
  /** Number of the promise that it breaks, as in docs/reliability.md. */
  readonly promise: number;
  readonly patches: readonly Patch[];
}
