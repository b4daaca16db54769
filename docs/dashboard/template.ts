import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { readSettings } from '../../lib/settings.ts';
import { AfterglowStack } from '../../lib/stack.ts';
import { parseTemplate, type Template } from '../../local/runner/template.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Synthesizes the stack as `cdk.json` sets it up; without its bundles, which the dashboard does not show. */
export function synthesizedTemplate(): Template {
  const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
  const app = new App({
    analyticsReporting: false,
    context,
    postCliContext: { 'aws:cdk:bundling-stacks': [] },
  });
  const stack = new AfterglowStack(app, 'Afterglow', {
    settings: readSettings(context),
    model: { name: 'none' },
  });
  return parseTemplate(app.synth().getStackByName(stack.stackName).template);
}
