import { readFileSync } from 'node:fs';
import { postSigned } from './endpoint.ts';
import { type Target, UsageError } from './target.ts';

/**
 * Signs a body as HubSpot does and posts it to the webhook route.
 *
 * @param file - path of a JSON file with an array of events, `-` for standard input
 * @returns status and body of the answer
 * @throws UsageError when the file cannot be read or is not JSON, or nobody answers
 */
export async function sendEvents(
  target: Pick<Target, 'ingestUrl' | 'readClientSecret'>,
  file: string,
): Promise<{ status: number; body: string }> {
  const events = readEvents(file);
  const { status, body } = await postSigned(target, events, await target.readClientSecret());
  return { status, body };
}

function readEvents(file: string): string {
  const name = file === '-' ? 'standard input' : file;
  let body: string;
  try {
    body = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new UsageError(
      `${name} cannot be read: give a file with an array of webhook events, or - for standard input`,
      { cause },
    );
  }
  try {
    JSON.parse(body);
  } catch (cause) {
    // Of what is wrong only the place: the words quote the events, and terminals are recorded.
    const [place = ''] = /\(line \d+ column \d+\)/.exec(cause instanceof Error ? cause.message : '') ?? [];
    throw new UsageError(`${name} is not JSON ${place}`.trim());
  }
  return body;
}
