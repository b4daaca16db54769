// Draws docs/dashboard.svg from the dashboard's own definition and a recorded day of the demo: `node docs/dashboard-picture.ts`. A test
// holds the committed file to what this draws. `--record` plays the day anew first, which takes 20 minutes or more.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDashboard } from './dashboard/definition.ts';
import { drawDashboard } from './dashboard/picture.ts';
import { has, keepSamples, readRecording, writeRecording } from './dashboard/recording.ts';
import { synthesizedTemplate } from './dashboard/template.ts';

const RECORDING = join(import.meta.dirname, 'dashboard.json');
const PICTURE = join(import.meta.dirname, 'dashboard.svg');

/** The picture as an SVG document. @param say - told of metrics that the recording does not have */
export function drawDashboardPicture(say: (line: string) => void = () => {}): string {
  const widgets = readDashboard(synthesizedTemplate());
  const recording = readRecording(readFileSync(RECORDING, 'utf8'));
  const sources = widgets
    .flatMap((widget) => ('shown' in widget ? widget.shown : []))
    .map(({ source }) => source);
  for (const source of sources) {
    if ('name' in source && !has(recording, source))
      say(`No data of ${source.namespace} ${source.name} ${JSON.stringify(source.dimensions)}`);
  }
  return drawDashboard(widgets, recording);
}

if (import.meta.main) {
  if (process.argv.includes('--record')) {
    // Only here: who draws needs no system to run.
    const { measureDay } = await import('../local/demo-day.ts');
    const { startDynoxide } = await import('../bench/cost/tables.ts');
    const { samples, ...day } = await measureDay(startDynoxide, console.log);
    writeFileSync(RECORDING, writeRecording(keepSamples(day, samples)));
  }
  writeFileSync(PICTURE, drawDashboardPicture(console.log));
}
