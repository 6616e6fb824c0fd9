// Reads TypeScript source as text, just well enough to judge it: comments and the insides of strings are
// blanked, so that a rule sees code only, at the places where it stands.

/** The same length and lines: comments, and what strings, templates and regexes hold, become spaces. */
export function blank(text: string): string {
  const scanner = new Scanner(text);
  scanner.code(undefined);
  return scanner.out.join('');
}

class Scanner {
  readonly out: string[] = [];
  readonly #text: string;
  #at = 0;
  /** The end of the code before the present place, for telling a regex from a division. */
  #before = '';

  constructor(text: string) {
    this.#text = text;
  }

  /** Copies code up to the end, or to the brace that closes a template's expression. */
  code(closer: '}' | undefined): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      const two = this.#text.slice(this.#at, this.#at + 2);
      if (two === '//') this.#hide(this.#find('\n', this.#at) - this.#at);
      else if (two === '/*') this.#hide(this.#find('*/', this.#at + 2) + 2 - this.#at);
      else if (char === "'" || char === '"') this.#string(char);
      else if (char === '`') this.#template();
      else if (char === '/' && this.#startsRegex()) this.#regex();
      else {
        if (char === '{') depth++;
        if (char === '}') {
          if (closer && depth === 0) return;
          depth--;
        }
        this.#keep();
      }
    }
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    return found < 0 ? this.#text.length : found;
  }

  #keep(): void {
    const char = this.#text[this.#at++]!;
    this.out.push(char);
    if (char.trim() !== '') this.#before = (this.#before + char).slice(-12);
    else if (!this.#before.endsWith(' ')) this.#before += ' ';
  }

  #hide(count: number): void {
    const hidden = this.#text.slice(this.#at, this.#at + count);
    this.out.push(hidden.replaceAll(/[^\n]/g, ' '));
    this.#at += hidden.length;
  }

  #string(quote: string): void {
    this.#keep();
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote) {
      this.#hide(this.#text[this.#at] === '\\' ? 2 : 1);
    }
    this.#keep();
  }

  #template(): void {
    this.#keep();
    while (this.#at < this.#text.length && this.#text[this.#at] !== '`') {
      if (this.#text.startsWith('${', this.#at)) {
        this.#keep();
        this.#keep();
        this.code('}');
        this.#keep();
      } else this.#hide(this.#text[this.#at] === '\\' ? 2 : 1);
    }
    this.#keep();
  }

  #startsRegex(): boolean {
    const before = this.#before.trimEnd();
    return before === '' || /[([{,;=:!&|?+\-*%<>~^}]$|\b(?:return|typeof|case|in|of)$/.test(before);
  }

  #regex(): void {
    this.#keep();
    let inClass = false;
    while (this.#at < this.#text.length && (inClass || this.#text[this.#at] !== '/')) {
      const char = this.#text[this.#at];
      if (char === '[') inClass = true;
      if (char === ']') inClass = false;
      this.#hide(char === '\\' ? 2 : 1);
    }
    this.#keep();
  }
}

export interface Import {
  /** As written: `./call.ts`, `undici`, `node:http`. */
  readonly specifier: string;
  /** It is gone at run time. */
  readonly isType: boolean;
}

/** All imports and re-exports, dynamic ones and `import('…')` types included. */
export function importsOf(text: string): Import[] {
  const code = blank(text);
  const imports: Import[] = [];
  const statement =
    /(?:^|[;\n])\s*(?:import|export)\b(?<what>[^;'"()=]*?\bfrom\b|)\s*(?<quote>['"])(?<blank> *)\k<quote>/g;
  for (const match of code.matchAll(statement)) {
    const start = match.index + match[0].length - match.groups!['blank']!.length - 1;
    const what = match.groups!['what']!.trim();
    imports.push({
      specifier: text.slice(start, start + match.groups!['blank']!.length),
      isType: /^type\b/.test(what),
    });
  }
  for (const match of code.matchAll(/\bimport\s*\(\s*(['"])( *)\1/g)) {
    const start = match.index + match[0].length - match[2]!.length - 1;
    imports.push({ specifier: text.slice(start, start + match[2]!.length), isType: false });
  }
  return imports;
}

const lineAt = (code: string, at: number): number => code.slice(0, at).split('\n').length;

/** The place of the bracket that belongs to the one at `at`. */
function partnerOf(code: string, at: number, step: 1 | -1): number {
  const [own, other] = step === 1 ? ['{', '}'] : [')', '('];
  let depth = 0;
  for (let i = at; i >= 0 && i < code.length; i += step) {
    if (code[i] === own) depth++;
    if (code[i] === other && --depth === 0) return i;
  }
  return step === 1 ? code.length - 1 : 0;
}

export interface FunctionSize {
  readonly line: number;
  readonly lines: number;
}

/** Every function with a body in braces, from the line of its parameters to its last brace. */
export function functionsOf(text: string): FunctionSize[] {
  const code = blank(text);
  const sizes: FunctionSize[] = [];
  for (const { index } of code.matchAll(/\{/g)) {
    const head = code.slice(Math.max(index - 400, 0), index).trimEnd();
    // `)`, perhaps `: Result<T>`, perhaps `=>`.
    const match = /\)(?:\s*:\s*[^(){};=]+(?:\([^()]*\)[^(){};=]*)?)?(?:\s*=>)?$/.exec(head);
    if (!match) continue;
    const close = index - (code.slice(0, index).length - code.slice(0, index).trimEnd().length);
    const paren = close - head.length + match.index;
    const open = partnerOf(code, paren, -1);
    if (/\b(?:if|for|while|switch|catch|with|await)\s*$/.test(code.slice(0, open))) continue;
    const line = lineAt(code, open);
    sizes.push({ line, lines: lineAt(code, partnerOf(code, index, 1)) - line + 1 });
  }
  return sizes;
}

/** The code outside all braces, brackets and parentheses: what runs when the module is loaded. */
export function topLevelOf(text: string): string {
  let depth = 0;
  let out = '';
  for (const char of blank(text)) {
    if ('})]'.includes(char)) depth--;
    out += depth === 0 || char === '\n' ? char : ' ';
    if ('{(['.includes(char)) depth++;
  }
  return out;
}
