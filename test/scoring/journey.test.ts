import fc from 'fast-check';
import { journeyOf } from '../../lambdas/scoring/journey.ts';
import type { Touch } from '../../lambdas/scoring/touches.ts';

const NOON_MS = Date.parse('2026-03-03T12:00:00Z');
const DAY_MS = 86_400_000;

function touch(days: number, label: string, landing = '', channel: Touch['channel'] = 'ai'): Touch {
  const atMs = NOON_MS + days * DAY_MS;
  return {
    key: `${label} ${days}`,
    atMs,
    channel,
    source: label.toLowerCase(),
    label,
    landing,
    by: 'browser',
  };
}

const textOf = (...touches: Touch[]) => journeyOf(touches, 'UTC').text;

test('knows the first and the last visit that an assistant brought, and how many there were', () => {
  const journey = journeyOf(
    [
      touch(0, 'Google', 'https://acme.example/', 'search'),
      touch(1, 'ChatGPT', 'https://acme.example/pricing'),
      touch(2, 'Claude'),
      touch(3, 'Perplexity', 'https://acme.example/demo'),
      touch(4, 'Direct', '', 'direct'),
    ],
    'UTC',
  );

  expect(journey).toEqual({
    firstAi: { source: 'ChatGPT', atMs: NOON_MS + DAY_MS, page: 'https://acme.example/pricing' },
    lastAi: { source: 'Perplexity', atMs: NOON_MS + 3 * DAY_MS, page: 'https://acme.example/demo' },
    aiSessions: 3,
    text: 'Google 3 Mar 2026 > ChatGPT 4 Mar 2026 > Claude 5 Mar 2026 > Perplexity 6 Mar 2026 > Direct 7 Mar 2026',
  });
});

test('of a contact whom no assistant brought has no such visit', () => {
  expect(journeyOf([touch(0, 'Google', '', 'search')], 'UTC')).toEqual({
    firstAi: undefined,
    lastAi: undefined,
    aiSessions: 0,
    text: 'Google 3 Mar 2026',
  });
});

test('is empty without visits', () => {
  expect(journeyOf([], 'UTC')).toMatchObject({ aiSessions: 0, text: '' });
});

test('has the dates of the time zone', () => {
  expect(journeyOf([touch(0.45, 'Google')], 'UTC').text).toBe('Google 3 Mar 2026');
  expect(journeyOf([touch(0.45, 'Google')], 'Europe/Berlin').text).toBe('Google 3 Mar 2026');
  expect(journeyOf([touch(0.45, 'Google')], 'Asia/Tokyo').text).toBe('Google 4 Mar 2026');
});

test('counts visits by one source that follow each other, from the day of the first', () => {
  const visits = [touch(0, 'ChatGPT'), touch(1, 'ChatGPT'), touch(2, 'Google'), touch(3, 'ChatGPT')];

  expect(textOf(...visits)).toBe('ChatGPT 3 Mar 2026 ×2 > Google 5 Mar 2026 > ChatGPT 6 Mar 2026');
});

test('leaves out the middle where there is no room, and keeps the first and as many of the last as fit', () => {
  const sources = ['Google', 'ChatGPT', 'Claude', 'Direct'];
  const visits = Array.from({ length: 12 }, (_, day) => touch(day, sources[day % 4] ?? ''));

  // 149 bytes, of which … has 3; " > ChatGPT 8 Mar 2026" would make it 170.
  expect(textOf(...visits)).toBe(
    'Google 3 Mar 2026 > … > Claude 9 Mar 2026 > Direct 10 Mar 2026 > Google 11 Mar 2026 > ChatGPT 12 Mar 2026 > Claude 13 Mar 2026 > Direct 14 Mar 2026',
  );
});

/** Four visits, by names of one digit each. */
function fourVisits(...lengths: [number, number, number, number]): Touch[] {
  return lengths.map((length, day) => touch(day, `${day}`.repeat(length)));
}

test('has room for 160 bytes, and leaves out the middle of 161', () => {
  // Four names, four times " 3 Mar 2026" of 11 bytes, and " > " three times: 107 + 44 + 9 = 160.
  const whole = textOf(...fourVisits(27, 27, 27, 26));

  expect(Buffer.byteLength(whole)).toBe(160);
  expect(whole).not.toContain('…');
  expect(textOf(...fourVisits(27, 27, 27, 27))).toBe(
    `${'0'.repeat(27)} 3 Mar 2026 > … > ${'2'.repeat(27)} 5 Mar 2026 > ${'3'.repeat(27)} 6 Mar 2026`,
  );
});

test('cuts a long page at its end', () => {
  const page = `https://acme.example/${'x'.repeat(179)}`;

  expect(journeyOf([touch(0, 'ChatGPT', page)], 'UTC').firstAi?.page).toBe(page.slice(0, 100));
});

test('takes at most 160 bytes, has the first and the last source in it, and no more room for another', () => {
  const labels = fc.constantFrom('Google', 'ChatGPT', 'Mistral Le Chat', 'ü'.repeat(16), 'x'.repeat(32));
  fc.assert(
    fc.property(fc.array(labels, { minLength: 1, maxLength: 30 }), (names) => {
      const text = textOf(...names.map((label, day) => touch(day, label)));

      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(160);
      expect(text.startsWith(`${names[0]} 3 Mar 2026`)).toBe(true);
      expect(
        text
          .split(' > ')
          .at(-1)
          ?.startsWith(names.at(-1) ?? ''),
      ).toBe(true);
    }),
  );
});
