import {
  differingOutputs,
  OUTPUT_NAMES,
  outputProperties,
  outputValues,
  provisionedProperties,
} from '../../lambdas/hubspot/outputs.ts';
import { type Provisioned, provisionProperties } from '../../lambdas/hubspot/properties.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Connection, connect, loginModel } from './connection.ts';

afterEach(closeAll);

async function provision(
  { portal, send }: Connection,
  wanted = outputProperties(loginModel()),
): Promise<Provisioned[]> {
  const done: Provisioned[] = [];
  await provisionProperties(portal.url, send, wanted, (each) => done.push(each));
  return done;
}

async function listed({ portal }: Connection, name: string) {
  const { body } = await portal.call('GET', `/crm/properties/2026-03/contacts/${name}`);
  return body;
}

const NAMES = [
  'afterglow_score',
  'afterglow_fit_score',
  'afterglow_engagement_score',
  'afterglow_grade',
  'afterglow_status',
  'afterglow_reasons',
  'afterglow_scored_at',
  'afterglow_last_signal_at',
  'afterglow_model',
  'afterglow_write_id',
];

test('a new portal gets the group and every property Afterglow writes', async () => {
  const connection = await connect();

  const done = await provision(connection);

  expect(done).toEqual(NAMES.map((name) => ({ type: 'contacts', name, did: 'created' })));
  const types = await Promise.all(NAMES.map(async (name) => (await listed(connection, name)).type));
  expect(types).toEqual([
    'number',
    'number',
    'number',
    'enumeration',
    'enumeration',
    'string',
    'datetime',
    'datetime',
    'string',
    'string',
  ]);
  expect(await listed(connection, 'afterglow_grade')).toMatchObject({
    groupName: 'afterglow',
    options: [{ value: 'A' }, { value: 'B' }],
  });
  expect(connection.specProblems()).toEqual([]);
});

test('a second run changes nothing', async () => {
  const connection = await connect();
  await provision(connection);
  const before = await Promise.all(NAMES.map((name) => listed(connection, name)));

  const done = await provision(connection);

  expect(done).toEqual(NAMES.map((name) => ({ type: 'contacts', name, did: 'existed' })));
  expect(await Promise.all(NAMES.map((name) => listed(connection, name)))).toEqual(before);
  expect(connection.portal.calls.filter(({ method }) => method === 'PATCH')).toEqual([]);
});

test('what somebody else creates between listing and creating is as good as created', async () => {
  const connection = await connect({
    faults: ({ path, body }) => {
      if (path.endsWith('/contacts') && JSON.stringify(body ?? '').includes('"name":"afterglow_score"'))
        define(connection, 'afterglow_score', 'number', 'number');
      return undefined;
    },
  });

  const done = await provision(connection);

  expect(done.slice(0, 2)).toEqual([
    { type: 'contacts', name: 'afterglow_score', did: 'existed' },
    { type: 'contacts', name: 'afterglow_fit_score', did: 'created' },
  ]);
});

function define({ portal }: Connection, name: string, type: string, fieldType: string): void {
  portal.crm.defineProperty('contacts', { name, type, fieldType, groupName: 'contactinformation' });
}

test('properties of another type are all named, before anything is created', async () => {
  const connection = await connect();
  define(connection, 'afterglow_score', 'string', 'text');
  define(connection, 'afterglow_reasons', 'string', 'text');

  const provisioning = provision(connection);

  await expect(provisioning).rejects.toThrow(
    /^contacts afterglow_score: HubSpot has string\/text, Afterglow writes number\/number\ncontacts afterglow_reasons: .*textarea\nNothing was created/,
  );
  expect(connection.portal.calls.map(({ method }) => method)).toEqual(['GET']);
});

test('a grade of a new model is added; those that are there stay as they are', async () => {
  const connection = await connect();
  await provision(connection);
  const grades = '/crm/properties/2026-03/contacts/afterglow_grade';
  const hidden = { label: 'Bee', value: 'B', description: 'cold', displayOrder: 1, hidden: true };
  const [a] = (await listed(connection, 'afterglow_grade')).options;
  await connection.portal.call('PATCH', grades, { options: [a, hidden] });
  const model = loginModel();
  const bands = [{ grade: 'A+', from: 40 }, ...(model.grades.bands ?? []).slice(1)];

  const done = await provision(
    connection,
    outputProperties({ ...model, grades: { ...model.grades, bands } }),
  );

  expect(done.filter(({ did }) => did !== 'existed')).toEqual([
    { type: 'contacts', name: 'afterglow_grade', did: 'options added' },
  ]);
  expect((await listed(connection, 'afterglow_grade')).options).toMatchObject([
    { value: 'A', hidden: false },
    hidden,
    { label: 'A+', value: 'A+', hidden: false },
  ]);
  expect(connection.specProblems()).toEqual([]);
});

test('every exclusion of the model is a status that can be shown, with its title', async () => {
  const connection = await connect();
  const exclusions = [{ id: 'our-own', title: 'Our own people', property: 'email', domain: ['us.example'] }];

  await provision(connection, outputProperties({ ...loginModel(), exclusions }));

  expect((await listed(connection, 'afterglow_status')).options).toMatchObject([
    { value: 'scored', label: 'Scored' },
    { value: 'insufficient_data', label: 'Insufficient data' },
    { value: 'excluded_our_own', label: 'Excluded: Our own people' },
  ]);
});

test('companies get their score where the model rolls one up, and nothing where it does not', async () => {
  const [without, rollingUp] = [await connect(), await connect()];
  const model = { ...loginModel(), companyScore: { rollUp: 'maximum' as const } };

  await provision(without);
  const done = await provision(rollingUp, outputProperties(model));

  expect(done.at(-1)).toEqual({ type: 'companies', name: 'afterglow_company_score', did: 'created' });
  const path = '/crm/properties/2026-03/companies/afterglow_company_score';
  expect((await rollingUp.portal.call('GET', path)).body).toMatchObject({
    type: 'number',
    fieldType: 'number',
    groupName: 'afterglow',
  });
  expect((await without.portal.call('GET', path)).status).toBe(404);
  expect(
    without.portal.calls.filter((call) => call.path.includes('companies')).map(({ method }) => method),
  ).toEqual(['GET']);
  expect(rollingUp.specProblems()).toEqual([]);
});

describe('where the model asks for visits', () => {
  const model: Model = {
    ...loginModel(),
    attribution: { windowDays: 90, models: ['linear', 'uShaped'], halfLifeDays: 7 },
  };
  const ofDeals = [
    'ai_influenced',
    'ai_amount_linear',
    'ai_amount_u_shaped',
    'top_source',
    'sources',
    'attribution_model',
    'write_id',
  ];

  test('contacts and deals get a group of their own, with an amount for each way of giving credit', async () => {
    const connection = await connect();

    const done = await provision(connection, provisionedProperties(model));
    const again = await provision(connection, provisionedProperties(model));

    expect(done.slice(-7)).toEqual(
      ofDeals.map((name) => ({ type: 'deals', name: `afterglow_${name}`, did: 'created' })),
    );
    expect(new Set(again.map(({ did }) => did))).toEqual(new Set(['existed']));
    const { body } = await connection.portal.call('GET', '/crm/properties/2026-03/deals');
    const ours = body.results.filter(({ groupName }: { groupName: string }) => groupName === 'afterglow_ai');
    expect(ours.map(({ name, type, fieldType }: Record<string, string>) => [name, type, fieldType])).toEqual([
      ['afterglow_ai_influenced', 'bool', 'booleancheckbox'],
      ['afterglow_ai_amount_linear', 'number', 'number'],
      ['afterglow_ai_amount_u_shaped', 'number', 'number'],
      ['afterglow_top_source', 'string', 'text'],
      ['afterglow_sources', 'string', 'textarea'],
      ['afterglow_attribution_model', 'string', 'text'],
      ['afterglow_write_id', 'string', 'text'],
    ]);
    expect(await listed(connection, 'afterglow_journey')).toMatchObject({ groupName: 'afterglow_ai' });
    expect(connection.specProblems()).toEqual([]);
  });

  test('forms may have the visitor id as a hidden field, and nothing else of ours', async () => {
    const connection = await connect();

    await provision(connection, provisionedProperties(model));

    expect(await listed(connection, 'afterglow_visitor_id')).toMatchObject({
      type: 'string',
      formField: true,
    });
    expect(await listed(connection, 'afterglow_ai_first_source')).toMatchObject({ formField: false });
    // It is no output: nobody writes it, nor clears it.
    expect(OUTPUT_NAMES.contacts).not.toContain('afterglow_visitor_id');
    expect(outputProperties(model).contacts.map(({ name }) => name)).not.toContain('afterglow_visitor_id');
  });

  test('a property of deals that is something else stops everything', async () => {
    const connection = await connect();
    connection.portal.crm.defineProperty('deals', {
      name: 'afterglow_sources',
      type: 'number',
      fieldType: 'number',
      groupName: 'dealinformation',
    });

    await expect(provision(connection, provisionedProperties(model))).rejects.toThrow(
      /afterglow_sources: HubSpot has number/,
    );

    expect(new Set(connection.portal.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  test('and where it does not, deals get nothing, and are not looked at', async () => {
    const connection = await connect();

    await provision(connection, provisionedProperties(loginModel()));

    expect(connection.portal.calls.filter(({ path }) => path.includes('deals'))).toEqual([]);
    const { body } = await connection.portal.call('GET', '/crm/properties/2026-03/contacts/groups');
    expect(body.results.map(({ name }: { name: string }) => name)).not.toContain('afterglow_ai');
  });
});

test('a property of companies that is something else stops those of contacts too', async () => {
  const connection = await connect();
  connection.portal.crm.defineProperty('companies', {
    name: 'afterglow_company_score',
    type: 'string',
    fieldType: 'text',
    groupName: 'companyinformation',
  });
  const model = { ...loginModel(), companyScore: { rollUp: 'maximum' as const } };

  await expect(provision(connection, outputProperties(model))).rejects.toThrow(
    /afterglow_company_score: HubSpot has string/,
  );

  expect(connection.portal.calls.map(({ method }) => method)).toEqual(['GET', 'GET']);
});

test('a portal that refuses is an error', async () => {
  const connection = await connect({ scopes: ['crm.schemas.contacts.read'] });

  await expect(provision(connection)).rejects.toMatchObject({
    trouble: 'unauthorised',
    reason: 'MISSING_SCOPES',
  });
});

describe('what is written', () => {
  const shown = {
    score: 0,
    fit: -25,
    engagement: 25.5,
    grade: 'B',
    status: 'scored',
    model: 'logins@1',
    reasons: '+7 Logged in',
  } as const;

  test.each<{ shows: Record<string, string | null>; differing: string[]; because: string }>([
    { shows: {}, differing: [], because: 'it is what was sent' },
    { shows: { afterglow_engagement_score: '25.50' }, differing: [], because: 'it is the same number' },
    {
      shows: { afterglow_score: '90' },
      differing: ['afterglow_score'],
      because: 'somebody wrote another number',
    },
    { shows: { afterglow_score: null }, differing: ['afterglow_score'], because: 'somebody cleared a 0' },
    {
      shows: { afterglow_grade: 'A', afterglow_reasons: '' },
      differing: ['afterglow_grade', 'afterglow_reasons'],
      because: 'text is the same only letter by letter',
    },
    {
      shows: { afterglow_scored_at: '2026-11-01T00:00:00Z', afterglow_last_signal_at: null },
      differing: [],
      because: 'times never cause a write',
    },
  ])('what HubSpot shows differs in $differing: $because', ({ shows, differing }) => {
    const sent = outputValues(shown, 'w-1', Date.UTC(2026, 10, 10, 12), Date.UTC(2026, 10, 9));

    expect(differingOutputs(sent, { ...sent, ...shows })).toEqual(differing);
  });

  test('is text: a computed 0 is "0", times are ISO', () => {
    expect(outputValues(shown, 'w-1', Date.UTC(2026, 10, 10, 12), Date.UTC(2026, 10, 9))).toEqual({
      afterglow_score: '0',
      afterglow_fit_score: '-25',
      afterglow_engagement_score: '25.5',
      afterglow_grade: 'B',
      afterglow_status: 'scored',
      afterglow_reasons: '+7 Logged in',
      afterglow_scored_at: '2026-11-10T12:00:00.000Z',
      afterglow_last_signal_at: '2026-11-09T00:00:00.000Z',
      afterglow_model: 'logins@1',
      afterglow_write_id: 'w-1',
    });
  });

  test('clears what there is not: a missing score is never a 0', () => {
    const nothing = { score: null, fit: null, engagement: null, grade: '', reasons: '' };
    const values = outputValues(
      { ...shown, ...nothing, status: 'insufficient_data' },
      'w-2',
      undefined,
      undefined,
    );

    expect(values).toMatchObject({
      afterglow_score: '',
      afterglow_fit_score: '',
      afterglow_engagement_score: '',
      afterglow_grade: '',
      afterglow_status: 'insufficient_data',
      afterglow_scored_at: '',
      afterglow_last_signal_at: '',
    });
  });
});
