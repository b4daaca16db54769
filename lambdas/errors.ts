/** Not now: throw, and the queue (or the caller) tries again. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
}

/** An operator must act: a secret, a setting or a permission is missing. */
export class MisconfiguredError extends Error {
  override readonly name = 'MisconfiguredError';
}
