// Which era one POST belongs to. The body decides; the headers must agree with it.
// 2026-07-28 basic/versioning, "Backward Compatibility", and basic/transports/streamable-http, "Server
// Validation".
import type { IncomingHttpHeaders } from 'node:http';
import type { Client, LogLevel, Message, Span } from '../core/call.ts';
import { isLogLevel } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import { LEGACY_VERSIONS, META, MODERN_VERSION } from '../wire/era.ts';
import { decodeHeaderValue } from '../wire/headers.ts';
import { isObjectAt, isStringAt, parseAt, sliceOf, stringAt, valueOf } from '../wire/json.ts';
import type { Params } from '../wire/message.ts';

/** Every version that is served, newest first: the legacy ones by `initialize`. */
export const SUPPORTED_VERSIONS: readonly string[] = [MODERN_VERSION, ...LEGACY_VERSIONS];

export interface Envelope {
  readonly client: Client;
  readonly logLevel: LogLevel | undefined;
}

export const namesModern = (version: string | undefined): boolean =>
  version !== undefined && /^\d{4}-\d\d-\d\d$/.test(version) && version >= MODERN_VERSION;

export const isLegacyVersion = (version: string): boolean =>
  (LEGACY_VERSIONS as readonly string[]).includes(version);

/** The request claims to be modern: its `_meta` names a protocol version, or its header names a modern one. */
export const claimsModern = (params: Params, headers: IncomingHttpHeaders): boolean =>
  valueOf(params.meta, META.protocolVersion) !== undefined ||
  namesModern(headers['mcp-protocol-version'] as string | undefined);

/**
 * The POST is for the modern side. An initialize whose `_meta` names an older version is the handshake of that
 * version all the same.
 */
export function isModern(
  { bytes, method }: Message,
  params: Params,
  headers: IncomingHttpHeaders,
): boolean {
  if (method !== 'initialize') return claimsModern(params, headers);
  if (namesModern(headers['mcp-protocol-version'] as string | undefined)) return true;
  const claim = valueOf(params.meta, META.protocolVersion);
  return claim !== undefined && isStringAt(bytes, claim) && namesModern(stringAt(bytes, claim));
}

const mismatch = (text: string): GatewayError => new GatewayError('HEADER_MISMATCH', text);

const missing = (key: string): GatewayError =>
  new GatewayError(
    'PARAMS_INVALID',
    `params._meta[${JSON.stringify(key)}] is missing; every request of ${MODERN_VERSION} carries it.`,
    { data: { missing: [key] } },
  );

const invalid = (key: string, what: string): GatewayError =>
  new GatewayError('PARAMS_INVALID', `params._meta[${JSON.stringify(key)}] must be ${what}.`);

/** @throws GatewayError VERSION_UNSUPPORTED */
function assertServed(requested: string): void {
  if (requested === MODERN_VERSION) return;
  // A legacy version is served, but not in this way: to list it here would send the client round in circles.
  const supported = isLegacyVersion(requested) ? [MODERN_VERSION] : SUPPORTED_VERSIONS;
  throw new GatewayError(
    'VERSION_UNSUPPORTED',
    `Protocol version ${JSON.stringify(requested)} is not served by requests that carry their version. ` +
      `Served are: ${supported.join(', ')}${supported.length > 1 ? ' (the older ones by initialize)' : ''}.`,
    { data: { supported, requested } },
  );
}

/**
 * Reads the envelope of a modern request, and checks the version header against it.
 * @throws GatewayError PARAMS_INVALID, HEADER_MISMATCH, VERSION_UNSUPPORTED
 */
export function readEnvelope(
  { bytes, method }: Message,
  { meta }: Params,
  headers: IncomingHttpHeaders,
): Envelope {
  const header = headers['mcp-protocol-version'] as string | undefined;
  const version = valueOf(meta, META.protocolVersion);
  if (!version) {
    if (method !== 'initialize') throw missing(META.protocolVersion);
    throw mismatch(`initialize opens a legacy session, but MCP-Protocol-Version is ${header}.`);
  }
  if (!isStringAt(bytes, version)) throw invalid(META.protocolVersion, 'a string');
  const protocolVersion = stringAt(bytes, version);
  if (header === undefined) throw mismatch('The header MCP-Protocol-Version is missing.');
  if (header !== protocolVersion) {
    const both = `${JSON.stringify(header)}) differs from the body (${JSON.stringify(protocolVersion)}`;
    throw mismatch(`The header MCP-Protocol-Version (${both}).`);
  }
  assertServed(protocolVersion);
  const capabilities = valueOf(meta, META.clientCapabilities);
  if (!capabilities) throw missing(META.clientCapabilities);
  const caps = objectOf(bytes, capabilities, META.clientCapabilities);
  const infoSpan = valueOf(meta, META.clientInfo);
  const info = infoSpan && objectOf(bytes, infoSpan, META.clientInfo);
  const client: Client = { era: 'modern', protocolVersion, info, capabilities: caps };
  return { client, logLevel: logLevelOf(bytes, valueOf(meta, META.logLevel)) };
}

function objectOf(bytes: Buffer, span: Span, key: string): Buffer {
  if (!isObjectAt(bytes, span)) throw invalid(key, 'an object');
  return sliceOf(bytes, span);
}

function logLevelOf(bytes: Buffer, span: Span | undefined): LogLevel | undefined {
  if (!span) return undefined;
  const level = isStringAt(bytes, span) ? parseAt(bytes, span) : undefined;
  if (!isLogLevel(level)) throw invalid(META.logLevel, 'a log level, such as "info"');
  return level;
}

/** The notification of a modern client: what its headers say must agree with its body. */
export function checkNotification(
  { bytes, method }: Message,
  { meta }: Params,
  headers: IncomingHttpHeaders,
): void {
  const named = headers['mcp-method'] as string | undefined;
  if (named !== undefined && decodeHeaderValue(named) !== method) {
    throw mismatch(`The header Mcp-Method (${named}) differs from the body (${method}).`);
  }
  const header = headers['mcp-protocol-version'] as string | undefined;
  const span = valueOf(meta, META.protocolVersion);
  if (span && !isStringAt(bytes, span)) throw invalid(META.protocolVersion, 'a string');
  const version = span ? stringAt(bytes, span) : header;
  if (version === undefined) return;
  if (header !== undefined && header !== version) {
    throw mismatch(
      `The header MCP-Protocol-Version (${header}) differs from the body (${version}).`,
    );
  }
  assertServed(version);
}
