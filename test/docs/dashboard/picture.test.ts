import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shown, Widget } from '../../../docs/dashboard/definition.ts';
import { drawDashboard } from '../../../docs/dashboard/picture.ts';
import { keepSamples } from '../../../docs/dashboard/recording.ts';
import { fitted, widthOf } from '../../../docs/dashboard/words.ts';
import { drawDashboardPicture } from '../../../docs/dashboard-picture.ts';

const DOCS = join(import.meta.dirname, '../../../docs');
const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
const HOUR_MS = 3_600_000;
const METRIC = { namespace: 'N', name: 'm', dimensions: { d: '1' } };

test('docs/dashboard.svg shows the dashboard as it is: else run `npm run docs:dashboard`, and look at it', () => {
  const isCurrent = readFileSync(join(DOCS, 'dashboard.svg'), 'utf8') === drawDashboardPicture();

  expect(isCurrent).toBe(true);
});

test('the picture is small, and loads and runs nothing', () => {
  const svg = readFileSync(join(DOCS, 'dashboard.svg'), 'utf8');

  expect(svg.length).toBeLessThan(200_000);
  expect(svg).not.toMatch(/<script|<image|href=|url\(/);
});

/** A day with values at hours of it. */
function dayOf(values: readonly (readonly [hour: number, value: number])[]) {
  const samples = values.map(([hour, value]) => ({ ...METRIC, atMs: NOON_MS + hour * HOUR_MS, value }));
  return keepSamples({ fromMs: NOON_MS, toMs: NOON_MS + 24 * HOUR_MS, contacts: 42 }, samples);
}

const SHOWN: Shown = {
  label: 'calls & answers',
  isVisible: true,
  color: undefined,
  id: undefined,
  source: { ...METRIC, stat: 'Sum', periodSeconds: 3600 },
};
const PLACE = { x: 0, y: 0, width: 24, height: 6 };
const GRAPH: Widget = { ...PLACE, type: 'timeSeries', title: 'Graph', shown: [SHOWN], unit: 'count', min: 0 };

/** The spots of a picture's one line: pieces of `[x, y]`. */
function spotsOf(svg: string): number[][][] {
  const path = /<path class="line c0" d="([^"]*)"/.exec(svg)?.[1] ?? '';
  return path
    .split('M')
    .slice(1)
    .map((piece) =>
      piece.split('L').map((spot) => spot.split(',').map((number) => Number.parseFloat(number))),
    );
}

test('a line goes through the values, and is broken where there are none', () => {
  const svg = drawDashboard(
    [GRAPH],
    dayOf([
      [0, 0],
      [6, 50],
      [7, 100],
      [8, 100],
      [9, 100],
      [12, 30],
    ]),
  );

  const [, piece = []] = spotsOf(svg);
  const [[left = 0, bottom = 0] = []] = spotsOf(svg)[0] ?? [];
  // 1000 pixels, less margin 12, gap 4 and padding 10 at both sides, and 36 for the numbers: 912 for 24 hours, 38 an hour.
  expect(left).toBe(62);
  expect(piece.map(([x = 0]) => (x - left) / 38)).toEqual([6, 7, 9]); // What is level needs no spot between its ends.
  const heights = piece.map(([, y = 0]) => bottom - y);
  expect(heights[1]).toBeCloseTo(2 * (heights[0] ?? 0), 0);
  expect(heights[2]).toBe(heights[1]);
  expect(svg.match(/<circle class="dot c0"/g)).toHaveLength(2); // At noon and at midnight, alone.
});

test('axes have round numbers, hours of the day and the unit, a legend the names', () => {
  const svg = drawDashboard([GRAPH], dayOf([[3, 23_400]]));

  for (const text of ['0', '10k', '20k', '12:00', '18:00', '00:00', '06:00', 'count', 'calls &amp; answers'])
    expect(svg).toContain(`>${text}</text>`);
  expect(svg).toContain('Demo portal of 42 contacts');
});

test('a graph without data says so', () => {
  const svg = drawDashboard([GRAPH], dayOf([]));

  expect(svg).toContain('>No data</text>');
  expect(svg).not.toContain('class="line');
});

test('a number is the newest value', () => {
  const widget: Widget = { ...PLACE, type: 'singleValue', title: 'Numbers', shown: [SHOWN] };

  expect(
    drawDashboard(
      [widget],
      dayOf([
        [1, 7],
        [5, 1230],
      ]),
    ),
  ).toContain('>1,230</text>');
  expect(
    drawDashboard(
      [widget],
      dayOf([
        [5, 0.012],
        [5, 0.000_345],
      ]),
    ),
  ).toContain('>0.0123</text>');
  expect(drawDashboard([widget], dayOf([]))).toContain('>–</text>');
});

test('alarms stand with their states, counted', () => {
  const alarm = {
    comparison: 'GreaterThanThreshold',
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    missing: 'notBreaching',
    ignoresFew: false,
    shown: [SHOWN],
  } as const;
  const widget: Widget = {
    ...PLACE,
    type: 'alarm',
    title: 'Alarms',
    alarms: [
      { ...alarm, name: 'Above', threshold: 10 },
      { ...alarm, name: 'Below', threshold: 30 },
      {
        ...alarm,
        name: 'Never',
        threshold: 10,
        missing: 'missing',
        shown: [{ ...SHOWN, source: { ...METRIC, name: 'x', stat: 'Sum', periodSeconds: 3600 } }],
      },
    ],
  };

  const svg = drawDashboard([widget], dayOf([[23, 20]]));

  expect(svg).toContain('>In alarm (1) · Insufficient data (1) · OK (1)</text>');
  expect(
    [...svg.matchAll(/<circle class="(\w+)"[^>]*\/><text[^>]*>(\w+)</g)].map(([, look, name]) => [
      name,
      look,
    ]),
  ).toEqual([
    ['Above', 'alarm'],
    ['Below', 'ok'],
    ['Never', 'unknown'],
  ]);
});

test('names of a legend stand side by side while there is room, and then below', () => {
  const names = ['one name', 'another name', 'a name of middling length for a row', 'x'];
  const widget: Widget = { ...GRAPH, width: 8, shown: names.map((label) => ({ ...SHOWN, label })) };

  const svg = drawDashboard([widget], dayOf([[3, 1]]));
  const at = names.map(
    (name) =>
      new RegExp(`<text x="([\\d.]+)" y="([\\d.]+)"[^>]*>${name}<`).exec(svg)?.slice(1).map(Number) ?? [],
  );

  expect(at.map(([, y]) => y)).toEqual([154, 154, 170, 170].map((y) => y - 154 + (at[0]?.[1] ?? 0)));
  expect(at[1]?.[0]).toBeGreaterThan((at[0]?.[0] ?? 0) + widthOf('one name', 11));
});

test('what does not fit is cut, as the console does', () => {
  expect(fitted('Calls', 100, 12)).toBe('Calls');
  const cut = fitted('A title that is much too long for a quarter of the page', 120, 12, true);
  expect(cut).toMatch(/^A title that .*\w…$/);
  expect(widthOf(cut, 12, true)).toBeLessThanOrEqual(120);
});
