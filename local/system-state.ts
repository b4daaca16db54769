import type { LocalState } from '../cli/target.ts';
import type { LocalSystem } from './runner/local-system.ts';

/** What the commands need to know of a system, and only who started it can tell. */
export type Started = Pick<
  LocalState,
  'portalId' | 'hubspotUrl' | 'clientSecret' | 'accessToken' | 'timeZone' | 'model'
>;

/** As much of a system as they are told. */
type Running = Pick<
  LocalSystem,
  'ingestUrl' | 'dynamoDbUrl' | 'sqsUrl' | 'secretsUrl' | 'tableName' | 'queueUrls' | 'environmentOf' | 'now'
>;

/** What the commands need to know of a system. */
export function stateOf(system: Running, started: Started): LocalState {
  const scorer = system.environmentOf('scorer');
  return {
    ...started,
    pid: process.pid,
    ingestUrl: system.ingestUrl,
    dynamoDbUrl: system.dynamoDbUrl,
    tableName: system.tableName,
    sqsUrl: system.sqsUrl,
    queues: queuesOf(system),
    budget: budgetOf(system),
    secretsUrl: system.secretsUrl,
    identityKeyArn: scorer['IDENTITY_KEY_SECRET_ARN'] ?? '',
    factRetentionDays: Number(scorer['FACT_RETENTION_DAYS']),
    clockOffsetMs: system.now() - Date.now(),
  };
}

/** By title, each with its dead letters, as the stack's output tells them. */
function queuesOf({ queueUrls }: Running): LocalState['queues'] {
  const pairs = Object.entries(queueUrls).flatMap(([path, url]) => {
    const deadLettersUrl = queueUrls[`${path}DeadLetters`];
    return deadLettersUrl === undefined ? [] : [[titleOf(path), { url, deadLettersUrl }]];
  });
  return Object.fromEntries(pairs);
}

/** Queues are called by their own name, and the one that is only a door's work by that of the door. */
function titleOf(path: string): string {
  const [owner = path, queue = owner] = path.split('/');
  return queue === 'Work' ? owner : queue;
}

function budgetOf(system: Running): LocalState['budget'] {
  const variables = system.environmentOf('write-back');
  return {
    limit: Number(variables['HUBSPOT_LIMIT_PER_10_SECONDS']),
    reserve: Number(variables['HUBSPOT_RESERVE_PER_10_SECONDS']),
    dailyLimit: Number(variables['HUBSPOT_DAILY_LIMIT']),
    dailyReservePercent: Number(variables['HUBSPOT_DAILY_RESERVE_PERCENT']),
  };
}
