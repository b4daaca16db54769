// The HubSpot app that a model needs: its files, as HubSpot's own documentation has them, and `afterglow hubspot-app build`.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  APP_DIRECTORY,
  appFiles,
  buildHubSpotApp,
  hubSpotApp,
  PLACEHOLDER_URL,
  readBuiltApp,
  targetUrlOf,
} from '../../cli/hubspot-app.ts';
import { readModelFile } from '../../cli/model-file.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';

const directories: string[] = [];
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-app-'));
  directories.push(directory);
  return directory;
}

const BY_TITLE = { id: 'cto', title: 'Runs technology', property: 'jobtitle', is: ['CTO'], points: 20 };
const BY_COMPANY = {
  id: 'large',
  title: 'Large',
  property: 'company.numberofemployees',
  atLeast: 100,
  points: 5,
};

/** A model with no more than it is told. */
function model(parts: object = {}): Model {
  const checked = checkModel({
    name: 'small',
    fit: { rules: [BY_TITLE] },
    engagement: { signals: [] },
    grades: { bands: [{ grade: 'A', from: 0 }] },
    ...parts,
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

function signal(from: object) {
  return { id: 'seen', title: 'Seen', from, points: 1, halfLifeDays: 10 };
}

/** A file of the app that a model needs, as its reader sees it. */
function read(file: string, of: Model, url = 'https://hooks.example.com/webhooks/hubspot') {
  return JSON.parse(appFiles(hubSpotApp(of, url)).get(file) ?? '');
}

const WEBHOOKS = 'src/app/webhooks/webhooks-hsmeta.json';
const APP = 'src/app/app-hsmeta.json';

// Expected by hand from HubSpot's pages "App configuration", "Configure webhooks" and its project templates of 2026.09 (read 2026-11).
describe('the files', () => {
  test('are those of a project with one app, of the newest platform version', () => {
    expect([...appFiles(hubSpotApp(model(), PLACEHOLDER_URL)).keys()]).toEqual([
      'hsproject.json',
      APP,
      WEBHOOKS,
    ]);
    expect(read('hsproject.json', model())).toEqual({
      name: 'afterglow',
      srcDir: 'src',
      platformVersion: '2026.09',
    });
  });

  test('ask for a static token of one account, and for the scopes', () => {
    expect(read(APP, model())).toMatchObject({
      uid: 'afterglow',
      type: 'app',
      config: {
        name: 'Afterglow',
        distribution: 'private',
        auth: {
          type: 'static',
          requiredScopes: [
            'crm.objects.contacts.read',
            'crm.objects.contacts.write',
            'crm.schemas.contacts.read',
            'crm.schemas.contacts.write',
          ],
        },
      },
    });
  });

  test('subscribe to what a small model reads, each once, and post it to the stack', () => {
    expect(read(WEBHOOKS, model())).toEqual({
      uid: 'afterglow-webhooks',
      type: 'webhooks',
      config: {
        settings: { targetUrl: 'https://hooks.example.com/webhooks/hubspot', maxConcurrentRequests: 10 },
        subscriptions: {
          crmObjects: [],
          legacyCrmObjects: [
            { subscriptionType: 'contact.creation', active: true },
            { subscriptionType: 'contact.deletion', active: true },
            { subscriptionType: 'contact.restore', active: true },
            { subscriptionType: 'contact.merge', active: true },
            { subscriptionType: 'contact.propertyChange', propertyName: 'email', active: true },
            {
              subscriptionType: 'contact.propertyChange',
              propertyName: 'hs_additional_emails',
              active: true,
            },
            { subscriptionType: 'contact.propertyChange', propertyName: 'jobtitle', active: true },
          ],
          hubEvents: [{ subscriptionType: 'contact.privacyDeletion', active: true }],
        },
      },
    });
  });

  test('that stand in the repository are those of the model in cdk.json, and post to nobody', () => {
    const { model: file } = JSON.parse(readFileSync('cdk.json', 'utf8')).context.afterglow;
    const files = appFiles(hubSpotApp(readModelFile(file), 'https://example.invalid/webhooks/hubspot'));

    const standing = [...files.keys()].map((name) => [name, readFileSync(join(APP_DIRECTORY, name), 'utf8')]);

    expect(standing).toEqual([...files]);
  });
});

describe('the scopes', () => {
  const contacts = [
    'objects.contacts.read',
    'objects.contacts.write',
    'schemas.contacts.read',
    'schemas.contacts.write',
  ];

  // As HubSpot documents scopes: reading an object and subscribing to it needs its read scope, writing its write scope, making properties its schema scopes.
  test.each([
    ['a model of contacts alone', {}, []],
    ['a rule about the company', { fit: { rules: [BY_COMPANY] } }, ['objects.companies.read']],
    [
      'a score of companies',
      { companyScore: { rollUp: 'maximum' } },
      [
        'objects.companies.read',
        'objects.companies.write',
        'schemas.companies.read',
        'schemas.companies.write',
      ],
    ],
    [
      'a rule about deals',
      { exclusions: [{ id: 'customer', title: 'Customer', deal: 'won' }] },
      ['objects.deals.read'],
    ],
    [
      'credit for deals',
      { attribution: {} },
      ['objects.deals.read', 'objects.deals.write', 'schemas.deals.read', 'schemas.deals.write'],
    ],
    ['a reset by a deal', { resetOn: [{ id: 'lost', title: 'Lost', deal: 'lost' }] }, ['objects.deals.read']],
  ])('of %s', (_, parts, more) => {
    const { scopes } = hubSpotApp(model(parts), PLACEHOLDER_URL);

    expect([...scopes].toSorted()).toEqual([...contacts, ...more].map((scope) => `crm.${scope}`).toSorted());
  });

  test('stand each on the page that walks through the installation', () => {
    const page = readFileSync(join(APP_DIRECTORY, 'README.md'), 'utf8');
    const { scopes } = hubSpotApp(readModelFile('models/b2b-saas.yaml'), PLACEHOLDER_URL);

    expect(scopes).toHaveLength(12);
    expect(scopes.filter((scope) => !page.includes(`\`${scope}\``))).toEqual([]);
  });

  test.each(['contact', 'company', 'deal'])('let the app subscribe to every %s event it asks for', (type) => {
    const plural = { contact: 'contacts', company: 'companies', deal: 'deals' }[type];
    const { scopes, subscriptions } = hubSpotApp(readModelFile('models/b2b-saas.yaml'), PLACEHOLDER_URL);

    expect(subscriptions.some((name) => name.startsWith(`${type}.`))).toBe(true);
    expect(scopes).toContain(`crm.objects.${plural}.read`);
  });
});

/** Rules that each read a property of their own. */
function rules(kind: string, count: number, rest: object) {
  return Array.from({ length: count }, (_, at) => ({
    id: `${kind}${at}`,
    title: kind,
    ...rest,
    property: `${kind}${at}`,
  }));
}

describe('what HubSpot does not let anybody subscribe to', () => {
  // HubSpot documents no subscription to these two, at most 1,000 of an app.
  test.each(['num_unique_conversion_events', 'hs_lastmodifieddate', 'afterglow_score'])(
    'stops the build by the line of the rule that reads it: %s',
    async (property) => {
      const directory = newDirectory();
      const file = join(directory, 'model.yaml');
      const text = readFileSync('models/plg.yaml', 'utf8').replace(
        /property: product_seats/,
        `property: ${property}`,
      );
      writeFileSync(file, text);

      const { code, stderr } = await build('--out', directory, '--model', file);

      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`model\\.yaml:\\d+: [\\w.]+: found "${property}", `));
      expect(readBuiltApp(directory)).toBeUndefined();
    },
  );

  test('never comes to more than 1,000 subscriptions, however much a model reads', () => {
    const largest = model({
      fit: { rules: rules('f', 200, { is: ['x'], points: 1 }) },
      engagement: {
        signals: Array.from({ length: 200 }, (_, at) => ({
          ...signal({ kind: 'counter', property: `s${at}` }),
          id: `s${at}`,
        })),
      },
      exclusions: [...rules('e', 49, { is: ['x'] }), { id: 'customer', title: 'Customer', deal: 'won' }],
      resetOn: rules('r', 50, { to: ['x'] }),
      companyScore: { rollUp: 'maximum' },
      attribution: {},
    });

    // 499 properties of rules, 2 of addresses, 4 of visits, 5 of deals; 6 events of contacts, 5 of companies, 5 of deals.
    expect(hubSpotApp(largest, PLACEHOLDER_URL).subscriptions).toHaveLength(526);
  });

  test.each(['models/b2b-saas.yaml', 'models/plg.yaml'])('is not in the app of %s', (file) => {
    const { subscriptions } = hubSpotApp(readModelFile(file), PLACEHOLDER_URL);

    expect(
      subscriptions.filter((name) => /afterglow_|num_unique_conversion|lastmodified/.test(name)),
    ).toEqual(['contact.propertyChange:afterglow_visitor_id']); // Filled in by forms, never by us.
    expect(new Set(subscriptions).size).toBe(subscriptions.length);
  });
});

describe('the address', () => {
  test.each([
    ['https://hooks.example.com', 'https://hooks.example.com/webhooks/hubspot'],
    ['https://hooks.example.com/', 'https://hooks.example.com/webhooks/hubspot'],
    ['https://hooks.example.com/afterglow', 'https://hooks.example.com/afterglow/webhooks/hubspot'],
    ['https://hooks.example.com/webhooks/hubspot', 'https://hooks.example.com/webhooks/hubspot'],
    ['https://hooks.example.com/webhooks/hubspot/', 'https://hooks.example.com/webhooks/hubspot'],
    // The setting publicUrl is signed as it was typed, so what HubSpot calls must be the same text.
    ['https://Hooks.Example.com:443', 'https://Hooks.Example.com:443/webhooks/hubspot'],
    ['http://127.0.0.1:8787', 'http://127.0.0.1:8787/webhooks/hubspot'],
    ['http://a1.execute-api.localhost:4566', 'http://a1.execute-api.localhost:4566/webhooks/hubspot'],
  ])('%s is taken as %s', (given, taken) => {
    expect(targetUrlOf(given)).toBe(taken);
  });

  test.each([
    ['hooks.example.com', 'which is no address'],
    ['http://hooks.example.com', 'HubSpot calls HTTPS only'],
    ['http://localhost.example.com', 'HubSpot calls HTTPS only'],
    ['ftp://127.0.0.1', 'HubSpot calls HTTPS only'],
    ['https://hooks.example.com/?a=1', 'more than scheme, host and path'],
    ['https://hooks.example.com?', 'more than scheme, host and path'],
    ['https://hooks.example.com/webhooks/hubspot#', 'more than scheme, host and path'],
    ['https://:pass@hooks.example.com', 'more than scheme, host and path'],
    ['https:hooks.example.com', 'which is no address'],
    ['https://zoe@hooks.example.com', 'more than scheme, host and path'],
  ])('%s is refused: %s', (given, why) => {
    expect(() => targetUrlOf(given)).toThrow(why);
  });

  test('stays what it was when none is named: an app that is uploaded again goes on posting where it did', () => {
    const directory = newDirectory();
    const options = { directory, isCheck: false };

    expect(buildHubSpotApp(model(), { ...options, url: undefined }).targetUrl).toBe(PLACEHOLDER_URL);
    buildHubSpotApp(model(), { ...options, url: 'https://hooks.example.com' });
    const again = buildHubSpotApp(model({ fit: { rules: [BY_COMPANY] } }), { ...options, url: undefined });

    expect(again.targetUrl).toBe('https://hooks.example.com/webhooks/hubspot');
    expect(again.changes).toContain('+ scope crm.objects.companies.read');
  });
});

describe('what was built', () => {
  test('can be read back: what it asks for, and where it posts', () => {
    const directory = newDirectory();
    const of = readModelFile('models/b2b-saas.yaml');

    const built = buildHubSpotApp(of, { url: 'https://hooks.example.com', directory, isCheck: false });

    expect(readBuiltApp(directory)).toEqual({
      targetUrl: built.targetUrl,
      scopes: built.scopes,
      subscriptions: expect.arrayContaining([...built.subscriptions]),
    });
    expect(readBuiltApp(directory)?.subscriptions).toHaveLength(built.subscriptions.length);
  });

  test('without what somebody switched off in it', () => {
    const directory = newDirectory();
    buildHubSpotApp(model(), { url: undefined, directory, isCheck: false });
    const file = join(directory, WEBHOOKS);
    const content = JSON.parse(readFileSync(file, 'utf8'));
    content.config.subscriptions.hubEvents[0].active = false;
    writeFileSync(file, JSON.stringify(content));

    expect(readBuiltApp(directory)?.subscriptions).not.toContain('contact.privacyDeletion');
  });

  test('is unknown where nothing was built, or where it cannot be read', () => {
    const directory = newDirectory();
    expect(readBuiltApp(directory)).toBeUndefined();

    buildHubSpotApp(model(), { url: undefined, directory, isCheck: false });
    writeFileSync(join(directory, WEBHOOKS), '{');

    expect(readBuiltApp(directory)).toBeUndefined();
  });
});

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function build(...args: string[]): Promise<Ran> {
  const file = join(import.meta.dirname, '../../cli/afterglow.ts');
  return new Promise((resolve) => {
    execFile(process.execPath, [file, 'hubspot-app', 'build', ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe('afterglow hubspot-app build', () => {
  test('writes the app once; a second time changes nothing, and a check agrees', async () => {
    const directory = newDirectory();
    const options = ['--out', directory, '--url', 'https://hooks.example.com', '--json'];

    const first = JSON.parse((await build(...options)).stdout);
    const written = readFileSync(join(directory, WEBHOOKS), 'utf8');
    const second = JSON.parse((await build(...options)).stdout);
    const check = await build(...options, '--check');

    const filesOf = (did: string) => ['hsproject.json', APP, WEBHOOKS].map((file) => ({ file, did }));
    expect(first.files).toEqual(filesOf('written'));
    expect(second.files).toEqual(filesOf('already'));
    expect(readFileSync(join(directory, WEBHOOKS), 'utf8')).toBe(written);
    expect([check.code, JSON.parse(check.stdout).files]).toEqual([0, filesOf('already')]);
  });

  test('with --check says what another model asks for, ends with 1, and writes nothing', async () => {
    const directory = newDirectory();
    await build('--out', directory, '--model', 'models/b2b-saas.yaml');
    const before = readFileSync(join(directory, WEBHOOKS), 'utf8');

    const { code, stdout } = await build('--out', directory, '--model', 'models/plg.yaml', '--check');

    expect(code).toBe(1);
    expect(stdout).toContain(`${WEBHOOKS}: differs\n`);
    expect(stdout).toContain('\n+ subscription contact.propertyChange:product_seats\n');
    expect(stdout).toContain('\n- subscription contact.propertyChange:phone\n');
    expect(stdout).toContain(`${APP}: already\n`);
    expect(readFileSync(join(directory, WEBHOOKS), 'utf8')).toBe(before);
  });

  test('says that an app without an address is not to be uploaded yet', async () => {
    expect((await build('--out', newDirectory())).stdout).toContain('HubSpot cannot post there');
  });

  test('says in one line what is wrong with an address', async () => {
    const { code, stderr } = await build('--out', newDirectory(), '--url', 'http://hooks.example.com');

    expect([code, stderr.split('\n').length]).toEqual([1, 2]);
    expect(stderr).toMatch(/^afterglow: --url: .*HubSpot calls HTTPS only/);
  });
});
