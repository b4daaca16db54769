import { escaped } from './report-markup.ts';

/** Pixels; `viewBox` lets it grow to whatever room there is. */
const WIDTH = 720;
const LABELS = 170;
/** Room for a character of an amount. */
const CHARACTER = 8.5;
/** Between a bar and its amount. */
const GAP = 8;
const ROW = 30;
const BAR = 18;
/** Longest label beside a bar, in characters. */
const LABEL_LENGTH = 26;

/** What AI assistants are drawn with, and everybody else. */
const AI = '#d1570a';
const OTHERS = '#8c959f';
const INK = '#24292f';

/** A bar with what stands on its left and right. */
export interface Bar {
  readonly label: string;
  readonly size: bigint;
  readonly text: string;
  readonly isAi: boolean;
}

/** Bars under one another as an SVG element that needs nothing else. Those below zero grow to the left. @param title - what is shown, for those who cannot see it */
export function barChart(title: string, bars: readonly Bar[]): string {
  const sizes = bars.map(({ size }) => Number(size));
  const [low, high] = [Math.min(0, ...sizes), Math.max(0, ...sizes)];
  const room = WIDTH - LABELS - GAP - CHARACTER * Math.max(...bars.map(({ text }) => text.length));
  const x = (size: number): number => LABELS + (high === low ? 0 : ((size - low) / (high - low)) * room);
  const drawn = bars.map(({ label, text, isAi }, at) => {
    const [from, to] = [Math.min(x(0), x(sizes[at] ?? 0)), Math.max(x(0), x(sizes[at] ?? 0))];
    const [top, middle] = [at * ROW + (ROW - BAR) / 2, at * ROW + ROW / 2 + 4];
    const name = label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 1)}…` : label;
    return [
      `<text x="${LABELS - 10}" y="${middle}" text-anchor="end">${escaped(name)}</text>`,
      `<rect x="${from.toFixed(1)}" y="${top}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR}" rx="2" fill="${isAi ? AI : OTHERS}"/>`,
      `<text x="${(to + GAP).toFixed(1)}" y="${middle}" class="amount">${escaped(text)}</text>`,
    ].join('');
  });
  const height = bars.length * ROW;
  const said = bars.map(({ label, text }) => `${label}: ${text}`).join('; ');
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" fill="${INK}" font-size="13">
<title>${escaped(title)}</title>
<desc>${escaped(said)}</desc>
<line x1="${x(0).toFixed(1)}" x2="${x(0).toFixed(1)}" y1="0" y2="${height}" stroke="#d0d7de"/>
${drawn.join('\n')}
</svg>`;
}
