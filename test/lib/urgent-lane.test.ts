import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ContactTable } from '../../lib/contact-table.ts';
import { Scorer } from '../../lib/scorer.ts';
import { Secrets } from '../../lib/secrets.ts';
import { readSettings } from '../../lib/settings.ts';
import { WriteBack } from '../../lib/write-back.ts';

/** Scorer and write-back, with nothing bundled: another file proves the bundles. */
function synthesize(urgent: string): Template {
  const app = new App({ analyticsReporting: false, postCliContext: { 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(app, 'Test');
  const settings = readSettings({
    afterglow: { portalId: '48221593', model: 'models/b2b-saas.yaml', timeZone: 'Europe/Berlin' },
    'afterglow.writeBack.urgent': urgent,
  });
  const { identityKey, hubSpotToken } = new Secrets(stack, 'Secrets');
  const contacts = new ContactTable(stack, 'ContactTable');
  const common = { settings, model: { name: 'a model' }, contacts, identityKey };
  const { lanes } = new WriteBack(stack, 'WriteBack', { ...common, hubSpotToken });
  new Scorer(stack, 'Scorer', { ...common, lanes });
  return Template.fromStack(stack);
}

/** Where the scorer is told that the urgent lane is, and to which queues it may send. */
function ofScorer(template: Template) {
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  const environments = functions.map(({ Properties }) => Properties.Environment.Variables);
  const environment = environments.find((one) => one.POWERTOOLS_SERVICE_NAME === 'scorer');
  const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
  const [, policy] = policies.find(([id]) => id.startsWith('Scorer')) ?? [];
  const sendable = policy?.['Properties'].PolicyDocument.Statement.find(
    ({ Action }: { Action: unknown }) => Action === 'sqs:SendMessage',
  ).Resource;
  return { url: environment?.URGENT_QUEUE_URL, sendable: JSON.stringify(sendable) };
}

test('where it is on, the scorer knows it and may send to it', () => {
  const { url, sendable } = ofScorer(synthesize('true'));

  expect(url).toEqual({ Ref: expect.stringMatching(/^WriteBackUrgent/) });
  expect(sendable).toContain(url.Ref);
});

test('where it is off, the scorer knows nothing of it and may not send to it', () => {
  const { url, sendable } = ofScorer(synthesize('false'));

  expect(url).toBe('');
  expect(sendable).toContain('WriteBackChanges');
  expect(sendable).not.toContain('WriteBackUrgent');
});
