/** Digits that a number of DynamoDB has at most (developer guide, "Data types", read 2026-11). */
const DIGITS = 38;

interface Decimal {
  readonly units: bigint;
  /** Digits behind the point. */
  readonly scale: number;
}

/**
 * Adds as DynamoDB does, in decimals: 0.1 and 0.2 are 0.3.
 *
 * @throws Error for a sum that the document client would not hand over as a number
 */
export function addDecimals(a: number, b: number): number {
  const sum = Number.isInteger(a) && Number.isInteger(b) ? a + b : addParts(decimalOf(a), decimalOf(b));
  if (Math.abs(sum) > Number.MAX_SAFE_INTEGER)
    throw new Error(`the simulated table does not know the sum ${sum}: it would be a bigint`);
  return sum;
}

function addParts(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const units = a.units * 10n ** BigInt(scale - a.scale) + b.units * 10n ** BigInt(scale - b.scale);
  if (String(units).replace('-', '').length > DIGITS)
    throw new Error(`the simulated table does not know sums of more than ${DIGITS} digits`);
  return Number(`${units}e-${scale}`);
}

function decimalOf(value: number): Decimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value.toExponential()) ?? [];
  const units = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}
