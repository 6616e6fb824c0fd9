// Streamable HTTP for a raw server: sessions and a GET stream for legacy clients, single requests for modern ones.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { textAt } from '../../json-text.ts';
import { LEGACY_VERSIONS, type Outlet, Peer, isObject } from './call.ts';
import type { Answer, RawServer } from './server.ts';
import { SseStream } from './sse-stream.ts';

/** auto: JSON, unless something must be sent before the result. json: what comes before is lost. */
export type RespondMode = 'auto' | 'json' | 'sse';

export interface HttpOptions {
  readonly respond?: RespondMode;
  /** Legacy sessions; without them every legacy request stands alone. */
  readonly sessions?: boolean;
  /** Legacy streams carry event ids and can be resumed. */
  readonly resumable?: boolean;
}

export interface Session {
  readonly id: string;
  readonly peer: Peer;
  readonly streams: Map<string, SseStream>;
}

type Headers = Record<string, string>;

/** One POST that waits for its answer, as JSON or as a stream. */
class Exchange implements Outlet {
  readonly #response: ServerResponse;
  readonly #mode: RespondMode;
  readonly #headers: Headers;
  readonly #stream: SseStream;
  #streaming = false;

  constructor(response: ServerResponse, mode: RespondMode, headers: Headers, stream: SseStream) {
    this.#response = response;
    this.#mode = mode;
    this.#headers = headers;
    this.#stream = stream;
  }

  #start(): void {
    if (this.#streaming || this.#response.destroyed) return;
    this.#streaming = true;
    this.#stream.attach(this.#response, this.#headers);
  }

  send(message: string | Buffer): boolean {
    if (this.#mode === 'json') return true;
    this.#start();
    return this.#stream.send(message);
  }

  drained(): Promise<void> {
    return this.#stream.drained();
  }

  breakOff(): void {
    this.#start();
    this.#stream.breakOff();
  }

  /** A cancelled request ends its stream with nothing more in it. */
  abandon(): void {
    this.#start();
    this.#stream.end();
  }

  finish(answer: Answer): void {
    if (this.#mode === 'sse' && answer.status === 200) this.#start();
    if (this.#streaming) {
      this.#stream.send(answer.body);
      this.#stream.end();
      return;
    }
    reply(this.#response, answer.status, answer.body, this.#headers);
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  body: string | Buffer = '',
  headers: Headers = {},
): void {
  const type = body.length > 0 ? { 'content-type': 'application/json' } : {};
  response.writeHead(status, {
    ...type,
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  });
  response.end(body);
}

const refuse = (response: ServerResponse, status: number, code: number, message: string): void =>
  reply(response, status, JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
};

export class StreamableHttp {
  readonly sessions = new Map<string, Session>();
  readonly #server: RawServer;
  readonly #options: HttpOptions;
  #nextStream = 1;

  constructor(server: RawServer, options: HttpOptions) {
    this.#server = server;
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    if (request.method === 'POST') return this.#post(request, response, body.toString('utf8'));
    const sessionful = this.#server.era !== 'modern' && this.#options.sessions !== false;
    if (!sessionful || !['GET', 'DELETE'].includes(request.method ?? '')) {
      return refuse(response, 405, -32000, 'Method not allowed');
    }
    const session = this.#sessionOf(request, response);
    if (session === undefined) return;
    if (request.method === 'GET') this.#get(request, response, session);
    else {
      this.end(session);
      reply(response, 200);
    }
  }

  async #post(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const version = headerOf(request, 'mcp-protocol-version');
    const message = parse(text);
    if (message === undefined) return refuse(response, 400, -32700, 'Parse error');
    if (this.#server.eraOf(message, version) === 'modern') {
      return this.#modern(request, response, text);
    }
    if (version !== undefined && !LEGACY_VERSIONS.includes(version)) {
      return refuse(response, 400, -32000, `Bad Request: Unsupported protocol version ${version}`);
    }
    if (message['method'] === 'initialize' && this.#options.sessions !== false) {
      const session: Session = { id: randomUUID(), peer: new Peer(), streams: new Map() };
      this.sessions.set(session.id, session);
      this.#server.peers.add(session.peer);
      return this.#legacy(session, request, response, text, { 'mcp-session-id': session.id });
    }
    if (this.#options.sessions === false) {
      const alone: Session = { id: '', peer: new Peer(), streams: new Map() };
      return this.#legacy(alone, request, response, text);
    }
    const session = this.#sessionOf(request, response);
    if (session === undefined) return;
    return this.#legacy(session, request, response, text, { 'mcp-session-id': session.id });
  }

  #sessionOf(request: IncomingMessage, response: ServerResponse): Session | undefined {
    const id = headerOf(request, 'mcp-session-id');
    const session = id === undefined ? undefined : this.sessions.get(id);
    if (session !== undefined) return session;
    if (id === undefined) refuse(response, 400, -32000, 'Bad Request: Mcp-Session-Id is missing');
    else refuse(response, 404, -32001, 'Session not found');
    return undefined;
  }

  async #modern(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const peer = new Peer();
    response.once('close', () => {
      if (response.writableFinished) return;
      const id = textAt(text, 'id');
      if (id !== undefined && peer.running.has(id)) this.#server.options.onCancel?.(id);
      peer.close('the client closed the stream');
    });
    await this.#answer(peer, request, response, text, new SseStream());
  }

  async #legacy(
    session: Session,
    request: IncomingMessage,
    response: ServerResponse,
    text: string,
    headers: Headers = {},
  ): Promise<void> {
    const id = this.#options.resumable === true ? `s${this.#nextStream++}` : undefined;
    const stream = new SseStream(id);
    if (id !== undefined) session.streams.set(id, stream);
    await this.#answer(session.peer, request, response, text, stream, headers);
  }

  async #answer(
    peer: Peer,
    request: IncomingMessage,
    response: ServerResponse,
    text: string,
    stream: SseStream,
    headers: Headers = {},
  ): Promise<void> {
    const exchange = new Exchange(response, this.#options.respond ?? 'auto', headers, stream);
    const expectsAnswer = textAt(text, 'id') !== undefined && textAt(text, 'method') !== undefined;
    const answer = await this.#server.receive(text, peer, exchange, { headers: request.headers });
    if (answer !== undefined) exchange.finish(answer);
    else if (expectsAnswer) exchange.abandon();
    else reply(response, 202, '', headers);
  }

  #get(request: IncomingMessage, response: ServerResponse, session: Session): void {
    const last = headerOf(request, 'last-event-id');
    const [, id, position] = /^(.*)_(\d+)$/.exec(last ?? '') ?? [];
    const broken = id === undefined ? undefined : session.streams.get(id);
    const own = { 'mcp-session-id': session.id };
    if (broken !== undefined) {
      broken.attach(response, own, Number(position));
    } else {
      const stream = new SseStream();
      stream.attach(response, own);
      session.peer.outlet = stream;
      response.once('close', () => {
        if (session.peer.outlet === stream) session.peer.outlet = undefined;
      });
    }
  }

  end(session: Session): void {
    this.sessions.delete(session.id);
    this.#server.peers.delete(session.peer);
    const outlet = session.peer.outlet;
    session.peer.close('the session ended');
    if (outlet instanceof SseStream) outlet.end();
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
