import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOCAL_DIRECTORY } from '../../cli/target.ts';
import { createMovedClock, type MovedClock } from '../runner/clock.ts';
import { listenLocally } from '../runner/listen.ts';

/** Where `npm run rehearse:install` puts it. */
const INSTALLED = path.join(LOCAL_DIRECTORY, 'ministack/bin/ministack');
const STARTS_WITHIN_MS = 30_000;
const ACCOUNT = '000000000000';
const REGION = 'us-east-1';

/** There is no emulator on this machine, or not what it needs. The message says in one line how to get it. */
export class NoEmulatorError extends Error {
  override readonly name = 'NoEmulatorError';
}

/** An AWS account on this machine. */
export interface Emulator {
  /** `aws://<account>/<region>`, as `cdk bootstrap` takes it. */
  readonly place: string;
  readonly url: string;
  /** PEM of the authority that its certificate is signed by. */
  readonly authority: string;
  /** What makes the AWS SDK and the CDK speak to it, in whatever process. */
  readonly environment: Readonly<Record<string, string>>;
  /** The clock of the functions that run there. */
  readonly clock: Pick<MovedClock, 'now' | 'setOffset'>;
  stop(): Promise<void>;
}

/**
 * Starts MiniStack on a free port of 127.0.0.1, as strict as it can be: TLS as the policies of the queues demand it, every call
 * decided by IAM, and written down as CloudTrail does.
 *
 * @param directory - for certificates, logs and the clock; the caller removes it
 * @throws NoEmulatorError
 */
export async function startEmulator(directory: string): Promise<Emulator> {
  const command = findMiniStack();
  const certificates = makeCertificates(directory);
  const clock = createMovedClock(directory);
  const port = await freePort();
  const child = spawnMiniStack(command, directory, port, { ...certificates, clock });
  process.once('exit', () => child.kill('SIGKILL')); // However this process ends, it is not left behind.
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const isEnded = once(child, 'exit').then(() => true);
      if (!(await Promise.race([isEnded, sleep(5_000, false)]))) child.kill('SIGKILL');
    }
    clock.close();
  };
  const url = `https://localhost:${port}`; // As it names itself in the addresses of queues.
  const authority = readFileSync(certificates.authorityFile, 'utf8');
  try {
    await untilHealthy(`${url}/_ministack/health`, authority, () => child.exitCode !== null);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    place: `aws://${ACCOUNT}/${REGION}`,
    url,
    authority,
    environment: {
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: 'test', // Its root user.
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_CA_BUNDLE: certificates.authorityFile,
      NODE_EXTRA_CA_CERTS: certificates.authorityFile,
    },
    clock,
    stop,
  };
}

interface Spawning extends ReturnType<typeof makeCertificates> {
  readonly clock: MovedClock;
}

function spawnMiniStack(
  command: string,
  directory: string,
  port: number,
  { clock, authorityFile, certificateFile, keyFile }: Spawning,
): ChildProcess {
  const log = openSync(path.join(directory, 'ministack.log'), 'w');
  return spawn(command, [], {
    cwd: directory,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      ...clock.environment,
      NODE_OPTIONS: `--require ${clock.preload}`, // The functions are its children: so their clock can be moved.
      // It runs functions by the `node` that it finds first.
      PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`,
      TMPDIR: directory,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      AUTH: 'true',
      USE_SSL: '1',
      CLOUDTRAIL_RECORDING: '1',
      CLOUDTRAIL_MAX_EVENTS: '100000',
      MINISTACK_SSL_CERT: certificateFile,
      MINISTACK_SSL_KEY: keyFile,
      NODE_EXTRA_CA_CERTS: authorityFile,
    },
  });
}

/** By the variable MINISTACK, on the path, or where this project installs it. */
function findMiniStack(): string {
  const onPath = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'ministack'));
  const found = [process.env['MINISTACK'] ?? '', INSTALLED, ...onPath].find(isExecutable);
  if (found === undefined)
    throw new NoEmulatorError(
      'the rehearsal needs MiniStack, an emulator of AWS: get it with `npm run rehearse:install` (Python 3.10 or newer), or name a real account with --stack',
    );
  return found;
}

function isExecutable(file: string): boolean {
  if (file === '') return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A certificate for this machine, signed by an authority that nobody else knows and that ends with the folder. */
function makeCertificates(directory: string) {
  const file = (name: string) => path.join(directory, name);
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  const names =
    'basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost,DNS:*.execute-api.localhost,IP:127.0.0.1\n';
  writeFileSync(file('names.cnf'), names);
  const openssl = (...args: string[]): void => {
    try {
      execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: directory });
    } catch (cause) {
      throw new NoEmulatorError(
        'the rehearsal needs the command `openssl` for its certificate: install OpenSSL',
        { cause },
      );
    }
  };
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'authority.key',
    '-out',
    'authority.crt',
    '-days',
    '2',
    '-subj',
    '/CN=Afterglow rehearsal',
  );
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  const signer = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    ...signer,
    '-days',
    '2',
    '-extfile',
    'names.cnf',
    '-out',
    'server.crt',
  );
  return {
    authorityFile: file('authority.crt'),
    certificateFile: file('server.crt'),
    keyFile: file('server.key'),
  };
}

async function freePort(): Promise<number> {
  const server = http.createServer();
  const port = await listenLocally(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function untilHealthy(url: string, ca: string, hasEnded: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + STARTS_WITHIN_MS;
  while (Date.now() < deadlineMs && !hasEnded()) {
    if (await isHealthy(url, ca)) return;
    await sleep(200);
  }
  throw new NoEmulatorError('MiniStack did not start; `npm run rehearse -- --keep` keeps its log');
}

function isHealthy(url: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = https.get(url, { ca, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
