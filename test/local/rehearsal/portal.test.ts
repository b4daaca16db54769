import { type Simulator, startSimulator } from '../../../local/hubspot/simulator.ts';
import { TestPortal } from '../../../local/rehearsal/portal.ts';

let simulator: Simulator;
let portal: TestPortal;

beforeEach(async () => {
  simulator = await startSimulator({ portalId: 7, timeZone: 'Europe/Berlin' });
  portal = new TestPortal(simulator.url, 'local-access-token');
});
afterEach(() => simulator.stop());

test('says whose portal it is', async () => {
  await expect(portal.account()).resolves.toEqual({ portalId: '7', timeZone: 'Europe/Berlin' });
});

test('counts contacts, page by page, as far as it matters', async () => {
  for (let at = 0; at < 250; at += 1) simulator.crm.create('contacts', { email: `c${at}@example.com` });

  await expect(portal.countContacts(1_000)).resolves.toBe(250);
  await expect(portal.countContacts(150)).resolves.toBe(200);
});

test('makes contacts, changes them, sees what they show, and takes them away', async () => {
  const startedMs = Date.now();
  const created = await portal.create([{ email: 'ada@example.com', jobtitle: 'Analyst' }]);
  const id = created.get('ada@example.com') ?? '';
  await portal.change(id, { hs_lead_status: 'IN_PROGRESS' });
  const shown = await portal.outputs([id]);

  expect([...shown.keys()]).toEqual([id]);
  expect(shown.get(id)?.['afterglow_score'] ?? null).toBeNull();

  const changedAtMs = (await portal.changeTimes([id], 'hs_lead_status')).get(id) ?? NaN;
  expect(changedAtMs).toBeGreaterThanOrEqual(startedMs);
  expect(changedAtMs).toBeLessThanOrEqual(Date.now());

  await portal.archive([id]);

  await expect(portal.countContacts(10)).resolves.toBe(0);
});

test('knows a portal in which Afterglow is at work', async () => {
  await expect(portal.isInUse()).resolves.toBe(false);

  const property = {
    name: 'afterglow_score',
    label: 'Score',
    type: 'number',
    fieldType: 'number',
    groupName: 'contactinformation',
  };
  await fetch(`${simulator.url}/crm/properties/2026-03/contacts`, {
    method: 'POST',
    headers: { authorization: 'Bearer local-access-token', 'content-type': 'application/json' },
    body: JSON.stringify(property),
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // HubSpot shows it 250 to 700 ms later.

  await expect(portal.isInUse()).resolves.toBe(true);
});

test('a token that is refused is told, with what HubSpot said', async () => {
  const stranger = new TestPortal(simulator.url, 'another-token');

  await expect(stranger.account()).rejects.toThrow(/GET \/account-info\/2026-03\/details with 401/);
});
