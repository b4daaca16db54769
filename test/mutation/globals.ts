// As much of Jest's globals as the tests of `npm run mutate` use: their files run here in one process, without Jest around each.
import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'expect';

type Act = (...given: readonly unknown[]) => unknown;

/** A `describe`, and the file itself. */
interface Group {
  readonly name: string;
  readonly around: Group | undefined;
  readonly before: Act[];
  readonly after: Act[];
  readonly beforeEach: Act[];
  readonly afterEach: Act[];
  /** Of its own and those around it: `before` has run for this load. */
  isEntered: boolean;
}

/** One test of a file that was loaded. */
export interface LoadedTest {
  readonly id: string;
  readonly group: Group;
  readonly act: Act;
}

const groupOf = (name: string, around?: Group): Group => ({
  name,
  around,
  before: [],
  after: [],
  beforeEach: [],
  afterEach: [],
  isEntered: false,
});

let group = groupOf('');
let tests: LoadedTest[] = [];

/** Loads test files one after another, and gives their tests. @param load - imports a file */
export async function collect(file: string, load: () => Promise<unknown>): Promise<LoadedTest[]> {
  group = groupOf(file);
  tests = [];
  await load();
  return tests;
}

/** @throws what the test or a hook throws */
export async function runTest({ group: own, act }: LoadedTest): Promise<void> {
  const groups = outermostFirst(own);
  for (const each of groups.filter(({ isEntered }) => !isEntered)) {
    each.isEntered = true;
    for (const before of each.before) await before();
  }
  try {
    for (const before of groups.flatMap(({ beforeEach }) => beforeEach)) await before();
    await act();
  } finally {
    for (const after of groups.toReversed().flatMap(({ afterEach }) => afterEach)) await after();
  }
}

/** What is to be cleaned up behind the tests that ran. */
export async function leave(ran: readonly LoadedTest[]): Promise<void> {
  const groups = new Set(ran.flatMap((each) => outermostFirst(each.group)).toReversed());
  for (const after of [...groups].flatMap((each) => (each.isEntered ? each.after : []))) await after();
}

function outermostFirst(own: Group): Group[] {
  return own.around === undefined ? [own] : [...outermostFirst(own.around), own];
}

function nameOf({ name, around }: Group): string {
  return around === undefined ? name : `${nameOf(around)} > ${name}`;
}

function addTest(title: string, act: Act): void {
  const sameName = tests.filter(({ id }) => id.startsWith(`${nameOf(group)} > ${title}`)).length;
  tests.push({ id: `${nameOf(group)} > ${title}${sameName === 0 ? '' : ` (${sameName})`}`, group, act });
}

function addGroup(name: string, add: Act): void {
  const around = group;
  group = groupOf(name, around);
  add();
  group = around;
}

/** `each` of Jest: a row that is an array is spread. */
const eachOf =
  (add: (title: string, act: Act) => void) =>
  (rows: readonly unknown[]) =>
  (title: string, act: Act): void => {
    for (const [at, row] of rows.entries())
      add(`${title} #${at}`, () => (Array.isArray(row) ? act(...row) : act(row)));
  };

let clock: FakeTimers.Clock | undefined;

/** Jest's clock for tests, which is the same one. */
const jest = {
  useFakeTimers: ({ now }: { now: number }) => {
    clock = FakeTimers.install({ now });
  },
  useRealTimers: () => {
    clock?.uninstall();
    clock = undefined;
  },
  advanceTimersByTimeAsync: (ms: number) => clock?.tickAsync(ms),
  setSystemTime: (now: number) => clock?.setSystemTime(now),
};

/** Puts them where test files look for them. */
export function provideGlobals(): void {
  Object.assign(globalThis, {
    expect,
    jest,
    test: Object.assign(addTest, { each: eachOf(addTest) }),
    describe: Object.assign(addGroup, { each: eachOf(addGroup) }),
    beforeAll: (act: Act) => group.before.push(act),
    afterAll: (act: Act) => group.after.push(act),
    beforeEach: (act: Act) => group.beforeEach.push(act),
    afterEach: (act: Act) => group.afterEach.push(act),
  });
}
