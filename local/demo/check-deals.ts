// Holds what the simulated HubSpot shows of deals against what the oracle says.
import type { CrmRecord } from '../hubspot/crm.ts';
import type { Mismatch, PortalCheck } from './check-portal.ts';
import {
  type PlainAttribution,
  type PlainTouch,
  plainMoney,
  sharesOf,
  touchesBefore,
} from './oracle-credit.ts';
import type { DealNow } from './oracle-deals.ts';
import type { PlainModel } from './oracle-model.ts';
import type { PortalNow } from './oracle-portal.ts';

/** The first thing wrong with the credit of each deal. */
export function checkDeals(check: PortalCheck, model: PlainModel, now: PortalNow): Mismatch[] {
  const { attribution } = model;
  if (attribution === undefined) return [];
  const byName = new Map(check.crm.all('deals').map((deal) => [deal.properties['dealname'] ?? '', deal]));
  return now.deals.flatMap((deal): Mismatch[] => {
    // Whose contact was deleted: nobody hears of it, so what is right depends on when the deal was last looked at.
    if (deal.contactIds.some((id) => !now.histories.has(id))) return [];
    const record = byName.get(deal.name);
    const reason = record === undefined ? 'it is gone' : wrongCredit(deal, record, now, attribution);
    return reason === undefined ? [] : [{ record: `deal ${record?.id ?? deal.name}`, reason }];
  });
}

interface Labelled extends PlainTouch {
  readonly label: string;
}

/** Every visit of the deal's contacts that can be known. */
function touchesOfDeal({ contactIds }: Pick<DealNow, 'contactIds'>, { histories }: PortalNow): Labelled[] {
  return contactIds
    .flatMap((id) => histories.get(id)?.visits ?? [])
    .map(({ source: { key, label }, atMs }) => ({ source: key, label, atMs }));
}

function wrongCredit(
  deal: DealNow,
  { properties }: CrmRecord,
  now: PortalNow,
  rules: PlainAttribution,
): string | undefined {
  const shown = (name: string) => properties[`afterglow_${name}`] ?? '';
  if (shown('write_id') === '') return 'HubSpot shows no write id';
  const all = touchesOfDeal(deal, now);
  const labels = new Map(all.map(({ source, label }) => [source, label]));
  const touches = touchesBefore(all, deal.stageSinceMs, rules);
  const isInfluenced = String(touches.some(({ source }) => source.startsWith('ai/')));
  if (shown('ai_influenced') !== isInfluenced)
    return `ai_influenced is "${shown('ai_influenced')}", right is ${isInfluenced}`;
  const shares = (model: string) =>
    sharesOf(model, touches, plainMoney(deal.amount, deal.currency) ?? NOTHING, rules);
  const [first = ''] = rules.models;
  const top = first === 'markov' ? undefined : (labels.get(shares(first)[0]?.source ?? '') ?? '');
  if (top !== undefined && shown('top_source') !== top)
    return `top_source is "${shown('top_source')}", right is "${top}"`;
  for (const model of rules.models) {
    const reason = model === 'markov' ? undefined : wrongAmount(model, deal, shares, shown);
    if (reason !== undefined) return reason;
  }
  const given =
    first === 'markov'
      ? []
      : shares(first).map(({ source, units }) => [labels.get(source) ?? '', units] as const);
  return (
    wrongSum(deal, touches.length, shown('sources')) ?? wrongLine(deal, new Map(given), shown('sources'))
  );
}

const NOTHING = { units: 0n, decimals: 2 };

/** The part of the amount that AI assistants earned. */
function wrongAmount(
  model: string,
  { amount, currency }: DealNow,
  shares: (model: string) => ReturnType<typeof sharesOf>,
  shown: (name: string) => string,
): string | undefined {
  const name = `ai_amount_${model.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  const money = plainMoney(amount, currency);
  if (money === undefined)
    return shown(name) === '' ? undefined : `${name} is "${shown(name)}", and there is no amount`;
  let right = 0n;
  for (const { source, units } of shares(model)) if (source.startsWith('ai/')) right += units;
  const text = shown(name);
  const found = text === '' ? undefined : unitsIn(text, money.decimals);
  return found === right
    ? undefined
    : `${name} is "${text}", right are ${right} units of ${money.decimals} digits`;
}

/** @returns undefined for what is no number, or has more digits */
function unitsIn(text: string, decimals: number): bigint | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const digits = fraction.replace(/0+$/, '');
  if (whole === '' || digits.length > decimals) return undefined;
  const size = BigInt(whole + digits.padEnd(decimals, '0'));
  return sign === '-' ? -size : size;
}

/** What the sources are given, line by line, is the whole amount. */
function wrongSum({ amount, currency }: DealNow, touches: number, sources: string): string | undefined {
  const money = plainMoney(amount, currency);
  if (money === undefined || touches === 0) return undefined;
  let sum = 0n;
  for (const line of sources.split('\n')) {
    const [, text = ''] = /(-?[\d.]+)(?: [A-Z]{3})?(?: \(.*\))?$/.exec(line) ?? [];
    sum += unitsIn(text, money.decimals) ?? 0n;
  }
  return sum === money.units
    ? undefined
    : `sources sum to ${sum}, the amount is ${money.units}: "${sources}"`;
}

/** Whoever has a line of its own is given what stands there. @param given - by label; empty where nothing is known of it */
function wrongLine(
  { amount, currency }: DealNow,
  given: ReadonlyMap<string, bigint>,
  sources: string,
): string | undefined {
  const money = plainMoney(amount, currency);
  if (money === undefined || given.size === 0) return undefined;
  for (const line of sources.split('\n')) {
    const [, label, text = ''] = /^(.+) (-?[\d.]+)(?: [A-Z]{3})? \(.*\)$/.exec(line) ?? [];
    if (label === undefined) continue; // The last one, of all others.
    const right = given.get(label);
    if (unitsIn(text, money.decimals) !== right)
      return `of ${label} it says "${line}", right are ${right ?? 'no'} units`;
  }
  return undefined;
}
