import { closeAll, NOON_MS, openPortal } from './portal.ts';

afterEach(closeAll);

describe.each([
  ['contacts', '/crm/objects/2026-03/contacts'],
  ['contacts', '/crm/v3/objects/contacts'],
  ['contacts', '/crm/objects/2026-03/0-1'],
  ['companies', '/crm/objects/2026-03/companies'],
  ['companies', '/crm/v3/objects/0-2'],
  ['deals', '/crm/objects/2026-03/deals'],
  ['deals', '/crm/objects/2026-03/0-3'],
] as const)('%s under %s', (type, path) => {
  const nameOf = { contacts: 'firstname', companies: 'name', deals: 'dealname' }[type];

  test('are created, read, changed and deleted', async () => {
    const portal = await openPortal();

    const created = await portal.call('POST', path, { properties: { [nameOf]: 'Ann' }, associations: [] });
    expect(created).toMatchObject({
      status: 201,
      body: { archived: false, properties: { [nameOf]: 'Ann' }, createdAt: '2026-11-10T12:00:00Z' },
    });
    const { id } = created.body;
    portal.time.nowMs += 1500;
    const changed = await portal.call('PATCH', `${path}/${id}`, { properties: { [nameOf]: 'Bea' } });
    expect(changed).toMatchObject({
      status: 200,
      body: { id, updatedAt: '2026-11-10T12:00:01.500Z', properties: { [nameOf]: 'Bea' } },
    });
    const read = await portal.call('GET', `${path}/${id}?properties=${nameOf}`);
    expect(read).toMatchObject({
      status: 200,
      body: { id, properties: { [nameOf]: 'Bea', hs_object_id: id } },
    });
    expect((await portal.call('DELETE', `${path}/${id}`)).status).toBe(204);
    expect((await portal.call('GET', `${path}/${id}`)).status).toBe(404);
    expect((await portal.call('PATCH', `${path}/${id}`, { properties: {} })).body.category).toBe(
      'OBJECT_NOT_FOUND',
    );
    expect((await portal.call('GET', `${path}/${id}?archived=true`)).body).toMatchObject({ archived: true });
    expect((await portal.call('DELETE', `${path}/999`)).status).toBe(204);
    expect(portal.specProblems).toEqual([]);
  });
});

const CONTACTS = '/crm/objects/2026-03/contacts';

test('an address belongs to one contact', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('contacts', { email: 'zoe@example.com' });

  const answer = await portal.call('POST', CONTACTS, {
    properties: { email: 'Zoe@Example.com' },
    associations: [],
  });

  expect(answer).toMatchObject({
    status: 409,
    body: { category: 'CONFLICT', message: `Contact already exists. Existing ID: ${id}` },
  });
  expect(() => portal.crm.create('contacts', { email: 'zoe@example.com' })).toThrow(id);
  portal.crm.delete('contacts', id);
  expect((await portal.call('POST', CONTACTS, { properties: { email: 'zoe@example.com' } })).status).toBe(
    201,
  );
  expect(() => portal.crm.restore('contacts', id)).toThrow('cannot restore');
});

test('a single contact is read and changed by e-mail', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('contacts', { email: 'zoe@example.com' });

  expect((await portal.call('GET', `${CONTACTS}/Zoe%40Example.com?idProperty=email`)).body.id).toBe(id);
  const changed = await portal.call('PATCH', `${CONTACTS}/zoe@example.com?idProperty=email`, {
    properties: { jobtitle: 'CTO' },
  });
  expect(changed).toMatchObject({ status: 200, body: { id } });
  expect((await portal.call('GET', `${CONTACTS}/x@example.com?idProperty=email`)).status).toBe(404);
  expect((await portal.call('GET', `${CONTACTS}/CTO?idProperty=jobtitle`)).status).toBe(400);
  expect(portal.specProblems).toEqual([]);
});

test('a read that finds nothing has no category', async () => {
  const portal = await openPortal();

  const { status, body, headers } = await portal.call('GET', `${CONTACTS}/1`);

  expect(status).toBe(404);
  expect(body).toEqual({
    status: 'error',
    message: 'resource not found',
    correlationId: headers.get('x-hubspot-correlation-id'),
  });
});

describe('a merge', () => {
  test('makes a new record under a new id; both old ids answer with it, singly', async () => {
    const portal = await openPortal();
    const primary = portal.crm.create('contacts', { email: 'new@example.com', jobtitle: 'CTO' });
    const other = portal.crm.create('contacts', {
      email: 'old@example.com',
      jobtitle: 'Clerk',
      city: 'Bern',
    });

    const answer = await portal.call('POST', `${CONTACTS}/merge`, {
      primaryObjectId: primary,
      objectIdToMerge: other,
    });

    const { id } = answer.body;
    expect(answer.status).toBe(200);
    expect([primary, other]).not.toContain(id);
    const properties = {
      email: 'new@example.com',
      jobtitle: 'CTO',
      city: 'Bern',
      hs_merged_object_ids: `${primary};${other}`,
    };
    expect(portal.crm.get('contacts', id)?.properties).toMatchObject(properties);
    for (const oldId of [primary, other]) {
      expect((await portal.call('GET', `${CONTACTS}/${oldId}`)).body.id).toBe(id);
      expect(
        (await portal.call('PATCH', `${CONTACTS}/${oldId}`, { properties: { city: 'Thun' } })).body.id,
      ).toBe(id);
    }
    expect((await portal.call('GET', `${CONTACTS}/old@example.com?idProperty=email`)).body.id).toBe(id);
    expect((await portal.call('GET', CONTACTS)).body.results.map((each: { id: string }) => each.id)).toEqual([
      id,
    ]);
    expect(portal.specProblems).toEqual([]);
  });

  test('of a merged record lists all old ids, and they follow', async () => {
    const portal = await openPortal();
    const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((firstname) =>
      portal.crm.create('contacts', { firstname }),
    );

    const ab = portal.crm.merge('contacts', a, b);
    const all = portal.crm.merge('contacts', c, ab);

    expect(portal.crm.get('contacts', all)?.properties.hs_merged_object_ids).toBe([c, a, b, ab].join(';'));
    expect((await portal.call('GET', `${CONTACTS}/${b}`)).body.id).toBe(all);
  });

  test('is refused with itself, with what is gone, and after 250', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', {});
    const merge = (primaryObjectId: string, objectIdToMerge: string) =>
      portal.call('POST', `${CONTACTS}/merge`, { primaryObjectId, objectIdToMerge });

    expect((await merge(id, id)).status).toBe(400);
    expect((await merge(id, '9')).status).toBe(404);
    let current = id;
    for (let count = 0; count < 125; count++)
      current = portal.crm.merge('contacts', current, portal.crm.create('contacts', {}));
    expect((await merge(current, portal.crm.create('contacts', {}))).status).toBe(400);
    expect((await merge(id, portal.crm.create('contacts', {}))).status).toBe(404);
  });

  test('moves associations', async () => {
    const portal = await openPortal();
    const [a = '', b = ''] = ['a', 'b'].map((firstname) => portal.crm.create('contacts', { firstname }));
    const [one = '', two = ''] = ['one', 'two'].map((name) => portal.crm.create('companies', { name }));
    portal.crm.associate('contacts', a, 'companies', one, { primary: true });
    portal.crm.associate('contacts', b, 'companies', two, { primary: true });

    const merged = portal.crm.merge('contacts', a, b);

    const { body } = await portal.call('GET', `${CONTACTS}/${merged}?associations=companies`);
    expect(body.associations.companies.results).toEqual([
      { id: one, type: 'contact_to_company_unlabeled' },
      { id: one, type: 'contact_to_company' },
      { id: two, type: 'contact_to_company_unlabeled' },
    ]);
  });
});

test('addresses follow a contact through merges, and stay taken while it lives', async () => {
  const portal = await openPortal();
  const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((name) =>
    portal.crm.create('contacts', { email: `${name}@example.com` }),
  );

  const merged = portal.crm.merge('contacts', c, portal.crm.merge('contacts', a, b));

  for (const name of ['a', 'b', 'c']) {
    expect((await portal.call('GET', `${CONTACTS}/${name}@example.com?idProperty=email`)).body.id).toBe(
      merged,
    );
    expect(
      (await portal.call('POST', CONTACTS, { properties: { email: `${name}@example.com` } })).status,
    ).toBe(409);
  }
  const batch = await portal.call('POST', `${CONTACTS}/batch/read`, {
    idProperty: 'email',
    inputs: [{ id: 'b@example.com' }],
  });
  expect(batch.status).toBe(207);
  portal.crm.delete('contacts', merged);
  expect((await portal.call('POST', CONTACTS, { properties: { email: 'b@example.com' } })).status).toBe(201);
});

test('a write answers with what was written and what HubSpot keeps', async () => {
  const portal = await openPortal();

  const { body } = await portal.call('POST', CONTACTS, { properties: { city: 'Bern' }, associations: [] });

  expect(body.properties).toEqual({
    city: 'Bern',
    createdate: '2026-11-10T12:00:00Z',
    hs_object_id: body.id,
    lastmodifieddate: '2026-11-10T12:00:00Z',
  });
});

test('gdpr-delete leaves nothing: not the contact, not its old ids, not its address', async () => {
  const portal = await openPortal();
  const [a = '', b = ''] = ['a', 'b'].map((name) =>
    portal.crm.create('contacts', { email: `${name}@example.com` }),
  );
  const merged = portal.crm.merge('contacts', a, b);

  const answer = await portal.call('POST', `${CONTACTS}/gdpr-delete`, {
    objectId: 'a@example.com',
    idProperty: 'email',
  });

  expect(answer.status).toBe(204);
  for (const id of [a, b, merged]) expect((await portal.call('GET', `${CONTACTS}/${id}`)).status).toBe(404);
  for (const name of ['a', 'b'])
    expect((await portal.call('GET', `${CONTACTS}/${name}@example.com?idProperty=email`)).status).toBe(404);
  expect((await portal.call('GET', `${CONTACTS}?archived=true`)).body.results).toEqual([]);
  expect(() => portal.crm.restore('contacts', merged)).toThrow('cannot restore');
  expect((await portal.call('POST', `${CONTACTS}/gdpr-delete`, { objectId: merged })).status).toBe(404);
  const batch = await portal.call('POST', `${CONTACTS}/batch/read`, {
    inputs: [{ id: a }],
    properties: [],
    propertiesWithHistory: [],
  });
  expect(batch.body.errors).toMatchObject([{ context: { ids: [a] } }]);
  expect(
    (await portal.call('POST', CONTACTS, { properties: { email: 'b@example.com' }, associations: [] }))
      .status,
  ).toBe(201);
  expect(portal.specProblems).toEqual([]);
});

describe('a list', () => {
  test('pages by the last id, without gaps or repeats, also while records come and go', async () => {
    const portal = await openPortal();
    const contacts = Array.from({ length: 25 }, (_, index) =>
      portal.crm.create('contacts', { firstname: `n${index}` }),
    );
    const seen: string[] = [];
    const lastIds: unknown[][] = [];
    let after: string | undefined;
    do {
      const page: { body: { results: { id: string }[]; paging?: { next: { after: string } } } } =
        await portal.call('GET', `${CONTACTS}?limit=10${after === undefined ? '' : `&after=${after}`}`);
      seen.push(...page.body.results.map(({ id }) => id));
      after = page.body.paging?.next.after;
      lastIds.push([after ?? seen.at(-1), seen.at(-1)]);
      if (seen.length === 10) portal.crm.delete('contacts', contacts[15] ?? '');
    } while (after !== undefined);

    for (const [said, last] of lastIds) expect(said).toBe(last);
    expect(seen).toEqual(contacts.filter((_, index) => index !== 15));
    expect(portal.specProblems).toEqual([]);
  });

  test('takes properties, histories and associations, and at most 100, with histories 50', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { jobtitle: 'CTO' });
    const company = portal.crm.create('companies', { name: 'Ackee' });
    portal.crm.associate('contacts', id, 'companies', company);

    const answer = await portal.call(
      'GET',
      `${CONTACTS}?properties=jobtitle,city&properties=phone&propertiesWithHistory=jobtitle&associations=companies&limit=50`,
    );

    expect(answer.body.results).toMatchObject([
      {
        properties: { jobtitle: 'CTO', city: null, phone: null },
        propertiesWithHistory: { jobtitle: [{ value: 'CTO' }] },
        associations: { companies: { results: [{ id: company, type: 'contact_to_company_unlabeled' }] } },
      },
    ]);
    expect((await portal.call('GET', `${CONTACTS}?limit=100`)).status).toBe(200);
    expect((await portal.call('GET', `${CONTACTS}?limit=101`)).status).toBe(400);
    expect((await portal.call('GET', `${CONTACTS}?limit=51&propertiesWithHistory=jobtitle`)).status).toBe(
      400,
    );
    expect((await portal.call('GET', `${CONTACTS}?after=abc`)).status).toBe(400);
    expect(portal.specProblems).toEqual([]);
  });
});

describe('values', () => {
  test.each([
    ['a datetime in milliseconds', { webinareventlastupdated: '1764000000000' }, '2025-11-24T16:00:00Z'],
    [
      'a datetime with a fraction',
      { webinareventlastupdated: '2025-11-24T17:00:00.250+01:00' },
      '2025-11-24T16:00:00.250Z',
    ],
    ['several options', { hs_buying_role: 'CHAMPION;END_USER' }, 'CHAMPION;END_USER'],
    ['a text as it is', { jobtitle: ' CTO ' }, ' CTO '],
    ['nothing clears', { jobtitle: '' }, null],
  ])('%s', async (_name, properties, expected) => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { jobtitle: 'before' });

    await portal.call('PATCH', `${CONTACTS}/${id}`, { properties });

    const [name = ''] = Object.keys(properties);
    expect((await portal.call('GET', `${CONTACTS}/${id}?properties=${name}`)).body.properties[name]).toBe(
      expected,
    );
  });

  test('a leading semicolon adds an option', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { hs_buying_role: 'CHAMPION' });

    await portal.call('PATCH', `${CONTACTS}/${id}`, { properties: { hs_buying_role: ';END_USER' } });

    expect(portal.crm.get('contacts', id)?.properties.hs_buying_role).toBe('CHAMPION;END_USER');
  });

  test.each([
    ['date', '2026-02-30', 'INVALID_DATE'],
    ['date', '1764000000001', 'INVALID_DATE'],
    ['number', '1,000', 'INVALID_INTEGER'],
    ['number', 'Infinity', 'INVALID_INTEGER'],
    ['string', 'x'.repeat(65_537), 'VALUE_TOO_LONG'],
  ])('a %s is not %.20s', async (type, value, code) => {
    const portal = await openPortal();
    const fieldType = type === 'string' ? 'text' : type;
    portal.crm.defineProperty('contacts', {
      name: 'custom',
      type,
      fieldType,
      groupName: 'contactinformation',
    });

    const answer = await portal.call('POST', CONTACTS, { properties: { custom: value }, associations: [] });

    expect(answer).toMatchObject({ status: 400, body: { errors: [{ code }] } });
  });

  test('a date is taken as a day or as its midnight', async () => {
    const portal = await openPortal();
    portal.crm.defineProperty('contacts', {
      name: 'custom',
      type: 'date',
      fieldType: 'date',
      groupName: 'contactinformation',
    });

    for (const value of ['2026-02-28', String(Date.UTC(2026, 1, 28))]) {
      const answer = await portal.call('POST', CONTACTS, { properties: { custom: value }, associations: [] });
      expect(answer.body.properties.custom).toBe('2026-02-28');
    }
  });

  test('a text of 65,536 characters is taken', async () => {
    const portal = await openPortal();

    expect(
      (
        await portal.call('POST', CONTACTS, {
          properties: { jobtitle: 'x'.repeat(65_536) },
          associations: [],
        })
      ).status,
    ).toBe(201);
  });

  test('the lifecycle stage moves forward only, unless it is cleared', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { lifecyclestage: 'opportunity' });
    const write = async (lifecyclestage: string) => {
      expect(
        (await portal.call('PATCH', `${CONTACTS}/${id}`, { properties: { lifecyclestage } })).status,
      ).toBe(200);
      return portal.crm.get('contacts', id)?.properties.lifecyclestage;
    };

    expect(await write('lead')).toBe('opportunity');
    expect(await write('customer')).toBe('customer');
    expect(await write('')).toBe(null);
    expect(await write('lead')).toBe('lead');
  });

  test('a write by the API is newer than what was there, whatever the clocks say', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', {});
    portal.crm.set('contacts', id, { jobtitle: 'later' }, { atMs: NOON_MS + 60_000 });
    portal.crm.set('contacts', id, { jobtitle: 'earlier' }, { atMs: NOON_MS - 60_000 });
    expect(portal.crm.get('contacts', id)?.properties.jobtitle).toBe('later');

    await portal.call('PATCH', `${CONTACTS}/${id}`, { properties: { jobtitle: 'by the API' } });

    expect(portal.crm.get('contacts', id)?.properties.jobtitle).toBe('by the API');
  });

  test('companies and deals may be given the date of their creation', async () => {
    const portal = await openPortal();

    const { body } = await portal.call('POST', '/crm/objects/2026-03/deals', {
      properties: { createdate: '2025-01-02T03:04:05Z' },
      associations: [],
    });

    expect(body).toMatchObject({
      createdAt: '2025-01-02T03:04:05Z',
      properties: { createdate: '2025-01-02T03:04:05Z' },
    });
    expect(
      (await portal.call('POST', CONTACTS, { properties: { createdate: '2025-01-02T03:04:05Z' } })).status,
    ).toBe(400);
  });

  test('an own write moves the modification date, also one that repeats the value', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { jobtitle: 'CTO' });
    portal.time.nowMs += 5000;

    await portal.call('PATCH', `${CONTACTS}/${id}`, { properties: { jobtitle: 'CTO' } });

    expect(portal.crm.get('contacts', id)).toMatchObject({
      updatedAt: '2026-11-10T12:00:05Z',
      properties: { lastmodifieddate: '2026-11-10T12:00:05Z' },
    });
  });
});

test('an address that was given up is free again', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('contacts', { email: 'zoe@example.com' });
  await portal.call('PATCH', `${CONTACTS}/${id}`, { properties: { email: 'ann@example.com' } });

  const answer = await portal.call('POST', CONTACTS, {
    properties: { email: 'zoe@example.com' },
    associations: [],
  });

  expect(answer.status).toBe(201);
});

test('a change that is told late does not make a record older', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('contacts', {});

  portal.crm.set('contacts', id, { city: 'Bern' }, { atMs: NOON_MS - 60_000 });

  expect(portal.crm.get('contacts', id)?.updatedAt).toBe('2026-11-10T12:00:00Z');
});

test('inside the portal what is impossible throws, with property and reason', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('contacts', { hs_analytics_num_visits: 3 });

  expect(() => portal.crm.set('contacts', id, { nosuch: 'x' })).toThrow('nosuch of contacts');
  expect(() => portal.crm.set('contacts', id, { lifecyclestage: 'Lead' })).toThrow('INVALID_OPTION');
  expect(() => portal.crm.set('contacts', '9', { jobtitle: 'x' })).toThrow('no live record 9');
  expect(() => portal.crm.delete('deals', '9')).toThrow('cannot delete');
  expect(() => portal.crm.associate('contacts', id, 'companies', '9')).toThrow('no live record 9');
});

test('an unknown path is 404, a wrong method 405', async () => {
  const portal = await openPortal();

  expect((await portal.call('GET', '/crm/objects/2026-03/tickets')).status).toBe(404);
  expect((await portal.call('GET', '/crm/objects/2026-09/contacts')).status).toBe(404);
  expect((await portal.call('PUT', CONTACTS, {})).status).toBe(405);
});
