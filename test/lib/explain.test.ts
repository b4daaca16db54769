import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { ContactTable } from '../../lib/contact-table.ts';
import { Explain } from '../../lib/explain.ts';
import { readSettings } from '../../lib/settings.ts';

/** The construct alone, with nothing bundled: another file proves the bundles. */
function synthesize(): Template {
  const app = new App({ analyticsReporting: false, postCliContext: { 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(app, 'Test');
  const settings = readSettings({
    afterglow: {
      portalId: '48221593',
      model: 'models/b2b-saas.yaml',
      timeZone: 'Europe/Berlin',
      publicUrl: 'https://hooks.acme.example',
    },
  });
  const explain = new Explain(stack, 'Explain', {
    settings,
    model: { name: 'a model' },
    contacts: new ContactTable(stack, 'ContactTable'),
    api: new HttpApi(stack, 'Api', { createDefaultStage: false }),
  });
  stack.exportValue(explain.scoreUrl, { name: 'ScoreUrl' });
  return Template.fromStack(stack);
}

const template = synthesize();

test('takes only requests that IAM lets through', () => {
  const [route, ...others] = Object.values(template.findResources('AWS::ApiGatewayV2::Route'));

  expect(others).toEqual([]);
  expect(route?.['Properties']).toMatchObject({
    RouteKey: 'GET /contacts/{id}/score',
    AuthorizationType: 'AWS_IAM',
  });
});

test('may read rows of the table, and do nothing else anywhere', () => {
  const [policy, ...others] = Object.values(template.findResources('AWS::IAM::Policy'));
  const actions = policy?.['Properties'].PolicyDocument.Statement.flatMap(
    ({ Action }: { Action: string | string[] }) => Action,
  );

  expect(others).toEqual([]);
  expect(actions.toSorted()).toEqual(['dynamodb:Query', 'logs:CreateLogStream', 'logs:PutLogEvents']);
});

test('is told of the table and the portal, and of no secret', () => {
  const [lambda] = Object.values(template.findResources('AWS::Lambda::Function'));

  expect(lambda?.['Properties'].Environment.Variables).toEqual({
    POWERTOOLS_SERVICE_NAME: 'explain',
    POWERTOOLS_LOG_LEVEL: 'INFO',
    POWERTOOLS_METRICS_NAMESPACE: 'Test',
    PORTAL_ID: '48221593',
    TIME_ZONE: 'Europe/Berlin',
    CONTACT_TABLE_NAME: { Ref: expect.stringMatching(/^ContactTable/) },
  });
});

test("is found at the gateway's own address, which the signature of a request covers", () => {
  const [output] = Object.values(template.findOutputs('*'));

  expect(JSON.stringify(output)).toContain('/contacts/{id}/score');
  expect(JSON.stringify(output)).not.toContain('hooks.acme.example');
});
