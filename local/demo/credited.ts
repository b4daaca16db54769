// What AI assistants brought, as anybody would read it in HubSpot: some contacts, and one won deal with its credit.
import type { Crm, CrmRecord } from '../hubspot/crm.ts';

/** Contacts that are listed. */
const LISTED = 5;

export interface Credited {
  /** Contacts that an AI assistant brought at least once. */
  readonly contactsByAi: number;
  /** Deals that show what they are credited to, and those of them in which an AI assistant had a part. */
  readonly dealsCredited: number;
  readonly dealsByAi: number;
}

export function countCredited(crm: Pick<Crm, 'all'>): Credited {
  const deals = crm.all('deals').filter((deal) => of(deal, 'sources') !== '');
  return {
    contactsByAi: crm.all('contacts').filter(isByAi).length,
    dealsCredited: deals.length,
    dealsByAi: deals.filter(isByAi).length,
  };
}

/** @returns undefined where nobody came from an AI assistant. @param columns - width of the terminal in characters */
export function formatCredited(crm: Pick<Crm, 'all'>, columns = 160): string | undefined {
  const contacts = crm.all('contacts').filter(isByAi);
  if (contacts.length === 0) return undefined;
  const most = contacts
    .toSorted((a, b) => visitsOf(b) - visitsOf(a) || (a.id < b.id ? -1 : 1))
    .slice(0, LISTED);
  const head = ['FIRST AI SOURCE', 'LAST AI SOURCE', 'VISITS', 'NAME', 'CONTACT', 'JOURNEY'];
  const rows = most.map((contact) => [
    of(contact, 'ai_first_source'),
    of(contact, 'ai_last_source'),
    of(contact, 'ai_sessions').padStart(6),
    nameOf(contact),
    contact.id,
    of(contact, 'journey'),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    cut(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '), columns).trimEnd(),
  );
  const deal = wonDeal(crm);
  return [...lines, ...(deal === undefined ? [] : ['', ...dealLines(deal)])].join('\n');
}

/** Of the won deals with an amount one in which an AI assistant had a part, if there is any; of these the one with the most sources. */
function wonDeal(crm: Pick<Crm, 'all'>): CrmRecord | undefined {
  const won = crm
    .all('deals')
    .filter(
      (deal) => deal.properties['dealstage'] === 'closedwon' && (deal.properties['amount'] ?? '') !== '',
    )
    .filter((deal) => linesOf(deal).length > 0);
  return won.toSorted((a, b) => rank(b) - rank(a) || (a.id < b.id ? -1 : 1))[0];
}

function rank(deal: CrmRecord): number {
  return (isByAi(deal) ? 100 : 0) + linesOf(deal).length;
}

function dealLines(deal: CrmRecord): string[] {
  const { properties } = deal;
  const byAi = Object.entries(properties).flatMap(([name, value]) => {
    const model = /^afterglow_ai_amount_(\w+)$/.exec(name)?.[1];
    return model === undefined || (value ?? '') === '' ? [] : [`${model.replaceAll('_', ' ')} ${value}`];
  });
  const currency = properties['deal_currency_code'] ?? '';
  return [
    `WON  ${properties['dealname'] ?? ''} (${deal.id}), ${`${properties['amount'] ?? ''} ${currency}`.trim()}, credited to`,
    ...linesOf(deal).map((line) => `  ${line}`),
    `  AI assistants have a part of ${byAi.join(', ')}`,
  ];
}

function linesOf(deal: CrmRecord): string[] {
  return of(deal, 'sources')
    .split('\n')
    .filter((line) => line !== '');
}

function of({ properties }: CrmRecord, name: string): string {
  return properties[`afterglow_${name}`] ?? '';
}

function isByAi(record: CrmRecord): boolean {
  return of(record, 'ai_influenced') === 'true';
}

function visitsOf(contact: CrmRecord): number {
  return Number(of(contact, 'ai_sessions'));
}

function nameOf({ properties }: CrmRecord): string {
  const name = `${properties['firstname'] ?? ''} ${properties['lastname'] ?? ''}`.trim();
  return cut(name === '' ? (properties['email'] ?? '') : name, 24);
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
