// ES modules as they are written: the tests run what `node` runs.
export const testEnvironment = 'node';
export const extensionsToTreatAsEsm = ['.ts'];
export const transform = {
  '\\.ts$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'es6' },
    },
  ],
};
export const testMatch = ['<rootDir>/test/**/*.test.ts'];
/** Well above what the longest take alone: a machine that does other things too says nothing of the product. */
export const testTimeout = 120_000;
export const maxWorkers = 2;
