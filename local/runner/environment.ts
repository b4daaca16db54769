import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import type { FunctionPlan } from './assembly.ts';
import type { OutputWatch } from './metrics.ts';
import { type Ended, startRuntimeApi } from './runtime-api.ts';

/** Lines of standard error kept to explain a crash. */
const LAST_LINES = 15;

/** A process that was given an event. */
export interface Answering {
  readonly door: string;
  readonly pid: number;
  /** Resolves when its answer is there, or when there will be none. */
  readonly ended: Promise<Ended>;
}

/** One process that runs a function, one invocation at a time, as Lambda's execution environments do. */
export interface ExecutionEnvironment {
  readonly pid: number | undefined;
  isAlive(): boolean;
  /**
   * @param payload - JSON of the event
   * @returns JSON of the handler's answer
   * @throws FunctionError
   */
  invoke(payload: string): Promise<string>;
  /** When the last event was handed out, as `performance.now()` tells it: what came before was loading. */
  beganMs(): number;
  /** What the process last wrote to standard error. */
  lastLines(): readonly string[];
  stop(): Promise<void>;
}

export interface EnvironmentSetting {
  readonly plan: FunctionPlan;
  /** Folder with the bundle, outside any `"type": "module"` package. */
  readonly taskRoot: string;
  /** The whole environment of the process, without what this file adds for the Runtime API. */
  readonly variables: Readonly<Record<string, string>>;
  /** CommonJS files loaded before the function. */
  readonly preloads: readonly string[];
  readonly log: Writable;
  /** Told whenever the process was given an event. @default nobody */
  readonly answering?: ((one: Answering) => void) | undefined;
  /** Told what the process writes. @default nobody */
  readonly output?: OutputWatch | undefined;
}

/** Starts a process and the Runtime API that it alone speaks to. */
export async function startEnvironment(setting: EnvironmentSetting): Promise<ExecutionEnvironment> {
  const { plan, log } = setting;
  const api = await startRuntimeApi(
    plan,
    () => child.kill('SIGKILL'),
    (ended) => {
      const { pid } = child;
      if (pid !== undefined) setting.answering?.({ door: plan.door, pid, ended });
    },
  );
  const child = spawnFunction(setting, api.port);
  const lines = keepOutput(child, log);
  if (setting.output !== undefined) watchOutput(child, setting.output);
  child.once('error', (error) => api.fail('Runtime.ExitError', String(error)));
  child.once('close', (code, signal) => {
    api.fail('Runtime.ExitError', `the process of ${plan.door} ended with ${signal ?? code}`);
    api.close();
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid,
    isAlive: () => child.pid !== undefined && !hasEnded() && !child.killed,
    invoke: (payload) => api.invoke(payload),
    beganMs: () => api.beganMs(),
    lastLines: () => lines,
    async stop() {
      if (child.pid === undefined || hasEnded()) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function spawnFunction(
  { plan, taskRoot, variables, preloads }: EnvironmentSetting,
  port: number,
): ChildProcess {
  const heap = `--max-old-space-size=${plan.memoryMegabytes}`;
  const required = preloads.flatMap((file) => ['--require', file]);
  const bootstrap = path.join(import.meta.dirname, 'bootstrap.cjs');
  return spawn(process.execPath, [heap, ...required, bootstrap], {
    cwd: taskRoot,
    stdio: ['pipe', 'pipe', 'pipe'], // Standard input stays open as long as this process lives: so the function knows.
    env: {
      ...variables,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      LAMBDA_TASK_ROOT: taskRoot,
      _HANDLER: plan.handler,
    },
  });
}

function watchOutput({ stdout, stderr }: ChildProcess, output: OutputWatch): void {
  for (const stream of [stdout, stderr]) stream?.on('data', (chunk: Buffer) => output.logged(chunk.length));
  if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => output.printed(line));
}

/** Sends output to the log; what it returns always holds the last lines of standard error. */
function keepOutput(child: ChildProcess, log: Writable): readonly string[] {
  const lines: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => log.write(chunk));
  child.stderr?.on('data', (chunk: Buffer) => {
    log.write(chunk);
    const fresh = chunk.toString().split('\n');
    lines.push(...fresh.filter((line) => line !== ''));
    lines.splice(0, Math.max(0, lines.length - LAST_LINES));
  });
  return lines;
}
