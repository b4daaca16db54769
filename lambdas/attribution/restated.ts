import type { CreditModel } from '../scoring/model-file.ts';
import type { Credit, SourceCredit } from './credit.ts';
import { amountText, moneyText } from './money.ts';

/** Sources that are named; of the others how many there are, and their sum. */
const SOURCES_NAMED = 4;

/** A credit with what its numbers stand for. */
export interface CreditIn {
  readonly credit: Credit;
  /** ISO 4217; `''` where it is not known. */
  readonly currency: string;
}

/** What became of a credit, in a few words. */
export interface CreditChange {
  /** Such as `ChatGPT 400.00, Google 600.00 USD`; empty where there was none. */
  readonly from: string;
  readonly to: string;
}

/**
 * What differs between two credits, for a person to read: of the first model under which a source is given something else.
 *
 * @param labelOf - a source as people read it
 * @returns undefined where every source is given the same under every model, however many touches there are now
 */
export function creditChange(
  before: CreditIn | undefined,
  after: CreditIn,
  labelOf: (source: string) => string,
): CreditChange | undefined {
  const model = changedModel(before, after);
  if (model === undefined) return undefined;
  const from = before === undefined ? '' : describeCredit(before.credit, before.currency, labelOf, model);
  return { from, to: describeCredit(after.credit, after.currency, labelOf, model) };
}

function changedModel(before: CreditIn | undefined, after: CreditIn): CreditModel | undefined {
  const models = modelsOf(after.credit);
  if (before === undefined) return models[0];
  const all = new Set([...models, ...modelsOf(before.credit)]);
  return [...all].find((model) => said(before, model) !== said(after, model));
}

/** All that a model gives, as text that is the same only where it gives the same. */
function said({ credit: { byModel, decimals, units }, currency }: CreditIn, model: CreditModel): string {
  const each = byModel[model]
    ?.map(({ source, share, units: part }) => `${source} ${share} ${part}`)
    .toSorted();
  return JSON.stringify([each ?? null, units === undefined ? null : amountText(units, decimals), currency]);
}

/** By which models a credit was given: of one that was just computed in the order of the rules, of one that was kept in any. */
export function modelsOf({ byModel }: Credit): CreditModel[] {
  return Object.keys(byModel).filter((name): name is CreditModel => name in byModel);
}

/**
 * The credit under one model in a few words, such as `ChatGPT 400.00, Google 600.00 USD`; shares where the deal has no amount. With more
 * than a few sources the small ones are one number.
 *
 * @param model - the first of the credit's where it is left out
 */
export function describeCredit(
  credit: Credit,
  currency: string,
  labelOf: (source: string) => string,
  model: CreditModel | undefined = modelsOf(credit)[0],
): string {
  const given = model === undefined ? undefined : credit.byModel[model];
  if (given === undefined) return 'not credited yet';
  const inWords = (each: readonly SourceCredit[]): string =>
    credit.units === undefined
      ? `${Math.round(100 * each.reduce((sum, { share }) => sum + share, 0))} %`
      : amountText(
          each.reduce((sum, { units }) => sum + units, 0n),
          credit.decimals,
        );
  if (given.length === 0)
    return credit.units === undefined
      ? 'no known visit'
      : `no known visit, ${moneyText({ units: credit.units, decimals: credit.decimals }, currency)}`;
  const named = given.slice(0, SOURCES_NAMED).map((one) => `${labelOf(one.source)} ${inWords([one])}`);
  const rest = given.slice(SOURCES_NAMED);
  const text = [...named, ...(rest.length === 0 ? [] : [`${rest.length} more ${inWords(rest)}`])].join(', ');
  return credit.units === undefined || currency === '' ? text : `${text} ${currency}`;
}
