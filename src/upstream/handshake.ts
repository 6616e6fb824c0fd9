// Opens a conversation with an upstream: which era it speaks, what it can do.
import type { Era, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import {
  errorCodeOf,
  LEGACY_VERSIONS,
  META,
  MODERN_ERRORS,
  MODERN_VERSION,
  NEWEST_LEGACY,
} from '../wire/era.ts';
import { parseAt } from '../wire/json.ts';
import { requestMessage } from '../wire/message.ts';
import type { Connection, Greeting, Outgoing, ServerCapabilities } from './connection.ts';
import { invalid } from './failure.ts';

export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

/** A request of the gateway's own, in the era's form. */
export function ownRequest(
  era: Era,
  method: string,
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  info: ClientInfo,
): Outgoing {
  const envelope = {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientInfo]: info,
    [META.clientCapabilities]: {},
  };
  return {
    method,
    build: (id) =>
      requestMessage(
        Number(id),
        method,
        era === 'modern' ? { ...params, _meta: envelope } : params,
      ),
    headers: () => ({ 'mcp-protocol-version': MODERN_VERSION, 'mcp-method': method }),
    signal,
  };
}

/** What a response's `result` says, as JavaScript has it. @throws GatewayError for an error response */
export function resultOf(
  server: string,
  method: string,
  response: Message,
): Record<string, unknown> {
  if (response.result) return parseAt(response.bytes, response.result) as Record<string, unknown>;
  const error = parseAt(response.bytes, response.error!) as { message?: unknown; code?: unknown };
  throw new GatewayError(
    'UPSTREAM_INVALID',
    `Server "${server}" answered ${method} with an error: ${String(error.message)} (${String(error.code)}).`,
    { data: { server } },
  );
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const capabilitiesOf = (value: unknown): ServerCapabilities =>
  typeof value === 'object' && value !== null ? value : {};

export function cacheHints(
  result: Record<string, unknown>,
): Pick<Greeting, 'ttlMs' | 'cacheScope'> {
  const ttl = result['ttlMs'];
  const ttlMs = typeof ttl === 'number' && Number.isFinite(ttl) && ttl > 0 ? Math.floor(ttl) : 0;
  return { ttlMs, cacheScope: result['cacheScope'] === 'public' ? 'public' : 'private' };
}

/**
 * Asks `server/discover`.
 * @returns undefined when the answer shows a legacy server: any error that is not a modern one
 * (2026-07-28, basic/transports/stdio, "Backward Compatibility").
 */
export async function discover(
  server: string,
  connection: Connection,
  signal: AbortSignal,
  info: ClientInfo,
): Promise<Greeting | undefined> {
  const response = await connection.request(
    ownRequest('modern', 'server/discover', {}, signal, info),
  );
  if (response.error) {
    if (!MODERN_ERRORS.has(errorCodeOf(response))) return undefined;
    const { bytes } = response;
    throw new GatewayError(
      'UPSTREAM_INVALID',
      `Server "${server}" does not speak protocol version ${MODERN_VERSION}: ` +
        bytes.toString(
          'utf8',
          response.error.start,
          Math.min(response.error.end, response.error.start + 300),
        ),
    );
  }
  const result = resultOf(server, 'server/discover', response);
  const supported: unknown = result['supportedVersions'];
  if (!Array.isArray(supported)) return undefined;
  return {
    era: 'modern',
    version: MODERN_VERSION,
    servesLegacy: supported.some((one) => (LEGACY_VERSIONS as readonly unknown[]).includes(one)),
    capabilities: capabilitiesOf(result['capabilities']),
    instructions: textOf(result['instructions']),
    ...cacheHints(result),
  };
}

/** The `initialize` handshake; the newest legacy version is offered. */
export async function initialize(
  server: string,
  connection: Connection,
  signal: AbortSignal,
  info: ClientInfo,
): Promise<Greeting> {
  const params = { protocolVersion: NEWEST_LEGACY, capabilities: {}, clientInfo: info };
  const response = await connection.request(
    ownRequest('legacy', 'initialize', params, signal, info),
  );
  const result = resultOf(server, 'initialize', response);
  const version = textOf(result['protocolVersion']);
  if (!(LEGACY_VERSIONS as readonly string[]).includes(version)) {
    throw invalid(
      server,
      `it offers protocol version ${JSON.stringify(version)}, which is unknown.`,
    );
  }
  return {
    era: 'legacy',
    version,
    servesLegacy: true,
    capabilities: capabilitiesOf(result['capabilities']),
    instructions: textOf(result['instructions']),
    ttlMs: 0,
    cacheScope: 'private',
  };
}
