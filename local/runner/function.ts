import type { FunctionPlan } from './assembly.ts';
import type { ExecutionEnvironment } from './environment.ts';
import { FunctionError } from './runtime-api.ts';

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
  readonly report: (line: string) => void;
}

/** Reuses warm environments, starts new ones up to the maximum, forgets those that died. */
export function createFunction(setting: FunctionSetting): LocalFunction {
  const { plan, variables, maximumEnvironments, start, report } = setting;
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
  const run = async (payload: string): Promise<unknown> => {
    const environment = await warmOrNew();
    try {
      return JSON.parse(await environment.invoke(payload));
    } catch (error) {
      explain(error, environment);
      throw error;
    } finally {
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
      return run(JSON.stringify(event)).finally(gate.leave);
    },
    busy: gate.busy,
    pids: async () => (await alive()).filter((one) => one.isAlive()).flatMap(({ pid }) => pid ?? []),
    async stop() {
      isStopped = true;
      await Promise.all((await alive()).map((environment) => environment.stop()));
    },
  };
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
