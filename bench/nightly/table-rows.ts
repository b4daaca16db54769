// A portal as rows of the table: everybody known, scored, compared with HubSpot, and shown there.
import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { chunks } from '../../lambdas/chunks.ts';
import { comparisonOf } from '../../lambdas/nightly/comparing.ts';
import { companyScore } from '../../lambdas/scoring/company-score.ts';
import type { Fact, PropertyValue } from '../../lambdas/scoring/facts.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import type { Scored } from '../../lambdas/scoring/score.ts';
import { companyKept, dealsKept } from '../../lambdas/store/associations.ts';
import { contactKey, dueKey, recordKey } from '../../lambdas/store/keys.ts';
import {
  factAttributes,
  factSortKey,
  HEAD,
  type Head,
  NO_HEAD,
  PROPERTY,
  reconciledAttributes,
  rollPlace,
  scoreAttributes,
} from '../../lambdas/store/rows.ts';
import { CONTACT_TABLE } from '../virtual/contact-table.ts';
import { type BenchContact, PORTAL_ID, START_MS } from './contacts.ts';

const DAY_MS = 86_400_000;
/** The default of the setting `factRetentionDays`. */
export const FACT_RETENTION_DAYS = 400;
const AT_ONCE = 16;
const ROWS_PER_WRITE = 25;

type Row = Readonly<Record<string, unknown>>;

/** A contact as it is scored before the thirty nights. */
export interface Stood {
  readonly contact: BenchContact;
  readonly scored: Scored;
}

/** What the table then has of a contact. Those of a company bring its properties along, the same each time. */
export function rowsOf({ contact, scored }: Stood, model: Model): Row[] {
  const { id, companyId, properties, company = [], facts } = contact;
  const pk = contactKey(PORTAL_ID, id);
  const companyPk = recordKey(PORTAL_ID, 'company', companyId ?? '');
  const kept = [companyKept(companyId, START_MS - DAY_MS), dealsKept([], START_MS - DAY_MS)];
  const head: Head = {
    ...NO_HEAD,
    revision: 1,
    shown: scored.shown,
    writeId: scored.writeId,
    confirmedWriteId: scored.writeId,
    shownAtMs: START_MS,
    lastSignalAtMs: scored.lastSignalAtMs,
    readAtMs: START_MS - DAY_MS,
    due: scored.dueNight && dueKey(PORTAL_ID, scored.dueNight, id),
    dueAtMs: scored.dueAtMs,
    company: companyId === undefined ? undefined : companyPk,
  };
  return [
    {
      pk,
      sk: HEAD,
      ...scoreAttributes(head, rollPlace(PORTAL_ID, id)),
      ...reconciledAttributes({ atMs: START_MS, of: comparisonOf(model) }),
      cwid: scored.writeId,
    },
    ...[...properties, ...kept].map((each) => propertyRow(pk, each)),
    ...facts.map((fact) => factRow(pk, fact)),
    ...company.map((each) => propertyRow(companyPk, each)),
  ];
}

/** The companies of some contacts, with the scores that HubSpot shows of them. */
export function companyHeads({ companyScore: way }: Model, standing: readonly Stood[]): Row[] {
  const byCompany = Map.groupBy(standing, ({ contact }) => contact.companyId ?? '');
  byCompany.delete('');
  return [...byCompany].map(([id, stood]) => {
    const scores = stood.flatMap(({ scored }) => scored.shown.score ?? []).toSorted((a, b) => b - a);
    const best = way === undefined ? null : companyScore(way.rollUp, scores);
    const wid = best === null ? '' : String(best);
    const when = { shownAt: START_MS, readAt: START_MS - DAY_MS, wasRead: true };
    return {
      pk: recordKey(PORTAL_ID, 'company', id),
      sk: HEAD,
      rev: 1,
      score: best,
      wid,
      cwid: wid,
      ...when,
    };
  });
}

function propertyRow(pk: string, { name, value, occurredAtMs: at }: PropertyValue): Row {
  return { pk, sk: `${PROPERTY}${name}`, value, at };
}

function factRow(pk: string, fact: Fact): Row {
  const expiresAt = Math.ceil((fact.occurredAtMs + FACT_RETENTION_DAYS * DAY_MS) / 1000);
  return { pk, sk: factSortKey(fact), ...factAttributes(fact), expiresAt };
}

/** No batch may name a row twice. */
export async function putRows(
  client: Pick<DynamoDBDocumentClient, 'send'>,
  rows: readonly Row[],
): Promise<void> {
  const once = new Map(rows.map((row) => [`${String(row['pk'])} ${String(row['sk'])}`, row]));
  const batches = chunks([...once.values()], ROWS_PER_WRITE);
  await pMap(
    batches,
    (batch) =>
      client.send(
        new BatchWriteCommand({
          RequestItems: { [CONTACT_TABLE.name]: batch.map((Item) => ({ PutRequest: { Item } })) },
        }),
      ),
    { concurrency: AT_ONCE },
  );
}
