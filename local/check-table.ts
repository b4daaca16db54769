import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Credit } from '../lambdas/attribution/credit.ts';
import { ContactTable } from '../lambdas/store/contact-table.ts';
import { DealTable } from '../lambdas/store/deal-table.ts';
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

/** A record for which HubSpot shows something else than the table says. */
export interface Difference {
  /** `contact` or `deal`, and its id. */
  readonly record: string;
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
    const head = heads.get(contactKey(portalId, contactId));
    const score = head?.shown?.score?.toString() ?? '';
    const reason =
      wrongWrite(shown, head) ??
      ((shown['afterglow_score'] ?? '') === score
        ? undefined
        : `HubSpot shows score ${shown['afterglow_score']}, the table says ${score}`);
    return reason === undefined ? [] : [{ record: `contact ${contactId}`, reason }];
  });
}

interface Written {
  readonly writeId: string | undefined;
  readonly confirmedWriteId: string | undefined;
}

function wrongWrite(
  shown: Readonly<Record<string, string | null>>,
  head: Written | undefined,
): string | undefined {
  const writeId = shown['afterglow_write_id'] ?? undefined;
  if (writeId !== head?.writeId) return `HubSpot shows write ${writeId}, the table says ${head?.writeId}`;
  if (head !== undefined && head.confirmedWriteId !== writeId)
    return 'the table holds the write for unconfirmed';
  return undefined;
}

/** Holds HubSpot against the table, deal by deal; under every model the sources are given all of the amount, and no more. */
export async function compareDealsWithTable(
  { client, tableName, portalId }: LocalTable,
  crm: Pick<Crm, 'all'>,
): Promise<Difference[]> {
  const table = new DealTable({ client, tableName, portalId, factRetentionDays: 400, clock: Date.now });
  const deals = crm.all('deals');
  const heads = await table.heads(deals.map(({ id }) => id));
  return deals.flatMap(({ id, properties }): Difference[] => {
    const head = heads.get(id);
    const reason = wrongWrite(properties, head) ?? wrongSum(head?.credit);
    return reason === undefined ? [] : [{ record: `deal ${id}`, reason }];
  });
}

function wrongSum(credit: Credit | undefined): string | undefined {
  if (credit?.units === undefined || credit.touches === 0) return undefined;
  for (const [model, sources] of Object.entries(credit.byModel)) {
    let sum = 0n;
    for (const { units } of sources) sum += units;
    if (sum !== credit.units) return `by ${model} the sources are given ${sum} of ${credit.units} units`;
  }
  return undefined;
}
