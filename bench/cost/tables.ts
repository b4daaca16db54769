// The stand-in for DynamoDB that tells what a call costs as AWS does, indexes and transactions included; dynalite does neither.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TableEngine, tableEngine } from '../../local/runner/engines.ts';
import { closeNow, listenLocally } from '../../local/runner/listen.ts';

const DYNOXIDE = join(import.meta.dirname, '../../node_modules/@dynoxide/linux-x64/dynoxide');

/** @throws Error on a machine that dynoxide does not run on */
export async function startDynoxide(): Promise<TableEngine> {
  if (!existsSync(DYNOXIDE))
    throw new Error('The bench of costs needs dynoxide, which runs on Linux x64: npm installs it there.');
  const probe = createServer();
  const port = await listenLocally(probe);
  closeNow(probe);
  const child = spawn(DYNOXIDE, ['serve', '--port', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child.stderr, 'data'); // It says that it listens.
  child.stderr.resume();
  return tableEngine(`http://127.0.0.1:${port}`, child);
}
