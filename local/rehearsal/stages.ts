import { randomBytes } from 'node:crypto';
import tls from 'node:tls';
import { newSignalsSecret, takeSecrets } from '../../cli/secret-input.ts';
import { UsageError } from '../../cli/target.ts';
import { startSimulator } from '../hubspot/simulator.ts';
import { Account } from './account.ts';
import { allowBatches, forgetBatches } from './batches.ts';
import { createCommands } from './commands.ts';
import { NoEmulatorError, startEmulator } from './emulator.ts';
import { startFront } from './front.ts';
import { TestPortal } from './portal.ts';
import { recordedCalls } from './recorded-calls.ts';
import type { Stage } from './story.ts';

const EMULATED_PORTAL_ID = '1';
const EMULATED_STACK = 'AfterglowRehearsal';
/** A portal with more contacts than this is not taken for a test portal. */
const MOST_CONTACTS = 1_000;
const HUBSPOT = 'https://api.hubapi.com';

/** @param onStarted - told how to end what was started */
type Starting = (onStarted: (stop: () => unknown) => void) => Promise<Stage>;

/** An AWS and a HubSpot on this machine. @param directory - for files of this run */
export function emulatedStage(directory: string): Starting {
  return async (onStarted) => {
    const emulator = await startEmulator(directory);
    onStarted(() => emulator.stop());
    const { place, environment, clock, authority } = emulator;
    if (typeof tls.setDefaultCACertificates !== 'function')
      throw new NoEmulatorError('a rehearsal on the emulator needs Node.js 24.5, or 22.19, or newer');
    // The clients of this process too speak to the emulator, whose authority nobody else trusts.
    Object.assign(process.env, environment);
    tls.setDefaultCACertificates([...tls.getCACertificates(), authority]);
    const front = await startFront(emulator);
    onStarted(() => front.stop());
    const secrets = {
      accessToken: `pat-${randomBytes(16).toString('hex')}`,
      clientSecret: randomBytes(16).toString('hex'),
      signalsSecret: newSignalsSecret(),
    };
    const simulator = await startSimulator({ portalId: Number(EMULATED_PORTAL_ID), ...secrets });
    onStarted(() => simulator.stop());
    return {
      stack: EMULATED_STACK,
      account: new Account(),
      commands: createCommands(environment, false),
      portal: new TestPortal(simulator.url, secrets.accessToken),
      portalId: EMULATED_PORTAL_ID,
      secrets,
      bootstrap: place,
      settings: {
        timeZone: 'UTC',
        publicUrl: front.url,
        hubspotApiUrl: simulator.url,
        alarmDollarsPerDay: '0', // The emulator knows no metric math, by which alone an alarm can tell dollars.
      },
      async onDeployed(apiUrl, resources) {
        front.leadTo(apiUrl);
        await allowBatches(resources);
      },
      onDestroy: forgetBatches,
      passTime: (ms) => clock.setOffset(ms),
      recordedCalls,
      directory,
    };
  };
}

/** Why a portal does not look like one to rehearse in. */
async function doubtAbout(portal: TestPortal): Promise<string | undefined> {
  if (await portal.isInUse()) return 'has properties of Afterglow, which an installation may be using';
  const contacts = await portal.countContacts(MOST_CONTACTS);
  return contacts > MOST_CONTACTS ? `has more than ${MOST_CONTACTS} contacts` : undefined;
}

/** The AWS account of this terminal, and the HubSpot portal that a token is of. @param isAnyPortal - whether any portal will do */
export function realStage(
  stack: string,
  isAnyPortal: boolean,
  directory: string,
  input: NodeJS.ReadableStream & { readonly isTTY?: boolean } = process.stdin,
): Starting {
  return async () => {
    const account = new Account();
    if ((await account.stackId(stack)) !== undefined)
      throw new UsageError(
        `there is a stack ${stack} already, which a rehearsal would take down in the end: give another name`,
      );
    const { accessToken, clientSecret } = await takeSecrets(
      [
        { name: 'accessToken', title: 'Access token of the HubSpot app in the test portal' },
        { name: 'clientSecret', title: 'Client secret of that app' },
      ],
      { input, output: process.stderr },
    );
    if (accessToken === undefined || clientSecret === undefined)
      throw new UsageError(
        'a rehearsal needs accessToken and clientSecret of an app in a HubSpot test portal',
      );
    const apiUrl = process.env['HUBSPOT_API_URL'] ?? HUBSPOT;
    const portal = new TestPortal(apiUrl, accessToken);
    const { portalId, timeZone } = await portal.account();
    const doubt = isAnyPortal ? undefined : await doubtAbout(portal);
    if (doubt !== undefined)
      throw new UsageError(
        `portal ${portalId} ${doubt}: is it a test portal? Properties of Afterglow are made in it and archived in the end, and a few contacts; --yes rehearses there all the same`,
      );
    return {
      stack,
      account,
      commands: createCommands({}, true),
      portal,
      portalId,
      secrets: { accessToken, clientSecret, signalsSecret: newSignalsSecret() },
      bootstrap: undefined,
      settings: { timeZone, hubspotApiUrl: apiUrl },
      onDeployed: async () => {},
      onDestroy: async () => {},
      passTime: undefined,
      recordedCalls: undefined,
      directory,
    };
  };
}
