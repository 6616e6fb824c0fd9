// Requests to the door, as clients of both eras write them, and what comes back.
import { META, MODERN_VERSION } from '../../../src/wire/era.ts';

export type Json = Record<string, any>;
export type Headers = Record<string, string | undefined>;

export const BOTH_TYPES = 'application/json, text/event-stream';

export const envelope = (more: Json = {}): Json => ({
  [META.protocolVersion]: MODERN_VERSION,
  [META.clientCapabilities]: {},
  [META.clientInfo]: { name: 'test', version: '1' },
  ...more,
});

/** Headers without those that are undefined. */
const defined = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

export const send = (
  url: string,
  body: unknown,
  headers: Headers = {},
  init: RequestInit = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body:
      typeof body === 'string' || body instanceof Uint8Array
        ? (body as string)
        : JSON.stringify(body),
    ...init,
    headers: defined({
      authorization: 'Bearer alice',
      'content-type': 'application/json',
      accept: BOTH_TYPES,
      ...headers,
    }),
  });

export interface Modern {
  id?: number | string;
  params?: Json;
  meta?: Json;
  headers?: Headers;
  path?: string;
  signal?: AbortSignal;
}

export const modernHeaders = (method: string, params: Json = {}): Headers => ({
  'mcp-protocol-version': MODERN_VERSION,
  'mcp-method': method,
  'mcp-name': ['tools/call', 'prompts/get', 'resources/read'].includes(method)
    ? (params['name'] ?? params['uri'])
    : undefined,
});

/** A well-formed request of 2026-07-28, but for what is given. */
export function sendModern(url: string, method: string, options: Modern = {}): Promise<Response> {
  const { id = 1, params = {}, meta = {}, headers = {}, path = '/mcp', signal } = options;
  const body = { jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope(meta) } };
  const all = { ...modernHeaders(method, params), ...headers };
  return send(url + path, body, all, signal ? { signal } : {});
}

export const initializeBody = (protocolVersion: string, id: number | string = 0): Json => ({
  jsonrpc: '2.0',
  id,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } },
});

export interface LegacySession {
  readonly id: string;
  readonly version: string;
  readonly headers: Headers;
  send(method: string, params?: Json, id?: number | string, init?: RequestInit): Promise<Response>;
  notify(method: string, params?: Json): Promise<Response>;
}

export async function openSession(
  url: string,
  version = '2025-11-25',
  { path = '/mcp', headers: own = {} }: { path?: string; headers?: Headers } = {},
): Promise<LegacySession> {
  const response = await send(url + path, initializeBody(version), own);
  const id = response.headers.get('mcp-session-id') ?? '';
  await response.body?.cancel();
  const headers = { ...own, 'mcp-session-id': id, 'mcp-protocol-version': version };
  return {
    id,
    version,
    headers,
    send: (method, params, requestId = 1, init = {}) =>
      send(
        url + path,
        { jsonrpc: '2.0', id: requestId, method, ...(params ? { params } : {}) },
        headers,
        init,
      ),
    notify: (method, params) =>
      send(url + path, { jsonrpc: '2.0', method, ...(params ? { params } : {}) }, headers),
  };
}

export const bodyOf = async (response: Response): Promise<Json> => (await response.json()) as Json;

/** The messages of an event stream, one by one; comments are skipped. */
export async function* eventsOf(response: Response): AsyncGenerator<Json> {
  for await (const { data } of rawEventsOf(response)) yield JSON.parse(data) as Json;
}

export async function* rawEventsOf(
  response: Response,
): AsyncGenerator<{ event: string; data: string }> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines
          .filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2));
      const data = field('data');
      if (data.length > 0) yield { event: field('event')[0] ?? 'message', data: data.join('\n') };
    }
  }
}

export const allEventsOf = async (response: Response): Promise<Json[]> =>
  Array.fromAsync(eventsOf(response));

export async function next<T>(events: AsyncGenerator<T>): Promise<T> {
  const { value, done } = await events.next();
  if (done) throw new TypeError('The stream has ended.');
  return value;
}
