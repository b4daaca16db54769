import { readableDate } from '../scoring/calendar.ts';
import type { CreditModel } from '../scoring/model-file.ts';
import { MODEL_NAMES } from './models.ts';
import { allocate, groupedText } from './money.ts';
import { type CurrencyReport, type Figure, NO_VISIT, NOT_CREDITED, type Report } from './report.ts';

/** What a number of a report is about. */
export const FIGURES = ['revenue', 'pipeline'] as const;

export const FIGURE_TITLES = { revenue: 'Revenue', pipeline: 'Pipeline' } as const;
export const DATE_TITLES = { revenue: 'Closed', pipeline: 'Created' } as const;

/** How a deal's amount is shared under each model, as a sentence. */
const HOW: Readonly<Record<CreditModel, (report: Report) => string>> = {
  first: () => 'The whole amount goes to the source of the first visit.',
  last: () => 'The whole amount goes to the source of the last visit before the deal came into its stage.',
  linear: () => 'Every visit gets an equal share of the amount.',
  uShaped: () =>
    'The first visit gets 40 % of the amount and the last one 40 %; those between share 20 %. Two visits get half each, a single one all.',
  timeDecay: ({ rules }) =>
    `The later a visit, the larger its share: a visit ${daysText(rules.halfLifeDays)} before another weighs half as much.`,
  markov: () =>
    'Every visit weighs as much as its source matters over all closed deals: by how much the chance of winning would fall if nobody came by that source.',
};

export function periodText({ from, to }: Pick<Report, 'from' | 'to'>): string {
  return from === to ? dayText(from) : `${dayText(from)} – ${dayText(to)}`;
}

function dayText(day: string): string {
  return readableDate(Date.parse(`${day}T12:00:00Z`), 'UTC');
}

export function currencyText({ currency }: CurrencyReport): string {
  return currency === '' ? 'no currency' : currency;
}

/** An amount with its currency, `1,234.50 USD`. */
export function moneyIn({ currency, decimals }: CurrencyReport, units: bigint): string {
  const text = groupedText(units, decimals);
  return currency === '' ? text : `${text} ${currency}`;
}

/** `1 deal`, `2 deals`. */
export function dealsText(count: number): string {
  return `${count} ${count === 1 ? 'deal' : 'deals'}`;
}

function daysText(days: number): string {
  return `${days} ${days === 1 ? 'day' : 'days'}`;
}

const TENTHS = 1000n;

/** Shares in percent with one digit, which sum to 100.0; no shares of nothing, nor where some amounts are negative. */
export function percents(units: readonly bigint[]): readonly (string | undefined)[] {
  const total = units.reduce((sum, each) => sum + each, 0n);
  if (total <= 0n || units.some((each) => each < 0n)) return units.map(() => undefined);
  return allocate(TENTHS, units).map((tenths) => `${groupedText(tenths, 1)} %`);
}

/** What of a figure AI assistants are credited with, in percent; undefined where that says nothing. */
export function aiPercent({ aiUnits, units }: Figure): string | undefined {
  return percents([aiUnits, units - aiUnits])[0];
}

/** How the numbers came about, a sentence or a few each: for somebody who reads nothing else of it. */
export function methodology(report: Report): string[] {
  const { model, rules, timeZone } = report;
  return [
    `Revenue is the amount of deals that were won and whose close date lies in the period. Pipeline is the amount of deals that were created in the period and are still open. Days begin and end in the time zone ${timeZone}.`,
    `A deal is credited to the known visits of its contacts in the ${daysText(rules.windowDays)} before it came into the stage where it stands.`,
    `Model: ${MODEL_NAMES[model]}. ${HOW[model](report)}`,
    'Of every deal the shares are whole units of its currency and sum to its amount exactly; so do the rows of every table. Currencies are never added up.',
    'Influenced by AI counts a deal with its whole amount as soon as one of these visits came by way of an AI assistant, whatever share that visit is credited with.',
    'A later visit, another amount or a reopened deal changes the figures of days long past; what was changed after the period is listed where there is any.',
  ];
}

/** What is not credited, or not in the figures. */
export function notes({ currencies }: Report): string[] {
  return currencies.flatMap((each) =>
    FIGURES.flatMap((kind) => {
      const { rows, withoutAmount } = each[kind];
      const title = `${FIGURE_TITLES[kind]} in ${currencyText(each)}`;
      const without = (source: string, why: string): string[] =>
        rows
          .filter((row) => row.source === source)
          .map(({ lines, units }) => `${title}: ${dealsText(lines.length)} (${moneyIn(each, units)}) ${why}`);
      return [
        ...without(NO_VISIT, 'without a known visit in the window: credited to no source.'),
        ...without(NOT_CREDITED, 'not credited by this model yet.'),
        ...(withoutAmount === 0
          ? []
          : [`${title}: ${dealsText(withoutAmount)} without an amount: counted as a deal, with no money.`]),
      ];
    }),
  );
}
