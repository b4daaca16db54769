import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { readModelAndWarnings, readModelText } from '../../cli/model-file.ts';
import { type Answers, answersOf, askOn, initModel, makeModel, nextSteps } from '../../cli/model-init.ts';

const directory = mkdtempSync(join(tmpdir(), 'afterglow-init-'));
const STARTS = [
  ['sales-led', 'models/b2b-saas.yaml'],
  ['product-led', 'models/plg.yaml'],
] as const;
const USUAL = {
  from: 'sales-led',
  name: 'mine',
  ownDomains: [],
  competitors: [],
  pace: 'usual',
} as const satisfies Answers;

let files = 0;

afterAll(() => rmSync(directory, { recursive: true }));

/** A path at which nothing stands. */
function fresh(): string {
  files += 1;
  return join(directory, `model-${files}.yaml`);
}

/** Somebody who gives these answers, and what they were asked. */
function somebody(...answers: string[]) {
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return answers.shift() ?? '';
  };
  return { ask, asked };
}

describe('a made model', () => {
  const combinations = STARTS.flatMap(([from, start]) =>
    (['slow', 'usual', 'fast'] as const).flatMap((pace) =>
      [[], ['acme.example'], ['acme.example', 'münchen.example']].flatMap((ownDomains) =>
        [[], ['rival.co.uk']].map((competitors) => ({
          from,
          start,
          pace,
          ownDomains,
          competitors,
          name: 'acme',
        })),
      ),
    ),
  );

  test.each(combinations)(
    'passes the check: $from, $pace, own $ownDomains, competitors $competitors',
    ({ start, ...answers }) => {
      const text = makeModel(answers, 'models/acme.yaml');

      const { model, warnings } = readModelText(text, 'models/acme.yaml');
      const domainsOf = (id: string) => model.exclusions.find((one) => one.id === id)?.domain ?? [];
      // Of domains that cannot exist, those that were given; of options of one's own, the one that sales-led models need.
      const doubts = warnings.map(({ reason }) => /^found "([^"]+)"/.exec(reason)?.[1]);
      const needed = answers.from === 'sales-led' ? ['RECYCLED'] : [];
      expect(doubts).toEqual([...answers.ownDomains, ...needed]);
      expect(model.name).toBe('acme');
      expect(domainsOf('employee')).toEqual(answers.ownDomains);
      expect(domainsOf('competitor')).toEqual(answers.competitors);
      const shippedModel = readModelAndWarnings(start).model;
      const shipped = shippedModel.engagement.signals;
      const factor = { slow: 2, usual: 1, fast: 0.5 }[answers.pace];
      const horizon = { 'sales-led': [390, 365, 183], 'product-led': [90, 45, 23] }[answers.from];
      expect(model.horizonDays).toBe(horizon[['slow', 'usual', 'fast'].indexOf(answers.pace)]);
      expect(model.engagement.signals.map(({ halfLifeDays }) => halfLifeDays)).toEqual(
        shipped.map(({ halfLifeDays }) => (halfLifeDays === 'never' ? 'never' : halfLifeDays * factor)),
      );
    },
  );

  test.each(STARTS)(
    'keeps every line of the %s model, comments too, but for what was answered',
    (from, start) => {
      const [, ...shipped] = readFileSync(start, 'utf8').split('\n');
      const [schema, made, ...rest] = makeModel({ ...USUAL, from }, 'models/mine.yaml').split('\n');

      expect(schema).toBe('# yaml-language-server: $schema=./schema.json');
      expect(made).toContain(`from ${start}`);
      const kept = shipped.filter((line) => !rest.includes(line));
      const added = rest.filter((line) => !shipped.includes(line));
      const isAboutDomains =
        /^name: |^ {2}# (?:Put the domains|The domains of|- id: (?:employee|competitor)| {2}(?:title|property|domain): )/;
      expect(added.filter((line) => !isAboutDomains.test(line))).toEqual([]);
      expect(kept.filter((line) => !isAboutDomains.test(line.replace(/^ {2}(?=[ -])/, '  # ')))).toEqual([]);
      expect(kept.length).toBeGreaterThan(0);
    },
  );

  test.each(STARTS)('begun as %s names no domain that nobody gave, and says where they go', (from) => {
    const text = makeModel({ ...USUAL, from }, 'models/mine.yaml');

    expect(text).not.toContain('.example');
    expect(text).toContain(
      [
        '  # Put the domains between the brackets, and remove the # of these lines.',
        '  # - id: employee',
        '  #   title: Works for us',
        '  #   property: email',
        '  #   domain: […]',
        '',
      ].join('\n'),
    );
    const filledIn = text.replace(
      /^ {2}# (- id: employee\n) {2}# (.*\n) {2}# (.*\n) {2}# (.*)\[…\]$/m,
      '  $1  $2  $3  $4[acme.com]',
    );
    const { exclusions } = readModelText(filledIn, 'mine.yaml').model;
    expect(exclusions.find(({ id }) => id === 'employee')?.domain).toEqual(['acme.com']);
  });

  test.each(STARTS)('begun as %s does not call itself the default', (from) => {
    expect(makeModel({ ...USUAL, from }, 'models/mine.yaml')).not.toMatch(/default/i);
  });

  test('of competitors no longer says that they do not exist', () => {
    const text = makeModel({ ...USUAL, competitors: ['big.example'] }, 'models/mine.yaml');

    expect(text).toContain('  # The domains of your competitors.\n  - id: competitor\n');
    expect(text).toContain('    domain: [big.example]\n');
  });

  test.each([
    ['models/mine.yaml'],
    ['mine.yaml'],
    ['elsewhere/deep/mine.yaml'],
    [join(tmpdir(), 'mine.yaml')],
  ])('tells an editor where the schema is, from %s', (out) => {
    const [, schema = ''] = /\$schema=(.*)/.exec(makeModel(USUAL, out)) ?? [];

    expect(resolve(dirname(out), schema)).toBe(resolve('models/schema.json'));
    expect(schema).toMatch(/^\.\.?\//);
  });

  test('may have a name that YAML would read as something else', () => {
    for (const name of ['123', 'null', 'true', '1e5'])
      expect(readModelText(makeModel({ ...USUAL, name }, 'a.yaml'), 'a.yaml').model.name).toBe(name);
  });
});

describe('the answers', () => {
  test('are the usual ones where nobody is asked', async () => {
    expect(await answersOf({}, undefined)).toEqual(USUAL);
  });

  test('come from the command line, and only the rest is asked', async () => {
    const { ask, asked } = somebody('big.example', 'f');

    const answers = await answersOf({ from: 'product-led', ownDomain: ['acme.example'], name: 'ours' }, ask);

    expect(answers).toEqual({
      from: 'product-led',
      name: 'ours',
      ownDomains: ['acme.example'],
      competitors: ['big.example'],
      pace: 'fast',
    });
    expect(asked).toHaveLength(2);
  });

  test('are asked for one after the other; an empty one is the usual, the name that of the own domain', async () => {
    const { ask, asked } = somebody('', 'Acme.example, acme.co.uk', '', '', '');

    expect(await answersOf({}, ask)).toEqual({
      ...USUAL,
      name: 'acme',
      ownDomains: ['acme.example', 'acme.co.uk'],
    });
    expect(asked[0]).toMatch(/sales-led.*product-led.*\[sales-led\] $/);
    expect(asked.at(-1)).toMatch(/Name of the model.*\[acme\] $/);
  });

  test('are asked for again when they are wrong, with the reason', async () => {
    const { ask, asked } = somebody(
      'both',
      'sales-led',
      'sales@acme.example',
      'acme.example',
      '',
      '',
      'My model',
      'ours',
    );

    expect(await answersOf({}, ask)).toMatchObject({
      from: 'sales-led',
      ownDomains: ['acme.example'],
      name: 'ours',
    });
    expect(asked[1]).toMatch(/^ {2}found "both", expected sales-led or product-led\nWho/);
    expect(asked[3]).toMatch(/^ {2}found "sales@acme.example".*did you mean "acme.example"\?\nYour own/);
    expect(asked[7]).toMatch(/^ {2}found "My model", expected lower-case letters, digits and hyphens/);
  });

  test('are not asked for for ever', async () => {
    const { ask, asked } = somebody(...Array.from({ length: 9 }, () => 'perhaps'));

    await expect(answersOf({}, ask)).rejects.toThrow(
      'found "perhaps", expected sales-led or product-led; nothing was written',
    );
    expect(asked).toHaveLength(5);
  });

  test.each([
    [{ from: '' }, '--from: found "", expected sales-led or product-led'],
    [{ from: 'sales-led ' }, '--from: found "sales-led ", expected sales-led or product-led'],
    [{ pace: 'quick' }, '--pace: found "quick", expected slow, usual or fast'],
    [
      { name: 'My model' },
      '--name: found "My model", expected lower-case letters, digits and hyphens, at most 40',
    ],
    [
      { ownDomain: ['@acme.example'] },
      '--own-domain: found "@acme.example", expected a domain such as acme.example; did you mean "acme.example"?',
    ],
    [{ ownDomain: ['freemail'] }, '--own-domain: found "freemail", expected a domain such as acme.example'],
    [
      { ownDomain: ['acme.example', 'gmail.com'] },
      '--own-domain: found "gmail.com", a public e-mail provider, expected a domain of one company',
    ],
    [
      { competitor: ['co.uk'] },
      '--competitor: found "co.uk", under which anybody may have a domain, expected a domain such as acme.example',
    ],
    [
      { ownDomain: ['acme.example', 'acme.co.uk'], competitor: ['rival.example', 'Acme.co.uk'] },
      '--competitor: found "acme.co.uk", which is one of your own domains, expected that of somebody else',
    ],
  ])('%j on the command line is refused', async (options, complaint) => {
    await expect(answersOf(options, undefined)).rejects.toThrow(complaint);
  });

  test('may be shortened while it is clear what is meant', async () => {
    expect(await answersOf({ from: 'Product', pace: 's' }, undefined)).toMatchObject({
      from: 'product-led',
      pace: 'slow',
    });
  });
});

describe('the file', () => {
  test('is written where nothing stands yet, and is a valid model', async () => {
    const out = fresh();

    const made = await initModel({ out, yes: true }, undefined);

    expect(made.file).toBe(out);
    expect(readModelAndWarnings(out)).toMatchObject({ model: { name: 'mine' } });
  });

  test('is never overwritten, and nobody is asked in vain', async () => {
    const out = fresh();
    writeFileSync(out, 'precious');
    const { ask, asked } = somebody();

    await expect(initModel({ out }, ask)).rejects.toThrow(
      /is there already: name another with --out, or overwrite/,
    );
    expect(readFileSync(out, 'utf8')).toBe('precious');
    expect(asked).toEqual([]);
  });

  test('is overwritten when that is wanted', async () => {
    const out = fresh();
    writeFileSync(out, 'worthless');

    await initModel({ out, force: true }, undefined);

    expect(readModelAndWarnings(out).model.name).toBe('mine');
  });

  test('stands among the models by its name', async () => {
    await expect(initModel({ name: 'b2b-saas' }, undefined)).rejects.toThrow(
      `${join('models', 'b2b-saas.yaml')} is there already`,
    );
  });

  test('is not written into a folder that is not there', async () => {
    const out = join(directory, 'nowhere', 'mine.yaml');

    await expect(initModel({ out }, undefined)).rejects.toThrow(
      `${out} cannot be written; is its folder there?`,
    );
    expect(existsSync(out)).toBe(false);
  });
});

describe('on a terminal', () => {
  test('a question is shown, and the line that follows is the answer', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const { ask, end } = askOn(input, output);

    const answer = ask('Which? ');
    input.write('  this \n');

    expect(await answer).toBe('this');
    expect(String(output.read())).toContain('Which? ');
    end();
  });

  test('an end of the input is said to be one: nothing is written', async () => {
    const input = new PassThrough();
    const out = fresh();

    const made = initModel({ out }, askOn(input, new PassThrough()).ask);
    input.end();

    await expect(made).rejects.toThrow('the questions were not answered; nothing was written');
    expect(existsSync(out)).toBe(false);
  });
});

test('what to do next names the rules that still need an answer', () => {
  const open = nextSteps({ file: 'models/mine.yaml', answers: USUAL });
  const answered = nextSteps({
    file: 'models/mine.yaml',
    answers: { ...USUAL, ownDomains: ['acme.example'], competitors: ['big.example'] },
  });

  expect(open).toContain('exclusion "employee"');
  expect(open).toContain('exclusion "competitor"');
  expect(open).toContain('Add RECYCLED to the options of hs_lead_status');
  expect(answered).not.toContain('exclusion');
  for (const text of [open, answered]) {
    expect(text).toContain('npm run afterglow -- model check models/mine.yaml');
    expect(text).toContain('npm start -- --model models/mine.yaml');
    expect(text).toContain('set "model" in cdk.json to "models/mine.yaml"');
  }
});
