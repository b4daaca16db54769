import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import * as v from 'valibot';
import { MisconfiguredError } from '../../lambdas/errors.ts';
import { secretOf } from '../../lambdas/store/secrets.ts';

const ARN = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:webhook';
const MINUTE_MS = 60_000;
const secretsManager = mockClient(SecretsManagerClient);

beforeEach(() => secretsManager.reset());

const reads = () => secretsManager.commandCalls(GetSecretValueCommand).length;

/** A secret that is read by a clock we move. */
function kept() {
  const clock = { nowMs: 0 };
  const secret = secretOf(
    new SecretsManagerClient({}),
    ARN,
    v.object({ key: v.string() }),
    () => clock.nowMs,
  );
  const stored = (SecretString: string | undefined) =>
    secretsManager
      .on(GetSecretValueCommand, { SecretId: ARN })
      .resolves(SecretString === undefined ? {} : { SecretString });
  stored('{"key":"first"}');
  return { secret, clock, stored };
}

test('is read once, however often it is needed at once or soon after', async () => {
  const { secret, clock } = kept();

  const values = await Promise.all([secret.read(), secret.read(), secret.read()]);
  clock.nowMs = 5 * MINUTE_MS - 1;

  expect(values).toEqual([{ key: 'first' }, { key: 'first' }, { key: 'first' }]);
  expect(await secret.read()).toEqual({ key: 'first' });
  expect(reads()).toBe(1);
});

test('is read again after five minutes: a rotated secret is in use everywhere by then', async () => {
  const { secret, clock, stored } = kept();
  await secret.read();
  stored('{"key":"second"}');

  clock.nowMs = 5 * MINUTE_MS;

  expect(await secret.read()).toEqual({ key: 'second' });
});

test('is read again at once when a value turned out wrong, but not more often than every 30 seconds', async () => {
  const { secret, clock, stored } = kept();
  await secret.read();
  stored('{"key":"second"}');

  clock.nowMs = 29_999;
  expect(await secret.refresh()).toBe(false);
  expect(await secret.read()).toEqual({ key: 'first' });

  clock.nowMs = 30_000;
  expect(await secret.refresh()).toBe(true);
  expect(await secret.read()).toEqual({ key: 'second' });

  expect(await secret.refresh()).toBe(false);
  expect(reads()).toBe(2);
});

test.each([
  { stored: '{}', because: 'that is how it is created' },
  { stored: '{"key":7}', because: 'it holds something else' },
  { stored: 'canary', because: 'it is no JSON' },
  { stored: '"canary"', because: 'it is no object' },
  { stored: '{"key":{"canary":1}}', because: 'it holds something else' },
  { stored: undefined, because: 'it is binary' },
])(
  'waits for an operator while it is $stored ($because), names the secret and never its value',
  async ({ stored: value }) => {
    const { secret, stored } = kept();
    stored(value);

    const error = await secret.read().catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(MisconfiguredError);
    expect(error).toHaveProperty('message', expect.stringContaining(ARN));
    expect(error).not.toHaveProperty('cause');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('canary');
  },
);

test('is in use the moment an operator has filled it in', async () => {
  const { secret, stored } = kept();
  stored('{}');
  await expect(secret.read()).rejects.toThrow(MisconfiguredError);

  stored('{"key":"filled in"}');

  expect(await secret.read()).toEqual({ key: 'filled in' });
});

test('a read that fails takes nothing away: what was good stays in use, and a flood of refreshes stays no flood', async () => {
  const { secret, clock } = kept();
  await secret.read();
  secretsManager.on(GetSecretValueCommand).rejects(new Error('down'));

  clock.nowMs = MINUTE_MS;
  await expect(secret.refresh()).rejects.toThrow('down');
  clock.nowMs = MINUTE_MS + 1;

  expect(await secret.refresh()).toBe(false);
  expect(await secret.read()).toEqual({ key: 'first' });
  expect(reads()).toBe(2);
});

test('is not used for ever while it cannot be read', async () => {
  const { secret, clock } = kept();
  await secret.read();
  secretsManager.on(GetSecretValueCommand).rejects(new Error('down'));

  clock.nowMs = 5 * MINUTE_MS;

  await expect(secret.read()).rejects.toThrow('down');
});
