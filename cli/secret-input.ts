import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import * as v from 'valibot';
import { UsageError } from './target.ts';

/** Far more than any secret is long. */
const LONGEST_INPUT_BYTES = 64 * 1024;

/** A secret of HubSpot's or of ours: what fits into a header, without spaces. */
const Text = v.pipe(v.string(), v.trim(), v.regex(/^[\x21-\x7e]{1,4096}$/));
/** As Standard Webhooks has them: 24 to 64 bytes in base64 behind `whsec_`. */
const SignalsSecret = v.pipe(
  Text,
  v.regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/),
  v.check((secret) => {
    const { length } = Buffer.from(secret.slice('whsec_'.length), 'base64');
    return length >= 24 && length <= 64;
  }),
);

/** The secrets that somebody may give. */
const FIELDS = { accessToken: Text, clientSecret: Text, signalsSecret: SignalsSecret };
export type SecretName = keyof typeof FIELDS;
export type GivenSecrets = { readonly [Name in SecretName]?: string | undefined };

const EXPECTED: Readonly<Record<SecretName, string>> = {
  accessToken: 'the access token of the app, text without spaces',
  clientSecret: 'the client secret of the app, text without spaces',
  signalsSecret: 'whsec_ and 24 to 64 bytes in base64',
};

/** Bytes of a generated secret: in the middle of what Standard Webhooks allows. */
const SIGNALS_SECRET_BYTES = 32;

export function newSignalsSecret(): string {
  return `whsec_${randomBytes(SIGNALS_SECRET_BYTES).toString('base64')}`;
}

/** A secret that is to be asked for. */
export interface Question {
  readonly name: SecretName;
  /** Such as `Access token of the HubSpot app`. */
  readonly title: string;
}

/** Who is to be asked: standard input and what the questions are written to. */
export interface Asking {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
}

/**
 * Takes secrets from somebody at a terminal, who does not see what they type, or as a JSON object from standard input. Never from an
 * argument or an environment variable, which other processes and shell histories see.
 *
 * @returns those that were given; one that was left empty is undefined
 * @throws UsageError that quotes nothing of what was given
 */
export async function takeSecrets(questions: readonly Question[], asking: Asking): Promise<GivenSecrets> {
  const given =
    asking.input.isTTY === true
      ? await askHidden(questions, asking)
      : await readObject(questions, asking.input);
  const secrets: Record<string, string> = {};
  for (const { name } of questions) {
    if (given[name] === undefined || given[name] === '') continue;
    const secret = v.safeParse(FIELDS[name], given[name]);
    if (!secret.success) throw new UsageError(`${name} does not look right: expected ${EXPECTED[name]}`);
    secrets[name] = secret.output;
  }
  return secrets;
}

async function readObject(
  questions: readonly Question[],
  input: NodeJS.ReadableStream,
): Promise<Readonly<Record<string, unknown>>> {
  const names = questions.map(({ name }) => name);
  const refused = () =>
    new UsageError(
      `standard input: expected a JSON object with ${names.join(', ')} (or a terminal, to be asked); nothing was stored`,
    );
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > LONGEST_INPUT_BYTES) throw refused();
    chunks.push(piece);
  }
  const text = Buffer.concat(chunks).toString();
  if (text.trim() === '') return {};
  // What is wrong with it would quote it.
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), text);
  if (!parsed.success) throw refused();
  if (Object.keys(parsed.output).some((name) => !names.some((known) => known === name))) throw refused();
  return parsed.output;
}

/**
 * Asks on a terminal that shows nothing of the answers: the line editor, which has switched off the terminal's own echo, writes to
 * nowhere. That is so from before the first question to after the last answer, for whoever types ahead.
 */
async function askHidden(
  questions: readonly Question[],
  { input, output }: Asking,
): Promise<Readonly<Record<string, unknown>>> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  const given: Record<string, unknown> = {};
  try {
    for (const { name, title } of questions) {
      output.write(`${title}: `);
      given[name] = await lines.question('', { signal: ended.signal });
      output.write('\n');
    }
    return given;
  } catch (cause) {
    output.write('\n');
    throw new UsageError('not everything was answered; nothing was stored', { cause });
  } finally {
    lines.close();
  }
}

/** Asks for a yes. @returns false for anything else */
export async function askYes(question: string, { input, output }: Asking): Promise<boolean> {
  const lines = createInterface({ input, output });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal: ended.signal })).trim());
  } catch {
    return false; // Whoever ends the questions does not agree.
  } finally {
    lines.close();
  }
}
