import {
  asciiHost,
  type Channel,
  type Classified,
  type Directory,
  directoryOf,
  type Source,
  type Sources,
} from './sources.ts';
import type { SeenVisit } from './touches.ts';

/** HubSpot's word for what no visit brought: an import, an integration, a rep who typed it in. */
export const OFFLINE = 'OFFLINE';

/**
 * By which source a visit came. What was put there on purpose tells more than what a browser happens to send along, so of several that
 * tell something the first stands:
 *
 * 1. a paid click: an advertiser's click id, a paid medium, or HubSpot's word; its source as below;
 * 2. `utm_source`; HubSpot's word that it was an AI assistant; `utm_medium`;
 * 3. the app that showed the page, by its user agent;
 * 4. the host of the referrer, unless it is the site itself;
 * 5. what else HubSpot says.
 */
export function classify(seen: SeenVisit, sources: Sources): Classified {
  const directory = directoryOf(sources);
  const found = tagged(seen, directory) ?? shown(seen, directory) ?? saidByHubSpot(seen, directory);
  if (isPaid(seen, directory)) return { channel: 'paid', source: paidSource(found) };
  return found ?? unknown(isTelling(seen) ? 'other' : 'direct');
}

function unknown(channel: Channel): Classified {
  return { channel, source: channel };
}

function known({ channel, id }: Source): Classified {
  return { channel, source: id };
}

/** Where nothing names the seller of the click, or only that it was none of the sources, it is unknown. */
function paidSource(found: Classified | undefined): string {
  return found === undefined || found.source === found.channel ? 'paid' : found.source;
}

function isPaid(
  { isPaid: hasClickId, utmMedium = '', hubSpotSource = '' }: SeenVisit,
  directory: Directory,
): boolean {
  return hasClickId === true || directory.ofMedium(utmMedium) === 'paid' || hubSpotSource.startsWith('PAID_');
}

/** What whoever made the link wrote into it, or HubSpot read in it. */
function tagged(seen: SeenVisit, directory: Directory): Classified | undefined {
  const { utmSource = '', utmMedium = '', hubSpotSource } = seen;
  const source = directory.ofUtmSource(utmSource);
  if (source !== undefined) return known(source);
  if (hubSpotSource === 'AI_REFERRALS') return ofAi(seen, directory);
  const channel = directory.ofMedium(utmMedium);
  return channel === undefined || channel === 'paid' ? undefined : unknown(channel);
}

function ofAi({ detail1 = '', detail2 = '', referrer = '' }: SeenVisit, directory: Directory): Classified {
  const named = [directory.ofDetail(detail1), directory.ofDetail(detail2), directory.ofHost(referrer)];
  const source = named.find((one) => one?.channel === 'ai');
  return source === undefined ? unknown('ai') : known(source);
}

/** The app or the page that the visitor came from. */
function shown(
  { app = '', referrer = '', landing = '' }: SeenVisit,
  directory: Directory,
): Classified | undefined {
  const source =
    directory.byId.get(app) ?? (isOwnSite(referrer, landing) ? undefined : directory.ofHost(referrer));
  return source === undefined ? undefined : known(source);
}

/** Whether the referrer is the site that was visited: the same host, or one of the two below the other, `www.` left aside. */
function isOwnSite(referrer: string, landing: string): boolean {
  if (referrer === '' || landing === '') return false;
  const from = siteOf(referrer);
  const to = siteOf(URL.canParse(landing) ? new URL(landing).host : landing);
  return from === to || from.endsWith(`.${to}`) || to.endsWith(`.${from}`);
}

function siteOf(host: string): string {
  return asciiHost(host).replace(/^www\./, '');
}

/** What HubSpot says of a visit, the channel it means, and which channel the sources are of that its drill-downs name. */
const HUBSPOT_CHANNELS: ReadonlyMap<string, readonly [channel: Channel, among: Channel]> = new Map([
  ['ORGANIC_SEARCH', ['search', 'search']],
  ['PAID_SEARCH', ['paid', 'search']],
  ['PAID_SOCIAL', ['paid', 'social']],
  ['SOCIAL_MEDIA', ['social', 'social']],
  ['EMAIL_MARKETING', ['email', 'email']],
  ['DIRECT_TRAFFIC', ['direct', 'direct']],
]);

function saidByHubSpot(seen: SeenVisit, directory: Directory): Classified | undefined {
  const { hubSpotSource = '', detail1 = '', detail2 = '', landing = '' } = seen;
  const [channel, among] = HUBSPOT_CHANNELS.get(hubSpotSource) ?? [];
  if (channel !== undefined) {
    const named = [detail1, detail2].map((detail) => directory.ofDetail(detail));
    const source = named.find((one) => one?.channel === among);
    return source === undefined ? unknown(channel) : known(source);
  }
  if (hubSpotSource === 'REFERRALS') {
    if (isOwnSite(detail1, landing)) return unknown('direct');
    const source = directory.ofHost(detail1);
    return source === undefined ? undefined : known(source);
  }
  if (hubSpotSource !== 'OTHER_CAMPAIGNS') return undefined;
  // The second drill-down may hold source and medium, as `chatgpt.com / referral`.
  const named = [detail1, ...detail2.split('/')].map((detail) => directory.ofDetail(detail));
  const source = named.find((one) => one !== undefined);
  return source === undefined ? undefined : known(source);
}

/** Whether anything at all says that something led here. */
function isTelling({
  referrer = '',
  landing = '',
  utmSource,
  utmMedium,
  utmCampaign,
  hubSpotSource,
}: SeenVisit): boolean {
  if (referrer !== '' && !isOwnSite(referrer, landing)) return true;
  return [utmSource, utmMedium, utmCampaign, hubSpotSource].some(
    (value) => value !== undefined && value !== '',
  );
}
