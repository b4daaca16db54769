// The stack as CloudFormation will get it, with resources called by where they stand in the code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readSettings } from '../../lib/settings.ts';
import { AfterglowStack } from '../../lib/stack.ts';

export const PROJECT = join(import.meta.dirname, '../..');

/** A piece of the template, of any shape: the CDK types it no further, and each test says what it expects. */
export type Piece = ReturnType<Template['toJSON']>[string];

interface Resource {
  readonly Type: string;
  readonly Properties: Piece;
  readonly Metadata?: Record<string, string>;
  readonly DeletionPolicy?: string;
}

/** What `cdk.json` says besides the settings: the flags with which the stack deploys. */
function flags(): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(PROJECT, 'cdk.json'), 'utf8'));
  return { ...context, 'aws:cdk:enable-path-metadata': true };
}

/** An app with the flags that deploy, and without bundling, which another file proves. */
export function deployableApp(): App {
  return new App({
    analyticsReporting: false,
    context: flags(),
    postCliContext: { 'aws:cdk:bundling-stacks': [] },
  });
}

/** A compiled model that asks for nothing but scores. */
const PLAIN_MODEL = { name: 'a model' };

export function afterglowStack(
  app: App,
  given: Readonly<Record<string, unknown>>,
  model: object = PLAIN_MODEL,
): AfterglowStack {
  const settings = readSettings({ afterglow: given });
  const { stackName } = settings;
  return new AfterglowStack(app, 'Afterglow', { stackName, settings, model });
}

/** Synthesizes the stack, which takes seconds: once in a file. */
export class Synthesized {
  readonly template: {
    readonly Resources: Record<string, Resource>;
    readonly Outputs: Record<string, Piece>;
  };

  constructor(settings: Readonly<Record<string, unknown>>, model?: object) {
    const stack = afterglowStack(deployableApp(), settings, model);
    const { Resources, Outputs } = Template.fromStack(stack).toJSON();
    this.template = { Resources, Outputs };
  }

  /** All resources, by path: `Scorer/Events`. */
  get resources() {
    return Object.entries(this.template.Resources).map(([id, resource]) => ({
      ...resource,
      path: this.pathOf(id),
    }));
  }

  /** Properties by the path of their resource. */
  get properties(): Record<string, Piece> {
    return Object.fromEntries(this.resources.map(({ path, Properties }) => [path, Properties]));
  }

  /** The name of a resource in these tests: where it stands in the code, as in `Scorer/Events`. */
  pathOf(logicalId: string): string {
    const path = this.template.Resources[logicalId]?.Metadata?.['aws:cdk:path'] ?? logicalId;
    return path.replace(/^Afterglow\//, '').replace(/(\/Default)?\/Resource$/, '');
  }

  /** A value of the template as text, with the path of a resource where CloudFormation will put its name or ARN. */
  render(value: Piece): string {
    if (typeof value !== 'object' || value === null) return String(value);
    if ('Ref' in value) return this.pathOf(value.Ref);
    if ('Fn::GetAtt' in value) return this.pathOf(value['Fn::GetAtt'][0]);
    if ('Fn::Join' in value) {
      const [separator, parts] = value['Fn::Join'];
      return parts.map((part: Piece) => this.render(part)).join(separator);
    }
    return JSON.stringify(value);
  }

  ofType(type: string) {
    return this.resources.filter(({ Type }) => Type === type);
  }

  pathsOf(type: string): string[] {
    return sorted(this.ofType(type).map(({ path }) => path));
  }

  environmentOf(path: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.properties[path].Environment.Variables).map(([name, value]) => [
        name,
        this.render(value),
      ]),
    );
  }
}

export const sorted = (texts: readonly string[]): string[] =>
  texts.toSorted((one, other) => (one < other ? -1 : 1));
