import { checkPortal, type Mismatch } from '../../../local/demo/check-portal.ts';
import {
  HAND_MODEL_YAML,
  HAND_SCORED,
  HAND_SCORED_AT_MS,
  type HandScored,
} from '../../../local/demo/hand-scored.ts';
import type { Happening } from '../../../local/demo/happenings.ts';
import type { DemoCompany, DemoContact } from '../../../local/demo/portal.ts';
import { type Crm, createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const OUTPUTS = [
  'score',
  'fit_score',
  'engagement_score',
  'grade',
  'status',
  'reasons',
  'model',
  'scored_at',
];

function portal(): Crm {
  const crm = createCrm(createCrmState(() => HAND_SCORED_AT_MS, 1));
  for (const name of [...OUTPUTS, 'last_signal_at', 'write_id', 'seats']) {
    const ours = name === 'seats' ? name : `afterglow_${name}`;
    crm.defineProperty('contacts', { name: ours, type: 'string', fieldType: 'text', groupName: 'afterglow' });
  }
  return crm;
}

function row(contact: string): HandScored {
  const found = HAND_SCORED.find((one) => one.contact.startsWith(contact));
  if (found === undefined) throw new Error(`no row ${contact}`);
  return found;
}

/** The terms by their points as given, as they follow from the hand's calculation. */
const REASONS: Readonly<Record<string, string>> = {
  'one demo, one half-life ago': '+40 Asked for a demo (16 Oct)',
  'CTO with three half-lives':
    '+40 Asked for a demo (14 Sep)\n+20 Decision maker\n+16 Looked at pricing (24 Oct)\n+8 In a core market',
  'clerk who reads everything': '+40 Asked for a demo\n+24 Looked at pricing (3 times)\n+12 Pages viewed',
  'head of a team, marked unqualified': '−40 Marked unqualified\n+12 Head of a team',
  'student with tickets': '−40 Marked unqualified\n−25 Student\n−9 Opened a ticket (3 times)',
  'director who comes back': '+7 Pages viewed (2 times)',
  'chief with an old demo': '+20 Decision maker\n+10 In conversation',
  'moved to Germany': '+12 Logged in (3 times)\n+8 In a core market\nFalls to D on 3 Nov 2026',
  'the warmest, told of over and over': '+40 Asked for a demo\n+20 Decision maker',
};

/** What HubSpot shows when all went well, by the hand's numbers. */
function rightOutputs({ contact, expected }: HandScored): Record<string, string> {
  const isScored = expected.status === 'scored';
  return {
    afterglow_status: expected.status,
    afterglow_score: String(expected.shown ?? ''),
    afterglow_fit_score: isScored ? String(Math.round(expected.fit / 1000)) : '',
    afterglow_engagement_score: isScored ? String(Math.round(expected.engagement / 1000)) : '',
    afterglow_grade: expected.grade,
    afterglow_reasons: REASONS[contact] ?? '',
    afterglow_model: 'by-hand@0123456789ab',
    afterglow_write_id: 'some-id',
    afterglow_scored_at: new Date(HAND_SCORED_AT_MS).toISOString(),
    afterglow_last_signal_at:
      expected.lastSignalAtMs === undefined ? '' : new Date(expected.lastSignalAtMs).toISOString(),
  };
}

function contactOf(
  id: string,
  { properties, createdAtMs }: Pick<HandScored, 'properties' | 'createdAtMs'>,
): DemoContact {
  return { id, kind: 'worker', email: undefined, properties, companyId: undefined, createdAtMs };
}

interface CheckedRow {
  readonly outputs?: Record<string, string>;
  readonly happenings?: readonly Happening[];
  readonly creationsHeard?: boolean;
  readonly sinceMs?: number;
  readonly nowMs?: number;
  readonly modelYaml?: string;
}

function check(
  scored: HandScored,
  { outputs, happenings, creationsHeard, sinceMs, nowMs, modelYaml }: CheckedRow = {},
): Mismatch[] {
  const crm = portal();
  const id = crm.create('contacts', scored.properties);
  crm.set('contacts', id, outputs ?? rightOutputs(scored));
  return checkPortal({
    crm,
    modelYaml: modelYaml ?? HAND_MODEL_YAML,
    portal: { companies: [], contacts: [contactOf(id, scored)] },
    records: [],
    happenings: (happenings ?? scored.happenings).map((one) => ({ ...one, contactId: id })),
    sinceMs: sinceMs ?? HAND_SCORED_AT_MS,
    nowMs: nowMs ?? HAND_SCORED_AT_MS,
    ...(creationsHeard !== undefined && { creationsHeard }),
  });
}

test.each(HAND_SCORED.map((scored): [string, HandScored] => [scored.contact, scored]))(
  'what the hand scored is no mismatch: %s',
  (_contact, scored) => {
    expect(check(scored)).toEqual([]);
  },
);

test.each([
  ['afterglow_score', '42', 'score is "42", right is 43 (43000 thousandths)'],
  ['afterglow_score', '', 'score is "", right is 43'],
  ['afterglow_fit_score', '8', 'fit is "8", right is 28'],
  ['afterglow_engagement_score', '16', 'engagement is "16", right is 15'],
  ['afterglow_grade', 'A', 'grade is "A" at score 43, right is B or C'],
  ['afterglow_status', 'insufficient_data', 'status is "insufficient_data", right is "scored"'],
  ['afterglow_model', 'other@1', 'model is "other@1"'],
  ['afterglow_write_id', '', 'no write id'],
  ['afterglow_scored_at', 'soon', 'scored_at is "soon"'],
  ['afterglow_last_signal_at', '', 'last_signal_at is ""'],
  ['afterglow_last_signal_at', '2026-10-31T12:00:00Z', 'last_signal_at is "2026-10-31T12:00:00Z"'],
])('a wrong %s is a mismatch with its reason', (property, value, reason) => {
  const scored = row('CTO with');

  const [mismatch] = check(scored, { outputs: { ...rightOutputs(scored), [property]: value } });

  expect(mismatch?.reason).toContain(reason);
});

test('a grade that the dead band may hold is right', () => {
  const scored = row('CTO with');

  expect(check(scored, { outputs: { ...rightOutputs(scored), afterglow_grade: 'B' } })).toEqual([]);
});

function shownLastSignal(scored: HandScored, ms: number): CheckedRow {
  return { outputs: { ...rightOutputs(scored), afterglow_last_signal_at: new Date(ms).toISOString() } };
}

test('an older last signal is wrong where the newer ones change the score', () => {
  const scored = row('moved');

  expect(check(scored, shownLastSignal(scored, HAND_SCORED_AT_MS - 2 * 86_400_000))).toHaveLength(1);
});

test('an older last signal is right where the newer ones change nothing: times alone cause no write', () => {
  const scored = row('moved');
  const earlierMs = HAND_SCORED_AT_MS - 1;
  const login = (postId: string): Happening => ({
    kind: 'signal',
    contactId: '1',
    signal: 'product.login',
    atMs: earlierMs,
    address: { contactId: '1' },
    postId,
    index: 0,
  });
  const happenings = [...scored.happenings, login('x'), login('y')]; // Two of them alone reach the cap of 12.

  expect(check(scored, { ...shownLastSignal(scored, earlierMs), happenings })).toEqual([]);
});

test('the last signal may be one that counted until an earlier one was heard of that it is too close to', () => {
  const scored = row('moved');
  const modelYaml = HAND_MODEL_YAML.replace(
    'points: 8\n      halfLifeDays: 2',
    '$&\n      minimumGapSeconds: 3600',
  );
  const closeMs = HAND_SCORED_AT_MS + 60_000;
  const login: Happening = {
    kind: 'signal',
    contactId: '1',
    signal: 'product.login',
    atMs: closeMs,
    address: { contactId: '1' },
    postId: 'close',
    index: 0,
  };
  const happenings = [...scored.happenings, login];

  expect(check(scored, { ...shownLastSignal(scored, closeMs), happenings, modelYaml })).toEqual([]);
  expect(check(scored, { ...shownLastSignal(scored, closeMs - 1), happenings, modelYaml })).toHaveLength(1);
});

test('a signal that HubSpot does not know of is a mismatch', () => {
  const scored = row('moved');
  const status: Happening = {
    kind: 'property',
    contactId: '1',
    property: 'hs_lead_status',
    value: 'CONNECTED',
    atMs: HAND_SCORED_AT_MS - 86_400_000,
    changeSource: 'CRM',
  };

  const [mismatch] = check(scored, { happenings: [...scored.happenings, status] });

  expect(mismatch?.reason).toContain('score is "30", right is 40');
});

test('a grade that was right at the last decay run may still be shown, another may not', () => {
  const scored = row('one demo'); // 20 points and a C; five days later 16.1 and a D.
  const nowMs = HAND_SCORED_AT_MS + 5 * 86_400_000;
  const outputs = (grade: string) => ({ ...rightOutputs(scored), afterglow_grade: grade });

  expect(check(scored, { outputs: outputs('C'), nowMs })).toEqual([]);
  expect(check(scored, { outputs: outputs('D'), nowMs })).toEqual([]);
  expect(check(scored, { outputs: outputs('B'), nowMs })).toHaveLength(1);
});

const EXCLUDING = `${HAND_MODEL_YAML}
exclusions:
  - { id: chief-officer, title: Is a chief, property: jobtitle, contains: [cto] }
`;

test('who is excluded shows why, and nothing else', () => {
  const scored = row('CTO with');
  const right = {
    ...rightOutputs(row('nobody')),
    afterglow_status: 'excluded_chief_officer',
    afterglow_reasons: 'Excluded: Is a chief',
  };
  const wrong = (outputs: object) =>
    check(scored, { outputs: { ...right, ...outputs }, modelYaml: EXCLUDING }).map(({ reason }) => reason);

  expect(wrong({})).toEqual([]);
  expect(
    wrong({ afterglow_last_signal_at: new Date(HAND_SCORED_AT_MS - 8 * 86_400_000).toISOString() }),
  ).toEqual([]);
  expect(wrong({ afterglow_status: 'scored' })).toEqual([
    'status is "scored", right is "excluded_chief_officer"',
  ]);
  expect(wrong({ afterglow_score: '43' })).toEqual(['score is "43", right is "" (43000 thousandths)']);
  expect(wrong({ afterglow_grade: 'C' })).toHaveLength(1);
  expect(wrong({ afterglow_reasons: '' })).toEqual(['reasons are ""']);
});

test('reasons without a score are a mismatch', () => {
  const scored = row('nobody');

  const [mismatch] = check(scored, {
    outputs: { ...rightOutputs(scored), afterglow_reasons: '+20 Decision maker' },
  });

  expect(mismatch?.reason).toBe('there are reasons, but no score');
});

test('points that faded since the last decay run may still be shown, more may not', () => {
  const scored = row('CTO with');
  const sinceMs = HAND_SCORED_AT_MS - 86_400_000; // 15 points were 16.7 then, and 43 were 45.
  const outputs = (score: string, engagement: string) => ({
    outputs: { ...rightOutputs(scored), afterglow_score: score, afterglow_engagement_score: engagement },
    sinceMs,
  });

  expect(check(scored, outputs('44', '16'))).toEqual([]);
  expect(check(scored, outputs('46', '18'))).toHaveLength(1);
});

test('a contact of whom nothing was heard needs no score, unless its creation was told', () => {
  const quiet = { ...row('nobody'), happenings: [] };
  const nothing = { outputs: {} };
  const unheard: Happening = {
    kind: 'property',
    contactId: '1',
    property: 'lifecyclestage',
    value: 'lead',
    atMs: HAND_SCORED_AT_MS,
    changeSource: 'CRM',
  };

  expect(check(quiet, nothing)).toEqual([]);
  expect(check(quiet, { ...nothing, happenings: [unheard] })).toEqual([]);
  expect(check(quiet, { ...nothing, creationsHeard: true })).toHaveLength(1);
  expect(check(row('CTO with'), nothing)).toHaveLength(1);
});

test('a contact that is gone is a mismatch', () => {
  const gone = contactOf('77', { properties: {}, createdAtMs: 0 });

  const found = checkPortal({
    crm: portal(),
    modelYaml: HAND_MODEL_YAML,
    portal: { companies: [], contacts: [gone] },
    happenings: [],
    records: [],
    sinceMs: 0,
    nowMs: HAND_SCORED_AT_MS,
  });

  expect(found).toEqual([{ record: 'contact 77', reason: 'the contact is gone' }]);
});

test.each([
  ['+40 Asked for a demo\n+19 Decision maker', 'a reason with other points'],
  ['+40 Asked for a demo\n+16 Something else (24 Oct)', 'a reason that no rule gives'],
  ['+20 Decision maker\n+40 Asked for a demo', 'the strongest is not the first'],
  ['+40 Asked for a demo\nFalls to E on 3 Dec 2026', 'a grade that is not there'],
  ['+40 Asked for a demo\nFalls to C on 3 Dec 2026', 'the grade that is shown already'],
])('reasons that are not those of the score are a mismatch: %j, %s', (reasons) => {
  const scored = row('CTO with');

  expect(check(scored, { outputs: { ...rightOutputs(scored), afterglow_reasons: reasons } })).toHaveLength(1);
});

const COMPANY_MODEL = `${HAND_MODEL_YAML}
companyScore: { rollUp: mean-of-top-three }
exclusions:
  - { id: customer, title: Is a customer, deal: won }
`;

function companyOf(id: string): DemoCompany {
  return { id, properties: {}, createdAtMs: 0 };
}

/** Two companies that become one, with three people who show 40, 25 and nothing. */
function mergedCompanies(companyScore: string): Mismatch[] {
  const crm = portal();
  crm.defineProperty('companies', {
    name: 'afterglow_company_score',
    type: 'number',
    fieldType: 'number',
    groupName: 'afterglow',
  });
  const [first, second] = [
    crm.create('companies', { name: 'One' }),
    crm.create('companies', { name: 'Two' }),
  ];
  const contact = (score: string, companyId: string): DemoContact => {
    const id = crm.create('contacts', { jobtitle: 'CTO', afterglow_score: score });
    return { ...contactOf(id, { properties: { jobtitle: 'CTO' }, createdAtMs: 0 }), companyId };
  };
  const contacts = [contact('40', first), contact('25', second), contact('', second)];
  const merged = crm.merge('companies', first, second);
  crm.set('companies', merged, { afterglow_company_score: companyScore });
  return checkPortal({
    crm,
    modelYaml: COMPANY_MODEL,
    portal: { companies: [companyOf(first), companyOf(second)], contacts },
    happenings: [],
    records: [{ kind: 'merge', primaryId: first, otherId: second, atMs: 1 }],
    sinceMs: HAND_SCORED_AT_MS,
    nowMs: HAND_SCORED_AT_MS,
  }).filter(({ record }) => record.startsWith('company'));
}

test('a company shows what the scores of its people make, those of a company merged into it included', () => {
  expect(mergedCompanies('33')).toEqual([]); // (40 + 25) / 2 = 32.5, halves go up.
  expect(mergedCompanies('40')).toMatchObject([
    { reason: 'company score is "40", right is 33 of 2 scored contacts' },
  ]);
  expect(mergedCompanies('')).toHaveLength(1);
});
