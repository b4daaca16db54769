import * as v from 'valibot';
import { describeIssue } from '../../lambdas/scoring/model-problems.ts';
import { findSourceClashes } from '../../lambdas/scoring/source-checks.ts';
import { type Source, Sources } from '../../lambdas/scoring/sources.ts';

function source(id: string, more: Partial<Source> = {}): Source {
  const label = `The ${id}`;
  return { id, channel: 'ai', label, hosts: [], utmSources: [], userAgents: [], hubSpotDetails: [], ...more };
}

function clashes(...sources: Source[]): string[] {
  return findSourceClashes({ sources, mediums: {} }).map(
    ({ path, reason }) => `${path.join('.')}: ${reason}`,
  );
}

test('sources that claim nothing of each other do not clash, though one claims a word in several ways', () => {
  const one = source('one', {
    hosts: ['one.example', 'one.test'],
    utmSources: ['one'],
    hubSpotDetails: ['one'],
  });
  const two = source('two', { hosts: ['two.example'], utmSources: ['two'], userAgents: ['TwoApp'] });

  expect(clashes(one, two)).toEqual([]);
});

test.each<[string, Partial<Source>, Partial<Source>, string]>([
  ['a label', { label: 'Chat' }, { label: 'Chat' }, 'label: found "Chat"'],
  ['a host', { hosts: ['a.example', 'b.example'] }, { hosts: ['b.example'] }, 'hosts: found "b.example"'],
  ['a value of utm_source', { utmSources: ['chat'] }, { utmSources: ['chat'] }, 'utmSources: found "chat"'],
  ['a user agent', { userAgents: ['ChatApp'] }, { userAgents: ['ChatApp'] }, 'userAgents: found "ChatApp"'],
  [
    'a drill-down',
    { hubSpotDetails: ['chat'] },
    { hubSpotDetails: ['chat'] },
    'hubSpotDetails: found "chat"',
  ],
])('two sources must not claim %s', (_what, one, other, found) => {
  expect(clashes(source('none'), source('one', one), source('two', other))).toEqual([
    `sources.2.${found}, which sources.1 has already, expected each once`,
  ]);
});

test('an id names one source', () => {
  expect(clashes(source('one'), source('one', { label: 'Another' }))).toEqual([
    'sources.1.id: found "one", which sources.0 has already, expected each once',
  ]);
});

test('what three sources claim is told of the second and the third, and that the first has it', () => {
  const hosts = ['chat.example'];

  expect(clashes(source('a', { hosts }), source('b', { hosts }), source('c', { hosts }))).toEqual([
    'sources.1.hosts: found "chat.example", which sources.0 has already, expected each once',
    'sources.2.hosts: found "chat.example", which sources.0 has already, expected each once',
  ]);
});

test('the name of a channel is no id: it stands for the sources of the channel that are not known', () => {
  expect(clashes(source('one'), source('social'))).toEqual([
    'sources.1.id: found "social", the name of a channel, expected another: it stands for sources that are not known',
  ]);
});

function problemsOf(...sources: object[]): string[] {
  const parsed = v.safeParse(Sources, { sources });
  return (parsed.issues ?? []).map(describeIssue).map(({ path, reason }) => `${path.join('.')}: ${reason}`);
}

test('a source needs an id, a channel and a label; what it does not say tells of nothing', () => {
  const least = { id: 'one', channel: 'ai', label: 'One' };

  expect(v.parse(Sources, { sources: [least] })).toEqual({
    sources: [{ ...least, hosts: [], utmSources: [], userAgents: [], hubSpotDetails: [] }],
    mediums: {},
  });
});

test.each<[string, object, string]>([
  [
    'an id in capitals',
    { id: 'ChatGPT' },
    'id: found "ChatGPT", expected lower-case letters, digits and hyphens, at most 30',
  ],
  [
    'an unknown channel',
    { channel: 'mail' },
    'channel: found "mail", expected one of ai, search, social, email, paid, direct, other; did you mean "email"?',
  ],
  [
    'a label of 33 bytes',
    { label: 'ü'.repeat(17) },
    `label: found "${'ü'.repeat(17)}", expected at most 32 bytes`,
  ],
  ['no label', { label: '' }, 'label: found empty text, expected some'],
  [
    'a host that is an address',
    { hosts: ['https://chat.example'] },
    'hosts.0: found "https://chat.example", expected a host such as chatgpt.com',
  ],
  [
    'a word in capitals',
    { utmSources: ['Chat'] },
    'utmSources.0: found "Chat", expected lower case, without spaces around it',
  ],
  [
    'a word with a blank behind it',
    { hubSpotDetails: ['chat '] },
    'hubSpotDetails.0: found "chat ", expected lower case, without spaces around it',
  ],
  [
    'a misspelt key',
    { host: [] },
    'host: found an unknown key, expected one of id, channel, label, hosts, utmSources, userAgents, hubSpotDetails; did you mean "hosts"?',
  ],
])('%s is refused', (_what, more, expected) => {
  expect(problemsOf({ id: 'one', channel: 'ai', label: 'One', ...more })).toEqual([`sources.0.${expected}`]);
});
