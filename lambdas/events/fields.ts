import * as v from 'valibot';
import { SIGNAL_NAME } from '../scoring/model-file.ts';
import { asInstant } from '../scoring/values.ts';
import { webUrl } from './visits.ts';

/** What a HubSpot record id looks like: today's have 12 digits. With a zero before it would be another partition. */
export const RECORD_ID = /^[1-9]\d{0,19}$/;
/** A HubSpot record id, as text: ids pass 2^53 one day, and numbers would then lose digits. */
export const RecordId = v.pipe(
  v.union([v.string(), v.number(), v.bigint()], 'expected a record id as text or number'),
  // One written as 9007199254740993.0 or 9e15 has lost its last digits: only plain digits are read exactly.
  v.check((id) => typeof id !== 'number' || Number.isSafeInteger(id), 'expected a HubSpot record id: digits'),
  v.transform((id) => String(id)),
  v.regex(RECORD_ID, 'expected a HubSpot record id: digits'),
);
/** Halves of characters (Cs) stand in no address. */
export const EmailAddress = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^[^\s@\p{Cs}]{1,64}@[^\s@\p{Cs}]{1,255}$/u, 'expected an e-mail address'),
);
export const SignalName = v.pipe(v.string(), v.regex(SIGNAL_NAME, 'expected a name such as product.login'));
/** How the snippet writes its random ids: 128 bits. */
export const VISITOR_ID = /^[A-Za-z0-9_-]{22}$/;
/** The random id of a browser, or of one of its sessions. */
export const VisitorId = v.pipe(
  v.string(),
  v.regex(VISITOR_ID, 'expected 22 characters of URL-safe base64: 128 random bits'),
);
/** Longest URL of a page, or of the page before, that is read. */
const URL_LENGTH = 4_096;
export const PageUrl = v.pipe(
  v.string(),
  v.maxLength(URL_LENGTH, `expected at most ${URL_LENGTH} characters`),
  v.check(
    (text) => webUrl(text) !== undefined,
    'expected the whole URL of a page, such as https://example.com/pricing',
  ),
);
/** Whatever a browser told; what is no URL is no referrer. */
export const Referrer = v.pipe(
  v.string(),
  v.maxLength(URL_LENGTH, `expected at most ${URL_LENGTH} characters`),
);
/** An instant in any form HubSpot or a customer writes it; as epoch milliseconds. */
export const Instant = v.pipe(
  v.union([v.string(), v.number()], 'expected a time: ISO 8601 with a zone, or epoch milliseconds'),
  v.transform((time) => asInstant(String(time))),
  v.number('expected a time: ISO 8601 with a zone, or epoch milliseconds'),
);
/** Epoch milliseconds as HubSpot sends them; a fraction is cut, since rows are sorted by whole milliseconds. */
export const EpochMs = v.pipe(v.number(), v.transform(Math.trunc));

/** A field that may be missing; `null` is missing too. */
export const nullAsAbsent = <T extends v.GenericSchema>(schema: T) =>
  v.optional(
    v.union([
      v.pipe(
        v.null(),
        v.transform(() => undefined),
      ),
      schema,
    ]),
  );

/**
 * An issue in words: where it stands and what was expected, never what was found there. A key that is no plain name is
 * not repeated either.
 */
export function complaintOf(issue: v.BaseIssue<unknown>): string {
  const path = issue.path ?? [];
  const keys = path.map(({ key }) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^[\w-]{1,40}$/.test(String(key)) ? `.${String(key)}` : '.(another key)';
  });
  return `${keys.join('') || 'the body'}: ${wantedOf(issue)}`;
}

function wantedOf(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith('Invalid')) return issue.message;
  if (issue.path?.at(-1)?.origin === 'key')
    return issue.received === 'undefined' ? 'is missing' : 'is not known';
  const [inner] = issue.issues?.slice(-1) ?? []; // Of alternatives the last is the field itself, those before it its absence.
  if (inner !== undefined) return wantedOf(inner);
  return `expected ${issue.expected ?? 'something else'}`;
}
