// MCP clients that send and give back raw JSON texts, one for each door: what the fidelity suite compares with.
import { spawn } from 'node:child_process';
import { membersOf, textAt } from './json-text.ts';
import { linesOf } from './lines.ts';
import { type RawReply, Shared, replyOf } from './raw-reply.ts';
import { type Headers, type RawStream, openStream, rawPost, send } from './raw-http.ts';

export type { RawReply };

export const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const META = 'io.modelcontextprotocol/';

export interface RawClient extends AsyncDisposable {
  readonly era: 'legacy' | 'modern';
  /**
   * Sends `params`, raw JSON of an object; a modern client adds the envelope to its `_meta`.
   * @param beside raw JSON members that stand beside the params
   */
  request(method: string, params?: string, id?: string, beside?: string): Promise<RawReply>;
  notify(method: string, params?: string): Promise<void>;
}

export interface RawClientOptions {
  readonly headers?: Headers;
  /** Raw JSON of the client's capabilities. */
  readonly capabilities?: string;
}

export const requestText = (id: string, method: string, params: string, beside = ''): string =>
  `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}${beside === '' ? '' : `,${beside}`}}`;

const notificationText = (method: string, params: string): string =>
  `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params}}`;

/** Adds the modern envelope to params, behind what their `_meta` already holds. */
export function withEnvelope(params: string, capabilities = '{}', version = MODERN): string {
  const envelope = `"${META}protocolVersion":"${version}","${META}clientCapabilities":${capabilities},"${META}clientInfo":{"name":"raw","version":"1.0.0"}`;
  const meta = membersOf(params).findLast(({ key }) => key === '_meta');
  if (meta === undefined) {
    const rest = params.trim().slice(1);
    return `{"_meta":{${envelope}}${rest.trim() === '}' ? '' : ','}${rest}`;
  }
  const inside = meta.value.slice(1, -1).trim();
  const joined = `{${inside}${inside === '' ? '' : ','}${envelope}}`;
  return `${params.slice(0, meta.start)}${joined}${params.slice(meta.end)}`;
}

const encodeHeader = (value: string): string =>
  /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?base64?')
    ? value
    : `=?base64?${Buffer.from(value).toString('base64')}?=`;

/** The headers that mirror a modern request's body. */
export function mirrorHeaders(method: string, params: string): Headers {
  const name = textAt(params, method === 'resources/read' ? 'uri' : 'name');
  const named =
    ['tools/call', 'prompts/get', 'resources/read'].includes(method) && name !== undefined;
  return {
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...(named ? { 'mcp-name': encodeHeader(JSON.parse(name) as string) } : {}),
  };
}

let lastId = 0;
const nextId = (): string => String(++lastId);

function lastWithId(messages: readonly string[], id: string): RawReply {
  const at = messages.findIndex(
    (text) => textAt(text, 'id') === id && textAt(text, 'method') === undefined,
  );
  if (at < 0)
    throw new Error(
      `No answer to ${id} among ${messages.length} messages: ${messages.join('\n').slice(0, 2000)}`,
    );
  return replyOf(messages[at]!, messages.slice(0, at));
}

export function rawModern(url: string, options: RawClientOptions = {}): RawClient {
  const { headers = {}, capabilities } = options;
  return {
    era: 'modern',
    request: async (method, params = '{}', id = nextId(), beside = '') => {
      const enveloped = withEnvelope(params, capabilities);
      const mirrors = mirrorHeaders(method, params);
      const body = requestText(id, method, enveloped, beside);
      const answer = await rawPost(url, body, { ...mirrors, ...headers });
      return lastWithId(answer.messages, id);
    },
    notify: async (method, params = '{}') => {
      const body = notificationText(method, withEnvelope(params, capabilities));
      await rawPost(url, body, { ...mirrorHeaders(method, params), ...headers });
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const initializeParams = (capabilities = '{}'): string =>
  `{"protocolVersion":"${LEGACY}","capabilities":${capabilities},"clientInfo":{"name":"raw","version":"1.0.0"}}`;

export interface RawLegacyClient extends RawClient {
  readonly sessionId: string;
  /** Headers of a request in this session, to send what the client would not. */
  readonly headers: Headers;
  /** Opens the GET stream. */
  listen(): Promise<RawStream>;
}

/** Opens a session over Streamable HTTP. */
export async function rawLegacy(
  url: string,
  options: RawClientOptions = {},
): Promise<RawLegacyClient> {
  const id = nextId();
  const hello = requestText(id, 'initialize', initializeParams(options.capabilities));
  const opened = await rawPost(url, hello, options.headers);
  lastWithId(opened.messages, id);
  const sessionId = String(opened.headers['mcp-session-id'] ?? '');
  const headers = {
    ...options.headers,
    'mcp-session-id': sessionId,
    'mcp-protocol-version': LEGACY,
  };
  const client: RawLegacyClient = {
    era: 'legacy',
    sessionId,
    headers,
    request: async (method, params = '{}', requestId = nextId(), beside = '') => {
      const answer = await rawPost(url, requestText(requestId, method, params, beside), headers);
      return lastWithId(answer.messages, requestId);
    },
    notify: async (method, params = '{}') => {
      await rawPost(url, notificationText(method, params), headers);
    },
    listen: () => openStream(url, { headers }),
    [Symbol.asyncDispose]: async () => {
      (await send(url, { method: 'DELETE', headers })).resume();
    },
  };
  await client.notify('notifications/initialized');
  return client;
}

export interface RawSharedClient extends RawClient {
  /** Every message that came, in order. */
  readonly seen: readonly string[];
}

/** Opens HTTP+SSE at the URL of its GET stream. */
export async function rawSse(
  url: string,
  options: RawClientOptions = {},
): Promise<RawSharedClient> {
  const shared = new Shared();
  const stream = await openStream(
    url,
    options.headers === undefined ? {} : { headers: options.headers },
    ({ event, data }) => {
      if (event === 'message') shared.take(data);
    },
  );
  const { data } = await stream.until(({ event }) => event === 'endpoint');
  const target = new URL(data, url).href;
  const post = async (body: string): Promise<void> =>
    void (await rawPost(target, body, options.headers));
  const request: RawClient['request'] = async (
    method,
    params = '{}',
    id = nextId(),
    beside = '',
  ) => {
    const reply = shared.wait(id);
    await post(requestText(id, method, params, beside));
    return reply;
  };
  const notify = (method: string, params = '{}'): Promise<void> =>
    post(notificationText(method, params));
  void stream.ended.then(() => shared.end('The stream of events has ended.'));
  await request('initialize', initializeParams(options.capabilities));
  await notify('notifications/initialized');
  return {
    era: 'legacy',
    request,
    notify,
    seen: shared.seen,
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

export interface RawStdioOptions extends RawClientOptions {
  readonly command: string;
  readonly args?: readonly string[];
  /** All that the program gets; default: what this process has. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly era: 'legacy' | 'modern';
}

export interface RawStdioClient extends RawSharedClient {
  readonly pid: number;
  /** Writes bytes as they are; the line break is the caller's. */
  write(bytes: string | Buffer): void;
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
}

/** Starts a program and speaks to it over its standard streams. */
export async function rawStdio(options: RawStdioOptions): Promise<RawStdioClient> {
  const { command, args = [], env, cwd, era, capabilities } = options;
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin.on('error', () => {});
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const shared = new Shared();
  void (async () => {
    for await (const line of linesOf(child.stdout)) shared.take(line.toString('utf8'));
    shared.end('The program has closed its output.');
  })();
  const complete = (params: string): string =>
    era === 'modern' ? withEnvelope(params, capabilities) : params;
  const request: RawClient['request'] = (method, params = '{}', id = nextId(), beside = '') => {
    const reply = shared.wait(id);
    const text = requestText(id, method, complete(params), beside);
    child.stdin.write(`${text.replaceAll(/[\r\n]/g, ' ')}\n`);
    return reply;
  };
  const notify = async (method: string, params = '{}'): Promise<void> => {
    child.stdin.write(`${notificationText(method, complete(params))}\n`);
  };
  if (era === 'legacy') {
    await request('initialize', initializeParams(capabilities));
    await notify('notifications/initialized');
  }
  return {
    era,
    request,
    notify,
    seen: shared.seen,
    pid: child.pid ?? 0,
    write: (bytes) => void child.stdin.write(bytes),
    exited,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
