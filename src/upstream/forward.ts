// Sends one call to an upstream and brings the answer back in the caller's era. Never sends a call twice
// unless the server's own answer proves that it did not run it (law 4).
import type { Call, Message, Span } from '../core/call.ts';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import type { Item, Target } from '../core/source.ts';
import { errorCodeOf, resultTypeOf, toCaller, toUpstream } from '../wire/era.ts';
import { headerParameters, requestHeaders } from '../wire/headers.ts';
import { isStringAt, membersOf, sliceOf, valueOf } from '../wire/json.ts';
import { readParams } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import type { Opened } from './connect.ts';
import { invalid } from './failure.ts';
import { HttpConnection } from './http.ts';
import { withToken } from './mux.ts';

const HEADER_MISMATCH = -32020;
const VERSION_UNSUPPORTED = -32022;
const INVALID_PARAMS = -32602;
const METHOD_NOT_FOUND = -32601;

export interface ForwardOptions {
  readonly server: string;
  /** An open connection, made if need be. */
  connected(): Promise<Opened>;
  /** Fetches the tools again. */
  relist(): Promise<void>;
  /** The tool's definition as last listed. */
  definition(name: string): Item | undefined;
  reprobe(): Promise<void>;
  /** The server could not be reached at all. */
  unreachable(error: GatewayError): Promise<void>;
}

export async function forward(
  call: Call,
  target: Target,
  options: ForwardOptions,
): Promise<Message> {
  const params = readParams(call.message);
  let response: Message;
  let opened = await options.connected();
  let definition = target.item;
  const attempt = () => send(call, params, target, definition, opened);
  try {
    response = await attempt();
  } catch (error) {
    if (!HttpConnection.isSessionLost(error)) throw await told(error, options);
    opened = await options.connected();
    response = await attempt();
  }
  const code = response.error ? errorCodeOf(response) : 0;
  if (code === HEADER_MISMATCH || code === VERSION_UNSUPPORTED) {
    if (code === HEADER_MISMATCH) await options.relist();
    else await options.reprobe();
    definition = options.definition(target.name) ?? definition;
    opened = await options.connected();
    response = await attempt();
  } else if (code === INVALID_PARAMS || code === METHOD_NOT_FOUND) {
    // It may be that the tool is gone: the list is fetched again, the answer stands.
    void options.relist();
  }
  return answer(call, response, definition, opened, options.server);
}

async function told(error: unknown, options: ForwardOptions): Promise<unknown> {
  if (isGatewayError(error) && error.code === 'UPSTREAM_DOWN') await options.unreachable(error);
  return error;
}

function answer(
  call: Call,
  response: Message,
  definition: Item | undefined,
  { greeting }: Opened,
  server: string,
): Message {
  const from = greeting.era;
  const to = call.client.era;
  if (response.error && !isProper(response, response.error)) {
    throw invalid(server, 'its error has no integer "code" or no "message".');
  }
  if (from === 'modern' && to === 'legacy' && response.result) {
    const type = resultTypeOf(response);
    if (type !== 'complete') {
      throw new GatewayError(
        'UPSTREAM_INVALID',
        `Server "${server}" answered with "${type}", which a client of protocol version ` +
          `${call.client.protocolVersion} cannot take. Use a client that speaks 2026-07-28.`,
        { data: { server, resultType: type } },
      );
    }
  }
  return toCaller(response, call.method, from, to, definition?.raw);
}

/** What clients cannot parse, they would wait on for ever. */
function isProper({ bytes }: Message, error: Span): boolean {
  const members = membersOf(bytes, error);
  const code = valueOf(members, 'code');
  const text = valueOf(members, 'message');
  if (!code || !text || !isStringAt(bytes, text)) return false;
  return /^-?\d+$/.test(bytes.toString('latin1', code.start, code.end));
}

function send(
  call: Call,
  params: Params,
  target: Target,
  definition: Item | undefined,
  { connection, greeting }: Opened,
): Promise<Message> {
  const { message, client, logLevel } = call;
  const token = params.progressToken && sliceOf(message.bytes, params.progressToken);
  return connection.request({
    method: call.method,
    signal: call.signal,
    build: (id) =>
      toUpstream(message, params, {
        era: greeting.era,
        version: greeting.version,
        id,
        name: target.name,
        progressToken: id,
        client,
        logLevel,
      }),
    headers() {
      const mirrored =
        definition && call.method === 'tools/call' ? headerParameters(definition.raw) : [];
      const named = { ...params, name: target.name };
      return requestHeaders(
        message,
        named,
        greeting.version,
        typeof mirrored === 'string' ? [] : mirrored,
      );
    },
    onNotification(notification) {
      if (notification.method !== 'notifications/progress') call.onNotification(notification);
      else if (token) call.onNotification(withToken(notification, token));
    },
  });
}
