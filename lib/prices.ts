/** What AWS asks for something, without tax, free tier, savings plans and discounts of volume. */
export interface Price {
  /** US dollars for so many units. */
  readonly dollars: number;
  readonly per: number;
  /** What one unit is, and what is rounded up to one. */
  readonly unit: string;
  /** AWS's page that says so. */
  readonly page: string;
  /** Where the figure was read; `memory` where no page that could be reached showed it: compare it with `page` before you rely on it. */
  readonly read: 'AWS' | 'third party' | 'memory';
}

/** When the prices below were looked up, and where they hold: other regions cost up to a third more. */
export const PRICES_AS_OF = '2026-11';
export const PRICES_REGION = 'us-east-1';

const MILLION = 1_000_000;

const LAMBDA = 'https://aws.amazon.com/lambda/pricing/';
const SQS = 'https://aws.amazon.com/sqs/pricing/';
const API_GATEWAY = 'https://aws.amazon.com/api-gateway/pricing/';
const DYNAMODB = 'https://aws.amazon.com/dynamodb/pricing/on-demand/';
const CLOUDWATCH = 'https://aws.amazon.com/cloudwatch/pricing/';
const SECRETS_MANAGER = 'https://aws.amazon.com/secrets-manager/pricing/';
const EVENTBRIDGE = 'https://aws.amazon.com/eventbridge/pricing/';
const SNS = 'https://aws.amazon.com/sns/pricing/';
const KMS = 'https://aws.amazon.com/kms/pricing/';
const EC2 = 'https://aws.amazon.com/ec2/pricing/on-demand/';

/** On demand, first tier, as of {@link PRICES_AS_OF} in {@link PRICES_REGION}. GB are as AWS counts them: 2^30 bytes. */
export const PRICES = {
  lambdaRequest: { dollars: 0.2, per: MILLION, unit: 'invocation', page: LAMBDA, read: 'third party' },
  lambdaArmGbSecond: {
    dollars: 13.3334,
    per: MILLION,
    unit: 'GB of memory for a second, arm64; each invocation is rounded up to a millisecond',
    page: LAMBDA,
    read: 'third party',
  },
  sqsRequest: {
    dollars: 0.4,
    per: MILLION,
    unit: 'request to a standard queue, and each 64 KB begun of it',
    page: SQS,
    read: 'third party',
  },
  httpApiRequest: {
    dollars: 1,
    per: MILLION,
    unit: 'request to an HTTP API, and each 512 KB begun of it',
    page: API_GATEWAY,
    read: 'AWS',
  },
  dynamoDbWrite: {
    dollars: 0.625,
    per: MILLION,
    unit: 'write request unit: 1 KB begun; in a transaction two',
    page: DYNAMODB,
    read: 'third party',
  },
  dynamoDbRead: {
    dollars: 0.125,
    per: MILLION,
    unit: 'read request unit: 4 KB begun, strongly consistent; half of one else',
    page: DYNAMODB,
    read: 'third party',
  },
  dynamoDbStorage: { dollars: 0.25, per: 1, unit: 'GB-month', page: DYNAMODB, read: 'AWS' },
  dynamoDbRecovery: {
    dollars: 0.2,
    per: 1,
    unit: 'GB-month of a table with point-in-time recovery',
    page: DYNAMODB,
    read: 'third party',
  },
  customMetric: {
    dollars: 0.3,
    per: 1,
    unit: 'metric-month; each combination of dimensions is one, and only hours in which it was sent count',
    page: CLOUDWATCH,
    read: 'third party',
  },
  alarm: {
    dollars: 0.1,
    per: 1,
    unit: 'alarm-month at 60 s and more; with metric math one for each metric in it',
    page: CLOUDWATCH,
    read: 'third party',
  },
  dashboard: { dollars: 3, per: 1, unit: 'dashboard-month', page: CLOUDWATCH, read: 'third party' },
  logsIngested: {
    dollars: 0.5,
    per: 1,
    unit: 'GB of log lines, metrics in embedded format among them',
    page: CLOUDWATCH,
    read: 'third party',
  },
  logsStored: { dollars: 0.03, per: 1, unit: 'GB-month, compressed', page: CLOUDWATCH, read: 'memory' },
  secret: { dollars: 0.4, per: 1, unit: 'secret-month', page: SECRETS_MANAGER, read: 'third party' },
  secretCall: { dollars: 0.05, per: 10_000, unit: 'call', page: SECRETS_MANAGER, read: 'third party' },
  schedulerInvocation: {
    dollars: 1,
    per: MILLION,
    unit: 'invocation of a schedule',
    page: EVENTBRIDGE,
    read: 'third party',
  },
  snsEmail: { dollars: 2, per: 100_000, unit: 'e-mail', page: SNS, read: 'third party' },
  kmsKey: { dollars: 1, per: 1, unit: 'key-month of a key of your own', page: KMS, read: 'memory' },
  kmsRequest: {
    dollars: 0.03,
    per: 10_000,
    unit: 'request with a key of your own',
    page: KMS,
    read: 'memory',
  },
  transferOut: { dollars: 0.09, per: 1, unit: 'GB to the internet', page: EC2, read: 'third party' },
} as const satisfies Record<string, Price>;

/** What can be paid for. */
export type PriceName = keyof typeof PRICES;
