import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AssetHashType,
  DockerImage,
  type Duration,
  type ILocalBundling,
  RemovalPolicy,
  Stack,
} from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { buildSync, formatMessagesSync } from 'esbuild';
import { bundleSettings } from './bundle.ts';

const handlersDirectory = join(import.meta.dirname, '../lambdas');

/**
 * Under which CloudWatch keeps what the doors of this stack count: the name of the stack, or else two of them in one account would be
 * counted together. Each metric has one dimension, `service`, the door.
 */
export function metricsNamespace(scope: Construct): string {
  return Stack.of(scope).stackName;
}

/** The five ways into the system; `lambdas/<door>.ts` is the handler, `lib/<door>.ts` its construct. */
export type Door = 'ingest' | 'scorer' | 'write-back' | 'nightly' | 'explain';

/** A compiled scoring model, to the stack no more than an object that can be written as JSON. */
export type CompiledModel = object;

export interface NodeFunctionProps {
  /** Which handler runs: `lambdas/<door>.ts`. */
  readonly door: Door;
  /** One sentence for whoever meets the function in the console. */
  readonly description: string;
  /** Longest one invocation may take. */
  readonly timeout: Duration;
  /** Memory in MB; AWS gives CPU in proportion. */
  readonly memoryMb: number;
  /** The door's own variables; names of secrets, never their values. */
  readonly environment: Record<string, string>;
  /**
   * Written as `model.json` beside the handler.
   *
   * @default none: the door does not score
   */
  readonly model?: CompiledModel;
  /**
   * Invocations at the same time, kept free for this function out of what the account allows, and never exceeded.
   *
   * @default none: it shares with all other functions of the account
   */
  readonly reservedConcurrency?: number;
  /**
   * Whether what it sends may lead back to it by queues: to go on where it stopped, or later. Lambda stops such a chain at its 16th
   * invocation unless it is told that this is meant (AWS, "Use Lambda recursive loop detection", read 2026-11-22).
   *
   * @default false
   */
  readonly isSentOn?: boolean;
}

/** One door as a Lambda function: bundled here by esbuild, with a role that may only write its own log. */
export class NodeFunction extends LambdaFunction {
  readonly door: Door;
  readonly memoryMb: number;

  constructor(scope: Construct, id: string, props: NodeFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);

    super(scope, id, {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: bundle(props.door, props.model),
      timeout: props.timeout,
      memorySize: props.memoryMb,
      environment: {
        POWERTOOLS_SERVICE_NAME: props.door,
        POWERTOOLS_LOG_LEVEL: 'INFO',
        POWERTOOLS_METRICS_NAMESPACE: metricsNamespace(scope),
        ...props.environment,
      },
      logGroup,
      role,
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
      ...(props.isSentOn === true && { recursiveLoop: RecursiveLoop.ALLOW }),
    });
    this.door = props.door;
    this.memoryMb = props.memoryMb;
  }
}

function bundle(door: Door, model: CompiledModel | undefined): Code {
  const modelJson = model === undefined ? undefined : JSON.stringify(model);
  const local: ILocalBundling = {
    tryBundle: (outputDirectory) => {
      bundleHandler(door, outputDirectory);
      if (modelJson !== undefined) writeFileSync(join(outputDirectory, 'model.json'), modelJson);
      return true;
    },
  };
  return Code.fromAsset(handlersDirectory, {
    // The hash of what was built, so that an asset changes when its bytes do and on no other occasion.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local,
      // Never pulled: `local` always succeeds or throws. The API asks for an image all the same.
      image: DockerImage.fromRegistry('none'),
      // The CDK caches bundles by source folder and options, and the doors share both but for this line.
      command: [
        door,
        createHash('sha256')
          .update(modelJson ?? '')
          .digest('hex'),
      ],
    },
  });
}

function bundleHandler(door: Door, outputDirectory: string): void {
  const { warnings } = buildSync({ ...bundleSettings(door), outfile: join(outputDirectory, 'index.js') });
  if (warnings.length > 0) {
    throw new Error(formatMessagesSync(warnings, { kind: 'warning' }).join('\n'));
  }
}
