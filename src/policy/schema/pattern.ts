// Patterns of ECMA-262 as linear-time ones of RE2. Each token is translated on its own, so that a pattern
// either means the same in both or is not taken at all.
import { RE2JS } from 're2js';
import { ANY, CLASSES, CONTROLS, EVERYTHING, NOTHING, propertyOf } from './pattern-tables.ts';

/** What a pattern would cost to compile and run, in instructions: each input character costs up to that much. */
const MAX_SIZE = 2_000;
const MAX_LENGTH = 5_000;
/** RE2 takes no more. */
const MAX_REPEAT = 1_000;
/** Tables of a Unicode property are long. */
const PROPERTY_SIZE = 40;

export interface Pattern {
  test(text: string): boolean;
  /** Instructions: the most that one character of the input costs. */
  readonly size: number;
}

const literal = (code: number): string => `\\x{${code.toString(16)}}`;
const isHex = (text: string): boolean => /^[0-9a-fA-F]+$/.test(text);

/** @returns a sentence where the pattern cannot be taken */
export function toPattern(source: string): Pattern | string {
  if (source.length > MAX_LENGTH) return `the pattern has more than ${MAX_LENGTH} characters`;
  const translator = new Translator(source);
  const translated = translator.translate();
  if (translated === undefined) return translator.fault;
  try {
    const regex = RE2JS.compile(translated);
    return { size: regex.programSize(), test: (text) => regex.test(text) };
  } catch {
    return 'the pattern engine does not take the pattern';
  }
}

/** A piece of the translation; `size` is what it compiles to, at most. */
interface Group {
  readonly parts: string[];
  size: number;
  /** Size of the last part, where a quantifier can repeat it. */
  last: number | undefined;
}

const newGroup = (): Group => ({ parts: [], size: 1, last: undefined });

class Translator {
  fault = '';
  readonly #chars: readonly string[];
  #at = 0;
  #group: Group = newGroup();
  readonly #outer: Group[] = [];

  constructor(source: string) {
    this.#chars = Array.from(source);
  }

  translate(): string | undefined {
    while (this.#at < this.#chars.length && this.fault === '') this.#token();
    if (this.fault === '' && this.#outer.length > 0) this.fault = 'a group is not closed';
    return this.fault === '' ? this.#group.parts.join('') : undefined;
  }

  #token(): void {
    const char = this.#chars[this.#at++]!;
    switch (char) {
      case '|':
      case '^':
      case '$':
        return this.#between(char);
      case '.':
        return this.#atom(ANY);
      case '(':
        return this.#open();
      case ')':
        return this.#close();
      case '[':
        return this.#class();
      case '*':
      case '+':
      case '?':
        return this.#repeat(char, 1);
      case '{':
        return this.#braces();
      case '\\':
        return this.#escape();
      default:
        return this.#character(char.codePointAt(0)!);
    }
  }

  #character(code: number): void {
    if (code >= 0xd800 && code <= 0xdfff) this.fault = 'the pattern has half a character';
    else this.#atom(literal(code));
  }

  /** What cannot be repeated. */
  #between(text: string): void {
    this.#group.parts.push(text);
    this.#group.last = undefined;
    this.#grow(1);
  }

  #atom(text: string, size = 1): void {
    this.#group.parts.push(text);
    this.#group.last = size;
    this.#grow(size);
  }

  #grow(size: number): void {
    this.#group.size += size;
    if (this.#group.size > MAX_SIZE) this.fault = `the pattern has more than ${MAX_SIZE} steps`;
  }

  #open(): void {
    if (this.#chars[this.#at] === '?') {
      const next = this.#chars.slice(this.#at + 1, this.#at + 3).join('');
      const name = /^<[=!]/.test(next) ? -1 : this.#chars.indexOf('>', this.#at);
      if (next.startsWith(':')) this.#at += 2;
      else if (next.startsWith('<') && name >= 0) this.#at = name + 1;
      else {
        this.fault = 'the pattern looks ahead or behind, which takes more than linear time';
        return;
      }
    }
    if (this.#outer.length >= 200) this.fault = 'the pattern has more than 200 nested groups';
    this.#outer.push(this.#group);
    this.#group = newGroup();
  }

  #close(): void {
    const outer = this.#outer.pop();
    if (!outer) {
      this.fault = 'a group is closed that was not opened';
      return;
    }
    const { parts, size } = this.#group;
    this.#group = outer;
    this.#atom(`(?:${parts.join('')})`, size);
  }

  /** Greedy or lazy: it matches the same texts. */
  #repeat(text: string, times: number): void {
    const { last, parts } = this.#group;
    if (last === undefined) {
      this.fault = 'the pattern repeats nothing';
      return;
    }
    if (this.#chars[this.#at] === '?') this.#at++;
    parts.push(`(?:${parts.pop()})${text}`);
    this.#group.last = undefined;
    this.#grow(last * Math.max(times - 1, 0) + 1);
  }

  #braces(): void {
    const end = this.#chars.indexOf('}', this.#at);
    const inside = end < 0 || end - this.#at > 20 ? '' : this.#chars.slice(this.#at, end).join('');
    const match = /^(\d+)(,?)(\d*)$/.exec(inside);
    // Where it is no quantifier, engines differ: a literal brace, or an error.
    if (!match) {
      this.fault = 'a brace in the pattern is no repetition';
      return;
    }
    const least = Number(match[1]);
    const most = match[3] === '' ? least + (match[2] === ',' ? 1 : 0) : Number(match[3]);
    if (most < least || most > MAX_REPEAT) {
      this.fault = `the pattern repeats more than ${MAX_REPEAT} times, or from more to less`;
      return;
    }
    this.#at = end + 1;
    this.#repeat(`{${inside}}`, most);
  }

  #escape(): void {
    const char = this.#chars[this.#at];
    if (char === 'b' || char === 'B') {
      this.#at++;
      return this.#between(`\\${char}`);
    }
    const escaped = this.#escaped(false);
    if (typeof escaped === 'number') this.#character(escaped);
    else if (escaped !== undefined) {
      const size = escaped.startsWith('\\') && /^\\[pP]/.test(escaped) ? PROPERTY_SIZE : 1;
      this.#atom(`[${escaped}]`, size);
    }
  }

  /** After a backslash. @returns a code point, the inside of a class, or undefined with a fault */
  #escaped(inClass: boolean): number | string | undefined {
    const char = this.#chars[this.#at++];
    if (char === undefined) return this.#refuse('the pattern ends in a backslash');
    if (CLASSES[char] !== undefined && /[a-zA-Z]/.test(char)) return CLASSES[char];
    if (CONTROLS[char] !== undefined && /[a-z]/.test(char)) return CONTROLS[char];
    if (char === 'p' || char === 'P') return this.#property(char);
    if (char === 'b' && inClass) return 8;
    if (char === 'x') return this.#hex(2);
    if (char === 'u') return this.#unicode();
    if (char === 'c') {
      const letter = this.#chars[this.#at++] ?? '';
      return /^[a-zA-Z]$/.test(letter)
        ? letter.charCodeAt(0) % 32
        : this.#refuse('\\c has no letter');
    }
    if (char === '0' && !/^\d$/.test(this.#chars[this.#at] ?? '')) return 0;
    if (/^[0-9k]$/.test(char))
      return this.#refuse('the pattern refers back, which takes more than linear time');
    if (/^[a-zA-Z]$/.test(char)) return this.#refuse(`\\${char} is no escape of ECMA-262`);
    return char.codePointAt(0)!;
  }

  #refuse(fault: string): undefined {
    this.fault = fault;
    return undefined;
  }

  #hex(count: number): number | undefined {
    const digits = this.#chars.slice(this.#at, this.#at + count).join('');
    if (digits.length !== count || !isHex(digits))
      return this.#refuse('an escape has too few hex digits');
    this.#at += count;
    return Number.parseInt(digits, 16);
  }

  #unicode(): number | undefined {
    if (this.#chars[this.#at] === '{') {
      const end = this.#chars.indexOf('}', this.#at);
      const digits = end < 0 ? '' : this.#chars.slice(this.#at + 1, end).join('');
      const code = digits.length <= 8 && isHex(digits) ? Number.parseInt(digits, 16) : Infinity;
      if (code > 0x10ffff) return this.#refuse('\\u{…} is no character');
      this.#at = end + 1;
      return code;
    }
    const high = this.#hex(4);
    const isPair = high !== undefined && high >= 0xd800 && high <= 0xdbff;
    if (!isPair || this.#chars[this.#at] !== '\\' || this.#chars[this.#at + 1] !== 'u') return high;
    this.#at += 2;
    const low = this.#hex(4) ?? 0;
    if (low < 0xdc00 || low > 0xdfff) return this.#refuse('the pattern has half a character');
    return String.fromCharCode(high, low).codePointAt(0);
  }

  #property(letter: string): string | undefined {
    const end = this.#chars[this.#at] === '{' ? this.#chars.indexOf('}', this.#at) : -1;
    const name = end < 0 ? '' : this.#chars.slice(this.#at + 1, end).join('');
    const known = propertyOf(name);
    if (known === undefined) {
      return this.#refuse(`the pattern engine does not know \\${letter}{${name.slice(0, 40)}}`);
    }
    this.#at = end + 1;
    this.#grow(PROPERTY_SIZE);
    return `\\${letter}{${known}}`;
  }

  #class(): void {
    const isNegated = this.#chars[this.#at] === '^';
    if (isNegated) this.#at++;
    let inside = '';
    while (this.#chars[this.#at] !== ']') {
      if (this.#at >= this.#chars.length) this.fault = 'a class is not closed';
      if (this.fault !== '') return;
      inside += this.#classItem();
    }
    this.#at++;
    if (inside === '') this.#atom(isNegated ? EVERYTHING : NOTHING);
    else this.#atom(`[${isNegated ? '^' : ''}${inside}]`);
  }

  #classItem(): string {
    const from = this.#classAtom();
    const dash = this.#chars[this.#at] === '-' && this.#chars[this.#at + 1] !== ']';
    if (!dash || typeof from !== 'number')
      return typeof from === 'number' ? literal(from) : (from ?? '');
    this.#at++;
    const to = this.#classAtom();
    if (typeof to === 'number' && to >= from) return `${literal(from)}-${literal(to)}`;
    this.fault ||= 'a range of the pattern is out of order';
    return '';
  }

  #classAtom(): number | string | undefined {
    const char = this.#chars[this.#at++];
    const code = char === '\\' ? this.#escaped(true) : char?.codePointAt(0);
    if (typeof code === 'number' && code >= 0xd800 && code <= 0xdfff) {
      return this.#refuse('the pattern has half a character');
    }
    return code;
  }
}
