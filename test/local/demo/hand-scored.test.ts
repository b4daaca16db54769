import {
  HAND_MODEL_YAML,
  HAND_SCORED,
  HAND_SCORED_OVER_TIME,
  type HandScored,
  keptOf,
} from '../../../local/demo/hand-scored.ts';
import { expectedOf } from '../../../local/demo/oracle.ts';
import { readPlainModel } from '../../../local/demo/oracle-model.ts';

const model = readPlainModel(HAND_MODEL_YAML);
const rows = [...HAND_SCORED, ...HAND_SCORED_OVER_TIME];
const named = rows.map((row): [string, HandScored] => [`${row.contact}: ${row.because}`, row]);

test.each(named)('the oracle scores as the hand did: %s', (_name, row) => {
  const scored = expectedOf(model, row, row.nowMs);

  const { fit, engagement, score, shown, grade, held, lastSignalAtMs } = row.expected;
  expect(scored.thousandths).toEqual({ fit, engagement, score });
  expect(scored).toMatchObject({ status: row.expected.status, score: shown });
  expect(scored.grades).toEqual(new Set([grade, held].filter((one) => one !== undefined)));
  expect(scored.signalsAtMs[0]).toBe(lastSignalAtMs);
});

test('the table has ten contacts, and one of them at five instants', () => {
  expect(new Set(HAND_SCORED.map(({ contact }) => contact)).size).toBe(10);
  expect(new Set(HAND_SCORED_OVER_TIME.map(({ nowMs }) => nowMs)).size).toBe(5);
});

test('the order in which happenings are told changes nothing', () => {
  for (const row of rows) {
    const backwards = { ...row, happenings: row.happenings.toReversed() };
    expect(expectedOf(model, backwards, row.nowMs)).toEqual(expectedOf(model, row, row.nowMs));
  }
});

test('what a hand-scored contact was told twice is kept under one key', () => {
  const warmest = HAND_SCORED.find(({ contact }) => contact.startsWith('the warmest'));
  const kept = warmest === undefined ? undefined : keptOf(warmest);

  expect(kept?.facts).toHaveLength(10);
  expect(new Set(kept?.facts.map(({ key }) => key)).size).toBe(6);
});
