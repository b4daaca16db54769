// What the oracle holds to be right of visits, worked by hand.
import { ARRIVALS, type Arrival } from '../../../local/demo/arrivals.ts';
import { journeyText, knownVisits, wrongJourney } from '../../../local/demo/oracle-visits.ts';
import type { OwnSight, Visit, VisitHappening } from '../../../local/demo/visit-happenings.ts';

const SITE = 'https://www.afterglow.example';

function arrival(ours: string, byHubSpot: string): Arrival {
  const found = ARRIVALS.find((one) => one.own.key === ours && one.byHubSpot.key === byHubSpot);
  if (found === undefined) throw new Error(`nobody comes by ${ours} and ${byHubSpot}`);
  return found;
}

const CHATGPT = arrival('ai/chatgpt', 'ai/chatgpt');
const SILENT_CHATGPT = arrival('direct/direct', 'ai/chatgpt');
const GOOGLE = arrival('search/google', 'search/google');
const DUCKDUCKGO = arrival('search/duckduckgo', 'search/duckduckgo');
const UNKNOWN_AI = arrival('other/other', 'ai/ai');
const LOOKALIKE = arrival('other/other', 'other/other');

const LAPTOP = 'laptop----------------';

function own(parts: Partial<OwnSight> = {}): OwnSight {
  return {
    by: 'server',
    visitorId: LAPTOP,
    sessionId: 'session---------------',
    address: undefined,
    postId: 'msg_1',
    isBot: false,
    ...parts,
  };
}

function visit(day: number, way: Arrival, parts: Pick<Visit, 'hubspot' | 'own'>): Visit {
  const atMs = Date.UTC(2026, 2, day, 9);
  return { kind: 'visit', contactId: '1', atMs, arrival: way, url: `${SITE}/day-${day}?x=1#y`, ...parts };
}

function seen(day: number, ...pages: string[]): NonNullable<Visit['hubspot']> {
  return { atMs: Date.UTC(2026, 2, day, 9, 1), urls: pages };
}

const IDENTIFIED: VisitHappening = {
  kind: 'identification',
  contactId: '1',
  visitorId: LAPTOP,
  atMs: Date.UTC(2026, 5, 1),
  signal: undefined,
};

function known(visits: readonly VisitHappening[], areHistoriesRead = false) {
  return knownVisits(visits, areHistoriesRead).map(({ atMs, source, pages }) => [
    new Date(atMs).toISOString().slice(5, 16),
    source.label,
    pages.map((page) => page.replace(SITE, '')),
  ]);
}

test('a visit that HubSpot alone saw is known by its words, its time and its pages', () => {
  const visits = [visit(3, UNKNOWN_AI, { hubspot: seen(3, `${SITE}/last?utm_source=x`), own: undefined })];

  expect(known(visits)).toEqual([['03-03T09:01', 'AI assistant', ['/day-3', '/last']]]);
});

/** A visit that a server of ours and HubSpot saw. */
function both(day: number, way: Arrival): Visit {
  return visit(day, way, { hubspot: seen(day), own: own() });
}

test('one that we saw too is ours, but for a source that we could not tell', () => {
  expect(known([IDENTIFIED, both(3, DUCKDUCKGO), both(5, SILENT_CHATGPT)])).toEqual([
    ['03-03T09:00', 'DuckDuckGo', ['/day-3']],
    ['03-05T09:00', 'ChatGPT', ['/day-5']],
  ]);
});

test('between the first and the latest, what HubSpot saw is known to nights only, and so is what it knows better', () => {
  const visits = [3, 4, 5].map((day) => both(day, SILENT_CHATGPT));
  const labels = (areHistoriesRead: boolean) =>
    known([IDENTIFIED, ...visits], areHistoriesRead).map(([, label]) => label);

  expect(labels(false)).toEqual(['ChatGPT', 'Direct', 'ChatGPT']);
  expect(labels(true)).toEqual(['ChatGPT', 'ChatGPT', 'ChatGPT']);
});

test.each<[string, Partial<OwnSight>, number]>([
  ['of a browser that nobody was identified by', { visitorId: 'phone-----------------' }, 0],
  ['of a crawler', { isBot: true }, 0],
  ['of the browser that is the contact’s', {}, 1],
  ['of a person', { visitorId: undefined, address: { contactId: '1' } }, 1],
])('a visit %s', (_whose, parts, count) => {
  const visits = [IDENTIFIED, visit(3, CHATGPT, { hubspot: undefined, own: own(parts) })];

  expect(known(visits)).toHaveLength(count);
});

test('a host that only looks like an assistant is none', () => {
  expect(LOOKALIKE.referrer).toBe('https://chatgpt.com.evil.example/');
  expect(LOOKALIKE.own.label).toBe('Other');
});

/** A visit in March, late in the day. */
function at(label: string, day: number) {
  return { label, atMs: Date.UTC(2026, 2, day, 23, 59) };
}

describe('a journey', () => {
  test.each([
    ['nobody came', [], ''],
    [
      'sources with their days',
      [at('ChatGPT', 3), at('Google', 5)],
      'ChatGPT 3 Mar 2026 > Google 5 Mar 2026',
    ],
    [
      'repeats, as of the first of them',
      [at('ChatGPT', 3), at('ChatGPT', 4), at('Google', 5), at('ChatGPT', 6)],
      'ChatGPT 3 Mar 2026 ×2 > Google 5 Mar 2026 > ChatGPT 6 Mar 2026',
    ],
  ])('%s', (_what, visits, text) => {
    expect(journeyText(visits)).toBe(text);
  });

  test('where there is no room the first stays, and as many of the last as fit', () => {
    const visits = Array.from({ length: 10 }, (_, day) =>
      at(day % 2 === 0 ? 'Perplexity' : 'DuckDuckGo', day + 1),
    );

    // These take 148 bytes; with DuckDuckGo on 5 Mar, or Perplexity, it would be more than 160.
    expect(journeyText(visits)).toBe(
      'Perplexity 1 Mar 2026 > … > DuckDuckGo 6 Mar 2026 > Perplexity 7 Mar 2026 > DuckDuckGo 8 Mar 2026 > Perplexity 9 Mar 2026 > DuckDuckGo 10 Mar 2026',
    );
  });
});

const RIGHT: Readonly<Record<string, string>> = {
  ai_sessions: '2',
  ai_influenced: 'true',
  ai_first_source: 'ChatGPT',
  ai_first_at: '2026-03-03T09:00:00.000Z',
  ai_first_page: `${SITE}/day-3`,
  ai_last_source: 'ChatGPT',
  ai_last_at: '2026-03-07T09:00:00.000Z',
  ai_last_page: `${SITE}/day-7`,
  journey: 'ChatGPT 3 Mar 2026 > Google 5 Mar 2026 > ChatGPT 7 Mar 2026',
};
/** One visit on the third of March. */
function shownAt(time: string) {
  return {
    ...RIGHT,
    ai_sessions: '1',
    ai_first_at: `2026-03-03T${time}Z`,
    ai_last_at: `2026-03-03T${time}Z`,
    ai_last_page: `${SITE}/day-3`,
    journey: 'ChatGPT 3 Mar 2026',
  };
}

describe('what HubSpot shows', () => {
  const visits = [
    IDENTIFIED,
    visit(3, CHATGPT, { hubspot: undefined, own: own() }),
    visit(5, GOOGLE, { hubspot: undefined, own: own() }),
    visit(7, CHATGPT, { hubspot: undefined, own: own() }),
  ];
  const wrong = (shown: Readonly<Record<string, string>>, of = visits) =>
    wrongJourney(knownVisits(of, false), (name) => shown[name] ?? '');

  test('is right', () => {
    expect(wrong(RIGHT)).toBeUndefined();
    expect(wrong({ ai_sessions: '0', ai_influenced: 'false' }, [])).toBeUndefined();
  });

  test.each([
    ['ai_sessions', '3'],
    ['ai_influenced', 'false'],
    ['ai_first_source', 'Gemini'],
    ['ai_first_at', '2026-03-03T09:00:00.001Z'],
    ['ai_first_page', `${SITE}/day-7`],
    ['ai_last_source', ''],
    ['ai_last_at', '2026-03-05T09:00:00.000Z'],
    ['ai_last_page', `${SITE}/day-3`],
    ['journey', 'ChatGPT 3 Mar 2026 > ChatGPT 7 Mar 2026'],
  ])('a wrong %s is noticed', (name, value) => {
    expect(wrong({ ...RIGHT, [name]: value })).toContain(value);
  });

  test('of a visit that a page told of, the time is known to the half minute', () => {
    const told = [IDENTIFIED, visit(3, CHATGPT, { hubspot: undefined, own: own({ by: 'browser' }) })];

    expect(wrong(shownAt('09:00:29.000'), told)).toBeUndefined();
    expect(wrong(shownAt('09:00:31.000'), told)).toContain('first AI visit');
  });
});
