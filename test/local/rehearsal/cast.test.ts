import { join } from 'node:path';
import { readModelFile } from '../../../cli/model-file.ts';
import {
  type Actor,
  AT_FIRST,
  castOf,
  IN_PROGRESS_CHANGED,
  type Moment,
  scoreOf,
  unannounced,
} from '../../../local/rehearsal/cast.ts';

const ALL: Actor = {
  email: 'ada@example.com',
  jobtitle: 'Director of Rehearsals',
  isInProgress: true,
  logsIn: true,
  attends: true,
};
const NOTHING: Actor = { ...ALL, jobtitle: 'Analyst', isInProgress: false, logsIn: false, attends: false };
const CHANGED: Moment = { halfLives: 0, logins: 2, inProgressPoints: IN_PROGRESS_CHANGED };

test('every combination takes part once, each with an address of its own', () => {
  const cast = castOf('7');
  const combinations = cast.map(({ email: _email, ...rest }) => JSON.stringify(rest));

  expect(new Set(combinations).size).toBe(16);
  expect(new Set([...cast, unannounced('7')].map(({ email }) => email)).size).toBe(17);
});

// By hand: director 20, in progress 40 (changed: 60), a login 10, attended 8; all but the first and the last halve in 30 days.
test.each([
  ['nothing', NOTHING, AT_FIRST, 0],
  ['a director', { ...NOTHING, jobtitle: 'Director of Rehearsals' }, AT_FIRST, 20],
  ['all of it', ALL, AT_FIRST, 78],
  [
    'all of it by the changed model, with a second login: 20 + 60 + 20 + 8, above the range',
    ALL,
    CHANGED,
    100,
  ],
  ['one half-life on: 20 + (60 + 20) / 2 + 8', ALL, { ...CHANGED, halfLives: 1 }, 68],
  ['two half-lives on: 20 + 80 / 4 + 8', ALL, { ...CHANGED, halfLives: 2 }, 48],
  [
    'who is found at night: a director, whatever time has passed',
    unannounced('7'),
    { ...CHANGED, halfLives: 1 },
    20,
  ],
  ['what does not fade', { ...NOTHING, attends: true }, { ...CHANGED, halfLives: 1 }, 8],
])('%s', (_name, actor, moment, score) => {
  expect(scoreOf(actor, moment)).toBe(score);
});

test('the model says what the scores were worked out with', () => {
  const { fit, engagement } = readModelFile(join(import.meta.dirname, '../../../local/rehearsal/model.yaml'));

  expect(fit.rules.map(({ id, points }) => [id, points])).toEqual([['director', 20]]);
  expect(engagement.signals.map(({ id, points, halfLifeDays }) => [id, points, halfLifeDays])).toEqual([
    ['in-progress', 40, 30],
    ['login', 10, 30],
    ['attended', 8, 'never'],
  ]);
});
