// A test runner for Stryker that runs test files in its own process. Every mutant has all modules loaded anew, so that nothing that one
// left in a cache is there for the next, and no test runs after one has failed. It takes a tenth of the time that Jest takes.
import { readFileSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CoveragePerTestId, InstrumenterContext, MutantCoverage } from '@stryker-mutator/api/core';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  type DryRunOptions,
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import fc from 'fast-check';
import { collect, type LoadedTest, leave, provideGlobals, runTest } from './globals.ts';

/** What the changed code asks which of its mutants is alive, and tells which of them it came by. */
const context: InstrumenterContext = {};
/** How often everything was loaded. */
let loads = 0;
/** Source without its types, by address. */
const stripped = new Map<string, string>();
/** The test files with their tests, the quickest first. */
let files: { readonly file: string; readonly ids: readonly string[] }[] = [];
/** Where they are kept for the processes beside this one and after it. In the sandbox, which goes in the end. */
const FILES = 'test-files.json';
let unhandled: unknown;
/** Examples of a property, with which thousands of mutants take minutes. So a score says a little less than the tests can do. */
const EXAMPLES = 20;

class InProcessRunner implements TestRunner {
  capabilities() {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    Object.assign(globalThis, { __stryker__: context });
    provideGlobals();
    loadAnew();
    fc.configureGlobal({ seed: 1, numRuns: EXAMPLES });
    process.on('unhandledRejection', (reason) => {
      unhandled = reason;
    });
  }

  async dryRun({ testFiles = [] }: DryRunOptions): Promise<DryRunResult> {
    const byFile: { file: string; results: TestResult[] }[] = [];
    const perTest: CoveragePerTestId = {};
    for (const file of testFiles) {
      loads++;
      const coverage: MutantCoverage = { static: {}, perTest: {} };
      context.mutantCoverage = coverage;
      const results = await runFile(file, () => true);
      byFile.push({ file, results });
      // What is done while a file is loaded concerns all tests in it, and no others: every mutant has it loaded anew.
      for (const { id } of results) perTest[id] = { ...coverage.static, ...coverage.perTest[id] };
    }
    files = byFile
      .toSorted((a, b) => millisecondsOf(a.results) - millisecondsOf(b.results))
      .map(({ file, results }) => ({ file, ids: results.map(({ id }) => id) }));
    writeFileSync(FILES, JSON.stringify(files));
    return {
      status: DryRunStatus.Complete,
      tests: byFile.flatMap(({ results }) => results),
      mutantCoverage: { static: {}, perTest },
    };
  }

  async mutantRun({
    activeMutant,
    testFilter,
    hitLimit,
    disableBail,
  }: MutantRunOptions): Promise<MutantRunResult> {
    loads++;
    Object.assign(context, {
      activeMutant: activeMutant.id,
      hitLimit,
      hitCount: hitLimit === undefined ? undefined : 0,
    });
    if (files.length === 0) files = JSON.parse(readFileSync(FILES, 'utf8')); // Another process did the first run.
    const covering = new Set(testFilter);
    const tests: TestResult[] = [];
    for (const { file } of files.filter(({ ids }) => ids.some((id) => covering.has(id)))) {
      tests.push(...(await runFile(file, (id) => covering.has(id))));
      if (tests.some(({ status }) => status === TestStatus.Failed)) break;
    }
    const timeout = determineHitLimitReached(context.hitCount, hitLimit);
    if (timeout !== undefined) return { status: MutantRunStatus.Timeout, reason: timeout.reason };
    return toMutantRunResult({ status: DryRunStatus.Complete, tests }, disableBail);
  }
}

/** Runs tests of a file until one fails. What goes wrong while it is loaded fails all of them. */
async function runFile(file: string, isWanted: (id: string) => boolean): Promise<TestResult[]> {
  const results: TestResult[] = [];
  const ran: LoadedTest[] = [];
  try {
    const all = await collect(file, () => import(`${pathToFileURL(file).href}?load=${loads}`));
    for (const test of all.filter(({ id }) => isWanted(id))) {
      ran.push(test);
      context.currentTestId = test.id;
      const result = await resultOf(test, file);
      context.currentTestId = undefined;
      results.push(result);
      if (result.status === TestStatus.Failed) break;
    }
    await leave(ran);
  } catch (error) {
    results.push({ ...about(file, file, 0), status: TestStatus.Failed, failureMessage: String(error) });
  }
  return results;
}

async function resultOf(test: LoadedTest, file: string): Promise<TestResult> {
  const startMs = performance.now();
  unhandled = undefined;
  const failure = await runTest(test).then(
    () => unhandled,
    (error: unknown) => error ?? 'failed',
  );
  const told = about(test.id, file, performance.now() - startMs);
  if (failure === undefined) return { ...told, status: TestStatus.Success };
  return {
    ...told,
    status: TestStatus.Failed,
    failureMessage: failure instanceof Error ? failure.message : 'no Error was thrown',
  };
}

const about = (id: string, fileName: string, timeSpentMs: number) => ({
  id,
  name: id,
  fileName,
  timeSpentMs,
});

const millisecondsOf = (results: readonly TestResult[]) =>
  results.reduce((sum, { timeSpentMs }) => sum + timeSpentMs, 0);

/** Modules of the project have another address in every load, by which Node.js takes them for new ones. */
function loadAnew(): void {
  const root = pathToFileURL(`${process.cwd()}/`).href;
  registerHooks({
    resolve: (specifier, from, next) => {
      const found = next(specifier, from);
      const [address = found.url] = found.url.split('?load='); // Of an earlier load, where Node.js remembers it.
      const isOurs = address.startsWith(root) && !address.includes('/node_modules/');
      return isOurs ? { ...found, url: `${address}?load=${loads}` } : found;
    },
    load: (url, from, next) => {
      const [address = url, load] = url.split('?load=');
      if (load === undefined || !address.endsWith('.ts')) return next(url, from);
      const source = stripped.get(address) ?? sourceOf(address);
      stripped.set(address, source);
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

function sourceOf(address: string): string {
  const source = stripTypeScriptTypes(readFileSync(fileURLToPath(address), 'utf8'));
  if (!address.includes('/test/')) return source;
  return `import.meta.jest = globalThis.jest; ${source.replaceAll(/\{ numRuns: \d+ \}/g, `{ numRuns: ${EXAMPLES} }`)}`;
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'in-process', InProcessRunner)];
