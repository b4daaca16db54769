import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { deployedModel } from './deployed-model.ts';
import type { ExplainEnv } from './env.ts';
import { RECORD_ID } from './events/fields.ts';
import { DAYS_EXPECTED, readDays } from './explain/days.ts';
import { type ExplanationSource, findExplanation, type Missing } from './explain/find.ts';
import { drawExplanation } from './explain/picture.ts';
import { formatExplanation } from './explain/text.ts';
import { preferredType, type Type } from './explain/types.ts';
import { doorLog, type Log } from './log.ts';
import type { Explanation } from './scoring/explanation.ts';
import { ContactTable } from './store/contact-table.ts';

/** How the table is called: API Gateway waits 30 s for an answer, people less. */
const IN_TIME = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
};

export interface ExplainParts extends ExplanationSource {
  readonly logger: Pick<Log, 'info' | 'error'>;
}

type Answer = APIGatewayProxyStructuredResultV2;

/** Erased is final; a deleted record may be restored, and an unknown one heard of. */
const STATUS = { unknown: 404, deleted: 404, erased: 410 } as const satisfies Record<
  Missing['missing'],
  number
>;

// API -> contact table. Why a contact has its score, to whoever IAM lets ask; it writes nothing and calls nobody.
export function createExplain(parts: ExplainParts): (event: APIGatewayProxyEventV2) => Promise<Answer> {
  return async ({ pathParameters, queryStringParameters, headers }) => {
    const id = pathParameters?.['id'] ?? '';
    if (!RECORD_ID.test(id))
      return json(400, { message: "expected HubSpot's record id of a contact: digits" });
    const days = readDays(queryStringParameters?.['days']);
    if (days === undefined) return json(400, { message: `days: expected ${DAYS_EXPECTED}` });
    try {
      const found = await findExplanation(parts, id, days);
      const status = 'missing' in found ? STATUS[found.missing] : 200;
      parts.logger.info('explained', { status });
      if ('missing' in found) return json(status, { message: found.reason });
      return explained(found, preferredType(headers['accept']));
    } catch (error) {
      parts.logger.error('not explained', { error: error instanceof Error ? error : undefined });
      return json(500, { message: 'not explained; ask again' });
    }
  };
}

function explained(explanation: Explanation, type: Type): Answer {
  if (type === 'image/svg+xml') return answer(200, type, drawExplanation(explanation));
  if (type === 'text/plain') return answer(200, type, `${formatExplanation(explanation)}\n`);
  return json(200, explanation);
}

function json(statusCode: number, body: object): Answer {
  return answer(statusCode, 'application/json', JSON.stringify(body));
}

/** What is said of a contact is kept by nobody on the way, and is no page that could run anything. */
function answer(statusCode: number, type: Type, body: string): Answer {
  const headers = {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    vary: 'accept',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'",
  };
  return { statusCode, headers, body };
}

function fromEnvironment(env: NodeJS.ProcessEnv & Partial<ExplainEnv>): ExplainParts {
  const { PORTAL_ID: portalId = '', TIME_ZONE: timeZone = 'UTC', CONTACT_TABLE_NAME: tableName = '' } = env;
  const clock = Date.now;
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(IN_TIME));
  return {
    clock,
    portalId,
    timeZone,
    model: deployedModel(env.LAMBDA_TASK_ROOT ?? '.'),
    contacts: new ContactTable({ client, tableName, portalId, factRetentionDays: 0, clock }), // Keeps nothing.
    logger: doorLog(),
  };
}

let explain: ReturnType<typeof createExplain> | undefined;

export const handler: ReturnType<typeof createExplain> = (event) => {
  explain ??= createExplain(fromEnvironment(process.env));
  return explain(event);
};
