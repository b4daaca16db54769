import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { App, Duration, FileSystem, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { NodeFunction, type NodeFunctionProps } from '../../lib/node-function.ts';

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');

/** Bundles the doors in one app, and answers the folder that deploys of each. */
function bundle(...doors: Pick<NodeFunctionProps, 'door' | 'model'>[]): string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'afterglow-bundle-'));
  folders.push(outdir);
  const stack = new Stack(new App({ outdir, analyticsReporting: false }), 'Bundles');
  for (const [index, door] of doors.entries()) {
    new NodeFunction(stack, `Function${index}`, {
      ...door,
      description: String(index),
      timeout: Duration.seconds(1),
      memoryMb: 128,
      environment: {},
    });
  }

  const functions = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
  return doors.map((_, index) => {
    const { Properties } = functions.find((each) => each.Properties.Description === String(index)) ?? {};
    return join(outdir, `asset.${basename(Properties.Code.S3Key, '.zip')}`);
  });
}

test('deploys each door as one file, with its model beside those that score', () => {
  const [ingest = '', scorer = '', other = '', nightly = ''] = bundle(
    { door: 'ingest' },
    { door: 'scorer', model: { name: 'a model' } },
    { door: 'scorer', model: { name: 'another model' } },
    { door: 'nightly' },
  );

  expect(readdirSync(ingest)).toEqual(['index.js']);
  expect(readdirSync(scorer)).toEqual(['index.js', 'model.json']);
  expect(JSON.parse(read(scorer, 'model.json'))).toEqual({ name: 'a model' });
  expect(JSON.parse(read(other, 'model.json'))).toEqual({ name: 'another model' });
  expect(read(other, 'index.js')).toBe(read(scorer, 'index.js'));
  expect(read(nightly, 'index.js')).not.toBe(read(ingest, 'index.js'));
});

test('names an asset by what is in it, so that it changes on no other occasion', () => {
  const [first = ''] = bundle({ door: 'scorer', model: { name: 'a model' } });
  const [again = ''] = bundle({ door: 'scorer', model: { name: 'a model' } });
  const [other = ''] = bundle({ door: 'scorer', model: { name: 'another model' } });

  expect(basename(first)).toBe(`asset.${FileSystem.fingerprint(first)}`);
  expect(basename(again)).toBe(basename(first));
  expect(basename(other)).not.toBe(basename(first));
});
