// Starts the local system, one function idle and one busy, prints the ids of its processes and waits to be killed.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { startLocalSystem } from '../../../local/runner/local-system.ts';

const [, , assemblyDirectory = ''] = process.argv;
const system = await startLocalSystem({
  assemblyDirectory,
  ingestPort: 0,
  hubspotUrl: 'http://127.0.0.1:9',
  hubspotAccessToken: 'token',
  clientSecret: 'client',
  signalsSecret: 'signals',
  logDirectory: `${assemblyDirectory}/logs`,
  log: () => {},
});
await system.invoke('nightly', {});
void system.invoke('scorer', { Records: [{ body: '{"hang":true}' }] });
while (!(await readFile(`${assemblyDirectory}/notes`, 'utf8')).includes('hang')) await pause(20);
console.log(JSON.stringify(await system.pids()));
