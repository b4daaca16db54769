import {
  asciiHost,
  directoryOf,
  isAiSource,
  type Source,
  type Sources,
} from '../../lambdas/scoring/sources.ts';

function source(id: string, channel: Source['channel'], more: Partial<Source>): Source {
  return { id, channel, label: id, hosts: [], utmSources: [], userAgents: [], hubSpotDetails: [], ...more };
}

/** Read anew, so that nothing that was made ready for another test is there. */
function someSources(): Sources {
  return {
    sources: [
      source('engine', 'search', { hosts: ['engine.example'], utmSources: ['engine'] }),
      source('helper', 'ai', { hosts: ['helper.engine.example'], hubSpotDetails: ['the helper'] }),
    ],
    mediums: { cpc: 'paid' },
  };
}

describe('the sources of a file', () => {
  test('are found by their id', () => {
    expect(directoryOf(someSources()).byId.get('helper')?.channel).toBe('ai');
    expect(directoryOf(someSources()).byId.get('nobody')).toBeUndefined();
  });

  test.each<[string, string | undefined, string]>([
    ['engine.example', 'engine', 'its host'],
    ['www.engine.example', 'engine', 'below it'],
    ['helper.engine.example', 'helper', 'of several the longest decides'],
    ['eu.helper.engine.example', 'helper', 'below the longest'],
    ['notengine.example', undefined, 'a name that ends alike'],
    ['example', undefined, 'above it'],
    ['', undefined, 'no host'],
  ])('of the host %s is %p: %s', (host, id) => {
    expect(directoryOf(someSources()).ofHost(host)?.id).toBe(id);
  });

  test('are found by a word on the link, or a host there', () => {
    const { ofUtmSource } = directoryOf(someSources());

    expect([' Engine ', 'WWW.engine.example', 'helper', ''].map((word) => ofUtmSource(word)?.id)).toEqual([
      'engine',
      'engine',
      undefined,
      undefined,
    ]);
  });

  test("are found by HubSpot's word for them, by a word on the link, or a host", () => {
    const { ofDetail } = directoryOf(someSources());

    expect(
      ['The Helper ', 'engine', 'helper.engine.example', 'helper'].map((word) => ofDetail(word)?.id),
    ).toEqual(['helper', 'engine', 'helper', undefined]);
  });

  test('have media beside them, in any letter case', () => {
    const { ofMedium } = directoryOf(someSources());

    expect([' CPC ', 'referral'].map((medium) => ofMedium(medium))).toEqual(['paid', undefined]);
  });
});

test.each([
  ['ai/chatgpt', true],
  ['ai/ai', true],
  ['paid/ai', false],
  ['aim/chatgpt', false],
  ['search/google', false],
])('credit to %s is credit to an assistant: %p', (key, isOne) => {
  expect(isAiSource(key)).toBe(isOne);
});

test.each([
  ['chat.example', 'chat.example', 'as it is'],
  ['Chat.EXAMPLE', 'chat.example', 'lower case'],
  [' chat.example ', 'chat.example', 'blanks around it'],
  ['chat.example:8443', 'chat.example', 'a port'],
  ['chat.example.', 'chat.example', 'the dot of the root'],
  ['bücher.example', 'xn--bcher-kva.example', 'Punycode'],
  ['[2001:DB8::1]:8443', '[2001:db8::1]', 'an address of version 6'],
  ['', '', 'nothing'],
  ['chat example', '', 'no host'],
])('the host "%s" is compared as "%s": %s', (text, expected) => {
  expect(asciiHost(text)).toBe(expected);
});
