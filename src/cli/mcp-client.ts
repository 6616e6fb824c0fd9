// A small modern MCP client for the commands: one request, its notifications, its answer.
import { ERRORS, GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { HttpClient, HttpResponse } from '../net/http-client.ts';
import { META, MODERN_VERSION } from '../wire/era.ts';
import { parseAt, sliceOf } from '../wire/json.ts';
import { readMessage } from '../wire/message.ts';
import { encodeHeaderValue } from '../wire/headers.ts';
import { createEventReader } from '../wire/sse.ts';
import { VERSION } from '../version.ts';
import type { Found } from './find-gateway.ts';

export interface Asking {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Raw JSON of `arguments`, so that numbers keep their digits. */
  readonly rawArguments?: string;
  /** Mirrored into Mcp-Name. */
  readonly name?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly onNotification?: (method: string, params: Record<string, unknown>) => void;
  readonly signal?: AbortSignal;
}

const MAX_BYTES = 256 * 1024 * 1024;

/** @returns raw JSON of the result. @throws GatewayError with the gateway's own words */
export async function request(found: Found, asking: Asking): Promise<Buffer> {
  await using http = createHttpClient();
  const meta = {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientInfo]: { name: 'toolgate-cli', version: VERSION },
    [META.clientCapabilities]: {},
    ...(asking.onNotification ? { progressToken: 1, [META.logLevel]: 'info' } : {}),
  };
  const params = JSON.stringify({ ...asking.params, _meta: meta });
  const withArguments = asking.rawArguments
    ? `{"arguments":${asking.rawArguments},${params.slice(1)}`
    : params;
  const response = await send(http, {
    url: found.url,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${found.key}`,
      'mcp-protocol-version': MODERN_VERSION,
      'mcp-method': asking.method,
      ...(asking.name === undefined ? {} : { 'mcp-name': encodeHeaderValue(asking.name) }),
      ...asking.headers,
    },
    body: Buffer.from(
      `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(asking.method)},"params":${withArguments}}`,
    ),
    ...(asking.signal ? { signal: asking.signal } : {}),
  });
  const messages: Buffer[] = [];
  const isStream = String(response.headers['content-type'] ?? '').startsWith('text/event-stream');
  const reader = createEventReader({
    maxBytes: MAX_BYTES,
    onEvent: ({ data }) => take(data, messages, asking),
    onOversize: () => undefined,
  });
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response.body) {
      if (isStream) reader.push(chunk as Buffer);
      else chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw gone(error);
  }
  if (isStream) reader.end();
  else take(Buffer.concat(chunks), messages, asking);
  return resultOf(messages[0], response.status);
}

function take(bytes: Buffer, answers: Buffer[], asking: Asking): void {
  if (bytes.length === 0) return;
  const message = readMessage(bytes);
  if (message.kind === 'response') answers.push(bytes);
  else if (message.params) {
    asking.onNotification?.(
      message.method,
      parseAt(message.bytes, message.params) as Record<string, unknown>,
    );
  }
}

/** @throws GatewayError GATEWAY_NOT_RUNNING */
async function send(
  http: HttpClient,
  sent: Parameters<HttpClient['request']>[0],
): Promise<HttpResponse> {
  try {
    return await http.request(sent);
  } catch (error) {
    if (isGatewayError(error)) throw error;
    // Only a connection that was never made proves that nothing was sent.
    if ((error as NodeJS.ErrnoException).syscall !== 'connect') throw gone(error);
    throw new GatewayError(
      'GATEWAY_NOT_RUNNING',
      `No gateway answers at ${String(sent.url)} (${reasonOf(error)}). ` +
        'Start it with "toolgate serve", or correct --url.',
      { cause: error },
    );
  }
}

const gone = (cause: unknown): GatewayError =>
  new GatewayError(
    'UPSTREAM_LOST',
    `The gateway went away before it answered (${reasonOf(cause)}). The call may have run: check what it did.`,
    { cause },
  );

function resultOf(bytes: Buffer | undefined, status: number): Buffer {
  if (!bytes) throw gone(new Error(`HTTP ${status} without an answer`));
  const message = readMessage(bytes);
  if (message.result) return sliceOf(message.bytes, message.result);
  throw errorOf(parseAt(message.bytes, message.error!) as Failure);
}

interface Failure {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly data?: { readonly code?: unknown };
}

const isCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERRORS, code);

/** The gateway's own errors say their name; what is left comes from the server behind it. */
function errorOf({ code, message, data }: Failure): GatewayError {
  const text = String(message);
  if (!isCode(data?.code)) {
    return new GatewayError(
      'UPSTREAM_REFUSED',
      `The server answered with the error ${String(code)}: ${text}`,
    );
  }
  const hint = data.code === 'TOOL_NOT_FOUND' ? '. "toolgate tools" lists those there are.' : '';
  return new GatewayError(data.code, `${text}${hint}`);
}
