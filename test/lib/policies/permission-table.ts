import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../../../docs/permissions.md');

/** One cell of a table: the words in code font. */
function codes(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** Rows of the tables of the page under a heading, cell by cell. */
export function tableRows(heading: string): string[][] {
  const page = readFileSync(PAGE, 'utf8');
  const [, after = ''] = page.split(`\n## ${heading}\n`);
  const [section = ''] = after.split('\n## ');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
}

/** What a role may do with a resource, called by its construct path. */
export interface Documented {
  readonly role: string;
  readonly action: string;
  readonly path: string;
}

/** Every permission that the page tells of. */
export function documentedPermissions(): Documented[] {
  return tableRows('What each role may do').flatMap(([role, actions, paths]) =>
    codes(role).flatMap((one) =>
      codes(actions).flatMap((action) => codes(paths).map((path) => ({ role: one, action, path }))),
    ),
  );
}

/** Every command that the page tells of, by its first word. */
export function documentedCommands(): string[] {
  return tableRows('What the commands need').flatMap(([commands]) =>
    codes(commands).map((command) => command.split(' ')[0] ?? ''),
  );
}

/** Every action that a command is said to need. */
export function actionsOfCommands(): string[] {
  return tableRows('What the commands need').flatMap(([, needs]) =>
    codes(needs).filter((code) => code.includes(':')),
  );
}
