import { Duration, TimeZone } from 'aws-cdk-lib';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { NightlyEnv } from '../lambdas/env.ts';
import type { ContactTable } from './contact-table.ts';
import { NodeFunction } from './node-function.ts';
import type { Settings } from './settings.ts';

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
    props.contacts.grantDue(this.function);
    props.ticks.grant(this.function, 'sqs:SendMessage');

    new Schedule(this, 'Decay', {
      description: 'Afterglow: scores that fade, every night',
      schedule: ScheduleExpression.cron({
        minute: '0',
        hour: String(props.settings.nightlyHour),
        timeZone: TimeZone.of(props.settings.timeZone),
      }),
      target: new LambdaInvoke(this.function, { input: ScheduleTargetInput.fromObject({ job: 'decay' }) }),
    });
  }
}
