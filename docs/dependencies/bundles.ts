import { type BuildOptions, buildSync } from 'esbuild';
import { snippetSettings } from '../../cli/snippet.ts';
import { bundleSettings } from '../../lib/bundle.ts';
import type { Door } from '../../lib/node-function.ts';
import { ROOT } from './lock-file.ts';

/** Every bundle with the folders of the packages of which at least one byte is in it. */
export type Bundles = ReadonlyMap<string, ReadonlySet<string>>;

/** What runs elsewhere than where it was built: the doors in Lambda, and the script in a browser. */
const SETTINGS: Readonly<Record<Door | 'snippet', BuildOptions>> = {
  ingest: bundleSettings('ingest'),
  scorer: bundleSettings('scorer'),
  'write-back': bundleSettings('write-back'),
  nightly: bundleSettings('nightly'),
  explain: bundleSettings('explain'),
  snippet: snippetSettings({
    endpoint: 'https://example.com/sessions',
    isHubSpotBannerHeard: true,
    isDoNotTrackHeeded: true,
  }),
};

/** Builds them all, in memory. */
export function packagesInBundles(): Bundles {
  return new Map(Object.entries(SETTINGS).map(([bundle, settings]) => [bundle, packagesIn(settings)]));
}

function packagesIn(settings: BuildOptions): ReadonlySet<string> {
  const { metafile } = buildSync({
    ...settings,
    absWorkingDir: ROOT,
    write: false,
    outfile: 'index.js',
    metafile: true,
  });
  const files = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return new Set(
    files.flatMap(([file, { bytesInOutput }]) => {
      // The folder that node_modules may be a link to does not matter: a package is named from there on.
      const [folder] = /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
      return folder === undefined || bytesInOutput === 0 ? [] : [folder];
    }),
  );
}
