// The table of what happens to a bad input in a batch update, row by row.
import { closeAll, openPortal, type Portal } from './portal.ts';

afterEach(closeAll);

const UPDATE = '/crm/objects/2026-03/contacts/batch/update';
const ids = (answer: { body: { results: { id: string }[] } }) =>
  answer.body.results.map(({ id }) => id).toSorted();

async function portalWith(count: number): Promise<{ portal: Portal; contacts: string[] }> {
  const portal = await openPortal();
  const contacts = Array.from({ length: count }, (_, index) =>
    portal.crm.create('contacts', { email: `c${index}@example.com` }),
  );
  return { portal, contacts };
}

const input = (id: string, properties: Record<string, string>, objectWriteTraceId?: string) => ({
  id,
  properties,
  objectWriteTraceId,
});

describe.each([
  ['dated path', UPDATE],
  ['v3 path', '/crm/v3/objects/contacts/batch/update'],
  ['type id', '/crm/objects/2026-03/0-1/batch/update'],
])('a batch update by %s', (_name, path) => {
  test('writes 100 inputs and confirms each, in another order', async () => {
    const { portal, contacts } = await portalWith(100);

    const answer = await portal.call('POST', path, {
      inputs: contacts.map((id) => input(id, { jobtitle: 'CTO' })),
    });

    expect(answer.status).toBe(200);
    expect(answer.body.status).toBe('COMPLETE');
    expect(ids(answer)).toEqual(contacts.toSorted());
    expect(answer.body.results.map(({ id }: { id: string }) => id)).not.toEqual(contacts);
    expect(portal.crm.all('contacts').every(({ properties }) => properties.jobtitle === 'CTO')).toBe(true);
    expect(portal.specProblems).toEqual([]);
  });

  test('refuses 101 inputs and writes nothing', async () => {
    const { portal, contacts } = await portalWith(101);

    const answer = await portal.call('POST', path, {
      inputs: contacts.map((id) => input(id, { jobtitle: 'CTO' })),
    });

    expect(answer).toMatchObject({
      status: 400,
      body: { category: 'VALIDATION_ERROR', message: expect.stringContaining('100') },
    });
    expect(portal.crm.all('contacts').some(({ properties }) => properties.jobtitle === 'CTO')).toBe(false);
  });
});

test('an id that does not exist, or is deleted, is an error in a 207; the others are written', async () => {
  const { portal, contacts } = await portalWith(2);
  const [kept = '', deleted = ''] = contacts;
  portal.crm.delete('contacts', deleted);

  const answer = await portal.call('POST', UPDATE, {
    inputs: [
      input('999', { jobtitle: 'CTO' }),
      input(kept, { jobtitle: 'CTO' }),
      input(deleted, { jobtitle: 'CTO' }),
    ],
  });

  expect(answer.status).toBe(207);
  expect(ids(answer)).toEqual([kept]);
  expect(answer.body.numErrors).toBe(1);
  expect(answer.body.errors).toMatchObject([
    { status: 'error', category: 'OBJECT_NOT_FOUND', context: { ids: ['999', deleted] } },
  ]);
  expect(portal.crm.get('contacts', kept)?.properties.jobtitle).toBe('CTO');
  expect(portal.crm.get('contacts', deleted)?.properties.jobtitle).toBeUndefined();
  expect(portal.specProblems).toEqual([]);
});

describe.each([
  ['unknown property', { nosuch: 'x' }, 'PROPERTY_DOESNT_EXIST', 'nosuch'],
  ['read-only property', { hs_analytics_num_visits: '3' }, 'READ_ONLY_VALUE', 'hs_analytics_num_visits'],
  ['unknown option', { lifecyclestage: 'Lead' }, 'INVALID_OPTION', 'lifecyclestage'],
  ['bad e-mail address', { email: 'not an address' }, 'INVALID_EMAIL', 'email'],
  ['bad datetime', { webinareventlastupdated: 'yesterday' }, 'INVALID_LONG', 'webinareventlastupdated'],
  ['bad boolean', { hs_email_optout: 'yes' }, 'INVALID_OPTION', 'hs_email_optout'],
])('%s', (_name, properties, code, property) => {
  test('without trace ids refuses the whole batch; nothing is written', async () => {
    const { portal, contacts } = await portalWith(2);
    const [good = '', bad = ''] = contacts;

    const answer = await portal.call('POST', UPDATE, {
      inputs: [input(good, { jobtitle: 'CTO' }), input(bad, properties)],
    });

    expect(answer).toMatchObject({
      status: 400,
      body: {
        status: 'error',
        category: 'VALIDATION_ERROR',
        correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        errors: [{ code, context: { propertyName: [property] } }],
      },
    });
    const listed = JSON.parse(answer.body.message.replace('Property values were not valid: ', ''));
    expect(listed).toMatchObject([{ isValid: false, error: code, name: property }]);
    expect(portal.crm.get('contacts', good)?.properties.jobtitle).toBeUndefined();
  });

  test('with a trace id on every input is the error of its input; the others are written', async () => {
    const { portal, contacts } = await portalWith(2);
    const [good = '', bad = ''] = contacts;

    const answer = await portal.call('POST', UPDATE, {
      inputs: [input(good, { jobtitle: 'CTO' }, 'trace-good'), input(bad, properties, 'trace-bad')],
    });

    expect(answer.status).toBe(207);
    expect(answer.body.results).toMatchObject([{ id: good, objectWriteTraceId: 'trace-good' }]);
    expect(answer.body.errors).toMatchObject([
      { category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['trace-bad'] }, errors: [{ code }] },
    ]);
    expect(answer.body.errors[0].context).not.toHaveProperty('ids');
    expect(portal.crm.get('contacts', good)?.properties.jobtitle).toBe('CTO');
    expect(portal.specProblems).toEqual([]);
  });
});

test.each([
  ['one is missing', ['a', undefined]],
  ['two are the same', ['a', 'a']],
  ['one is empty', ['a', '']],
])('trace ids do not help when %s', async (_because, [first, second]) => {
  const { portal, contacts } = await portalWith(2);
  const [good = '', bad = ''] = contacts;

  const answer = await portal.call('POST', UPDATE, {
    inputs: [input(good, { jobtitle: 'CTO' }, first), input(bad, { nosuch: 'x' }, second)],
  });

  expect(answer.status).toBe(400);
  expect(portal.crm.get('contacts', good)?.properties.jobtitle).toBeUndefined();
});

test('the same id twice refuses the batch, trace ids or not', async () => {
  const { portal, contacts } = await portalWith(2);
  const [twice = '', once = ''] = contacts;

  const answer = await portal.call('POST', UPDATE, {
    inputs: [
      input(twice, { jobtitle: 'A' }, '1'),
      input(once, { jobtitle: 'B' }, '2'),
      input(twice, { jobtitle: 'C' }, '3'),
    ],
  });

  expect(answer).toMatchObject({
    status: 400,
    body: {
      category: 'VALIDATION_ERROR',
      message: expect.stringContaining('duplicate IDs found in batch input'),
      context: { ids: [twice] },
    },
  });
  expect(portal.crm.get('contacts', once)?.properties.jobtitle).toBeUndefined();
});

test('a merged id is left out without a word, with 200', async () => {
  const { portal, contacts } = await portalWith(3);
  const [primary = '', other = '', third = ''] = contacts;
  const merged = portal.crm.merge('contacts', primary, other);

  const answer = await portal.call('POST', UPDATE, {
    inputs: [
      input(primary, { jobtitle: 'CTO' }, '1'),
      input(other, { jobtitle: 'CTO' }, '2'),
      input(third, { jobtitle: 'CTO' }, '3'),
    ],
  });

  expect(answer.status).toBe(200);
  expect(ids(answer)).toEqual([third]);
  expect(answer.body).not.toHaveProperty('errors');
  expect(portal.crm.get('contacts', merged)?.properties.jobtitle).toBeUndefined();
});

test('a body without inputs is COMPLETE and empty', async () => {
  const { portal, contacts } = await portalWith(1);

  for (const bare of [
    input(contacts[0] ?? '', { jobtitle: 'CTO' }),
    [input(contacts[0] ?? '', { jobtitle: 'CTO' })],
  ]) {
    const answer = await portal.call('POST', UPDATE, bare);
    expect(answer).toMatchObject({ status: 200, body: { status: 'COMPLETE', results: [] } });
  }
  expect(portal.crm.get('contacts', contacts[0] ?? '')?.properties.jobtitle).toBeUndefined();
});

test('e-mail does not identify a contact here, nor does a property whose values are not unique', async () => {
  const { portal } = await portalWith(1);

  for (const idProperty of ['email', 'jobtitle']) {
    const answer = await portal.call('POST', UPDATE, {
      inputs: [
        { id: 'c0@example.com', idProperty, properties: { jobtitle: 'CTO' }, objectWriteTraceId: '1' },
      ],
    });

    expect(answer).toMatchObject({
      status: 400,
      body: { category: 'VALIDATION_ERROR', message: expect.stringContaining('unique') },
    });
  }
});

test('a custom property with unique values identifies a contact', async () => {
  const { portal, contacts } = await portalWith(2);
  portal.crm.defineProperty('contacts', {
    name: 'customer_number',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
    hasUniqueValue: true,
  });
  portal.crm.set('contacts', contacts[0] ?? '', { customer_number: 'K-1' });

  const answer = await portal.call('POST', UPDATE, {
    inputs: [{ id: 'K-1', idProperty: 'customer_number', properties: { jobtitle: 'CTO' } }],
  });

  expect(answer.status).toBe(200);
  expect(ids(answer)).toEqual([contacts[0]]);
  const twice = await portal.call('POST', UPDATE, {
    inputs: [
      { id: 'K-1', idProperty: 'customer_number', properties: { jobtitle: 'CTO' } },
      { id: contacts[0], properties: { jobtitle: 'CEO' } },
    ],
  });
  expect(twice.status).toBe(400);
});

test('e-mail addresses come back in lower case', async () => {
  const { portal, contacts } = await portalWith(1);

  const answer = await portal.call('POST', UPDATE, {
    inputs: [input(contacts[0] ?? '', { email: 'Zoe.Ng@Example.COM' })],
  });

  expect(answer.body.results[0].properties.email).toBe('zoe.ng@example.com');
});

test('an address that another contact has is a conflict', async () => {
  const { portal, contacts } = await portalWith(2);
  const [first = '', second = ''] = contacts;
  const taken = input(second, { email: 'C0@example.com' }, '2');

  const whole = await portal.call('POST', UPDATE, { inputs: [{ ...taken, objectWriteTraceId: undefined }] });
  const partly = await portal.call('POST', UPDATE, {
    inputs: [input(first, { jobtitle: 'CTO' }, '1'), taken],
  });

  expect(whole).toMatchObject({
    status: 409,
    body: { category: 'CONFLICT', message: `Contact already exists. Existing ID: ${first}` },
  });
  expect(partly.status).toBe(207);
  expect(partly.body.errors).toMatchObject([
    { category: 'CONFLICT', context: { objectWriteTraceId: ['2'] } },
  ]);
  expect(ids(partly)).toEqual([first]);
});

test('a refused input keeps no address from another one', async () => {
  const { portal, contacts } = await portalWith(2);
  const [first = '', second = ''] = contacts;

  const answer = await portal.call('POST', UPDATE, {
    inputs: [
      input(first, { email: 'new@example.com', nosuch: 'x' }, '1'),
      input(second, { email: 'new@example.com' }, '2'),
    ],
  });

  expect(ids(answer)).toEqual([second]);
  expect(portal.crm.find('contacts', 'email', 'new@example.com')?.id).toBe(second);
  expect(portal.crm.find('contacts', 'email', 'c1@example.com')).toBeUndefined();
});

test.each([[12], [true], [null], [{ a: 1 }]])('values are texts: %p is refused', async (value) => {
  const { portal, contacts } = await portalWith(1);

  const answer = await portal.call('POST', UPDATE, {
    inputs: [{ id: contacts[0], properties: { jobtitle: value } }],
  });

  expect(answer).toMatchObject({
    status: 400,
    body: { category: 'VALIDATION_ERROR', message: expect.stringContaining('Invalid input JSON') },
  });
});

test('what is not JSON is refused', async () => {
  const { portal } = await portalWith(1);

  expect(await portal.call('POST', UPDATE, '{"inputs": [')).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('Invalid input JSON') },
  });
});
