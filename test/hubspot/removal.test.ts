// What is asked of HubSpot when Afterglow is looked over and taken out: the token, who uses its properties, archiving them.
import { readAccount } from '../../lambdas/hubspot/account.ts';
import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import { outputProperties } from '../../lambdas/hubspot/outputs.ts';
import { archiveGroup, archiveProperty, readProvisions } from '../../lambdas/hubspot/removal.ts';
import { readTokenInfo } from '../../lambdas/hubspot/token-info.ts';
import { findUses, mentioned } from '../../lambdas/hubspot/usage.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Connection, connect, connectProvisioned, loginModel } from './connection.ts';

afterEach(closeAll);

const NAMES = outputProperties(loginModel()).contacts.map(({ name }) => name);

async function failureOf(act: Promise<unknown>): Promise<HubSpotError> {
  const error = await act.catch((caught: unknown) => caught);
  if (!(error instanceof HubSpotError)) throw new Error(`no error of HubSpot: ${String(error)}`);
  return error;
}

function useGrade({ portal }: Connection): void {
  portal.crm.addList({
    listId: '19',
    name: 'Hot',
    objectTypeId: '0-1',
    processingType: 'DYNAMIC',
    filterBranch: {
      filterBranches: [{ filterBranches: [{ filters: [{ property: 'afterglow_grade' }] }] }],
    },
  });
  portal.crm.addFlow({
    id: '77',
    name: 'Route',
    isEnabled: true,
    objectTypeId: '0-1',
    enrollmentCriteria: {
      listFilterBranch: { filters: [{ property: 'afterglow_score' }, { property: 'afterglow_grade' }] },
    },
    actions: [],
  });
  portal.crm.addForm({
    id: 'f-1',
    name: 'Contact us',
    fieldGroups: [{ fields: [{ name: 'afterglow_status' }] }],
  });
}

const IDLE_FLOW = {
  name: 'Idle',
  isEnabled: true,
  objectTypeId: '0-1',
  enrollmentCriteria: {},
  actions: [],
};

test('HubSpot tells of a token whose it is and what it may do', async () => {
  const { portal, send } = await connect({ portalId: 33, appId: 44, scopes: ['crm.objects.contacts.read'] });

  expect(await readTokenInfo(portal.url, send, 'local-access-token')).toEqual({
    hubId: 33,
    appId: 44,
    scopes: ['crm.objects.contacts.read'],
  });
  expect(await failureOf(readTokenInfo(portal.url, send, 'another'))).toMatchObject({ trouble: 'missing' });
});

test.each([401, 403])(
  'that HubSpot does not tell of a token (%i) stops nobody, and ends no stop either',
  async (status) => {
    let refused = '/oauth/';
    const { portal, send, budget } = await connect({
      portalId: 33,
      faults: ({ path }) => (path.startsWith(refused) ? { kind: 'answer', status } : undefined),
    });
    const account = () => readAccount(portal.url, send);
    const info = () => readTokenInfo(portal.url, send, 'local-access-token');

    expect(await failureOf(info())).toMatchObject({ status });
    expect((await account()).portalId).toBe(33);
    expect(budget.state.stop).toBeUndefined();

    refused = '/account-info/';
    expect(await failureOf(account())).toMatchObject({ status });
    portal.time.nowMs += 5 * 60_000; // When one call may try again.
    expect(await info()).toMatchObject({ hubId: 33 });
    expect(budget.state.stop).toMatchObject({ reason: 'unauthorised' });
    refused = 'nothing';
    await account(); // The call that told nothing took nobody's turn to try.
    expect(budget.state.stop).toBeUndefined();
  },
);

test('a 429 counts also where nothing else is told by an answer', async () => {
  const { portal, send, budget } = await connect({
    faults: ({ path }) => (path.startsWith('/oauth/') ? { kind: 'answer', status: 429 } : undefined),
  });

  await failureOf(readTokenInfo(portal.url, send, 'local-access-token'));

  expect(budget.state).toMatchObject({ share: expect.closeTo(0.5), blockedUntilMs: expect.any(Number) });
  expect(budget.state.blockedUntilMs).toBeGreaterThan(portal.time.nowMs);
});

describe('who uses properties', () => {
  test('is found among lists, workflows and forms, with the properties that each names', async () => {
    const connection = await connectProvisioned();
    useGrade(connection);

    expect(await findUses(connection.portal.url, connection.send, NAMES)).toEqual({
      uses: [
        { kind: 'lists', id: '19', name: 'Hot', properties: ['afterglow_grade'] },
        { kind: 'workflows', id: '77', name: 'Route', properties: ['afterglow_score', 'afterglow_grade'] },
        { kind: 'forms', id: 'f-1', name: 'Contact us', properties: ['afterglow_status'] },
      ],
      unseen: [],
    });
  });

  test('is found on whatever page it stands', async () => {
    const connection = await connectProvisioned();
    for (let n = 1; n <= 260; n++) {
      const id = String(n);
      const part = { name: `Number ${n}`, objectTypeId: '0-1' };
      const property = n === 260 ? 'afterglow_score' : 'jobtitle';
      connection.portal.crm.addList({
        ...part,
        listId: id,
        processingType: 'DYNAMIC',
        filterBranch: { filters: [{ property }] },
      });
      connection.portal.crm.addFlow({
        ...part,
        id,
        isEnabled: true,
        enrollmentCriteria: {},
        actions: [{ fields: { property_name: property } }],
      });
      connection.portal.crm.addForm({ id, name: part.name, fieldGroups: [{ fields: [{ name: property }] }] });
    }

    const { uses, unseen } = await findUses(connection.portal.url, connection.send, NAMES);

    expect(uses.map(({ kind, id }) => [kind, id])).toEqual([
      ['lists', '260'],
      ['workflows', '260'],
      ['forms', '260'],
    ]);
    expect(unseen).toEqual([]);
  });

  test('is told as unseen, with the scope, where the token may not look; the rest is looked at', async () => {
    const connection = await connect({ scopes: ['automation'] }, { isOptional: true });
    useGrade(connection);

    const { uses, unseen } = await findUses(connection.portal.url, connection.send, NAMES);

    expect(uses.map(({ kind }) => kind)).toEqual(['workflows']);
    expect(unseen).toEqual([
      { kind: 'lists', scope: 'crm.lists.read', reason: 'MISSING_SCOPES' },
      { kind: 'forms', scope: 'forms', reason: 'MISSING_SCOPES' },
    ]);
  });

  test('is not taken for known when HubSpot leaves workflows out of its answer; what it shows counts', async () => {
    const results = [{ id: '77', name: 'Route', actions: ['afterglow_score'] }];
    const connection = await connectProvisioned({
      faults: ({ path }) =>
        path.endsWith('/flows/batch/read')
          ? { kind: 'answer', status: 200, body: { status: 'COMPLETE', results } }
          : undefined,
    });
    useGrade(connection);
    connection.portal.crm.addFlow({ ...IDLE_FLOW, id: '78' });

    const { uses, unseen } = await findUses(connection.portal.url, connection.send, NAMES);

    expect(unseen).toEqual([{ kind: 'workflows', scope: 'automation', reason: '1 of 2 are not shown' }]);
    expect(uses).toContainEqual({
      kind: 'workflows',
      id: '77',
      name: 'Route',
      properties: ['afterglow_score'],
    });
  });

  test('is not taken for known when HubSpot leaves lists out of its answer', async () => {
    const connection = await connectProvisioned({
      faults: ({ path, method }) =>
        path.startsWith('/crm/lists/2026-03') && method === 'GET'
          ? { kind: 'answer', status: 200, body: { lists: [] } }
          : undefined,
    });
    useGrade(connection);

    const { unseen } = await findUses(connection.portal.url, connection.send, NAMES);

    expect(unseen).toEqual([{ kind: 'lists', scope: 'crm.lists.read', reason: '1 of 1 are not shown' }]);
  });

  test('keeps what was seen before HubSpot failed', async () => {
    let pages = 0;
    const connection = await connectProvisioned({
      faults: ({ path }) =>
        path.startsWith('/marketing/v3/forms') && ++pages === 2 ? { kind: 'answer', status: 500 } : undefined,
    });
    for (let n = 1; n <= 101; n++)
      connection.portal.crm.addForm({ id: `f-${n}`, name: 'Form', fieldGroups: n === 1 ? [NAMES[0]] : [] });

    const { uses, unseen } = await findUses(connection.portal.url, connection.send, NAMES);

    expect(uses.map(({ id }) => id)).toEqual(['f-1']);
    expect(unseen.map(({ kind }) => kind)).toEqual(['forms']);
  });

  test('is found in forms of every type', async () => {
    const connection = await connectProvisioned();
    const types = ['hubspot', 'captured', 'flow', 'blog_comment'] as const;
    for (const formType of types)
      connection.portal.crm.addForm({ id: formType, formType, name: 'Form', fieldGroups: [NAMES[0]] });

    const { uses } = await findUses(connection.portal.url, connection.send, NAMES);

    expect(uses.map(({ id }) => id)).toEqual(types);
  });

  test.each([
    ['a value', { property: 'afterglow_score' }, ['afterglow_score']],
    ['a placeholder', 'Score: {{ contact.afterglow_score }}!', ['afterglow_score']],
    ['a formula', 'if(afterglow_score>3,1,0)', ['afterglow_score']],
    ['after a line break', 'Look:\nafterglow_score', ['afterglow_score']],
    ['a name that goes on', { property: 'afterglow_score_2' }, []],
    ['a name that begins before', { property: 'my_afterglow_score' }, []],
    ['another of ours that it begins', { property: 'afterglow_scored_at' }, ['afterglow_scored_at']],
    ['a key', { afterglow_score: 1 }, []],
    ['nothing', undefined, []],
  ])('a name counts where it stands whole: %s', (_, content, names) => {
    expect(mentioned(content, NAMES)).toEqual(names);
  });
});

describe('archiving', () => {
  test('finds ours in its group, and what others put there or took away', async () => {
    const connection = await connectProvisioned();
    const { portal, send } = connection;
    const text = { type: 'string', fieldType: 'text' };
    portal.crm.defineProperty('contacts', { ...text, name: 'my_note', groupName: 'afterglow' });
    portal.crm.defineProperty('contacts', {
      ...text,
      name: 'afterglow_model',
      groupName: 'contactinformation',
    });
    portal.crm.defineProperty('contacts', {
      name: 'twice',
      type: 'number',
      fieldType: 'calculation_equation',
      groupName: 'contactinformation',
      calculationFormula: 'afterglow_score * 2',
    });

    expect(await readProvisions(portal.url, send, 'contacts', NAMES)).toEqual({
      ours: NAMES.filter((name) => name !== 'afterglow_model'),
      elsewhere: ['afterglow_model'],
      calculated: [{ name: 'twice', formula: 'afterglow_score * 2' }],
      groups: [
        { name: 'afterglow', ours: NAMES.filter((name) => name !== 'afterglow_model'), others: ['my_note'] },
      ],
    });
    expect(await readProvisions(portal.url, send, 'companies', ['afterglow_company_score'])).toMatchObject({
      ours: [],
      groups: [],
    });
  });

  test('is done once and for all: what is gone already is as good as archived', async () => {
    const { portal, send, specProblems } = await connectProvisioned();

    for (let time = 1; time <= 2; time++) {
      for (const name of NAMES) await archiveProperty(portal.url, send, 'contacts', name);
      await archiveGroup(portal.url, send, 'contacts', 'afterglow');
    }

    expect(await readProvisions(portal.url, send, 'contacts', NAMES)).toMatchObject({
      ours: [],
      groups: [],
    });
    expect(specProblems()).toEqual([]);
  });

  test('of a property in use is refused, and the refusal says by what', async () => {
    const connection = await connectProvisioned();
    useGrade(connection);
    const { portal, send } = connection;

    const failure = await failureOf(archiveProperty(portal.url, send, 'contacts', 'afterglow_grade'));

    expect(failure).toMatchObject({
      trouble: 'invalid',
      reason: 'VALIDATION_ERROR',
      subCategory: 'PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE',
      users: [
        { kind: 'workflow', id: '77' },
        { kind: 'list', id: '19' },
      ],
    });
  });

  test('of a group that holds properties is refused, and the error within the error is read', async () => {
    const { portal, send } = await connectProvisioned();

    expect(await failureOf(archiveGroup(portal.url, send, 'contacts', 'afterglow'))).toMatchObject({
      reason: 'VALIDATION_ERROR',
      subCategory: 'PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES',
    });
  });

  test.each([
    ['contexts of another form', [{ context: { parentType: 'FORM', parentName: ['f-1'] } }, {}]],
    ['no errors', undefined],
  ])(
    'is refused without users where HubSpot names them in a form that nobody knows: %s',
    async (_, errors) => {
      const { portal, send } = await connectProvisioned({
        faults: ({ method }) =>
          method === 'DELETE'
            ? { kind: 'answer', status: 400, body: { status: 'error', category: 'VALIDATION_ERROR', errors } }
            : undefined,
      });

      expect(await failureOf(archiveProperty(portal.url, send, 'contacts', 'afterglow_grade'))).toMatchObject(
        {
          reason: 'VALIDATION_ERROR',
          users: [],
        },
      );
    },
  );
});
