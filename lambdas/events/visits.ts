import type { Sources } from '../scoring/sources.ts';
import type { SeenVisit } from '../scoring/touches.ts';
import { CLICK_IDS } from './click-ids.ts';

/** Longest landing page that is kept, in characters. */
const LANDING_LENGTH = 200;
/** Longest value of a UTM parameter that is kept, in characters. */
const UTM_LENGTH = 100;
/** A host name is no longer (RFC 1035, 2.3.4). */
const HOST_LENGTH = 253;

/** Of what stands before the sign one character is looked at: more would be looked at again from each place of a long text. */
const E_MAIL = /[^\s/@]@[^\s/@]+\.[^\s/@]/;
/** What stands in the place of an e-mail address. */
const LEFT_OUT = 'left-out';

/** A visit as somebody tells of it. */
export interface ToldVisit {
  /** The whole URL of the page where it began. */
  readonly url?: string | undefined;
  /** The whole URL of the page before. */
  readonly referrer?: string | undefined;
  readonly userAgent?: string | undefined;
}

/**
 * What is kept of a visit: of the landing page neither query nor fragment, of the referrer its host alone, of the user agent the source
 * whose app it names. What looks like an e-mail address is replaced wherever it stands.
 *
 * @returns nothing for a URL that is not one of the web
 */
export function keptOf({ url, referrer, userAgent }: ToldVisit, sources: Sources): Omit<SeenVisit, 'by'> {
  const page = webUrl(url);
  const query = page?.searchParams;
  const host = hostOf(referrer);
  const app = userAgent === undefined ? undefined : appOf(userAgent, sources);
  const kept = {
    utmSource: plainValue(query?.get('utm_source')),
    utmMedium: plainValue(query?.get('utm_medium')),
    utmCampaign: plainValue(query?.get('utm_campaign')),
  };
  const { utmSource, utmMedium, utmCampaign } = kept;
  return {
    ...(host !== undefined && { referrer: host }),
    ...(page !== undefined && { landing: landingOf(page) }),
    ...(utmSource !== undefined && { utmSource }),
    ...(utmMedium !== undefined && { utmMedium }),
    ...(utmCampaign !== undefined && { utmCampaign }),
    ...(CLICK_IDS.some((name) => query?.has(name)) && { isPaid: true as const }),
    ...(app !== undefined && { app }),
  };
}

/** A URL of the web; undefined for everything else. */
export function webUrl(text: string | undefined): URL | undefined {
  const url = text === undefined ? null : URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined;
}

/** Apps of Android tell their names in the place of a host. */
function hostOf(referrer: string | undefined): string | undefined {
  const url = referrer === undefined ? null : URL.parse(referrer);
  if (url === null || !['https:', 'http:', 'android-app:'].includes(url.protocol)) return undefined;
  const host = url.hostname.toLowerCase();
  return host === '' || host.length > HOST_LENGTH ? undefined : host;
}

function landingOf({ protocol, host, pathname }: URL): string {
  const path = pathname.split('/').map((segment) => (E_MAIL.test(decoded(segment)) ? LEFT_OUT : segment));
  return `${protocol}//${host}${path.join('/')}`.slice(0, LANDING_LENGTH);
}

/** Encoded once, or once more by whoever built the link. */
function decoded(segment: string): string {
  return segment.replaceAll(/%25/g, '%').replaceAll(/%40/g, '@');
}

function plainValue(value: string | null | undefined): string | undefined {
  const text = value?.trim() ?? '';
  if (text === '') return undefined;
  return E_MAIL.test(decoded(text)) ? LEFT_OUT : text.slice(0, UTM_LENGTH);
}

/** The source whose app a user agent names. */
function appOf(userAgent: string, { sources }: Sources): string | undefined {
  return sources.find(({ userAgents }) => userAgents.some((word) => userAgent.includes(word)))?.id;
}
