import { exampleOf, formatWarmest, warmest } from '../../../local/demo/warmest.ts';
import { type Crm, createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

function portal(): Crm {
  const crm = createCrm(createCrmState(() => Date.parse('2026-11-01T12:00:00Z'), 1));
  for (const name of ['afterglow_score', 'afterglow_grade', 'afterglow_reasons']) {
    const type = name === 'afterglow_score' ? 'number' : 'string';
    crm.defineProperty('contacts', { name, type, fieldType: 'text', groupName: 'afterglow' });
  }
  return crm;
}

function contact(crm: Crm, firstname: string, score: string, reasons = ''): void {
  const grade = score === '' ? '' : 'B';
  crm.create('contacts', {
    email: `${firstname.toLowerCase()}@wolff.example`,
    firstname,
    company: 'Wolff Systems',
    afterglow_score: score,
    afterglow_grade: grade,
    afterglow_reasons: reasons,
  });
}

test('the warmest contacts come first, by number, and those without a score not at all', () => {
  const crm = portal();
  contact(crm, 'Ada', '9');
  contact(crm, 'Bo', '72', '+20 Decision maker\n+16 Looked at pricing');
  contact(crm, 'Cleo', '');
  contact(crm, 'Dan', '0');

  expect(warmest(crm, 10).map(({ name, score }) => [name, score])).toEqual([
    ['Bo', 72],
    ['Ada', 9],
    ['Dan', 0],
  ]);
  expect(warmest(crm, 1)).toHaveLength(1);
});

test('the table shows grade, score, name, company and reasons, cut to the width of the terminal', () => {
  const crm = portal();
  contact(crm, 'Bo', '72', '+20 Decision maker\n+16 Looked at pricing');

  const wide = formatWarmest(warmest(crm, 10), 200).split('\n');
  const narrow = formatWarmest(warmest(crm, 10), 60).split('\n');

  expect(wide[0]).toMatch(/^GRADE +SCORE +NAME +COMPANY +CONTACT +REASONS$/);
  expect(wide[1]).toMatch(/^B +72 +Bo +Wolff Systems +\d+ +\+20 Decision maker · \+16 Looked at pricing$/);
  expect(narrow.every((line) => line.length <= 60)).toBe(true);
});

test('a contact without a name is shown by its address', () => {
  const crm = portal();
  crm.create('contacts', { email: 'x@webmail.example', afterglow_score: '5' });

  expect(warmest(crm, 1)[0]?.name).toBe('x@webmail.example');
});

test('the contact to try things with has room to rise and to fall', () => {
  const crm = portal();
  for (const score of ['100', '80', '57', '40', '0']) contact(crm, `Contact-${score}`, score);

  expect(exampleOf(warmest(crm, 10))?.name).toBe('Contact-57');
});
