// Expected decisions are those of the IAM user guide; each table names its page.
import fc from 'fast-check';
import type { Context } from '../../../local/policies/conditions.ts';
import { readStatements } from '../../../local/policies/documents.ts';
import { evaluate } from '../../../local/policies/evaluate.ts';

const CARLOS = 'arn:aws:iam::123456789012:user/carlossalazar';
const ROLE = 'arn:aws:iam::123456789012:role/worker';

interface Asked {
  readonly action: string;
  readonly resource?: string;
  readonly principal?: string;
  readonly context?: Context;
}

const document = (statements: object[]) => readStatements({ Version: '2012-10-17', Statement: statements });

/** @param attached - policies by the ARN of the resource on which they hang */
function decide(asked: Asked, ofRole: object[], attached: Readonly<Record<string, object[]>> = {}) {
  return evaluate(
    { principal: ROLE, resource: '*', context: {}, ...asked },
    {
      ofRole: document(ofRole),
      ofResources: Object.entries(attached).map(([arn, statements]) => ({
        attachedTo: [arn],
        statements: document(statements),
      })),
    },
  );
}

describe('the example of an identity-based and a resource-based policy (Policy evaluation for requests within a single account)', () => {
  const LOGS = 'arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar-logs';
  const ofUser = [
    {
      Sid: 'AllowS3ListRead',
      Effect: 'Allow',
      Action: [
        's3:GetBucketLocation',
        's3:GetAccountPublicAccessBlock',
        's3:ListAccessPoints',
        's3:ListAllMyBuckets',
      ],
      Resource: 'arn:aws:s3:::*',
    },
    {
      Sid: 'AllowS3Self',
      Effect: 'Allow',
      Action: 's3:*',
      Resource: [
        'arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar/*',
        'arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar',
      ],
    },
    { Sid: 'DenyS3Logs', Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::*log*' },
  ];
  const ofBucket = [
    { Effect: 'Allow', Principal: { AWS: CARLOS }, Action: 's3:*', Resource: [`${LOGS}/*`, LOGS] },
  ];

  test.each([
    {
      action: 's3:PutObject',
      resource: 'arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar/report.txt',
      expected: 'allowed',
      because: 'he may do everything with his bucket',
    },
    {
      action: 's3:PutObject',
      resource: LOGS,
      expected: 'explicitly denied',
      because: 'the deny of his policy overrides the allow of the bucket',
    },
    {
      action: 's3:ListAllMyBuckets',
      resource: 'arn:aws:s3:::anything',
      expected: 'allowed',
      because: 'it is listed',
    },
    {
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::somebody-elses/file',
      expected: 'implicitly denied',
      because: 'nothing speaks of it',
    },
  ])('$action of $resource is $expected: $because', ({ action, resource, expected }) => {
    const asked = { action, resource, principal: CARLOS };

    expect(decide(asked, ofUser, { [LOGS]: ofBucket })).toBe(expected);
  });

  test('either of the two policies suffices to allow', () => {
    expect(
      decide({ action: 's3:GetObject', resource: LOGS, principal: CARLOS }, [], { [LOGS]: ofBucket }),
    ).toBe('allowed');
    expect(
      decide({ action: 's3:GetObject', resource: LOGS, principal: ROLE }, [], { [LOGS]: ofBucket }),
    ).toBe('implicitly denied');
  });
});

describe('whom a policy on a resource speaks of (AWS JSON policy elements: Principal)', () => {
  const QUEUE = 'arn:aws:sqs:us-east-1:123456789012:queue1';
  const of = (Effect: string, Principal: unknown) => ({
    [QUEUE]: [{ Effect, Principal, Action: 'sqs:SendMessage', Resource: QUEUE }],
  });

  test.each([
    { principal: '*', allow: 'allowed', deny: 'explicitly denied', because: 'everybody' },
    { principal: { AWS: '*' }, allow: 'allowed', deny: 'explicitly denied', because: 'everybody' },
    { principal: { AWS: ROLE }, allow: 'allowed', deny: 'explicitly denied', because: 'the role itself' },
    {
      principal: { AWS: 'arn:aws:iam::123456789012:root' },
      allow: 'implicitly denied',
      deny: 'explicitly denied',
      because: 'an account may let its roles; to deny it denies them',
    },
    {
      principal: { AWS: '123456789012' },
      allow: 'implicitly denied',
      deny: 'explicitly denied',
      because: 'the short form of the same',
    },
    {
      principal: { Service: 'cloudwatch.amazonaws.com' },
      allow: 'implicitly denied',
      deny: 'implicitly denied',
      because: 'a service is no role',
    },
    {
      principal: { AWS: 'arn:aws:iam::999999999999:root' },
      allow: 'implicitly denied',
      deny: 'implicitly denied',
      because: 'another account',
    },
  ])('$principal: $because', ({ principal, allow, deny }) => {
    const asked = { action: 'sqs:SendMessage', resource: QUEUE };
    const own = [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE }];

    expect(decide(asked, [], of('Allow', principal))).toBe(allow);
    expect(decide(asked, own, of('Deny', principal))).toBe(deny === 'explicitly denied' ? deny : 'allowed');
  });

  test('it speaks of the resource on which it hangs, and of no other', () => {
    const policy = { Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: '*' };
    const own = [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' }];

    expect(decide({ action: 'sqs:SendMessage', resource: `${QUEUE}2` }, own, { [QUEUE]: [policy] })).toBe(
      'allowed',
    );
    expect(decide({ action: 'sqs:SendMessage', resource: QUEUE }, own, { [QUEUE]: [policy] })).toBe(
      'explicitly denied',
    );
  });
});

test.each([
  { pattern: 'iam:*AccessKey*', action: 'iam:CreateAccessKey', expected: 'allowed' },
  { pattern: 'iam:*AccessKey*', action: 'iam:ListAccessKeys', expected: 'allowed' },
  { pattern: 'iam:*AccessKey*', action: 'iam:ListUsers', expected: 'implicitly denied' },
  { pattern: 'iam:ListAccessKeys', action: 'IAM:listaccesskeys', expected: 'allowed' },
  { pattern: 'sqs:*', action: 'sqs:SendMessage', expected: 'allowed' },
  { pattern: 'sqs:*', action: 'sns:Publish', expected: 'implicitly denied' },
  { pattern: '*', action: 's3:GetObject', expected: 'allowed' },
  { pattern: 's3:Get?bject', action: 's3:GetObject', expected: 'allowed' },
  { pattern: 's3:Get?Object', action: 's3:GetObject', expected: 'implicitly denied' },
  { pattern: 's3:Get', action: 's3:GetObject', expected: 'implicitly denied' },
])(
  'Action $pattern and $action: $expected (IAM JSON policy elements: Action)',
  ({ pattern, action, expected }) => {
    expect(decide({ action }, [{ Effect: 'Allow', Action: pattern, Resource: '*' }])).toBe(expected);
  },
);

test.each([
  {
    pattern: 'arn:aws:s3:::amzn-s3-demo-bucket/test/*',
    matches: ['test/1/object.jpg', 'test/3/object.txt', 'test/5/object_1/object.txt'],
    others: ['other/object.jpg', 'test'],
  },
  {
    pattern: 'arn:aws:s3:::amzn-s3-demo-bucket/*/test/object*',
    matches: ['1/test/object.jpg', 'a/b/test/objects'],
    others: ['test/object.jpg', '1/test/jpg'],
  },
  {
    pattern: 'arn:aws:s3:::amzn-s3-demo-bucket/??/test',
    matches: ['12/test'],
    others: ['1/test', '123/test'],
  },
])('Resource $pattern (IAM JSON policy elements: Resource)', ({ pattern, matches, others }) => {
  const decided = (key: string) =>
    decide({ action: 's3:GetObject', resource: `arn:aws:s3:::amzn-s3-demo-bucket/${key}` }, [
      { Effect: 'Allow', Action: 's3:GetObject', Resource: pattern },
    ]);

  expect(matches.map(decided)).toEqual(matches.map(() => 'allowed'));
  expect(others.map(decided)).toEqual(others.map(() => 'implicitly denied'));
});

test.each([
  {
    pattern: 'arn:aws:sqs:us-*:123456789012:q',
    arn: 'arn:aws:sqs:us-east-1:123456789012:q',
    expected: 'allowed',
  },
  {
    pattern: 'arn:aws:sqs:*:q',
    arn: 'arn:aws:sqs:us-east-1:123456789012:q',
    expected: 'implicitly denied',
    because: 'a wildcard in the middle stays within its part',
  },
  {
    pattern: 'arn:aws:sqs:*',
    arn: 'arn:aws:sqs:us-east-1:123456789012:q',
    expected: 'allowed',
    because: 'in the last part it reaches past colons',
  },
  {
    pattern: 'arn:aws:logs:us-east-1:123456789012:log-group:a:*',
    arn: 'arn:aws:logs:us-east-1:123456789012:log-group:a:log-stream:b',
    expected: 'allowed',
  },
  {
    pattern: 'arn:aws:logs:us-east-1:123456789012:log-group:a:*',
    arn: 'arn:aws:logs:us-east-1:123456789012:log-group:ab:log-stream:b',
    expected: 'implicitly denied',
  },
  {
    pattern: 'arn:aws:sqs:us-east-1:123456789012:Q',
    arn: 'arn:aws:sqs:us-east-1:123456789012:q',
    expected: 'implicitly denied',
    because: 'names of resources differ by their case',
  },
  {
    pattern: 'arn:aws:dynamodb:us-east-1:123456789012:table/t',
    arn: 'arn:aws:dynamodb:us-east-1:123456789012:table/t/index/i',
    expected: 'implicitly denied',
    because: 'an index is another resource',
  },
  { pattern: 'arn:aws:dynamodb:us-east-1:123456789012:table/t', arn: '*', expected: 'implicitly denied' },
  {
    pattern: 'arn:aws:s3:::*',
    arn: 'arn:aws:s3',
    expected: 'implicitly denied',
    because: 'it lacks parts',
  },
])('Resource $pattern and $arn: $expected', ({ pattern, arn, expected }) => {
  expect(
    decide({ action: 'x:Y', resource: arn }, [{ Effect: 'Allow', Action: 'x:Y', Resource: pattern }]),
  ).toBe(expected);
});

test('NotAction and NotResource mean everything else (IAM JSON policy elements: NotAction, NotResource)', () => {
  const allButIam = [{ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }];
  const HR = 'arn:aws:s3:::HRBucket';
  const denyAllButHr = [
    { Effect: 'Allow', Action: 's3:*', Resource: '*' },
    { Effect: 'Deny', Action: 's3:*', NotResource: [`${HR}/Payroll`, `${HR}/Payroll/*`] },
  ];

  expect(decide({ action: 'ec2:RunInstances' }, allButIam)).toBe('allowed');
  expect(decide({ action: 'iam:CreateUser' }, allButIam)).toBe('implicitly denied');
  expect(decide({ action: 's3:GetObject', resource: `${HR}/Payroll/july` }, denyAllButHr)).toBe('allowed');
  expect(decide({ action: 's3:GetObject', resource: `${HR}/Other` }, denyAllButHr)).toBe('explicitly denied');
});

test('a deny wins wherever it stands, and without an allow all is denied', () => {
  const statement = fc.record({
    Effect: fc.constantFrom('Allow', 'Deny'),
    Action: fc.constantFrom('sqs:SendMessage', 'sqs:*', 'sns:Publish'),
    Resource: fc.constant('*'),
  });
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), (statements) => {
      const applying = statements.filter(({ Action }) => Action.startsWith('sqs:'));
      const isDenied = applying.some(({ Effect }) => Effect === 'Deny');
      const isAllowed = !isDenied && applying.length > 0;

      expect(decide({ action: 'sqs:SendMessage' }, statements)).toBe(
        isDenied ? 'explicitly denied' : isAllowed ? 'allowed' : 'implicitly denied',
      );
    }),
  );
});

const when = (Condition: object, context: Context) =>
  decide({ action: 'x:Y', context }, [{ Effect: 'Allow', Action: 'x:Y', Resource: '*', Condition }]) ===
  'allowed';

interface ConditionRow {
  readonly condition: object;
  readonly context: Context;
  readonly expected: boolean;
  readonly because: string;
}

describe('conditions (IAM JSON policy elements: Condition operators)', () => {
  test.each<ConditionRow>([
    {
      condition: { Bool: { 'aws:SecureTransport': 'true' } },
      context: { 'aws:SecureTransport': 'true' },
      expected: true,
      because: 'equal',
    },
    {
      condition: { Bool: { 'aws:SecureTransport': true } },
      context: { 'aws:SecureTransport': 'true' },
      expected: true,
      because: 'a boolean may be written as one',
    },
    {
      condition: { Bool: { 'aws:SecureTransport': 'false' } },
      context: { 'aws:SecureTransport': 'true' },
      expected: false,
      because: 'not equal',
    },
    {
      condition: { Bool: { 'aws:SecureTransport': 'false' } },
      context: {},
      expected: false,
      because: 'a key that is not there does not match',
    },
    {
      condition: { BoolIfExists: { 'aws:SecureTransport': 'false' } },
      context: {},
      expected: true,
      because: 'but with IfExists',
    },
    {
      condition: { BoolIfExists: { 'aws:SecureTransport': 'false' } },
      context: { 'aws:SecureTransport': 'true' },
      expected: false,
      because: 'which compares where the key is there',
    },
    {
      condition: { StringEquals: { 'aws:PrincipalTag/job-category': 'iamuser-admin' } },
      context: { 'aws:PrincipalTag/job-category': 'iamuser-admin' },
      expected: true,
      because: 'equal',
    },
    {
      condition: { StringEquals: { 'aws:principaltag/JOB-category': 'iamuser-admin' } },
      context: { 'aws:PrincipalTag/job-category': 'iamuser-admin' },
      expected: true,
      because: 'names of keys are the same in any case',
    },
    {
      condition: { StringEquals: { 'aws:PrincipalTag/job-category': 'iamuser-admin' } },
      context: { 'aws:PrincipalTag/job-category': 'iamUser-Admin' },
      expected: false,
      because: 'values are not',
    },
    {
      condition: { StringEquals: { 'aws:username': ['one', 'two'] } },
      context: { 'aws:username': 'two' },
      expected: true,
      because: 'one of the values suffices',
    },
    {
      condition: { StringEquals: { 'aws:username': 'one', 'aws:userid': 'x' } },
      context: { 'aws:username': 'one', 'aws:userid': 'y' },
      expected: false,
      because: 'all keys have to hold',
    },
    {
      condition: { StringEquals: { 'aws:username': 'one' }, Bool: { 'aws:SecureTransport': 'true' } },
      context: { 'aws:username': 'one', 'aws:SecureTransport': 'false' },
      expected: false,
      because: 'and all operators',
    },
    {
      condition: { StringNotEquals: { 'aws:username': ['one', 'two'] } },
      context: { 'aws:username': 'two' },
      expected: false,
      because: 'none of the values may be it',
    },
    {
      condition: { StringNotEquals: { 'aws:username': ['one', 'two'] } },
      context: { 'aws:username': 'three' },
      expected: true,
      because: 'none is',
    },
    {
      condition: { StringNotEquals: { 'aws:username': 'one' } },
      context: {},
      expected: true,
      because: 'what is not there is not it',
    },
    {
      condition: { StringLike: { 's3:prefix': 'home/*' } },
      context: { 's3:prefix': 'home/carlos' },
      expected: true,
      because: 'a wildcard',
    },
    {
      condition: { StringEquals: { 's3:prefix': 'home/*' } },
      context: { 's3:prefix': 'home/carlos' },
      expected: false,
      because: 'is none in StringEquals',
    },
    {
      condition: { StringNotLike: { 's3:prefix': 'home/*' } },
      context: { 's3:prefix': 'home/carlos' },
      expected: false,
      because: 'negated',
    },
    {
      condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:sns:us-east-1:123456789012:*' } },
      context: { 'aws:SourceArn': 'arn:aws:sns:us-east-1:123456789012:t' },
      expected: true,
      because: 'part by part',
    },
    {
      condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:sns:*:123456789012:t' } },
      context: { 'aws:SourceArn': 'arn:aws:sns:us-east-1:123456789012:t' },
      expected: true,
      because: 'the two do the same',
    },
    {
      condition: { ArnNotLike: { 'aws:SourceArn': 'arn:aws:sns:*:123456789012:t' } },
      context: { 'aws:SourceArn': 'arn:aws:sns:us-east-1:999999999999:t' },
      expected: true,
      because: 'another account',
    },
    {
      condition: { Null: { 'aws:TokenIssueTime': 'true' } },
      context: {},
      expected: true,
      because: 'it is not there',
    },
    {
      condition: { Null: { 'aws:TokenIssueTime': 'true' } },
      context: { 'aws:TokenIssueTime': 'x' },
      expected: false,
      because: 'it is there',
    },
    {
      condition: { Null: { 'aws:TokenIssueTime': 'false' } },
      context: { 'aws:TokenIssueTime': 'x' },
      expected: true,
      because: 'it is to be there',
    },
  ])('$condition in $context is $expected: $because', ({ condition, context, expected }) => {
    expect(when(condition, context)).toBe(expected);
  });

  test.each([
    { NumericLessThan: { 's3:max-keys': '10' } },
    { 'ForAnyValue:StringEquals': { 'dynamodb:Attributes': ['a'] } },
    { StringEquals: { 'aws:PrincipalTag/team': '${aws:ResourceTag/team}' } },
  ])('what is not understood is not passed over: %j', (condition) => {
    expect(() => when(condition, { 's3:max-keys': '1' })).toThrow('not understood');
  });
});

test.each([
  {
    statement: { Effect: 'Allow', NotPrincipal: { AWS: ROLE }, Action: 'a:B', Resource: '*' },
    why: 'NotPrincipal',
  },
  { statement: { Effect: 'Allow', Resource: '*' }, why: 'Action' },
  { statement: { Effect: 'Allow', Action: 'a:B' }, why: 'Resource' },
  { statement: { Effect: 'Allow', Action: 'a:B', NotAction: 'a:C', Resource: '*' }, why: 'one of them' },
  { statement: { Effect: 'Maybe', Action: 'a:B', Resource: '*' }, why: 'Allow' },
  {
    statement: { Effect: 'Allow', Action: 'a:B', Resource: 'arn:aws:s3:::${aws:username}' },
    why: 'variables',
  },
])('a statement that is not understood is refused: $why', ({ statement, why }) => {
  expect(() => decide({ action: 'a:B' }, [statement])).toThrow(why);
});

test('a policy of the older version, and a resource that is no ARN, are refused', () => {
  expect(() => readStatements({ Statement: [] })).toThrow('Version');
  expect(() => decide({ action: 'a:B' }, [{ Effect: 'Allow', Action: 'a:B', Resource: 'queue' }])).toThrow(
    'no ARN',
  );
});
