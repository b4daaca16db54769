// The browser of these tests: a real one, without a window.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const FILE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** `describe` where there is a browser. Where there is none it passes over the tests and says so, but for CI, where they fail. */
export const describeInBrowser = canRun() ? describe : describe.skip;

function canRun(): boolean {
  if (existsSync(FILE) || process.env['CI'] === 'true') return true;
  process.stderr.write(
    `No ${FILE}: the tests in a browser are passed over. CHROMIUM may name another one.\n`,
  );
  return false;
}

/** @throws Error where there is none */
export async function startBrowser(): Promise<Browser> {
  // In a container there is no sandbox to be had, and little shared memory.
  return chromium.launch({ executablePath: FILE, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
