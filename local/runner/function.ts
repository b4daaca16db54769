import type { FunctionPlan } from './assembly.ts';
import type { ExecutionEnvironment } from './environment.ts';
import { FunctionError } from './runtime-api.ts';

/** One invocation that has ended, as far as it is billed. */
export interface Invocation {
  readonly door: string;
  /** Whether a process was started for it; its time then holds that of loading the function. */
  readonly isCold: boolean;
  /** From the event until the answer, or until it failed. */
  readonly milliseconds: number;
  /** Of these, what loading the function took; 0 when it was warm. What is left is what CloudWatch calls the duration. */
  readonly loadMilliseconds: number;
  readonly memoryMegabytes: number;
  readonly hasFailed: boolean;
  /** The event's records: of a queue, its messages. None for an event of another kind. */
  readonly records: number;
}

/** A function with its warm environments. */
export interface LocalFunction {
  readonly plan: FunctionPlan;
  /** Everything the function finds in its environment: for tools that speak to the same engines. */
  readonly variables: Readonly<Record<string, string>>;
  /**
   * @param event - anything that JSON can say
   * @returns the handler's answer, by way of JSON
   * @throws FunctionError
   */
  invoke(event: unknown): Promise<unknown>;
  /** Invocations running or waiting for an environment. */
  busy(): number;
  /** Processes alive. */
  pids(): Promise<number[]>;
  stop(): Promise<void>;
}

export interface FunctionSetting {
  readonly plan: FunctionPlan;
  readonly variables: Readonly<Record<string, string>>;
  /** Environments at the same time; further invocations wait. */
  readonly maximumEnvironments: number;
  readonly start: () => Promise<ExecutionEnvironment>;
  /** Told of every invocation when it has ended. @default nobody */
  readonly invoked?: ((invocation: Invocation) => void) | undefined;
  readonly report: (line: string) => void;
}

/** Reuses warm environments, starts new ones up to the maximum, forgets those that died. */
export function createFunction(setting: FunctionSetting): LocalFunction {
  const { plan, variables, maximumEnvironments, start, invoked, report } = setting;
  const gate = createGate(maximumEnvironments);
  const idle: ExecutionEnvironment[] = [];
  const started = new Set<Promise<ExecutionEnvironment>>();
  let isStopped = false;

  const warmOrNew = (): ExecutionEnvironment | Promise<ExecutionEnvironment> => {
    for (let warm = idle.pop(); warm; warm = idle.pop()) if (warm.isAlive()) return warm;
    if (isStopped) throw new FunctionError('Sandbox.Stopped', `${plan.door} has been stopped`);
    const fresh = start();
    started.add(fresh);
    return fresh;
  };
  const explain = (error: unknown, environment: ExecutionEnvironment): void => {
    if (isStopped || !(error instanceof FunctionError)) return;
    report(`${plan.door}: ${error.message}`);
    for (const line of environment.lastLines()) report(`${plan.door} | ${line}`);
  };
  const run = async (event: unknown): Promise<unknown> => {
    const beganMs = performance.now();
    const startedBefore = started.size;
    const chosen = warmOrNew();
    const isCold = started.size > startedBefore;
    const environment = await chosen;
    let hasFailed = false;
    try {
      return JSON.parse(await environment.invoke(JSON.stringify(event)));
    } catch (error) {
      hasFailed = true;
      explain(error, environment);
      throw error;
    } finally {
      const milliseconds = performance.now() - beganMs;
      const loadMilliseconds = isCold ? Math.max(0, environment.beganMs() - beganMs) : 0;
      const { door, memoryMegabytes } = plan;
      const measured = { milliseconds, loadMilliseconds, memoryMegabytes, records: recordsOf(event) };
      invoked?.({ door, isCold, hasFailed, ...measured });
      if (environment.isAlive()) idle.push(environment);
    }
  };
  const alive = async (): Promise<ExecutionEnvironment[]> => {
    const settled = await Promise.allSettled(started);
    return settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  };
  return {
    plan,
    variables,
    async invoke(event) {
      await gate.enter();
      return run(event).finally(gate.leave);
    },
    busy: gate.busy,
    pids: async () => (await alive()).filter((one) => one.isAlive()).flatMap(({ pid }) => pid ?? []),
    async stop() {
      isStopped = true;
      await Promise.all((await alive()).map((environment) => environment.stop()));
    },
  };
}

function recordsOf(event: unknown): number {
  const isOfRecords = typeof event === 'object' && event !== null && 'Records' in event;
  return isOfRecords && Array.isArray(event.Records) ? event.Records.length : 0;
}

/** Lets so many in at a time, the others in the order in which they came. */
function createGate(places: number) {
  const line: (() => void)[] = [];
  let inside = 0;
  return {
    async enter(): Promise<void> {
      if (inside >= places) await new Promise<void>((resolve) => line.push(resolve));
      else inside += 1;
    },
    leave: (): void => {
      const next = line.shift();
      if (next)
        next(); // It takes this place: `inside` stays.
      else inside -= 1;
    },
    busy: (): number => inside + line.length,
  };
}
