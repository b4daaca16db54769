import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface AlarmTopicProps {
  /** Who is written to, after having confirmed it; empty = nobody. */
  readonly email: string;
}

/**
 * Where alarms go, and from there to whoever subscribed.
 *
 * It has no key of its own. CloudWatch cannot publish to a topic under the key that AWS manages for SNS (its policy cannot be changed),
 * and a key of one's own costs a dollar a month, ten times an alarm. What passes says which alarm, why and when: numbers and the texts
 * of `lib/alarms.ts`, nothing of a contact.
 */
export class AlarmTopic extends Topic {
  constructor(scope: Construct, id: string, { email }: AlarmTopicProps) {
    super(scope, id, { displayName: 'Afterglow alarms', enforceSSL: true });
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    if (email !== '') this.addSubscription(new EmailSubscription(email));
  }
}
