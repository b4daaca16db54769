import { join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { InvalidModelError, readModelFile } from '../cli/model-file.ts';
import { readSettings, refuseShortRetention, refuseUnkeptSessions, SettingsError } from '../lib/settings.ts';
import { AfterglowStack } from '../lib/stack.ts';
import { validate } from '../lib/validation.ts';

const projectDirectory = join(import.meta.dirname, '..');

const app = new App();
try {
  const settings = readSettings(app.node.getAllContext());
  const model = readModelFile(resolve(projectDirectory, settings.model));
  refuseShortRetention(settings, model.horizonDays);
  refuseUnkeptSessions(settings, model.attribution !== undefined);
  validate(app);
  new AfterglowStack(app, 'Afterglow', { stackName: settings.stackName, settings, model });
} catch (error) {
  // Wrong settings and a wrong model say in their message what to do, and no stack trace says it better.
  if (!(error instanceof SettingsError || error instanceof InvalidModelError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
