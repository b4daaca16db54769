import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { domainToASCII } from 'node:url';
import { parse } from 'tldts';
import * as v from 'valibot';
import { didYouMean, either, named } from '../lambdas/scoring/model-problems.ts';

/** The suffixes under which a provider hands out names (`github.io`) are as public as `co.uk`. */
const WITH_PRIVATE_SUFFIXES = { allowPrivateDomains: true };

const require = createRequire(import.meta.url);
let freemail: readonly string[] | undefined;

/**
 * The domains of public e-mail providers, from the package email-providers: those that somebody registered, since a public
 * suffix on the list would take everybody below it for private. International names are in Punycode.
 *
 * @returns sorted, each once
 */
export function freemailDomains(): readonly string[] {
  freemail ??= registrableOf(listed());
  return freemail;
}

function listed(): string[] {
  const file = require.resolve('email-providers/all.json');
  return v.parse(v.pipe(v.string(), v.parseJson(), v.array(v.string())), readFileSync(file, 'utf8'));
}

function registrableOf(domains: readonly string[]): string[] {
  const ascii = domains.map((domain) => domainToASCII(domain));
  const registrable = ascii.filter((domain) => parse(domain, WITH_PRIVATE_SUFFIXES).domain === domain);
  return [...new Set(registrable)].toSorted();
}

/**
 * What is wrong with a domain that somebody wrote; undefined when it is one.
 *
 * @param words - other words that may stand in its place
 */
export function complaintAboutDomain(entry: string, words: readonly string[] = []): string | undefined {
  if (words.includes(entry)) return undefined;
  const ascii = domainToASCII(entry);
  const { hostname, domain } = parse(ascii, WITH_PRIVATE_SUFFIXES);
  const isBare = hostname !== null && hostname === ascii && !ascii.startsWith('.');
  if (isBare && domain !== null) return undefined;
  const isShared = isBare && ascii.includes('.') && parse(ascii).isIp === false;
  const found = `found ${named(entry)}${isShared ? ', under which anybody may have a domain' : ''}`;
  const wanted = either(['a domain such as acme.example', ...words]);
  return `${found}, expected ${wanted}${meantDomain(entry, words)}`;
}

/** The domain in an address, a URL or a pattern, or a misspelt word. */
function meantDomain(entry: string, words: readonly string[]): string {
  const { hostname, domain } = parse(entry.replace(/^[*@.]+/, ''), WITH_PRIVATE_SUFFIXES);
  const bare = hostname?.replace(/^www\./, '');
  if (domain === null || bare === undefined || bare === entry) return didYouMean(entry, words);
  return `; did you mean "${bare}"?`;
}
