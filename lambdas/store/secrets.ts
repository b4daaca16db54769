import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { MisconfiguredError } from '../errors.ts';

/** How long a value is used before it is read again: a rotated secret is in use everywhere after this time. */
const FRESH_MS = 5 * 60_000;
/** Least time between two reads: a flood of wrong signatures must not become a flood of reads. */
const REREAD_MS = 30_000;

/** A JSON secret that is read when first needed and kept for a while. */
export interface Secret<T> {
  /** @throws MisconfiguredError while the secret is not filled in */
  read(): Promise<T>;
  /** Reads again unless that was done a moment ago; for when a value turned out wrong. @returns whether it was read */
  refresh(): Promise<boolean>;
}

/**
 * A secret in AWS Secrets Manager, holding a JSON object.
 *
 * @param arn - ARN of the secret; its value never enters an environment variable or a log
 * @param schema - what the object holds once somebody has filled it in
 */
export function secretOf<T>(
  client: Pick<SecretsManagerClient, 'send'>,
  arn: string,
  schema: v.GenericSchema<unknown, T>,
  clock: () => number,
): Secret<T> {
  let kept: { value: Promise<T>; readAtMs: number } | undefined;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  const load = async (): Promise<T> => {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), SecretString);
    if (!parsed.success) {
      // The issues of valibot would quote what they found; a secret must not reach a log.
      throw new MisconfiguredError(
        `the secret ${arn} is not filled in; put the JSON object that docs/deploy.md shows`,
      );
    }
    return parsed.output;
  };
  const keep = (): Promise<T> => {
    const before = kept;
    const entry = { value: load(), readAtMs: clock() };
    kept = entry;
    triedAtMs = entry.readAtMs;
    entry.value.catch(() => {
      if (kept === entry) kept = before; // A failed read is not kept, nor does it take away what was good.
    });
    return entry.value;
  };
  return {
    read: () => (kept !== undefined && clock() - kept.readAtMs < FRESH_MS ? kept.value : keep()),
    refresh: async () => {
      if (clock() - triedAtMs < REREAD_MS) return false;
      await keep();
      return true;
    },
  };
}
