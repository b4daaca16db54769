import { once } from 'node:events';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import * as v from 'valibot';
import { buildSnippet } from '../../cli/snippet.ts';
import { describeInBrowser, startBrowser } from './chromium.ts';
import { type Site, startSite } from './site.ts';

const MINUTE_MS = 60_000;
const ID = /^[A-Za-z0-9_-]{22}$/;
/** What people's browsers call themselves; a headless one says so, and is taken for the bot it may be. */
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** What the queue holds of a visit. */
const Told = v.strictObject({
  visitorId: v.string(),
  sessionId: v.string(),
  seen: v.record(v.string(), v.unknown()),
});
type Told = v.InferOutput<typeof Told>;

const FORM = `<form action="/sent">
  <input id="ours" type="hidden" name="afterglow_visitor_id">
  <input id="hubspot" type="hidden" name="0-1/afterglow_visitor_id">
  <input id="other" name="email" value="as it was">
</form><a href="/next">next</a>`;

/** React hides the setter of an input behind one of its own, and believes an event only where the value went past that. */
const LIKE_REACT = `
  const input = document.querySelector('#ours');
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  let tracked = '';
  heard = [];
  Object.defineProperty(input, 'value', { get() { return get.call(this) }, set(value) { tracked = value; set.call(this, value) } });
  for (const type of ['input', 'change'])
    document.addEventListener(type, ({ target }) => target === input && target.value !== tracked && heard.push([type, target.value]));
`;

describeInBrowser('in a browser', () => {
  let browser: Browser;
  let site: Site;
  let context: BrowserContext;
  let page: Page;
  let errors: Error[];
  let passedMs: number;
  /** Requests to the route for sessions that the pages made. */
  let posts: Request[];

  beforeAll(async () => {
    browser = await startBrowser();
  }, 60_000);
  afterAll(() => browser.close());

  beforeEach(async () => {
    site = await startSite();
    await visitor({ userAgent: USER_AGENT });
  });
  afterEach(async () => {
    await context.close();
    site.stop();
  });

  /** Somebody else, with a browser of their own. */
  async function visitor(options: { userAgent?: string }): Promise<void> {
    context = await browser.newContext(options);
    passedMs = 0;
    page = await context.newPage();
    errors = [];
    page.on('pageerror', (error) => errors.push(error));
    posts = [];
    context.on('request', (request) => {
      if (request.url() === `${site.api}/sessions` && request.method() === 'POST') posts.push(request);
    });
  }

  /** Clicks the link to a page of the site in an assistant's answer. */
  async function comeFromAssistant(path = '/pricing'): Promise<void> {
    await page.goto(`${site.assistant}/c/1234?to=${encodeURIComponent(site.url + path)}`);
    await page.click('a');
    await page.waitForURL(`${site.url}/**`);
  }

  const consent = (isGiven: boolean) => page.evaluate(`afterglow.consent(${isGiven})`);
  /** Posts an empty object from the page that is open. */
  const post = (type: string) =>
    page.evaluate(`
      fetch('${site.api}/sessions', { method: 'POST', headers: { 'content-type': '${type}' }, body: '{}' })
        .then((answer) => answer.status, () => 'refused by the browser')`);
  const stored = () => page.evaluate('Object.keys(localStorage).length + document.cookie.length');
  const visitorId = () => page.evaluate('afterglow.visitorId()');
  const valueOf = (selector: string) => page.locator(selector).inputValue();
  /** Lets time pass for the page, and those after it. */
  async function pass(minutes: number): Promise<void> {
    passedMs += minutes * MINUTE_MS;
    const clock = `Date.now = () => performance.timeOrigin + performance.now() + ${passedMs}`;
    await context.addInitScript(clock);
    await page.evaluate(clock);
  }

  /** The sessions on the queue, once all that was posted has been answered. */
  async function told(): Promise<Told[]> {
    await page.evaluate('fetch("/fence")'); // What a page posts before this is known by now.
    while (site.answered < posts.length) await once(site.answers, 'answer');
    return site.queued.map((each) => v.parse(Told, each));
  }

  test('nothing is stored or read, nothing is sent and no form is filled in before consent', async () => {
    site.pages.set('/pricing', FORM);
    await context.addInitScript(`
      window.touched = [];
      for (const name of ['getItem', 'setItem', 'removeItem']) Storage.prototype[name] = () => window.touched.push(name);
    `);

    await comeFromAssistant();
    await page.click('a');
    await page.waitForURL('**/next');
    await page.goBack();
    await page.evaluate(
      `history.pushState({}, '', '/app'); ours.form.dispatchEvent(new Event('submit', { bubbles: true }))`,
    );

    expect(await page.evaluate('touched')).toEqual([]);
    expect({ stored: await stored(), told: await told(), posts }).toEqual({ stored: 0, told: [], posts: [] });
    expect(await visitorId()).toBe('');
    expect(await valueOf('#ours')).toBe('');
  });

  test('a visit is told once, without what could name somebody', async () => {
    await comeFromAssistant(
      '/pricing/ada@example.com?email=ada@example.com&utm_source=chatgpt.com&gclid=Cj0KC#token=1',
    );
    await consent(true);
    await consent(true);
    await page.goto(`${site.url}/next`);
    await consent(true);

    const [session, ...others] = await told();
    expect(others).toEqual([]);
    expect(session).toEqual({
      visitorId: expect.stringMatching(ID),
      sessionId: expect.stringMatching(ID),
      seen: {
        by: 'browser',
        referrer: 'localhost',
        landing: `${site.url}/pricing/left-out`,
        utmSource: 'chatgpt.com',
        isPaid: true,
      },
    });
    expect(posts.map((request) => request.postDataJSON())).toEqual([
      {
        visitorId: session?.visitorId,
        sessionId: session?.sessionId,
        url: `${site.url}/pricing/ada@example.com?utm_source=chatgpt.com&gclid=1`,
        referrer: `${site.assistant}/`,
      },
    ]);
    expect(await visitorId()).toBe(session?.visitorId);
    expect(site.counted).toEqual(new Map([['SessionsAccepted', 1]]));
    expect(errors).toEqual([]);
  });

  test('a page that knows of the consent says so before the tag', async () => {
    site.before = '<script>window.afterglow = { consent: true }</script>';

    await comeFromAssistant();

    expect(await told()).toMatchObject([{ seen: { referrer: 'localhost' } }]);
  });

  test('a visit that began before the consent is told as it began, though the page showed something else since', async () => {
    await comeFromAssistant('/pricing');
    await page.evaluate('history.pushState({}, "", "/contact")');
    await consent(true);

    expect(await told()).toMatchObject([{ seen: { referrer: 'localhost', landing: `${site.url}/pricing` } }]);
  });

  test('half an hour without a page begins another session of the same visitor, nothing less does', async () => {
    await comeFromAssistant();
    await consent(true);
    await pass(29);
    await page.goto(`${site.url}/next`);
    await consent(true);
    await pass(29);
    await page.goto(`${site.url}/next`);
    await consent(true);
    expect(await told()).toHaveLength(1);

    await pass(31);
    await page.goto(`${site.url}/next`);
    await consent(true);

    const [first, second, ...others] = await told();
    expect(others).toEqual([]);
    expect(second?.visitorId).toBe(first?.visitorId);
    expect(second?.sessionId).not.toBe(first?.sessionId);
    expect(second?.seen).toEqual({ by: 'browser', landing: `${site.url}/next` });
  });

  test('who comes by another source begins another session at once, who comes by the same does not', async () => {
    await comeFromAssistant('/pricing');
    await consent(true);
    await comeFromAssistant('/next');
    await consent(true);
    expect(await told()).toHaveLength(1);

    await page.goto(`${site.url}/next?utm_source=newsletter&utm_medium=email&utm_campaign=november`);
    await consent(true);

    const [, second, ...others] = await told();
    expect(others).toEqual([]);
    expect(second?.seen).toEqual({
      by: 'browser',
      landing: `${site.url}/next`,
      utmSource: 'newsletter',
      utmMedium: 'email',
      utmCampaign: 'november',
    });
  });

  test('a page that is loaded again after half an hour is no second visit from where the first came', async () => {
    await comeFromAssistant('/pricing?utm_source=chatgpt.com');
    await consent(true);
    await pass(45);
    await page.reload();
    await consent(true);

    const [, again] = await told();
    expect(again?.seen).toEqual({ by: 'browser', landing: `${site.url}/pricing` });
  });

  test('a page that shows another by itself goes on with the session, and after half an hour begins another', async () => {
    await comeFromAssistant('/pricing?utm_source=chatgpt.com');
    await consent(true);
    await page.evaluate('history.pushState({}, "", "/app")');
    expect(await told()).toHaveLength(1);

    await pass(31);
    await page.evaluate('history.pushState({}, "", "/app/settings")');
    await pass(31);
    await page.goBack();

    const [, second, third, ...others] = await told();
    expect(others).toEqual([]);
    expect(second?.seen).toEqual({ by: 'browser', landing: `${site.url}/app/settings` });
    expect(third?.seen).toEqual({ by: 'browser', landing: `${site.url}/app` });
    expect(await page.evaluate('location.pathname')).toBe('/app');
  });

  test('what did not arrive is sent once more by the next page, and then no more', async () => {
    site.isDown = true;
    await comeFromAssistant();
    await consent(true);
    await page.evaluate('history.pushState({}, "", "/app")'); // The same page still.
    expect(await told()).toEqual([]);
    expect(posts).toHaveLength(1);

    await page.goto(`${site.url}/next`);
    await consent(true);
    expect(await told()).toEqual([]);
    expect(posts.map((request) => request.postDataJSON())).toEqual([
      posts[0]?.postDataJSON(),
      posts[0]?.postDataJSON(),
    ]);

    site.isDown = false;
    await page.goto(`${site.url}/next`);
    await consent(true);
    expect(await told()).toEqual([]);
    expect(posts).toHaveLength(2);
  });

  test('what did not arrive arrives by the next page as the session it was', async () => {
    site.isDown = true;
    await comeFromAssistant('/pricing');
    await consent(true);
    expect(await told()).toEqual([]);

    site.isDown = false;
    await page.goto(`${site.url}/next`);
    await consent(true);

    expect(await told()).toMatchObject([{ seen: { referrer: 'localhost', landing: `${site.url}/pricing` } }]);
  });

  test('consent that is taken back takes everything with it', async () => {
    site.pages.set('/pricing', FORM);
    await comeFromAssistant();
    await consent(true);
    const before = await told();

    await consent(false);
    expect({ stored: await stored(), id: await visitorId(), field: await valueOf('#ours') }).toEqual({
      stored: 0,
      id: '',
      field: '',
    });
    await page.evaluate('history.pushState({}, "", "/app")');
    await pass(45);
    await page.goto(`${site.url}/next`);
    expect(await told()).toEqual(before);

    await consent(true);
    const [first, second] = await told();
    expect(second?.visitorId).not.toBe(first?.visitorId);
  });

  test('what an earlier page stored goes when a later one learns that there is no consent', async () => {
    await comeFromAssistant();
    await consent(true);
    await page.goto(`${site.url}/next`);

    await consent(false);

    expect(await stored()).toBe(0);
  });

  test('consent that is taken back in another tab ends it in this one too', async () => {
    site.pages.set('/pricing', FORM);
    await comeFromAssistant();
    await consent(true);
    const before = await told();
    const other = await context.newPage();
    await other.goto(`${site.url}/next`);
    await other.evaluate('afterglow.consent(false)');
    await other.close();

    await page.waitForFunction('ours.value === ""');
    await page.evaluate('history.pushState({}, "", "/app")');

    expect(await told()).toEqual(before);
    expect({ stored: await stored(), id: await visitorId(), field: await valueOf('#ours') }).toEqual({
      stored: 0,
      id: '',
      field: '',
    });
    await consent(true);
    expect(await told()).toHaveLength(2);
  });

  /** What the browser does with a page that it kept while others were shown. */
  const showAgain = () =>
    page.evaluate(`dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))`);

  test('a page that the browser kept, and shows again, goes on with the session, or begins one after half an hour', async () => {
    await comeFromAssistant('/pricing?utm_source=chatgpt.com');
    await consent(true);
    await pass(29);
    await showAgain();
    await pass(29);
    await showAgain();
    expect(await told()).toHaveLength(1);

    await pass(31);
    await showAgain();

    const [, second, ...others] = await told();
    expect(others).toEqual([]);
    expect(second?.seen).toEqual({ by: 'browser', landing: `${site.url}/pricing` });
  });

  test('a page that the browser kept, and shows again after everything was taken back, tells nothing', async () => {
    site.pages.set('/pricing', FORM);
    await comeFromAssistant();
    await consent(true);
    const before = await told();
    await page.evaluate('localStorage.clear()'); // By another page, meanwhile: this one was not told.

    await showAgain();

    expect(await told()).toEqual(before);
    expect({ stored: await stored(), field: await valueOf('#ours') }).toEqual({ stored: 0, field: '' });
  });

  test('nothing is stored again when the answer comes after consent was taken back', async () => {
    site.isDown = true;
    await comeFromAssistant();
    await consent(true);
    await told();
    site.isDown = false;
    await page.goto(`${site.url}/next`);
    await page.evaluate('afterglow.consent(true); afterglow.consent(false)');

    expect(await told()).toHaveLength(1);
    await page.evaluate('fetch("/fence")');
    expect(await stored()).toBe(0);
  });

  test('a page that draws its form anew whenever something is typed is not drawn for ever', async () => {
    site.pages.set(
      '/pricing',
      `<div id="root"></div><script>
        drawn = 0;
        function draw() { if ((drawn += 1) < 1000) root.innerHTML = '<form><input name="afterglow_visitor_id"></form>'; }
        root.addEventListener('input', draw);
        draw();
      </script>`,
    );
    await comeFromAssistant();
    await consent(true);
    await page.evaluate('fetch("/fence")');

    expect(await page.evaluate('drawn')).toBeLessThan(10);
  });

  test.each([
    { says: 'Global Privacy Control', name: 'globalPrivacyControl', value: true },
    { says: 'Do Not Track', name: 'doNotTrack', value: "'1'" },
  ])('a browser that says $says is left alone, where the tag was built so', async ({ name, value }) => {
    await context.addInitScript(`Object.defineProperty(navigator, '${name}', { value: ${value} })`);
    site.options = { isHubSpotBannerHeard: false, isDoNotTrackHeeded: true };
    await comeFromAssistant();
    await consent(true);
    expect({ stored: await stored(), told: await told() }).toEqual({ stored: 0, told: [] });

    site.options = { isHubSpotBannerHeard: false, isDoNotTrackHeeded: false };
    await comeFromAssistant();
    await consent(true);
    expect(await told()).toHaveLength(1);
  });

  /** HubSpot's banner, as its tracking code hands on what the visitor chose. */
  const banner = (consented: object) =>
    page.evaluate(
      `for (const [name, listener] of _hsp) if (name === 'addPrivacyConsentListener') listener(${JSON.stringify(consented)})`,
    );

  test("HubSpot's banner speaks for the visitor, where the tag was built so", async () => {
    site.options = { isHubSpotBannerHeard: true, isDoNotTrackHeeded: false };
    await comeFromAssistant();
    await banner({ allowed: true, categories: { necessary: true, analytics: false, advertisement: true } });
    expect(await told()).toEqual([]);

    await banner({ allowed: true, categories: { necessary: true, analytics: true, advertisement: false } });
    expect(await told()).toHaveLength(1);

    await banner({ allowed: false, categories: { necessary: true, analytics: false, advertisement: false } });
    expect(await stored()).toBe(0);
  });

  test("HubSpot's tracking code without a banner of its own, which always says yes, is heard by no other tag", async () => {
    await comeFromAssistant();

    expect(await page.evaluate('typeof _hsp')).toBe('undefined');
  });

  describe('forms', () => {
    test('that stand in the page, or come later, get the id of the visitor', async () => {
      site.pages.set('/pricing', FORM);
      await comeFromAssistant();
      await consent(true);
      const id = await visitorId();
      await page.evaluate(
        `document.body.insertAdjacentHTML('beforeend', '<form><div><input id="later" name="0-1/afterglow_visitor_id"></div></form>')`,
      );

      expect(id).toMatch(ID);
      expect(await valueOf('#ours')).toBe(id);
      expect(await valueOf('#hubspot')).toBe(id);
      expect(await valueOf('#later')).toBe(id);
      expect(await valueOf('#other')).toBe('as it was');
    });

    test('that were emptied have it again when they are sent', async () => {
      site.pages.set('/pricing', FORM);
      await comeFromAssistant();
      await consent(true);
      const id = await visitorId();
      await page.evaluate('ours.value = ""; document.forms[0].requestSubmit()');
      await page.waitForURL('**/sent?**');

      expect(new URL(page.url()).searchParams.get('afterglow_visitor_id')).toBe(id);
    });

    test('of frameworks hear of it, as if it had been typed', async () => {
      site.pages.set('/pricing', `${FORM}<script>${LIKE_REACT}</script>`);
      await comeFromAssistant();
      await consent(true);

      expect(await page.evaluate('heard')).toEqual([
        ['input', await visitorId()],
        ['change', await visitorId()],
      ]);
    });

    test("of HubSpot's in frames of the same site get it when HubSpot says that they are ready", async () => {
      site.pages.set('/pricing', '<iframe class="hs-form-iframe"></iframe>');
      await comeFromAssistant();
      await consent(true);
      const input = await page.evaluate(`
        const body = document.querySelector('iframe').contentDocument.body;
        body.innerHTML = '<form><input name="afterglow_visitor_id"></form>';
        window.postMessage({ type: 'hsFormCallback', eventName: 'onFormReady', id: 'f1' }, '*');
        new Promise((resolve) => addEventListener('message', () => resolve(body.querySelector('input').value)));
      `);

      expect(input).toMatch(ID);
      expect(input).toBe(await visitorId());
    });

    test("of HubSpot's newer editor get it by HubSpot's own interface", async () => {
      await comeFromAssistant();
      await page.evaluate(`
        set = [];
        window.HubSpotFormsV4 = { getForms: () => [
          { setFieldValue() { throw new Error('no such field') } },
          { setFieldValue: (name, value) => set.push([name, value]) },
        ] };
      `);
      await consent(true);
      await page.evaluate(`set.length = 0; window.dispatchEvent(new CustomEvent('hs-form-event:on-ready'))`);

      expect(await page.evaluate('set')).toEqual([['0-1/afterglow_visitor_id', await visitorId()]]);
      expect(errors).toEqual([]);
    });
  });

  test('a browser that stores nothing tells nothing: each of its pages would be another visitor', async () => {
    await context.addInitScript(
      `Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError') } })`,
    );
    await comeFromAssistant();
    await consent(true);
    await page.evaluate('history.pushState({}, "", "/app")');

    expect(await told()).toEqual([]);
    expect(errors).toEqual([]);
  });

  test.each(['nonsense', '', '{"v":1}', `${'x'.repeat(22)} y z`])(
    'what somebody else stored under its name (%j) is passed over',
    async (line) => {
      await comeFromAssistant();
      await page.evaluate(`localStorage.setItem('afterglow', ${JSON.stringify(line)})`);
      await consent(true);

      expect(await told()).toHaveLength(1);
      expect(await visitorId()).toMatch(ID);
    },
  );

  test('a page that the browser loads before anybody asked for it tells nothing until somebody looks at it', async () => {
    await context.addInitScript(
      `Object.defineProperty(document, 'prerendering', { get: () => !window.isShown, configurable: true })`,
    );
    await comeFromAssistant();
    await consent(true);
    expect({ stored: await stored(), told: await told() }).toEqual({ stored: 0, told: [] });

    await page.evaluate(`window.isShown = true; document.dispatchEvent(new Event('prerenderingchange'))`);

    expect(await told()).toHaveLength(1);
  });

  test('a storage that is full stops no page from showing another', async () => {
    await comeFromAssistant();
    await consent(true);
    await told();
    await page.evaluate(
      `Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }`,
    );
    await page.evaluate('history.pushState({}, "", "/app")');

    expect(await page.evaluate('location.pathname')).toBe('/app');
    expect(errors).toEqual([]);
  });

  test('a tag that stands twice in a page tells once', async () => {
    site.pages.set('/pricing', buildSnippet({ ...site.options, endpoint: `${site.api}/sessions` }).tag);
    await comeFromAssistant();
    await consent(true);
    await page.evaluate('history.pushState({}, "", "/app")');

    expect(await told()).toHaveLength(1);
  });

  test('a content security policy needs to name no more than the command says', async () => {
    site.headers = (hash) => ({
      'content-security-policy': `default-src 'none'; script-src '${hash}'; connect-src 'self' ${site.api}`,
    });
    await comeFromAssistant();
    await consent(true);

    expect(await told()).toHaveLength(1);
  });

  test('a bot is answered as if it were heard, and counted', async () => {
    await context.close();
    await visitor({}); // It says that it is headless.
    await comeFromAssistant();
    await consent(true);

    expect(await told()).toEqual([]);
    expect(posts).toHaveLength(1);
    expect(await (await posts[0]?.response())?.json()).toEqual({ message: 'accepted' });
    expect(site.counted).toEqual(new Map([['SessionsFromBots', 1]]));
  });

  describe('a page that was not named', () => {
    test('cannot post', async () => {
      await page.goto(site.assistant);
      const answer = await post('text/plain');

      expect(answer).toBe('refused by the browser');
      expect(site.queued).toEqual([]);
      expect(site.counted.get('SessionsRefused origin')).toBe(1);
    });

    test('may not even ask to post JSON, which the pages of the site may', async () => {
      await page.goto(site.assistant);
      expect(await post('application/json')).toBe('refused by the browser');
      expect(site.asked).toEqual([]);

      await page.goto(site.url);
      expect(await post('application/json')).toBe(400);
    });
  });
});
