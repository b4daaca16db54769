import { createHash } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { MisconfiguredError, RetryableError } from '../errors.ts';
import { defaultProvider } from '../function-credentials.ts';

/** S3's bad moments are short; what lasts longer is for the queue. */
const TRIES_AGAIN = 3;
/** For all tries of one object together. */
const PUT_MS = 30_000;
/** The bucket is not there, or we may not put anything into it. */
const FOR_AN_OPERATOR = [403, 404];

/** A file on its way to the bucket. */
export interface Report {
  readonly key: string;
  readonly body: string;
  /** Without the character set, which is UTF-8. */
  readonly contentType: string;
}

/** Where the report of each month is put. */
export interface ReportsBucket {
  readonly name: string;
  /**
   * Puts a file in the place of what was there.
   *
   * @throws MisconfiguredError when there is no such bucket, or we may not
   * @throws RetryableError when S3 does not take it now
   */
  put(report: Report): Promise<void>;
}

/**
 * A bucket, by AWS's own protocol without AWS's own client, which alone would be larger than the rest of a function.
 *
 * @param env - that of a function: its region, and where S3 is, if it is not AWS's
 */
export function reportsBucket(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): ReportsBucket {
  const { AWS_REGION: region = 'us-east-1', AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 } = env;
  const endpoint = AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
  // Stand-ins have one address for all buckets.
  const root = endpoint === undefined ? `https://${name}.s3.${region}.amazonaws.com` : `${endpoint}/${name}`;
  return {
    name,
    async put({ key, body, contentType }) {
      const credentials = await defaultProvider()();
      const client = new AwsClient({ ...credentials, service: 's3', region, retries: TRIES_AGAIN });
      const { ok, status, ...answer } = await answerOf(
        client.fetch(`${root}/${key}`, {
          method: 'PUT',
          body,
          // Of what would travel on with the report, fetch takes away the signature, not the session token.
          redirect: 'manual',
          headers: {
            'content-type': `${contentType}; charset=utf-8`,
            'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
          },
          signal: AbortSignal.timeout(PUT_MS),
        }),
      );
      if (ok) return;
      const problem = `S3 answered ${status} ${answer.code} to ${key}`;
      throw FOR_AN_OPERATOR.includes(status) ? new MisconfiguredError(problem) : new RetryableError(problem);
    },
  };
}

/** @returns also the word that S3 has for what went wrong */
async function answerOf(asking: Promise<Response>): Promise<{ ok: boolean; status: number; code: string }> {
  try {
    const response = await asking;
    const [, code = ''] = /<Code>(\w+)<\/Code>/.exec(await response.text()) ?? [];
    return { ok: response.ok, status: response.status, code };
  } catch (cause) {
    throw new RetryableError('S3 did not answer', { cause });
  }
}
