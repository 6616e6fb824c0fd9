// Upstreams made by hand, in exact bytes: started in this process over HTTP, or as a program of their own.
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  createServer,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type HttpOptions, StreamableHttp, reply } from './raw/http.ts';
import type { ListKind } from './raw/listen.ts';
import { type EraChoice, RawServer, type RawServerOptions, type RawTool } from './raw/server.ts';
import { LegacySse } from './raw/sse.ts';
import { type StdioOptions, serveStdio } from './raw/stdio.ts';

export interface HttpUpstreamOptions extends RawServerOptions, HttpOptions {
  readonly transport?: 'http' | 'sse';
  readonly host?: string;
  readonly port?: number;
  /** Requests without this header and value are answered with 401. */
  readonly requireHeader?: { readonly name: string; readonly value: string };
  /** Keep requests in `received`; true unless told, to be turned off for runs of many calls. */
  readonly record?: boolean;
  /** Looks at each request first; `true` when it has answered it. */
  readonly intercept?: (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ) => boolean;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** performance.now() of its arrival. */
  readonly at: number;
}

/** Between two looks at what a test waits for. */
const LOOK_MS = 2;

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;
const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

function isRebound(headers: IncomingHttpHeaders): boolean {
  if (!LOCAL_HOST.test(headers.host ?? '')) return true;
  return headers.origin !== undefined && !LOCAL_ORIGIN.test(headers.origin);
}

export class HttpUpstream {
  readonly server: RawServer;
  /** Every HTTP request so far, in the order of arrival. */
  readonly received: Received[] = [];
  /** Raw JSON of the ids whose requests the client cancelled. */
  readonly cancelled: string[] = [];
  readonly #options: HttpUpstreamOptions;
  readonly #http: StreamableHttp;
  readonly #sse: LegacySse;
  readonly #listener = createServer((request, response) => void this.#handle(request, response));

  constructor(options: HttpUpstreamOptions) {
    this.#options = options;
    const onCancel = (id: string): void => {
      this.cancelled.push(id);
      options.onCancel?.(id);
    };
    const era: EraChoice = options.transport === 'sse' ? 'legacy' : (options.era ?? 'dual');
    this.server = new RawServer({ ...options, era, onCancel });
    this.#http = new StreamableHttp(this.server, options);
    this.#sse = new LegacySse(this.server);
    this.#listener.requestTimeout = 0;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(this.#options.port ?? 0, this.#options.host ?? '127.0.0.1', resolve);
    });
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}${this.#options.transport === 'sse' ? '/sse' : '/mcp'}`;
  }

  /** Legacy sessions that are open. */
  get sessions(): number {
    return this.#http.sessions.size + this.#sse.sessions.size;
  }

  /** Streams on which a client now hears of changes, of both eras. */
  get listeners(): number {
    const legacy = [...this.server.peers].filter((peer) => peer.outlet !== undefined);
    return legacy.length + this.server.subscriptions.size;
  }

  emitChanged(kind: ListKind): void {
    this.server.changed(kind);
  }

  emitUpdated(uri: string): void {
    this.server.updated(uri);
  }

  setTool(name: string, tool: RawTool): void {
    this.server.tools.set(name, tool);
    this.server.changed('tools');
  }

  removeTool(name: string): void {
    this.server.tools.delete(name);
    this.server.changed('tools');
  }

  /** Forgets the legacy sessions, as a restart does: their ids are then answered with 404. */
  dropSessions(): void {
    for (const session of this.#http.sessions.values()) this.#http.end(session);
  }

  /** Cuts every connection, mid-message where there is one. */
  dropConnections(): void {
    this.#listener.closeAllConnections();
  }

  /** Waits until the condition holds; it may look at this upstream or at anything else. */
  async until(condition: (upstream: this) => boolean, deadlineMs = 10_000): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (!condition(this)) {
      if (performance.now() > deadline) {
        throw new Error(`The upstream did not see it in ${deadlineMs} ms: ${String(condition)}`);
      }
      await wait(LOOK_MS);
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks);
    const { method = '', url: path = '', headers } = request;
    if (this.#options.record !== false) {
      this.received.push({ method, path, headers, body, at: performance.now() });
    }
    if (isRebound(headers)) return reply(response, 403, '{"error":"forbidden host or origin"}');
    const required = this.#options.requireHeader;
    if (required !== undefined && headers[required.name.toLowerCase()] !== required.value) {
      return reply(response, 401, '{"error":"unauthorized"}', { 'www-authenticate': 'Bearer' });
    }
    if (this.#options.intercept?.(request, response, body) === true) return;
    if (this.#options.transport === 'sse') return this.#sse.handle(request, response, body);
    if (!path.startsWith('/mcp')) return reply(response, 404, '{"error":"not found"}');
    return this.#http.handle(request, response, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.subscriptions.endAll();
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.#listener.closeAllConnections();
    await closed;
  }
}

/** Serves in this process, on a port of its own. */
export async function startHttpUpstream(options: HttpUpstreamOptions): Promise<HttpUpstream> {
  const upstream = new HttpUpstream(options);
  await upstream.listen();
  return upstream;
}

export interface ProgramOptions extends Omit<HttpUpstreamOptions, 'transport'> {
  readonly stdio?: StdioOptions;
}

/** Flags that every program here takes. */
export const PROGRAM_FLAGS = {
  transport: { type: 'string', default: 'stdio' },
  era: { type: 'string', default: 'dual' },
  port: { type: 'string', default: '0' },
  respond: { type: 'string', default: 'auto' },
  'page-size': { type: 'string' },
  sloppy: { type: 'boolean', default: false },
  'delay-ms': { type: 'string', default: '0' },
} as const;

function flags(argv: readonly string[]): HttpUpstreamOptions & { readonly stdio: boolean } {
  const { values } = parseArgs({ args: [...argv], options: PROGRAM_FLAGS, strict: false });
  const text = (name: keyof typeof PROGRAM_FLAGS): string => String(values[name]);
  return {
    stdio: text('transport') === 'stdio',
    transport: text('transport') === 'sse' ? 'sse' : 'http',
    era: text('era') as EraChoice,
    port: Number(text('port')),
    respond: text('respond') as NonNullable<HttpOptions['respond']>,
    delayMs: Number(text('delay-ms')),
    ...(values['page-size'] === undefined ? {} : { pageSize: Number(text('page-size')) }),
    ...(values.sloppy === true ? { cache: 'omit' } : {}),
  };
}

/** Runs a fixture as a program: over stdio, or over HTTP, when the URL is printed once it listens. */
export async function runUpstream(
  options: ProgramOptions,
  argv: readonly string[] = process.argv.slice(2),
): Promise<RawServer> {
  const chosen = { ...flags(argv), ...options };
  if (flags(argv).stdio) {
    const server = new RawServer(chosen);
    void serveStdio(server, options.stdio);
    return server;
  }
  const upstream = await startHttpUpstream({ ...chosen });
  process.stdout.write(`${upstream.url}\n`);
  return upstream.server;
}
