// A hand-written MCP server that answers in exact bytes; no SDK, which would parse and re-write them. The transports
// beside this file carry its messages.
import type { IncomingHttpHeaders } from 'node:http';
import { membersOf, textAt } from '../../json-text.ts';
import {
  type Era,
  type Handler,
  type JsonObject,
  LEGACY_VERSIONS,
  type Outlet,
  type Peer,
  RawCall,
  type RawError,
  type Reply,
  cancelled,
  isObject,
  pause,
} from './call.ts';
import {
  checkEnvelope,
  checkHeaders,
  checkParamHeaders,
  checkVersion,
  envelopeVersion,
} from './envelope.ts';
import { type ListKind, Subscriptions } from './listen.ts';
import { baseMethods } from './methods.ts';

export type EraChoice = Era | 'dual';

export interface RawTool {
  /** Raw JSON of the definition, its name included. */
  readonly definition: string;
  readonly call: Handler;
}

export interface RawPrompt {
  readonly definition: string;
  readonly get: Handler;
}

export interface RawResource {
  readonly definition: string;
  readonly read: Handler;
}

export interface RawTemplate extends RawResource {
  readonly matches: (uri: string) => boolean;
}

export interface RawServerOptions {
  readonly era?: EraChoice;
  /** Raw JSON; without it a name and version. */
  readonly serverInfo?: string;
  readonly instructions?: string;
  /** Raw JSON; without it what the tables below call for. */
  readonly capabilities?: string;
  readonly tools?: Readonly<Record<string, RawTool>>;
  readonly prompts?: Readonly<Record<string, RawPrompt>>;
  readonly resources?: Readonly<Record<string, RawResource>>;
  readonly templates?: readonly RawTemplate[];
  readonly complete?: Handler;
  /** More methods, or others in place of the usual ones. */
  readonly methods?: Readonly<Record<string, Handler>>;
  readonly pageSize?: number;
  /** A server of both eras tells of the legacy versions too; without it, of the modern one alone. */
  readonly announceAll?: boolean;
  /** `omit` is the sloppy modern server that forgets both. */
  readonly cache?: { readonly ttlMs: number; readonly cacheScope: string } | 'omit';
  /** Leave results without `resultType`, as an earlier server does. */
  readonly bareResults?: boolean;
  /** Every request waits so long before it is served. */
  readonly delayMs?: number;
  readonly onNotification?: (method: string, params: string, peer: Peer) => void;
  readonly onCancel?: (id: string) => void;
}

export interface Answer {
  readonly body: string | Buffer;
  readonly status: number;
}

export interface HttpContext {
  readonly headers: IncomingHttpHeaders;
}

interface Incoming extends JsonObject {
  readonly method?: unknown;
  readonly params?: unknown;
}

const isModernVersion = (version: unknown): boolean =>
  typeof version === 'string' && !LEGACY_VERSIONS.includes(version);

export class RawServer {
  readonly options: RawServerOptions;
  readonly era: EraChoice;
  readonly tools: Map<string, RawTool>;
  readonly prompts: Map<string, RawPrompt>;
  readonly resources: Map<string, RawResource>;
  readonly peers = new Set<Peer>();
  readonly subscriptions = new Subscriptions();
  delayMs: number;
  readonly #methods: Readonly<Record<string, Handler>>;

  constructor(options: RawServerOptions) {
    this.options = options;
    this.era = options.era ?? 'dual';
    this.tools = new Map(Object.entries(options.tools ?? {}));
    this.prompts = new Map(Object.entries(options.prompts ?? {}));
    this.resources = new Map(Object.entries(options.resources ?? {}));
    this.delayMs = options.delayMs ?? 0;
    this.#methods = { ...baseMethods(this), ...options.methods };
  }

  /** Tells every client that a list has changed, in its era's way. */
  changed(kind: ListKind): void {
    this.subscriptions.changed(kind);
    const message = `{"jsonrpc":"2.0","method":"notifications/${kind}/list_changed"}`;
    for (const peer of this.peers) peer.outlet?.send(message);
  }

  /** Tells those who subscribed to a resource that it has changed. */
  updated(uri: string): void {
    this.subscriptions.updated(uri);
    const params = JSON.stringify({ uri });
    const message = `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":${params}}`;
    for (const peer of this.peers) {
      if (peer.subscriptions.has(uri)) peer.outlet?.send(message);
    }
  }

  /** Which era a message belongs to on this server: how the client opened decides. */
  eraOf(message: Incoming, version?: unknown): Era {
    if (this.era !== 'dual') return this.era;
    const params = isObject(message.params) ? message.params : {};
    const enveloped = envelopeVersion({ method: '', params }) !== undefined;
    return enveloped || isModernVersion(version) ? 'modern' : 'legacy';
  }

  /** Serves one message. @returns what to send back; undefined when there is nothing to say. */
  async receive(
    text: string,
    peer: Peer,
    outlet: Outlet,
    http?: HttpContext,
  ): Promise<Answer | undefined> {
    let message: Incoming;
    try {
      message = JSON.parse(text) as Incoming;
    } catch {
      return this.#fail('null', { code: -32700, message: 'Parse error' }, 'legacy', 400);
    }
    if (!isObject(message)) {
      return this.#fail('null', { code: -32600, message: 'Invalid request' }, 'legacy', 400);
    }
    const id = textAt(text, 'id');
    if (typeof message.method !== 'string') {
      if (id !== undefined) peer.asked.get(id)?.(text);
      return undefined;
    }
    const params = textAt(text, 'params') ?? '{}';
    if (id === undefined) {
      this.#notified(message.method, params, peer);
      return undefined;
    }
    const version = http?.headers['mcp-protocol-version'];
    const era = this.eraOf(message, version);
    const parsed = {
      method: message.method,
      params: isObject(message.params) ? message.params : {},
    };
    const refusal = era === 'modern' ? this.#refuse(parsed, http) : undefined;
    if (refusal !== undefined) return this.#fail(id, refusal, era);
    const controller = new AbortController();
    peer.running.set(id, controller);
    const { signal } = controller;
    try {
      const { method } = message;
      const parts = { era, message: text, method, id, params, peer, outlet, signal };
      const call = new RawCall(parts);
      return await this.#serve(call);
    } finally {
      if (peer.running.get(id) === controller) peer.running.delete(id);
    }
  }

  #refuse(
    request: { method: string; params: JsonObject },
    http: HttpContext | undefined,
  ): RawError | undefined {
    const bad =
      checkEnvelope(request) ??
      (http === undefined ? undefined : checkHeaders(http.headers, request)) ??
      checkVersion(request);
    if (bad !== undefined || http === undefined || request.method !== 'tools/call') return bad;
    const definition = this.tools.get(String(request.params['name']))?.definition;
    const schema = definition === undefined ? undefined : textAt(definition, 'inputSchema');
    if (schema === undefined) return undefined;
    return checkParamHeaders(http.headers, request, JSON.parse(schema));
  }

  #notified(method: string, params: string, peer: Peer): void {
    if (method === 'notifications/cancelled') {
      const id = textAt(params, 'requestId') ?? '';
      this.options.onCancel?.(id);
      peer.running.get(id)?.abort(new Error('cancelled'));
    }
    this.options.onNotification?.(method, params, peer);
  }

  async #serve(call: RawCall): Promise<Answer | undefined> {
    if (this.delayMs > 0 && !(await pause(this.delayMs, call.signal))) return undefined;
    const handler = Object.hasOwn(this.#methods, call.method)
      ? this.#methods[call.method]
      : undefined;
    if (handler === undefined) {
      return this.#fail(call.id, { code: -32601, message: 'Method not found' }, call.era);
    }
    let reply: Reply;
    try {
      reply = await handler(call);
    } catch (error) {
      if (call.signal.aborted) return undefined;
      reply = { error: { code: -32603, message: String(error) } };
    }
    if (reply === undefined) await cancelled(call.signal);
    if (reply === undefined || call.signal.aborted) return undefined;
    if (typeof reply !== 'string' && 'message' in reply) {
      return { body: reply.message, status: reply.status ?? 200 };
    }
    if (typeof reply !== 'string') return this.#fail(call.id, reply.error, call.era);
    return { body: this.#result(call, reply), status: 200 };
  }

  #result(call: RawCall, result: string): string {
    const stamped = call.era === 'modern' && this.options.bareResults !== true;
    return `{"jsonrpc":"2.0","id":${call.id},"result":${stamped ? stamp(result) : result}}`;
  }

  #fail(id: string, error: RawError, era: Era, status?: number): Answer {
    const { code, message, data } = error;
    const body = `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
    return { body, status: status ?? error.status ?? usualStatus(code, era) };
  }
}

function usualStatus(code: number, era: Era): number {
  if (era === 'legacy') return 200;
  if (code === -32601) return 404;
  return code <= -32020 && code >= -32022 ? 400 : 200;
}

/** A modern result must say what it is; where a fixture's text does not, it is complete. */
function stamp(result: string): string {
  const members = membersOf(result);
  if (members.some((member) => member.key === 'resultType')) return result;
  const rest = result.slice(result.indexOf('{') + 1);
  return `{"resultType":"complete"${members.length > 0 ? ',' : ''}${rest}`;
}
