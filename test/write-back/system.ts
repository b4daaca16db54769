// Everything around write-back: a table, a portal, and queues whose messages a test hands over itself.
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { outputProperties } from '../../lambdas/hubspot/outputs.ts';
import type { HubSpotPortal } from '../../lambdas/hubspot/portal.ts';
import type { TransportOptions } from '../../lambdas/hubspot/transport.ts';
import { effectsRow } from '../../lambdas/portal/effects.ts';
import type { Withheld } from '../../lambdas/portal/withheld.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { type Scored, score } from '../../lambdas/scoring/score.ts';
import type { CompanyTable } from '../../lambdas/store/company-table.ts';
import type { ContactTable } from '../../lambdas/store/contact-table.ts';
import type { DealTable } from '../../lambdas/store/deal-table.ts';
import { contactKey, emailKey } from '../../lambdas/store/keys.ts';
import type { ResumeRequest, WriteRequest } from '../../lambdas/store/queues.ts';
import type { Head } from '../../lambdas/store/rows.ts';
import { Outputs, type OutputsParts } from '../../lambdas/write-back/outputs.ts';
import { createWriteBack, type WriteBackParts } from '../../lambdas/write-back.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { type Connection, connectProvisioned, loginModel } from '../hubspot/connection.ts';
import { type Recorded, recorded } from '../recorded.ts';
import { type Command, createTable, type Engine, type Table, watched } from '../store/table.ts';

export const PORTAL = '1';
export const IDENTITY_KEY = 'identity-key';
const LANE = 'changes';

/** The parts of write-back as a test gives them: one HubSpot, whichever lane calls it. */
export interface SystemParts extends Omit<WriteBackParts, 'hubSpotOn'> {
  readonly hubSpot: HubSpotPortal;
}

/** A message that write-back sent. */
export interface Sent {
  readonly lane: string;
  readonly request: WriteRequest & Partial<ResumeRequest>;
  readonly delaySeconds: number;
}

export interface System extends Connection {
  readonly table: Table;
  readonly store: ContactTable;
  readonly companies: CompanyTable;
  readonly deals: DealTable;
  readonly logged: unknown[];
  readonly deadLetters: object[];
  /** What was counted, by the name of its metric. */
  readonly counted: Recorded['counted'];
  /** What was observed of a metric, value by value. */
  readonly observed: Recorded['observed'];
  /** What write-back put on lanes since the last look. */
  takeSent(): Sent[];
  /** Which companies' contacts write-back asked to have scored anew since the last look. */
  takeTicks(): { readonly portalId: string; readonly companyId: string }[];
  /** Set it to fail commands to DynamoDB. */
  failing: ((command: Command) => boolean) | undefined;
  /** Lets a contact log in some times: 7 points each; then scores it as the scorer does. */
  login(contactId: string, times?: number): Promise<void>;
  /** The same for a contact whose properties are known: none of them matters to the model. */
  loginKnown(contactId: string, times?: number): Promise<void>;
  /** Puts contacts into HubSpot, and what they are to show into the table: 7 points, or as told. */
  createMany(count: number, headOf?: (at: number) => Readonly<Record<string, unknown>>): Promise<string[]>;
  /** Lets somebody log in of whom only the address is known. */
  loginBy(email: string): Promise<void>;
  rescore(contactId: string, change?: (scored: Scored) => Scored, readAtMs?: number): Promise<void>;
  head(contactId: string): Promise<Head>;
  /** The partition to which an address leads. */
  whose(email: string): Promise<string | undefined>;
  /** Whether anything waits under an address. */
  isWaiting(email: string): Promise<boolean>;
  /** What HubSpot shows of a company. */
  companyScore(companyId: string): string | null | undefined;
  /** What HubSpot shows of a contact, names without `afterglow_`. */
  shown(contactId: string): Record<string, string | null | undefined>;
  /** The same of a deal. */
  dealShown(dealId: string): Record<string, string | null | undefined>;
  /** Hands messages to write-back, one for each request; text is a body as it is. Counts are for all, or one for each. */
  receive(
    requests: readonly (Partial<WriteRequest> | Partial<ResumeRequest> | string)[],
    receiveCount?: number | readonly number[],
    queue?: string,
  ): Promise<SQSBatchResponse>;
}

export async function openSystem(
  engine: Engine,
  options: SimulatorOptions = {},
  transport: Partial<TransportOptions> = {},
  parts: (own: SystemParts) => Partial<SystemParts> = () => ({}),
  model = loginModel(),
): Promise<System> {
  const connection = await connectProvisioned(options, transport, model);
  const table = await createTable(engine);
  const { time, crm } = connection.portal;
  const clock = () => time.nowMs;
  const logged: unknown[] = connection.said;
  const deadLetters: object[] = [];
  const sent: Sent[] = [];
  const ticks: { portalId: string; companyId: string }[] = [];
  const client = watched(table.client, async (command, go) => {
    if (system.failing?.(command) === true) throw new Error('ProvisionedThroughputExceededException');
    return go();
  });
  const contacts = table.contacts({ portalId: PORTAL, client, clock });
  const store = table.contacts({ portalId: PORTAL, clock });
  const companies = table.companies({ portalId: PORTAL, clock });
  const log = (...line: unknown[]) => void logged.push(line);
  const { counted, observed, ...measures } = recorded();
  const background: WriteBackParts['background'] = async (requests, delaySeconds) =>
    void sent.push(...requests.map((request) => ({ lane: 'background', request, delaySeconds })));
  const logger = { info: log, warn: log, error: log };
  const own: SystemParts = {
    clock,
    model,
    portalId: PORTAL,
    timeZone: 'UTC',
    contacts,
    companies: table.companies({ portalId: PORTAL, client, clock }),
    deals: table.deals({ portalId: PORTAL, client, clock }),
    effects: effectsRow({ client: table.client, tableName: table.tableName, portalId: PORTAL }),
    companyCurrency: async () => 'EUR',
    hubSpot: connection.hubSpot,
    identityKey: { read: async () => ({ key: IDENTITY_KEY }) },
    again: async (lane, requests, delaySeconds) =>
      void sent.push(...requests.map(sentTo(lane, delaySeconds))),
    background,
    laneOf: (queue) => (queue === 'urgent' || queue === 'background' ? queue : 'changes'),
    stopped: async () => undefined,
    outputs: outputsOf({
      clock,
      portalId: PORTAL,
      wanted: outputProperties(model),
      background,
      count: measures.count,
      logger,
    }),
    idProperty: '',
    mostWritesPerHour: 20,
    ...measures,
    takeUsage: () => undefined,
    ticks: async (messages) => void ticks.push(...messages),
    deadLetter: async (letters) => void deadLetters.push(...letters),
    logger,
  };
  const given = { ...own, ...parts(own) };
  const writeBack = createWriteBack({ ...given, hubSpotOn: () => given.hubSpot });
  const keepLogins = async (key: string, times: number) => {
    await store.keep(
      key,
      Array.from({ length: times }, () => loginAt(clock())),
      [],
    );
  };
  const system: System = {
    ...connection,
    table,
    store,
    companies,
    deals: table.deals({ portalId: PORTAL, clock }),
    logged,
    deadLetters,
    counted,
    observed,
    takeSent: () => sent.splice(0),
    takeTicks: () => ticks.splice(0),
    failing: undefined,
    async login(contactId, times = 1) {
      await keepLogins(contactKey(PORTAL, contactId), times);
      await system.rescore(contactId);
    },
    async loginKnown(contactId, times = 1) {
      await keepLogins(contactKey(PORTAL, contactId), times);
      await system.rescore(contactId, undefined, clock());
    },
    async createMany(count, headOf = () => ({})) {
      const ids = Array.from({ length: count }, () => crm.create('contacts', {}));
      const shows = { score: 7, fit: 0, eng: 7, grade: 'B', status: 'scored', model: 'logins@1', why: '' };
      await table.put(
        ids.map((id, at) => {
          const known = { rev: 1, wid: `write-${id}`, shownAt: clock(), readAt: clock() };
          return { pk: contactKey(PORTAL, id), sk: '#head', ...shows, ...known, ...headOf(at) };
        }),
      );
      return ids;
    },
    loginBy: (email) => keepLogins(emailKey(PORTAL, email, IDENTITY_KEY), 1),
    async rescore(contactId, change = (scored) => scored, readAtMs) {
      await store.rescore(
        contactKey(PORTAL, contactId),
        (id, known, previous) =>
          change(
            score(model, { portalId: PORTAL, contactId: id, timeZone: 'UTC' }, known, previous, clock()),
          ),
        clock(),
        readAtMs,
      );
    },
    async head(contactId) {
      const read = await store.read(contactKey(PORTAL, contactId));
      if (read === undefined) throw new Error(`there is no contact ${contactId}`);
      return read.head;
    },
    whose: async (email) => (await store.read(emailKey(PORTAL, email, IDENTITY_KEY)))?.head.alias,
    async isWaiting(email) {
      const partition = emailKey(PORTAL, email, IDENTITY_KEY);
      return (await table.rows()).some(({ pk, sk }) => pk === partition && sk !== '#head');
    },
    companyScore: (companyId) => crm.get('companies', companyId)?.properties['afterglow_company_score'],
    shown: (contactId) => oursAmong(crm.get('contacts', contactId)?.properties),
    dealShown: (dealId) => oursAmong(crm.get('deals', dealId)?.properties),
    receive: (requests, receiveCount = 1, queue = LANE) => {
      const counts = [receiveCount].flat();
      return writeBack({
        Records: requests.map((request, at) =>
          asRecord(request, at, counts[at] ?? counts[0] ?? 1, queue, clock()),
        ),
      });
    },
  };
  return system;
}

function oursAmong(properties: Record<string, string | null> = {}): Record<string, string | null> {
  const ours = Object.entries(properties).filter(([name]) => name.startsWith('afterglow_'));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice('afterglow_'.length), value]));
}

let logins = 0;

function loginAt(occurredAtMs: number): Fact {
  return { key: `login-${++logins}`, name: 'signal:product.login', occurredAtMs };
}

/** HubSpot tells no definitions here: what it refuses to write is believed. */
function outputsOf(own: Omit<OutputsParts, 'definitions' | 'remembered'>): Outputs {
  let state: Withheld = { names: [] };
  return new Outputs({
    ...own,
    definitions: async () => undefined,
    remembered: {
      read: async () => state,
      async update(change) {
        const changed = change(state);
        state = changed.state;
        return changed.result;
      },
    },
  });
}

/** A request as it was put back. Since when it waits is kept apart: it tells nobody what to do. */
function sentTo(lane: string, delaySeconds: number): (request: WriteRequest | ResumeRequest) => Sent {
  return (request) => {
    const { sinceMs: _since, ...rest }: Sent['request'] = request;
    return { lane, request: rest, delaySeconds };
  };
}

function asRecord(
  request: Partial<WriteRequest> | Partial<ResumeRequest> | string,
  at: number,
  receiveCount: number,
  queue: string,
  sentAtMs: number,
): SQSRecord {
  return {
    messageId: `message-${at}`,
    receiptHandle: '',
    body: typeof request === 'string' ? request : JSON.stringify({ portalId: PORTAL, ...request }),
    attributes: {
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: String(sentAtMs),
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:eu-central-1:123456789012:${queue}`,
    awsRegion: 'eu-central-1',
  };
}
