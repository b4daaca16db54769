import { readSources } from '../../cli/model-file.ts';
import { classify } from '../../lambdas/scoring/classify.ts';
import { labelOf, sourceKeyOf } from '../../lambdas/scoring/sources.ts';
import type { SeenVisit } from '../../lambdas/scoring/touches.ts';

const SOURCES = readSources('models/sources.yaml');
const LANDING = 'https://www.acme.example/pricing';

type Seen = Omit<SeenVisit, 'by' | 'landing'>;

/** The source of a visit that began on our own site. */
function sourceOf(seen: Seen, by: SeenVisit['by'] = 'browser', landing = LANDING): string {
  return sourceKeyOf(classify({ by, landing, ...seen }, SOURCES));
}

/** The source by what HubSpot says alone. */
function saidSource(hubSpotSource: string, detail1?: string, detail2?: string): string {
  const details = { ...(detail1 !== undefined && { detail1 }), ...(detail2 !== undefined && { detail2 }) };
  return sourceOf({ hubSpotSource, ...details }, 'hubspot', '');
}

describe('the referrer', () => {
  test.each([
    ['chatgpt.com', 'ai/chatgpt', 'as it is'],
    ['chat.openai.com', 'ai/chatgpt', 'its address of before'],
    ['www.perplexity.ai', 'ai/perplexity', 'below the domain'],
    ['gemini.google.com', 'ai/gemini', 'though google.com is a search engine: the longest decides'],
    ['bard.google.com', 'ai/gemini', 'its name of before'],
    ['notebooklm.google.com', 'ai/notebooklm', 'one more of Google'],
    ['copilot.microsoft.com', 'ai/copilot', 'for people at home'],
    ['m365.cloud.microsoft', 'ai/copilot', 'for people at work'],
    ['edgeservices.bing.com', 'ai/copilot', 'in the side bar of Edge, though bing.com is a search engine'],
    ['claude.ai', 'ai/claude', 'as it is'],
    ['chat.deepseek.com', 'ai/deepseek', 'below the domain'],
    ['grok.com', 'ai/grok', 'as it is'],
    ['www.meta.ai', 'ai/meta-ai', 'below the domain'],
    ['chat.mistral.ai', 'ai/mistral', 'as it is'],
    ['you.com', 'ai/you', 'as it is'],
    ['www.phind.com', 'ai/phind', 'below the domain'],
    ['com.openai.chatgpt', 'ai/chatgpt', 'an Android app names its package'],
    ['www.google.com', 'search/google', 'below the domain'],
    ['www.google.co.uk', 'search/google', 'in another country'],
    ['docs.google.com', 'other/google-workspace', 'below google.com, and no search'],
    ['www.bing.com', 'search/bing', 'below the domain'],
    ['duckduckgo.com', 'search/duckduckgo', 'as it is'],
    ['t.co', 'social/x', 'the address by which X shortens'],
    ['lnkd.in', 'social/linkedin', 'the address by which LinkedIn shortens'],
    ['l.facebook.com', 'social/facebook', 'below the domain'],
    ['mail.google.com', 'email/gmail', 'though google.com is a search engine'],
    ['outlook.live.com', 'email/outlook', 'as it is'],
    ['ad.doubleclick.net', 'paid/google-display', 'an advertising network'],
    ['CHATGPT.COM', 'ai/chatgpt', 'letter case does not matter'],
    ['chatgpt.com:443', 'ai/chatgpt', 'a port does not matter'],
    ['chatgpt.com.', 'ai/chatgpt', 'the dot of the root does not matter'],
    ['chatgpt.com', 'ai/chatgpt', 'written in wide letters, which are the same name (UTS 46)'],
  ])('%s is %s: %s', (referrer, source) => {
    expect(sourceOf({ referrer })).toBe(source);
  });

  test.each([
    ['chatgpt.com.evil.example', 'an assistant in front of a name of somebody else'],
    ['notchatgpt.com', 'a name that ends like it'],
    ['chatgpt.com-login.example', 'a name that begins like it'],
    ['chatgpt-com.example', 'a hyphen for the dot'],
    ['chatgpt.co', 'a letter too few'],
    ['chatgpt.example', 'another ending'],
    ['сhatgpt.com', 'a Cyrillic с'],
    ['xn--hatgpt-hrf.com', 'the same in Punycode'],
    ['evil.example@chatgpt.com', 'no host at all'],
    ['chatgpt.com@evil.example', 'no host at all'],
    ['evil.example/chatgpt.com', 'no host at all'],
    ['evil.example?chatgpt.com', 'no host at all'],
    ['evil.example#.chatgpt.com', 'no host at all'],
    ['evil.example\\.chatgpt.com', 'no host at all'],
    ['google.com.evil.example', 'a search engine in front of a name of somebody else'],
    ['google.evil.example', 'google, but whose?'],
    ['openai.example', 'the word alone'],
    ['192.0.2.7', 'an address of a machine'],
    ['192.0.2.7:8080', 'the same with a port'],
    ['[2001:db8::1]', 'the same of version 6'],
    ['localhost', 'a name without a dot'],
    ['com', 'the end of every name'],
    ['partner.example', 'nobody that the file knows'],
    ['..', 'dots alone'],
  ])('%s is nobody we know: %s', (referrer) => {
    expect(sourceOf({ referrer })).toBe('other/other');
  });

  test.each([
    ['www.acme.example', LANDING, 'the same host'],
    ['acme.example', LANDING, 'the same without www'],
    ['blog.acme.example', 'https://acme.example/', 'below it'],
    ['acme.example', 'https://shop.acme.example/', 'above it'],
    ['acme.example:8443', 'https://acme.example:8443/', 'with its port'],
    ['chatgpt.com', 'https://chatgpt.com/', 'an assistant may use Afterglow itself'],
  ])('%s on the way to %s is no source, but the site itself: %s', (referrer, landing) => {
    expect(sourceOf({ referrer }, 'browser', landing)).toBe('direct/direct');
  });

  test('of another site is a source though one name ends like the other', () => {
    expect(sourceOf({ referrer: 'notacme.example' }, 'browser', 'https://acme.example/')).toBe('other/other');
  });
});

describe('what stands on the link', () => {
  test.each<[Seen, string, string]>([
    [{}, 'direct/direct', 'nothing led here, or nothing said so'],
    [{ utmSource: 'chatgpt.com' }, 'ai/chatgpt', 'ChatGPT strips the referrer and puts this on its links'],
    [{ utmSource: 'ChatGPT.com ' }, 'ai/chatgpt', 'letter case and spaces do not matter'],
    [{ utmSource: 'chatgpt' }, 'ai/chatgpt', 'by its name'],
    [{ utmSource: ' OpenAI ' }, 'ai/chatgpt', 'by the name of its maker'],
    [{ utmSource: 'www.perplexity.ai' }, 'ai/perplexity', 'by its host'],
    [{ utmSource: 'chatgpt.com.evil.example' }, 'other/other', 'a look-alike here too'],
    [
      { utmSource: 'chatgpt.com', referrer: 'www.google.com' },
      'ai/chatgpt',
      'the link tells more than the browser',
    ],
    [{ utmSource: 'unknown-partner' }, 'other/other', 'somebody led here, but who?'],
    [{ utmSource: 'unknown-partner', referrer: 'www.google.com' }, 'search/google', 'the browser knows'],
    [{ utmSource: '', utmMedium: '', utmCampaign: '' }, 'direct/direct', 'parameters of nothing say nothing'],
    [{ utmCampaign: 'spring' }, 'other/other', 'a link of ours, somewhere'],
    [{ utmMedium: 'email' }, 'email/email', 'by the medium alone'],
    [{ utmMedium: 'E-Mail', utmSource: 'spring-letter' }, 'email/email', 'by the medium, whoever sent it'],
    [
      { utmMedium: 'social', referrer: 'www.linkedin.com' },
      'social/social',
      'the link tells more than the browser',
    ],
    [{ utmMedium: 'referral', referrer: 'claude.ai' }, 'ai/claude', 'a medium that says nothing'],
    [{ utmMedium: 'cpc', utmSource: 'google' }, 'paid/google', 'a paid medium'],
    [
      { utmMedium: 'CPC', referrer: 'www.bing.com' },
      'paid/bing',
      'a paid medium; the seller by the referrer',
    ],
    [{ utmMedium: 'cpc', utmSource: 'partner' }, 'paid/paid', 'a paid medium of nobody we know'],
    [{ isPaid: true }, 'paid/paid', "an advertiser's click id"],
    [{ isPaid: true, referrer: 'www.google.com' }, 'paid/google', 'a click id; the seller by the referrer'],
    [
      { isPaid: true, utmSource: 'chatgpt.com' },
      'paid/chatgpt',
      'an advertisement within an assistant is paid for',
    ],
    [{ isPaid: true, referrer: 'partner.example' }, 'paid/paid', 'an advertisement somewhere'],
    [{ isPaid: true, utmMedium: 'social' }, 'paid/paid', 'an advertisement in some network'],
    [{ utmSource: 'newsletter', utmMedium: 'email' }, 'email/newsletter', 'both say the same'],
  ])('%j is %s: %s', (seen, source) => {
    expect(sourceOf(seen)).toBe(source);
  });
});

describe('the app that showed the page', () => {
  test.each<[Seen, string, string]>([
    [{ app: 'chatgpt' }, 'ai/chatgpt', 'an app sends no referrer'],
    [{ app: 'linkedin', referrer: 'www.google.com' }, 'social/linkedin', 'it shows pages of its own accord'],
    [{ app: 'linkedin', utmSource: 'chatgpt.com' }, 'ai/chatgpt', 'the link tells more'],
    [
      { app: 'gone-from-the-file', referrer: 'claude.ai' },
      'ai/claude',
      'a source whose line is no longer there',
    ],
  ])('%j is %s: %s', (seen, source) => {
    expect(sourceOf(seen)).toBe(source);
  });
});

describe("HubSpot's own word", () => {
  test.each<[hubSpotSource: string, detail1: string, detail2: string, source: string, because: string]>([
    ['AI_REFERRALS', 'chatgpt.com', '', 'ai/chatgpt', 'by host'],
    ['AI_REFERRALS', 'ChatGPT', '', 'ai/chatgpt', 'by name'],
    ['AI_REFERRALS', 'www.perplexity.ai', '/search', 'ai/perplexity', 'by host, with a path beside it'],
    ['AI_REFERRALS', 'Microsoft Copilot', '', 'ai/copilot', 'by another name'],
    ['AI_REFERRALS', 'assistant-of-tomorrow.example', '', 'ai/ai', 'one that the file does not know yet'],
    ['AI_REFERRALS', '', '', 'ai/ai', 'no detail'],
    ['AI_REFERRALS', 'google.com', '', 'ai/ai', 'a search engine is no assistant'],
    ['ORGANIC_SEARCH', 'chatgpt', 'google', 'search/google', 'the first detail is what was looked for'],
    ['ORGANIC_SEARCH', 'Unknown keywords (SSL)', '', 'search/search', 'some search engine'],
    ['PAID_SEARCH', 'Spring campaign', 'google', 'paid/google', 'whom the click was paid to'],
    ['PAID_SEARCH', 'Spring campaign', 'crm', 'paid/paid', 'somebody'],
    ['PAID_SOCIAL', 'LinkedIn', 'Spring campaign', 'paid/linkedin', 'whom the click was paid to'],
    ['SOCIAL_MEDIA', 'LinkedIn', 'Spring campaign', 'social/linkedin', 'by name'],
    ['SOCIAL_MEDIA', 'Friendster', '', 'social/social', 'one that the file does not know'],
    ['EMAIL_MARKETING', 'Spring letter', 'abc', 'email/email', 'the name of a letter is no source'],
    ['REFERRALS', 'claude.ai', 'claude.ai/chat', 'ai/claude', 'HubSpot did not know it, the file does'],
    ['EMAIL_MARKETING', 'newsletter', '', 'email/newsletter', 'a name that the file knows'],
    ['EMAIL_MARKETING', 'google', '', 'email/email', 'a search engine sends no letters'],
    ['REFERRALS', '', '', 'other/other', 'somebody, and nobody says who'],
    ['REFERRALS', 'chatgpt.com.evil.example', '', 'other/other', 'a look-alike here too'],
    ['REFERRALS', 'partner.example', '/blog/google', 'other/other', 'a path names nobody'],
    ['OTHER_CAMPAIGNS', 'Spring', 'chatgpt.com / referral', 'ai/chatgpt', 'source and medium in one'],
    ['OTHER_CAMPAIGNS', 'Spring', '', 'other/other', 'a campaign'],
    ['DIRECT_TRAFFIC', 'www.acme.example/pricing', '', 'direct/direct', 'nothing led here'],
    ['WORD_OF_TOMORROW', '', '', 'other/other', 'something that we do not understand'],
    ['WORD_OF_TOMORROW', 'chatgpt.com', '', 'other/other', 'nor do we know what its details are'],
  ])('%s with "%s" and "%s" is %s: %s', (hubSpotSource, detail1, detail2, source) => {
    expect(saidSource(hubSpotSource, detail1, detail2)).toBe(source);
  });

  test('of an assistant stands above a referrer that says less', () => {
    expect(sourceOf({ hubSpotSource: 'AI_REFERRALS', referrer: 'www.google.com' }, 'hubspot')).toBe('ai/ai');
    expect(sourceOf({ hubSpotSource: 'AI_REFERRALS', referrer: 'claude.ai' }, 'hubspot')).toBe('ai/claude');
  });

  test('that a click was paid for stands above the referrer', () => {
    const seen = { hubSpotSource: 'PAID_SEARCH', referrer: 'www.google.com' };

    expect(sourceOf(seen, 'hubspot')).toBe('paid/google');
  });

  test('of a referral from the site itself is no source', () => {
    expect(sourceOf({ hubSpotSource: 'REFERRALS', detail1: 'blog.acme.example' }, 'hubspot')).toBe(
      'direct/direct',
    );
  });
});

test.each([
  ['ai/chatgpt', 'ChatGPT'],
  ['ai/ai', 'AI assistant'],
  ['search/search', 'Search'],
  ['social/social', 'Social'],
  ['email/email', 'E-mail'],
  ['paid/google', 'Google (paid)'],
  ['paid/taboola', 'Taboola'],
  ['paid/paid', 'Paid'],
  ['direct/direct', 'Direct'],
  ['other/other', 'Other'],
  ['ai/gone-from-the-file', 'gone-from-the-file'],
  ['paid/gone-from-the-file', 'gone-from-the-file (paid)'],
])('people read %s as %s', (key, label) => {
  expect(labelOf(key, SOURCES)).toBe(label);
});

test('a new line in the file tells of a visit of before', () => {
  const seen = { by: 'browser', referrer: 'assistant-of-tomorrow.example' } as const;
  const tomorrow = {
    id: 'tomorrow',
    channel: 'ai' as const,
    label: 'Tomorrow',
    hosts: ['assistant-of-tomorrow.example'],
    utmSources: [],
    userAgents: [],
    hubSpotDetails: [],
  };

  expect(classify(seen, SOURCES)).toEqual({ channel: 'other', source: 'other' });
  expect(classify(seen, { ...SOURCES, sources: [...SOURCES.sources, tomorrow] })).toEqual({
    channel: 'ai',
    source: 'tomorrow',
  });
});
