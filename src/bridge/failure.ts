// What a host is told when its request cannot be answered, and what an HTTP failure of the gateway means.
import type { Era, Message } from '../core/call.ts';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { ResponseHeaders } from '../net/http-client.ts';
import { membersOf, parseAt, sliceOf, valueOf } from '../wire/json.ts';
import { errorMessage, idOf, readMessage, resultMessage, toRpcError } from '../wire/message.ts';
import type { Endpoint } from './link.ts';

/** Most of a failure's text that is quoted. */
const MAX_QUOTE = 500;

/**
 * The answer to a request that failed on the way. A tool call ends in a tool result, which the model gets
 * to see; hosts keep JSON-RPC errors to themselves.
 */
export function failureMessage(request: Message, era: Era, error: unknown): Buffer {
  const failure = isGatewayError(error)
    ? error
    : new GatewayError('INTERNAL', `The bridge failed: ${reasonOf(error)}.`, { cause: error });
  const id = idOf(request);
  if (request.method !== 'tools/call') return errorMessage(id, toRpcError(failure));
  const { code, retryable, data } = failure;
  const result = {
    ...(era === 'modern' ? { resultType: 'complete' } : {}),
    content: [{ type: 'text', text: failure.message }],
    isError: true,
    _meta: { 'io.toolgate/error': { ...data, code, retryable } },
  };
  return resultMessage(id, JSON.stringify(result));
}

/** An answer that is no success: its JSON-RPC error, where it has one, and what to say without one. */
export interface HttpFailure {
  readonly status: number;
  /** The code of the JSON-RPC error in the body. */
  readonly rpcCode: number | undefined;
  /** That error as an answer to the request, its bytes unchanged. */
  readonly answer: Buffer | undefined;
  readonly error: GatewayError;
}

export function readHttpFailure(
  request: Message,
  endpoint: Endpoint,
  response: { readonly status: number; readonly headers: ResponseHeaders },
  body: Buffer,
): HttpFailure {
  const { status } = response;
  const said = readRpcError(body);
  const error = toStatusError(status, endpoint, said?.text ?? quote(body));
  // What to do about a key is for this bridge to say: the gateway knows nothing of its settings.
  if (!said || status === 401) return { status, rpcCode: said?.code, answer: undefined, error };
  return { status, rpcCode: said.code, answer: underIdOf(request, said), error };
}

/** The whole message as it came, unless it has another id than the request, or none. */
function underIdOf(request: Message, { message, raw }: SaidError): Buffer {
  const id = idOf(request);
  if (idOf(message) === id) return message.bytes;
  return Buffer.concat([
    Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":`),
    raw,
    Buffer.from('}'),
  ]);
}

interface SaidError {
  readonly message: Message;
  readonly code: number;
  readonly text: string;
  readonly raw: Buffer;
}

function readRpcError(body: Buffer): SaidError | undefined {
  let message: Message;
  try {
    message = readMessage(body);
  } catch {
    return undefined;
  }
  const { bytes, error } = message;
  if (!error) return undefined;
  const members = membersOf(bytes, error);
  const code = valueOf(members, 'code');
  const text = valueOf(members, 'message');
  return {
    message,
    code: code ? Number(parseAt(bytes, code)) : 0,
    text: text ? String(parseAt(bytes, text)) : '',
    raw: sliceOf(bytes, error),
  };
}

/** problem+json has its sentence in `detail`; anything else is quoted as it is. */
function quote(body: Buffer): string {
  const text = body.toString('utf8', 0, 4096).trim();
  try {
    const { detail, title } = JSON.parse(text) as { detail?: unknown; title?: unknown };
    if (typeof detail === 'string') return detail.slice(0, MAX_QUOTE);
    if (typeof title === 'string') return title.slice(0, MAX_QUOTE);
  } catch {
    // No JSON: the text itself.
  }
  return text.replaceAll(/\s+/g, ' ').slice(0, MAX_QUOTE);
}

function toStatusError(status: number, { url }: Endpoint, said: string): GatewayError {
  const data = { status };
  const about = said === '' ? '' : ` It said: ${said}`;
  if (status === 401) {
    return new GatewayError(
      'CREDENTIAL_INVALID',
      `The gateway at ${url} does not take the key (HTTP 401). Set TOOLGATE_KEY or --key of ` +
        `\`toolgate stdio\` to a key of that gateway, or leave both out to use the local key.${about}`,
      { data },
    );
  }
  return new GatewayError(
    STATUS_CODES.get(status) ?? 'UPSTREAM_REFUSED',
    `The gateway at ${url} answered with HTTP ${status}.${about}`,
    { data },
  );
}

const STATUS_CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [404, 'NOT_FOUND'],
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'BODY_TOO_LARGE'],
  [503, 'SHUTTING_DOWN'],
]);
