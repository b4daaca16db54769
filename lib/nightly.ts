import { Duration, TimeZone, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { ScheduleTargetBase, type ScheduleTargetBaseProps } from 'aws-cdk-lib/aws-scheduler-targets';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { NightlyEnv } from '../lambdas/env.ts';
import type { ContactTable } from './contact-table.ts';
import { NodeFunction } from './node-function.ts';
import type { Settings } from './settings.ts';

/**
 * How often a run that failed is begun anew: after one minute, and after two more. A later one finds what it left, since it notes how far
 * it came only at its end.
 */
const RUN_RETRIES = 2;
/** How often the schedule tries to hand the run over, when Lambda does not take it. */
const HAND_OVER_RETRIES = 10;
/** Nobody needs a run of the night in the afternoon: the next looks at the nights before it too. */
const LATEST_START = Duration.hours(6);

export interface NightlyProps {
  readonly settings: Settings;
  /** Facts and scores, with the index of who falls due when. */
  readonly contacts: ContactTable;
  /** Where contacts go whose score changes by itself tonight. */
  readonly ticks: IQueue;
}

/** Once a night, in the portal's own time: which scores fade to something else? */
export class Nightly extends Construct {
  readonly function: NodeFunction;
  /** What the schedule could not hand over to the function. What the function could not do is told by its metric NightlyFinished. */
  readonly deadLetters: IQueue;

  constructor(scope: Construct, id: string, props: NightlyProps) {
    super(scope, id);
    const environment = {
      PORTAL_ID: props.settings.portalId,
      CONTACT_TABLE_NAME: props.contacts.tableName,
      TICKS_QUEUE_URL: props.ticks.queueUrl,
      TIME_ZONE: props.settings.timeZone,
    } satisfies NightlyEnv;

    this.function = new NodeFunction(this, 'Function', {
      door: 'nightly',
      description: 'Afterglow: asks the due index whose score fades tonight and sends ticks to the scorer',
      timeout: Duration.minutes(15),
      memoryMb: 1024,
      environment,
    });
    this.function.configureAsyncInvoke({ retryAttempts: RUN_RETRIES, maxEventAge: LATEST_START });
    props.contacts.grantDue(this.function);
    props.ticks.grant(this.function, 'sqs:SendMessage');
    this.deadLetters = new Queue(this, 'DeadLetters', {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    Validations.of(this.deadLetters).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is itself where the schedule puts what it could not hand over, which the rule looks for at other queues only. Evidence: test/lib/stack.test.ts',
    });

    new Schedule(this, 'Decay', {
      description: 'Afterglow: scores that fade, every night',
      schedule: ScheduleExpression.cron({
        minute: '0',
        hour: String(props.settings.nightlyHour),
        timeZone: TimeZone.of(props.settings.timeZone),
      }),
      target: new FunctionTarget(this.function, {
        input: ScheduleTargetInput.fromObject({ job: 'decay' }),
        retryAttempts: HAND_OVER_RETRIES,
        maxEventAge: LATEST_START,
        deadLetterQueue: this.deadLetters,
      }),
    });
  }
}

/** Calls the function; the CDK's own target would be allowed to call any version of it too. */
class FunctionTarget extends ScheduleTargetBase {
  readonly #function: NodeFunction;

  constructor(target: NodeFunction, props: ScheduleTargetBaseProps) {
    super(props, target.functionArn);
    this.#function = target;
  }

  protected override addTargetActionToRole(role: IRole): void {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [this.#function.functionArn],
      }),
    );
  }
}
