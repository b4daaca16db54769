import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  readSettings,
  refuseShortRetention,
  refuseUnkeptSessions,
  SettingsError,
} from '../../lib/settings.ts';

const NEEDED = { portalId: '48221593', model: 'models/b2b-saas.yaml', timeZone: 'Europe/Berlin' };
const read = (settings: object, overrides: object = {}) =>
  readSettings({ '@aws-cdk/some:flag': true, afterglow: { ...NEEDED, ...settings }, ...overrides });

test('fills in what nobody said', () => {
  expect(read({})).toEqual({
    ...NEEDED,
    writeBack: { windowSeconds: 60, urgent: false, idProperty: '', mostWritesPerHour: 20 },
    sessions: { origins: [], ratePerSecond: 20 },
    nightlyHour: 2,
    decayEvery: 'night',
    reconcileDailyPercent: 2,
    publicUrl: '',
    workflowV2: false,
    ownAppIds: [],
    factRetentionDays: 400,
    hubspotLimitPer10Seconds: 190,
    hubspotReservePer10Seconds: 20,
    hubspotDailyLimit: 250_000,
    hubspotDailyReservePercent: 10,
    hubspotApiUrl: 'https://api.hubapi.com',
    stackName: 'Afterglow',
    alarmEmail: '',
    alarmDollarsPerDay: 10,
    ingestConcurrency: 50,
    existingTableName: '',
  });
});

test('takes a single setting from the command line before the one in the file', () => {
  const settings = read(
    { nightlyHour: 4, ownAppIds: ['1', 22] },
    {
      'afterglow.portalId': '33',
      'afterglow.nightlyHour': '5',
      'afterglow.decayEvery': 'hour',
      'afterglow.reconcileDailyPercent': '10',
      'afterglow.workflowV2': 'true',
      'afterglow.ownAppIds': '50780459, 50780460',
    },
  );

  expect(settings).toMatchObject({
    portalId: '33',
    nightlyHour: 5,
    decayEvery: 'hour',
    reconcileDailyPercent: 10,
    workflowV2: true,
    ownAppIds: ['50780459', '50780460'],
  });
});

test.each([
  { portalId: 48221593 },
  { publicUrl: 'https://hooks.example.com/afterglow' },
  { hubspotApiUrl: 'http://127.0.0.1:8788' },
  { hubspotApiUrl: 'http://localhost:8788' },
  { ownAppIds: [50780459] },
  { timeZone: 'UTC' },
  { timeZone: 'America/Argentina/Buenos_Aires' },
  { timeZone: 'Asia/Kolkata' },
  { factRetentionDays: 90 },
  { writeBack: {} },
  { writeBack: { windowSeconds: 300, urgent: true, idProperty: 'crm_id', mostWritesPerHour: 1_000 } },
  { hubspotDailyLimit: 10_000_000, hubspotDailyReservePercent: 0 },
  { stackName: 'A' },
  { stackName: `Lead-Scoring-2${'x'.repeat(114)}` }, // 128 characters
  { alarmEmail: 'revops+afterglow@mail.example.com', alarmDollarsPerDay: 0 },
  { ingestConcurrency: 0 },
  { decayEvery: 'night', reconcileDailyPercent: 0 },
  { decayEvery: 'hour', reconcileDailyPercent: 50 },
  { existingTableName: 'Afterglow-ContactTable_restored.2' },
  { sessions: {} },
  { sessions: { origins: ['https://www.example.com', 'https://example.com:8443'], ratePerSecond: 1_000 } },
  { sessions: { origins: ['http://localhost:3000', 'http://127.0.0.1:8080'] } },
  { sessions: { origins: '' } },
])('accepts %j', (settings) => {
  expect(() => read(settings)).not.toThrow();
});

test.each([
  [{ portalID: '1' }, '"portalID" is not a setting; did you mean "portalId"?'],
  [{ window: 5 }, '"window" is not a setting'],
  [
    { writeBackWindowSeconds: 5 },
    '"writeBackWindowSeconds" is not a setting; did you mean "writeBack.windowSeconds"?',
  ],
  [{ writeBack: { urgend: true } }, '"writeBack.urgend" is not a setting; did you mean "writeBack.urgent"?'],
  [{ writeBack: 60 }, '"writeBack" must be an object of settings, got 60'],
  [{ writeBack: [60] }, '"writeBack" must be an object of settings, got [60]'],
  [{ portalId: 'acme' }, `"portalId" must be an id of HubSpot's, digits only, like 48221593, got "acme"`],
  [{ portalId: '0' }, '"portalId" must be'],
  [{ portalId: 1.5 }, '"portalId" must be'],
  [{ portalId: undefined }, '"portalId" is missing'],
  [{ model: '' }, '"model" must be the path of a file, got ""'],
  [{ timeZone: undefined }, '"timeZone" is missing'],
  [{ timeZone: 'Berlin' }, '"timeZone" must be the IANA name'],
  [{ timeZone: 'europe/berlin' }, '"timeZone" must be the IANA name'],
  [{ timeZone: '+02:00' }, '"timeZone" must be the IANA name'],
  [
    { writeBack: { windowSeconds: 0 } },
    '"writeBack.windowSeconds" must be a whole number from 1 to 300, got 0',
  ],
  [{ writeBack: { windowSeconds: 301 } }, 'must be a whole number from 1 to 300, got 301'],
  [{ writeBack: { urgent: 'yes' } }, '"writeBack.urgent" must be true or false, got "yes"'],
  [{ writeBack: { idProperty: 'CRM id' } }, '"writeBack.idProperty" must be the internal name of a custom'],
  [{ writeBack: { idProperty: 'email' } }, 'HubSpot refuses email here'],
  [
    { writeBack: { mostWritesPerHour: 0 } },
    '"writeBack.mostWritesPerHour" must be a whole number from 1 to 1000',
  ],
  [{ writeBack: { mostWritesPerHour: 1_001 } }, '"writeBack.mostWritesPerHour" must be a whole number'],
  [{ hubspotDailyLimit: 999 }, '"hubspotDailyLimit" must be a whole number from 1000 to 10000000, got 999'],
  [{ hubspotDailyReservePercent: 91 }, '"hubspotDailyReservePercent" must be a whole number from 0 to 90'],
  [{ nightlyHour: 24 }, '"nightlyHour" must be a whole number from 0 to 23, got 24'],
  [{ nightlyHour: 2.5 }, '"nightlyHour" must be a whole number'],
  [{ nightlyHour: 'two' }, '"nightlyHour" must be a whole number'],
  [{ nightlyHour: '' }, '"nightlyHour" must be a whole number'],
  [{ decayEvery: 'minute' }, `"decayEvery" must be 'night' or 'hour', got "minute"`],
  [{ decayEvery: 60 }, '"decayEvery" must be'],
  [{ reconcileDailyPercent: 51 }, '"reconcileDailyPercent" must be a whole number from 0 to 50, got 51'],
  [{ reconcileDailyPercent: 0.5 }, '"reconcileDailyPercent" must be a whole number'],
  [{ workflowV2: 'yes' }, '"workflowV2" must be true or false, got "yes"'],
  [{ ownAppIds: ['x'] }, '"ownAppIds" must be an id'],
  [{ ownAppIds: 7 }, `"ownAppIds" must be a list of HubSpot's app ids`],
  [{ factRetentionDays: 89 }, '"factRetentionDays" must be a whole number from 90'],
  [{ publicUrl: 'https://example.com/' }, '"publicUrl" must be like https://example.com'],
  [{ publicUrl: 'https://example.com?a=1' }, '"publicUrl" must be like https://example.com'],
  [{ publicUrl: 'http://example.com' }, '"publicUrl" must be like https://example.com'],
  [{ publicUrl: 'example.com' }, '"publicUrl" must be like https://example.com'],
  [{ hubspotApiUrl: '' }, '"hubspotApiUrl" must be like'],
  [{ hubspotApiUrl: 'http://api.hubapi.com' }, '"hubspotApiUrl" must be like'],
  [{ hubspotApiUrl: 'https://user:secret@api.hubapi.com' }, '"hubspotApiUrl" must be like'],
  [{ hubspotLimitPer10Seconds: 20 }, 'nothing would be left'],
  [{ stackName: '' }, '"stackName" must be the name of a stack: a letter, then up to 127'],
  [{ stackName: '2nd' }, '"stackName" must be the name of a stack'],
  [{ stackName: 'Lead_Scoring' }, '"stackName" must be the name of a stack'],
  [{ stackName: 'x'.repeat(129) }, '"stackName" must be the name of a stack'],
  [{ alarmEmail: 'revops' }, `"alarmEmail" must be one e-mail address, or '' for none, got "revops"`],
  [{ alarmEmail: 'a@example.com, b@example.com' }, '"alarmEmail" must be one e-mail address'],
  [{ alarmDollarsPerDay: -1 }, '"alarmDollarsPerDay" must be a whole number from 0'],
  [{ alarmDollarsPerDay: 2.5 }, '"alarmDollarsPerDay" must be a whole number'],
  [{ ingestConcurrency: 'many' }, '"ingestConcurrency" must be a whole number from 0'],
  [
    { existingTableName: 'arn:aws:dynamodb:eu-central-1:111122223333:table/contacts' },
    '"existingTableName" must be the name of a DynamoDB table (not its ARN)',
  ],
  [
    { sessions: { origins: ['https://www.example.com/'] } },
    '"sessions.origins" must be origins of pages, like',
  ],
  [{ sessions: { origins: ['https://www.example.com/blog'] } }, '"sessions.origins" must be origins'],
  [{ sessions: { origins: ['http://www.example.com'] } }, '"sessions.origins" must be origins'],
  [{ sessions: { origins: ['https://WWW.example.com'] } }, '"sessions.origins" must be origins'],
  [{ sessions: { origins: ['*'] } }, '"sessions.origins" must be origins'],
  [{ sessions: { origins: ['https://*.example.com'] } }, '"sessions.origins" must be origins'],
  [{ sessions: { origins: [7] } }, '"sessions.origins" must be origins'],
  [{ sessions: { origins: 7 } }, '"sessions.origins" must be origins'],
  [{ sessions: { ratePerSecond: 0 } }, '"sessions.ratePerSecond" must be a whole number from 1 to 1000'],
  [{ sessions: 'https://www.example.com' }, '"sessions" must be an object of settings'],
  [{ existingTableName: 'ab' }, '"existingTableName" must be the name of a DynamoDB table'],
])('refuses %j', (settings, message) => {
  expect(() => read(settings)).toThrow(SettingsError);
  expect(() => read(settings)).toThrow(message);
});

test.each([
  [400, 390],
  [392, 390],
])('facts kept %p days outlive a model that counts %p', (factRetentionDays, horizonDays) => {
  expect(() => refuseShortRetention(read({ factRetentionDays }), horizonDays)).not.toThrow();
});

test.each([
  [391, 390, '"factRetentionDays" must be at least 392, got 391: the model counts signals for 390 days'],
  [90, 365, '"factRetentionDays" must be at least 367, got 90'],
])(
  'facts kept %p days do not outlive a model that counts %p',
  (factRetentionDays, horizonDays, complaint) => {
    expect(() => refuseShortRetention(read({ factRetentionDays }), horizonDays)).toThrow(complaint);
  },
);

test('visits of browsers are taken by whose model keeps them, and by nobody else', () => {
  const taking = read({ sessions: { origins: ['https://www.example.com'] } });

  expect(() => refuseUnkeptSessions(taking, false)).toThrow(
    '"sessions.origins" lets browsers tell of visits, and the model keeps none: give it a section "attribution"',
  );
  expect(() => refuseUnkeptSessions(taking, true)).not.toThrow();
  expect(() => refuseUnkeptSessions(read({}), false)).not.toThrow();
});

test('origins come from the command line separated by commas', () => {
  expect(
    read({}, { 'afterglow.sessions.origins': 'https://www.example.com, https://app.example.com' }).sessions,
  ).toEqual({ origins: ['https://www.example.com', 'https://app.example.com'], ratePerSecond: 20 });
});

test('synthesis stops where facts would be forgotten that the model counts', () => {
  const context = { afterglow: { ...NEEDED, factRetentionDays: 90 } };

  const { status, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '../../bin/afterglow.ts')],
    {
      env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(context) },
      encoding: 'utf8',
    },
  );

  expect(stderr).toContain('"factRetentionDays" must be at least 367, got 90');
  expect(status).toBe(1);
});

test('takes a setting of a group from the command line before the one in the file, and leaves its neighbours', () => {
  const settings = read(
    { writeBack: { windowSeconds: 5, urgent: false } },
    { 'afterglow.writeBack.urgent': 'true', 'afterglow.writeBack.idProperty': 'crm_id' },
  );

  expect(settings.writeBack).toEqual({
    windowSeconds: 5,
    urgent: true,
    idProperty: 'crm_id',
    mostWritesPerHour: 20,
  });
});

test('names a setting of a group that is wrong on the command line as it was given', () => {
  expect(() =>
    read({}, { 'afterglow.writeBack.urgnt': 'true', 'afterglow.writeBack.windowSeconds': '0' }),
  ).toThrow(
    /"writeBack\.urgnt" is not a setting; did you mean "writeBack\.urgent"\?\n.*"writeBack\.windowSeconds" must be/,
  );
  expect(() => read({}, { 'afterglow.writeBack': 'urgent' })).toThrow(
    '"writeBack" must be an object of settings, got "urgent"',
  );
});

test('names everything that is wrong at once', () => {
  expect(() => read({ portalId: 'acme' }, { 'afterglow.nightHour': '3' })).toThrow(
    /"nightHour" is not a setting; did you mean "nightlyHour"\?\n.*"portalId" must be/,
  );
});

test.each([['text'], [[1]], [7]])('refuses settings that are no object: %j', (afterglow) => {
  expect(() => readSettings({ afterglow })).toThrow('"afterglow" must be an object of settings');
});

test('says what is missing when there are no settings at all', () => {
  expect(() => readSettings({})).toThrow('"portalId" is missing');
});
