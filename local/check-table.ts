import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { ContactTable } from '../lambdas/store/contact-table.ts';
import { contactKey } from '../lambdas/store/keys.ts';
import { SIGNAL } from '../lambdas/store/rows.ts';
import type { Crm } from './hubspot/crm.ts';

/** The local table, as the functions see it. */
export interface LocalTable {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly portalId: string;
}

export function openTable(endpoint: string, tableName: string, portalId: string): LocalTable {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return {
    client: DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region: 'local', credentials })),
    tableName,
    portalId,
  };
}

/** How many facts the table holds. */
export async function countFacts({ client, tableName }: LocalTable): Promise<number> {
  let count = 0;
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: tableName,
        Select: 'COUNT',
        FilterExpression: 'begins_with(sk, :signal)',
        ExpressionAttributeValues: { ':signal': SIGNAL },
        ExclusiveStartKey,
      }),
    );
    count += page.Count ?? 0;
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return count;
}

/** A contact for which HubSpot shows something else than the table says. */
export interface Difference {
  readonly contactId: string;
  readonly reason: string;
}

/** Holds HubSpot against the table, contact by contact: the write id tells all shown values at once. */
export async function compareWithTable(
  { client, tableName, portalId }: LocalTable,
  crm: Pick<Crm, 'get'>,
  contactIds: readonly string[],
): Promise<Difference[]> {
  const table = new ContactTable({ client, tableName, portalId, factRetentionDays: 400, clock: Date.now });
  const heads = await table.heads(contactIds.map((id) => contactKey(portalId, id)));
  return contactIds.flatMap((contactId): Difference[] => {
    const shown = crm.get('contacts', contactId)?.properties ?? {};
    const writeId = shown['afterglow_write_id'] ?? undefined;
    const head = heads.get(contactKey(portalId, contactId));
    const score = head?.shown?.score?.toString() ?? '';
    if (writeId !== head?.writeId)
      return [{ contactId, reason: `HubSpot shows write ${writeId}, the table says ${head?.writeId}` }];
    if (head !== undefined && head.confirmedWriteId !== writeId)
      return [{ contactId, reason: 'the table holds the write for unconfirmed' }];
    if ((shown['afterglow_score'] ?? '') !== score)
      return [
        { contactId, reason: `HubSpot shows score ${shown['afterglow_score']}, the table says ${score}` },
      ];
    return [];
  });
}
