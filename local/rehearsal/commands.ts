import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { DifferenceError } from './steps.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const CDK = createRequire(import.meta.url).resolve('aws-cdk/bin/cdk');
/** Of what a command printed, as much is told when it fails. */
const LINES_TOLD = 25;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  /** Both outputs as they came. */
  readonly printed: string;
}

export interface Commands {
  /** @throws DifferenceError with what it printed, when it fails */
  cdk(...args: string[]): Promise<Ran>;
  /** `afterglow …`. @param input - for its standard input. @throws DifferenceError when it ends with another code than 0 */
  afterglow(args: readonly string[], input?: string): Promise<Ran>;
}

/**
 * Commands as a person types them in a terminal.
 *
 * @param environment - over that of this process
 * @param isShown - whether what the CDK prints is shown while it runs: on AWS a deployment takes minutes
 */
export function createCommands(environment: Readonly<Record<string, string>>, isShown: boolean): Commands {
  const run = (args: readonly string[], input: string, isEchoed: boolean) =>
    runNode(args, { ...process.env, ...environment, CDK_DISABLE_VERSION_CHECK: '1' }, input, isEchoed);
  return {
    async cdk(...args) {
      const ran = await run([CDK, ...args, '--no-notices'], '', isShown);
      return succeeded(`cdk ${args[0] ?? ''}`, ran);
    },
    async afterglow(args, input = '') {
      const ran = await run([path.join(ROOT, 'cli/afterglow.ts'), ...args], input, false);
      return succeeded(`afterglow ${args[0] ?? ''}`, ran);
    },
  };
}

function succeeded(what: string, ran: Ran): Ran {
  if (ran.code === 0) return ran;
  const last = ran.printed.trimEnd().split('\n').slice(-LINES_TOLD).join('\n');
  throw new DifferenceError(`${what} ended with ${ran.code}:\n${last}`);
}

async function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string,
  isEchoed: boolean,
): Promise<Ran> {
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const all: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    all.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => all.push(chunk));
  if (isEchoed) {
    child.stdout.pipe(process.stderr, { end: false });
    child.stderr.pipe(process.stderr, { end: false });
  }
  child.stdin.on('error', () => {}); // It may end without reading.
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, stdout: Buffer.concat(out).toString(), printed: Buffer.concat(all).toString() };
}
