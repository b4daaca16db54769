import { detailReaders } from '../../lambdas/hubspot/portal.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Connection, connect } from './connection.ts';

afterEach(closeAll);

const readers = ({ portal, send }: Connection) =>
  detailReaders(portal.url, send, { contacts: ['jobtitle'], companies: ['domain'], deals: ['amount'] });

test('the account tells its time zone, on a dated path', async () => {
  const connection = await connect({ portalId: 33, timeZone: 'America/St_Johns' });

  expect(await readers(connection).account.read()).toEqual({
    portalId: 33,
    accountType: 'STANDARD',
    timeZone: 'America/St_Johns',
    companyCurrency: 'EUR',
  });
  expect(connection.takeCalls()).toEqual(['GET /account-info/2026-03/details']);
  expect(connection.specProblems()).toEqual([]);
});

test('a time zone that nobody can reckon with is no answer', async () => {
  const body = { portalId: 33, accountType: 'STANDARD', timeZone: 'Middle/Earth' };
  const connection = await connect({ faults: () => ({ kind: 'answer', status: 200, body }) });

  await expect(readers(connection).account.read()).rejects.toMatchObject({ trouble: 'unknown' });
});

test('of owners only the ids of those who are active are kept', async () => {
  const connection = await connect();

  expect(await readers(connection).owners.read()).toEqual({
    ids: ['41629779', '41629801', '60158084'],
    isComplete: true,
  });
  expect(connection.takeCalls()).toEqual(['GET /crm/owners/2026-03']);
});

test('owners are read page by page, and that there are too many is told', async () => {
  let page = 0;
  const connection = await connect({
    faults: () => {
      page += 1;
      const paging = { next: { after: String(page) } };
      return { kind: 'answer', status: 200, body: { results: [{ id: `o${page}` }], paging } };
    },
  });

  const owners = await readers(connection).owners.read();

  expect(owners.ids).toHaveLength(50);
  expect(owners.isComplete).toBe(false);
  expect(
    connection.exchanges.map(({ query }) => new URLSearchParams(query).get('after')).slice(0, 3),
  ).toEqual([null, '1', '2']);
});

test('the pipelines of deals come with their stages in order, which are closed, and how likely they are won', async () => {
  const connection = await connect();

  const pipelines = await readers(connection).pipelines.read();

  // The default pipeline of a new portal (knowledge.hubspot.com, "Set up and manage object pipelines", read 2026-11).
  expect(pipelines).toEqual([
    {
      id: 'default',
      label: 'Sales Pipeline',
      stages: [
        stage('appointmentscheduled', 'Appointment Scheduled', 0.2),
        stage('qualifiedtobuy', 'Qualified To Buy', 0.4),
        stage('presentationscheduled', 'Presentation Scheduled', 0.6),
        stage('decisionmakerboughtin', 'Decision Maker Bought-In', 0.8),
        stage('contractsent', 'Contract Sent', 0.9),
        stage('closedwon', 'Closed Won', 1, true),
        stage('closedlost', 'Closed Lost', 0, true),
      ],
    },
  ]);
  expect(connection.takeCalls()).toEqual(['GET /crm/pipelines/2026-03/deals']);
});

function stage(id: string, label: string, probability: number, isClosed = false) {
  return { id, label, isClosed, probability };
}

test('stages stand in the order that HubSpot gives them a number for, also without a probability', async () => {
  const stages = [
    { id: 'b', label: 'B', displayOrder: 1, metadata: { isClosed: 'true' } },
    { id: 'a', label: 'A', displayOrder: 0, metadata: { isClosed: 'false', probability: '0.25' } },
  ];
  const body = { results: [{ id: 'p', label: 'P', displayOrder: 0, stages }] };
  const connection = await connect({ faults: () => ({ kind: 'answer', status: 200, body }) });

  expect(await readers(connection).pipelines.read()).toEqual([
    {
      id: 'p',
      label: 'P',
      stages: [
        { id: 'a', label: 'A', isClosed: false, probability: 0.25 },
        { id: 'b', label: 'B', isClosed: true, probability: null },
      ],
    },
  ]);
});

test('what was read of definitions covers what was asked for, and nothing that a new model brings', async () => {
  const connection = await connect();

  const known = await readers(connection).contacts.read();

  expect(readers(connection).contacts.covers(known)).toBe(true);
  expect(
    detailReaders('', connection.send, {
      contacts: ['jobtitle', 'new'],
      companies: [],
      deals: [],
    }).contacts.covers(known),
  ).toBe(false);
});

test('a scope that is missing is an error of the kind it is about, and stops nothing else', async () => {
  const connection = await connect({ scopes: ['crm.objects.deals.read'] }, { isOptional: true });

  await expect(readers(connection).owners.read()).rejects.toMatchObject({
    trouble: 'unauthorised',
    reason: 'MISSING_SCOPES',
  });
  await expect(readers(connection).pipelines.read()).resolves.toHaveLength(1);
});
