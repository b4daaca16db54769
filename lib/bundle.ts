import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import type { Door } from './node-function.ts';

const projectDirectory = join(import.meta.dirname, '..');
const handlersDirectory = join(projectDirectory, 'lambdas');

/** How esbuild makes one file of a door, with all that it needs besides Node.js. */
export function bundleSettings(door: Door) {
  return {
    absWorkingDir: projectDirectory,
    entryPoints: [join(handlersDirectory, `${door}.ts`)],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    alias: {
      'form-data': join(handlersDirectory, 'hubspot/no-form-data.ts'),
      '@aws-sdk/credential-provider-node': join(handlersDirectory, 'function-credentials.ts'),
    },
    legalComments: 'none',
    logLevel: 'silent',
  } satisfies BuildOptions;
}
