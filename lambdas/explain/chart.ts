/** Pixels of every chart; `viewBox` lets it grow to whatever room there is. */
const WIDTH = 720;
const HEIGHT = 300;
const LEFT = 48;
const BOTTOM = 40;
const TOP = 24;
const RIGHT = 16;

/** What points are drawn with: the product's colour, and those of what stands beside it. */
export const GLOW = '#d1570a';
export const ASH = '#57606a';

/** What a chart shows: points over days. */
export interface Extent {
  /** The last day; the first is 0. */
  readonly days: number;
  /** Points at the bottom and at the top; `low` is below `high`. */
  readonly low: number;
  readonly high: number;
}

/** A day, fractions count, and points. */
export type Spot = readonly [day: number, points: number];

/** Draws points over days as an SVG document: text only, no scripts, nothing loaded from elsewhere. */
export interface Chart {
  /** A line through spots. @param look - SVG attributes, such as `stroke="red"` */
  line(spots: readonly Spot[], look: string): string;
  /** A line from left to right, and its points beside it. */
  row(points: number): string;
  /** What is written below a day. */
  column(day: number, text: string): string;
  /** A dashed line from top to bottom at a day, and what happens then. @param place - 0 is highest */
  mark(day: number, text: string, place: number): string;
  /** Words at a day and a height. @param look - SVG attributes */
  words(spot: Spot, text: string, look: string): string;
  /** The whole, with what it is called and what it says to those who cannot see it. */
  document(title: string, description: string, elements: readonly string[]): string;
}

export function chart({ days, low, high }: Extent): Chart {
  const x = (day: number): number => LEFT + (day / days) * (WIDTH - LEFT - RIGHT);
  const y = (points: number): number =>
    HEIGHT - BOTTOM - ((points - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
  /** Text near the right edge ends where it stands instead of beginning there. */
  const anchor = (day: number): string => (day > days * 0.8 ? 'end' : 'start');
  return {
    line(spots, look) {
      const points = spots.map(([day, height]) => `${x(day).toFixed(1)},${y(height).toFixed(1)}`);
      return `<polyline points="${points.join(' ')}" fill="none" ${look}/>`;
    },
    row: (points) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(points).toFixed(1)}" y2="${y(points).toFixed(1)}" stroke="#d8dee4"/><text x="${LEFT - 8}" y="${(y(points) + 4).toFixed(1)}" text-anchor="end">${points}</text>`,
    column: (day, text) =>
      `<text x="${x(day).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="${day === days ? 'end' : 'middle'}">${escaped(text)}</text>`,
    mark(day, text, place) {
      const at = x(day).toFixed(1);
      const beside = (x(day) + (anchor(day) === 'end' ? -5 : 5)).toFixed(1);
      return `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#8c959f" stroke-dasharray="3 4"/><text x="${beside}" y="${TOP + 10 + 15 * place}" text-anchor="${anchor(day)}" font-weight="600">${escaped(text)}</text>`;
    },
    words: ([day, points], text, look) =>
      `<text x="${x(day).toFixed(1)}" y="${y(points).toFixed(1)}" ${look}>${escaped(text)}</text>`,
    document: (title, description, elements) =>
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="${ASH}" role="img">
<title>${escaped(title)}</title>
<desc>${escaped(description)}</desc>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
${elements.join('\n')}
</svg>
`,
  };
}

/** Text as XML holds it. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
