import { readModelText } from '../../../cli/model-file.ts';
import { fold } from '../../../lambdas/scoring/fold.ts';
import { show } from '../../../lambdas/scoring/show.ts';
import {
  HAND_COMPANIES,
  HAND_RULES,
  type HandCompany,
  type HandRule,
} from '../../../local/demo/hand-rules.ts';
import {
  HAND_MODEL_YAML,
  HAND_SCORED,
  HAND_SCORED_OVER_TIME,
  type HandScored,
  keptOf,
} from '../../../local/demo/hand-scored.ts';
import { companyScoreOf, expectedOf } from '../../../local/demo/oracle.ts';
import { readPlainModel } from '../../../local/demo/oracle-model.ts';

const model = readPlainModel(HAND_MODEL_YAML);
const rows = [...HAND_SCORED, ...HAND_SCORED_OVER_TIME];
const named = rows.map((row): [string, HandScored] => [`${row.contact}: ${row.because}`, row]);
const rules = HAND_RULES.map((row): [string, HandRule] => [`${row.name}: ${row.because}`, row]);

test.each(named)('the oracle scores as the hand did: %s', (_name, row) => {
  const scored = expectedOf(model, row, row.nowMs);

  const { fit, engagement, score, shown, grade, held, lastSignalAtMs } = row.expected;
  expect(scored.thousandths).toEqual({ fit, engagement, score });
  expect(scored).toMatchObject({ status: row.expected.status, score: shown });
  expect(scored.grades).toEqual(new Set([grade, held].filter((one) => one !== undefined)));
  expect(scored.counted[0]?.atMs).toBe(lastSignalAtMs);
});

test.each(rules)('the oracle follows the rule as the hand did: %s', (_name, row) => {
  const expected = expectedOf(readPlainModel(row.model), row, row.nowMs);

  const { grade, held = [], reasons = '', ...shown } = row.expected;
  expect(expected).toMatchObject(shown);
  expect(expected.grades).toEqual(new Set([grade, ...held]));
  expect(expected.excludedBecause ?? '').toBe(reasons);
});

test.each(rules)('so does the product: %s', (_name, row) => {
  const { model: real } = readModelText(row.model, row.name);
  const folded = fold(real, keptOf(row), row.nowMs);
  const shown = show(undefined, folded, real, 'UTC');

  const { held = [], ...expected } = row.expected;
  expect(shown).toMatchObject(expected);
  for (const grade of held) expect(show({ ...shown, grade }, folded, real, 'UTC').grade).toBe(grade);
});

test.each(HAND_COMPANIES.map((row): [string, HandCompany] => [`${row.name}: ${row.worked}`, row]))(
  'the oracle scores companies as the hand did: %s',
  (_name, { rollUp, scores, expected }) => {
    expect(companyScoreOf({ ...model, rollUp }, scores)).toBe(expected);
  },
);

test('every row has a name of its own', () => {
  const names = [...HAND_RULES, ...HAND_COMPANIES].map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
});

test('the table has ten contacts, and one of them at five instants', () => {
  expect(new Set(HAND_SCORED.map(({ contact }) => contact)).size).toBe(10);
  expect(new Set(HAND_SCORED_OVER_TIME.map(({ nowMs }) => nowMs)).size).toBe(5);
});

test('the order in which happenings are told changes nothing', () => {
  const all = [
    ...rows.map((row) => ({ row, by: model })),
    ...HAND_RULES.map((row) => ({ row, by: readPlainModel(row.model) })),
  ];
  for (const { row, by } of all) {
    const backwards = { ...row, happenings: row.happenings.toReversed() };
    expect(expectedOf(by, backwards, row.nowMs)).toEqual(expectedOf(by, row, row.nowMs));
  }
});

test('what a hand-scored contact was told twice is kept under one key', () => {
  const warmest = HAND_SCORED.find(({ contact }) => contact.startsWith('the warmest'));
  const kept = warmest === undefined ? undefined : keptOf(warmest);

  expect(kept?.facts).toHaveLength(10);
  expect(new Set(kept?.facts.map(({ key }) => key)).size).toBe(6);
});
