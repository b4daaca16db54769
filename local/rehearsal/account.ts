import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, GetDashboardCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

/** A resource of a stack, or what is left of it. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId: string;
  /** CloudFormation's word, such as `CREATE_COMPLETE`, `DELETE_SKIPPED`. */
  readonly status: string;
}

/** The AWS account of the environment: the usual variables and profiles, or an emulator by AWS_ENDPOINT_URL. */
export class Account {
  readonly #cloudFormation = new CloudFormationClient({});
  readonly #lambda = new LambdaClient({});
  readonly #scheduler = new SchedulerClient({});
  readonly #dynamoDb = new DynamoDBClient({});
  readonly #secrets = new SecretsManagerClient({});
  readonly #sqs = new SQSClient({});
  readonly #isThere: Readonly<Record<string, (id: string) => Promise<boolean>>>;

  constructor() {
    const cloudWatch = new CloudWatchClient({});
    this.#isThere = {
      'AWS::Lambda::Function': (FunctionName) =>
        found(this.#lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))),
      'AWS::DynamoDB::Table': (TableName) =>
        found(this.#dynamoDb.send(new DescribeTableCommand({ TableName }))),
      'AWS::SQS::Queue': (QueueUrl) => found(this.#sqs.send(new GetQueueAttributesCommand({ QueueUrl }))),
      'AWS::Scheduler::Schedule': (Name) => found(this.#scheduler.send(new GetScheduleCommand({ Name }))),
      'AWS::CloudWatch::Dashboard': (DashboardName) =>
        found(cloudWatch.send(new GetDashboardCommand({ DashboardName }))),
      'AWS::CloudWatch::Alarm': async (name) => {
        const { MetricAlarms = [] } = await cloudWatch.send(
          new DescribeAlarmsCommand({ AlarmNames: [name] }),
        );
        return MetricAlarms.length > 0;
      },
      'AWS::SecretsManager::Secret': async (SecretId) => {
        const { DeletedDate } = await this.#secrets.send(new DescribeSecretCommand({ SecretId }));
        return DeletedDate === undefined;
      },
    };
  }

  /** @returns undefined where there is no stack of that name */
  async stackId(name: string): Promise<string | undefined> {
    try {
      const { Stacks = [] } = await this.#cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
      return Stacks[0]?.StackId;
    } catch (error) {
      if (error instanceof Error && error.name === 'ValidationError') return undefined;
      throw error;
    }
  }

  /** @throws Error when the stack has no such output */
  async output(stack: string, name: string): Promise<string> {
    const { Stacks = [] } = await this.#cloudFormation.send(new DescribeStacksCommand({ StackName: stack }));
    const value = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === name)?.OutputValue;
    if (value === undefined) throw new Error(`the stack ${stack} has no output ${name}`);
    return value;
  }

  /** All of them, page by page: there are more than the 100 that CloudFormation tells at once. @param stack - its id, by which it is known also when it is gone */
  async resources(stack: string): Promise<Resource[]> {
    const all: Resource[] = [];
    const client = this.#cloudFormation;
    for await (const page of paginateListStackResources({ client }, { StackName: stack }))
      all.push(...(page.StackResourceSummaries ?? []).map(asResource));
    return all;
  }

  /** Whether a resource can still be reached, asked of its own service; undefined for a type that is not asked about. */
  async isThere({ type, physicalId }: Resource): Promise<boolean | undefined> {
    try {
      return await this.#isThere[type]?.(physicalId);
    } catch (error) {
      if (error instanceof Error && /NotFound|NonExistent|DoesNotExist/.test(error.name)) return false;
      throw error;
    }
  }

  /** Messages that wait, are delayed or being dealt with, and dead letters; both about right, as SQS counts. */
  async messages(resources: readonly Resource[]): Promise<{ waiting: number; deadLetters: number }> {
    const counts = { waiting: 0, deadLetters: 0 };
    for (const { type, physicalId, logicalId } of resources) {
      if (type !== 'AWS::SQS::Queue') continue;
      const command = new GetQueueAttributesCommand({ QueueUrl: physicalId, AttributeNames: [...COUNTS] });
      const { Attributes = {} } = await this.#sqs.send(command);
      const sum = COUNTS.reduce((total, name) => total + Number(Attributes[name] ?? 0), 0);
      counts[logicalId.includes('DeadLetters') ? 'deadLetters' : 'waiting'] += sum;
    }
    return counts;
  }

  async hasRows(TableName: string): Promise<boolean> {
    const { Count = 0 } = await this.#dynamoDb.send(new ScanCommand({ TableName, Limit: 1 }));
    return Count > 0;
  }

  /** As what a function calls AWS. */
  async callerOf(FunctionName: string): Promise<{ functionArn: string; roleArn: string }> {
    const { FunctionArn = '', Role = '' } = await this.#lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName }),
    );
    return { functionArn: FunctionArn, roleArn: Role };
  }

  async secretArn(SecretId: string): Promise<string> {
    const { ARN = SecretId } = await this.#secrets.send(new DescribeSecretCommand({ SecretId }));
    return ARN;
  }

  /** Does what the schedule does: hands its input to its target. @returns the function's answer */
  async runSchedule(name: string): Promise<unknown> {
    const { Target, State } = await this.#scheduler.send(new GetScheduleCommand({ Name: name }));
    if (State !== 'ENABLED') throw new Error(`the schedule ${name} is ${State ?? 'in no state'}`);
    return this.invoke(Target?.Arn ?? '', Target?.Input ?? '');
  }

  /** @throws Error with what the function said, when it failed */
  async invoke(FunctionName: string, input: string): Promise<unknown> {
    const { FunctionError, Payload } = await this.#lambda.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from(input) }),
    );
    const text = Buffer.from(Payload ?? []).toString();
    if (FunctionError !== undefined) throw new Error(`${FunctionName} failed: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }
}

/** A service that answers knows it; of what it does not know, it throws. */
async function found(answer: Promise<unknown>): Promise<boolean> {
  await answer;
  return true;
}

function asResource(resource: StackResourceSummary): Resource {
  return {
    logicalId: resource.LogicalResourceId ?? '',
    type: resource.ResourceType ?? '',
    physicalId: resource.PhysicalResourceId ?? '',
    status: resource.ResourceStatus ?? '',
  };
}
