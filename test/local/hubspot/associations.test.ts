import { closeAll, openPortal } from './portal.ts';

afterEach(closeAll);

const READ = '/crm/associations/2026-03/contacts/companies/batch/read';
const unknownIds = (count: number) => Array.from({ length: count }, (_, index) => ({ id: String(index) }));
const spec = (associationTypeId: number) => [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }];

test('a batch read gives types and labels, and an error for who has none', async () => {
  const portal = await openPortal();
  const [ann = '', bob = ''] = ['Ann', 'Bob'].map((firstname) =>
    portal.crm.create('contacts', { firstname }),
  );
  const company = portal.crm.create('companies', { name: 'Ackee' });
  portal.crm.associate('contacts', ann, 'companies', company, { primary: true });

  const answer = await portal.call('POST', READ, { inputs: [{ id: ann }, { id: bob }] });

  expect(answer.status).toBe(207);
  expect(answer.body.results).toEqual([
    {
      from: { id: ann },
      to: [
        {
          toObjectId: company,
          associationTypes: [
            { category: 'HUBSPOT_DEFINED', typeId: 279 },
            { category: 'HUBSPOT_DEFINED', typeId: 1, label: 'Primary' },
          ],
        },
      ],
    },
  ]);
  expect(answer.body.errors).toMatchObject([
    { category: 'OBJECT_NOT_FOUND', context: { fromObjectId: [bob] } },
  ]);
  expect((await portal.call('POST', READ, { inputs: [{ id: ann }] })).status).toBe(200);
  expect(portal.specProblems).toEqual([]);
});

test('v4 gives the ids of associated records as numbers', async () => {
  const portal = await openPortal();
  const deal = portal.crm.create('deals', {});
  const contact = portal.crm.create('contacts', {});
  portal.crm.associate('deals', deal, 'contacts', contact);

  const answer = await portal.call('POST', '/crm/v4/associations/0-3/0-1/batch/read', {
    inputs: [{ id: deal }],
  });

  expect(answer.body.results[0].to).toEqual([
    {
      toObjectId: Number(contact),
      associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 3, label: null }],
    },
  ]);
});

test('a batch read takes 1,000 inputs and pages through many associations', async () => {
  const portal = await openPortal();
  const company = portal.crm.create('companies', {});
  const contacts = Array.from({ length: 620 }, () => portal.crm.create('contacts', {}));
  for (const id of contacts) portal.crm.associate('companies', company, 'contacts', id);
  const path = '/crm/associations/2026-03/companies/contacts/batch/read';

  const first = await portal.call('POST', path, { inputs: [{ id: company }] });
  const { after } = first.body.results[0].paging.next;
  const second = await portal.call('POST', path, { inputs: [{ id: company, after }] });

  const found = [first, second].flatMap(({ body }) =>
    body.results[0].to.map(({ toObjectId }: { toObjectId: string }) => toObjectId),
  );
  expect(found).toEqual(contacts);
  expect(second.body.results[0]).not.toHaveProperty('paging');
  expect((await portal.call('POST', path, { inputs: unknownIds(1000) })).status).toBe(207);
  expect((await portal.call('POST', path, { inputs: unknownIds(1001) })).status).toBe(400);
  expect(portal.specProblems).toEqual([]);
});

test('a batch create makes what can be made; both directions are there', async () => {
  const portal = await openPortal();
  const contact = portal.crm.create('contacts', {});
  const company = portal.crm.create('companies', {});
  const path = '/crm/associations/2026-03/contacts/companies/batch/create';

  const answer = await portal.call('POST', path, {
    inputs: [
      { from: { id: contact }, to: { id: company }, types: spec(1) },
      { from: { id: contact }, to: { id: '9' }, types: spec(279) },
    ],
  });

  expect(answer).toMatchObject({
    status: 207,
    body: {
      results: [{ fromObjectId: contact, toObjectId: company, labels: ['Primary'] }],
      errors: [{ context: { ids: ['9'] } }],
    },
  });
  const back = await portal.call('POST', '/crm/associations/2026-03/companies/contacts/batch/read', {
    inputs: [{ id: company }],
  });
  expect(back.body.results[0].to[0].associationTypes.map(({ typeId }: { typeId: number }) => typeId)).toEqual(
    [280, 2],
  );
  expect(portal.crm.get('contacts', contact)?.properties.associatedcompanyid).toBe(company);
  expect(
    (
      await portal.call('POST', path, {
        inputs: [{ from: { id: contact }, to: { id: company }, types: spec(4) }],
      })
    ).status,
  ).toBe(400);
  expect(portal.specProblems).toEqual([]);
});

test('the plain and the single forms', async () => {
  const portal = await openPortal();
  const contact = portal.crm.create('contacts', {});
  const deal = portal.crm.create('deals', {});
  const company = portal.crm.create('companies', {});
  const at = (type: string, id: string) =>
    `/crm/objects/2026-03/contacts/${contact}/associations/${type}/${id}`;

  const plain = await portal.call(
    'POST',
    '/crm/associations/2026-03/contacts/deals/batch/associate/default',
    { inputs: [{ from: { id: contact }, to: { id: deal } }] },
  );
  expect(plain.status).toBe(200);
  expect(
    plain.body.results
      .map(
        ({ associationSpec }: { associationSpec: { associationTypeId: number } }) =>
          associationSpec.associationTypeId,
      )
      .toSorted(),
  ).toEqual([3, 4]);
  expect(
    (
      await portal.call(
        'PUT',
        `/crm/objects/2026-03/contacts/${contact}/associations/default/companies/${company}`,
      )
    ).status,
  ).toBe(200);
  expect((await portal.call('PUT', at('companies', company), spec(1))).status).toBe(201);
  expect((await portal.call('PUT', at('companies', '9'), spec(1))).status).toBe(404);
  expect((await portal.call('PUT', at('companies', company), spec(4))).status).toBe(400);
  const read = await portal.call('GET', `/crm/objects/2026-03/contacts/${contact}/associations/companies`);
  expect(read.body.results).toMatchObject([{ toObjectId: company }]);
  expect((await portal.call('DELETE', at('companies', company))).status).toBe(204);
  expect(
    (await portal.call('GET', `/crm/objects/2026-03/contacts/${contact}/associations/companies`)).body
      .results,
  ).toEqual([]);
  const archive = await portal.call('POST', '/crm/v4/associations/contacts/deals/batch/archive', {
    inputs: [{ from: { id: contact }, to: [{ id: deal }] }],
  });
  expect(archive.status).toBe(204);
  expect(
    (await portal.call('GET', `/crm/objects/2026-03/contacts/${contact}/associations/deals`)).body.results,
  ).toEqual([]);
});

test('a contact has one primary company, from whichever side it was made', async () => {
  const portal = await openPortal();
  const contact = portal.crm.create('contacts', {});
  const [one = '', two = ''] = ['one', 'two'].map((name) => portal.crm.create('companies', { name }));

  for (const company of [one, two])
    portal.crm.associate('companies', company, 'contacts', contact, { primary: true });

  const { body } = await portal.call('POST', READ, { inputs: [{ id: contact }] });
  expect(body.results[0].to).toMatchObject([
    { toObjectId: one, associationTypes: [{ typeId: 279 }] },
    { toObjectId: two, associationTypes: [{ typeId: 279 }, { typeId: 1 }] },
  ]);
  expect(portal.crm.get('contacts', contact)?.properties.associatedcompanyid).toBe(two);
});

test('a deleted company is associated with nobody', async () => {
  const portal = await openPortal();
  const contact = portal.crm.create('contacts', {});
  const company = portal.crm.create('companies', {});
  portal.crm.associate('contacts', contact, 'companies', company);

  portal.crm.delete('companies', company);
  expect((await portal.call('POST', READ, { inputs: [{ id: contact }] })).status).toBe(207);
  portal.crm.restore('companies', company);
  expect((await portal.call('POST', READ, { inputs: [{ id: contact }] })).status).toBe(200);
});

test('told along with a record, associations are cut, and where they are a page follows', async () => {
  const portal = await openPortal({ associationsInline: 2 });
  const { crm } = portal;
  const [few = '', many = ''] = [1, 2].map(() => crm.create('contacts', {}));
  for (const id of [few, few, many, many, many]) {
    crm.associate('contacts', id, 'deals', crm.create('deals', {}));
  }

  const { body } = await portal.call('GET', '/crm/objects/2026-03/contacts?associations=deals');

  const [whole, cut] = body.results.map(
    ({ associations }: { associations: { deals: unknown } }) => associations.deals,
  );
  expect(whole.results).toHaveLength(2);
  expect(whole.paging).toBeUndefined();
  expect(cut.results).toHaveLength(2);
  expect(cut.paging).toMatchObject({ next: { after: '2' } });
  expect(portal.specProblems).toEqual([]);
});

test('by five hundred, unless one says otherwise', async () => {
  const portal = await openPortal();
  const { crm } = portal;
  const id = crm.create('companies', {});
  for (let count = 0; count < 501; count++)
    crm.associate('companies', id, 'contacts', crm.create('contacts', {}));

  const { body } = await portal.call('GET', `/crm/objects/2026-03/companies/${id}?associations=contacts`);

  expect(body.associations.contacts.results).toHaveLength(500);
  expect(body.associations.contacts.paging).toBeDefined();
});

test('a new association changes neither record: a search for what changed does not find them', async () => {
  const portal = await openPortal();
  const { crm } = portal;
  const [contact, deal] = [crm.create('contacts', {}), crm.create('deals', {})];
  portal.time.nowMs += 60_000;

  crm.associate('contacts', contact, 'deals', deal);

  expect(crm.get('contacts', contact)?.updatedAt).toBe('2026-11-10T12:00:00Z');
  expect(crm.get('deals', deal)?.updatedAt).toBe('2026-11-10T12:00:00Z');
});
