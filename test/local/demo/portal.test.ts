import { planHappenings } from '../../../local/demo/happenings.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import { planRecords } from '../../../local/demo/record-happenings.ts';
import { type Crm, createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const NOW_MS = Date.parse('2026-11-01T12:00:00Z');
const DAY_MS = 86_400_000;

function newCrm(): Crm {
  return createCrm(createCrmState(() => NOW_MS, 1));
}

test('a portal has 500 contacts in companies; headcount, industry and revenue stand on the company', () => {
  const crm = newCrm();
  const { contacts, companies } = createPortal(crm, { nowMs: NOW_MS });

  expect(contacts).toHaveLength(500);
  expect(crm.all('contacts')).toHaveLength(500);
  const addresses = contacts.flatMap(({ email }) => email ?? []);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(companies.length).toBeGreaterThan(50);
  for (const { id, properties } of companies) {
    expect(crm.get('companies', id)?.properties).toMatchObject(properties);
    expect(Number(properties['numberofemployees'] ?? '1')).toBeGreaterThan(0);
    expect(properties['industry'] ?? 'UNKNOWN').toMatch(/^[A-Z_]+$/);
  }
  const names = new Set(contacts.flatMap(({ properties }) => Object.keys(properties)));
  expect([...names].toSorted()).toEqual(
    [
      'company',
      'country',
      'email',
      'firstname',
      'hs_email_optout',
      'jobtitle',
      'lastname',
      'lifecyclestage',
      'phone',
      'product_plan',
    ].toSorted(),
  );
  const inCompanies = crm
    .all('contacts')
    .filter(({ properties }) => (properties['associatedcompanyid'] ?? '') !== '');
  expect(inCompanies.length).toBeGreaterThan(350);
  for (const { id, companyId } of contacts)
    expect(crm.get('contacts', id)?.properties['associatedcompanyid'] ?? undefined).toBe(companyId);
});

test('some contacts left nothing but an address, and some not even that', () => {
  const { contacts } = createPortal(newCrm(), { nowMs: NOW_MS });

  const bare = contacts.filter(({ properties }) => Object.keys(properties).join() === 'email');
  const nameless = contacts.filter(({ properties }) => Object.keys(properties).join() === 'firstname');
  expect(bare.length).toBeGreaterThan(5);
  expect(nameless.length).toBeGreaterThan(5);
});

test('every address is one that cannot exist, also those below public e-mail providers', () => {
  const { contacts } = createPortal(newCrm(), { nowMs: NOW_MS });

  const domains = contacts.flatMap(({ email }) => email?.replace(/^[a-z0-9.]+@/, '') ?? []);
  expect(domains.filter((domain) => !/^[a-z0-9.-]+\.example$/.test(domain)).length).toBeGreaterThan(20);
  for (const domain of domains)
    expect(domain).toMatch(/^[a-z0-9.-]+\.example$|^(afterglow-demo|demo-nobody)\.[a-z]+(\.[a-z]+)+$/);
});

test('contacts were created 60 to 90 days ago, and look so in HubSpot', () => {
  const crm = newCrm();
  const { contacts } = createPortal(crm, { nowMs: NOW_MS, contacts: 50 });

  for (const { id, createdAtMs } of contacts) {
    expect(NOW_MS - createdAtMs).toBeGreaterThanOrEqual(60 * DAY_MS);
    expect(NOW_MS - createdAtMs).toBeLessThanOrEqual(90 * DAY_MS);
    expect(Date.parse(crm.get('contacts', id)?.createdAt ?? '')).toBe(createdAtMs);
  }
});

function planWith(seed: number): unknown {
  const portal = createPortal(newCrm(), { nowMs: NOW_MS, contacts: 60, seed });
  const plan = { nowMs: NOW_MS, seed };
  return { portal, planned: planHappenings(portal.contacts, plan), records: planRecords(portal, plan) };
}

test('the same seed gives the same portal and the same happenings, another seed others', () => {
  expect(planWith(3)).toEqual(planWith(3));
  expect(planWith(4)).not.toEqual(planWith(3));
});
