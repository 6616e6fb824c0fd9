// What escapes of ECMA-262 patterns stand for, spelled for RE2.

/** ECMA-262 WhiteSpace and LineTerminator, which RE2's own \s is not. */
const SPACE =
  '\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const NO_SPACE =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}' +
  '\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}';
/** As the inside of a class. */
export const CLASSES: Readonly<Record<string, string>> = {
  d: '0-9',
  D: '\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}',
  w: '0-9A-Za-z_',
  W: '\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{10ffff}',
  s: SPACE,
  S: NO_SPACE,
};
export const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };
export const ANY = '[^\\x{a}\\x{d}\\x{2028}\\x{2029}]';
export const EVERYTHING = '[\\x{0}-\\x{10ffff}]';
export const NOTHING = '[^\\x{0}-\\x{10ffff}]';

const CATEGORY =
  /^(?:(?:gc|General_Category)=)?((?:L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?))$/;
const SCRIPT = /^(?:sc|Script)=([A-Z][a-z]+(?:_[A-Z][a-z]+)*)$/;
const LONG_CATEGORIES: ReadonlyMap<string, string> = new Map([
  ['Letter', 'L'],
  ['Uppercase_Letter', 'Lu'],
  ['Lowercase_Letter', 'Ll'],
  ['Mark', 'M'],
  ['Number', 'N'],
  ['Decimal_Number', 'Nd'],
  ['Punctuation', 'P'],
  ['Symbol', 'S'],
  ['Separator', 'Z'],
  ['Space_Separator', 'Zs'],
]);

/** A property as RE2 spells it. @returns undefined for one that it may not know */
export const propertyOf = (name: string): string | undefined =>
  CATEGORY.exec(name)?.[1] ?? SCRIPT.exec(name)?.[1] ?? LONG_CATEGORIES.get(name);
