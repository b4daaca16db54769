import { UsageError } from './target.ts';
import { commandFor } from './typed.ts';

/** Secrets of which two are valid while one is replaced, as `rotate` names them. */
export type PairName = 'client-secret' | 'signals-secret';

/** The fields of the webhook secret in which a pair stands. */
interface Pair {
  readonly name: 'clientSecret' | 'signalsSecret';
  readonly previous: 'previousClientSecret' | 'previousSignalsSecret';
}
export const PAIRS: Readonly<Record<PairName, Pair>> = {
  'client-secret': { name: 'clientSecret', previous: 'previousClientSecret' },
  'signals-secret': { name: 'signalsSecret', previous: 'previousSignalsSecret' },
};

type Content = Readonly<Record<string, string>>;

/**
 * What the webhook secret is to hold so that a new one is in use and the one before stays valid, for what is under way.
 *
 * @throws UsageError while the one before still stands there: of three, the first would be lost
 */
export function replaced(content: Content, which: PairName, fresh: string, stack: string): Content {
  const { name, previous } = PAIRS[which];
  const old = content[name];
  if (old === fresh) return content;
  if (content[previous] !== undefined)
    throw new UsageError(
      `a rotation of the ${name} is under way: the one before stands beside the one in use, and this is a third; nothing was stored. When nobody signs with the one before any more: ${finishCommand(which, stack)}`,
    );
  return { ...content, [name]: fresh, ...(old !== undefined && { [previous]: old }) };
}

/** Whether the secret before stands beside the one in use. */
export function isUnderWay(content: Content, which: PairName): boolean {
  return content[PAIRS[which].previous] !== undefined;
}

/** The command by which the secret before is removed. */
export function finishCommand(which: PairName, stack: string): string {
  return commandFor(stack)(`rotate ${which} --finish`);
}
