// Write-back as it is deployed: the same door, budget and table, with queues in memory in the place of SQS.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { chunks } from '../../lambdas/chunks.ts';
import type { WriteBackEnv } from '../../lambdas/env.ts';
import { connectHubSpot } from '../../lambdas/portal/connect.ts';
import { effectsRow } from '../../lambdas/portal/effects.ts';
import { withheldRow } from '../../lambdas/portal/withheld.ts';
import { CompanyTable } from '../../lambdas/store/company-table.ts';
import type { Store } from '../../lambdas/store/connect.ts';
import { ContactTable } from '../../lambdas/store/contact-table.ts';
import { DealTable } from '../../lambdas/store/deal-table.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import { HEAD, NO_HEAD, rollPlace, scoreAttributes } from '../../lambdas/store/rows.ts';
import { Outputs } from '../../lambdas/write-back/outputs.ts';
import { createWriteBack } from '../../lambdas/write-back.ts';
import { LOCAL_CREDENTIALS, startTableEngine } from '../../local/runner/engines.ts';
import { LOCAL_REGION } from '../../local/runner/template.ts';
import { CONTACT_TABLE } from '../virtual/contact-table.ts';
import { type LaneSettings, type Lanes, startLanes } from '../virtual/lanes.ts';
import { type ChangedContact, PORTAL_ID } from '../virtual/portal.ts';
import type { Recipe, Task } from './writer.ts';

/** The lanes and the function as `lib/write-back.ts` deploys them, by the default settings. */
const TIMEOUT_SECONDS = 300;
const LANES: readonly LaneSettings[] = [
  { name: 'urgent', batchSize: 10, windowSeconds: 0 },
  { name: 'changes', batchSize: 1000, windowSeconds: 60 },
  { name: 'background', batchSize: 1000, windowSeconds: 60 },
].map((lane) => ({
  ...lane,
  concurrency: 2,
  visibilitySeconds: 6 * TIMEOUT_SECONDS + lane.windowSeconds,
  maxReceiveCount: 5,
}));
const SETTINGS = {
  PORTAL_ID,
  TIME_ZONE: 'UTC',
  HUBSPOT_DAILY_LIMIT: '625000',
  HUBSPOT_DAILY_RESERVE_PERCENT: '10',
  ID_PROPERTY: '',
  MOST_WRITES_PER_HOUR: '20',
} satisfies Partial<WriteBackEnv>;
const FACT_RETENTION_DAYS = 400;

/** DynamoDB takes this many rows in one BatchWriteItem. */
const ROWS_PER_WRITE = 25;

export const afterglow = {
  name: 'Afterglow',
  source:
    'lambdas/write-back.ts on lanes of 1,000 with two environments each, every environment with a budget of its own over the shared row',
  doesNot: [
    'write a contact at once: it gathers changes for a window of 60 s, unless a lane is full',
    'give up the reserve to be faster: it leaves 20 calls in 10 s to others, whether they want them or not',
    'send again at once what had no answer: it looks after 15 minutes whether it was done',
  ],
  moreProperties: [],
  async write(task: Task) {
    const engine = await task.real(startTableEngine);
    const client = connect(engine.url, task);
    try {
      await task.real(() => engine.create(CONTACT_TABLE));
      await putHeads(client, task.contacts);
      const store = openStore(client);
      const lanes: Lanes = startLanes(LANES, {
        timeoutSeconds: TIMEOUT_SECONDS,
        start: () =>
          startEnvironment(task, openStore(client), (lane, bodies, delay) => lanes.send(lane, bodies, delay)),
      });
      lanes.send(
        'changes',
        task.contacts.map(({ id }) => JSON.stringify({ portalId: PORTAL_ID, contactId: id })),
      );
      await lanes.empty();
      const heads = await store.contacts.heads(task.contacts.map(({ id }) => contactKey(PORTAL_ID, id)));
      const confirmed = task.contacts.filter(
        ({ id, writeId }) => heads.get(contactKey(PORTAL_ID, id))?.confirmedWriteId === writeId,
      );
      return { countedAsWritten: confirmed.map(({ id }) => id) };
    } finally {
      client.destroy();
      await task.real(() => engine.stop());
    }
  },
} satisfies Recipe;

/** A client whose commands take real time and no virtual time. */
function connect(endpoint: string, { real }: Task): DynamoDBDocumentClient {
  const bare = new DynamoDBClient({
    endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
  });
  bare.middlewareStack.add((next) => (command) => real(() => next(command)), { step: 'initialize' });
  return DynamoDBDocumentClient.from(bare, { marshallOptions: { removeUndefinedValues: true } });
}

/** What the scorer stored: contacts that were read, and of which HubSpot shows an earlier score. */
async function putHeads(client: DynamoDBDocumentClient, contacts: readonly ChangedContact[]): Promise<void> {
  for (const some of chunks(contacts, ROWS_PER_WRITE)) {
    const rows = some.map(({ id, shown, writeId, shownAtMs, lastSignalAtMs }) => {
      const head = {
        ...NO_HEAD,
        revision: 1,
        shown,
        writeId,
        shownAtMs,
        lastSignalAtMs,
        readAtMs: shownAtMs,
      };
      return {
        pk: contactKey(PORTAL_ID, id),
        sk: HEAD,
        ...scoreAttributes(head, rollPlace(PORTAL_ID, id)),
        cwid: `before ${writeId}`,
      };
    });
    const puts = rows.map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [CONTACT_TABLE.name]: puts } }));
  }
}

const clock = () => Date.now();

function openStore(client: DynamoDBDocumentClient): Store {
  const options = {
    client,
    tableName: CONTACT_TABLE.name,
    portalId: PORTAL_ID,
    factRetentionDays: FACT_RETENTION_DAYS,
    clock,
  };
  const key = { key: 'identity-key-of-the-benchmark' };
  return {
    clock,
    portalId: PORTAL_ID,
    timeZone: SETTINGS.TIME_ZONE,
    tableName: CONTACT_TABLE.name,
    client,
    contacts: new ContactTable(options),
    companies: new CompanyTable(options),
    deals: new DealTable(options),
    identityKey: { read: async () => key, refresh: async () => true },
  };
}

/** One environment of the function, which shares nothing with others but the table. */
function startEnvironment(
  { url, accessToken, model, limit, reserve }: Task,
  store: Store,
  send: Lanes['send'],
): ReturnType<typeof createWriteBack> {
  const sendAll = (lane: string, requests: readonly object[], delaySeconds: number) =>
    send(
      lane,
      requests.map((request) => JSON.stringify(request)),
      delaySeconds,
    );
  const shared = {
    background: async (requests: readonly object[], delaySeconds: number) =>
      sendAll('background', requests, delaySeconds),
    count: () => {},
    observe: () => {},
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  };
  const { budget, hubSpotOn, wanted, definitions, companyCurrency } = connectHubSpot({
    ...shared,
    env: {
      ...SETTINGS,
      HUBSPOT_API_URL: url,
      HUBSPOT_LIMIT_PER_10_SECONDS: String(limit),
      HUBSPOT_RESERVE_PER_10_SECONDS: String(reserve),
    },
    store,
    secrets: secretsWith(accessToken),
    model,
  });
  const outputs = new Outputs({
    ...shared,
    clock: store.clock,
    portalId: store.portalId,
    wanted,
    definitions,
    remembered: withheldRow(store),
  });
  return createWriteBack({
    ...store,
    ...shared,
    model,
    hubSpotOn,
    outputs,
    effects: effectsRow(store),
    companyCurrency,
    stopped: () => budget.stopped(),
    takeUsage: () => budget.takeUsage(),
    laneOf: (queue) => (queue === 'urgent' || queue === 'background' ? queue : 'changes'),
    idProperty: SETTINGS.ID_PROPERTY,
    mostWritesPerHour: Number(SETTINGS.MOST_WRITES_PER_HOUR),
    again: async (queue, requests, delaySeconds) => sendAll(queue, requests, delaySeconds),
    ticks: async () => {}, // No contact here has a company.
    deadLetter: async () => {}, // What ends there is not confirmed, and so not counted as written.
  });
}

/** A secret that is filled in. */
function secretsWith(accessToken: string): Pick<SecretsManagerClient, 'send'> {
  const send = async () => ({ SecretString: JSON.stringify({ accessToken }) });
  return { send: send as SecretsManagerClient['send'] };
}
