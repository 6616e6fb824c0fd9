// GatewayErrors as application/problem+json (RFC 9457).
import type { ServerResponse } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import { randomUUID } from 'node:crypto';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** `NOT_FOUND` → `Not found`. */
const titleOf = (code: string): string => {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const problemOf = (error: GatewayError): object => ({
  ...error.data,
  title: titleOf(error.code),
  status: error.status,
  detail: error.message,
  code: error.code,
  retryable: error.retryable,
});

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

export function sendProblem(res: ServerResponse, error: GatewayError): void {
  const body = Buffer.from(JSON.stringify(problemOf(error)));
  send(res, error, 'application/problem+json', body);
}

/** For the paths of MCP: a JSON-RPC error without an id, as the specification has it for a refusal. */
export function sendRpcProblem(res: ServerResponse, error: GatewayError): void {
  const { rpcCode: code, message, data, retryable } = error;
  const facts = { ...data, code: error.code, retryable };
  const text = JSON.stringify({ jsonrpc: '2.0', error: { code, message, data: facts } });
  send(res, error, 'application/json', Buffer.from(text));
}

function send(
  res: ServerResponse,
  { status, code }: GatewayError,
  type: string,
  body: Buffer,
): void {
  if (res.headersSent || res.destroyed) return;
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="toolgate"' } : {};
  // The body of a refused request is not worth waiting for.
  if (code === 'HOST_REFUSED' || code === 'ORIGIN_REFUSED') res.shouldKeepAlive = false;
  res.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    ...HEADERS,
    ...challenge,
  });
  res.end(body);
}

/** The last handler of Express. What is no GatewayError shows an id only; the log has the rest under it. */
export function problemHandler(log: Log): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    if (isGatewayError(thrown)) return sendProblem(res, thrown);
    const { status } = (thrown ?? {}) as { status?: unknown };
    if (typeof status === 'number' && status >= 400 && status < 500) {
      return sendProblem(res, new GatewayError('REQUEST_INVALID', 'The request cannot be read.'));
    }
    const fault = randomUUID();
    log.error({ fault, err: thrown, path: req.path }, 'a fault of the gateway');
    const text = `The gateway failed at this request. Its log has the details under ${fault}.`;
    sendProblem(res, new GatewayError('INTERNAL', text, { data: { fault } }));
  };
}
