import { readSources } from '../../cli/model-file.ts';
import { formatExplanation } from '../../lambdas/explain/text.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { type SeenVisit, touchFact } from '../../lambdas/scoring/touches.ts';
import { modelOf } from '../scoring/model-of.ts';
import { contact, DAY_MS, explained, MODEL, NOW_MS } from './fixture.ts';

const text = (...given: Parameters<typeof explained>) => formatExplanation(explained(...given));

test('says who, when, what is shown, every term and their sum', () => {
  // 40 / 2 = 20 after 30 days, 10 after 60; with fit 50.
  expect(
    text(contact([30, 60]))
      .split('\n')
      .slice(0, 11),
  ).toEqual([
    `Contact 7 on 21 Nov 2026, 12:00 (UTC), model ${MODEL.id}`,
    'Score 50, grade B: fit 20, engagement 30. HubSpot has not confirmed it yet.',
    '',
    '  left   given  on            kind    rule          what',
    '20.000  20.000                fit     cto           Runs technology',
    '10.000  40.000  22 Sept 2026  signal  demo-request  Asked for a demo',
    '20.000  40.000  22 Oct 2026   signal  demo-request  Asked for a demo',
    '------',
    '50.000  score',
    '',
    // Half a thousandth below 49.5 is left after 30 * log2(30 / 29.4995) = 0.7281 days, which is 17 h 28 min.
    'If nothing happens, what is shown next changes on 22 Nov 2026, 05:28.',
  ]);
});

test('tells what caps and rounding take on lines of their own, which nobody gave', () => {
  // After a day 40 * 2^(-1/30) = 39.086 of each, cap 50; with fit 70.
  const lines = text(contact([1, 1])).split('\n');

  expect(lines).toContain('-28.172                       cap     demo-request  Cap of Asked for a demo (50)');
  expect(lines).toContain(' 70.000  score');
});

test('tells of signals that do not count', () => {
  const robot = {
    ...contact([]),
    facts: [0, 10, 20].map((seconds) => ({
      key: String(seconds),
      name: 'signal:login',
      occurredAtMs: NOW_MS - 60_000 + seconds * 1000,
    })),
  };

  expect(text(robot)).toMatch(/^ 0\.000 {3}4\.000 {2}21 Nov 2026 {2}burst {3}login {2}Logged in: .*as one$/m);
});

test.each([
  { because: 'one', facts: [30, 60], line: 'One demo request from A ("Asked for a demo").' }, // 50 + 40, of which the cap leaves 50
  { because: 'it is the best', facts: [0, 0], line: 'A is the best grade.' },
])('says what leads to a better grade: $because', ({ facts, line }) => {
  expect(text(contact(facts)).split('\n')).toContain(line);
});

test('says that no signal leads to a better grade only where there is one', () => {
  const model =
    modelOf(`{ range: { min: 0, max: 50 }, fit: { rules: [{ id: cto, title: T, property: jobtitle, is: [CTO], points: 20 }] },
    grades: { bands: [{ grade: A, from: 60 }, { grade: B, from: 0 }] } }`);

  expect(text(contact([]), { model }).split('\n')).toContain('No signal leads to a better grade.');
});

test.each([
  ['product-login', 'Two product logins from A'],
  ['reply', 'Two replies from A'],
  ['day', 'Two days from A'],
  ['demo-wish', 'Two demo wishes from A'],
])('says two of the rule %s in words: %s', (id, words) => {
  const model = modelOf(`{ fit: { rules: [{ id: cto, title: T, property: jobtitle, is: [CTO], points: 1 }] },
    engagement: { signals: [{ id: ${id}, title: It, from: { kind: signal, signal: it }, points: 10, halfLifeDays: 30 }] },
    grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] } }`);

  expect(text(contact([]), { model })).toContain(`${words} ("It").`);
});

test('says what is missing where no signal leads to a better grade', () => {
  const model = modelOf(`{ fit: { rules: [{ id: cto, title: T, property: jobtitle, is: [CTO], points: 1 }] },
    grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] } }`);

  const lines = text(contact([]), { model }).split('\n');

  expect(lines).toContain('19 points from A.');
  expect(lines).toContain('Nothing that is shown changes by itself.');
});

test('says why there is no score, and nothing of better grades', () => {
  const lines = text(contact([0], { lifecyclestage: 'customer' })).split('\n');

  expect(lines[1]).toBe('No score: Excluded: Customer & friend. HubSpot has not confirmed it yet.');
  expect(lines).toContain(
    '-60.000                       excluded  customer      Excluded: Customer & friend',
  );
  expect(lines).toContain('  0.000  not shown: there is no score');
  expect(lines.at(-1)).toBe('Time alone changes nothing.');
});

test('says that nothing is known', () => {
  const lines = text({ facts: [], properties: [] }).split('\n');

  expect(lines[1]).toMatch(/^No score: insufficient data\./);
  expect(lines.at(-1)).toBe('One login from C ("Logged in").');
});

test('says what HubSpot was last sent when points faded since', () => {
  const { shown } = explained(contact([0]));

  expect(text(contact([0]), { nowMs: NOW_MS + 30 * DAY_MS, shown })).toContain(
    'Score 40, grade B: fit 20, engagement 20. HubSpot was last sent "Score 60, grade A: fit 20, engagement 40"; the rest',
  );
});

test('promises no write where HubSpot shows what another model made', () => {
  const { shown } = explained(contact([0]));

  expect(text(contact([30]), { shown: { ...shown, model: 'other@0123456789ab' } }).split('\n')[1]).toBe(
    'Score 40, grade B: fit 20, engagement 20. HubSpot was last sent "Score 60, grade A: fit 20, engagement 40", by the model other@0123456789ab.',
  );
});

test('says "the next day" of a single one', () => {
  expect(text(contact([0]), { days: 1 })).toContain('\nThe next day if nothing happens: 60 to 59, ');
});

test('shows no numbers above the table where the model shows grades only', () => {
  const model = { ...MODEL, display: { step: 1, gradeOnly: true } };

  const lines = text(contact([0]), { model }).split('\n');

  expect(lines[1]).toMatch(/^Grade A; the model shows no numbers\./);
  expect(lines).toContain('60.000  score, which the model does not show');
});

test('gives dates and times by the clock of the portal', () => {
  expect(text(contact([0]), { timeZone: 'Asia/Tokyo' })).toContain(
    'Contact 7 on 21 Nov 2026, 21:00 (Asia/Tokyo)',
  );
});

function came(daysAgo: number, seen: SeenVisit): Fact {
  return touchFact(`${daysAgo} ${seen.by}`, NOW_MS - daysAgo * DAY_MS, seen);
}

describe('the visits', () => {
  const model = modelOf('{ attribution: {} }', [], readSources('models/sources.yaml'));
  const linesOf = (...touches: Fact[]) => text({ ...contact([]), touches }, { model }).split('\n');

  test('are told in the order they happened: when, by what, where to, and who saw it', () => {
    const lines = linesOf(
      came(1, { by: 'browser', referrer: 'www.google.com', landing: 'https://acme.example/demo' }),
      came(40, { by: 'hubspot', hubSpotSource: 'AI_REFERRALS', detail1: 'chatgpt.com' }),
      came(2, { by: 'server', landing: 'https://acme.example/' }),
    );

    expect(lines.slice(lines.indexOf('3 visits:'))).toEqual([
      '3 visits:',
      '  12 Oct 2026, 12:00  ChatGPT  (from HubSpot)',
      '  19 Nov 2026, 12:00  Direct   https://acme.example/ (seen by a server)',
      '  20 Nov 2026, 12:00  Google   https://acme.example/demo',
    ]);
  });

  test('are the newest fifty of many', () => {
    const lines = linesOf(...Array.from({ length: 60 }, (_, day) => came(day + 1, { by: 'browser' })));
    const first = lines.indexOf('60 visits, the newest 50:');

    expect(lines.slice(first + 1).filter((line) => line.endsWith('  Direct'))).toHaveLength(50);
    expect(lines.at(-1)).toBe('  20 Nov 2026, 12:00  Direct');
  });

  test('are said to be none where none is known, and not spoken of where none are kept', () => {
    expect(linesOf()).toContain('No visit is known.');
    expect(text(contact([]))).not.toContain('isit');
    expect(explained(contact([])).visits).toBeNull();
  });

  test('are the same to programs', () => {
    const touches = [came(1, { by: 'browser', utmSource: 'chatgpt.com' })];

    expect(explained({ ...contact([]), touches }, { model })).toMatchObject({
      shown: { journey: { aiSessions: 1, text: 'ChatGPT 20 Nov 2026' } },
      visits: {
        total: 1,
        newest: [
          {
            at: '2026-11-20T12:00:00.000Z',
            channel: 'ai',
            source: 'chatgpt',
            label: 'ChatGPT',
            page: null,
            seenBy: 'browser',
          },
        ],
      },
    });
  });
});
