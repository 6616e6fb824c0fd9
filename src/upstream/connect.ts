// From a server's configuration to an open connection: transport, era probe, handshake.
import type { Era } from '../core/call.ts';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpServer, ServerConfig, StdioServer } from '../config/config.ts';
import type { HttpClient } from '../net/http-client.ts';
import { MODERN_VERSION, NEWEST_LEGACY } from '../wire/era.ts';
import type { Connection, ConnectionEvents, Greeting } from './connection.ts';
import { discover, initialize } from './handshake.ts';
import type { ClientInfo } from './handshake.ts';
import { HttpConnection } from './http.ts';
import type { HttpOptions } from './http.ts';
import { SseConnection } from './sse.ts';
import { StdioConnection } from './stdio.ts';

/** A server that knows `server/discover` answers it at once; silence means a legacy one. */
const PROBE_MS = 5_000;

export interface ConnectOptions {
  readonly config: ServerConfig;
  readonly client: HttpClient;
  readonly events: ConnectionEvents;
  readonly signal: AbortSignal;
  readonly info: ClientInfo;
  /** The era found last time, not to be probed again; undefined: probe. */
  readonly knownEra: Era | undefined;
  readonly log: Log;
}

export interface Opened {
  readonly connection: Connection;
  readonly greeting: Greeting;
  readonly transport: 'stdio' | 'http' | 'sse';
  /** The era was found now, not taken over from last time. */
  readonly probed: boolean;
}

/** Ends a connection that turned out to be of no use. */
async function discard(connection: Connection, log: Log): Promise<void> {
  try {
    await connection[Symbol.asyncDispose]();
  } catch (error) {
    log.debug({ error: reasonOf(error) }, 'a connection did not close cleanly');
  }
}

const eraOf = ({ config, knownEra }: ConnectOptions): Era | undefined =>
  config.era === 'auto' ? knownEra : config.era;

/** @throws GatewayError UPSTREAM_…, ADDRESS_REFUSED, or the signal's reason */
export async function connect(options: ConnectOptions): Promise<Opened> {
  const { config } = options;
  const probed = options.knownEra === undefined;
  if (config.transport === 'stdio') return { ...(await connectStdio(options, config)), probed };
  if (config.transport === 'sse') return { ...(await connectSse(options, config)), probed };
  return { ...(await connectHttp(options, config)), probed };
}

type Unprobed = Omit<Opened, 'probed'>;

async function connectStdio(options: ConnectOptions, config: StdioServer): Promise<Unprobed> {
  const { name: server, command, args, env, cwd, maxMessageBytes: maxBytes } = config;
  const { events, log, signal, info } = options;
  const start = () =>
    StdioConnection.start({
      server,
      command,
      args,
      env,
      cwd,
      maxBytes,
      events: guarded.events,
      log,
    });
  const guarded = guardEvents(events);
  let connection = await start();
  try {
    const era = eraOf(options);
    let greeting: Greeting | undefined;
    if (era !== 'legacy') greeting = await probe(server, connection, signal, info, era);
    if (!greeting && guarded.closed) {
      // Some legacy servers end at the first request that is no initialize.
      await discard(connection, log);
      guarded.reset();
      connection = await start();
    }
    greeting ??= await initialize(server, connection, signal, info);
    connection.opened(greeting.era, greeting.version);
    guarded.pass();
    return { connection, greeting, transport: 'stdio' };
  } catch (error) {
    await discard(connection, log);
    throw error;
  }
}

/** Before the handshake is over, the end of a connection is told by what the handshake throws. */
function guardEvents(events: ConnectionEvents) {
  let passing = false;
  let closed: GatewayError | undefined;
  return {
    events: {
      onNotification: (message) => events.onNotification(message),
      onClose(reason) {
        closed = reason;
        if (passing) events.onClose(reason);
      },
    } satisfies ConnectionEvents,
    get closed() {
      return closed !== undefined;
    },
    reset() {
      closed = undefined;
    },
    pass() {
      passing = true;
      if (closed) events.onClose(closed);
    },
  };
}

/** @returns undefined when the server is a legacy one. */
async function probe(
  server: string,
  connection: Connection,
  signal: AbortSignal,
  info: ClientInfo,
  era: Era | undefined,
): Promise<Greeting | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]);
  try {
    const greeting = await discover(server, connection, limit, info);
    if (greeting || era !== 'modern') return greeting;
  } catch (error) {
    if (signal.aborted || era === 'modern') throw error;
    // Refused, unreachable or under an unknown version: initialize would fare no better.
    if (isGatewayError(error) && error.code !== 'UPSTREAM_LOST') {
      if (error.code !== 'UPSTREAM_REFUSED' || !isEraEvidence(error)) throw error;
    }
    return undefined;
  }
  throw new GatewayError(
    'UPSTREAM_INVALID',
    `Server "${server}" is set to era "modern" but is a legacy server. Set its "era" to "auto".`,
    { data: { server } },
  );
}

/** A 4xx other than 401 and 403 is how a legacy HTTP server refuses a modern request. */
function isEraEvidence(error: GatewayError): boolean {
  const status = Number(error.data?.['status']);
  return status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 429;
}

const httpOptions = (
  options: ConnectOptions,
  config: HttpServer,
  events: ConnectionEvents,
): HttpOptions => ({
  server: config.name,
  url: config.url,
  headers: config.headers,
  maxBytes: config.maxMessageBytes,
  client: options.client,
  events,
  log: options.log,
});

async function connectHttp(options: ConnectOptions, config: HttpServer): Promise<Unprobed> {
  const { signal, info, log } = options;
  const guarded = guardEvents(options.events);
  const http = httpOptions(options, config, guarded.events);
  const era = eraOf(options);
  if (era !== 'legacy') {
    const connection = new HttpConnection('modern', MODERN_VERSION, http);
    const greeting = await probe(config.name, connection, signal, info, era);
    if (greeting) {
      guarded.pass();
      return { connection, greeting, transport: 'http' };
    }
  }
  const connection = new HttpConnection('legacy', NEWEST_LEGACY, http);
  try {
    const greeting = await initialize(config.name, connection, signal, info);
    connection.opened(greeting.version);
    guarded.pass();
    return { connection, greeting, transport: 'http' };
  } catch (error) {
    await discard(connection, log);
    const mayBeSse =
      isGatewayError(error) && error.code === 'UPSTREAM_REFUSED' && isEraEvidence(error);
    if (config.transport === 'auto-http' && mayBeSse) return connectSse(options, config);
    throw error;
  }
}

async function connectSse(options: ConnectOptions, config: HttpServer): Promise<Unprobed> {
  const { signal, info, log } = options;
  const guarded = guardEvents(options.events);
  const connection = await SseConnection.open(httpOptions(options, config, guarded.events), signal);
  try {
    const greeting = await initialize(config.name, connection, signal, info);
    connection.opened(greeting.version);
    guarded.pass();
    return { connection, greeting, transport: 'sse' };
  } catch (error) {
    await discard(connection, log);
    throw error;
  }
}
