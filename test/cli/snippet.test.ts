// `afterglow snippet`: the tag that pages carry. What it does there is in test/browser/snippet.test.ts.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { buildSnippet } from '../../cli/snippet.ts';
import { type DeployedStack, startDeployedStack } from './deployed-stack.ts';

const ENDPOINT = 'https://abcdef0123.execute-api.eu-central-1.amazonaws.com/sessions';
let stack: DeployedStack;

beforeAll(async () => {
  stack = await startDeployedStack('http://127.0.0.1:1');
});
afterAll(() => stack.stop());

/** The command as somebody runs it. */
function run(...args: string[]): Promise<{ code: number; out: string; said: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(import.meta.dirname, '../../cli/afterglow.ts'), 'snippet', ...args],
      { env: { ...process.env, ...stack.environment } },
      (error, out, said) => resolve({ code: error === null ? 0 : Number(error.code), out, said }),
    );
  });
}

test('prints the tag alone, so that it can go into a file, and beside it what a security policy must name', async () => {
  const { code, out, said } = await run('--endpoint', ENDPOINT);
  const script = out.trim().slice('<script>'.length, -'</script>'.length);
  const hash = createHash('sha256').update(script).digest('base64');

  expect(code).toBe(0);
  expect(out.trim()).toBe(`<script>${script}</script>`);
  expect(script).toContain(JSON.stringify(ENDPOINT));
  expect(said).toContain(`script-src 'sha256-${hash}'; connect-src ${new URL(ENDPOINT).origin}`);
  expect(said).toContain(`${script.length} bytes`);
});

test('posts to the address of the stack, and says in JSON what it is', async () => {
  stack.outputs.set('SessionsUrl', 'https://hooks.example.com/crm/sessions');

  const { code, out } = await run('--stack', 'Afterglow', '--json');

  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    endpoint: 'https://hooks.example.com/crm/sessions',
    bytes: expect.any(Number),
    hash: expect.stringMatching(/^sha256-[\w+/]{43}=$/),
    tag: expect.stringContaining('"https://hooks.example.com/crm/sessions"'),
  });
});

test('of a stack that takes no visits says what is to be done', async () => {
  stack.outputs.delete('SessionsUrl');

  const { code, out, said } = await run('--stack', 'Afterglow');

  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(said).toBe(
    'afterglow: the stack Afterglow takes no visits: name the origins of your pages in the setting sessions.origins, and deploy\n',
  );
});

test('the tag is small, and nothing in it ends it', () => {
  const least = buildSnippet({ endpoint: ENDPOINT, isHubSpotBannerHeard: false, isDoNotTrackHeeded: false });
  const most = buildSnippet({ endpoint: ENDPOINT, isHubSpotBannerHeard: true, isDoNotTrackHeeded: true });

  expect(least.bytes).toBeLessThanOrEqual(3_200);
  expect(most.bytes).toBeLessThanOrEqual(3_400);
  expect(most.tag.match(/<\/?script/g)).toEqual(['<script', '</script']);
});

test.each([
  'http://example.com/sessions',
  'ftp://example.com',
  'nonsense',
  'https://example.com/sessions?key=1',
  'javascript:alert(1)',
])('no tag is built that posts to %s', (endpoint) => {
  expect(() => buildSnippet({ endpoint, isHubSpotBannerHeard: false, isDoNotTrackHeeded: false })).toThrow(
    '--endpoint: expected an address such as',
  );
});

test('an address that holds markup stays an address', () => {
  const endpoint = 'https://example.com/</script><script>alert(1)</script>';
  const { tag } = buildSnippet({ endpoint, isHubSpotBannerHeard: false, isDoNotTrackHeeded: false });

  expect(tag.match(/<\/?script/g)).toEqual(['<script', '</script']);
});
