import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Document, isMap, isNode, isScalar, isSeq, parseDocument, stringify, type YAMLMap } from 'yaml';
import { MOST_HORIZON_DAYS, NAME, NAME_WANTED } from '../lambdas/scoring/model-file.ts';
import { either } from '../lambdas/scoring/model-problems.ts';
import { complaintAboutDomain, freemailDomains } from './domains.ts';
import { readModelText } from './model-file.ts';
import { UsageError } from './target.ts';

const MODELS = join(import.meta.dirname, '../models');

/** The models that a new one is begun from, by what brings customers. */
const STARTS = { 'sales-led': 'b2b-saas.yaml', 'product-led': 'plg.yaml' } as const;
type Start = keyof typeof STARTS;

/** What half-lives and the horizon are multiplied by. */
const PACES = { slow: 2, usual: 1, fast: 0.5 } as const;
type Pace = keyof typeof PACES;

/** What a model is made from. */
export interface Answers {
  readonly from: Start;
  readonly name: string;
  readonly ownDomains: readonly string[];
  readonly competitors: readonly string[];
  readonly pace: Pace;
}

/** What the command line says; what it leaves out is asked, or has its usual answer. */
export interface InitOptions {
  readonly from?: string;
  readonly name?: string;
  readonly ownDomain?: readonly string[];
  readonly competitor?: readonly string[];
  readonly pace?: string;
  readonly out?: string;
  readonly force?: true;
  readonly yes?: true;
}

/** Puts a question to somebody and waits for the answer. */
export type Ask = (question: string) => Promise<string>;

/** One question: how it is put, what stands for no answer, and how an answer is read. */
interface Question<Answer> {
  readonly text: string;
  readonly usual: string;
  /** @throws UsageError that says what is wrong with the answer */
  readonly read: (answer: string) => Answer;
}

const FROM: Question<Start> = {
  text: 'Who makes customers of your contacts: your sales people (sales-led) or the product itself (product-led)?',
  usual: 'sales-led',
  read: (answer) => oneOf(answer, ['sales-led', 'product-led']),
};
const OWN_DOMAINS: Question<string[]> = {
  text: 'Your own e-mail domains, so that colleagues get no score (several: with commas; none: leave it empty)?',
  usual: '',
  read: domainsIn,
};
const PACE: Question<Pace> = {
  text: 'How long do contacts take to decide: slow (many months), usual (weeks to months) or fast (days to weeks)?',
  usual: 'usual',
  read: (answer) => oneOf(answer, ['slow', 'usual', 'fast']),
};

function competitorsBeside(ownDomains: readonly string[]): Question<string[]> {
  return {
    text: 'The domains of your competitors (several: with commas; none: leave it empty)?',
    usual: '',
    read: (answer) => {
      const domains = domainsIn(answer);
      const own = domains.find((domain) => ownDomains.includes(domain));
      if (own === undefined) return domains;
      throw new UsageError(
        `found "${own}", which is one of your own domains, expected that of somebody else`,
      );
    },
  };
}

function nameOf(ownDomains: readonly string[]): Question<string> {
  const [label = ''] = (ownDomains[0] ?? '').split('.');
  return {
    text: 'Name of the model, which stands on every score?',
    usual: NAME.test(label) ? label : 'mine',
    read: (answer) => {
      if (NAME.test(answer)) return answer;
      throw new UsageError(`found "${answer}", ${NAME_WANTED}`);
    },
  };
}

function oneOf<Choice extends string>(answer: string, choices: readonly Choice[]): Choice {
  const lower = answer.toLowerCase();
  const chosen = choices.filter((choice) => lower !== '' && choice.startsWith(lower));
  if (chosen[0] === undefined || chosen.length > 1)
    throw new UsageError(`found "${answer}", expected ${either(choices)}`);
  return chosen[0];
}

function domainsIn(answer: string): string[] {
  const domains = answer.split(/[\s,;]+/).filter((part) => part !== '');
  for (const domain of domains) {
    const complaint = complaintAboutDomain(domain);
    if (complaint !== undefined) throw new UsageError(complaint);
    if (freemailDomains().includes(domain.toLowerCase()))
      throw new UsageError(`found "${domain}", a public e-mail provider, expected a domain of one company`);
  }
  return [...new Set(domains.map((domain) => domain.toLowerCase()))];
}

/**
 * What a model is to be made from: from the command line, else from whoever is asked, else the usual.
 *
 * @param ask - undefined when nobody is there
 * @throws UsageError when the command line is wrong, or five answers to one question were
 */
export async function answersOf(options: InitOptions, ask: Ask | undefined): Promise<Answers> {
  const answer = async <Answer>(flag: string, question: Question<Answer>, given: string | undefined) => {
    if (given !== undefined) return readFlag(flag, question, given);
    return ask === undefined ? question.read(question.usual) : putQuestion(question, ask);
  };
  const from = await answer('--from', FROM, options.from);
  const ownDomains = await answer('--own-domain', OWN_DOMAINS, options.ownDomain?.join(','));
  const competitors = await answer(
    '--competitor',
    competitorsBeside(ownDomains),
    options.competitor?.join(','),
  );
  const pace = await answer('--pace', PACE, options.pace);
  const name = await answer('--name', nameOf(ownDomains), options.name);
  return { from, name, ownDomains, competitors, pace };
}

function readFlag<Answer>(flag: string, { read }: Question<Answer>, given: string): Answer {
  try {
    return read(given);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${flag}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Times that one question is put. */
const TRIES = 5;

async function putQuestion<Answer>({ text, usual, read }: Question<Answer>, ask: Ask): Promise<Answer> {
  let complaint = '';
  for (let tried = 0; tried < TRIES; tried++) {
    const answer = await ask(`${complaint}${text}${usual === '' ? '' : ` [${usual}]`} `);
    try {
      return read(answer === '' ? usual : answer);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      complaint = `  ${error.message}\n`;
    }
  }
  throw new UsageError(`${complaint.trim()}; nothing was written`);
}

/**
 * Asks on a terminal. An end of the input, or Ctrl-C, is an answer too: none.
 *
 * @returns how to ask, and how to end
 */
export function askOn(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): { readonly ask: Ask; readonly end: () => void } {
  const lines = createInterface({ input, output });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  const ask = async (question: string): Promise<string> => {
    try {
      return (await lines.question(question, { signal: ended.signal })).trim();
    } catch (cause) {
      throw new UsageError('the questions were not answered; nothing was written', { cause });
    }
  };
  return { ask, end: () => lines.close() };
}

/** Whether the command line leaves no question open. */
export function isAnswered({ from, name, ownDomain, competitor, pace }: InitOptions): boolean {
  return [from, name, ownDomain, competitor, pace].every((answer) => answer !== undefined);
}

/** A change of a text: what stands from one position to another is replaced. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * A model as text: one that ships, with the answers put in. All else, comments and layout too, stays as it is.
 *
 * @param out - where it will stand, for the path of the schema
 * @throws UsageError when the model that ships lacks a part that is to be filled in
 */
export function makeModel({ from, name, ownDomains, competitors, pace }: Answers, out: string): string {
  const file = STARTS[from];
  const source = readFileSync(join(MODELS, file), 'utf8');
  const template = new Template(file, source);
  const edits = [
    template.replaced(['name'], stringify(name).trimEnd()),
    ...template.withEmployees(ownDomains),
    ...template.withCompetitors(competitors),
    ...(pace === 'usual' ? [] : template.daysTimes(PACES[pace])),
  ];
  const written = edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, edit) => text.slice(0, edit.from) + edit.text + text.slice(edit.to), source);
  const made = `# Made by \`afterglow model init\` from models/${file}, whose comments follow. It is yours to change.`;
  const [, ...rest] = written.split('\n'); // The first line tells editors where the schema is.
  return [`# yaml-language-server: $schema=${schemaFrom(out)}`, made, ...rest].join('\n');
}

function schemaFrom(out: string): string {
  const path = relative(dirname(out), join(MODELS, 'schema.json')).replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`;
}

/** A model that ships, by ids and keys. */
class Template {
  readonly #file: string;
  readonly #source: string;
  readonly #document: Document;

  constructor(file: string, source: string) {
    this.#file = file;
    this.#source = source;
    this.#document = parseDocument(source);
    if (!source.startsWith('# yaml-language-server:')) this.#fail('first line for editors');
  }

  #fail(part: string): never {
    throw new UsageError(
      `models/${this.#file} has no ${part} that could be filled in; restore it, or copy the model by hand`,
    );
  }

  replaced(path: readonly (string | number)[], text: string): Edit {
    const node = this.#document.getIn(path, true);
    const range = isNode(node) ? node.range : undefined;
    if (!range) return this.#fail(path.join('.'));
    return { from: range[0], to: range[1], text };
  }

  #exclusion(id: string): { readonly at: number; readonly rule: YAMLMap } | undefined {
    const exclusions = this.#document.get('exclusions');
    const rules = isSeq(exclusions) ? exclusions.items : [];
    const at = rules.findIndex((rule) => isMap(rule) && rule.get('id') === id);
    const rule = rules[at];
    return isMap(rule) ? { at, rule } : undefined;
  }

  #domainsOf(id: string, domains: readonly string[]): Edit {
    const found = this.#exclusion(id);
    if (!isSeq(found?.rule.get('domain'))) return this.#fail(`exclusion "${id}" with domains`);
    return this.replaced(['exclusions', found?.at ?? 0, 'domain'], `[${domains.join(', ')}]`);
  }

  /** The rule for colleagues, or what it would be. */
  withEmployees(domains: readonly string[]): Edit[] {
    return domains.length === 0 ? [this.#silenced('employee')] : [this.#domainsOf('employee', domains)];
  }

  /** Put into the rule for competitors, or with one below that for colleagues. */
  withCompetitors(domains: readonly string[]): Edit[] {
    const isThere = this.#exclusion('competitor') !== undefined;
    if (isThere) {
      const rule =
        domains.length === 0 ? this.#silenced('competitor') : this.#domainsOf('competitor', domains);
      return [rule, ...this.#without('; these two do not exist')];
    }
    if (domains.length === 0) return [];
    const { to } = this.#domainsOf('employee', []);
    const from = this.#source.indexOf('\n', to) + 1;
    const text = [
      '  # The domains of your competitors.',
      '  - id: competitor',
      '    title: Works for a competitor',
      '    property: email',
      `    domain: [${domains.join(', ')}]`,
      '',
    ];
    return [{ from, to: from, text: text.join('\n') }];
  }

  /** A rule for domains that nobody gave: a comment, since a domain that does not exist would excuse nobody from filling it in. */
  #silenced(id: string): Edit {
    const { from: begin, to } = this.#domainsOf(id, []);
    const from = this.#source.lastIndexOf('  - id:', begin);
    if (from === -1) return this.#fail(`exclusion "${id}" that begins with its id`);
    const rule = `${this.#source.slice(from, begin)}[…]`;
    const lines = rule.split('\n').map((line) => line.replace(/^ {2}/, '  # '));
    return {
      from,
      to,
      text: ['  # Put the domains between the brackets, and remove the # of these lines.', ...lines].join(
        '\n',
      ),
    };
  }

  /** Part of a comment that is true of the model that ships and of no other. */
  #without(words: string): Edit[] {
    const from = this.#source.indexOf(words);
    return from === -1 ? [] : [{ from, to: from + words.length, text: '' }];
  }

  daysTimes(factor: number): Edit[] {
    return [this.#horizonTimes(factor), ...this.#halfLivesTimes(factor)];
  }

  #horizonTimes(factor: number): Edit {
    const days = this.#document.get('horizonDays');
    if (typeof days !== 'number') return this.#fail('horizonDays');
    return this.replaced(['horizonDays'], String(Math.min(MOST_HORIZON_DAYS, Math.ceil(days * factor))));
  }

  #halfLivesTimes(factor: number): Edit[] {
    const signals = this.#document.getIn(['engagement', 'signals']);
    if (!isSeq(signals)) return this.#fail('engagement.signals');
    return signals.items.flatMap((signal, at) => {
      const days = isMap(signal) ? signal.get('halfLifeDays', true) : undefined;
      if (!isScalar(days) || typeof days.value !== 'number') return [];
      return [this.replaced(['engagement', 'signals', at, 'halfLifeDays'], String(days.value * factor))];
    });
  }
}

/** What `model init` did. */
export interface Made {
  readonly file: string;
  readonly answers: Answers;
}

/**
 * Asks, makes a model, and writes it where nothing stands yet.
 *
 * @param ask - undefined when nobody is there
 * @throws UsageError when an answer is wrong, or the file is there already; nothing is written then
 */
export async function initModel(options: InitOptions, ask: Ask | undefined): Promise<Made> {
  const refuseOverwriting = (file: string) => {
    if (options.force !== true && existsSync(file))
      throw new UsageError(`${file} is there already: name another with --out, or overwrite it with --force`);
  };
  if (options.out !== undefined) refuseOverwriting(options.out); // Before anybody answers for nothing.
  const answers = await answersOf(options, ask);
  const file = options.out ?? join('models', `${answers.name}.yaml`);
  refuseOverwriting(file);
  const text = makeModel(answers, file);
  readModelText(text, file);
  try {
    writeFileSync(file, text, { flag: options.force === true ? 'w' : 'wx' });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${file} cannot be written; is its folder there? (${reason})`, { cause });
  }
  return { file, answers };
}

/** What to do with a new model. */
export function nextSteps({ file, answers: { from, ownDomains, competitors } }: Made): string {
  const hasPlaceholders = competitors.length === 0 && from === 'sales-led';
  const steps = [
    `Read ${file}: every rule says what it is for. Change points, words and half-lives; check it after every change:\n     npm run afterglow -- model check ${file}`,
    ...(ownDomains.length === 0
      ? ['Put your own domains into the exclusion "employee", and remove the # in front of its lines.']
      : []),
    ...(hasPlaceholders
      ? [
          'Put the domains of your competitors into the exclusion "competitor", and remove the # in front of its lines.',
        ]
      : []),
    ...(from === 'sales-led'
      ? [
          'Add RECYCLED to the options of hs_lead_status in HubSpot, or name in the reset "recycled" what you use.',
        ]
      : []),
    `See it score a demo portal on this machine:\n     npm start -- --model ${file}`,
    `Deploy it: set "model" in cdk.json to ${JSON.stringify(file)}, and run npx cdk deploy.`,
  ];
  return ['What to do next:', ...steps.map((step, at) => `  ${at + 1}. ${step}`)].join('\n');
}
