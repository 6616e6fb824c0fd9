// Changes of single properties in a text with comments. All other text stays as it is, which
// jsonc-parser's own edits do not promise: they lay out the neighbours anew.
import { createScanner, findNodeAtLocation } from 'jsonc-parser';
import type { JSONPath, Node } from 'jsonc-parser';

/** SyntaxKind and ScanError of jsonc-parser are const enums: their values have no name at run time. */
const COMMA = 5;
const LINE_COMMENT = 12;
const BLOCK_COMMENT = 13;
const BLANK = 15;

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const endOf = (node: Node): number => node.offset + node.length;

function apply(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { start, end, text: piece } of edits.toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + piece + result.slice(end);
  }
  return result;
}

function lineStart(text: string, offset: number): number {
  return Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1)) + 1;
}

/** The white space that the line of this place starts with. */
const indentAt = (text: string, offset: number): string =>
  /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';

const isFirstOnLine = (text: string, offset: number): boolean =>
  text.slice(lineStart(text, offset), offset).trim() === '';

const eolOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

const indentUnitOf = (text: string): string => /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';

/** Where the comma after a value ends, if there is one. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text);
  scanner.setPosition(offset);
  for (;;) {
    const kind: number = scanner.scan();
    if (kind === COMMA) return scanner.getTokenOffset() + 1;
    if (kind < LINE_COMMENT || kind > BLANK) return undefined;
  }
}

/** The end of the last comment that begins on this line, or the place itself. */
function afterComments(text: string, offset: number): number {
  const scanner = createScanner(text);
  scanner.setPosition(offset);
  let end = offset;
  for (;;) {
    const kind: number = scanner.scan();
    if (kind === LINE_COMMENT || kind === BLOCK_COMMENT) {
      end = scanner.getTokenOffset() + scanner.getTokenLength();
    } else if (kind !== BLANK) {
      return end;
    }
  }
}

function property(text: string, key: string, value: unknown, indent: string): string {
  const unit = indentUnitOf(text);
  const lines = JSON.stringify(value, undefined, unit).split('\n');
  return `${JSON.stringify(key)}: ${lines.join(eolOf(text) + indent)}`;
}

function insert(text: string, object: Node, key: string, value: unknown): string {
  const eol = eolOf(text);
  const last = object.children?.at(-1);
  if (last === undefined) {
    const outer = indentAt(text, object.offset);
    const indent = outer + indentUnitOf(text);
    const place = afterComments(text, object.offset + 1);
    const rest = text.slice(place, endOf(object) - 1);
    const tail = /^[ \t]*[\r\n]/.test(rest) ? '' : eol + outer;
    const piece = `${eol}${indent}${property(text, key, value, indent)}${tail}`;
    return apply(text, [{ start: place, end: place, text: piece }]);
  }
  const comma = commaAfter(text, endOf(last));
  const place = afterComments(text, comma ?? endOf(last));
  const isInline = !isFirstOnLine(text, last.offset) && place === (comma ?? endOf(last));
  const indent = indentAt(text, last.offset);
  const piece = isInline
    ? ` ${JSON.stringify(key)}: ${JSON.stringify(value)}`
    : `${eol}${indent}${property(text, key, value, indent)}`;
  const end = endOf(last);
  return comma === undefined
    ? apply(text, [
        // At the same place the comma comes first.
        { start: end, end, text: place === end ? `,${piece}` : ',' },
        { start: place, end: place, text: place === end ? '' : piece },
      ])
    : apply(text, [{ start: place, end: place, text: `${piece},` }]);
}

/** Sets a property that is there, or adds it as the last of its object. */
export function setProperty(
  text: string,
  root: Node,
  path: JSONPath,
  key: string,
  value: unknown,
): string {
  const present = findNodeAtLocation(root, [...path, key]);
  if (present !== undefined) {
    const piece = JSON.stringify(value);
    return apply(text, [{ start: present.offset, end: endOf(present), text: piece }]);
  }
  const object = findNodeAtLocation(root, path);
  return object === undefined ? text : insert(text, object, key, value);
}

/** Takes a property away, with its comma and its line, and leaves every comment. */
export function removeProperty(text: string, root: Node, path: JSONPath): string {
  const gone = findNodeAtLocation(root, path)?.parent;
  if (gone === undefined) return text;
  const siblings = gone.parent?.children ?? [];
  const before = siblings[siblings.indexOf(gone) - 1];
  const comma = commaAfter(text, endOf(gone));
  const edits: Edit[] = [];
  let end = endOf(gone);
  if (comma !== undefined) {
    // What stands between a value and its comma can only be comments.
    const between = text.slice(end, comma - 1).trim();
    if (between === '') end = comma;
    else edits.push({ start: comma - 1, end: comma, text: '' });
  } else if (before !== undefined) {
    const useless = commaAfter(text, endOf(before));
    if (useless !== undefined) edits.push({ start: useless - 1, end: useless, text: '' });
  }
  let start = gone.offset;
  const after = /^[ \t]*(?:\r\n|\n|\r)/.exec(text.slice(end))?.[0];
  if (after !== undefined && isFirstOnLine(text, start)) {
    start = lineStart(text, start);
    end += after.length;
  } else if (!isFirstOnLine(text, start)) {
    start -= /[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0;
  }
  return apply(text, [...edits, { start, end, text: '' }]);
}
