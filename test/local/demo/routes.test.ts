// Every signal, exclusion and reset of the models that ship works in the demo, and every signal by the route that it names.
import { readFileSync } from 'node:fs';
import { planHappenings } from '../../../local/demo/happenings.ts';
import { expectedOf } from '../../../local/demo/oracle.ts';
import { readPlainModel } from '../../../local/demo/oracle-model.ts';
import { portalNow } from '../../../local/demo/oracle-portal.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import { planRecords } from '../../../local/demo/record-happenings.ts';
import { planVisits } from '../../../local/demo/visit-happenings.ts';
import { createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const NOW_MS = Date.parse('2026-11-01T12:00:00Z');
const portal = createPortal(createCrm(createCrmState(() => NOW_MS, 1)), { nowMs: NOW_MS });
const { happenings, burst } = planHappenings(portal.contacts, { nowMs: NOW_MS });
const records = planRecords(portal, { nowMs: NOW_MS, exceptContactId: burst?.contactId });
const { visits, noted } = planVisits(portal.contacts, happenings, {
  nowMs: NOW_MS,
  exceptContactId: burst?.contactId,
});
const { histories } = portalNow({ portal, happenings: [...happenings, ...noted], records, visits });

const MODELS = ['models/b2b-saas.yaml', 'models/plg.yaml'].map((file) => {
  const model = readPlainModel(readFileSync(file, 'utf8'));
  return {
    file,
    model,
    expected: [...histories.values()].map((history) => expectedOf(model, history, NOW_MS)),
  };
});

const SIGNALS = MODELS.flatMap(({ file, model, expected }) =>
  model.signals.map((rule) => ({ file, rule, id: rule.id, expected })),
);

test.each(SIGNALS)(
  '$file: $id is awarded in the demo by the route it names, and by no other',
  ({ rule, expected }) => {
    const routes = expected.flatMap(({ counted }) =>
      counted.filter((one) => one.rule === rule).map(({ route }) => route),
    );

    expect(new Set(routes)).toEqual(new Set(rule.points === 0 ? [] : [rule.route]));
  },
);

test.each(MODELS)('$file: every signal says what of it is lost on its way', ({ file, model }) => {
  const written = readFileSync(file, 'utf8').match(/^ {6}loss: .{10,}$/gm) ?? [];

  expect(written).toHaveLength(model.signals.length);
});

test('what scores nothing happens nonetheless: e-mails are opened', () => {
  expect(
    happenings.some((one) => one.kind === 'property' && one.property === 'hs_email_last_open_date'),
  ).toBe(true);
});

test.each(
  MODELS.flatMap(({ file, model, expected }) =>
    model.exclusions
      .filter(({ onlyGroup }) => onlyGroup === undefined)
      .map(({ id }) => ({ file, id, expected })),
  ),
)('$file: somebody is excluded by $id', ({ id, expected }) => {
  expect(expected.map(({ status }) => status)).toContain(`excluded_${id.replaceAll('-', '_')}`);
});

test.each(MODELS)('$file: somebody is scored, and somebody is not for want of data', ({ expected }) => {
  const statuses = expected.map(({ status }) => status);

  expect(statuses).toContain('scored');
  expect(statuses).toContain('insufficient_data');
});

test.each(MODELS)("$file: every grade is somebody's", ({ model, expected }) => {
  const { bands, grid } = model;
  const names =
    grid === undefined
      ? bands.map(({ grade }) => grade)
      : grid.fit.flatMap((row) => grid.engagement.map((column) => row.grade + column.grade));

  const shown = new Set(expected.flatMap(({ grades }) => [...grades]));
  expect(names.filter((name) => !shown.has(name))).toEqual([]);
});

/** Contacts whose score would be another one if a part of the model were not there. */
function differing(change: (model: (typeof MODELS)[number]['model']) => object): number[] {
  return MODELS.map(({ model, expected }) => {
    const without = { ...model, ...change(model) };
    const others = [...histories.values()].map((history) => expectedOf(without, history, NOW_MS));
    return others.filter((other, at) => other.thousandths.score !== expected[at]?.thousandths.score).length;
  });
}

test.each<[string, Parameters<typeof differing>[0]]>([
  ['a reset', () => ({ resets: [] })],
  [
    'a group that is left out',
    ({ exclusions }) => ({ exclusions: exclusions.filter(({ onlyGroup }) => onlyGroup === undefined) }),
  ],
  ['a gap', ({ signals }) => ({ signals: signals.map((rule) => ({ ...rule, minimumGapSeconds: 0 })) })],
  ['a burst', ({ signals }) => ({ signals: signals.map((rule) => ({ ...rule, burst: undefined })) })],
])('in both models somebody would have another score without %s', (_part, change) => {
  for (const count of differing(change)) expect(count).toBeGreaterThan(0);
});

test('the labelled burst counts once with the default model', () => {
  const [{ model } = { model: undefined }] = MODELS;
  const history = histories.get(burst?.contactId ?? '');
  if (model === undefined || history === undefined) throw new Error('there is no burst');

  const clicks = expectedOf(model, history, NOW_MS).counted.filter(({ rule }) => rule.id === 'email-click');
  const all = history.happenings.filter(
    (one) => one.kind === 'property' && one.property === 'hs_email_last_click_date',
  );

  expect(clicks.length).toBeGreaterThan(0);
  expect(clicks).toHaveLength(all.length - 39);
});
