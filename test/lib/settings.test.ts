import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readSettings, refuseShortRetention, SettingsError } from '../../lib/settings.ts';

const NEEDED = { portalId: '48221593', model: 'models/b2b-saas.yaml', timeZone: 'Europe/Berlin' };
const read = (settings: object, overrides: object = {}) =>
  readSettings({ '@aws-cdk/some:flag': true, afterglow: { ...NEEDED, ...settings }, ...overrides });

test('fills in what nobody said', () => {
  expect(read({})).toEqual({
    ...NEEDED,
    writeBackWindowSeconds: 60,
    nightlyHour: 2,
    publicUrl: '',
    workflowV2: false,
    ownAppIds: [],
    factRetentionDays: 400,
    hubspotLimitPer10Seconds: 190,
    hubspotReservePer10Seconds: 20,
    hubspotApiUrl: 'https://api.hubapi.com',
  });
});

test('takes a single setting from the command line before the one in the file', () => {
  const settings = read(
    { nightlyHour: 4, ownAppIds: ['1', 22] },
    {
      'afterglow.portalId': '33',
      'afterglow.nightlyHour': '5',
      'afterglow.workflowV2': 'true',
      'afterglow.ownAppIds': '50780459, 50780460',
    },
  );

  expect(settings).toMatchObject({
    portalId: '33',
    nightlyHour: 5,
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
  { writeBackWindowSeconds: 300 },
])('accepts %j', (settings) => {
  expect(() => read(settings)).not.toThrow();
});

test.each([
  [{ portalID: '1' }, '"portalID" is not a setting; did you mean "portalId"?'],
  [{ window: 5 }, '"window" is not a setting'],
  [{ 'write-back-window-seconds': 5 }, 'did you mean "writeBackWindowSeconds"?'],
  [{ portalId: 'acme' }, `"portalId" must be an id of HubSpot's, digits only, like 48221593, got "acme"`],
  [{ portalId: '0' }, '"portalId" must be'],
  [{ portalId: 1.5 }, '"portalId" must be'],
  [{ portalId: undefined }, '"portalId" is missing'],
  [{ model: '' }, '"model" must be the path of a file, got ""'],
  [{ timeZone: undefined }, '"timeZone" is missing'],
  [{ timeZone: 'Berlin' }, '"timeZone" must be the IANA name'],
  [{ timeZone: 'europe/berlin' }, '"timeZone" must be the IANA name'],
  [{ timeZone: '+02:00' }, '"timeZone" must be the IANA name'],
  [{ writeBackWindowSeconds: 0 }, '"writeBackWindowSeconds" must be a whole number from 1 to 300, got 0'],
  [{ writeBackWindowSeconds: 301 }, '"writeBackWindowSeconds" must be a whole number from 1 to 300, got 301'],
  [{ nightlyHour: 24 }, '"nightlyHour" must be a whole number from 0 to 23, got 24'],
  [{ nightlyHour: 2.5 }, '"nightlyHour" must be a whole number'],
  [{ nightlyHour: 'two' }, '"nightlyHour" must be a whole number'],
  [{ nightlyHour: '' }, '"nightlyHour" must be a whole number'],
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
