/** An amount of money as whole units: `{ units: 12345n, decimals: 2 }` is 123.45. */
export interface Money {
  readonly units: bigint;
  /** Digits behind the point that one unit stands for, from 0 to 20. */
  readonly decimals: number;
}

/** Digits of cents: what stands where a currency is not known. */
const USUAL_DECIMALS = 2;
/** Most digits before, and behind, the point. HubSpot's numbers have fewer; more are no amount. */
const MOST_DIGITS = 20;
const DECIMAL = /^([+-]?)(\d{0,40})(?:\.(\d{0,40}))?(?:e([+-]?\d{1,2}))?$/i;

/** Asking what a currency has costs far more than knowing it; a portal has a handful. */
const known = new Map<string, number>();

/** Digits behind the point of a currency: 2 for USD, 0 for JPY. @param currency - ISO 4217; 2 for what is none */
export function currencyDecimals(currency: string): number {
  const before = known.get(currency);
  if (before !== undefined) return before;
  const decimals = askDecimals(currency);
  if (known.size < 1000) known.set(currency, decimals);
  return decimals;
}

function askDecimals(currency: string): number {
  if (!/^[A-Za-z]{3}$/.test(currency)) return USUAL_DECIMALS;
  const { maximumFractionDigits } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  return maximumFractionDigits ?? USUAL_DECIMALS;
}

/**
 * Reads an amount without losing a digit of it.
 *
 * @param text - a decimal as HubSpot has it, such as `1234.5` or `1.0E7`
 * @param currency - ISO 4217, or `''`
 * @returns units of the currency, or finer ones where the amount has more digits that count; undefined for what is no amount
 */
export function readMoney(text: string, currency: string): Money | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text.trim()) ?? [];
  if (whole === '' && fraction === '') return undefined;
  const point = whole.length + Number(exponent);
  const digits = `${'0'.repeat(Math.max(0, -point))}${whole}${fraction}`.padEnd(Math.max(0, point), '0');
  const before = digits.slice(0, Math.max(0, point));
  const behind = digits.slice(Math.max(0, point)).replace(/0+$/, ''); // 100.000 is as many dollars as 100.00.
  const decimals = Math.max(currencyDecimals(currency), behind.length);
  if (decimals > MOST_DIGITS || before.length > MOST_DIGITS) return undefined;
  const units = BigInt(`${before}${behind.padEnd(decimals, '0')}`);
  return { units: sign === '-' ? -units : units, decimals };
}

/** The same amount in finer units. @param decimals - at least as many as it has */
export function inDecimals({ units, decimals: before }: Money, decimals: number): bigint {
  return units * 10n ** BigInt(decimals - before);
}

/** An amount as a decimal, such as `-1234.50`: no separators, every digit. */
export function amountText(units: bigint, decimals: number): string {
  const digits = `${units < 0n ? -units : units}`.padStart(decimals + 1, '0');
  const at = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, at)}.${digits.slice(at)}`;
  return units < 0n ? `-${text}` : text;
}

/** An amount as people read it in a table: `1,234.50`. */
export function groupedText(units: bigint, decimals: number): string {
  const [whole = '', fraction] = amountText(units, decimals).split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** An amount with its currency, such as `400.00 USD`. @param currency - ISO 4217, or `''` */
export function moneyText({ units, decimals }: Money, currency: string): string {
  const text = amountText(units, decimals);
  return currency === '' ? text : `${text} ${currency}`;
}

/**
 * Shares an amount in whole units by weights. Each part is rounded towards zero; what is left goes, a unit each, to the parts that lost
 * most by that, the earlier of equals first. The parts sum to the amount exactly.
 *
 * @param weights - at least 0, one of them above
 * @throws RangeError where no weight is above 0: a bug
 */
export function allocate(units: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total <= 0n) throw new RangeError('a weight must be above 0');
  const size = units < 0n ? -units : units;
  const parts = weights.map((weight) => (size * weight) / total);
  const left = Number(size - parts.reduce((sum, part) => sum + part, 0n));
  const lost = weights.map((weight, at) => ({ at, remainder: (size * weight) % total }));
  const first = lost.toSorted((a, b) =>
    a.remainder < b.remainder ? 1 : a.remainder > b.remainder ? -1 : a.at - b.at,
  );
  const raised = new Set(first.slice(0, left).map(({ at }) => at));
  const whole = parts.map((part, at) => (raised.has(at) ? part + 1n : part));
  return units < 0n ? whole.map((part) => -part) : whole;
}
