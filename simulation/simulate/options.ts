import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';

/** What `npm run simulate -- …` was asked for. */
export interface SimulateOptions {
  /** How many seeds; of variants how many each may take to be found. */
  readonly seeds: number;
  /** The first of them. */
  readonly from: number;
  /** One seed alone, with its trace. */
  readonly seed?: number;
  /** Lines of the trace that are shown, most of them from its end. */
  readonly lines: number;
  /** The planted bugs: all, or those that are named, parted by commas. */
  readonly variants?: string | true;
  readonly threads: number;
  /** Share of calls to which something is done. */
  readonly faultRate?: number;
  /** One JSON object as the last line on standard output. */
  readonly json: boolean;
}

/** Seeds are whole numbers up to this. */
const LARGEST = 2 ** 31 - 1;

/** @param argv - as in `process.argv` */
export function readOptions(argv: readonly string[]): SimulateOptions {
  return new Command('npm run simulate --')
    .description(
      'Runs the whole of Afterglow in one process, on a virtual clock, against models of AWS and HubSpot that fail in every way, and looks whether its promises hold. The same seed is the same run.',
    )
    .option('--seeds <number>', 'how many seeds; of variants how many each may take', wholeNumber(1), 1000)
    .option('--from <seed>', 'the first of them', wholeNumber(0), 1)
    .option('--seed <seed>', 'this one alone, with its trace', wholeNumber(0))
    .option('--lines <number>', 'lines of the trace, most of them from its end', wholeNumber(1), 500)
    .option(
      '--variants [names]',
      'the product with planted bugs instead, each of which must be found: all, or those named, parted by commas; with --seed the trace of one',
    )
    .option(
      '--threads <number>',
      'seeds that run at once; one for each core',
      wholeNumber(1),
      availableParallelism(),
    )
    .option('--fault-rate <share>', 'share of calls to which something is done; 0 for none', share)
    .option('--json', 'one JSON object as the last line on standard output', false)
    .showHelpAfterError()
    .parse(argv)
    .opts<SimulateOptions>();
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,10}$/.test(text) && number >= least && number <= LARGEST) return number;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${LARGEST}`);
  };
}

function share(text: string): number {
  const number = Number(text);
  if (/^\d*\.?\d+$/.test(text) && number <= 1) return number;
  throw new InvalidArgumentError('expected a number from 0 to 1');
}
