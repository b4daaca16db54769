import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { contactIdOf, DUE_SHARDS, dueShardKey } from './keys.ts';

/**
 * The contacts that fall due on a night, page by page.
 *
 * @param night - `YYYY-MM-DD`
 * @returns contact ids, as many at a time as one page of the index holds
 */
export async function* dueContacts(
  client: Pick<DynamoDBDocumentClient, 'send'>,
  tableName: string,
  portalId: string,
  night: string,
): AsyncGenerator<string[]> {
  for (let shard = 0; shard < DUE_SHARDS; shard++) {
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: 'due',
          KeyConditionExpression: 'due = :due',
          ExpressionAttributeValues: { ':due': dueShardKey(portalId, night, shard) },
          ExclusiveStartKey,
        }),
      );
      const ids = Items.map(({ pk }) => contactIdOf(String(pk), portalId)).filter((id) => id !== undefined);
      if (ids.length > 0) yield ids;
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }
}
