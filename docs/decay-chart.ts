// Draws docs/decay-chart.svg from `fold`: `node docs/decay-chart.ts`. A test holds the committed file to what this draws.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fold } from '../lambdas/scoring/fold.ts';
import { checkModel } from '../lambdas/scoring/model.ts';

const DAY_MS = 86_400_000;
const DAYS = 90;
const POINTS = 40;
const HALF_LIFE_DAYS = 30;
/** HubSpot's own scoring lets points fade in steps: here half of them every 30 days. */
const STEP_DAYS = 30;

const WIDTH = 720;
const HEIGHT = 300;
const LEFT = 48;
const BOTTOM = 40;
const TOP = 24;
const RIGHT = 16;

/** The engagement left of one demo request, day by day, as the product folds it. */
function glow(): number[] {
  const checked = checkModel({
    name: 'chart',
    fit: { rules: [] },
    engagement: {
      signals: [
        {
          id: 'demo',
          title: 'Asked for a demo',
          from: { kind: 'signal', signal: 'demo.requested' },
          points: POINTS,
          halfLifeDays: HALF_LIFE_DAYS,
        },
      ],
    },
    grades: { bands: [{ grade: 'A', from: 0 }] },
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  const known = { properties: [], facts: [{ key: 'one', name: 'signal:demo.requested', occurredAtMs: 0 }] };
  return days(0.5).map((day) => fold(checked.model, known, day * DAY_MS).engagement / 1000);
}

function days(step: number): number[] {
  return Array.from({ length: DAYS / step + 1 }, (_, at) => at * step);
}

const x = (day: number): number => LEFT + (day / DAYS) * (WIDTH - LEFT - RIGHT);
const y = (points: number): number => HEIGHT - BOTTOM - (points / POINTS) * (HEIGHT - BOTTOM - TOP);
const point = (day: number, points: number): string => `${x(day).toFixed(1)},${y(points).toFixed(1)}`;

/** The chart as an SVG document. */
export function drawDecayChart(): string {
  const curve = glow().map((points, at) => point(at / 2, points));
  const steps = [point(0, POINTS)];
  for (let day = STEP_DAYS, points = POINTS; day <= DAYS; day += STEP_DAYS, points /= 2) {
    steps.push(point(day, points), point(day, points / 2));
  }
  const rows = [0, 10, 20, 30, 40].map(
    (points) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(points)}" y2="${y(points)}" stroke="#d8dee4"/><text x="${LEFT - 8}" y="${y(points) + 4}" text-anchor="end">${points}</text>`,
  );
  const columns = [0, 15, 30, 45, 60, 75, 90].map(
    (day) =>
      `<text x="${x(day).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="${day === DAYS ? 'end' : 'middle'}">day ${day}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#57606a" role="img" aria-label="Points left of one demo request over 90 days: Afterglow's curve halves every 30 days, the other line drops by half after 30, 60 and 90 days">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
${rows.join('\n')}
${columns.join('\n')}
<polyline points="${steps.join(' ')}" fill="none" stroke="#8c959f" stroke-width="2" stroke-dasharray="6 4"/>
<polyline points="${curve.join(' ')}" fill="none" stroke="#d1570a" stroke-width="3"/>
<text x="${x(32)}" y="${y(21)}" fill="#57606a">in steps: half of it every ${STEP_DAYS} days</text>
<text x="${x(2)}" y="${y(13)}" fill="#d1570a" font-weight="600">Afterglow: half-life ${HALF_LIFE_DAYS} days</text>
</svg>
`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'decay-chart.svg'), drawDecayChart());
