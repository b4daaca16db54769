import { planHappenings } from '../../../local/demo/happenings.ts';
import { knownVisits } from '../../../local/demo/oracle-visits.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import { planVisits, SITE, type Visit } from '../../../local/demo/visit-happenings.ts';
import { createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const NOW_MS = Date.parse('2026-11-01T12:00:00Z');
const DAY_MS = 86_400_000;
const crm = createCrm(createCrmState(() => NOW_MS, 1));
const { contacts } = createPortal(crm, { nowMs: NOW_MS });
const { happenings } = planHappenings(contacts, { nowMs: NOW_MS });
const { visits: all, noted } = planVisits(contacts, happenings, { nowMs: NOW_MS });
const visits = all.filter((one) => one.kind === 'visit');
const identifications = all.filter((one) => one.kind === 'identification');

function kindOf({ hubspot, own }: Visit): string {
  return [hubspot === undefined ? '' : 'HubSpot', own?.by ?? ''].filter((part) => part !== '').join(' and ');
}

test('visits are seen by HubSpot, by a page, by a server, and by HubSpot and one of these', () => {
  const kinds = Map.groupBy(visits, kindOf);

  for (const kind of ['HubSpot', 'browser', 'server', 'HubSpot and browser', 'HubSpot and server'])
    expect([kind, kinds.get(kind)?.length ?? 0]).toEqual([kind, expect.any(Number)]);
  expect([...kinds.keys()].toSorted()).toEqual([
    'HubSpot',
    'HubSpot and browser',
    'HubSpot and server',
    'browser',
    'server',
  ]);
});

test('people come from every kind of source, AI assistants among them', () => {
  const channels = new Set(visits.map(({ arrival }) => arrival.own.key.split('/')[0]));

  expect(channels).toEqual(new Set(['ai', 'direct', 'email', 'other', 'paid', 'search', 'social']));
});

test('browsers turn out to be somebody’s by a form, by a contact’s id, by an address, or never', () => {
  const ways = identifications.map(({ signal }) =>
    signal === undefined ? 'form' : Object.keys(signal.address)[0],
  );
  const known = new Set(identifications.map(({ visitorId }) => visitorId));
  const browsers = new Set(visits.flatMap(({ own }) => own?.visitorId ?? []));

  expect(new Set(ways)).toEqual(new Set(['form', 'contactId', 'email']));
  expect([...browsers].filter((id) => !known.has(id)).length).toBeGreaterThan(10);
  expect([...known].every((id) => browsers.has(id))).toBe(true);
});

test('ids are random ones of 128 bits, a session has one of its own, and no browser is two people’s', () => {
  const sessions = visits.flatMap(({ own }) => own?.sessionId ?? []);
  const owners = Map.groupBy(visits, ({ own }) => own?.visitorId);
  owners.delete(undefined);

  for (const id of [...sessions, ...owners.keys()]) expect(id).toMatch(/^[\w-]{21}[AQgw]$/);
  expect(new Set(sessions).size).toBe(sessions.length);
  for (const ofOne of owners.values()) expect(new Set(ofOne.map(({ contactId }) => contactId)).size).toBe(1);
});

test('a page tells of itself only, and now; servers tell of visits longer ago than a deal looks back', () => {
  for (const { own, url, atMs } of visits) {
    if (own?.by !== 'browser') continue;
    expect(new URL(url).origin).toBe(SITE);
    expect(atMs).toBe(NOW_MS);
  }
  expect(visits.some(({ own, atMs }) => own?.by === 'server' && atMs < NOW_MS - 130 * DAY_MS)).toBe(true);
  expect(visits.some(({ own }) => own?.isBot === true)).toBe(true);
});

test('two visits of one contact are too far apart to be taken for one, unless we saw both begin', () => {
  for (const ofOne of Map.groupBy(visits, ({ contactId }) => contactId).values()) {
    const inTime = ofOne.toSorted((a, b) => a.atMs - b.atMs);
    for (const [at, one] of inTime.entries()) {
      const before = inTime[at - 1];
      if (before === undefined || one.atMs - before.atMs > 45 * 60_000) continue;
      expect([before.own?.sessionId, one.own?.sessionId]).toEqual([expect.any(String), expect.any(String)]);
    }
  }
});

test('HubSpot takes what it is said to have noted, and shows the first and the latest visit that it saw', () => {
  crm.defineProperty('contacts', {
    name: 'afterglow_visitor_id',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
  });
  const changes = [...happenings.filter((one) => one.kind === 'property'), ...noted];
  for (const { contactId, property, value, atMs } of changes.toSorted((a, b) => a.atMs - b.atMs))
    crm.set('contacts', contactId, { [property]: value }, { atMs });

  const byContact = Map.groupBy(visits, ({ contactId }) => contactId);
  for (const { id } of contacts) {
    const seen = (byContact.get(id) ?? [])
      .filter(({ hubspot }) => hubspot !== undefined)
      .toSorted((a, b) => a.atMs - b.atMs);
    const properties = crm.get('contacts', id)?.properties ?? {};
    const [first, last] = [seen[0], seen.at(-1)];
    if (first === undefined || last === undefined) continue;
    expect(Date.parse(properties['hs_analytics_first_visit_timestamp'] ?? '')).toBe(first.hubspot?.atMs);
    expect(properties['hs_analytics_source']).toBe(first.arrival.hubspot[0]);
    expect(properties['hs_analytics_first_url']).toBe(first.url);
    expect(Date.parse(properties['hs_latest_source_timestamp'] ?? '')).toBe(last.hubspot?.atMs);
    expect(properties['hs_latest_source']).toBe(last.arrival.hubspot[0]);
    expect(properties['hs_analytics_last_url']).toBe(last.hubspot?.urls.at(-1) ?? last.url);
    expect(properties['hs_analytics_last_referrer'] ?? undefined).toBe(last.arrival.referrer);
    expect(Number(properties['hs_analytics_num_visits'])).toBe(seen.length);
  }
});

test('HubSpot sees a visit that a server saw, too, up to a minute and a half later', () => {
  const lags = visits.flatMap(({ own, hubspot, atMs }) =>
    own?.by === 'server' && hubspot !== undefined ? [hubspot.atMs - atMs] : [],
  );

  expect(Math.min(...lags)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...lags)).toBeGreaterThan(60_000);
  expect(Math.max(...lags)).toBeLessThanOrEqual(90_000);
});

test('what HubSpot notes is within seconds of the visit, and changes something', () => {
  const held = new Map<string, string>();
  for (const { contactId, property, value } of noted.toSorted((a, b) => a.atMs - b.atMs)) {
    expect(value).not.toBe(held.get(`${contactId} ${property}`) ?? '');
    held.set(`${contactId} ${property}`, value);
  }
  for (const { property, value, atMs, contactId } of noted) {
    const created = contacts.find(({ id }) => id === contactId)?.createdAtMs ?? 0;
    if (property !== 'hs_latest_source_timestamp') continue;
    expect(atMs - Math.max(Number(value), created)).toBeGreaterThan(0);
    expect(atMs - Math.max(Number(value), created)).toBeLessThan(10_000);
  }
});

test('every look at a page belongs to a visit, and whom HubSpot imported it says so of', () => {
  const looks = happenings.filter(
    (one) => one.kind === 'property' && one.property === 'hs_analytics_last_url',
  );
  const pages = visits.flatMap(({ hubspot }) => hubspot?.urls ?? []);
  const sources = noted.filter(({ property }) => property === 'hs_analytics_source');

  expect(pages).toHaveLength(looks.length);
  expect(sources.some(({ value }) => value === 'OFFLINE')).toBe(true);
});

test('a third of the portal can be known to have come from an AI assistant', () => {
  const byContact = Map.groupBy(all, ({ contactId }) => contactId);
  const byAi = [...byContact.values()].filter((ofOne) =>
    knownVisits(ofOne, false).some(({ source }) => source.key.startsWith('ai/')),
  );

  expect(byAi.length).toBeGreaterThan(contacts.length / 6);
  expect(byAi.length).toBeLessThan(contacts.length / 2);
});

test('the same seed, contacts and time make the same visits, and a plan that goes on begins where it is told to', () => {
  expect(planVisits(contacts, happenings, { nowMs: NOW_MS })).toEqual({ visits: all, noted });

  const fromMs = NOW_MS - 10 * DAY_MS;
  const later = planVisits(contacts, [], { nowMs: NOW_MS, fromMs });
  expect(later.visits.length).toBeGreaterThan(20);
  expect(later.visits.every(({ atMs }) => atMs > fromMs && atMs < NOW_MS)).toBe(true);
});
