/** Parts of an ARN: `arn:partition:service:region:account:resource`, the last of which may hold colons. */
const ARN_PARTS = 6;

const compiled = new Map<string, RegExp>();

/** `*` stands for any characters and none, `?` for one. */
export function isLike(text: string, pattern: string): boolean {
  const known = compiled.get(pattern) ?? compile(pattern);
  compiled.set(pattern, known);
  return known.test(text);
}

function compile(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[\\^$.+()[\]{}|/-]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

/** Names of services and actions are the same in capitals and small letters. */
export function isAction(action: string, pattern: string): boolean {
  return isLike(action.toLowerCase(), pattern.toLowerCase());
}

/**
 * Whether a pattern of ARNs matches one. Part by part: a wildcard reaches past a colon only in the last part of the pattern.
 *
 * @throws Error when the pattern is neither `*` nor begins as an ARN does: IAM refuses such a policy
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function isArn(arn: string, pattern: string): boolean {
  if (pattern === '*') return true;
  if (!pattern.startsWith('arn:')) throw new Error(`${pattern} is no ARN`);
  const parts = pattern.split(':');
  const wanted = [...parts.slice(0, ARN_PARTS - 1), ...rest(parts, ARN_PARTS - 1)];
  const given = arn.split(':');
  const last = wanted.length - 1;
  const found = [...given.slice(0, last), ...rest(given, last)];
  return found.length === wanted.length && wanted.every((part, at) => isLike(found[at] ?? '', part));
}

/** What is left from a part on, as one; nothing where nothing is left. */
function rest(parts: readonly string[], from: number): string[] {
  return parts.length > from ? [parts.slice(from).join(':')] : [];
}
