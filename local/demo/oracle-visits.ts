// Which visits of a contact can be known, and what is right to show of them: worked out from what truly happened.
import type { PlainSource } from './arrivals.ts';
import type { Visit, VisitHappening } from './visit-happenings.ts';

/** How far the time at which the API took a page's word for a visit may be from the time at which it answered. */
const TELLING_MS = 30_000;
/** What HubSpot shows of a page, and of a journey, at most: characters, and bytes. */
const PAGE_LENGTH = 100;
const JOURNEY_BYTES = 160;

/** A visit of which Afterglow can know. */
export interface KnownVisit {
  /** When it began, epoch milliseconds, */
  readonly atMs: number;
  /** and by how much what is shown may differ. */
  readonly toleranceMs: number;
  readonly source: PlainSource;
  /** Where it may be said to have begun: of what HubSpot alone saw it keeps the first page of one visit, and the last of another. */
  readonly pages: readonly string[];
}

/**
 * What can be known of a contact's visits, in the order they happened. A page's and a server's visits are known once it is known whose the
 * browser is; HubSpot shows the first and the latest that it saw, and those between them only to who reads its histories. What HubSpot saw
 * and we saw, too, is one visit: ours, but for a source that we could not tell.
 *
 * @param visits - of this contact
 */
export function knownVisits(visits: readonly VisitHappening[], areHistoriesRead: boolean): KnownVisit[] {
  const browsers = new Set(visits.flatMap((one) => (one.kind === 'identification' ? [one.visitorId] : [])));
  const inTime = visits.filter((one) => one.kind === 'visit').toSorted((a, b) => a.atMs - b.atMs);
  const seen = inTime.filter(({ hubspot }) => hubspot !== undefined);
  const shown = new Set(areHistoriesRead ? seen : [seen[0], seen.at(-1)]);
  return inTime.flatMap((visit): KnownVisit[] => {
    const { own } = visit;
    const isTold =
      own !== undefined && !own.isBot && (own.visitorId === undefined || browsers.has(own.visitorId));
    if (isTold) return [seenByUs(visit, shown.has(visit))];
    return shown.has(visit) ? [seenByHubSpot(visit)] : [];
  });
}

function seenByUs({ arrival, atMs, url, own }: Visit, isShown: boolean): KnownVisit {
  const isVague = isShown && telling(arrival.byHubSpot) > telling(arrival.own);
  const source = isVague ? arrival.byHubSpot : arrival.own;
  const toleranceMs = own?.by === 'browser' ? TELLING_MS : 0;
  return { atMs, toleranceMs, source, pages: [pageOf(url)] };
}

function seenByHubSpot({ arrival, atMs, url, hubspot }: Visit): KnownVisit {
  const shownMs = hubspot?.atMs ?? atMs;
  const pages = [url, ...(hubspot?.urls ?? [])].map(pageOf);
  return { atMs: shownMs, toleranceMs: 0, source: arrival.byHubSpot, pages };
}

/** Nothing led here; something did; the kind of it is known. */
function telling({ key }: PlainSource): number {
  return key.startsWith('direct/') ? 0 : key.startsWith('other/') ? 1 : 2;
}

/** A page without what its link added. */
function pageOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

export function isByAi({ source }: Pick<KnownVisit, 'source'>): boolean {
  return source.key.startsWith('ai/');
}

/** What is wrong with what HubSpot shows of a contact's visits; undefined where all is right. @param shown - by names without prefix */
export function wrongJourney(
  known: readonly KnownVisit[],
  shown: (name: string) => string,
): string | undefined {
  const byAi = known.filter(isByAi);
  const count = shown('ai_sessions') === '' ? 0 : Number(shown('ai_sessions'));
  if (count !== byAi.length) return `ai_sessions is "${shown('ai_sessions')}", right is ${byAi.length}`;
  const isInfluenced = String(byAi.length > 0);
  if (shown('ai_influenced') !== isInfluenced)
    return `ai_influenced is "${shown('ai_influenced')}", right is ${isInfluenced}`;
  return (
    wrongVisit('first', byAi[0], shown) ??
    wrongVisit('last', byAi.at(-1), shown) ??
    wrongText(known, shown('journey'))
  );
}

function wrongVisit(
  which: 'first' | 'last',
  right: KnownVisit | undefined,
  shown: (name: string) => string,
): string | undefined {
  const [source, at, page] = ['source', 'at', 'page'].map((part) => shown(`ai_${which}_${part}`));
  const says = `${which} AI visit is "${source} ${at} ${page}", right is`;
  if (right === undefined) return source === '' && at === '' && page === '' ? undefined : `${says} none`;
  const atMs = Date.parse(at ?? '');
  const isRight =
    source === right.source.label &&
    isThen(right, atMs) &&
    right.pages.some((one) => one.slice(0, PAGE_LENGTH) === page);
  if (isRight) return undefined;
  return `${says} ${right.source.label} ${new Date(right.atMs).toISOString()} ${right.pages.join(' or ')}`;
}

/** Whether an instant is that of a visit. */
export function isThen(
  { atMs, toleranceMs }: Pick<KnownVisit, 'atMs' | 'toleranceMs'>,
  thenMs: number,
): boolean {
  return Math.abs(thenMs - atMs) <= toleranceMs;
}

/** A day may end while a page tells. */
function wrongText(known: readonly KnownVisit[], shown: string): string | undefined {
  const right = new Set([
    journeyText(known.map(({ source, atMs }) => ({ label: source.label, atMs }))),
    journeyText(
      known.map(({ source, atMs, toleranceMs }) => ({ label: source.label, atMs: atMs - toleranceMs })),
    ),
  ]);
  return right.has(shown) ? undefined : `journey is "${shown}", right is "${[...right].join('" or "')}"`;
}

/**
 * A journey as people read it: each source with the day (UTC) it first led here, and how often in a row; where there is no room, the
 * first and as many of the last as fit.
 */
export function journeyText(visits: readonly { readonly label: string; readonly atMs: number }[]): string {
  const rows: { label: string; atMs: number; times: number }[] = [];
  for (const { label, atMs } of visits) {
    const last = rows.at(-1);
    if (last !== undefined && last.label === label) last.times += 1;
    else rows.push({ label, atMs, times: 1 });
  }
  const texts = rows.map(
    ({ label, atMs, times }) => `${label} ${dayOf(atMs)}${times > 1 ? ` ×${times}` : ''}`,
  );
  let left = texts.slice(1);
  let text = texts.join(' > ');
  while (new TextEncoder().encode(text).length > JOURNEY_BYTES && left.length > 1) {
    left = left.slice(1);
    text = [texts[0], '…', ...left].join(' > ');
  }
  return text;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sept', 'Oct', 'Nov', 'Dec'] as const;

function dayOf(atMs: number): string {
  const day = new Date(atMs);
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
}
