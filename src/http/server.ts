// The HTTP house: guards every request, gives the MCP paths to their door and the rest to Express.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Express } from 'express';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { createGuard, MAX_HEADERS } from './guard.ts';
import type { Guard, GuardOptions } from './guard.ts';
import { opsRoutes } from './ops.ts';
import type { Readiness } from './ops.ts';
import { problemHandler, sendProblem, sendRpcProblem } from './problem.ts';
import { addRoutes } from './router.ts';
import type { Authenticate } from './router.ts';
import type { Route } from './route.ts';
import { WELL_KNOWN_ROUTES } from './well-known.ts';

const HEADERS_TIMEOUT_MS = 10_000;
/** For a request to be there whole, body included. Answers may take as long as they take. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often slow requests are looked for. */
const CHECK_INTERVAL_MS = 2000;
const MAX_HEADER_BYTES = 16 * 1024;
const CLOSE_DEADLINE_MS = 5000;
const IDLE_SWEEP_MS = 20;

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly publicUrl?: string | undefined;
  readonly allowOrigins?: readonly string[] | undefined;
  /** Answers `/mcp`, `/mcp/<server>`, `/sse` and `/messages`; must not throw. */
  readonly mcp: (req: IncomingMessage, res: ServerResponse) => void;
  readonly readiness: () => Readiness;
  /** Whose a request is, by its headers. */
  readonly authenticate: Authenticate;
  /** What is there besides MCP and the routes of this house itself. */
  readonly routes: readonly Route[];
  readonly log: Log;
}

export interface HttpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Where programs on this machine reach it: `http://127.0.0.1:8931`. */
  readonly url: string;
  /** Takes no more connections, lets answers end, and at the deadline closes what is left. */
  close(deadlineMs?: number): Promise<void>;
}

/** @throws GatewayError PORT_IN_USE, CONFIG_INVALID when the address cannot be listened on */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, log } = options;
  const house = createExpress(options);
  let guard: Guard | undefined;
  let closing = false;
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAlive: true,
      noDelay: true,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
    (req, res) => {
      if (closing) res.shouldKeepAlive = false;
      guard ??= createGuard(guardOptions(options, (server.address() as AddressInfo).port));
      handleRequest(req, res, guard, house, options.mcp);
    },
  );
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.maxHeadersCount = MAX_HEADERS;
  server.timeout = 0;
  const { port } = await listen(server, host, options.port);
  server.on('error', (error) => log.error({ err: error }, 'the HTTP server failed'));

  const close = async (deadlineMs = CLOSE_DEADLINE_MS) => {
    if (!server.listening) return;
    closing = true;
    await closeServer(server, deadlineMs);
  };
  return { host, port, url: urlOf(host, port), close, [Symbol.asyncDispose]: () => close() };
}

const guardOptions = (options: HttpServerOptions, port: number): GuardOptions => ({
  host: options.host,
  port,
  publicUrl: options.publicUrl,
  allowOrigins: options.allowOrigins,
});

function handleRequest(
  req: IncomingMessage,
  res: ServerResponse,
  guard: Guard,
  house: Express,
  mcp: HttpServerOptions['mcp'],
): void {
  const isMcp = isMcpPath(req.url ?? '');
  try {
    const { crossOrigin } = guard(req);
    if (crossOrigin !== undefined && answersPreflight(req, res, crossOrigin)) return;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (isMcp) sendRpcProblem(res, error);
    else sendProblem(res, error);
    return;
  }
  if (isMcp) mcp(req, res);
  else house(req, res);
}

function isMcpPath(target: string): boolean {
  if (target === '/mcp') return true;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return path === '/mcp' || path === '/sse' || path === '/messages' || path.startsWith('/mcp/');
}

/** Lets a page of an allowed origin read the answer. @returns true when the request was only to ask this */
function answersPreflight(req: IncomingMessage, res: ServerResponse, origin: string): boolean {
  res.setHeader('access-control-allow-origin', origin);
  res.setHeader('vary', 'Origin');
  res.setHeader('access-control-expose-headers', 'Mcp-Session-Id, WWW-Authenticate');
  const method = req.headers['access-control-request-method'];
  if (req.method !== 'OPTIONS' || method === undefined) return false;
  const headers = req.headers['access-control-request-headers'];
  res.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
  if (headers !== undefined) res.setHeader('access-control-allow-headers', headers);
  res.setHeader('access-control-max-age', '600');
  res.writeHead(204).end();
  return true;
}

/** Every route there is, but those of MCP. */
export const houseRoutes = ({
  readiness,
  routes,
}: Pick<HttpServerOptions, 'readiness' | 'routes'>): readonly Route[] => [
  ...opsRoutes(readiness),
  ...WELL_KNOWN_ROUTES,
  { method: 'GET', path: '/', access: 'anyone', handle: greet },
  ...routes,
];

const greet = () => ({
  status: 200,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: Buffer.from('This is Toolgate, an MCP gateway. MCP is at /mcp, with a key.\n'),
});

export function createExpress(
  options: Pick<HttpServerOptions, 'readiness' | 'routes' | 'authenticate' | 'log'>,
): Express {
  const { authenticate, log } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use((_req, res, next) => {
    res.set('x-content-type-options', 'nosniff');
    next();
  });
  addRoutes(app, houseRoutes(options), authenticate);
  app.use((_req, _res, next) =>
    next(new GatewayError('NOT_FOUND', 'There is nothing at this path.')),
  );
  app.use(problemHandler(log));
  return app;
}

async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
  server.once('error', reject);
  server.listen({ host, port }, () => resolve(server.address() as AddressInfo));
  try {
    return await promise;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') {
      throw new GatewayError(
        'PORT_IN_USE',
        `Another program listens on ${host}:${port}. Stop it, or set \`gateway.port\` to another port.`,
        { cause: error, data: { host, port } },
      );
    }
    const text = `The gateway cannot listen on ${host}:${port}: ${reasonOf(error)}. Check \`gateway.host\` and \`gateway.port\`.`;
    throw new GatewayError('CONFIG_INVALID', text, { cause: error, data: { host, port } });
  } finally {
    server.off('error', reject);
  }
}

async function closeServer(server: Server, deadlineMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A connection whose answer ends from now on would be kept for the next request.
  const sweeper = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
  await promise;
  clearInterval(sweeper);
  clearTimeout(timer);
}

function urlOf(host: string, port: number): string {
  let name = host;
  if (host === '0.0.0.0' || host === '') name = '127.0.0.1';
  else if (host === '::') name = '[::1]';
  else if (host.includes(':')) name = `[${host}]`;
  return `http://${name}:${port}`;
}
