import { nearest } from '../../lambdas/scoring/nearest.ts';

test.each<[string, string[], string | undefined, string]>([
  ['horizonDay', ['name', 'horizonDays'], 'horizonDays', 'a letter is missing'],
  ['HORIZONDAYS', ['name', 'horizonDays'], 'horizonDays', 'letter case is no mistake'],
  ['pionts', ['title', 'points'], 'points', 'two letters that changed places are two edits of six'],
  ['lxxin', ['title', 'login'], 'login', 'two edits of five letters: 40 %, which may be mistyped'],
  ['lxxxn', ['title', 'login'], undefined, 'three edits of five letters: another name was meant'],
  ['x', ['a'], 'a', 'of the shortest names one letter may be mistyped'],
  ['xy', ['ab'], undefined, 'but not two'],
  ['max', ['mean-of-top-three', 'maximum'], 'maximum', 'three letters with which a name begins stand for it'],
  ['ma', ['mean-of-top-three', 'maximum'], undefined, 'two letters do not'],
  ['cap', ['gap', 'capital'], 'gap', 'the fewest edits come before a name that begins alike'],
  ['login', [], undefined, 'there is no name'],
])('of "%s" among %j is meant %p: %s', (name, known, expected) => {
  expect(nearest(name, known)).toBe(expected);
});
