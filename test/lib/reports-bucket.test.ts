// The bucket of the monthly reports: there where the model credits deals, and of no use to anybody else.
import { Synthesized } from './synthesized.ts';

const SETTINGS = { portalId: '48221593', model: 'models/b2b-saas.yaml', timeZone: 'Europe/Berlin' };
const BUCKET = 'Reports/Bucket';

const plain = new Synthesized(SETTINGS);
const stack = new Synthesized(SETTINGS, { name: 'a model', attribution: { windowDays: 90 } });

/** Statements of a document, with resources called by where they stand in the code. */
function statementsOf(document: { readonly Statement: readonly Record<string, unknown>[] }) {
  return document.Statement.map(({ Action, Resource, ...rest }) => ({
    ...rest,
    actions: [Action].flat(),
    resources: [Resource].flat().map((resource) => stack.render(resource)),
  }));
}

test('there is none, and nothing about one, where the model does not credit deals', () => {
  expect(plain.ofType('AWS::S3::Bucket')).toEqual([]);
  expect(plain.template.Outputs).not.toHaveProperty('ReportsBucketName');
  expect(plain.environmentOf('Nightly/Function')).not.toHaveProperty('REPORTS_BUCKET_NAME');
});

test('where it does, nothing else of the stack is another', () => {
  const more = new Set(stack.pathsOf('AWS::S3::Bucket').concat(stack.pathsOf('AWS::S3::BucketPolicy')));
  const types = stack.resources.filter(({ path }) => !more.has(path)).map(({ path }) => path);

  expect(more.size).toBe(2);
  expect(types.toSorted()).toEqual(plain.resources.map(({ path }) => path).toSorted());
});

test('it is private, encrypted and kept when the stack goes', () => {
  const [bucket] = stack.ofType('AWS::S3::Bucket');

  expect(bucket?.path).toBe(BUCKET);
  expect(bucket?.DeletionPolicy).toBe('Retain');
  expect(bucket?.Properties).toMatchObject({
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
    },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  });
  expect(bucket?.Properties).not.toHaveProperty('VersioningConfiguration');
});

test('a month is deleted after thirteen more', () => {
  expect(stack.properties[BUCKET].LifecycleConfiguration.Rules).toEqual([
    { ExpirationInDays: 400, Status: 'Enabled' },
  ]);
});

test('what does not come over TLS is refused', () => {
  const [policy] = stack.ofType('AWS::S3::BucketPolicy');

  expect(statementsOf(policy?.Properties.PolicyDocument)).toEqual([
    {
      Effect: 'Deny',
      Principal: { AWS: '*' },
      actions: ['s3:*'],
      resources: [BUCKET, `${BUCKET}/*`],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ]);
});

test('the nights may put reports there, and nobody may do anything else', () => {
  const aboutS3 = stack.ofType('AWS::IAM::Policy').flatMap(({ Properties }) =>
    statementsOf(Properties.PolicyDocument)
      .filter(({ actions }) => actions.some((action) => String(action).startsWith('s3:')))
      .map(({ actions, resources }) => ({ role: stack.render(Properties.Roles[0]), actions, resources })),
  );

  expect(aboutS3).toEqual([
    { role: 'Nightly/FunctionRole', actions: ['s3:PutObject'], resources: [`${BUCKET}/reports/*`] },
  ]);
});

test('the nights and the commands are told where it is', () => {
  expect(stack.environmentOf('Nightly/Function')).toMatchObject({ REPORTS_BUCKET_NAME: BUCKET });
  expect(stack.render(stack.template.Outputs['ReportsBucketName']?.Value)).toBe(BUCKET);
});
