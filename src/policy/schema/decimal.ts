// JSON numbers by their source text: compared and divided exactly, since 12345678901234567890 and 0.1 are not
// what a double makes of them.

/** value = (negative ? -1 : 1) × digits × 10^exponent; no zeros at either end of the digits, '' is zero. */
export interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/** Longer exponents have no exact value here: 1e9007199254740993 is nothing that anyone means. */
const MAX_EXPONENT_DIGITS = 12;
/** BigInt division costs more than linear time. */
const MAX_DIGITS = 1_000;

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?)0*(\d+))?$/;

/** @returns undefined when the exponent is out of all measure */
export function toDecimal(text: string): Decimal | undefined {
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponentSign, exponentDigits = '0'] = match;
  if (exponentDigits.length > MAX_EXPONENT_DIGITS) return undefined;
  const digits = (whole + fraction).replace(/^0+/, '');
  const end = lengthWithoutZeros(digits);
  if (end === 0) return { negative: false, digits: '', exponent: 0 };
  const given = Number(exponentDigits) * (exponentSign === '-' ? -1 : 1);
  const exponent = given - fraction.length + (digits.length - end);
  return { negative: sign === '-', digits: digits.slice(0, end), exponent };
}

/** A loop, since /0+$/ takes quadratic time on many zeros in the middle. */
function lengthWithoutZeros(digits: string): number {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end--;
  return end;
}

/** 1.0 and 1e3 are integers, as JSON Schema has it since draft-06. */
export const isInteger = ({ exponent }: Decimal): boolean => exponent >= 0;

/** The same text for equal numbers only. */
export const decimalKey = ({ negative, digits, exponent }: Decimal): string =>
  `${negative ? '-' : ''}${digits}e${exponent}`;

/** @returns less than, equal to or more than 0 */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const size = compareSizes(a, b);
  return a.negative ? -size : size;
}

function compareSizes(a: Decimal, b: Decimal): number {
  if (a.digits === '' || b.digits === '') return a.digits.length - b.digits.length;
  const magnitude = a.digits.length + a.exponent - (b.digits.length + b.exponent);
  if (magnitude !== 0) return magnitude;
  // Of the same magnitude: the digits decide from the left, as in a dictionary.
  if (a.digits === b.digits) return 0;
  return a.digits < b.digits ? -1 : 1;
}

/** @returns undefined when it would take numbers of more than MAX_DIGITS digits */
export function isMultiple(value: Decimal, of: Decimal): boolean | undefined {
  if (value.digits === '') return true;
  if (of.digits === '') return undefined;
  // No zeros at the end of its digits: a divisor with one more factor 10 cannot divide it.
  if (value.exponent < of.exponent) return false;
  if (value.digits.length > MAX_DIGITS || of.digits.length > MAX_DIGITS) return undefined;
  const divisor = BigInt(of.digits);
  const power = powerOfTen(value.exponent - of.exponent, divisor);
  return ((BigInt(value.digits) % divisor) * power) % divisor === 0n;
}

/** 10^exponent modulo the divisor, by squaring: exponents may be huge. */
function powerOfTen(exponent: number, modulus: bigint): bigint {
  let result = 1n;
  let base = 10n % modulus;
  for (let rest = BigInt(exponent); rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}
