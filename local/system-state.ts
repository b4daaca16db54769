import type { LocalState } from '../cli/target.ts';
import type { LocalSystem } from './runner/local-system.ts';

/** What the commands need to know of a system, and only who started it can tell. */
export type Started = Pick<
  LocalState,
  'portalId' | 'hubspotUrl' | 'clientSecret' | 'accessToken' | 'timeZone' | 'model'
>;

/** What the commands need to know of a system. */
export function stateOf(system: LocalSystem, started: Started): LocalState {
  return {
    ...started,
    pid: process.pid,
    ingestUrl: system.ingestUrl,
    dynamoDbUrl: system.dynamoDbUrl,
    tableName: system.tableName,
    sqsUrl: system.sqsUrl,
    queues: queuesOf(system),
    budget: budgetOf(system),
    clockOffsetMs: system.now() - Date.now(),
  };
}

/** By title, each with its dead letters, as the stack's output tells them. */
function queuesOf({ queueUrls }: LocalSystem): LocalState['queues'] {
  const pairs = Object.entries(queueUrls).flatMap(([path, url]) => {
    const deadLettersUrl = queueUrls[`${path}DeadLetters`];
    return deadLettersUrl === undefined ? [] : [[path.split('/').at(-1), { url, deadLettersUrl }]];
  });
  return Object.fromEntries(pairs);
}

function budgetOf(system: LocalSystem): LocalState['budget'] {
  const variables = system.environmentOf('write-back');
  return {
    limit: Number(variables['HUBSPOT_LIMIT_PER_10_SECONDS']),
    reserve: Number(variables['HUBSPOT_RESERVE_PER_10_SECONDS']),
    dailyLimit: Number(variables['HUBSPOT_DAILY_LIMIT']),
    dailyReservePercent: Number(variables['HUBSPOT_DAILY_RESERVE_PERCENT']),
  };
}
