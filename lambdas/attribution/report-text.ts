import { readableDate } from '../scoring/calendar.ts';
import { MODEL_NAMES } from './models.ts';
import { groupedText } from './money.ts';
import type { CurrencyReport, Figure, Report } from './report.ts';
import {
  aiPercent,
  currencyText,
  DATE_TITLES,
  dealsText,
  FIGURE_TITLES,
  FIGURES,
  methodology,
  moneyIn,
  notes,
  percents,
  periodText,
} from './report-words.ts';
import { textTable } from './text-table.ts';

type Kind = (typeof FIGURES)[number];
/** Longest name of a deal in a table, in characters. */
const NAME_LENGTH = 40;

/** The report as text for a terminal: the figures by source, and below them the deals of every source. */
export function reportText(report: Report): string {
  const head = `Attribution ${periodText(report)}, portal ${report.portalId}, model: ${MODEL_NAMES[report.model]}`;
  const body = report.currencies.flatMap((each) => FIGURES.flatMap((kind) => figureText(each, kind)));
  const nothing = report.currencies.length === 0 ? ['', 'No deal was won or created in this period.'] : [];
  return [
    head,
    ...nothing,
    ...body,
    ...titled('Notes', notes(report)),
    ...titled('Restated after the period', restatedLines(report)),
    ...titled('How to read it', methodology(report)),
  ].join('\n');
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...indented(lines)];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function restatedLines({ restated, timeZone }: Report): string[] {
  return restated.map(
    ({ atMs, dealId, name, why, from, to }) =>
      `${readableDate(atMs, timeZone)}  ${name} (${dealId}), ${why}: ${from} → ${to}`,
  );
}

function figureText(each: CurrencyReport, kind: Kind): string[] {
  const figure = each[kind];
  const title = `${FIGURE_TITLES[kind]} in ${currencyText(each)}: ${moneyIn(each, figure.units)} from ${dealsText(figure.deals)}`;
  if (figure.deals === 0) return ['', title];
  const share = aiPercent(figure);
  const { influenced } = figure;
  return [
    '',
    title,
    `  AI assistants: ${moneyIn(each, figure.aiUnits)}${share === undefined ? '' : ` (${share})`}; influenced by AI: ${moneyIn(each, influenced.units)} from ${dealsText(influenced.deals)}`,
    '',
    ...indented(textTable(sourceTable(each, figure))),
    '',
    ...indented(textTable(dealTable(each, figure, kind), (at) => at === 0 || at === 4)),
  ];
}

function sourceTable({ decimals }: CurrencyReport, { rows, units, deals }: Figure): string[][] {
  const shares = percents(rows.map((row) => row.units));
  return [
    ['Source', 'Amount', 'Share', 'Deals'],
    ...rows.map((row, at) => [
      row.label,
      groupedText(row.units, decimals),
      shares[at] ?? '–',
      `${row.lines.length}`,
    ]),
    ['All', groupedText(units, decimals), shares[0] === undefined ? '–' : '100.0 %', `${deals}`],
  ];
}

function dealTable({ decimals }: CurrencyReport, { rows }: Figure, kind: Kind): string[][] {
  return [
    ['Source', 'Credited', 'Of', DATE_TITLES[kind], 'Deal'],
    ...rows.flatMap((row) =>
      row.lines.map(({ units, amount, date, dealId, name }) => [
        row.label,
        groupedText(units, decimals),
        amount === undefined ? 'no amount' : groupedText(amount, decimals),
        date,
        `${name.slice(0, NAME_LENGTH)} (${dealId})`,
      ]),
    ),
  ];
}
