// The text of a configuration file: JSON with comments, where every value knows its place.
import { findNodeAtLocation, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { JSONPath, Node, ParseError } from 'jsonc-parser';

import { GatewayError } from '../core/errors.ts';

/** One thing that is wrong, and where. */
export interface Problem {
  readonly path: JSONPath;
  /** Reads on after the path: "expected X, got Y". */
  readonly text: string;
  /** Point at the key and not at its value. */
  readonly atKey?: boolean;
}

export interface Document {
  readonly file: string;
  readonly text: string;
  readonly root: Node;
}

const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: 'expected a JSON value, got an unknown word',
  InvalidNumberFormat: 'expected a number, got something that is not quite one',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected a colon',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected a closing brace',
  CloseBracketExpected: 'expected a closing bracket',
  EndOfFileExpected: 'expected the end of the file',
  UnexpectedEndOfComment: 'expected the end of the comment',
  UnexpectedEndOfString: 'expected the end of the string',
  UnexpectedEndOfNumber: 'expected the end of the number',
  InvalidUnicode: 'expected four hexadecimal digits after \\u',
  InvalidEscapeCharacter: 'expected a JSON escape after the backslash',
  InvalidCharacter: 'expected no control character in a string',
};

function place(text: string, offset: number): string {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/);
  return `${lines.length}:${(lines.at(-1) ?? '').length + 1}`;
}

/** `mcpServers["my server"].args[1]` */
export function writePath(path: JSONPath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[\w$-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

function offsetOf({ root }: Document, { path, atKey }: Problem): number {
  // What is missing is missing in the nearest thing that is there.
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node === undefined) continue;
    const wantsKey = atKey === true || length < path.length;
    const key = node.parent?.type === 'property' ? node.parent : node;
    return wantsKey ? key.offset : node.offset;
  }
  return root.offset;
}

export const configError = (text: string, cause?: unknown): GatewayError =>
  new GatewayError('CONFIG_INVALID', text, { cause });

/** One error for all problems, a line each, in the order of the file. */
export function problemsError(document: Document, problems: readonly Problem[]): GatewayError {
  const lines = problems
    .map((problem) => ({ problem, offset: offsetOf(document, problem) }))
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ problem, offset }) => {
      const where = writePath(problem.path);
      const head = `${document.file}:${place(document.text, offset)}`;
      return `${head}${where === '' ? '' : ` ${where}`}: ${problem.text}`;
    });
  return configError([...new Set(lines)].join('\n'));
}

const holdsServers = ([key, ...rest]: JSONPath): boolean =>
  rest.length === 0 && (key === 'mcpServers' || key === 'servers');

function findRepeats(node: Node, path: JSONPath, found: [Problem, number][]): void {
  if (node.type === 'array') {
    for (const [index, child] of (node.children ?? []).entries()) {
      findRepeats(child, [...path, index], found);
    }
    return;
  }
  if (node.type !== 'object') return;
  const seen = new Set<string>();
  for (const { children } of node.children ?? []) {
    const [key, value] = children ?? [];
    if (key === undefined) continue;
    const name = String(key.value);
    if (seen.has(name)) {
      found.push([
        { path: [...path, name], text: 'expected each key once, got it again' },
        key.offset,
      ]);
    }
    // Server names may be anything; elsewhere this key would vanish without a word.
    if (name === '__proto__' && !holdsServers(path)) {
      found.push([
        { path: [...path, name], text: 'expected a known key, got "__proto__"' },
        key.offset,
      ]);
    }
    seen.add(name);
    if (value !== undefined) findRepeats(value, [...path, name], found);
  }
}

function readTree(file: string, text: string, errors: ParseError[]): Node | undefined {
  try {
    return parseTree(text, errors, { allowTrailingComma: true });
  } catch (error) {
    // The parser calls itself for each level.
    throw configError(`${file}: expected no more than some hundred levels of nesting.`, error);
  }
}

/**
 * @param text without a byte order mark.
 * @throws GatewayError CONFIG_INVALID with the place of the first syntax error, or of every key that
 * stands twice in its object.
 */
export function parseDocument(file: string, text: string): Document {
  const errors: ParseError[] = [];
  const root = readTree(file, text, errors);
  const [first] = errors;
  if (first !== undefined || root === undefined) {
    const what = SYNTAX[first === undefined ? '' : printParseErrorCode(first.error)];
    const where = place(text, first?.offset ?? 0);
    throw configError(`${file}:${where}: ${what ?? 'expected a JSON object'}.`);
  }
  if (root.type !== 'object') {
    throw configError(`${file}:${place(text, root.offset)}: expected an object, got ${root.type}.`);
  }
  const repeats: [Problem, number][] = [];
  findRepeats(root, [], repeats);
  if (repeats.length > 0) {
    const lines = repeats.map(
      ([{ path, text: problem }, offset]) =>
        `${file}:${place(text, offset)} ${writePath(path)}: ${problem}`,
    );
    throw configError(lines.join('\n'));
  }
  return { file, text, root };
}

/** The plain value of a node. Its objects have no prototype: a key may have any name. */
export function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf);
  if (node.type !== 'object') return node.value;
  const object: Record<string, unknown> = Object.create(null);
  for (const { children } of node.children ?? []) {
    const [key, value] = children ?? [];
    if (key !== undefined && value !== undefined) object[String(key.value)] = valueOf(value);
  }
  return object;
}
