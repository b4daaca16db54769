/** Numbers with this many digits may not fit a double; only then is the slower, exact reading needed. */
const LONG_DIGITS = 16;

declare global {
  interface JSON {
    /** ECMAScript's "JSON.parse source text access", in Node.js since 21; TypeScript does not know it yet. */
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/**
 * Reads a JSON body in UTF-8, with or without a byte order mark. Whole numbers beyond 2^53 become bigints, so that record
 * ids keep every digit.
 *
 * @throws SyntaxError when it is not UTF-8 or not JSON
 */
export function readJson(body: Uint8Array): unknown {
  const text = decode(body);
  if (!hasLongNumber(body)) return JSON.parse(text);
  return JSON.parse(text, exact);
}

/** Looks at every 16th byte only: 16 digits in a row cannot pass between two of them. A regular expression takes longer than the parsing. */
function hasLongNumber(body: Uint8Array): boolean {
  for (let at = LONG_DIGITS - 1; at < body.length; at += LONG_DIGITS) {
    let first = at;
    while (isDigit(body[first])) first--;
    let last = at;
    while (isDigit(body[last])) last++;
    if (last - first > LONG_DIGITS) return true;
  }
  return false;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function exact(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  const isLong = typeof value === 'number' && !Number.isSafeInteger(value);
  return isLong && source !== undefined && /^-?\d{16,40}$/.test(source) ? BigInt(source) : value;
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new SyntaxError('the body is not UTF-8', { cause });
  }
}
