import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/**
 * Synthesizes the stack that would be deployed, with the local run's settings.
 *
 * @param output - directory for the cloud assembly
 * @param settings - settings by name, over those of `cdk.json`
 * @param signal - ends the synthesis
 * @throws Error with what the CDK printed, such as what is wrong with a model
 */
export async function synthesize(
  output: string,
  settings: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const cdk = createRequire(import.meta.url).resolve('aws-cdk/bin/cdk');
  const context = Object.entries(settings).flatMap(([name, value]) => ['-c', `afterglow.${name}=${value}`]);
  const child = spawn(
    process.execPath,
    [cdk, 'synth', '-q', '--no-notices', '--output', output, ...context],
    {
      cwd: ROOT,
      env: { ...process.env, CDK_DISABLE_VERSION_CHECK: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal && { signal }),
    },
  );
  const printed: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`cdk synth failed:\n${Buffer.concat(printed).toString().trim()}`);
}
