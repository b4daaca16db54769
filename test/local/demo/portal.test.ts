import { planHappenings } from '../../../local/demo/happenings.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import { type Crm, createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const NOW_MS = Date.parse('2026-11-01T12:00:00Z');
const DAY_MS = 86_400_000;

function newCrm(): Crm {
  return createCrm(createCrmState(() => NOW_MS, 1));
}

test('a portal has 500 contacts in companies; headcount, industry and revenue stand on the company', () => {
  const crm = newCrm();
  const { contacts, companyIds } = createPortal(crm, { nowMs: NOW_MS });

  expect(contacts).toHaveLength(500);
  expect(crm.all('contacts')).toHaveLength(500);
  expect(new Set(contacts.map(({ email }) => email)).size).toBe(500);
  expect(companyIds.length).toBeGreaterThan(50);
  for (const { properties } of crm.all('companies')) {
    expect(Number(properties['numberofemployees'])).toBeGreaterThan(0);
    expect(properties['industry']).toMatch(/^[A-Z_]+$/);
  }
  const names = new Set(contacts.flatMap(({ properties }) => Object.keys(properties)));
  expect([...names].toSorted()).toEqual(
    [
      'company',
      'country',
      'email',
      'firstname',
      'jobtitle',
      'lastname',
      'lifecyclestage',
      'phone',
    ].toSorted(),
  );
  const inCompanies = crm
    .all('contacts')
    .filter(({ properties }) => (properties['associatedcompanyid'] ?? '') !== '');
  expect(inCompanies.length).toBeGreaterThan(400);
});

test('some contacts left nothing but an address, and nothing in a portal exists outside of it', () => {
  const { contacts } = createPortal(newCrm(), { nowMs: NOW_MS });

  const bare = contacts.filter(({ properties }) => Object.keys(properties).length === 1);
  expect(bare.length).toBeGreaterThan(15);
  expect(contacts.every(({ email }) => /^[a-z0-9.]+@[a-z0-9-]+\.example$/.test(email))).toBe(true);
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
  const { contacts } = createPortal(newCrm(), { nowMs: NOW_MS, contacts: 60, seed });
  return { contacts, happenings: planHappenings(contacts, { nowMs: NOW_MS, seed }) };
}

test('the same seed gives the same portal and the same happenings, another seed others', () => {
  expect(planWith(3)).toEqual(planWith(3));
  expect(planWith(4)).not.toEqual(planWith(3));
});
