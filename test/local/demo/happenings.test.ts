import { readFileSync } from 'node:fs';
import { planHappenings } from '../../../local/demo/happenings.ts';
import { readPlainModel } from '../../../local/demo/oracle-model.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import { createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const NOW_MS = Date.parse('2026-11-01T12:00:00Z');
const crm = createCrm(createCrmState(() => NOW_MS, 1));
const { contacts } = createPortal(crm, { nowMs: NOW_MS });
const happenings = planHappenings(contacts, { nowMs: NOW_MS });
const changes = happenings.filter((happening) => happening.kind === 'property');
const signals = happenings.filter((happening) => happening.kind === 'signal');

test('about 3,000 things happen to more than half of 500 contacts, all in the last 31 days', () => {
  expect(happenings.length).toBeGreaterThan(2500);
  expect(happenings.length).toBeLessThan(3800);
  expect(new Set(happenings.map(({ contactId }) => contactId)).size).toBeGreaterThanOrEqual(300);
  expect(happenings.every(({ atMs }) => atMs < NOW_MS && atMs > NOW_MS - 31 * 86_400_000)).toBe(true);
});

test('every signal of the default model happens, by the route it names', () => {
  const model = readPlainModel(readFileSync('models/b2b-saas.yaml', 'utf8'));
  const used = model.signals.map(({ kind, of, words }) =>
    happenings.some((happening) => {
      if (kind === 'signal') return happening.kind !== 'property' && happening.signal === of;
      if (happening.kind !== 'property' || happening.property !== of) return false;
      return (
        words.length === 0 || words.some((word) => happening.value.toLowerCase().includes(word.toLowerCase()))
      );
    }),
  );

  expect(model.signals.length).toBeGreaterThan(10);
  expect(used).not.toContain(false);
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
