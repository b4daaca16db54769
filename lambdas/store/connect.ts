import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { StoreEnv } from '../env.ts';
import { CompanyTable } from './company-table.ts';
import { ContactTable } from './contact-table.ts';
import { DealTable } from './deal-table.ts';
import { type Secret, secretOf } from './secrets.ts';

/** Shortest identity key that is believed to be one, in characters. */
const KEY_LENGTH = 16;

/** What the identity secret holds. */
export const IdentityKey = v.object({ key: v.pipe(v.string(), v.minLength(KEY_LENGTH)) });

/** What every door that scores takes from its environment. */
export interface Store {
  readonly clock: () => number;
  readonly portalId: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly tableName: string;
  readonly client: Pick<DynamoDBDocumentClient, 'send'>;
  readonly contacts: ContactTable;
  readonly companies: CompanyTable;
  readonly deals: DealTable;
  /** The HMAC key under which e-mail addresses become partitions. */
  readonly identityKey: Secret<{ key: string }>;
}

/** By what the store is reached. */
export interface StoreServices {
  readonly clock: () => number;
  readonly dynamoDb: Pick<DynamoDBDocumentClient, 'send'>;
  readonly secrets: Pick<SecretsManagerClient, 'send'>;
}

/** The table and the identity key that an environment names. */
export function connectStore(
  env: Partial<StoreEnv>,
  { clock, dynamoDb: client, secrets }: StoreServices,
): Store {
  const { PORTAL_ID: portalId = '', TIME_ZONE: timeZone = 'UTC', CONTACT_TABLE_NAME: tableName = '' } = env;
  const factRetentionDays = Number(env.FACT_RETENTION_DAYS);
  const options = { client, tableName, portalId, factRetentionDays, clock };
  return {
    clock,
    portalId,
    timeZone,
    tableName,
    client,
    contacts: new ContactTable(options),
    companies: new CompanyTable(options),
    deals: new DealTable(options),
    identityKey: secretOf(secrets, env.IDENTITY_KEY_SECRET_ARN ?? '', IdentityKey, clock),
  };
}
