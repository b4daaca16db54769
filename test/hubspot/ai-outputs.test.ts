// What a contact shows of its visits.
import {
  differingOutputs,
  OUTPUT_NAMES,
  outputProperties,
  outputValues,
} from '../../lambdas/hubspot/outputs.ts';
import type { Journey } from '../../lambdas/scoring/journey.ts';
import { modelOf } from '../scoring/model-of.ts';

const SHOWN = {
  score: 7,
  fit: 0,
  engagement: 7,
  grade: 'B',
  status: 'scored',
  model: 'm@1',
  reasons: '',
} as const;
const CHATGPT = { source: 'ChatGPT', atMs: Date.UTC(2026, 2, 3, 9), page: 'https://acme.example/pricing' };
const CLAUDE = { source: 'Claude', atMs: Date.UTC(2026, 2, 9, 9), page: '' };
const JOURNEY: Journey = {
  firstAi: CHATGPT,
  lastAi: CLAUDE,
  aiSessions: 2,
  text: 'ChatGPT 3 Mar 2026 > Claude 9 Mar 2026',
};
const valuesOf = (journey?: Journey) => outputValues({ ...SHOWN, journey }, 'w1', 0, undefined);

test('first and last AI visit, how many there were, and the whole journey', () => {
  expect(valuesOf(JOURNEY)).toMatchObject({
    afterglow_ai_first_source: 'ChatGPT',
    afterglow_ai_first_at: '2026-03-03T09:00:00.000Z',
    afterglow_ai_first_page: 'https://acme.example/pricing',
    afterglow_ai_last_source: 'Claude',
    afterglow_ai_last_at: '2026-03-09T09:00:00.000Z',
    afterglow_ai_last_page: '',
    afterglow_ai_sessions: '2',
    afterglow_ai_influenced: 'true',
    afterglow_journey: 'ChatGPT 3 Mar 2026 > Claude 9 Mar 2026',
  });
});

test('whom no assistant brought shows so: no source, no time, and an honest 0', () => {
  const journey = { firstAi: undefined, lastAi: undefined, aiSessions: 0, text: 'Google 5 Mar 2026' };

  expect(valuesOf(journey)).toMatchObject({
    afterglow_ai_first_source: '',
    afterglow_ai_first_at: '',
    afterglow_ai_first_page: '',
    afterglow_ai_last_source: '',
    afterglow_ai_last_at: '',
    afterglow_ai_last_page: '',
    afterglow_ai_sessions: '0',
    afterglow_ai_influenced: 'false',
    afterglow_journey: 'Google 5 Mar 2026',
  });
});

test('without the section attribution none of them is made or written', () => {
  const before = outputProperties(modelOf('{}')).contacts.map(({ name }) => name);
  const after = outputProperties(modelOf('attribution: {}')).contacts;
  const added = after.filter(({ name }) => !before.includes(name));

  expect(Object.keys(valuesOf())).toEqual(before);
  expect(Object.keys(valuesOf(JOURNEY)).toSorted()).toEqual(after.map(({ name }) => name).toSorted());
  expect(added.every(({ groupName }) => groupName === 'afterglow_ai')).toBe(true);
  expect(OUTPUT_NAMES.contacts.toSorted()).toEqual(after.map(({ name }) => name).toSorted());
});

test('HubSpot takes the boolean as one that it can show: with both its values', () => {
  const influenced = outputProperties(modelOf('attribution: {}')).contacts.find(
    ({ name }) => name === 'afterglow_ai_influenced',
  );

  expect(influenced).toMatchObject({ type: 'bool', fieldType: 'booleancheckbox' });
  expect(influenced?.options?.map(({ value }) => value)).toEqual(['true', 'false']);
});

test.each([
  [
    'the same in HubSpot’s own notation',
    { afterglow_ai_first_at: '2026-03-03T09:00:00Z', afterglow_ai_sessions: '2.0' },
    [],
  ],
  [
    'another time of the last visit',
    { afterglow_ai_last_at: '2026-03-08T09:00:00.000Z' },
    ['afterglow_ai_last_at'],
  ],
  ['a box that somebody unticked', { afterglow_ai_influenced: 'false' }, ['afterglow_ai_influenced']],
  ['a journey that somebody cleared', { afterglow_journey: null }, ['afterglow_journey']],
])('%s is told as what it is', (_, changes, differing) => {
  expect(differingOutputs(valuesOf(JOURNEY), { ...valuesOf(JOURNEY), ...changes })).toEqual(differing);
});
