import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';
import { UsageError } from './target.ts';

/** Browsers from 2021 on; in older ones the tag does nothing. */
const TARGET = 'es2021';

export interface SnippetOptions {
  /** Where the page posts visits: the route `/sessions`. */
  readonly endpoint: string;
  /** Whether HubSpot's cookie banner speaks for the visitor. */
  readonly isHubSpotBannerHeard: boolean;
  /** Whether a browser that says Do Not Track or Global Privacy Control is left alone, whatever was consented to. */
  readonly isDoNotTrackHeeded: boolean;
}

/** The tag that pages carry. */
export interface Snippet {
  readonly endpoint: string;
  /** Of the script alone. */
  readonly bytes: number;
  /** What a content security policy names it by, such as `sha256-…`. */
  readonly hash: string;
  readonly tag: string;
}

/**
 * Builds the tag from `browser/snippet.ts`.
 *
 * @throws UsageError for an address to which no page should post
 */
export function buildSnippet({ endpoint: given, ...options }: SnippetOptions): Snippet {
  const endpoint = postable(given);
  if (endpoint === undefined)
    throw new UsageError(
      `--endpoint: expected an address such as https://example.com/sessions, found "${given}"`,
    );
  const { outputFiles } = buildSync({ ...snippetSettings({ endpoint, ...options }), write: false });
  const script = outputFiles.map(({ text }) => text.trim()).join('');
  return {
    endpoint,
    bytes: Buffer.byteLength(script),
    hash: `sha256-${createHash('sha256').update(script).digest('base64')}`,
    tag: `<script>${script}</script>`,
  };
}

/** How esbuild makes the script. */
export function snippetSettings({ endpoint, isHubSpotBannerHeard, isDoNotTrackHeeded }: SnippetOptions) {
  return {
    entryPoints: [join(import.meta.dirname, '../browser/snippet.ts')],
    bundle: true,
    minify: true,
    format: 'iife',
    target: TARGET,
    logLevel: 'silent',
    define: {
      AFTERGLOW_ENDPOINT: JSON.stringify(endpoint),
      AFTERGLOW_HUBSPOT_BANNER: String(isHubSpotBannerHeard),
      AFTERGLOW_DO_NOT_TRACK: String(isDoNotTrackHeeded),
    },
  } satisfies BuildOptions;
}

/** An address in its plain form, in which no markup stands: encrypted, unless it stays on this machine. */
function postable(endpoint: string): string | undefined {
  const url = URL.parse(endpoint);
  if (url === null || url.search !== '' || url.hash !== '') return undefined;
  const staysHere = url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  return url.protocol === 'https:' || staysHere ? url.href : undefined;
}

/** What to do with the tag. */
export function formatSnippetAdvice({ endpoint, bytes, hash }: Snippet): string {
  return [
    `${bytes} bytes. Put it into the <head> of every page, before the forms; nothing is stored or sent until afterglow.consent(true).`,
    `With a content security policy: script-src '${hash}'; connect-src ${new URL(endpoint).origin}. See docs/browser.md`,
  ].join('\n');
}
