import { HubSpotError } from './answer.ts';

/**
 * Runs a batch call; one that HubSpot refuses as a whole is halved until the input at fault stands alone: at most 14 more calls
 * for one among 100.
 *
 * @param refused - what a refusal means for the one input that is left
 * @throws what the call throws besides refusals
 */
export async function inHalves<Input, Result>(
  inputs: readonly Input[],
  call: (inputs: readonly Input[]) => Promise<readonly Result[]>,
  refused: (input: Input, error: HubSpotError) => Result,
): Promise<Result[]> {
  const [first] = inputs;
  if (first === undefined) return [];
  try {
    return [...(await call(inputs))];
  } catch (error) {
    if (!(error instanceof HubSpotError) || error.trouble !== 'invalid') throw error;
    if (inputs.length === 1) return [refused(first, error)];
    const middle = Math.ceil(inputs.length / 2);
    return [
      ...(await inHalves(inputs.slice(0, middle), call, refused)),
      ...(await inHalves(inputs.slice(middle), call, refused)),
    ];
  }
}
