import { readSettings, SETTING_NAMES } from '../../../lib/settings.ts';
import { INHERITED, settingsOf } from '../../../local/rehearsal/story.ts';

const STAGE = {
  stack: 'Trial',
  portalId: '7',
  settings: { timeZone: 'Europe/Berlin', hubspotApiUrl: 'https://api.hubapi.com' },
};
/** What the `cdk.json` of a company may say, after a restore, with a domain of its own. */
const OF_THE_COMPANY = {
  portalId: '48221593',
  model: 'models/acme.yaml',
  timeZone: 'America/New_York',
  existingTableName: 'afterglow-restored',
  publicUrl: 'https://hooks.acme.example',
  alarmEmail: 'operators@acme.example',
  ownAppIds: '123',
  writeBack: { idProperty: 'customer_number', urgent: true },
  sessions: { origins: ['https://www.acme.example'] },
};

test('every setting is decided by the rehearsal, or is one of those that it goes by', () => {
  const decided = Object.keys(settingsOf(STAGE, 'model.yaml'));

  expect([...decided, ...INHERITED].toSorted()).toEqual([...SETTING_NAMES].toSorted());
});

test('nothing of the stack that people work with is taken for the one that is rehearsed', () => {
  const given = Object.entries(settingsOf(STAGE, 'model.yaml'));
  const overrides = Object.fromEntries(given.map(([name, value]) => [`afterglow.${name}`, value]));
  const settings = readSettings({ afterglow: OF_THE_COMPANY, ...overrides });

  expect(settings).toMatchObject({
    stackName: 'Trial',
    portalId: '7',
    timeZone: 'Europe/Berlin',
    existingTableName: '',
    publicUrl: '',
    alarmEmail: '',
    ownAppIds: [],
    writeBack: { idProperty: '', urgent: false, windowSeconds: 5 },
    sessions: { origins: [] },
  });
});
