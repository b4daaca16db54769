import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import { PortalStoppedError } from '../../lambdas/hubspot/budget.ts';

/** `warning`: it works, and is not as it should be. `unknown`: could not be looked at. */
export type State = 'ok' | 'warning' | 'wrong' | 'unknown';

/** What was found of one thing. */
export interface Verdict {
  readonly state: State;
  readonly found: string;
  /** The one thing to do; none where all is well, or nothing can be done. */
  readonly todo?: string;
}

export interface Check extends Verdict {
  /** One word. */
  readonly name: string;
}

export function ok(found: string): Verdict {
  return { state: 'ok', found };
}

export function warning(found: string, todo?: string): Verdict {
  return { state: 'warning', found, ...(todo !== undefined && { todo }) };
}

export function wrong(found: string, todo: string): Verdict {
  return { state: 'wrong', found, todo };
}

export function unknown(found: string, todo?: string): Verdict {
  return { state: 'unknown', found, ...(todo !== undefined && { todo }) };
}

/** What became of something that may fail: others go on without it. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export async function outcomeOf<T>(act: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await act() };
  } catch (error) {
    return { error };
  }
}

/** Why something failed, in a few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof HubSpotError)
    return error.status === 0 ? `no answer (${error.reason})` : `${error.status} ${error.reason}`;
  if (error instanceof PortalStoppedError)
    return `not asked: ${error.message} until ${new Date(error.untilMs).toISOString()}`;
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
}

/** Up to five of the names, and how many more. */
export function someOf(names: readonly string[]): string {
  const more = names.length - 5;
  return `${names.slice(0, 5).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
