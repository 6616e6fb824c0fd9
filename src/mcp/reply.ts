// How failures are told to an MCP client: as a tool result, or as a JSON-RPC error with an HTTP status.
import { randomUUID } from 'node:crypto';
import type { Era, Message } from '../core/call.ts';
import { ERRORS, GatewayError, isGatewayError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { errorCodeOf, META } from '../wire/era.ts';
import { resultMessage, toRpcError } from '../wire/message.ts';
import type { RpcError } from '../wire/message.ts';

/** What was asked, as far as it is known. */
export interface Asked {
  readonly era: Era;
  /** Source text of the request's id; empty when none could be read. */
  readonly id: string;
  readonly method: string;
  /** Name or URI asked for; empty when the method has none. */
  readonly name: string;
}

export interface Rendered {
  readonly status: number;
  readonly bytes: Buffer;
}

/** Key of what the gateway says of a failure in the `_meta` of a tool result. */
const ERROR_META = 'io.toolgate/error';

/** Codes of failures that the model should hear of: hosts hide JSON-RPC errors from it. */
const TOLD_AS_RESULT: ReadonlySet<ErrorCode> = new Set([
  'RESULT_TOO_LARGE',
  'ADDRESS_REFUSED',
  'SHUTTING_DOWN',
  // So that the model can mend its call.
  'ARGUMENTS_INVALID',
  'DEFINITION_CHANGED',
]);

/** Failures of the HTTP exchange itself, whose status counts in both eras. */
const OF_TRANSPORT: ReadonlySet<ErrorCode> = new Set([
  'JSON_INVALID',
  'REQUEST_INVALID',
  'HEADER_MISMATCH',
  'VERSION_UNSUPPORTED',
  'CREDENTIAL_MISSING',
  'CREDENTIAL_INVALID',
  'HOST_REFUSED',
  'ORIGIN_REFUSED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'NOT_ACCEPTABLE',
  'BODY_TOO_LARGE',
  'MEDIA_TYPE_UNSUPPORTED',
  'SESSION_MISSING',
  'SESSION_UNKNOWN',
  'TOO_MANY_SESSIONS',
  'TOO_MANY_STREAMS',
  'SERVER_NOT_FOUND',
  'SHUTTING_DOWN',
]);

const NOT_FOUND_AMONG_PARAMS: ReadonlySet<ErrorCode> = new Set([
  'TOOL_NOT_FOUND',
  'PROMPT_NOT_FOUND',
  'RESOURCE_NOT_FOUND',
]);

/** Whatever was thrown, as an error that may be shown; a fault keeps its cause in the log alone. */
export function toGatewayError(thrown: unknown, log: Log, facts: object = {}): GatewayError {
  if (isGatewayError(thrown)) return thrown;
  const fault = randomUUID();
  log.error({ ...facts, fault, err: thrown }, 'a fault of the gateway');
  const text = `The gateway failed at this request. Its log has the details under ${fault}.`;
  return new GatewayError('INTERNAL', text, { data: { fault } });
}

/** @param serverInfo raw JSON of the gateway's own `serverInfo` */
export function renderError(error: GatewayError, asked: Asked, serverInfo: string): Rendered {
  if (asked.method === 'tools/call' && asked.id !== '' && isToolFailure(error.code)) {
    return { status: 200, bytes: failedTool(error, asked, serverInfo) };
  }
  const { id, era } = asked;
  const rpc = rpcErrorFor(error, asked);
  const start = id === '' ? '{"jsonrpc":"2.0"' : `{"jsonrpc":"2.0","id":${id}`;
  const bytes = Buffer.from(`${start},"error":${JSON.stringify(rpc)}}`);
  return { status: statusFor(error.code, era), bytes };
}

const isToolFailure = (code: ErrorCode): boolean =>
  code.startsWith('UPSTREAM_') || code.startsWith('APPROVAL_') || TOLD_AS_RESULT.has(code);

function failedTool(error: GatewayError, asked: Asked, serverInfo: string): Buffer {
  const { code, retryable, message, data } = error;
  const modern = asked.era === 'modern';
  const facts = JSON.stringify({ ...data, code, retryable });
  const meta = modern
    ? `{"${ERROR_META}":${facts},"${META.serverInfo}":${serverInfo}}`
    : `{"${ERROR_META}":${facts}}`;
  const content = JSON.stringify([{ type: 'text', text: message }]);
  const type = modern ? '"resultType":"complete",' : '';
  return resultMessage(asked.id, `{${type}"content":${content},"isError":true,"_meta":${meta}}`);
}

function rpcErrorFor(error: GatewayError, asked: Asked): RpcError {
  const rpc = toRpcError(error);
  if (error.code !== 'RESOURCE_NOT_FOUND') return rpc;
  const data = { uri: asked.name, ...(rpc.data as object) };
  // The code that 2025-11-25 and earlier have for it; 2026-07-28 forbids to send it.
  return { ...rpc, code: asked.era === 'legacy' ? -32002 : rpc.code, data };
}

/**
 * The HTTP status of a JSON-RPC error of the gateway. Legacy clients take any other status than 200 for a
 * failure of the transport and do not read the error in it.
 */
function statusFor(code: ErrorCode, era: Era): number {
  const { status } = ERRORS[code];
  if (OF_TRANSPORT.has(code)) return status;
  if (era === 'legacy' || NOT_FOUND_AMONG_PARAMS.has(code) || isToolFailure(code)) return 200;
  return status;
}

/** The HTTP status of an answer that came from upstream. */
export function statusOfAnswer(answer: Message, era: Era): number {
  if (!answer.error || era === 'legacy') return 200;
  switch (errorCodeOf(answer)) {
    case -32601:
      return 404;
    case -32020:
    case -32021:
    case -32022:
      return 400;
    default:
      return 200;
  }
}
