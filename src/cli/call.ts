// `toolgate call <tool> '<json>'`: one call from the terminal, its progress shown.
import { GatewayError, reasonOf } from '../core/errors.ts';
import { encodeHeaderValue, headerParameters, requestHeaders } from '../wire/headers.ts';
import {
  checkJson,
  elementsOf,
  isObjectAt,
  membersOf,
  sliceOf,
  stringAt,
  valueOf,
} from '../wire/json.ts';
import { MODERN_VERSION } from '../wire/era.ts';
import { readMessage, readParams } from '../wire/message.ts';
import { findGateway } from './find-gateway.ts';
import type { Found, GatewayOption } from './find-gateway.ts';
import { request } from './mcp-client.ts';
import { safe } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface CallOptions extends GatewayOption {
  readonly json?: boolean;
}

interface Content {
  readonly type: string;
  readonly text?: string;
  readonly mimeType?: string;
  readonly uri?: string;
  readonly data?: string;
}

/** @returns 0, or 1 when the tool says that it failed */
export async function call(
  tool: string,
  json: string,
  options: CallOptions,
  terminal: Terminal,
): Promise<number> {
  assertObject(json);
  await using found = await findGateway(options, terminal);
  const result = await request(found, {
    method: 'tools/call',
    name: tool,
    params: { name: tool },
    rawArguments: json,
    headers: await parameterHeaders(found, tool, json),
    onNotification: (method, params) => showNotification(method, params, terminal),
  });
  const { isError, content, structuredContent } = JSON.parse(result.toString()) as {
    isError?: boolean;
    content?: readonly Content[];
    structuredContent?: unknown;
  };
  if (options.json) terminal.out(result.toString());
  else {
    const texts = (content ?? []).map(show);
    if (texts.length === 0 && structuredContent !== undefined) {
      texts.push(JSON.stringify(structuredContent, null, 2));
    }
    (isError ? terminal.err : terminal.out)(texts.join('\n'));
  }
  return isError ? 1 : 0;
}

function assertObject(json: string): void {
  const bytes = Buffer.from(json);
  try {
    if (isObjectAt(bytes, checkJson(bytes))) return;
  } catch (error) {
    throw new GatewayError('PARAMS_INVALID', `The arguments are no JSON: ${reasonOf(error)}`);
  }
  throw new GatewayError(
    'PARAMS_INVALID',
    `The arguments must be a JSON object such as '{"path": "."}'.`,
  );
}

/** The headers that a modern client mirrors for tools that ask for it. */
async function parameterHeaders(
  found: Found,
  tool: string,
  json: string,
): Promise<Record<string, string>> {
  const list = await request(found, { method: 'tools/list', params: {} });
  const all = valueOf(membersOf(list, { start: 0, end: list.length }), 'tools');
  for (const element of all ? elementsOf(list, all) : []) {
    const name = valueOf(membersOf(list, element), 'name');
    if (!name || stringAt(list, name) !== tool) continue;
    const parameters = headerParameters(sliceOf(list, element));
    if (typeof parameters === 'string' || parameters.length === 0) return {};
    const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(tool)},"arguments":${json}}}`;
    const message = readMessage(Buffer.from(text));
    return requestHeaders(message, readParams(message), MODERN_VERSION, parameters);
  }
  return { 'mcp-name': encodeHeaderValue(tool) };
}

function showNotification(
  method: string,
  params: Record<string, unknown>,
  terminal: Terminal,
): void {
  if (method === 'notifications/progress') {
    const { progress, total, message } = params;
    const of = typeof total === 'number' ? ` of ${total}` : '';
    const text = typeof message === 'string' ? ` ${safe(message)}` : '';
    terminal.err(terminal.dim(`… ${String(progress)}${of}${text}`));
  } else if (method === 'notifications/message') {
    const data =
      typeof params['data'] === 'string' ? params['data'] : JSON.stringify(params['data']);
    terminal.err(terminal.dim(`[${String(params['level'])}] ${safe(data)}`));
  }
}

function show({ type, text, mimeType, uri, data }: Content): string {
  if (type === 'text') return safe(text ?? '');
  if (data !== undefined) return `[${type} ${mimeType ?? ''}, ${data.length} characters of base64]`;
  return `[${type}${uri ? ` ${safe(uri)}` : ''}]`;
}
