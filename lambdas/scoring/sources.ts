import { domainToASCII } from 'node:url';
import * as v from 'valibot';
import { closed, noList } from './closed.ts';
import { didYouMean } from './model-problems.ts';

/** The kinds of sources by which people arrive. */
export const CHANNELS = ['ai', 'search', 'social', 'email', 'paid', 'direct', 'other'] as const;
export type Channel = (typeof CHANNELS)[number];

/** How a source is called that is not known more closely than by its channel. */
const CHANNEL_LABELS: Readonly<Record<Channel, string>> = {
  ai: 'AI assistant',
  search: 'Search',
  social: 'Social',
  email: 'E-mail',
  paid: 'Paid',
  direct: 'Direct',
  other: 'Other',
};

/** Most sources, and words of one kind that name one. */
const SOURCE_LIMIT = 500;
const WORD_LIMIT = 500;
/** Longest label in UTF-8 bytes: the first and the last visit are to fit a journey together. */
const LABEL_BYTES = 32;

/** One of the channels, by the name that a file gives it. */
export const ChannelName = v.picklist(
  CHANNELS,
  ({ input }) => `expected one of ${CHANNELS.join(', ')}${didYouMean(input, CHANNELS)}`,
);

/** Short names of sources; those of channels stand for sources that are not known more closely. */
export const SourceId = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]{0,29}$/, 'expected lower-case letters, digits and hyphens, at most 30'),
  v.description('Short name of the source, its own among all; stays the same when the label changes.'),
);

const LowerCase = v.pipe(
  v.string(),
  v.regex(/^[^A-Z\s](?:[^A-Z]*[^A-Z\s])?$/, 'expected lower case, without spaces around it'),
  v.maxLength(100),
);

function words<const Word extends v.GenericSchema<string, string>>(word: Word, description: string) {
  return v.optional(v.pipe(v.array(word), v.maxLength(WORD_LIMIT), v.description(description)), []);
}

const Source = closed({
  id: SourceId,
  channel: v.pipe(ChannelName, v.description('The kind of source; one of them is the AI assistants.')),
  label: v.pipe(
    v.string(),
    v.minLength(1),
    v.maxBytes(LABEL_BYTES, `expected at most ${LABEL_BYTES} bytes`),
    v.description('As people read it, such as ChatGPT.'),
  ),
  hosts: words(
    v.pipe(
      v.string(),
      v.regex(/^(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, 'expected a host such as chatgpt.com'),
    ),
    'Hosts of the referrer: these, and what lies below them; of several the longest decides. An Android app names itself by its package, such as com.openai.chatgpt.',
  ),
  utmSources: words(
    LowerCase,
    'Values of utm_source; letter case does not matter. Hosts need not be named again.',
  ),
  userAgents: words(
    v.pipe(v.string(), v.minLength(4), v.maxLength(100)),
    'Words of the user agent by which an app that shows pages itself is known. Letter case matters.',
  ),
  hubSpotDetails: words(
    LowerCase,
    "Words by which HubSpot's drill-downs name it; letter case does not matter. Hosts and values of utm_source need not be named again.",
  ),
});
export type Source = v.InferOutput<typeof Source>;

/** What tells by which source somebody came: `models/sources.yaml`. The published JSON Schema is made from this. */
export const Sources = closed({
  sources: v.pipe(
    v.array(Source),
    v.maxLength(SOURCE_LIMIT),
    v.description('The sources that are told apart.'),
  ),
  mediums: v.optional(
    v.pipe(
      noList(v.record(LowerCase, ChannelName)),
      v.description('Values of utm_medium that name a channel; letter case does not matter.'),
    ),
    {},
  ),
});
export type Sources = v.InferOutput<typeof Sources>;

export const NO_SOURCES: Sources = { sources: [], mediums: {} };

/** By which source a visit came. */
export interface Classified {
  readonly channel: Channel;
  /** Id of the source; the id of the channel where no single source is known. */
  readonly source: string;
}

/** A source as credit is given to it: its channel and its id, as `ai/chatgpt`. */
export function sourceKeyOf({ channel, source }: Classified): string {
  return `${channel}/${source}`;
}

/** Whether credit to a source is credit to an AI assistant. @param key - as {@link sourceKeyOf} gives it */
export function isAiSource(key: string): boolean {
  return key.startsWith('ai/');
}

/**
 * A source as people read it, such as `ChatGPT`, `Google (paid)` or `AI assistant`.
 *
 * @param key - as {@link sourceKeyOf} makes it; one whose line is no longer in the file is read as its id
 */
export function labelOf(key: string, sources: Sources): string {
  const [channel = '', id = ''] = key.split('/');
  const known = CHANNELS.find((name) => name === channel);
  if (known === id && known !== undefined) return CHANNEL_LABELS[known];
  const source = directoryOf(sources).byId.get(id);
  const label = source?.label ?? id;
  return known === 'paid' && source?.channel !== 'paid' ? `${label} (paid)` : label;
}

/** The sources by what tells of them. */
export interface Directory {
  readonly byId: ReadonlyMap<string, Source>;
  /** The source of a host; undefined for what is no host, and for those of nobody. */
  readonly ofHost: (host: string) => Source | undefined;
  /** The source that a value of `utm_source` names, by a word or a host. */
  readonly ofUtmSource: (value: string) => Source | undefined;
  /** The source that one of HubSpot's drill-downs names. */
  readonly ofDetail: (value: string) => Source | undefined;
  readonly ofMedium: (value: string) => Channel | undefined;
}

/** Made once for each file: folds run by the hundred thousand. */
const directories = new WeakMap<Sources, Directory>();

export function directoryOf(sources: Sources): Directory {
  const known = directories.get(sources);
  if (known !== undefined) return known;
  const made = makeDirectory(sources);
  directories.set(sources, made);
  return made;
}

function makeDirectory({ sources, mediums }: Sources): Directory {
  const hosts = new Map(sources.flatMap((one) => one.hosts.map((host) => [host, one] as const)));
  const utmSources = new Map(sources.flatMap((one) => one.utmSources.map((word) => [word, one] as const)));
  const details = new Map(sources.flatMap((one) => one.hubSpotDetails.map((word) => [word, one] as const)));
  const channels = new Map(Object.entries(mediums));
  const ofHost = (host: string) => longestMatch(hosts, asciiHost(host));
  const ofUtmSource = (value: string) => {
    const word = plain(value);
    return utmSources.get(word) ?? ofHost(word);
  };
  return {
    byId: new Map(sources.map((one) => [one.id, one])),
    ofHost,
    ofUtmSource,
    ofDetail: (value) => details.get(plain(value)) ?? ofUtmSource(value),
    ofMedium: (value) => channels.get(plain(value)),
  };
}

function plain(value: string): string {
  return value.trim().toLowerCase();
}

/** `chat.openai.com` is below `openai.com`; `openai.com.evil.example` is not. */
function longestMatch(hosts: ReadonlyMap<string, Source>, host: string): Source | undefined {
  for (let at = 0; at !== -1; at = host.indexOf('.', at + 1)) {
    const found = hosts.get(host.slice(at === 0 ? 0 : at + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

const PLAIN_HOST = /^[a-z0-9.-]*[a-z0-9-]$/;

/**
 * A host as it is compared: in lower-case ASCII (international names in Punycode), without port and without a dot at the end.
 *
 * @param text - a host, with a port or without
 * @returns '' for what is no host
 */
export function asciiHost(text: string): string {
  if (text === '' || PLAIN_HOST.test(text)) return text; // As nearly always.
  return domainToASCII(text.trim().replace(/:\d*$/, '').replace(/\.$/, ''));
}
