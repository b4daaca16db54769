import { closeAll, openPortal } from './portal.ts';

afterEach(closeAll);

const OWNERS = '/crm/owners/2026-03';
const PIPELINES = '/crm/pipelines/2026-03/deals';

describe('owners', () => {
  test('come in pages in the order of their ids, with the id after which the next page begins', async () => {
    const portal = await openPortal();

    const first = await portal.call('GET', `${OWNERS}?limit=2`);
    const second = await portal.call('GET', `${OWNERS}?limit=2&after=${first.body.paging.next.after}`);

    expect(first.body.results.map(({ id }: { id: string }) => id)).toEqual(['41629779', '41629801']);
    expect(second.body.results.map(({ id }: { id: string }) => id)).toEqual(['60158084']);
    expect(second.body.paging).toBeUndefined();
  });

  test('have the fields that HubSpot documents', async () => {
    const portal = await openPortal();

    const { body } = await portal.call('GET', `${OWNERS}/41629779`);

    // HubSpot docs, "Owners", the example of a response, read November 2026.
    expect(Object.keys(body).toSorted()).toEqual([
      'archived',
      'createdAt',
      'email',
      'firstName',
      'id',
      'lastName',
      'type',
      'updatedAt',
      'userId',
      'userIdIncludingInactive',
    ]);
    expect(await portal.call('GET', `${OWNERS}/9586504?idProperty=userId`)).toMatchObject({ body });
    expect((await portal.call('GET', `${OWNERS}/1`)).status).toBe(404);
  });

  test('who have left are told only to those who ask for them, and are no users any more', async () => {
    const portal = await openPortal();

    const { body } = await portal.call('GET', `${OWNERS}?archived=true`);

    expect(body.results).toMatchObject([
      { id: '60158111', archived: true, userIdIncludingInactive: 9_275_020 },
    ]);
    expect(body.results[0]).not.toHaveProperty('userId');
  });

  test('are found by address', async () => {
    const portal = await openPortal();

    const { body } = await portal.call('GET', `${OWNERS}?email=ada@example.com`);

    expect(body.results).toMatchObject([{ id: '41629779' }]);
  });

  test.each(['limit=0', 'limit=501', 'limit=x', 'after=x'])('%s is refused', async (query) => {
    const portal = await openPortal();

    expect((await portal.call('GET', `${OWNERS}?${query}`)).status).toBe(400);
  });

  test('need a scope of their own', async () => {
    const portal = await openPortal({ scopes: ['crm.objects.contacts.read'] });

    expect(await portal.call('GET', OWNERS)).toMatchObject({
      status: 403,
      body: { category: 'MISSING_SCOPES', context: { requiredGranularScopes: ['crm.objects.owners.read'] } },
    });
  });
});

describe('pipelines of deals', () => {
  test('are one, whose stages are the choices of the property', async () => {
    const portal = await openPortal();
    const property = await portal.call('GET', '/crm/properties/2026-03/deals/dealstage');

    const { body } = await portal.call('GET', PIPELINES);

    expect(body.results).toMatchObject([{ id: 'default', label: 'Sales Pipeline', archived: false }]);
    const stages: { id: string; metadata: unknown }[] = body.results[0].stages;
    expect(stages.map(({ id }) => id)).toEqual(
      property.body.options.map(({ value }: { value: string }) => value),
    );
    // As recorded: text, also of the numbers.
    expect(stages.find(({ id }) => id === 'closedwon')?.metadata).toEqual({
      isClosed: 'true',
      probability: '1.0',
    });
    expect(stages[0]?.metadata).toEqual({ isClosed: 'false', probability: '0.2' });
  });

  test('are found by id, and nothing of another kind is', async () => {
    const portal = await openPortal();

    expect((await portal.call('GET', `${PIPELINES}/default`)).body).toMatchObject({ id: 'default' });
    expect((await portal.call('GET', `${PIPELINES}/other`)).status).toBe(404);
    expect((await portal.call('GET', '/crm/pipelines/2026-03/nothings')).status).toBe(404);
  });

  test('need the scope to read deals', async () => {
    const portal = await openPortal({ scopes: ['crm.objects.contacts.read'] });

    expect(await portal.call('GET', PIPELINES)).toMatchObject({
      status: 403,
      body: { context: { requiredGranularScopes: ['crm.objects.deals.read'] } },
    });
  });
});
