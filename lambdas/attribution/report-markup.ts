const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML holds it, between tags and in quoted attributes: whoever names a deal cannot add to the page. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** A column of a table: its heading, and whether it holds numbers. */
export interface Column {
  readonly title: string;
  readonly isNumber?: true;
}

/** A table as HTML. @param cells - text, not yet escaped @param total - a last row, set off from the others */
export function markupTable(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  total?: readonly string[],
): string {
  const row = (tag: 'td' | 'th', texts: readonly string[]) =>
    `<tr>${texts.map((text, at) => `<${tag}${columns[at]?.isNumber ? ' class="number"' : ''}>${escaped(text)}</${tag}>`).join('')}</tr>`;
  const head = row(
    'th',
    columns.map(({ title }) => title),
  );
  const foot = total === undefined ? '' : `\n<tfoot>${row('td', total)}</tfoot>`;
  return `<table>
<thead>${head}</thead>
<tbody>
${cells.map((texts) => row('td', texts)).join('\n')}
</tbody>${foot}
</table>`;
}

/** The look of the page, on a screen and on paper. */
export const STYLE = `
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.5rem 3rem; background: #fff; color: #24292f; font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 2px solid #d1570a; font-size: 1.3rem; }
h3 { margin: 1.75rem 0 .5rem; font-size: 1.05rem; }
h4 { margin: 1.25rem 0 .25rem; font-size: .95rem; }
.about { margin: .4rem 0 0; color: #57606a; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.numbers div { border: 1px solid #d0d7de; border-radius: 6px; padding: .7rem .9rem; }
.numbers dt { color: #57606a; font-size: .85rem; }
.numbers dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.numbers dd small { display: block; color: #57606a; font-size: .8rem; font-weight: 400; }
svg { display: block; max-width: 100%; height: auto; margin: .5rem 0 1rem; }
svg .amount { font-weight: 600; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #d8dee4; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { color: #57606a; font-size: .8rem; font-weight: 600; }
th:first-child { width: 45%; }
.number { text-align: right; white-space: nowrap; }
tfoot td { border-top: 2px solid #24292f; border-bottom: 0; font-weight: 600; }
li { margin: .3rem 0; }
@page { size: A4; margin: 15mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .numbers { grid-template-columns: repeat(4, 1fr); }
  .numbers dd { font-size: 1.05rem; }
  h2, h3, h4 { break-after: avoid; }
  tr, svg, .numbers div, li { break-inside: avoid; }
  tfoot { display: table-row-group; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
