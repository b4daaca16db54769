import { amountText } from './money.ts';
import type { CurrencyReport, Figure, Report } from './report.ts';
import { methodology, notes } from './report-words.ts';

/** The report as one JSON object: amounts as decimals in text, since they may have more digits than a number holds. */
export function reportJson(report: Report): object {
  const { currencies, restated, madeAtMs, ...about } = report;
  return {
    ...about,
    madeAt: new Date(madeAtMs).toISOString(),
    currencies: currencies.map((each) => ({
      currency: each.currency,
      revenue: figureJson(each.revenue, each),
      pipeline: figureJson(each.pipeline, each),
    })),
    restated: restated.map(({ atMs, ...one }) => ({ ...one, at: new Date(atMs).toISOString() })),
    notes: notes(report),
    methodology: methodology(report),
  };
}

function figureJson(figure: Figure, { decimals }: CurrencyReport): object {
  const text = (units: bigint) => amountText(units, decimals);
  return {
    amount: text(figure.units),
    deals: figure.deals,
    dealsWithoutAmount: figure.withoutAmount,
    aiAmount: text(figure.aiUnits),
    influencedAmount: text(figure.influenced.units),
    influencedDeals: figure.influenced.deals,
    sources: figure.rows.map(({ source, label, isAi, units, lines }) => ({
      source,
      label,
      isAi,
      amount: text(units),
      deals: lines.map(({ units: credited, amount, ...line }) => ({
        ...line,
        amount: amount === undefined ? null : text(amount),
        credited: text(credited),
      })),
    })),
  };
}
