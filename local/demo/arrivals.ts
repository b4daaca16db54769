// The ways on which the demo portal's people come to the website: what a way leaves behind, and what can be told by it.

/** A source as it is right to show it: its channel and itself, and how people read it. */
export interface PlainSource {
  /** Such as `ai/chatgpt`; `direct/direct` where no single source is known. */
  readonly key: string;
  readonly label: string;
}

export interface Arrival {
  /** Relative frequency. */
  readonly weight: number;
  /** What the link added to the address of the page; `''` for nothing. */
  readonly query: string;
  /** What the browser told of the page before; undefined where it told nothing. */
  readonly referrer: string | undefined;
  /** What a page or a server of our own can tell by these. */
  readonly own: PlainSource;
  /** What HubSpot's tracking makes of it, beside the referrer, which it keeps: the traffic source and its two drill-downs. */
  readonly hubspot: readonly [source: string, detail1: string, detail2: string];
  /** What these and the referrer tell. */
  readonly byHubSpot: PlainSource;
}

const CHATGPT: PlainSource = { key: 'ai/chatgpt', label: 'ChatGPT' };
const PERPLEXITY: PlainSource = { key: 'ai/perplexity', label: 'Perplexity' };
const GEMINI: PlainSource = { key: 'ai/gemini', label: 'Gemini' };
const COPILOT: PlainSource = { key: 'ai/copilot', label: 'Copilot' };
const CLAUDE: PlainSource = { key: 'ai/claude', label: 'Claude' };
const SOME_AI: PlainSource = { key: 'ai/ai', label: 'AI assistant' };
const GOOGLE: PlainSource = { key: 'search/google', label: 'Google' };
const GOOGLE_ADS: PlainSource = { key: 'paid/google', label: 'Google (paid)' };
const DUCKDUCKGO: PlainSource = { key: 'search/duckduckgo', label: 'DuckDuckGo' };
const LINKEDIN: PlainSource = { key: 'social/linkedin', label: 'LinkedIn' };
const OUR_NEWSLETTER: PlainSource = { key: 'email/newsletter', label: 'Newsletter' };
const DIRECT: PlainSource = { key: 'direct/direct', label: 'Direct' };
const OTHER: PlainSource = { key: 'other/other', label: 'Other' };

/** What a link in our newsletter, and one that was paid for, add to an address. */
const NEWSLETTER_QUERY = 'utm_source=newsletter&utm_medium=email';
const PAID_QUERY = 'gclid=Cj0KCQ';

export const NEWSLETTER: Arrival = {
  weight: 10,
  query: NEWSLETTER_QUERY,
  referrer: undefined,
  own: OUR_NEWSLETTER,
  hubspot: ['EMAIL_MARKETING', 'November', 'newsletter'],
  byHubSpot: OUR_NEWSLETTER,
};
export const ADVERTISEMENT: Arrival = {
  weight: 6,
  query: PAID_QUERY,
  referrer: 'https://www.google.com/',
  own: GOOGLE_ADS,
  hubspot: ['PAID_SEARCH', 'Brand', 'lead scoring'],
  byHubSpot: GOOGLE_ADS,
};

export const ARRIVALS: readonly Arrival[] = [
  NEWSLETTER,
  ADVERTISEMENT,
  {
    weight: 12,
    query: 'utm_source=chatgpt.com',
    referrer: 'https://chatgpt.com/',
    own: CHATGPT,
    hubspot: ['AI_REFERRALS', 'chatgpt.com', ''],
    byHubSpot: CHATGPT,
  },
  // An app opens the page and says nothing of itself but what stands in the link,
  {
    weight: 5,
    query: 'utm_source=chatgpt.com',
    referrer: undefined,
    own: CHATGPT,
    hubspot: ['AI_REFERRALS', 'ChatGPT', ''],
    byHubSpot: CHATGPT,
  },
  // and one says nothing at all: HubSpot's own tracking may know more than ours.
  {
    weight: 3,
    query: '',
    referrer: undefined,
    own: DIRECT,
    hubspot: ['AI_REFERRALS', 'chatgpt.com', ''],
    byHubSpot: CHATGPT,
  },
  {
    weight: 5,
    query: '',
    referrer: 'https://www.perplexity.ai/search/lead-scoring',
    own: PERPLEXITY,
    hubspot: ['REFERRALS', 'www.perplexity.ai', '/search/lead-scoring'],
    byHubSpot: PERPLEXITY,
  },
  {
    weight: 3,
    query: '',
    referrer: 'https://gemini.google.com/',
    own: GEMINI,
    hubspot: ['AI_REFERRALS', 'gemini.google.com', ''],
    byHubSpot: GEMINI,
  },
  {
    weight: 3,
    query: '',
    referrer: 'https://copilot.microsoft.com/',
    own: COPILOT,
    hubspot: ['AI_REFERRALS', 'copilot.microsoft.com', ''],
    byHubSpot: COPILOT,
  },
  {
    weight: 3,
    query: '',
    referrer: 'https://claude.ai/',
    own: CLAUDE,
    hubspot: ['AI_REFERRALS', 'claude.ai', ''],
    byHubSpot: CLAUDE,
  },
  // HubSpot knows an assistant that we never heard of.
  {
    weight: 1,
    query: '',
    referrer: 'https://thinkpal.example/chat',
    own: OTHER,
    hubspot: ['AI_REFERRALS', 'thinkpal.example', ''],
    byHubSpot: SOME_AI,
  },
  // Looks like one, and is none.
  {
    weight: 2,
    query: '',
    referrer: 'https://chatgpt.com.evil.example/',
    own: OTHER,
    hubspot: ['REFERRALS', 'chatgpt.com.evil.example', '/'],
    byHubSpot: OTHER,
  },
  {
    weight: 36,
    query: '',
    referrer: 'https://www.google.com/',
    own: GOOGLE,
    hubspot: ['ORGANIC_SEARCH', 'Unknown keywords (SSL)', 'GOOGLE'],
    byHubSpot: GOOGLE,
  },
  {
    weight: 4,
    query: '',
    referrer: 'https://duckduckgo.com/',
    own: DUCKDUCKGO,
    hubspot: ['ORGANIC_SEARCH', 'Unknown keywords (SSL)', ''],
    byHubSpot: DUCKDUCKGO,
  },
  {
    weight: 12,
    query: '',
    referrer: 'https://www.linkedin.com/',
    own: LINKEDIN,
    hubspot: ['SOCIAL_MEDIA', 'LinkedIn', ''],
    byHubSpot: LINKEDIN,
  },
  {
    weight: 24,
    query: '',
    referrer: undefined,
    own: DIRECT,
    hubspot: ['DIRECT_TRAFFIC', 'www.afterglow.example/', ''],
    byHubSpot: DIRECT,
  },
  {
    weight: 6,
    query: '',
    referrer: 'https://blog.partner.example/tools',
    own: OTHER,
    hubspot: ['REFERRALS', 'blog.partner.example', '/tools'],
    byHubSpot: OTHER,
  },
];
