// `afterglow uninstall`: what uses our properties, archiving them, and what is said of the rest.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { readModelFile } from '../../cli/model-file.ts';
import type { LocalState } from '../../cli/target.ts';
import {
  formatRemoval,
  formatSurvey,
  isAgreed,
  isAllSeen,
  isClean,
  isComplete,
  remove,
  type Survey,
  survey,
} from '../../cli/uninstall.ts';
import { provisionedProperties } from '../../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../../lambdas/hubspot/properties.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { type Connection, connectProvisioned } from '../hubspot/connection.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { createTable, type Engine, startDynalite } from '../store/table.ts';

const MODEL: Model = {
  ...readModelFile(join(import.meta.dirname, '../../models/b2b-saas.yaml')),
  attribution: { windowDays: 90, models: ['linear'], halfLifeDays: 7 },
};
const { contacts, companies, deals } = provisionedProperties(MODEL);
const namesOf = (...kinds: (typeof contacts)[]) => kinds.flat().map(({ name }) => name);
const ALL = namesOf(contacts, companies, deals);

afterEach(closeAll);

async function installed(options: SimulatorOptions = {}) {
  const connection = await connectProvisioned({ portalId: 33, ...options }, { isOptional: true }, MODEL);
  const { portal, send } = connection;
  return { connection, portal: { portalId: '33', hubspotUrl: portal.url, send } };
}

async function liveNames({ portal }: Connection): Promise<string[]> {
  const all = await Promise.all(
    ['contacts', 'companies', 'deals'].map((type) => portal.call('GET', `/crm/properties/2026-03/${type}`)),
  );
  return all
    .flatMap(({ body }) => body.results.map(({ name }: { name: string }) => name))
    .filter((name) => name.startsWith('afterglow'));
}

function useGrade({ portal }: Connection): void {
  portal.crm.addFlow({
    id: '77',
    name: 'Route A1',
    isEnabled: false,
    objectTypeId: '0-1',
    enrollmentCriteria: { filters: [{ property: 'afterglow_grade' }] },
    actions: [],
  });
}

test('all properties and groups are archived, of contacts, companies and deals, and nothing of theirs is left', async () => {
  const { connection, portal } = await installed();
  expect(await liveNames(connection)).toHaveLength(ALL.length);

  const found = await survey(portal);
  const removal = await remove(portal, found);

  expect(removal).toEqual({
    archived: ALL,
    kept: [],
    groups: [
      { kind: 'contacts', name: 'afterglow', did: 'archived' },
      { kind: 'contacts', name: 'afterglow_ai', did: 'archived' },
      { kind: 'companies', name: 'afterglow', did: 'archived' },
      { kind: 'deals', name: 'afterglow_ai', did: 'archived' },
    ],
  });
  expect([isClean(found), isComplete(removal)]).toEqual([false, true]);
  expect(await liveNames(connection)).toEqual([]);
  const again = await survey(portal);
  expect(isClean(again)).toBe(true);
  expect(formatSurvey(again)).toBe("Portal 33: nothing of Afterglow's is left to archive.");
});

test('looking changes nothing', async () => {
  const { connection, portal } = await installed();
  connection.takeCalls();

  await survey(portal);

  // The posts are a search and a batch of readings.
  expect(connection.takeCalls().filter((call) => !call.startsWith('GET '))).toEqual([
    'POST /crm/lists/2026-03/search',
  ]);
  expect(await liveNames(connection)).toHaveLength(ALL.length);
});

test('what was archived comes back by provisioning', async () => {
  const { connection, portal } = await installed();
  await remove(portal, await survey(portal));

  await provisionProperties(portal.hubspotUrl, portal.send, provisionedProperties(MODEL), () => undefined);

  expect((await liveNames(connection)).toSorted()).toEqual(ALL.toSorted());
});

test('what uses the properties is listed before, and keeps only what it uses, with the group', async () => {
  const { connection, portal } = await installed();
  useGrade(connection);

  const found = await survey(portal);
  const removal = await remove(portal, found);

  expect(formatSurvey(found)).toContain(`What uses them:
  workflows: "Route A1" (77) names afterglow_grade
HubSpot refuses to archive a property in use, also by what is switched off: afterglow_grade. Take it out of these first.`);
  expect(removal).toMatchObject({
    archived: ALL.filter((name) => name !== 'afterglow_grade'),
    kept: [{ name: 'afterglow_grade', why: 'in use by workflow 77' }],
    groups: [
      { kind: 'contacts', name: 'afterglow', did: 'kept', why: 'it still holds properties of Afterglow' },
      { kind: 'contacts', name: 'afterglow_ai', did: 'archived' },
      { kind: 'companies', did: 'archived' },
      { kind: 'deals', did: 'archived' },
    ],
  });
  expect(isComplete(removal)).toBe(false);
  expect(await liveNames(connection)).toEqual(['afterglow_grade']);

  connection.portal.crm.removeAsset('77');
  const rest = await remove(portal, await survey(portal));
  expect(rest).toEqual({
    archived: ['afterglow_grade'],
    kept: [],
    groups: [{ kind: 'contacts', name: 'afterglow', did: 'archived' }],
  });
});

test('a calculated property of somebody else counts as a use', async () => {
  const { connection, portal } = await installed();
  connection.portal.crm.defineProperty('contacts', {
    name: 'priority',
    type: 'number',
    fieldType: 'calculation_equation',
    groupName: 'contactinformation',
    calculationFormula: 'afterglow_score * 2',
  });

  expect((await survey(portal)).uses).toEqual([
    { kind: 'calculated properties', id: 'priority', name: 'priority', properties: ['afterglow_score'] },
  ]);
});

test('what the token may not look at is named with the scope, and to be looked at by hand', async () => {
  const { portal } = await installed({
    scopes: ['contacts', 'companies', 'deals'].flatMap((type) => [
      `crm.schemas.${type}.read`,
      `crm.schemas.${type}.write`,
    ]),
  });

  const text = formatSurvey(await survey(portal));

  for (const [kind, scope] of [
    ['lists', 'crm.lists.read'],
    ['workflows', 'automation'],
    ['forms', 'forms'],
  ])
    expect(text).toContain(
      `NOT LOOKED AT: ${kind} (MISSING_SCOPES). Give the app the scope ${scope}, or look at them in HubSpot by hand.`,
    );
  expect(text).toContain('No API tells of reports');
});

test('a token that may not see companies, as of a model without them, hinders nothing', async () => {
  const { portal } = await installed({
    faults: ({ path }) => (path.includes('/companies') ? { kind: 'answer', status: 403 } : undefined),
  });

  const found = await survey(portal);
  const removal = await remove(portal, found);

  expect(found.provisions.companies).toBeNull();
  expect(formatSurvey(found)).toContain('companies: NOT LOOKED AT');
  expect(removal.archived).toEqual(namesOf(contacts, deals));
  expect(isComplete(removal)).toBe(true);

  const again = await survey(portal);
  expect([isClean(again), isAllSeen(again)]).toEqual([true, false]);
  expect(formatSurvey(again)).toBe(`Portal 33: nothing was found that is to be archived.
  companies: NOT LOOKED AT, the token may not read their properties: give the app the scope crm.schemas.companies.read, or look in HubSpot by hand for properties that begin with afterglow_`);
});

test("somebody else's property in our group stays, with the group, and is no failure", async () => {
  const { connection, portal } = await installed();
  connection.portal.crm.defineProperty('contacts', {
    name: 'my_note',
    type: 'string',
    fieldType: 'text',
    groupName: 'afterglow',
  });

  const found = await survey(portal);
  const removal = await remove(portal, found);

  expect(formatSurvey(found)).toContain("not Afterglow's, and in its group afterglow: my_note");
  expect(removal.groups[0]).toEqual({
    kind: 'contacts',
    name: 'afterglow',
    did: 'left',
    why: "it holds properties that are not Afterglow's: my_note",
  });
  expect(isComplete(removal)).toBe(true);
  expect(isClean(await survey(portal))).toBe(true);
});

test('a property of our name that stands in another group is not taken for ours', async () => {
  const { connection, portal } = await installed();
  connection.portal.crm.defineProperty('contacts', {
    name: 'afterglow_model',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
  });

  const { archived } = await remove(portal, await survey(portal));

  expect(archived).not.toContain('afterglow_model');
  expect(await liveNames(connection)).toEqual(['afterglow_model']);

  connection.portal.crm.addForm({ id: 'f-1', name: 'Which model', fieldGroups: ['afterglow_model'] });
  const again = await survey(portal);
  expect([isClean(again), isAllSeen(again)]).toEqual([true, true]);
  const text = formatSurvey(again);
  expect(text).toContain('of the same name, but in another group: afterglow_model; they stay');
  expect(text).toContain('forms: "Which model" (f-1) names afterglow_model');
  expect(text).not.toContain("nothing of Afterglow's is left");
  expect(text).not.toContain('Take it out of these first'); // It is not to be archived.
});

/** What somebody types, and what stands on their screen. */
function terminal(typed: string) {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const output = new PassThrough();
  input.end(typed);
  return { input, output, said: () => String(output.read()) };
}

describe('whoever sits at the terminal', () => {
  const found: Survey = {
    portalId: '33',
    provisions: {
      contacts: {
        ours: ['afterglow_score'],
        elsewhere: [],
        groups: [{ name: 'afterglow', ours: ['afterglow_score'], others: [] }],
      },
      companies: null,
      deals: null,
    },
    uses: [],
    unseen: [],
  };

  test.each([
    ['yes\n', true],
    ['no\n', false],
    ['', false],
  ])('is asked after being shown what there is, and answers %j', async (typed, isYes) => {
    const asking = terminal(typed);

    expect(await isAgreed(found, false, asking)).toBe(isYes);

    const said = asking.said();
    expect(said.startsWith(formatSurvey(found))).toBe(true);
    expect(said.indexOf('Archive them? [y/N]')).toBeGreaterThan(
      said.indexOf('Archived properties vanish at once'),
    );
    expect(said.includes('Nothing was archived.')).toBe(!isYes);
  });

  test('is not shown it twice', async () => {
    const asking = terminal('yes\n');

    await isAgreed(found, true, asking);

    expect(asking.said()).not.toContain('Portal 33');
  });
});

/** Lets the third archiving fail. */
function failing(fault: Fault): (call: FaultableCall) => Fault | undefined {
  let calls = 0;
  return ({ method }) => (method === 'DELETE' && ++calls === 3 ? fault : undefined);
}

describe('half-way failures', () => {
  test.each([
    ['an answer that is lost', { kind: 'no-answer', lands: 'before' }, 'no answer'],
    ['a call that is lost', { kind: 'no-answer', lands: 'never' }, 'no answer'],
    ['a fault of HubSpot', { kind: 'answer', status: 503 }, '503'],
  ] as const)('%s is told, the rest is archived, and running it again goes on', async (_, fault, why) => {
    const { connection, portal } = await installed({ faults: failing(fault) });

    const first = await remove(portal, await survey(portal));

    expect(first.kept).toEqual([{ name: ALL[2], why: expect.stringContaining(why) }]);
    expect(first.archived).toHaveLength(ALL.length - 1);
    expect(isComplete(first)).toBe(false);

    const second = await remove(portal, await survey(portal));
    expect(isComplete(second)).toBe(true);
    expect(await liveNames(connection)).toEqual([]);
  });

  test('a portal that is stopped on the way keeps what is left, and says until when', async () => {
    const { portal } = await installed({
      faults: failing({ kind: 'answer', status: 401 }),
    });

    const { archived, kept } = await remove(portal, await survey(portal));

    expect(archived).toEqual(ALL.slice(0, 2));
    expect(kept.map(({ name }) => name)).toEqual(ALL.slice(2));
    expect(kept[1]?.why).toMatch(/^not asked: the portal is stopped: unauthorised until 2026-/);
  });
});

test('what was done, what HubSpot keeps, and what is left to do by hand is said in its order', () => {
  const done = {
    archived: ['afterglow_score'],
    kept: [{ name: 'afterglow_grade', why: 'in use by list 19' }],
    groups: [
      {
        kind: 'contacts' as const,
        name: 'afterglow',
        did: 'kept' as const,
        why: 'it still holds properties of Afterglow',
      },
    ],
  };

  const text = formatRemoval(done, 'Glow');

  expect(text).toContain(`Archived: afterglow_score
NOT ARCHIVED: afterglow_grade: in use by list 19
NOT ARCHIVED: the group afterglow of contacts: it still holds properties of Afterglow

What is not archived stays as it is. Mend what is said of it, and run this again.`);
  expect(text).toContain('HubSpot keeps what was archived for 90 days and then deletes it for good.');
  const order = [
    'ContactTableName of Glow',
    'npx cdk destroy',
    'delete the app',
    'deletion protection',
    'IdentityKey: delete',
  ];
  const places = order.map((part) => text.indexOf(part));
  expect(places.every((place) => place > 0)).toBe(true);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  expect(formatRemoval({ ...done, kept: [], groups: [] }, undefined)).not.toContain('By hand');
});

describe('as a command', () => {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-uninstall-'));
  let engine: Engine;

  beforeAll(async () => {
    engine = await startDynalite();
  });
  afterAll(async () => {
    await engine.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const file = join(import.meta.dirname, '../../cli/afterglow.ts');
    const env = { ...process.env, AFTERGLOW_LOCAL_DIR: directory };
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [file, 'uninstall', ...args],
        { env },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
      child.stdin?.end(); // No terminal.
    });
  }

  async function writeState(hubspotUrl: string): Promise<void> {
    const { tableName } = await createTable(engine);
    const state: LocalState = {
      pid: process.pid,
      portalId: '33',
      ingestUrl: 'http://127.0.0.1:1',
      hubspotUrl,
      dynamoDbUrl: engine.url,
      tableName,
      sqsUrl: 'http://127.0.0.1:1',
      queues: {},
      budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
      clientSecret: 'secret',
      accessToken: 'local-access-token',
      timeZone: 'UTC',
      model: 'models/b2b-saas.yaml',
      clockOffsetMs: 0,
    };
    writeFileSync(join(directory, 'system.json'), JSON.stringify(state));
  }

  test('it archives nothing where there is nobody to ask, everything with --yes, and finds nothing the second time', async () => {
    const { connection, portal } = await installed();
    await writeState(portal.hubspotUrl);

    const asked = await run();
    expect([asked.code, asked.stderr]).toEqual([
      1,
      'Nothing was archived. Look at what uses the properties, then give --yes.\n',
    ]);
    expect(asked.stdout).toContain('No API tells of reports');
    expect(await liveNames(connection)).toHaveLength(ALL.length);

    const agreed = await run('--yes', '--json');
    expect([agreed.code, agreed.stderr]).toEqual([0, '']);
    expect(JSON.parse(agreed.stdout)).toMatchObject({
      survey: { portalId: '33', uses: [], unseen: [] },
      removal: { archived: ALL, kept: [] },
    });
    expect(await liveNames(connection)).toEqual([]);

    expect(await run('--yes')).toEqual({
      code: 0,
      stdout: "Portal 33: nothing of Afterglow's is left to archive.\n",
      stderr: '',
    });
  });

  test('it does not end well where it could not look at everything, also when nothing is left of the rest', async () => {
    const { connection, portal } = await installed({
      faults: ({ path }) => (path.includes('/companies') ? { kind: 'answer', status: 403 } : undefined),
    });
    await writeState(portal.hubspotUrl);

    const first = await run('--yes');
    const second = await run('--yes');

    expect([first.code, second.code]).toEqual([1, 1]);
    expect(connection.takeCalls()).toContain('DELETE contacts/afterglow_score');
    expect(second.stdout).toContain('nothing was found that is to be archived');
    expect(second.stdout).toContain('companies: NOT LOOKED AT');
  });
});
