import { Logger } from '@aws-lambda-powertools/logger';
import type { LogAttributes, LogItemExtraInput } from '@aws-lambda-powertools/logger/types';

/** What the doors log with. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

/** Errors of ours, and of the language: their words name places and reasons, never what stands there. */
const OUR_WORDS = new Set([
  'RetryableError',
  'MisconfiguredError',
  'ThrottledError',
  'HubSpotError',
  'BudgetExhaustedError',
  'PortalStoppedError',
  'TypeError',
  'RangeError',
]);
/** Errors of AWS about what was sent: they may repeat it. Others say who may not do what, what is missing, or how busy it is. */
const REPEATING = /Validation|Serialization|Invalid|ConditionalCheck|TransactionCanceled|TooLarge|TooLong/;
/** Most causes of an error that are told. */
const DEPTH = 4;

/**
 * The log of a door. Of an error it tells what helps and can hold nothing of a person: its kind, where it was thrown, its causes, and its
 * words where these are ours. Whatever else is on it stays out, such as the row that a failed condition met.
 */
export function doorLog(log: Log = new Logger()): Log {
  return {
    info: (message, ...fields) => log.info(message, ...withoutErrors(fields)),
    warn: (message, ...fields) => log.warn(message, ...withoutErrors(fields)),
    error: (message, ...fields) => log.error(message, ...withoutErrors(fields)),
  };
}

function withoutErrors(extra: LogItemExtraInput): LogAttributes[] {
  return extra.map((given) => {
    if (typeof given === 'string') return { told: given };
    const fields = given instanceof Error ? { error: given } : given;
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
  });
}

function plain(value: unknown, depth = 0): unknown {
  if (!(value instanceof Error)) return value;
  const { name, stack = '', cause } = value;
  return {
    name,
    message: isRepeatable(value) ? value.message : 'not repeated: it may hold what was sent',
    ...('code' in value && typeof value.code === 'string' && { code: value.code }),
    ...awsFields(value),
    // Its first lines are the message once more.
    stack: stack.split('\n').filter((line) => /^\s+at /.test(line)),
    ...(cause instanceof Error && depth < DEPTH && { cause: plain(cause, depth + 1) }),
  };
}

/** How AWS knows a request of which it tells an error. */
function awsFields(error: Error): { status?: unknown; requestId?: unknown } {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  if (typeof metadata !== 'object' || metadata === null) return {};
  return {
    status: 'httpStatusCode' in metadata ? metadata.httpStatusCode : undefined,
    requestId: 'requestId' in metadata ? metadata.requestId : undefined,
  };
}

function isRepeatable(error: Error): boolean {
  if (OUR_WORDS.has(error.name)) return true;
  if ('$metadata' in error) return !REPEATING.test(error.name);
  // A plain error is one of ours; those that others derive from it may say anything, as HubSpot's SDK does.
  return error.name === 'Error' && Object.getPrototypeOf(error).constructor.name === 'Error';
}
