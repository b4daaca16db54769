// The portal's warmest contacts, as anybody would read them in HubSpot.
import type { Crm } from '../hubspot/crm.ts';

export interface WarmContact {
  readonly id: string;
  readonly name: string;
  readonly company: string;
  readonly grade: string;
  readonly score: number;
  /** One reason each, the strongest first. */
  readonly reasons: readonly string[];
}

/** The contacts with the highest scores that HubSpot shows, at most `count`; equal ones in the order of their ids. */
export function warmest(crm: Pick<Crm, 'all'>, count: number): WarmContact[] {
  return crm
    .all('contacts')
    .flatMap(({ id, properties }): WarmContact[] => {
      const of = (name: string) => properties[name] ?? '';
      if (of('afterglow_score') === '') return [];
      const name = `${of('firstname')} ${of('lastname')}`.trim();
      return [
        {
          id,
          name: name === '' ? of('email') : name,
          company: of('company'),
          grade: of('afterglow_grade'),
          score: Number(of('afterglow_score')),
          reasons: of('afterglow_reasons')
            .split('\n')
            .filter((line) => line !== ''),
        },
      ];
    })
    .toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .slice(0, count);
}

/** Half-way between the ends of the scales that most models have. */
const MIDDLE = 50;

/** A contact to try things with: the one whose score has the most room to rise and to fall. */
export function exampleOf(contacts: readonly WarmContact[]): WarmContact | undefined {
  const distance = ({ score }: WarmContact) => Math.abs(score - MIDDLE);
  return contacts.toSorted((a, b) => distance(a) - distance(b))[0];
}

/** A table for a terminal, reasons cut to the width. @param columns - width of the terminal in characters */
export function formatWarmest(contacts: readonly WarmContact[], columns = 160): string {
  const head = ['GRADE', 'SCORE', 'NAME', 'COMPANY', 'CONTACT', 'REASONS'];
  const rows = contacts.map(({ grade, score, name, company, id, reasons }) => [
    grade,
    String(score),
    cut(name, 24),
    cut(company, 26),
    id,
    reasons.join(' · '),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    cut(
      row
        .map((cell, at) => (at === 1 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
        .join('  '),
      columns,
    ).trimEnd(),
  );
  return lines.join('\n');
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
