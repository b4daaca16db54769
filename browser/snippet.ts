// What a page runs: it tells by which source a browser came, once per visit, and hands the browser's random id to forms. Nothing is
// stored and nothing is sent before somebody consented. docs/browser.md
import { CLICK_IDS } from '../lambdas/events/click-ids.ts';

declare global {
  /** Where visits are posted; set when the tag is built. */
  const AFTERGLOW_ENDPOINT: string;
  /** Whether HubSpot's cookie banner speaks for the visitor. */
  const AFTERGLOW_HUBSPOT_BANNER: boolean;
  /** Whether a browser that says Do Not Track or Global Privacy Control is left alone, whatever was consented to. */
  const AFTERGLOW_DO_NOT_TRACK: boolean;
  interface Window {
    /** A page that knows it before the tag runs sets `{ consent: true }`. */
    afterglow?: { consent?: boolean } | Afterglow;
    _hsp?: unknown[];
    HubSpotFormsV4?: { getForms(): { setFieldValue(name: string, value: string): void }[] };
  }
  interface Navigator {
    readonly globalPrivacyControl?: boolean;
  }
  interface Document {
    readonly prerendering?: boolean;
  }
}

/** What pages may ask of it, as `window.afterglow`. */
interface Afterglow {
  /** Whether the visitor lets their visits be remembered; `false` forgets all that was stored. */
  consent(isGiven: boolean): void;
  /** The id of this browser, for a signed `identify`; `''` without consent. */
  visitorId(): string;
}

/** What HubSpot's banner says. HubSpot: "Cookie consent banner API", read 2026-11-22. */
interface HubSpotConsent {
  readonly allowed: boolean;
  readonly categories?: { readonly analytics?: boolean };
}

/** By what somebody came to a page, without what could name them. */
interface Arrival {
  /** The page, with the parameters that tell of a source and no others. */
  readonly url: string;
  /** The site before; empty for none, and for this one. */
  readonly referrer: string;
  /** Empty when nothing tells of a source. */
  readonly mark: string;
}

/** What the browser keeps, as a line of fields of which none holds a space. */
type Kept = readonly [
  visitorId: string,
  sessionId: string,
  mark: string,
  /** The body of a post that is not known to have arrived; empty otherwise. */
  untold: string,
  /** Epoch milliseconds at which its last page was shown. */
  atMs: number,
];

const KEY = 'afterglow';
/** Whoever looks at no other page for so long comes anew. */
const IDLE_MS = 30 * 60_000;
/** As the property is called in HubSpot's newer forms; in all others without what stands before the slash. */
const FIELD = '0-1/afterglow_visitor_id';
const INPUTS = 'input[name$=afterglow_visitor_id]';

function start(): void {
  const known = window.afterglow;
  if (known !== undefined && 'visitorId' in known) return; // The tag stands twice in the page.
  /** What brought the visitor, remembered by the page alone until somebody consents. */
  const landing = arrivalHere(isArrival());
  let isAllowed = false;

  function consent(isGiven: boolean): void {
    if (document.prerendering === true) {
      // Nobody has seen the page, and perhaps nobody will.
      document.addEventListener('prerenderingchange', () => consent(isGiven), { once: true });
      return;
    }
    const wasAllowed = isGoingOn();
    try {
      isAllowed = isGiven && !(AFTERGLOW_DO_NOT_TRACK && isUnwanted());
      if (!isAllowed) localStorage.removeItem(KEY);
      else if (!wasAllowed) seen(landing);
    } catch {
      isAllowed = false; // The browser lets nobody store anything: each page would be another visitor.
    }
    if (isAllowed !== wasAllowed) fill(visitorId());
  }

  /** Where the visitor took it back in another tab, what was stored is gone: then it ends here too. */
  function isGoingOn(): boolean {
    if (isAllowed && read()[0] === '') {
      isAllowed = false;
      fill('');
    }
    return isAllowed;
  }

  function visitorId(): string {
    return isGoingOn() ? read()[0] : '';
  }

  function goOn(): void {
    try {
      if (isGoingOn()) seen(arrivalHere(false));
    } catch {
      // The storage is full. The page that called pushState must not suffer from it.
    }
  }
  function refill(): void {
    if (!isGoingOn()) return;
    fill(visitorId());
    forms.takeRecords(); // A page that answers each `input` by drawing its form anew would have it filled in for ever.
  }
  const forms = new MutationObserver(refill);

  const pushState = history.pushState.bind(history);
  history.pushState = (...change) => {
    pushState(...change);
    goOn();
  };
  for (const type of ['popstate', 'pageshow']) addEventListener(type, goOn); // Pages that are gone back to do not run anew.
  addEventListener('storage', isGoingOn);
  forms.observe(document, { childList: true, subtree: true });
  for (const type of ['submit', 'hs-form-event:on-ready']) addEventListener(type, refill, true);
  addEventListener('message', ({ data }) => data?.type === 'hsFormCallback' && refill());

  window.afterglow = { consent, visitorId };
  if (known?.consent === true) consent(true);
  if (AFTERGLOW_HUBSPOT_BANNER)
    (window['_hsp'] ??= []).push([
      'addPrivacyConsentListener',
      ({ allowed, categories }: HubSpotConsent) => consent(categories?.analytics ?? allowed),
    ]);
}

/** Whether the browser asks that nobody follow it. */
function isUnwanted(): boolean {
  const { doNotTrack, globalPrivacyControl } = navigator;
  return doNotTrack === '1' || globalPrivacyControl === true;
}

/** Whether somebody came to this page, and did not load it again or go back to it. */
function isArrival(): boolean {
  const [entry] = performance.getEntriesByType('navigation');
  return !(entry instanceof PerformanceNavigationTiming) || entry.type === 'navigate';
}

function arrivalHere(isNew: boolean): Arrival {
  const { origin, pathname, searchParams } = new URL(location.href);
  const told = new URLSearchParams();
  for (const [name, value] of isNew ? searchParams : []) {
    if (/^utm_(source|medium|campaign)$/.test(name)) told.set(name, value);
    else if (CLICK_IDS.includes(name)) told.set(name, '1');
  }
  const query = told.toString();
  const referrer = isNew ? siteBefore() : '';
  return { url: origin + pathname + (query && `?${query}`), referrer, mark: referrer + query };
}

function siteBefore(): string {
  try {
    const { protocol, host, hostname } = new URL(document.referrer);
    return isOwn(hostname) ? '' : `${protocol}//${host}/`;
  } catch {
    return ''; // None.
  }
}

/** Whether a host is this one, or one lies below the other. */
function isOwn(host: string): boolean {
  const [one, other] = [site(host), site(location.hostname)];
  return one.endsWith(other) || other.endsWith(one);
}

function site(host: string): string {
  return `.${host.replace(/^www\./, '')}`;
}

/** What this page itself posted, and may still be under way. */
let posted: string | undefined;

/** Goes on with the session, or begins another. What a page before could not deliver is sent once more. */
function seen({ url, referrer, mark }: Arrival): void {
  const [visitor, session, lastMark, untold, atMs] = read();
  if (Date.now() - atMs <= IDLE_MS && (mark === '' || mark === lastMark)) {
    const isLeft = untold !== posted;
    keep([visitor, session, lastMark, isLeft ? '' : untold]);
    if (isLeft && untold !== '') void post(untold, '');
    return;
  }
  const [visitorId, sessionId] = [visitor || randomId(), randomId()];
  const body = JSON.stringify({ visitorId, sessionId, url, referrer });
  posted = body;
  keep([visitorId, sessionId, mark, body]);
  void post(body, sessionId);
}

/** @param sessionId - of the session that goes on with nothing to tell, once the post arrived */
async function post(body: string, sessionId: string): Promise<void> {
  try {
    // Text asks for no preflight; and what a page began is sent also when it is left.
    const options = { method: 'POST', body, keepalive: true, credentials: 'omit' } as const;
    const { status } = await fetch(AFTERGLOW_ENDPOINT, options);
    const [visitorId, now, mark] = read();
    if (status < 429 && visitorId !== '' && now === sessionId) keep([visitorId, now, mark]);
  } catch {
    // The next page sends it once more.
  }
}

function read(): Kept {
  const line = localStorage.getItem(KEY) ?? '';
  // What somebody else wrote there is passed over.
  if (!/^([\w-]{22} ){2}/.test(line)) return ['', '', '', '', 0];
  const [visitorId = '', sessionId = '', mark = '', untold = '', at = ''] = line.split(' ');
  return [visitorId, sessionId, mark, untold, Number(at)];
}

function keep([visitorId, sessionId, mark, untold = '']: Partial<Kept>): void {
  localStorage.setItem(KEY, [visitorId, sessionId, mark, untold, Date.now()].join(' '));
}

/** 128 random bits as URL-safe base64. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .slice(0, 22);
}

/** Puts the visitor's id into every form that asks for it, as if it had been typed: frameworks hear of it. */
function fill(id: string): void {
  const frames = [...document.querySelectorAll<HTMLIFrameElement>('iframe.hs-form-iframe')];
  for (const page of [document, ...frames.map((frame) => frame.contentDocument)]) {
    for (const input of page?.querySelectorAll<HTMLInputElement>(INPUTS) ?? []) {
      if (input.value === id) continue;
      // React keeps its own setter on the element, and hears of nothing that went through it.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, id);
      for (const type of ['input', 'change']) input.dispatchEvent(new Event(type, { bubbles: true }));
    }
  }
  for (const form of window.HubSpotFormsV4?.getForms() ?? []) {
    try {
      form.setFieldValue(FIELD, id);
    } catch {
      // The form has no such field.
    }
  }
}

start();
