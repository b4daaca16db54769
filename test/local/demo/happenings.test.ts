import { planHappenings } from '../../../local/demo/happenings.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import { createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const NOW_MS = Date.parse('2026-11-01T12:00:00Z');
const crm = createCrm(createCrmState(() => NOW_MS, 1));
const { contacts } = createPortal(crm, { nowMs: NOW_MS });
const { happenings, burst } = planHappenings(contacts, { nowMs: NOW_MS });
const changes = happenings.filter((happening) => happening.kind === 'property');
const signals = happenings.filter((happening) => happening.kind === 'signal');

test('about 4,500 things happen to more than half of 500 contacts, all in the last 31 days', () => {
  expect(happenings.length).toBeGreaterThan(4000);
  expect(happenings.length).toBeLessThan(5000);
  expect(new Set(happenings.map(({ contactId }) => contactId)).size).toBeGreaterThanOrEqual(300);
  expect(happenings.every(({ atMs }) => atMs < NOW_MS && atMs > NOW_MS - 31 * 86_400_000)).toBe(true);
});

test('one burst is labelled: the clicks are there, on a contact who gets our e-mail', () => {
  const clicks = changes
    .filter(
      ({ contactId, property }) => contactId === burst?.contactId && property === 'hs_email_last_click_date',
    )
    .slice(-(burst?.count ?? 0));

  expect(burst).toMatchObject({ label: 'clicks of a link scanner', count: 40, seconds: 20 });
  expect(new Set(clicks.map(({ value }) => value)).size).toBe(40);
  expect(Number(clicks.at(-1)?.value) - Number(clicks[0]?.value)).toBeLessThan(20_000);
});

test('the changes of one contact come in the order of time, and each one changes the value', () => {
  const held = new Map(contacts.map(({ id, properties }) => [id, new Map(Object.entries(properties))]));
  const lastMs = new Map<string, number>();
  for (const { contactId, property, value, atMs } of changes) {
    expect(atMs).toBeGreaterThan(lastMs.get(contactId) ?? 0);
    expect(value).not.toBe(held.get(contactId)?.get(property) ?? '');
    held.get(contactId)?.set(property, value);
    lastMs.set(contactId, atMs);
  }
});

test('HubSpot takes every change', () => {
  for (const { contactId, property, value, atMs } of changes)
    crm.set('contacts', contactId, { [property]: value }, { atMs });

  // Stages of the life cycle move forward only: one that is gone back on would be no change.
  const stages = new Map(
    changes.filter(({ property }) => property === 'lifecyclestage').map((one) => [one.contactId, one]),
  );
  for (const { contactId, value } of stages.values())
    expect(crm.get('contacts', contactId)?.properties['lifecyclestage']).toBe(value);
  const pages = changes.filter(({ property }) => property === 'hs_analytics_num_page_views');
  const last = pages.at(-1);
  expect(crm.get('contacts', last?.contactId ?? '')?.properties['hs_analytics_num_page_views']).toBe(
    last?.value,
  );
});

test('own signals name a contact by id, by e-mail address, and by an address as somebody typed it', () => {
  const emails = new Map(contacts.map(({ id, email }) => [id, email]));
  const addresses = signals.map(({ address }) => ('email' in address ? address.email : 'by id'));

  expect(addresses).toContain('by id');
  expect(addresses.some((address) => /^ [A-Z0-9.@-]+ $/.test(address))).toBe(true);
  for (const { address, contactId } of signals) {
    const named = 'email' in address ? address.email.trim().toLowerCase() : address.contactId;
    expect(named).toBe('email' in address ? emails.get(contactId) : contactId);
  }
});

test('posts carry one signal or up to 100, each at its own position', () => {
  const posts = Map.groupBy(signals, ({ postId }) => postId);

  for (const post of posts.values()) {
    expect(post.length).toBeLessThanOrEqual(100);
    expect(post.map(({ index }) => index)).toEqual(post.map((_signal, at) => at));
  }
  expect([...posts.values()].some(({ length }) => length === 1)).toBe(true);
  expect([...posts.values()].some(({ length }) => length > 1)).toBe(true);
});
