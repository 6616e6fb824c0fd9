// The HTTP headers that mirror the body: Mcp-Method, Mcp-Name and Mcp-Param-* (2026-07-28,
// basic/transports/streamable-http, "Request Metadata").
import type { Message, Span } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import { elementsOf, isObjectAt, isStringAt, membersOf, stringAt, valueOf } from './json.ts';
import type { Member } from './json.ts';
import type { Params } from './message.ts';

const SENTINEL_START = '=?base64?';
const SENTINEL_END = '?=';
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Deeper annotations than this are not looked for: no header could name them in practice.
const MAX_SCHEMA_DEPTH = 64;

/** The methods whose name or URI is mirrored into Mcp-Name. */
const NAMED: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** A value as a header carries it: plain where it is safe ASCII, else in the Base64 sentinel form. */
export function encodeHeaderValue(value: string): string {
  const plain = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/.test(value);
  if (plain && !(value.startsWith(SENTINEL_START) && value.endsWith(SENTINEL_END))) return value;
  return `${SENTINEL_START}${Buffer.from(value).toString('base64')}${SENTINEL_END}`;
}

/** @returns undefined when the sentinel's content is no Base64 of UTF-8. */
export function decodeHeaderValue(header: string): string | undefined {
  if (!header.startsWith(SENTINEL_START) || !header.endsWith(SENTINEL_END)) return header;
  const encoded = header.slice(SENTINEL_START.length, -SENTINEL_END.length);
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64') !== encoded) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A property of a tool's input schema that is mirrored into a header. */
export interface HeaderParameter {
  /** The header's name after `Mcp-Param-`. */
  readonly header: string;
  readonly path: readonly string[];
}

/**
 * The `x-mcp-header` annotations of a tool definition.
 * @returns the parameters, or the reason why the definition is invalid (the tool must then be left out).
 */
export function headerParameters(definition: Buffer): readonly HeaderParameter[] | string {
  if (!definition.includes('x-mcp-header')) return [];
  const root = { start: 0, end: definition.length };
  const schema = valueOf(membersOf(definition, root), 'inputSchema');
  if (!schema) return [];
  const found: HeaderParameter[] = [];
  const fault = scanSchema(definition, schema, [], true, found);
  if (fault) return fault;
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  return names.size === found.length ? found : 'two parameters share one x-mcp-header';
}

function scanSchema(
  b: Buffer,
  span: Span,
  path: readonly string[],
  reachable: boolean,
  found: HeaderParameter[],
): string | undefined {
  if (path.length > MAX_SCHEMA_DEPTH) return undefined;
  for (const element of elementsOf(b, span)) {
    const fault = scanSchema(b, element, [...path, '[]'], false, found);
    if (fault) return fault;
  }
  const members = membersOf(b, span);
  for (const { key, value } of members) {
    let fault: string | undefined;
    if (key === 'x-mcp-header') fault = annotation(b, members, value, path, reachable, found);
    else if (key === 'properties') fault = scanProperties(b, value, path, reachable, found);
    else fault = scanSchema(b, value, [...path, key], false, found);
    if (fault) return fault;
  }
  return undefined;
}

function scanProperties(
  b: Buffer,
  span: Span,
  path: readonly string[],
  reachable: boolean,
  found: HeaderParameter[],
): string | undefined {
  for (const { key, value } of membersOf(b, span)) {
    const fault = scanSchema(b, value, [...path, key], reachable, found);
    if (fault) return fault;
  }
  return undefined;
}

function annotation(
  b: Buffer,
  schema: readonly Member[],
  value: Span,
  path: readonly string[],
  reachable: boolean,
  found: HeaderParameter[],
): string | undefined {
  const header = isStringAt(b, value) ? stringAt(b, value) : '';
  if (!TOKEN.test(header)) return 'an x-mcp-header is no HTTP token';
  if (!reachable || path.length === 0) {
    return `x-mcp-header "${header}" stands where no chain of properties leads`;
  }
  const type = valueOf(schema, 'type');
  const typeName = type && isStringAt(b, type) ? stringAt(b, type) : '';
  if (!['string', 'integer', 'boolean'].includes(typeName)) {
    return `x-mcp-header "${header}" is on a parameter that is no string, integer or boolean`;
  }
  found.push({ header, path });
  return undefined;
}

/** The scalar at a path of properties in the call's arguments; undefined: no header. */
function argumentAt(b: Buffer, start: Span, path: readonly string[]): Span | undefined {
  let span = start;
  for (const key of path) {
    if (!isObjectAt(b, span)) return undefined;
    const next = valueOf(membersOf(b, span), key);
    if (!next) return undefined;
    span = next;
  }
  return /[{[n]/.test(String.fromCharCode(b[span.start]!)) ? undefined : span;
}

/** A scalar as a header has it, but for the encoding. */
const textOf = (b: Buffer, span: Span): string =>
  isStringAt(b, span) ? stringAt(b, span) : b.toString('latin1', span.start, span.end);

/** The headers that a request to a modern server must carry, from the body that is sent. */
export function requestHeaders(
  message: Message,
  params: Params,
  version: string,
  mirrored: readonly HeaderParameter[],
): Record<string, string> {
  const headers: Record<string, string> = {
    'mcp-protocol-version': version,
    'mcp-method': encodeHeaderValue(message.method),
  };
  if (NAMED.has(message.method)) headers['mcp-name'] = encodeHeaderValue(params.name);
  const args = mirrored.length > 0 ? valueOf(params.members, 'arguments') : undefined;
  if (!args) return headers;
  for (const { header, path } of mirrored) {
    const value = argumentAt(message.bytes, args, path);
    if (value) headers[`mcp-param-${header}`] = encodeHeaderValue(textOf(message.bytes, value));
  }
  return headers;
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const mismatch = (text: string): GatewayError => new GatewayError('HEADER_MISMATCH', text);

function single(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  if (value !== undefined && typeof value !== 'string') {
    throw mismatch(`The header ${name} stands more than once.`);
  }
  return value;
}

function assertSame(header: string, raw: string | undefined, body: string): void {
  if (raw === undefined) throw mismatch(`The header ${header} is missing.`);
  const decoded = decodeHeaderValue(raw);
  if (decoded !== body) {
    throw mismatch(
      `The header ${header} (${JSON.stringify(raw)}) differs from the body (${JSON.stringify(body)}).`,
    );
  }
}

/**
 * Checks the mirrored headers of a modern request against its body.
 * @param headers as node:http has them: lower-case names; the raw list decides about repetition
 * @throws GatewayError HEADER_MISMATCH
 */
export function checkRequestHeaders(headers: Headers, message: Message, params: Params): void {
  assertSame('Mcp-Method', single(headers, 'mcp-method'), message.method);
  // Without a name in the body there is nothing to mirror: what is wrong then is the body.
  if (!NAMED.has(message.method) || !params.nameSpan) return;
  assertSame('Mcp-Name', single(headers, 'mcp-name'), params.name);
}

/** 42 and 42.0 are one integer, compared by their digits: a number type has too few. */
const sameInteger = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((text) => /^(-?\d+)(?:\.0+)?$/.exec(text)?.[1]);
  return x !== undefined && x === y;
};

/** Checks Mcp-Param-* against the arguments. @throws GatewayError HEADER_MISMATCH */
export function checkParameterHeaders(
  headers: Headers,
  message: Message,
  params: Params,
  mirrored: readonly HeaderParameter[],
): void {
  const args = valueOf(params.members, 'arguments');
  for (const { header, path } of mirrored) {
    const name = `Mcp-Param-${header}`;
    const raw = single(headers, name.toLowerCase());
    const value = args ? argumentAt(message.bytes, args, path) : undefined;
    if (!value) {
      if (raw !== undefined) throw mismatch(`The header ${name} has no value in the arguments.`);
      continue;
    }
    const body = textOf(message.bytes, value);
    const isText = isStringAt(message.bytes, value);
    if (isText || raw === undefined || !sameInteger(decodeHeaderValue(raw) ?? '', body)) {
      assertSame(name, raw, body);
    }
  }
}
