import { checkPortal, type Mismatch } from '../../../local/demo/check-portal.ts';
import {
  HAND_MODEL_YAML,
  HAND_SCORED,
  HAND_SCORED_AT_MS,
  type HandScored,
} from '../../../local/demo/hand-scored.ts';
import type { Happening } from '../../../local/demo/happenings.ts';
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

/** What HubSpot shows when all went well, by the hand's numbers. */
function rightOutputs({ expected }: HandScored): Record<string, string> {
  const isScored = expected.status === 'scored';
  return {
    afterglow_status: expected.status,
    afterglow_score: String(expected.shown ?? ''),
    afterglow_fit_score: isScored ? String(Math.round(expected.fit / 1000)) : '',
    afterglow_engagement_score: isScored ? String(Math.round(expected.engagement / 1000)) : '',
    afterglow_grade: expected.grade,
    afterglow_reasons: isScored ? '+20 Decision maker' : '',
    afterglow_model: 'by-hand@0123456789ab',
    afterglow_write_id: 'some-id',
    afterglow_scored_at: new Date(HAND_SCORED_AT_MS).toISOString(),
    afterglow_last_signal_at:
      expected.lastSignalAtMs === undefined ? '' : new Date(expected.lastSignalAtMs).toISOString(),
  };
}

interface CheckedRow {
  readonly outputs?: Record<string, string>;
  readonly happenings?: readonly Happening[];
  readonly creationsHeard?: boolean;
  readonly sinceMs?: number;
  readonly nowMs?: number;
}

function check(
  scored: HandScored,
  { outputs, happenings, creationsHeard, sinceMs, nowMs }: CheckedRow = {},
): Mismatch[] {
  const crm = portal();
  const id = crm.create('contacts', scored.properties);
  crm.set('contacts', id, outputs ?? rightOutputs(scored));
  const contact = { id, email: '', properties: scored.properties, createdAtMs: scored.createdAtMs };
  return checkPortal({
    crm,
    modelYaml: HAND_MODEL_YAML,
    contacts: [contact],
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
  const contact = { id: '77', email: '', properties: {}, createdAtMs: 0 };

  const found = checkPortal({
    crm: portal(),
    modelYaml: HAND_MODEL_YAML,
    contacts: [contact],
    happenings: [],
    sinceMs: 0,
    nowMs: HAND_SCORED_AT_MS,
  });

  expect(found).toEqual([{ contactId: '77', reason: 'the contact is gone' }]);
});
