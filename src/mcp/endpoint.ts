// The MCP door over HTTP: `/mcp` and `/mcp/<server>` for both eras, `/sse` and `/messages` for 2024-11-05.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { narrowFrom } from '../policy/narrow.ts';
import { skipSpace } from '../wire/json.ts';
import { idOf, readBatch, readMessage, readParams, salvageId } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import { assertBodyHead, readBody } from './body.ts';
import { Calls } from './calls.ts';
import { DEFAULT_TIMING } from './context.ts';
import type { Context, DoorConfig, DoorTiming } from './context.ts';
import { checkNotification, isModern, namesModern } from './era.ts';
import { Exchange, sendAccepted, sendJson } from './exchange.ts';
import {
  handleLegacyBatch,
  handleLegacyDelete,
  handleLegacyGet,
  handleLegacyPost,
} from './http-sessions.ts';
import { Listeners } from './listen.ts';
import { handleModern } from './modern.ts';
import { OpenResponses } from './open-responses.ts';
import { renderError, toGatewayError } from './reply.ts';
import type { Asked } from './reply.ts';
import { routeOf } from './route.ts';
import type { Route } from './route.ts';
import { Sessions } from './sessions.ts';
import type { Owner } from './sessions.ts';
import { handleSsePost, openSse } from './sse.ts';

export interface McpDoorOptions {
  readonly gateway: Gateway;
  /** @throws GatewayError CREDENTIAL_MISSING, CREDENTIAL_INVALID */
  readonly authenticate: (headers: IncomingMessage['headers']) => Principal;
  readonly config: DoorConfig;
  readonly log: Log;
  /** Of the gateway, told as `serverInfo`. */
  readonly version: string;
  readonly timing?: Partial<DoorTiming>;
}

export interface McpDoor extends AsyncDisposable {
  /** Answers one HTTP request. Host and Origin have been checked. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  /**
   * Takes no new work, ends the listen streams, and waits for the calls in flight; at the deadline those
   * left are answered with SHUTTING_DOWN and cancelled. Then the sessions end.
   */
  drain(deadlineMs: number): Promise<void>;
  /** Its key no longer counts: ends its sessions and streams and cancels its calls, within half a second. */
  endPrincipal(id: string): void;
  /** Its key allows something else from now on: what is open follows. */
  renewPrincipal(principal: Principal): void;
  readonly sessionCount: number;
  readonly listenerCount: number;
  /** Calls in flight. */
  readonly callCount: number;
}

/** Streams that end properly need less; readers that are slow are not waited for. */
const REVOKED_GRACE_MS = 500;

const UNKNOWN: Asked = { era: 'legacy', id: '', method: '', name: '' };
const OPEN_BRACKET = 0x5b;

interface Incoming {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly route: Route;
  readonly principal: Principal;
}

export function createMcpDoor(options: McpDoorOptions): McpDoor {
  const { gateway, authenticate, config, log, version } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const serverInfo = JSON.stringify({ name: 'toolgate', title: 'Toolgate', version });
  const calls = new Calls(gateway, timing.streamAfterMs);
  const context: Context = { gateway, log, config, timing, serverInfo, calls };
  const listeners = new Listeners(context);
  const sessions = new Sessions(context);
  const open = new OpenResponses();
  const parts: Parts = { context, listeners, sessions, open };
  return {
    handle(req, res) {
      if (calls.draining) res.shouldKeepAlive = false;
      answer(parts, authenticate, req, res).catch((error: unknown) => {
        sendFailure(context, res, error, UNKNOWN);
      });
    },
    async drain(deadlineMs) {
      const drained = calls.drain(deadlineMs);
      listeners.endAll('The gateway is stopping.');
      await drained;
      await sessions.endAll();
    },
    endPrincipal(id) {
      open.closeAfter(id, REVOKED_GRACE_MS);
      listeners.endAll('The key no longer counts.', id);
      void sessions.endAll(id);
    },
    renewPrincipal(principal) {
      listeners.endAll('The key has changed. Listen again.', principal.id);
      sessions.renew(principal);
    },
    get sessionCount() {
      return sessions.size;
    },
    get listenerCount() {
      return listeners.size;
    },
    get callCount() {
      return calls.size;
    },
    async [Symbol.asyncDispose]() {
      calls.abortAll();
      listeners[Symbol.dispose]();
      await sessions[Symbol.asyncDispose]();
    },
  };
}

interface Parts {
  readonly context: Context;
  readonly listeners: Listeners;
  readonly sessions: Sessions;
  readonly open: OpenResponses;
}

async function answer(
  parts: Parts,
  authenticate: McpDoorOptions['authenticate'],
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const route = routeOf(req.url ?? '');
  if (!route) throw new GatewayError('NOT_FOUND', 'There is nothing at this path. MCP is at /mcp.');
  const principal = authenticate(req.headers);
  parts.open.add(principal.id, res);
  assertMethod(req, route);
  const incoming = { req, res, route, principal };
  if (req.method === 'POST') return answerPost(parts, incoming);
  if (route.kind === 'sse') return openSse(parts.context, parts.sessions, req, res, principal);
  const scope = route.kind === 'mcp' ? route.scope : undefined;
  const owner: Owner = { principal, scope, narrow: narrowFrom(req.headers), door: 'http' };
  if (req.method === 'DELETE') return handleLegacyDelete(parts.sessions, req, res, owner);
  return handleLegacyGet(parts.context, parts.sessions, req, res, owner);
}

/** @throws GatewayError METHOD_NOT_ALLOWED */
function assertMethod(req: IncomingMessage, route: Route): void {
  let allowed = ['POST'];
  if (route.kind === 'sse') allowed = ['GET'];
  // Streams and sessions of the endpoint itself are legacy; modern clients are told so.
  else if (route.kind === 'mcp' && !namesModern(req.headers['mcp-protocol-version'] as string)) {
    allowed = ['POST', 'GET', 'DELETE'];
  }
  const { method = '' } = req;
  if (allowed.includes(method)) return;
  const allow = allowed.join(', ');
  throw new GatewayError('METHOD_NOT_ALLOWED', `${method} is not taken here; ${allow} is.`, {
    data: { allow },
  });
}

async function answerPost(parts: Parts, incoming: Incoming): Promise<void> {
  const { context } = parts;
  const { req, res, route } = incoming;
  assertBodyHead(req, context.config.maxRequestBytes);
  const body = await readBody(req, context.config.maxRequestBytes);
  if (route.kind === 'mcp' && body[skipSpace(body, 0)] === OPEN_BRACKET) {
    return answerBatch(parts, incoming, body, route.scope);
  }
  const { message, params } = readPost(body, context, res);
  if (!message) return;
  const modern = route.kind === 'mcp' && isModern(message, params, req.headers);
  const id = message.kind === 'request' ? idOf(message) : '';
  const era = modern ? 'modern' : 'legacy';
  const exchange = new Exchange(
    res,
    { era, id, method: message.method, name: params.name },
    context,
  );
  try {
    dispatch(parts, incoming, { message, params, exchange });
  } catch (error) {
    exchange.fail(error);
  }
}

/** The message of a body; without one, its sender has been told why. */
function readPost(body: Buffer, context: Context, res: ServerResponse) {
  try {
    const message = readMessage(body);
    return { message, params: readParams(message) };
  } catch (error) {
    const id = salvageId(body);
    sendFailure(context, res, error, { ...UNKNOWN, id: id === 'null' ? '' : id });
    return { message: undefined, params: undefined };
  }
}

interface Read {
  readonly message: Message;
  readonly params: Params;
  readonly exchange: Exchange;
}

function dispatch({ context, listeners, sessions }: Parts, incoming: Incoming, read: Read): void {
  const { req, res, route, principal } = incoming;
  const { message, params, exchange } = read;
  if (route.kind === 'messages') {
    const { sessionId } = route;
    return handleSsePost(context, sessions, { req, principal, sessionId, ...read });
  }
  const scope = route.kind === 'mcp' ? route.scope : undefined;
  if (exchange.era === 'legacy') {
    const owner: Owner = { principal, scope, narrow: narrowFrom(req.headers), door: 'http' };
    return handleLegacyPost(context, sessions, { req, owner, ...read });
  }
  switch (message.kind) {
    case 'request':
      return handleModern(context, listeners, { req, principal, scope, ...read });
    case 'notification':
      // This revision has none from the client over HTTP; an extension's would be for nobody.
      checkNotification(message, params, req.headers);
      sendAccepted(res);
      return;
    case 'response':
      throw new GatewayError('REQUEST_INVALID', 'A client of this revision sends no responses.');
  }
}

function answerBatch(
  { context, sessions }: Parts,
  { req, res, principal }: Incoming,
  body: Buffer,
  scope: string | undefined,
): void {
  if (namesModern(req.headers['mcp-protocol-version'] as string | undefined)) {
    throw new GatewayError('REQUEST_INVALID', 'This revision has no batches.');
  }
  const pieces = readBatch(body) ?? [];
  const owner: Owner = { principal, scope, narrow: narrowFrom(req.headers), door: 'http' };
  handleLegacyBatch(context, sessions, { req, res, owner, pieces });
}

function sendFailure(context: Context, res: ServerResponse, thrown: unknown, asked: Asked): void {
  const error = toGatewayError(thrown, context.log);
  const { status, bytes } = renderError(error, asked, context.serverInfo);
  sendJson(res, status, bytes, HEADERS_OF[error.code]?.(error));
}

// No resource_metadata: there is no authorization server to find.
const CHALLENGE = { 'www-authenticate': 'Bearer realm="toolgate"' };

const HEADERS_OF: Partial<Record<ErrorCode, (error: GatewayError) => Record<string, string>>> = {
  CREDENTIAL_MISSING: () => CHALLENGE,
  CREDENTIAL_INVALID: () => CHALLENGE,
  METHOD_NOT_ALLOWED: ({ data }) => ({ allow: String(data?.allow) }),
  SHUTTING_DOWN: () => ({ 'retry-after': '1' }),
};
