// How the oracle reads words, addresses and pages: by regular expressions and lists, as plainly as they can be written.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { domainToASCII } from 'node:url';

/** Whether words stand in a text with no letter or digit touching them; `*` stands for anything. Letter case does not matter. */
export function holdsWords(value: string, words: string): boolean {
  const start = words.startsWith('*') ? '' : String.raw`(^|[^\p{L}\p{N}])`;
  const end = words.endsWith('*') ? '' : String.raw`($|[^\p{L}\p{N}])`;
  return new RegExp(start + literally(words.toLowerCase()) + end, 'su').test(value.toLowerCase());
}

function literally(words: string): string {
  return words.replaceAll(/[\\^$.+?()[\]{}|/]/g, String.raw`\$&`).replaceAll('*', '.*');
}

/** Whether a page or the name of a form holds a pattern; one that begins with / means whole parts of a path. */
export function holdsPattern(value: string, pattern: string): boolean {
  const address = withoutNoise(value);
  if (!pattern.startsWith('/')) return holdsWords(address, pattern);
  const [path = ''] = address.split('?');
  const end = pattern.endsWith('*') ? '' : '(/|$)';
  return new RegExp(literally(pattern.toLowerCase()) + end, 's').test(path);
}

const TRACKERS = /^(utm_.*|gclid|fbclid|msclkid|hsa_.*|_hs.*|hsctatracking|mc_cid|mc_eid)(=|$)/;

/** A URL as host, path and query, without what makes two addresses of one page differ; any other text in lower case. */
function withoutNoise(value: string): string {
  const parts = /^https?:\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(value.trim());
  if (parts === null) return value.toLowerCase();
  const [, authority = '', path = '', query = ''] = parts;
  const host = authority
    .toLowerCase()
    .replace(/^.*@/, '')
    .replace(/:\d*$/, '')
    .replace(/^www\./, '');
  const plainPath = decoded(path).toLowerCase().replaceAll(/\/+/g, '/').replace(/\/$/, '');
  const kept = query
    .slice(1)
    .split('&')
    .map((one) => decoded(one).toLowerCase())
    .filter((one) => one !== '' && !TRACKERS.test(one));
  return host + plainPath + (kept.length === 0 ? '' : `?${kept.join('&')}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The list of public e-mail providers itself, read as the file that it is. */
let freemail: ReadonlySet<string> | undefined;

function freemailDomains(): ReadonlySet<string> {
  if (freemail === undefined) {
    const listed: unknown = JSON.parse(
      readFileSync(createRequire(import.meta.url).resolve('email-providers/all.json'), 'utf8'),
    );
    freemail = new Set(Array.isArray(listed) ? listed.map((one) => domainToASCII(String(one))) : []);
  }
  return freemail;
}

/** Whether an address, a domain or a URL belongs to one of some domains: is it, or ends with a dot and it. */
export function isOfDomain(value: string, domains: readonly string[]): boolean {
  const host = value
    .trim()
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/[/?#].*$/s, '')
    .replace(/^.*@/s, '')
    .replace(/:\d*$/, '');
  const labels = domainToASCII(host).split('.');
  const endings = labels.map((_label, at) => labels.slice(at).join('.')).filter((ending) => ending !== '');
  return domains.some((domain) =>
    domain === 'freemail'
      ? endings.some((ending) => freemailDomains().has(ending))
      : endings.includes(domainToASCII(domain)),
  );
}
