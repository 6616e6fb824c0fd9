// What a modern server checks before it serves a request: the envelope in `_meta`, and over HTTP the headers that
// mirror the body (2026-07-28, basic/transports/streamable-http).
import type { IncomingHttpHeaders } from 'node:http';
import { type JsonObject, MODERN_VERSION, type RawError, isObject, metaKey } from './call.ts';

export interface ParsedRequest {
  readonly method: string;
  readonly params: JsonObject;
}

const meta = (request: ParsedRequest): JsonObject => {
  const value = request.params['_meta'];
  return isObject(value) ? value : {};
};

export const envelopeVersion = (request: ParsedRequest): unknown =>
  meta(request)[metaKey('protocolVersion')];

const mismatch = (message: string): RawError => ({ code: -32020, message, status: 400 });

export function unsupportedVersion(requested: unknown, supported: readonly string[]): RawError {
  const message = 'Unsupported protocol version';
  return {
    code: -32022,
    message,
    status: 400,
    data: { supported, requested: String(requested) },
  };
}

export function checkEnvelope(request: ParsedRequest): RawError | undefined {
  for (const name of ['protocolVersion', 'clientCapabilities']) {
    const key = metaKey(name);
    if (meta(request)[key] === undefined) {
      return { code: -32602, message: `Invalid params: _meta lacks ${key}`, status: 400 };
    }
  }
  return undefined;
}

export function checkVersion(request: ParsedRequest): RawError | undefined {
  const version = envelopeVersion(request);
  return version === MODERN_VERSION ? undefined : unsupportedVersion(version, [MODERN_VERSION]);
}

const SENTINEL = /^=\?base64\?(.*)\?=$/s;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @returns undefined where the value says base64 and is none. */
export function decodeHeader(value: string): string | undefined {
  const encoded = SENTINEL.exec(value)?.[1];
  if (encoded === undefined) return value;
  return BASE64.test(encoded) ? Buffer.from(encoded, 'base64').toString('utf8') : undefined;
}

const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : undefined;
};

function checkMirror(
  headers: IncomingHttpHeaders,
  name: string,
  expected: string,
): RawError | undefined {
  const value = header(headers, name);
  if (value === undefined) return mismatch(`Header mismatch: ${name} is missing`);
  const decoded = decodeHeader(value);
  if (decoded === undefined) return mismatch(`Header mismatch: ${name} is no valid base64`);
  if (decoded === expected) return undefined;
  return mismatch(`Header mismatch: ${name} is '${decoded}', the body says '${expected}'`);
}

const NAMED: Record<string, string> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

export function checkHeaders(
  headers: IncomingHttpHeaders,
  request: ParsedRequest,
): RawError | undefined {
  const version = header(headers, 'mcp-protocol-version');
  if (version === undefined) return mismatch('Header mismatch: MCP-Protocol-Version is missing');
  if (version !== envelopeVersion(request)) {
    return mismatch(`Header mismatch: MCP-Protocol-Version '${version}' is not the body's`);
  }
  const method = header(headers, 'mcp-method');
  if (method !== request.method) {
    return mismatch(`Header mismatch: Mcp-Method '${method}' is not the body's`);
  }
  const field = NAMED[request.method];
  if (field === undefined) return undefined;
  return checkMirror(headers, 'Mcp-Name', String(request.params[field]));
}

interface Annotated {
  readonly path: string[];
  readonly header: string;
}

/** The arguments that a tool's schema wants mirrored into Mcp-Param headers. */
function annotatedParams(schema: unknown, path: string[] = []): Annotated[] {
  if (!isObject(schema) || !isObject(schema['properties'])) return [];
  return Object.entries(schema['properties']).flatMap(([key, property]) => {
    if (!isObject(property)) return [];
    const name = property['x-mcp-header'];
    const deeper = annotatedParams(property, [...path, key]);
    if (typeof name === 'string') deeper.unshift({ path: [...path, key], header: name });
    return deeper;
  });
}

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), value);

export function checkParamHeaders(
  headers: IncomingHttpHeaders,
  request: ParsedRequest,
  inputSchema: unknown,
): RawError | undefined {
  for (const { path, header: name } of annotatedParams(inputSchema)) {
    const value = valueAt(request.params['arguments'], path);
    if (value === undefined || value === null) continue;
    if (typeof value === 'object') continue;
    const error = checkMirror(headers, `Mcp-Param-${name}`, String(value));
    if (error !== undefined) return error;
  }
  return undefined;
}
