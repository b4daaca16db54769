import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import { readAssociated } from '../../lambdas/hubspot/associations.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Connection, connectProvisioned } from './connection.ts';

afterEach(closeAll);

const now = new Date(NOON_MS).toISOString();
const envelope = { status: 'COMPLETE', results: [], startedAt: now, completedAt: now };

function create({ portal }: Connection, type: 'contacts' | 'companies' | 'deals', count: number): string[] {
  return Array.from({ length: count }, () => portal.crm.create(type, {}));
}

test('of each contact the companies are found, and which of them is the primary one', async () => {
  const connection = await connectProvisioned();
  const { portal, hubSpot, specProblems, takeCalls } = connection;
  const [ann = '', bob = '', cid = ''] = create(connection, 'contacts', 3);
  const [main = '', other = ''] = create(connection, 'companies', 2);
  portal.crm.associate('contacts', ann, 'companies', other);
  portal.crm.associate('contacts', ann, 'companies', main, { primary: true });
  portal.crm.associate('contacts', bob, 'companies', other);

  const found = await readAssociated(hubSpot.associations, ['contacts', 'companies'], [ann, bob, cid]);

  expect(Object.fromEntries(found)).toEqual({
    [ann]: [
      { id: other, isPrimary: false },
      { id: main, isPrimary: true },
    ],
    [bob]: [{ id: other, isPrimary: false }],
    [cid]: [],
  });
  expect(takeCalls()).toEqual(['POST contacts/companies/batch/read']);
  expect(specProblems()).toEqual([]);
});

test('a label of the customer that has the number of the primary company is not taken for it', async () => {
  const to = { toObjectId: 7, associationTypes: [{ category: 'USER_DEFINED', typeId: 1, label: 'Advises' }] };
  const body = { ...envelope, results: [{ from: { id: '5' }, to: [to] }] };
  const { hubSpot } = await connectProvisioned({ faults: () => ({ kind: 'answer', status: 200, body }) });

  const found = await readAssociated(hubSpot.associations, ['contacts', 'companies'], ['5']);

  expect(found.get('5')).toEqual([{ id: '7', isPrimary: false }]);
});

test('long lists are followed page by page, only for those who have more, and no further than is of interest', async () => {
  const connection = await connectProvisioned();
  const { portal, hubSpot, takeCalls } = connection;
  const [many = '', few = ''] = create(connection, 'deals', 2);
  const contacts = create(connection, 'contacts', 620);
  for (const id of contacts) portal.crm.associate('deals', many, 'contacts', id);
  portal.crm.associate('deals', few, 'contacts', contacts[0] ?? '');

  const all = await readAssociated(hubSpot.associations, ['deals', 'contacts'], [many, few]);
  const calls = takeCalls();
  const some = await readAssociated(
    hubSpot.associations,
    ['deals', 'contacts'],
    [many, few],
    (found) => found.length > 9,
  );

  const ids = all.get(many);
  expect(ids instanceof HubSpotError ? ids : ids?.map(({ id }) => id)).toEqual(contacts);
  expect(calls).toHaveLength(2);
  expect(connection.exchanges.at(-2)?.requestBody).toEqual({ inputs: [{ id: many, after: '500' }] });
  expect([some.get(many), takeCalls()]).toMatchObject([{ length: 500 }, { length: 1 }]);
});

test.each([
  ['names a contact', { fromObjectId: ['1'] }, ['error', 'none']],
  ['names nobody', {}, ['error', 'error']],
])(
  'an error that %s leaves open what is associated: only "not found" says that nothing is',
  async (_name, context, expected) => {
    const error = {
      status: 'error',
      category: 'INTERNAL_ERROR',
      message: 'm',
      context,
      errors: [],
      links: {},
    };
    const body = { ...envelope, numErrors: 1, errors: [error] };
    const { hubSpot } = await connectProvisioned({ faults: () => ({ kind: 'answer', status: 207, body }) });

    const found = await readAssociated(hubSpot.associations, ['contacts', 'deals'], ['1', '2']);

    const kinds = [...found.values()].map((each) => (each instanceof HubSpotError ? 'error' : 'none'));
    expect(kinds).toEqual(expected);
  },
);

test('one record for which HubSpot refuses the whole batch is refused alone', async () => {
  const connection = await connectProvisioned({
    faults: ({ body }) =>
      JSON.stringify(body).includes('"bad"')
        ? {
            kind: 'answer',
            status: 400,
            body: { message: 'm', category: 'VALIDATION_ERROR', correlationId: 'c' },
          }
        : undefined,
  });
  const [contact = ''] = create(connection, 'contacts', 1);
  const [deal = ''] = create(connection, 'deals', 1);
  connection.portal.crm.associate('contacts', contact, 'deals', deal);

  const found = await readAssociated(
    connection.hubSpot.associations,
    ['contacts', 'deals'],
    ['bad', contact],
  );

  expect(found.get('bad')).toMatchObject({ trouble: 'invalid', reason: 'VALIDATION_ERROR' });
  expect(found.get(contact)).toEqual([{ id: deal, isPrimary: false }]);
});

test.each([
  ['null', null],
  ['results that are no list', { results: 5 }],
  ['another form', { results: [{ from: {}, to: 'canary' }] }],
])('an answer of %s says nothing of what is associated', async (_name, body) => {
  const { hubSpot } = await connectProvisioned({
    faults: () => ({ kind: 'answer', status: 200, body: JSON.stringify(body) }),
  });

  const reading = readAssociated(hubSpot.associations, ['contacts', 'deals'], ['1']);

  await expect(reading).rejects.toMatchObject({ trouble: 'unknown' });
});
