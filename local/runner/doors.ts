import { createWriteStream, mkdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import type { Assembly, FunctionPlan } from './assembly.ts';
import type { MovedClock } from './clock.ts';
import { LOCAL_CREDENTIALS } from './engines.ts';
import { type EnvironmentSetting, startEnvironment } from './environment.ts';
import { concurrencyOf } from './event-source.ts';
import { createFunction, type Invocation, type LocalFunction } from './function.ts';
import type { OutputWatch } from './metrics.ts';
import { LOCAL_REGION } from './template.ts';

/** Environments of a function that no queue feeds. */
const UNFED_CONCURRENCY = 2;

/** The functions of the assembly. */
export interface Doors {
  readonly all: readonly LocalFunction[];
  /** @throws Error when there is none */
  byArn(arn: string): LocalFunction;
  /** @throws Error when there is none */
  byName(door: string): LocalFunction;
  stop(): Promise<void>;
}

export interface DoorsSetting {
  readonly assembly: Assembly;
  readonly clock: MovedClock;
  /** For the bundles; outside the project, whose `"type": "module"` would make them ES modules. */
  readonly directory: string;
  readonly logDirectory: string;
  /** Variables set differently from the template, where the template has them. */
  readonly overrides: Readonly<Record<string, string>>;
  /** `AWS_ENDPOINT_URL…` of the engines. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** The environment of a function's processes, which may lead elsewhere than what others are told of it. */
  readonly led: (variables: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;
  /** Told of every invocation when it has ended. */
  readonly invoked?: ((invocation: Invocation) => void) | undefined;
  /** Told of every process that was given an event, when it was. */
  readonly answering?: EnvironmentSetting['answering'];
  /** Who is told what the processes of a function write. @default nobody */
  readonly output?: ((door: string) => OutputWatch) | undefined;
  readonly report: (line: string) => void;
}

/** Copies the bundles and opens the logs; processes start when they are needed. */
export async function openDoors(setting: DoorsSetting): Promise<Doors> {
  mkdirSync(setting.logDirectory, { recursive: true });
  const all = await Promise.all(setting.assembly.functions.map((plan) => openDoor(plan, setting)));
  const find = (what: string, matches: (plan: FunctionPlan) => boolean): LocalFunction => {
    const found = all.find(({ plan }) => matches(plan));
    if (found === undefined) throw new Error(`The assembly has no function ${what}`);
    return found;
  };
  return {
    all,
    byArn: (arn) => find(arn, (plan) => plan.arn === arn),
    byName: (door) => find(door, (plan) => plan.door === door),
    async stop() {
      await Promise.all(all.map((one) => one.stop()));
    },
  };
}

async function openDoor(plan: FunctionPlan, setting: DoorsSetting): Promise<LocalFunction> {
  const { assembly, clock, directory, logDirectory, led, invoked, report } = setting;
  const taskRoot = path.join(directory, plan.name);
  await cp(plan.assetDirectory, taskRoot, { recursive: true });
  const log = createWriteStream(path.join(logDirectory, `${plan.door}.log`));
  const variables = variablesOf(plan, setting);
  const isMoved = plan.door !== 'ingest'; // Its callers sign with wall time, before and after the clock is moved.
  const places = assembly.mappings
    .filter(({ functionName }) => functionName === plan.name)
    .reduce((sum, mapping) => sum + concurrencyOf(mapping), 0);
  return createFunction({
    plan,
    variables,
    maximumEnvironments: Math.max(places, UNFED_CONCURRENCY),
    start: () =>
      startEnvironment({
        plan,
        taskRoot,
        variables: { ...led(variables), ...(isMoved && clock.environment) },
        preloads: isMoved ? [clock.preload] : [],
        log,
        answering: setting.answering,
        output: setting.output?.(plan.door),
      }),
    invoked,
    report,
  });
}

/**
 * The template's environment and what Lambda adds.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
function variablesOf(
  { door, name, memoryMegabytes, environment }: FunctionPlan,
  { overrides, endpoints }: DoorsSetting,
): Record<string, string> {
  const systemRoot = process.env['SystemRoot']; // Without it, Windows gives a process no sockets.
  return {
    ...environment,
    ...Object.fromEntries(Object.entries(overrides).filter(([variable]) => variable in environment)),
    ...endpoints,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    AWS_REGION: LOCAL_REGION,
    AWS_DEFAULT_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: door, // As a role of its own: whoever looks at a call knows whose it is.
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_SESSION_TOKEN: LOCAL_CREDENTIALS.sessionToken,
    TZ: 'UTC',
    LANG: 'en_US.UTF-8',
    ...(systemRoot !== undefined && { SystemRoot: systemRoot }),
  };
}
