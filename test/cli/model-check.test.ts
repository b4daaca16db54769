import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkModelFile, formatCheck } from '../../cli/model-check.ts';
import { readModelFile } from '../../cli/model-file.ts';
import { rehearse, rulesMet } from '../../cli/rehearsal.ts';
import { TYPICAL_CONTACTS, type TypicalContact } from '../../cli/typical-contacts.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { modelOf } from '../scoring/model-of.ts';

const directory = mkdtempSync(join(tmpdir(), 'afterglow-check-'));

/** What the command says; in a process of its own, where a year of five contacts takes a second. */
function run(...args: string[]): Promise<string> {
  const command = join(import.meta.dirname, '../../cli/afterglow.ts');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [command, 'model', 'check', ...args], (error, stdout, stderr) => {
      if (error !== null || stderr !== '') reject(new Error(stderr, { cause: error }));
      else resolve(stdout);
    });
  });
}

let [salesLed, productLed, productLedJson] = ['', '', ''];

beforeAll(async () => {
  [salesLed, productLed, productLedJson] = await Promise.all([
    run('models/b2b-saas.yaml'),
    run('models/plg.yaml', '--days', '30'),
    run('models/plg.yaml', '--days', '3', '--json'),
  ]);
});

afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(text: string): string {
  const file = join(directory, 'mine.yaml');
  writeFileSync(file, text);
  return file;
}

/** A contact of no properties to whom these things happen. */
function contactOf(...happenings: TypicalContact['happenings']): TypicalContact {
  return { id: 'one', title: 'One', story: 'does it', properties: {}, company: {}, happenings };
}

const LOGIN =
  '{ id: login, title: Logged in, from: { kind: signal, signal: login }, points: 8, halfLifeDays: 1 }';

function loginsShown(display: string): Model {
  return modelOf(`{ engagement: { signals: [${LOGIN}] }, display: ${display} }`);
}

describe('a rehearsal', () => {
  test('counts one write for the first score, one for each signal, and one for each night that fades a shown point', () => {
    const model = modelOf(`engagement: { signals: [${LOGIN}] }`);

    const { days, writes } = rehearse(model, contactOf({ day: 2, signals: ['login'] }));

    // At 9:00 of day 2: 8. The nights at 2:00 see it 17 h old, 41 h, and so on: 8 × 2^(-17/24) = 4.9, 2.4, 1.2, 0.6, 0.3.
    expect(days.slice(0, 9).map(({ score }) => score)).toEqual([null, null, 8, 5, 2, 1, 1, 0, 0]);
    // First (no score yet), 8, 5, 2, 1, 0, and after 365 days nothing is left at all, which is not told within the year.
    expect(writes).toBe(6);
    expect(days).toHaveLength(366);
  });

  test('writes less with larger steps, and least with the grade alone', () => {
    const contact = contactOf({ day: 2, signals: ['login'] });

    expect(rehearse(loginsShown('{ step: 5 }'), contact).writes).toBe(4); // none, 10, 5, 0
    expect(rehearse(loginsShown('{ step: 10 }'), contact).writes).toBe(3); // none, 10, 0
    expect(rehearse(loginsShown('{ gradeOnly: true }'), contact).writes).toBe(2); // none, and the grade with its reason
  });

  test('counts what happens at one time as one write', () => {
    const model = modelOf(`engagement: { signals: [${LOGIN},
      { id: page, title: Page, from: { kind: text, property: page, contains: [/a] }, points: 4, halfLifeDays: never }] }`);
    const both = contactOf({ day: 1, signals: ['login'], set: { page: 'https://x.example/a' } });

    expect(rehearse(model, both, 1)).toMatchObject({ writes: 2, days: [{ score: null }, { score: 12 }] });
  });

  test('tells in the reasons of each day when the grade falls next', () => {
    const model = modelOf(`{ engagement: { signals: [
      { id: demo, title: Demo, from: { kind: signal, signal: demo }, points: 80, halfLifeDays: 10 } ] },
      grades: { bands: [{ grade: A, from: 70 }, { grade: B, from: 30 }, { grade: C, from: 0 }] } }`);
    const demos = [1, 8, 9].map((day) => ({ day, signals: ['demo'] }));

    const { days } = rehearse(model, contactOf(...demos), 30);
    const lastLineOf = (day: number) => days[day]?.reasons.split('\n').at(-1);

    // Day 0 is 1 January. A until 69.5: 10 × log2(80 / 69.5) = 2.03 days after 2 January, 9:00; B until 29.5: 14.39 days after.
    expect(lastLineOf(2)).toBe('Falls to B on 4 Jan 2026');
    expect(lastLineOf(6)).toBe('Falls to C on 16 Jan 2026');
    // 80 × 2^(-0.7) = 49.25 are left on day 8: 129.25, 8.95 days; on day 9 129.25 × 2^(-0.1) + 80 = 200.6, 15.29 days.
    expect(lastLineOf(8)).toBe('Falls to B on 18 Jan 2026');
    expect(lastLineOf(9)).toBe('Falls to B on 25 Jan 2026');
  });

  test('knows the rules that a contact meets, whatever was forgotten or left out since', () => {
    const model = modelOf(`{ horizonDays: 30, engagement: { groups: { app: { cap: 9 } }, signals: [
      { id: login, title: Logged in, from: { kind: signal, signal: login }, points: 8, halfLifeDays: 1, group: app },
      { id: demo, title: Demo, from: { kind: signal, signal: demo }, points: 8, halfLifeDays: 1 } ] },
      exclusions: [ { id: silent, title: Silent, deal: lost, onlyGroup: app } ],
      resetOn: [ { id: lost-deal, title: Lost, deal: lost } ] }`);
    const contact = contactOf({ day: 1, signals: ['login', 'demo'] }, { day: 2, deal: 'lost' });

    expect(rulesMet(model, contact)).toEqual({ fit: [], signals: ['login', 'demo'] });
  });

  test('reads properties, counts, times and deals as the running system does', () => {
    const model = modelOf(`{
      fit: { rules: [
        { id: size, title: Size, property: company.numberofemployees, atLeast: 100, points: 10 },
        { id: private, title: Private, property: email, domain: [mail.example], points: -4 } ] },
      exclusions: [ { id: won-deal, title: Won, deal: won } ],
      engagement: { signals: [
        { id: views, title: Views, from: { kind: counter, property: views }, points: 2, halfLifeDays: never },
        { id: click, title: Click, from: { kind: timestamp, property: clicked }, points: 5, halfLifeDays: never },
        { id: stage, title: Stage, from: { kind: transition, property: stage, to: [hot] }, points: 1, halfLifeDays: never } ] } }`);
    const contact: TypicalContact = {
      ...contactOf(
        { day: 1, rise: { views: 3 } },
        { day: 2, rise: { views: 1 }, set: { clicked: '{now}' } },
        { day: 3, set: { stage: 'hot' }, deal: 'open' },
        { day: 4, deal: 'won' },
      ),
      properties: { email: 'somebody@mail.example' },
      company: { numberofemployees: '100' },
    };

    // 10 - 4 = 6; 3 views at 2 = 12; one more and a click 17 + 2 + 5; the stage 1; then the won deal.
    expect(rehearse(model, contact, 4).days.map(({ score, status }) => score ?? status)).toEqual([
      6,
      12,
      19,
      20,
      'excluded_won_deal',
    ]);
    expect(rulesMet(model, contact)).toEqual({
      fit: ['size', 'private'],
      signals: ['views', 'click', 'stage'],
    });
  });
});

test('a rehearsed visit has its source, where the model keeps visits', () => {
  const model = readModelFile('models/b2b-saas.yaml');
  const seen = { by: 'browser', utmSource: 'chatgpt.com', landing: 'https://www.yours.example/' } as const;

  const { days, writes } = rehearse(model, contactOf({ day: 3, seen }), 3);

  expect(days[2]?.journey).toMatchObject({ aiSessions: 0 });
  expect(days[3]).toMatchObject({ score: 6, journey: { aiSessions: 1, text: 'ChatGPT 4 Jan 2026' } });
  expect(writes).toBe(2); // The first, without a score, and the visit.
});

test('every signal of the models that ship is met by one of the five, but for those named', () => {
  expect(salesLed).toContain('\nNone of the five does: Marked unqualified, Left an invoice unpaid.\n');
  expect(productLed).toContain('\nNone of the five does: Went back to the free plan.\n');
});

test('shows five contacts over the days that were asked for, and what a year of them costs', () => {
  expect(salesLed).toContain('models/b2b-saas.yaml is a valid model: b2b-saas@');
  expect(salesLed).toMatch(/ day 0 +day 30 +day 60 +day 90\n/);
  for (const { title, story } of TYPICAL_CONTACTS) {
    expect(salesLed).toMatch(new RegExp(`^${title} +[▁▂▃▄▅▆▇█·]{31}  `, 'm'));
    expect(salesLed).toContain(`  ${story}`);
  }
  expect(salesLed).toMatch(/^step 1 \*( +[\d.,]+){8}$/m);
  expect(salesLed).toMatch(/^gradeOnly( +[\d.,]+){8}$/m);
  expect(salesLed).toContain('Assumed: ');
});

test('no line is wider than a terminal of 120', () => {
  const widths = [salesLed, productLed].flatMap((text) => text.split('\n').map((line) => line.length));

  expect(Math.max(...widths)).toBeLessThanOrEqual(120);
});

test('says from when a contact is excluded, and why', () => {
  expect(productLed).toMatch(/^Hot evaluator .* excluded\n.*\n {2}excluded_open_opportunity from day 20\n/m);
});

test('names every day once, also of a chart of a day', () => {
  expect(formatCheck(checkModelFile(fileWith(NARROW), '1'))).toMatch(/^ +day 0 +day 1$/m);
});

test('says at its row what the grade alone asks of a model with company scores', () => {
  expect(salesLed).toMatch(/^gradeOnly .*\n {2}asks to remove companyScore, /m);
  expect(formatCheck(checkModelFile(fileWith(NARROW), '1'))).not.toContain('companyScore');
});

const NARROW = `
name: narrow
range: { min: 0, max: 75 }
fit: { rules: [] }
engagement:
  signals:
    - { id: fair, title: Met at the fair, from: { kind: signal, signal: fair.met }, points: 75, halfLifeDays: 30 }
grades: { bands: [{ grade: A, from: 50 }, { grade: B, from: 0 }] }
`;

test('says so where a model scores nothing of a contact, and which signals nobody gives', () => {
  const text = formatCheck(checkModelFile(fileWith(NARROW), '9'));

  expect(text.match(/^ {2}no rule of this model scores anything of this contact$/gm)).toHaveLength(5);
  expect(text).toContain('None of the five does: Met at the fair.');
  expect(text).toMatch(/^Newsletter reader +·{10} {2}no score/m);
});

test('begins with what is doubtful', () => {
  const file = fileWith(NARROW.replace('engagement:', 'engagement:\n  groups: { fairs: { cap: 5 } }'));

  expect(formatCheck(checkModelFile(file, '1'))).toMatch(
    /^warning: .*mine\.yaml:6: engagement\.groups\.fairs: found a group of no signal, .*\n\n.* is a valid model/,
  );
});

test('says which display steps the range of a model does not allow', () => {
  const check = checkModelFile(fileWith(NARROW), '1');

  expect(check.costs.map(({ display, isOwn, writes }) => [display, isOwn, writes === undefined])).toEqual([
    ['step 1', true, false],
    ['step 5', false, false],
    ['step 10', false, true], // 75 is no multiple of 10
    ['gradeOnly', false, false],
  ]);
  expect(formatCheck(check)).toMatch(/^step 10 +not with this range/m);
});

test('shows numbers also of a model that shows the grade alone', () => {
  const file = fileWith(`${NARROW.replace('fair.met', 'trial.started')}display: { gradeOnly: true }\n`);

  const { courses, costs } = checkModelFile(file, '14');

  expect(courses[0]?.days[14]).toMatchObject({ score: 75, grade: 'A' }); // The evaluator's trial, on day 14.
  expect(costs.find(({ isOwn }) => isOwn)?.display).toBe('gradeOnly');
});

test('as JSON it is one object with the days of every contact and the writes of every display', () => {
  const json = JSON.parse(productLedJson);

  expect(json).toMatchObject({
    file: 'models/plg.yaml',
    model: expect.stringMatching(/^plg@[0-9a-f]{12}$/),
    warnings: [],
    signalsOfNobody: ['Went back to the free plan'],
    assumptions: expect.arrayContaining([expect.stringContaining('100,000 contacts')]),
  });
  expect(json.contacts).toHaveLength(5);
  for (const { days } of json.contacts)
    expect(days.map(({ day }: { day: number }) => day)).toEqual([0, 1, 2, 3]);
  for (const { byContact, portal } of json.writesAYear) {
    const sum = byContact.reduce((all: number, writes: number) => all + writes, 0);
    expect(portal).toEqual({
      contacts: 100_000,
      average: sum / 5,
      writes: sum * 20_000,
      calls: sum * 200,
    });
  }
});

test.each([['0'], ['366'], ['-1'], ['a week'], ['1.5'], ['']])('%p are no days', (days) => {
  expect(() => checkModelFile('models/plg.yaml', days)).toThrow(
    `--days: found "${days}", expected a whole number from 1 to 365`,
  );
});

test('the typical contacts are nobody: their domains cannot exist', () => {
  for (const { properties } of TYPICAL_CONTACTS)
    expect(properties['email']).toMatch(/@(?:[a-z-]+\.example|afterglow-demo\.gmail\.com)$/);
});
