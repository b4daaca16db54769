import type { PropertyHappening } from '../../../local/demo/happenings.ts';
import { portalNow } from '../../../local/demo/oracle-portal.ts';
import type { DemoContact, Kind } from '../../../local/demo/portal.ts';
import type { RecordHappening } from '../../../local/demo/record-happenings.ts';
import { type Round, Rounds } from '../../../local/demo/rounds.ts';

const NOW_MS = Date.UTC(2026, 10, 10, 12);

function contact(id: number, kind: Kind, jobtitle?: string): DemoContact {
  return {
    id: String(id),
    kind,
    email: undefined,
    properties: jobtitle === undefined ? {} : { jobtitle },
    companyId: kind === 'worker' ? 'acme' : undefined,
    createdAtMs: NOW_MS - 1e9,
  };
}

/** Sixty people at work, ten with a first name and nothing else, to the first of whom something happened. */
const CONTACTS = [
  ...Array.from({ length: 60 }, (_none, at) => contact(at, 'worker', 'CTO')),
  ...Array.from({ length: 10 }, (_none, at) => contact(100 + at, 'chat')),
];
const HAPPENED: PropertyHappening = {
  kind: 'property',
  contactId: '100',
  property: 'hs_lead_status',
  value: 'CONNECTED',
  atMs: NOW_MS - 1e6,
  changeSource: 'CRM_UI',
};
const STORY = {
  portal: {
    companies: [{ id: 'acme', properties: {}, createdAtMs: 0 }],
    contacts: CONTACTS,
  },
  happenings: [HAPPENED],
  records: [],
};

/** So many rounds, all asked for at the same instant. */
function roundsOf(count: number, seed = 7): Round[] {
  const rounds = new Rounds(STORY, seed);
  return Array.from({ length: count }, () => rounds.next(NOW_MS));
}

test('every happening of a contact changes its title, later than the one before', () => {
  const titles = new Map(CONTACTS.map(({ id, properties }) => [id, properties['jobtitle']]));
  let lastMs = 0;
  for (const { happenings } of roundsOf(100)) {
    expect(happenings).toHaveLength(24);
    expect(new Set(happenings.map(({ contactId }) => contactId)).size).toBe(24);
    for (const { contactId, property, value, atMs } of happenings) {
      expect(property).toBe('jobtitle');
      expect(value).not.toBe(titles.get(contactId));
      expect(atMs).toBeGreaterThan(lastMs);
      titles.set(contactId, value);
    }
    lastMs = happenings[0]?.atMs ?? Infinity;
  }
});

/** Who is away, and who has another id by now; with everything that happens to one of them and cannot. */
function follow(rounds: readonly Round[]) {
  const away = new Set<string>();
  const merged = new Set<string>();
  const impossible: unknown[] = [];
  const isGone = (id: string) => away.has(id) || merged.has(id);
  for (const { happenings, records } of rounds) {
    const changed = new Set(happenings.map(({ contactId }) => contactId));
    impossible.push(...happenings.filter(({ contactId }) => away.has(contactId)));
    for (const one of records) {
      if (one.kind === 'contact merge') {
        if (isGone(one.primaryId) || isGone(one.otherId)) impossible.push(one);
        merged.add(one.primaryId).add(one.otherId);
      } else if (one.kind === 'contact return') {
        if (!away.delete(one.contactId)) impossible.push(one);
      } else if (one.kind === 'contact deletion' || one.kind === 'contact erasure') {
        if (isGone(one.contactId) || changed.has(one.contactId)) impossible.push(one);
        away.add(one.contactId);
      }
    }
  }
  return { away, impossible };
}

test('contacts are merged, deleted, brought back and erased, and nothing happens to who is not there', () => {
  const rounds = roundsOf(300);
  const { away, impossible } = follow(rounds);

  const records = rounds.flatMap((round) => round.records);
  expect(new Set(records.map(({ kind }) => kind))).toEqual(
    new Set(['contact deletion', 'contact erasure', 'contact merge', 'contact return']),
  );
  expect(impossible).toEqual([]);
  expect(away.size).toBeLessThanOrEqual(7); // A tenth of the portal.
});

test('deals are worth something else to the cent, are won and reopened; one that was deleted stays so', () => {
  const made = (deal: string) =>
    ({ kind: 'deal', deal, contactIds: ['0'], stage: 'closedwon', atMs: NOW_MS - 1000 }) as const;
  const records: RecordHappening[] = [
    made('a'),
    made('b'),
    { kind: 'deal deletion', deal: 'b', atMs: NOW_MS - 500 },
  ];
  const rounds = new Rounds({ ...STORY, records }, 7);
  const later = Array.from({ length: 100 }, () => rounds.next(NOW_MS)).flatMap((round) => round.records);

  const amounts = later.flatMap((one) => (one.kind === 'deal change' ? [one.values['amount']] : []));
  const stages = later.flatMap((one) => (one.kind === 'deal' ? [one.stage] : []));
  expect(amounts.length).toBeGreaterThan(10);
  for (const amount of amounts) expect(amount).toMatch(/^\d{4,5}\.\d\d$/);
  expect(stages.slice(0, 4)).toEqual(['contractsent', 'closedwon', 'contractsent', 'closedwon']);
  expect(later.some((one) => 'deal' in one && one.deal === 'b')).toBe(false);
});

test('who visited is no one of whom nothing is known', () => {
  const visits = ['101', '102', '103'].map((contactId) => ({
    kind: 'identification' as const,
    contactId,
    visitorId: 'visitor---------------',
    atMs: 1,
    signal: undefined,
  }));
  const rounds = new Rounds({ ...STORY, visits }, 7);
  const later = Array.from({ length: 300 }, () => rounds.next(NOW_MS)).flatMap((round) => round.records);

  const others = later.flatMap((one) => (one.kind === 'contact merge' ? [one.otherId] : []));
  expect(others.toSorted()).toEqual(['104', '105', '106', '107', '108', '109']);
});

test('who is merged into another is one of whom nothing is known', () => {
  const merges = roundsOf(300)
    .flatMap(({ records }) => records)
    .filter(({ kind }) => kind === 'contact merge');

  const others = merges.map((merge) => ('otherId' in merge ? Number(merge.otherId) : 0));
  expect(others.toSorted((one, other) => one - other)).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109]);
});

test('the same seed makes the same rounds', () => {
  expect(roundsOf(50)).toEqual(roundsOf(50));
  expect(roundsOf(50, 8)).not.toEqual(roundsOf(50));
});

test('whoever is merged away, erased or deleted for good is expected nowhere, whoever came back is', () => {
  const records: RecordHappening[] = [
    { kind: 'contact merge', primaryId: '0', otherId: '101', atMs: 1 },
    { kind: 'contact erasure', contactId: '1', atMs: 2 },
    { kind: 'contact deletion', contactId: '2', atMs: 3 },
    { kind: 'contact return', contactId: '3', atMs: 5 },
    { kind: 'contact deletion', contactId: '3', atMs: 4 },
  ];

  const { histories, people } = portalNow({ ...STORY, records });

  expect(['0', '1', '2', '3', '100', '101'].filter((id) => histories.has(id))).toEqual(['0', '3', '100']);
  expect(people.get('acme')).toHaveLength(58);
});
