import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { deployedModel } from './deployed-model.ts';
import { doorLog, type Log } from './log.ts';
import { type Measured, measured } from './measured.ts';
import type { Model } from './scoring/model.ts';

/** What a door stands on that keeps facts or brings them to HubSpot. */
export interface Platform extends Measured {
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly model: Model;
  readonly dynamoDb: Pick<DynamoDBDocumentClient, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly secrets: Pick<SecretsManagerClient, 'send'>;
  readonly logger: Log;
}

/**
 * AWS as a function finds it.
 *
 * @param env - that of the function
 * @throws MisconfiguredError where no model was deployed with it
 */
export function platformOfAws(env: NodeJS.ProcessEnv): Platform {
  const logger = doorLog();
  return {
    ...measured(logger),
    clock: Date.now,
    model: deployedModel(env['LAMBDA_TASK_ROOT'] ?? '.'),
    dynamoDb: DynamoDBDocumentClient.from(new DynamoDBClient({}), {
      marshallOptions: { removeUndefinedValues: true },
    }),
    sqs: new SQSClient({}),
    secrets: new SecretsManagerClient({}),
    logger,
  };
}
