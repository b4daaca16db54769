// Draws a dashboard with a day's metrics as SVG: text only, no scripts, nothing loaded from elsewhere.
import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { type AlarmState, alarmState } from './alarm-state.ts';
import type { Widget } from './definition.ts';
import { periodsOf, type Recording } from './recording.ts';
import { type Line, linesOf } from './shown.ts';
import { STYLE } from './style.ts';
import { escaped, fitted, widthOf } from './words.ts';

/** Pixels of the whole, of the room around it and between two widgets, and of one row of the grid. */
const WIDTH = 1000;
const MARGIN = 12;
const GAP = 4;
const ROW = 30;
const COLUMNS = 24;
const HEADER = 58;
/** Inside a widget, and what its title takes. */
const PADDING = 10;
const TITLE = 28;
const TITLE_SIZES = [12, 11.5, 11];
const LEAST_TITLE = 10.5;
/** Of a graph: its unit above it, numbers at its left, hours below it, and one row of its legend. */
const UNIT = 14;
const LEFT = 36;
const HOURS = 18;
const LEGEND_ROW = 16;
const TICKS = 3;
/** Above this, numbers at an axis are written with k and M. */
const LARGE = 10_000;
const COLORS = 8;
const HOUR_MS = 3_600_000;
const EVERY_HOURS = 6;

/** Pixels of one widget. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Draws every widget where the dashboard has it. */
export function drawDashboard(widgets: readonly Widget[], recording: Recording): string {
  const rows = Math.max(...widgets.map(({ y, height }) => y + height));
  const height = HEADER + rows * ROW + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="Arial, Helvetica, 'Liberation Sans', sans-serif" font-size="11" role="img">
<title>The CloudWatch dashboard of Afterglow over one day</title>
<desc>${escaped(widgets.map(told).join(' '))}</desc>
<style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
${header(recording)}
${widgets.map((widget) => drawWidget(widget, recording)).join('\n')}
</svg>
`;
}

function told(widget: Widget): string {
  return widget.type === 'text' ? widget.markdown.replaceAll(/#+ |\n/g, ' ').trim() : `${widget.title}.`;
}

function header({ contacts, fromMs }: Recording): string {
  const origin = `Demo portal of ${contacts} contacts on a laptop, HubSpot simulated: what happens there in a month, within one day`;
  return [
    words(MARGIN + GAP, 26, 'Afterglow', 'class="head" font-size="18"'),
    words(MARGIN + GAP, 45, origin, 'class="soft"'),
    words(WIDTH - MARGIN - GAP, 26, `24 hours to ${clock(fromMs)} UTC`, 'class="soft" text-anchor="end"'),
  ].join('');
}

function drawWidget(widget: Widget, recording: Recording): string {
  const column = (WIDTH - 2 * MARGIN) / COLUMNS;
  const box = {
    x: MARGIN + widget.x * column + GAP,
    y: HEADER + widget.y * ROW + GAP,
    width: widget.width * column - 2 * GAP,
    height: widget.height * ROW - 2 * GAP,
  };
  if (widget.type === 'text') return drawText(widget.markdown, box);
  const room = box.width - 2 * PADDING;
  const size = TITLE_SIZES.find((one) => widthOf(widget.title, one, true) <= room) ?? LEAST_TITLE;
  const text = fitted(widget.title, room, size, true);
  const title = words(box.x + PADDING, box.y + 18, text, `class="head" font-size="${size}"`);
  const inside = {
    x: box.x + PADDING,
    y: box.y + TITLE,
    width: box.width - 2 * PADDING,
    height: box.height - TITLE - PADDING,
  };
  return [card(box), title, drawContent(widget, inside, recording)].join('');
}

function drawContent(widget: Exclude<Widget, { type: 'text' }>, inside: Box, recording: Recording): string {
  if (widget.type === 'alarm') {
    const states = widget.alarms.map((alarm) => ({ name: alarm.name, state: alarmState(alarm, recording) }));
    return drawAlarms(states, inside);
  }
  const lines = linesOf(widget.shown, recording);
  return widget.type === 'singleValue'
    ? drawNumbers(lines, inside)
    : drawGraph(lines, { unit: widget.unit, min: widget.min }, inside, recording);
}

function card({ x, y, width, height }: Box): string {
  return `<rect class="card" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" rx="3"/>`;
}

/** A heading and what stands below it. */
function drawText(markdown: string, { x, y, width }: Box): string {
  let baseline = y + 4;
  return markdown
    .split('\n')
    .map((text) => {
      const heading = /^#+ (.*)/.exec(text)?.[1];
      baseline += heading === undefined ? 18 : 20;
      return heading === undefined
        ? words(x, baseline, fitted(text, width, 12), 'class="soft" font-size="12"')
        : words(x, baseline, fitted(heading, width, 16, true), 'class="head" font-size="16"');
    })
    .join('');
}

const STATES: Readonly<Record<AlarmState, { readonly word: string; readonly look: string }>> = {
  ALARM: { word: 'In alarm', look: 'alarm' },
  INSUFFICIENT_DATA: { word: 'Insufficient data', look: 'unknown' },
  OK: { word: 'OK', look: 'ok' },
};

/** How many are in each state, and each by its name, as many in a row as the longest name allows. */
function drawAlarms(
  alarms: readonly { readonly name: string; readonly state: AlarmState }[],
  { x, y, width, height }: Box,
): string {
  const counts = Object.entries(STATES).map(([state, { word }]) => {
    const count = alarms.filter((alarm) => alarm.state === state).length;
    return `${word} (${count})`;
  });
  const widest = Math.max(...alarms.map(({ name }) => widthOf(name, 11)));
  const columns = Math.min(alarms.length, Math.floor(width / (widest + 24)));
  const rows = Math.ceil(alarms.length / columns);
  const tiles = alarms.map(({ name, state }, at) => {
    const left = x + ((at % columns) * width) / columns;
    const baseline = y + 12 + Math.floor(at / columns) * Math.min(20, height / rows);
    return `<circle class="${STATES[state].look}" cx="${px(left + 5)}" cy="${px(baseline - 4)}" r="4.5"/>${words(left + 15, baseline, name, 'class="text"')}`;
  });
  return words(x + width, y - 10, counts.join(' · '), 'class="soft" text-anchor="end"') + tiles.join('');
}

/** The newest value of each, in columns; its colour and its name below it. */
function drawNumbers(lines: readonly Line[], { x, y, width, height }: Box): string {
  const widest = Math.max(...lines.map(({ label }) => widthOf(label, 11)));
  const columns = Math.max(1, Math.min(lines.length, Math.floor(width / Math.max(80, widest + 28))));
  const rows = Math.ceil(lines.length / columns);
  return lines
    .map(({ label, color, series }, at) => {
      const left = x + ((at % columns) * width) / columns;
      const top = y + (Math.floor(at / columns) * height) / rows + height / rows / 2;
      const value = series.values.findLast((one) => one !== undefined);
      return [
        words(left, top, value === undefined ? '–' : written(value), 'class="head" font-size="22"'),
        `<rect ${look(at, color)} x="${px(left)}" y="${px(top + 9)}" width="9" height="9"/>`,
        words(left + 14, top + 17, label, 'class="soft"'),
      ].join('');
    })
    .join('');
}

function written(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

function drawGraph(
  lines: readonly Line[],
  { unit, min }: { readonly unit: string; readonly min: number | undefined },
  box: Box,
  day: Recording,
): string {
  const legend = placeLegend(lines, box.width);
  const rows = (legend.at(-1)?.row ?? 0) + 1;
  const plot = {
    x: box.x + LEFT,
    y: box.y + UNIT,
    width: box.width - LEFT,
    height: box.height - UNIT - HOURS - rows * LEGEND_ROW,
  };
  const values = lines.flatMap(({ series }) => series.values.filter((value) => value !== undefined));
  const highest = Math.max(...values, min ?? -Infinity);
  const lowest = min ?? Math.min(...values);
  const isFlat = !(highest > lowest);
  const y = scaleLinear([isFlat ? 0 : lowest, isFlat ? 1 : highest], [plot.y + plot.height, plot.y]).nice(
    TICKS,
  );
  const x = scaleLinear([day.fromMs, day.toMs], [plot.x, plot.x + plot.width]).clamp(true);
  const name = y.tickFormat(TICKS, highest > LARGE ? '~s' : undefined);
  const grid = y.ticks(TICKS).map((tick) => row(plot, y(tick), tick === 0 ? '0' : name(tick)));
  const last = box.y + box.height - rows * LEGEND_ROW;
  return [
    words(box.x, box.y + 4, unit, 'class="soft" font-size="10"'),
    ...grid,
    ...hours(day).map((atMs) => hour(plot, x(atMs), atMs)),
    ...(values.length === 0 ? [noData(plot)] : lines.map((one, at) => drawLine(one, at, { x, y, day }))),
    ...legend.map(({ left, row: below }, at) =>
      legendItem(lines[at], at, box.x + left, last + 13 + below * LEGEND_ROW, box.width),
    ),
  ].join('');
}

function noData(plot: Box): string {
  return words(
    plot.x + plot.width / 2,
    plot.y + plot.height / 2,
    'No data',
    'class="soft" text-anchor="middle"',
  );
}

interface Scales {
  readonly x: (atMs: number) => number;
  readonly y: (value: number) => number;
  readonly day: Recording;
}

/** A line through the values, broken where there are none; a dot where one stands alone. */
function drawLine({ series, color }: Line, place: number, { x, y, day }: Scales): string {
  const { values, periodSeconds } = series;
  const periods = periodsOf(day, periodSeconds);
  const spots = values
    .map((value, at) => ({ x: x((periods[at] ?? 0) * periodSeconds * 1000), value, at }))
    .filter(({ at, value }) => value === undefined || value !== values[at - 1] || value !== values[at + 1]);
  const path = line<(typeof spots)[number]>(
    (spot) => spot.x,
    ({ value = 0 }) => y(value),
  )
    .defined(({ value }) => value !== undefined)
    .digits(1);
  const alone = spots.flatMap(({ x: left, value, at }) =>
    value === undefined || values[at - 1] !== undefined || values[at + 1] !== undefined
      ? []
      : [`<circle ${look(place, color)} cx="${px(left)}" cy="${px(y(value))}" r="1.7"/>`],
  );
  return `<path ${look(place, color, 'line')} d="${path(spots) ?? ''}"/>${alone.join('')}`;
}

/** The class of a colour, and of the colour that the dashboard names, if it does. */
function look(place: number, color: string | undefined, rest = 'dot'): string {
  return color === undefined
    ? `class="${rest} c${place % COLORS}"`
    : `class="${rest}" style="color:${escaped(color)}"`;
}

function row({ x, width }: Box, y: number, text: string): string {
  return `<path class="grid" d="M${px(x)},${px(y)}h${px(width)}"/>${words(x - 5, y + 3.5, text, 'class="soft" font-size="10" text-anchor="end"')}`;
}

function hour({ x, y, width, height }: Box, left: number, atMs: number): string {
  const anchor = left <= x ? 'start' : left >= x + width ? 'end' : 'middle';
  return `<path class="grid" d="M${px(left)},${px(y + height)}v4"/>${words(left, y + height + 14, clock(atMs), `class="soft" font-size="10" text-anchor="${anchor}"`)}`;
}

function hours({ fromMs, toMs }: Recording): number[] {
  const count = Math.floor((toMs - fromMs) / HOUR_MS / EVERY_HOURS);
  return Array.from({ length: count + 1 }, (_, at) => fromMs + at * EVERY_HOURS * HOUR_MS);
}

/** Where each name of a legend begins: beside the one before, or on the next row. */
function placeLegend(
  lines: readonly Line[],
  width: number,
): { readonly left: number; readonly row: number }[] {
  let left = 0;
  let below = 0;
  return lines.map(({ label }) => {
    const needed = widthOf(label, 11) + 26;
    if (left > 0 && left + needed - 10 > width) {
      left = 0;
      below += 1;
    }
    const at = { left, row: below };
    left += needed;
    return at;
  });
}

function legendItem(item: Line | undefined, at: number, x: number, y: number, width: number): string {
  if (item === undefined) return '';
  return `<rect ${look(at, item.color)} x="${px(x)}" y="${px(y - 8)}" width="9" height="9"/>${words(x + 13, y, fitted(item.label, width - 13, 11), 'class="text"')}`;
}

/** `18:00` */
function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 16);
}

function words(x: number, y: number, text: string, attributes: string): string {
  return `<text x="${px(x)}" y="${px(y)}" ${attributes}>${escaped(text)}</text>`;
}

function px(pixels: number): string {
  return String(Math.round(pixels * 10) / 10);
}
