// Draws docs/decay-chart.svg from `fold`: `node docs/decay-chart.ts`. A test holds the committed file to what this draws.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ASH, chart, GLOW, type Spot } from '../lambdas/explain/chart.ts';
import { fold } from '../lambdas/scoring/fold.ts';
import { checkModel } from '../lambdas/scoring/model.ts';

const DAY_MS = 86_400_000;
const DAYS = 90;
const POINTS = 40;
const HALF_LIFE_DAYS = 30;
/** HubSpot's own scoring lets points fade in steps: here half of them every 30 days. */
const STEP_DAYS = 30;

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

/** The chart as an SVG document. */
export function drawDecayChart(): string {
  const drawing = chart({ days: DAYS, low: 0, high: POINTS });
  const curve = glow().map((points, at): Spot => [at / 2, points]);
  const steps: Spot[] = [[0, POINTS]];
  for (let day = STEP_DAYS, points = POINTS; day <= DAYS; day += STEP_DAYS, points /= 2) {
    steps.push([day, points], [day, points / 2]);
  }
  return drawing.document(
    'Points left of one demo request over 90 days',
    "Afterglow's curve halves every 30 days; the other line drops by half after 30, 60 and 90 days.",
    [
      ...[0, 10, 20, 30, 40].map((points) => drawing.row(points)),
      ...[0, 15, 30, 45, 60, 75, 90].map((day) => drawing.column(day, `day ${day}`)),
      drawing.line(steps, 'stroke="#8c959f" stroke-width="2" stroke-dasharray="6 4"'),
      drawing.line(curve, `stroke="${GLOW}" stroke-width="3"`),
      drawing.words([32, 21], `in steps: half of it every ${STEP_DAYS} days`, `fill="${ASH}"`),
      drawing.words(
        [2, 13],
        `Afterglow: half-life ${HALF_LIFE_DAYS} days`,
        `fill="${GLOW}" font-weight="600"`,
      ),
    ],
  );
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'decay-chart.svg'), drawDecayChart());
