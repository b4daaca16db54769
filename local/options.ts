import { Command, InvalidArgumentError } from 'commander';

/** What `npm start -- …` was asked for. */
export interface StartOptions {
  /** End after the first table. */
  readonly once: boolean;
  readonly port: number;
  readonly hubspotPort: number;
  readonly controlPort: number;
  readonly model: string;
  /** Write-back window in seconds. */
  readonly window: number;
  readonly seed: number;
  readonly contacts: number;
  /** Let the simulated HubSpot do to the demo all that the real one does to a caller. */
  readonly chaos: boolean;
  /** Nights that go by after the first table, each after a day in which things happen and webhooks are lost. */
  readonly nights: number;
  /** Provision a HubSpot that is not the simulator. */
  readonly yes: boolean;
}

/** @param argv - as in `process.argv` */
export function readOptions(argv: readonly string[]): StartOptions {
  return new Command('npm start --')
    .description(
      'Runs the whole of Afterglow on this machine, against a simulated HubSpot with a demo portal.',
    )
    .option('--once', 'end after the first table, with one JSON line last on standard output', false)
    .option('--port <number>', 'port of ingest on 127.0.0.1', wholeNumber(0, 65_535), 8787)
    .option(
      '--hubspot-port <number>',
      'port of the simulated HubSpot on 127.0.0.1',
      wholeNumber(0, 65_535),
      8788,
    )
    .option(
      '--control-port <number>',
      'port for moving the clock where HUBSPOT_API_URL replaces the simulator',
      wholeNumber(0, 65_535),
      8789,
    )
    .option('--model <file>', 'scoring model', 'models/b2b-saas.yaml')
    .option(
      '--window <seconds>',
      'how long write-back gathers changes; 60 when deployed',
      wholeNumber(0, 300),
      5,
    )
    .option('--seed <number>', 'the same seed makes the same demo portal', wholeNumber(0, 2_147_483_647), 7)
    .option('--contacts <number>', 'contacts of the demo portal', wholeNumber(10, 100_000), 500)
    .option(
      '--chaos',
      'one in twenty calls to HubSpot fails, in every way that HubSpot fails; the clock is moved instead of waiting',
      false,
    )
    .option(
      '--nights <number>',
      'let so many nights go by after the first table; each day things happen, and one in ten webhooks is lost',
      wholeNumber(0, 90),
      0,
    )
    .option('--yes', 'provision the HubSpot at HUBSPOT_API_URL', false)
    .addHelpText(
      'after',
      `
Environment:
  HUBSPOT_API_URL        another server that speaks HubSpot's API; then no demo data is made. api.hubapi.com is refused.
  HUBSPOT_CLIENT_SECRET  signs webhooks; default local-client-secret
  HUBSPOT_ACCESS_TOKEN   default local-access-token
  AFTERGLOW_LOCAL_DIR    logs, and what the commands need to find the system; default .local`,
    )
    .showHelpAfterError()
    .parse(argv)
    .opts<StartOptions>();
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,10}$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}
