import { readableDate } from '../scoring/calendar.ts';
import { MODEL_NAMES } from './models.ts';
import { groupedText } from './money.ts';
import type { CurrencyReport, Figure, Report, SourceRow } from './report.ts';
import { type Bar, barChart } from './report-chart.ts';
import { type Column, escaped, markupTable, STYLE } from './report-markup.ts';
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

type Kind = (typeof FIGURES)[number];
/** Bars of a chart; further sources are one bar together. */
const BARS = 12;
/** Deals listed under a source, and restatements: of the others one line with their number and sum. */
const LINES = 200;

/** The report as one HTML page that loads nothing: for a browser, a printer, or an e-mail. */
export function reportHtml(report: Report): string {
  const title = `Attribution ${periodText(report)}`;
  const made = readableDate(report.madeAtMs, report.timeZone);
  const nothing = '<p>No deal was won or created in this period.</p>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Where revenue came from</h1>
<p class="about">${escaped(`${periodText(report)} · HubSpot portal ${report.portalId} · model: ${MODEL_NAMES[report.model]} · made ${made}`)}</p>
</header>
<main>
${report.currencies.length === 0 ? nothing : report.currencies.map(currencySection).join('\n')}
${listSection('Not credited', notes(report))}
${restatedSection(report)}
${listSection('How to read it', methodology(report))}
</main>
</body>
</html>
`;
}

function currencySection(each: CurrencyReport): string {
  return `<section>
<h2>${escaped(currencyText(each))}</h2>
<dl class="numbers">
${FIGURES.flatMap((kind) => headlines(each, kind)).join('\n')}
</dl>
${FIGURES.map((kind) => figureSection(each, kind)).join('\n')}
</section>`;
}

function headlines(each: CurrencyReport, kind: Kind): string[] {
  const figure = each[kind];
  const percent = aiPercent(figure);
  const { influenced } = figure;
  return [
    headline(FIGURE_TITLES[kind], moneyIn(each, figure.units), dealsText(figure.deals)),
    headline(
      `${FIGURE_TITLES[kind]} credited to AI assistants`,
      moneyIn(each, figure.aiUnits),
      `${percent === undefined ? '' : `${percent}; `}influenced: ${moneyIn(each, influenced.units)}, ${dealsText(influenced.deals)}`,
    ),
  ];
}

function headline(title: string, text: string, small: string): string {
  return `<div><dt>${escaped(title)}</dt><dd>${escaped(text)}<small>${escaped(small)}</small></dd></div>`;
}

function figureSection(each: CurrencyReport, kind: Kind): string {
  const figure = each[kind];
  if (figure.deals === 0) return '';
  const title = FIGURE_TITLES[kind];
  const assistants = figure.rows.filter(({ isAi }) => isAi);
  const ai =
    assistants.length === 0
      ? '<p>No deal is credited to an AI assistant.</p>'
      : barChart(`${title} by AI assistant`, barsOf(each, assistants));
  return `<h3>${title} by source</h3>
${barChart(`${title} by source`, barsOf(each, figure.rows))}
<p class="about">AI assistants stand in orange.</p>
<h3>${title} by AI assistant</h3>
${ai}
<h3>${title}: sources</h3>
${sourceTable(each, figure)}
<h3>${title}: the deals behind it</h3>
${figure.rows.map((row) => dealTable(each, row, kind)).join('\n')}`;
}

function barsOf(each: CurrencyReport, rows: readonly SourceRow[]): Bar[] {
  const bar = (label: string, size: bigint, isAi: boolean): Bar => ({
    label,
    size,
    text: moneyIn(each, size),
    isAi,
  });
  const shown = rows.length > BARS ? rows.slice(0, BARS - 1) : rows;
  const rest = rows.slice(shown.length);
  const size = rest.reduce((sum, { units }) => sum + units, 0n);
  return [
    ...shown.map(({ label, units, isAi }) => bar(label, units, isAi)),
    ...(rest.length === 0
      ? []
      : [
          bar(
            `${rest.length} more`,
            size,
            rest.every(({ isAi }) => isAi),
          ),
        ]),
  ];
}

function sourceTable({ decimals, currency }: CurrencyReport, { rows, units, deals }: Figure): string {
  const shares = percents(rows.map((row) => row.units));
  const columns: Column[] = [
    { title: 'Source' },
    { title: `Credited${currency === '' ? '' : `, ${currency}`}`, isNumber: true },
    { title: 'Share', isNumber: true },
    { title: 'Deals', isNumber: true },
  ];
  const cells = rows.map((row, at) => [
    `${row.label}${row.isAi ? ' (AI assistant)' : ''}`,
    groupedText(row.units, decimals),
    shares[at] ?? '–',
    `${row.lines.length}`,
  ]);
  const all = shares[0] === undefined ? '–' : '100.0 %';
  // One deal may be credited to several sources: the numbers of deals do not add up, and the last row says how many there are.
  return markupTable(columns, cells, ['All', groupedText(units, decimals), all, dealsText(deals)]);
}

function dealTable(each: CurrencyReport, row: SourceRow, kind: Kind): string {
  const { decimals } = each;
  const columns: Column[] = [
    { title: 'Deal' },
    { title: DATE_TITLES[kind] },
    { title: 'Amount', isNumber: true },
    { title: 'Share', isNumber: true },
    { title: 'Credited', isNumber: true },
  ];
  const shown = row.lines.slice(0, LINES);
  const rest = row.lines.slice(LINES);
  const cells = shown.map(({ name, dealId, date, amount, share, units }) => [
    `${name} (${dealId})`,
    date,
    amount === undefined ? 'none' : groupedText(amount, decimals),
    `${(100 * share).toFixed(1)} %`,
    groupedText(units, decimals),
  ]);
  const sum = rest.reduce((total, { units }) => total + units, 0n);
  if (rest.length > 0)
    cells.push([`${dealsText(rest.length)} more, in the CSV`, '', '', '', groupedText(sum, decimals)]);
  return `<h4>${escaped(row.label)}</h4>
${markupTable(columns, cells, ['All', '', '', '', groupedText(row.units, decimals)])}`;
}

function listSection(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `<section>
<h2>${escaped(title)}</h2>
<ul>
${lines.map((line) => `<li>${escaped(line)}</li>`).join('\n')}
</ul>
</section>`;
}

function restatedSection({ restated, timeZone }: Report): string {
  const lines = restated
    .slice(0, LINES)
    .map(
      ({ atMs, name, dealId, why, from, to }) =>
        `${readableDate(atMs, timeZone)}: ${name} (${dealId}), ${why}: ${from} → ${to}`,
    );
  const more = restated.length - lines.length;
  return listSection('Restated after the period', more > 0 ? [...lines, `and ${more} more`] : lines);
}
