import { domainToASCII } from 'node:url';

/**
 * The domain in an e-mail address, a bare domain or a URL.
 *
 * @returns in ASCII (international names in Punycode) and lower case, without a dot at the end; undefined where there is none
 */
export function domainOf(value: string): string | undefined {
  const text = value.trim();
  const host = URL.canParse(text) && text.includes('//') ? new URL(text).hostname : behindAt(text);
  const domain = domainToASCII(host).replace(/\.$/, '');
  return domain === '' ? undefined : domain;
}

function behindAt(text: string): string {
  return text.slice(text.lastIndexOf('@') + 1).replace(/[/?#:][\s\S]*$/, '');
}

/**
 * Whether a domain is one of some, or stands below one: `mail.acme.example` is of `acme.example`, `notacme.example` is not.
 *
 * @param domains - as {@link domainOf} gives them
 */
export function isWithin(domain: string, domains: ReadonlySet<string>): boolean {
  for (let at = 0; at !== -1; at = domain.indexOf('.', at + 1)) {
    if (domains.has(domain.slice(at === 0 ? 0 : at + 1))) return true;
  }
  return false;
}
