#!/usr/bin/env node
import { Command } from 'commander';
import { HubSpotError } from '../lambdas/hubspot/answer.ts';
import { outputProperties } from '../lambdas/hubspot/outputs.ts';
import {
  PropertyMismatchError,
  type Provisioned,
  provisionContactProperties,
} from '../lambdas/hubspot/properties.ts';
import { explain, formatExplanation } from './explain.ts';
import { InvalidModelError, readModelFile } from './model-file.ts';
import { sendEvents } from './send.ts';
import { findTarget, readLocalModel, UsageError } from './target.ts';

interface CommonOptions {
  readonly stack?: string;
  readonly json?: true;
  readonly model?: string;
}

const program = new Command('afterglow')
  .description('Lead scoring for HubSpot. Speaks to the local system unless --stack names one in AWS.')
  .showHelpAfterError()
  .configureHelp({ showGlobalOptions: true });

function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option(
      '--stack <name>',
      'an Afterglow stack in AWS, reached with the usual credentials; default: the local system',
    )
    .option('--json', 'one JSON object on standard output');
}

command(
  'provision',
  "create Afterglow's property group and contact properties in HubSpot; running it again changes nothing",
)
  .option('--model <file>', 'scoring model whose grades the grade property offers')
  .action(async ({ stack, json, model }: CommonOptions) => {
    const target = await findTarget(stack);
    const done: Provisioned[] = [];
    await provisionContactProperties(
      target.hubspotUrl,
      target.send,
      outputProperties(readModelFile(model ?? readLocalModel(stack))),
      (one) => {
        done.push(one);
        if (!json) console.log(`${one.name}: ${one.did}`);
      },
    );
    if (json) console.log(JSON.stringify({ properties: done }));
  });

command('send', 'sign webhook events as HubSpot does and post them')
  .argument('<file>', 'JSON file with an array of events, - for standard input')
  .action(async (file: string, { stack, json }: CommonOptions) => {
    const answer = await sendEvents(await findTarget(stack), file);
    console.log(json ? JSON.stringify(answer) : `${answer.status} ${answer.body}`);
    if (answer.status >= 300) process.exitCode = 1;
  });

command('explain', 'why a contact has its score: every term, when it changes next, how far the next grade is')
  .argument('<contact>', 'HubSpot record id of the contact')
  .option('--model <file>', 'scoring model; default: the one that is deployed')
  .action(async (contact: string, { stack, json, model }: CommonOptions) => {
    const target = await findTarget(stack);
    const explanation = await explain(target, readModelFile(model ?? readLocalModel(stack)), contact);
    console.log(json ? JSON.stringify(explanation) : formatExplanation(explanation, target.timeZone));
  });

try {
  await program.parseAsync();
} catch (error) {
  const isForThem = [UsageError, InvalidModelError, HubSpotError, PropertyMismatchError].some(
    (kind) => error instanceof kind,
  );
  console.error(isForThem && error instanceof Error ? `afterglow: ${error.message}` : error);
  process.exitCode = 1;
}
