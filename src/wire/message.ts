// JSON-RPC envelopes: which message this is, and where the parts lie that the gateway reads.
import type { Message, Span } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import {
  assertUnique,
  checkJson,
  checkObject,
  elementsOf,
  isArrayAt,
  isObjectAt,
  isStringAt,
  sliceOf,
  splice,
  stringAt,
  uniqueMembersOf,
  valueOf,
} from './json.ts';
import type { Member, Text } from './json.ts';

const notRequest = (what: string): GatewayError =>
  new GatewayError('REQUEST_INVALID', `The message is no JSON-RPC 2.0 message: ${what}.`);

/**
 * Reads one message. The whole text is checked, so that pieces of it may be sent on.
 * @throws GatewayError JSON_INVALID, REQUEST_INVALID
 */
export function readMessage(bytes: Buffer): Message {
  const members = checkObject(bytes);
  if (!members) throw notRequest('it is not an object');
  assertUnique(members, 'the message');
  return envelope(bytes, members);
}

/** The messages of a JSON-RPC batch (2025-03-26 only), or undefined when the text is no array. */
export function readBatch(bytes: Buffer): Buffer[] | undefined {
  const span = checkJson(bytes);
  if (!isArrayAt(bytes, span)) return undefined;
  return elementsOf(bytes, span).map((element) => sliceOf(bytes, element));
}

function envelope(bytes: Buffer, members: readonly Member[]): Message {
  const version = valueOf(members, 'jsonrpc');
  if (!version || bytes.toString('latin1', version.start, version.end) !== '"2.0"') {
    throw notRequest('"jsonrpc" is not "2.0"');
  }
  const id = valueOf(members, 'id');
  const methodSpan = valueOf(members, 'method');
  const params = valueOf(members, 'params');
  if (!methodSpan) return response(bytes, members, id);
  if (!isStringAt(bytes, methodSpan)) throw notRequest('"method" is not a string');
  const method = stringAt(bytes, methodSpan);
  if (params && !isObjectAt(bytes, params)) throw notRequest('"params" is not an object');
  if (id) assertId(bytes, id);
  const kind = id ? 'request' : 'notification';
  return { bytes, kind, method, id, params, result: undefined, error: undefined };
}

function response(bytes: Buffer, members: readonly Member[], id: Span | undefined): Message {
  const result = valueOf(members, 'result');
  const error = valueOf(members, 'error');
  if (!result === !error) throw notRequest('it has no "method", nor one of "result" and "error"');
  if (result && !isObjectAt(bytes, result)) throw notRequest('"result" is not an object');
  if (error && !isObjectAt(bytes, error)) throw notRequest('"error" is not an object');
  return { bytes, kind: 'response', method: '', id, params: undefined, result, error };
}

/** MCP: a string or an integer, never null. */
function assertId(bytes: Buffer, id: Span): void {
  if (isStringAt(bytes, id)) return;
  if (!/^-?\d+$/.test(bytes.toString('latin1', id.start, id.end))) {
    throw notRequest('"id" is neither a string nor an integer');
  }
}

/**
 * The id of a text that is no valid message, if one can be read, so that its sender can be told.
 * `null` as JSON-RPC has it for an unknown id.
 */
export function salvageId(bytes: Buffer): string {
  const match = /"id"\s*:\s*(-?\d{1,20}(?=[\s,}])|"(?:[^"\\]|\\.){0,256}")/.exec(
    bytes.toString('latin1', 0, Math.min(bytes.length, 4096)),
  );
  const id = Buffer.from(match?.[1] ?? 'null', 'latin1');
  try {
    // It goes into an answer as it is.
    checkJson(id);
    return id.toString();
  } catch {
    return 'null';
  }
}

/** The id's source text: `1` and `"1"` differ. Empty when there is none. */
export const idOf = ({ bytes, id }: Message): string =>
  id ? bytes.toString('utf8', id.start, id.end) : '';

/** The same message under another id. */
export const withId = (message: Message, id: Text): Buffer =>
  message.id ? splice(message.bytes, [{ ...message.id, text: id }]) : message.bytes;

/** The parts of a request's params that the gateway reads. */
export interface Params {
  readonly members: readonly Member[];
  readonly meta: readonly Member[];
  readonly metaSpan: Span | undefined;
  /** Where the name, URI or reference stands that says what is asked for. */
  readonly nameSpan: Span | undefined;
  readonly name: string;
  readonly progressToken: Span | undefined;
}

/** @throws GatewayError REQUEST_INVALID for a key that stands twice in params or _meta. */
export function readParams({ bytes, params, method }: Message): Params {
  const members = params ? uniqueMembersOf(bytes, params, 'params') : [];
  const metaSpan = valueOf(members, '_meta');
  const meta = metaSpan ? uniqueMembersOf(bytes, metaSpan, 'params._meta') : [];
  const nameSpan = nameSpanOf(bytes, method, members);
  return {
    members,
    meta,
    metaSpan: metaSpan && isObjectAt(bytes, metaSpan) ? metaSpan : undefined,
    nameSpan,
    name: nameSpan ? stringAt(bytes, nameSpan) : '',
    progressToken: valueOf(meta, 'progressToken'),
  };
}

function nameSpanOf(bytes: Buffer, method: string, members: readonly Member[]): Span | undefined {
  let span: Span | undefined;
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      span = valueOf(members, 'name');
      break;
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
    case 'notifications/resources/updated':
      span = valueOf(members, 'uri');
      break;
    case 'completion/complete': {
      const ref = valueOf(members, 'ref');
      const refMembers = ref ? uniqueMembersOf(bytes, ref, 'params.ref') : [];
      span = valueOf(refMembers, 'name') ?? valueOf(refMembers, 'uri');
      break;
    }
  }
  return span && isStringAt(bytes, span) ? span : undefined;
}

export const resultMessage = (id: Text, result: Text): Buffer =>
  typeof result === 'string'
    ? Buffer.from(`{"jsonrpc":"2.0","id":${id.toString()},"result":${result}}`)
    : Buffer.concat([
        Buffer.from(`{"jsonrpc":"2.0","id":${id.toString()},"result":`),
        result,
        Buffer.from('}'),
      ]);

/** A parsed result message of our own making, under the id 0. */
export const resultAnswer = (result: Text): Message => readMessage(resultMessage('0', result));

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export const errorMessage = (id: Text, error: RpcError): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id.toString()},"error":${JSON.stringify(error)}}`);

/** What a GatewayError says over JSON-RPC: the table's code, the sentence, and the name of the code. */
export const toRpcError = (error: GatewayError): RpcError => ({
  code: error.rpcCode,
  message: error.message,
  data: { ...error.data, code: error.code satisfies ErrorCode, retryable: error.retryable },
});

export const notificationMessage = (method: string, params?: unknown): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, ...(params ? { params } : {}) }));

export const requestMessage = (id: number, method: string, params: unknown): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
