// Requests of 2026-07-28: each stands alone and carries its version, client and capabilities.
import type { IncomingMessage } from 'node:http';
import type { Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { ItemKind } from '../core/source.ts';
import type { View } from '../gateway/gateway.ts';
import { narrowFrom } from '../policy/narrow.ts';
import { META } from '../wire/era.ts';
import { checkParameterHeaders, checkRequestHeaders } from '../wire/headers.ts';
import { valueOf } from '../wire/json.ts';
import { resultMessage } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import { isCallMethod } from './calls.ts';
import type { Context } from './context.ts';
import { readEnvelope, SUPPORTED_VERSIONS } from './era.ts';
import type { Exchange } from './exchange.ts';
import type { Listeners } from './listen.ts';

/** For how long a client may keep what server/discover said. */
const DISCOVER_TTL_MS = 5000;

const LISTS: Readonly<Record<string, ItemKind>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

export const listKind = (method: string): ItemKind | undefined =>
  Object.hasOwn(LISTS, method) ? LISTS[method] : undefined;

export const unknownMethod = (method: string): GatewayError =>
  new GatewayError('METHOD_NOT_FOUND', `The method ${JSON.stringify(method)} does not exist here.`);

/** @throws GatewayError PARAMS_INVALID: the gateway's lists have one page, so it never gives a cursor */
export function assertNoCursor({ method }: Message, params: Params): void {
  if (!valueOf(params.members, 'cursor')) return;
  throw new GatewayError('PARAMS_INVALID', `${method}: params.cursor is none that was given out.`);
}

export interface ModernRequest {
  readonly req: IncomingMessage;
  readonly message: Message;
  readonly params: Params;
  readonly principal: Principal;
  readonly scope: string | undefined;
  readonly exchange: Exchange;
}

/** Answers one request on its exchange. @throws GatewayError */
export function handleModern(context: Context, listeners: Listeners, request: ModernRequest): void {
  const { req, message, params, principal, scope, exchange } = request;
  const envelope = readEnvelope(message, params, req.headers);
  checkRequestHeaders(req.headers, message, params);
  context.calls.assertOpen();
  const narrow = narrowFrom(req.headers);
  const view: View = { principal, era: 'modern', scope, narrow };
  const { method } = message;
  if (isCallMethod(method)) {
    if (method === 'tools/call') {
      const mirrored = context.gateway.mirrored(view, params.name);
      if (mirrored.length > 0) checkParameterHeaders(req.headers, message, params, mirrored);
    }
    const incoming = {
      principal,
      door: 'http',
      scope,
      narrow,
      message,
      params,
      ...envelope,
    } as const;
    const controller = context.calls.start(incoming, exchange);
    // Closing the response is how a client of this revision cancels.
    exchange.res.on('close', () => {
      if (!exchange.res.writableFinished) controller.abort();
    });
    return;
  }
  const kind = listKind(method);
  if (kind) {
    assertNoCursor(message, params);
    exchange.respond(200, resultMessage(exchange.asked.id, context.gateway.list(kind, view)));
  } else if (method === 'server/discover') {
    exchange.respond(200, resultMessage(exchange.asked.id, discover(context, view)));
  } else if (method === 'subscriptions/listen') {
    listeners.open(exchange, view, message, params);
  } else {
    throw unknownMethod(method);
  }
}

function discover({ gateway, serverInfo }: Context, view: View): string {
  const { capabilities, instructions } = gateway.describe(view);
  const result = {
    resultType: 'complete',
    supportedVersions: SUPPORTED_VERSIONS,
    capabilities,
    ...(instructions === '' ? {} : { instructions }),
    ttlMs: DISCOVER_TTL_MS,
    // What is there differs from key to key.
    cacheScope: 'private',
    _meta: { [META.serverInfo]: JSON.parse(serverInfo) as unknown },
  };
  return JSON.stringify(result);
}
