import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { ContactTable } from './contact-table.ts';
import { contactIdOf, contactKey, dueShardKey, SHARDS } from './keys.ts';

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
  for (let shard = 0; shard < SHARDS; shard++) {
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

/**
 * Those of a night's contacts that are due already, though the night has not come.
 *
 * @param contacts - reads heads strongly consistently: the index may still show a contact that was scored a moment ago
 * @param contactIds - as the index has them
 * @param nowMs - epoch milliseconds
 */
export async function dueBy(
  contacts: Pick<ContactTable, 'heads'>,
  portalId: string,
  contactIds: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const heads = await contacts.heads(contactIds.map((id) => contactKey(portalId, id)));
  return contactIds.filter((id) => {
    const { due, dueAtMs = nowMs } = heads.get(contactKey(portalId, id)) ?? {}; // Old heads have no moment.
    return due !== undefined && dueAtMs <= nowMs;
  });
}
