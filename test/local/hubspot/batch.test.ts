import { closeAll, NOON_MS, openPortal } from './portal.ts';

afterEach(closeAll);

const CONTACTS = '/crm/objects/2026-03/contacts';
const byId = (one: { id: string }, other: { id: string }) => Number(one.id) - Number(other.id);

const create = (email: string, objectWriteTraceId?: string) => ({
  properties: { email },
  associations: [],
  objectWriteTraceId,
});

const firstIsBad = (idProperty: string, ids: string[]) =>
  ids.map((id, index) => ({
    id,
    idProperty,
    properties: index === 0 ? { nosuch: 'x' } : {},
    objectWriteTraceId: `t${index}`,
  }));

describe('batch read', () => {
  test('answers texts, null for what is absent, and leaves unknown names out', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', {
      email: 'A@example.com',
      hs_email_optout: true,
      hs_analytics_num_visits: 3,
    });

    const answer = await portal.call('POST', `${CONTACTS}/batch/read`, {
      inputs: [{ id }],
      properties: ['email', 'hs_email_optout', 'hs_analytics_num_visits', 'phone', 'nosuch'],
      propertiesWithHistory: [],
    });

    expect(answer.status).toBe(200);
    expect(answer.body.results[0].properties).toEqual({
      createdate: '2026-11-10T12:00:00Z',
      email: 'a@example.com',
      hs_analytics_num_visits: '3',
      hs_email_optout: 'true',
      hs_object_id: id,
      lastmodifieddate: '2026-11-10T12:00:00Z',
      phone: null,
    });
    expect(portal.specProblems).toEqual([]);
  });

  test('takes 100 ids, 50 with histories', async () => {
    const portal = await openPortal();
    const inputs = Array.from({ length: 101 }, (_, index) => ({
      id: portal.crm.create('contacts', { firstname: `n${index}` }),
    }));
    const read = (count: number, propertiesWithHistory: string[]) =>
      portal.call('POST', `${CONTACTS}/batch/read`, {
        inputs: inputs.slice(0, count),
        properties: [],
        propertiesWithHistory,
      });

    expect((await read(100, [])).body.results).toHaveLength(100);
    expect((await read(101, [])).status).toBe(400);
    expect((await read(50, ['firstname'])).body.results).toHaveLength(50);
    expect((await read(51, ['firstname'])).status).toBe(400);
  });

  test('answers 207 for missing ids, and says nothing of merged ones', async () => {
    const portal = await openPortal();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => portal.crm.create('contacts', { firstname: name }));
    portal.crm.merge('contacts', a ?? '', b ?? '');

    const answer = await portal.call('POST', `${CONTACTS}/batch/read`, {
      inputs: [{ id: a }, { id: c }, { id: '77' }],
      properties: [],
      propertiesWithHistory: [],
    });

    expect(answer.status).toBe(207);
    expect(answer.body.results).toMatchObject([{ id: c }]);
    expect(answer.body.errors).toMatchObject([{ category: 'OBJECT_NOT_FOUND', context: { ids: ['77'] } }]);
    expect(portal.specProblems).toEqual([]);
  });

  test('finds contacts by e-mail or by a unique property, never by another', async () => {
    const portal = await openPortal();
    portal.crm.defineProperty('contacts', {
      name: 'number',
      type: 'string',
      fieldType: 'text',
      groupName: 'contactinformation',
      hasUniqueValue: true,
    });
    const id = portal.crm.create('contacts', { email: 'zoe@example.com', number: 'K-1' });
    const read = (idProperty: string, ...values: string[]) =>
      portal.call('POST', `${CONTACTS}/batch/read`, {
        idProperty,
        inputs: values.map((value) => ({ id: value })),
        properties: [],
        propertiesWithHistory: [],
      });

    expect((await read('email', 'Zoe@Example.com')).body.results).toMatchObject([{ id }]);
    expect((await read('number', 'K-1')).body.results).toMatchObject([{ id }]);
    expect(await read('email', 'nobody@example.com')).toMatchObject({
      status: 207,
      body: { results: [], errors: [{ context: { ids: ['nobody@example.com'] } }] },
    });
    expect((await read('firstname', 'Zoe')).status).toBe(400);
  });

  test('gives histories newest first, with who and when', async () => {
    const portal = await openPortal();
    const id = portal.crm.create(
      'contacts',
      { jobtitle: 'Clerk' },
      { atMs: NOON_MS - 2000, source: { changeSource: 'FORM', sourceId: 'form-1' } },
    );
    portal.crm.set('contacts', id, { jobtitle: 'Head' }, { atMs: NOON_MS - 1000 });
    await portal.call('PATCH', `${CONTACTS}/${id}`, { properties: { jobtitle: 'Chief' } });

    const answer = await portal.call('POST', `${CONTACTS}/batch/read`, {
      inputs: [{ id }],
      properties: [],
      propertiesWithHistory: ['jobtitle'],
    });

    expect(answer.body.results[0].propertiesWithHistory.jobtitle).toEqual([
      { value: 'Chief', timestamp: '2026-11-10T12:00:00Z', sourceType: 'INTEGRATION', sourceId: '50780459' },
      {
        value: 'Head',
        timestamp: '2026-11-10T11:59:59Z',
        sourceType: 'CRM_UI',
        sourceId: 'userId:882761034',
        updatedByUserId: 882761034,
      },
      { value: 'Clerk', timestamp: '2026-11-10T11:59:58Z', sourceType: 'FORM', sourceId: 'form-1' },
    ]);
    expect(portal.specProblems).toEqual([]);
  });

  test('keeps 45 versions for contacts, 20 for companies', async () => {
    const portal = await openPortal();
    const contact = portal.crm.create('contacts', {});
    const company = portal.crm.create('companies', {});
    for (let count = 1; count <= 60; count++) {
      portal.crm.set('contacts', contact, { city: `v${count}` }, { atMs: NOON_MS + count });
      portal.crm.set('companies', company, { city: `v${count}` }, { atMs: NOON_MS + count });
    }
    const versions = async (type: string, id: string) => {
      const answer = await portal.call(
        'GET',
        `/crm/objects/2026-03/${type}/${id}?propertiesWithHistory=city`,
      );
      return answer.body.propertiesWithHistory.city.map(({ value }: { value: string }) => value);
    };

    expect(await versions('contacts', contact)).toEqual(
      Array.from({ length: 45 }, (_, index) => `v${60 - index}`),
    );
    expect(await versions('companies', company)).toHaveLength(20);
  });

  test('gives a record once, however often and by whatever spelling it is asked for', async () => {
    const portal = await openPortal();
    portal.crm.create('contacts', { email: 'zoe@example.com' });

    const answer = await portal.call('POST', `${CONTACTS}/batch/read`, {
      idProperty: 'email',
      inputs: [
        { id: 'zoe@example.com' },
        { id: 'Zoe@example.com' },
        { id: 'nobody@example.com' },
        { id: 'nobody@example.com' },
      ],
    });

    expect(answer.body.results).toHaveLength(1);
    expect(answer.body.errors[0].context.ids).toEqual(['nobody@example.com']);
  });

  test('never returns associations', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', {});
    portal.crm.associate('contacts', id, 'companies', portal.crm.create('companies', {}), { primary: true });

    const answer = await portal.call('POST', `${CONTACTS}/batch/read`, {
      inputs: [{ id }],
      properties: [],
      propertiesWithHistory: [],
      associations: ['companies'],
    });

    expect(answer.body.results[0]).not.toHaveProperty('associations');
  });
});

describe('batch create', () => {
  test('answers 201 with the new records', async () => {
    const portal = await openPortal();

    const answer = await portal.call('POST', `${CONTACTS}/batch/create`, {
      inputs: [create('a@example.com', '1'), create('b@example.com', '2')],
    });

    expect(answer.status).toBe(201);
    expect(
      answer.body.results
        .map(({ objectWriteTraceId }: { objectWriteTraceId: string }) => objectWriteTraceId)
        .toSorted(),
    ).toEqual(['1', '2']);
    expect(
      portal.crm
        .all('contacts')
        .map(({ id }) => ({ id }))
        .toSorted(byId),
    ).toMatchObject(answer.body.results.map(({ id }: { id: string }) => ({ id })).toSorted(byId));
    expect(portal.specProblems).toEqual([]);
  });

  test('a taken address refuses all, or with trace ids only its input', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { email: 'a@example.com' });

    const whole = await portal.call('POST', `${CONTACTS}/batch/create`, {
      inputs: [create('a@example.com'), create('b@example.com')],
    });
    expect(whole).toMatchObject({
      status: 409,
      body: { message: `Contact already exists. Existing ID: ${id}` },
    });
    expect(portal.crm.all('contacts')).toHaveLength(1);

    const partly = await portal.call('POST', `${CONTACTS}/batch/create`, {
      inputs: [create('a@example.com', '1'), create('b@example.com', '2'), create('B@example.com', '3')],
    });
    expect(partly.status).toBe(207);
    expect(partly.body.results).toMatchObject([{ objectWriteTraceId: '2' }]);
    expect(partly.body.errors).toMatchObject([
      { context: { objectWriteTraceId: ['1'] } },
      { context: { objectWriteTraceId: ['3'] } },
    ]);
    expect(portal.specProblems).toEqual([]);
  });

  test('associates what it creates', async () => {
    const portal = await openPortal();
    const company = portal.crm.create('companies', { name: 'Ackee' });
    const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 1 }];

    const made = await portal.call('POST', `${CONTACTS}/batch/create`, {
      inputs: [{ properties: {}, associations: [{ to: { id: company }, types }] }],
    });
    const refused = await portal.call('POST', `${CONTACTS}/batch/create`, {
      inputs: [{ properties: {}, associations: [{ to: { id: '5' }, types }] }],
    });

    expect(portal.crm.get('contacts', made.body.results[0].id)?.properties.associatedcompanyid).toBe(company);
    expect(refused.status).toBe(400);
  });
});

describe('batch upsert', () => {
  test('makes or changes, and says which', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { email: 'a@example.com' });
    const inputs = ['a@example.com', 'b@example.com'].map((email) => ({
      id: email,
      idProperty: 'email',
      properties: { jobtitle: 'CTO' },
    }));

    const answer = await portal.call('POST', `${CONTACTS}/batch/upsert`, { inputs });

    expect(answer.status).toBe(200);
    const made = portal.crm.find('contacts', 'email', 'b@example.com')?.id;
    expect(answer.body.results.toSorted(byId)).toMatchObject([
      { id, new: false },
      { id: made, new: true },
    ]);
    expect(portal.specProblems).toEqual([]);
  });

  test('needs an id property, and a unique one', async () => {
    const portal = await openPortal();
    for (const idProperty of [undefined, 'jobtitle', 'hs_object_id']) {
      const answer = await portal.call('POST', `${CONTACTS}/batch/upsert`, {
        inputs: [{ id: 'x', idProperty, properties: {} }],
      });
      expect(answer.status).toBe(400);
    }
  });

  test('by e-mail one bad input refuses all, trace ids or not; by another property only itself', async () => {
    const portal = await openPortal();
    portal.crm.defineProperty('contacts', {
      name: 'number',
      type: 'string',
      fieldType: 'text',
      groupName: 'contactinformation',
      hasUniqueValue: true,
    });

    const byEmail = await portal.call('POST', `${CONTACTS}/batch/upsert`, {
      inputs: firstIsBad('email', ['a@example.com', 'b@example.com']),
    });
    expect(byEmail.status).toBe(400);
    expect(portal.crm.all('contacts')).toHaveLength(0);
    const byNumber = await portal.call('POST', `${CONTACTS}/batch/upsert`, {
      inputs: firstIsBad('number', ['K-1', 'K-2']),
    });
    expect(byNumber).toMatchObject({
      status: 207,
      body: {
        results: [{ new: true, objectWriteTraceId: 't1' }],
        errors: [{ context: { objectWriteTraceId: ['t0'] } }],
      },
    });
  });

  test('the same record twice refuses the batch', async () => {
    const portal = await openPortal();
    const inputs = ['a@example.com', 'A@example.com'].map((id) => ({
      id,
      idProperty: 'email',
      properties: {},
    }));

    expect((await portal.call('POST', `${CONTACTS}/batch/upsert`, { inputs })).status).toBe(400);
  });
});

test('batch archive answers 204, whether or not the ids exist', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('contacts', {});

  const answer = await portal.call('POST', `${CONTACTS}/batch/archive`, { inputs: [{ id }, { id: '9' }] });

  expect(answer.status).toBe(204);
  expect(portal.crm.get('contacts', id)?.archived).toBe(true);
  const archived = await portal.call('POST', `${CONTACTS}/batch/read?archived=true`, {
    inputs: [{ id }],
    properties: [],
    propertiesWithHistory: [],
  });
  expect(archived.body.results).toMatchObject([{ id, archived: true }]);
  expect(portal.specProblems).toEqual([]);
});

test('a batch read of archived records gives those in the recycling bin: not living, merged or erased ones', async () => {
  const portal = await openPortal();
  const { crm } = portal;
  const [alive = '', deleted = '', old = '', other = '', erased = ''] = [1, 2, 3, 4, 5].map(() =>
    crm.create('contacts', {}),
  );
  crm.delete('contacts', deleted);
  crm.merge('contacts', old, other);
  crm.privacyDelete(erased);

  const { body } = await portal.call('POST', `${CONTACTS}/batch/read?archived=true`, {
    inputs: [alive, deleted, old, other, erased, '999'].map((id) => ({ id })),
    properties: [],
    propertiesWithHistory: [],
  });

  expect(body.results).toMatchObject([{ id: deleted, archived: true }]);
  const [error] = body.errors;
  expect(error.context.ids.toSorted()).toEqual([alive, erased, '999'].toSorted());
  expect(portal.specProblems).toEqual([]);
});
