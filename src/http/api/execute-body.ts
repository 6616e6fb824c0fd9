// What `POST /v1/mcp/tool/execute` takes: a tool call as an LLM's API writes it, so that it can be passed on as it
// came. The arguments keep their text, for a number read and written again may be another.
import { GatewayError } from '../../core/errors.ts';
import {
  checkJson,
  isObjectAt,
  isStringAt,
  sliceOf,
  stringAt,
  uniqueMembersOf,
  valueOf,
} from '../../wire/json.ts';
import type { Member } from '../../wire/json.ts';

export const FORMATS = ['mcp', 'chat', 'responses', 'anthropic'] as const;
export type Format = (typeof FORMATS)[number];

export interface ExecuteBody {
  readonly format: Format;
  /** JSON text of the id that the answer carries; `""` where the format has one and none was given. */
  readonly id: string;
  readonly wanted:
    | { readonly kind: 'call'; readonly name: string; readonly arguments: Buffer }
    | { readonly kind: 'approval'; readonly approvalId: string };
}

const invalid = (text: string): GatewayError => new GatewayError('PARAMS_INVALID', text);

/** The members of an object among the body's bytes. */
interface Part {
  readonly bytes: Buffer;
  readonly members: readonly Member[];
  readonly where: string;
}

function optionalText({ bytes, members, where }: Part, key: string): string | undefined {
  const span = valueOf(members, key);
  if (!span || bytes.toString('latin1', span.start, span.end) === 'null') return undefined;
  if (isStringAt(bytes, span)) return stringAt(bytes, span);
  throw invalid(`${where}${key} must be a string.`);
}

function text(part: Part, key: string): string {
  const found = optionalText(part, key);
  if (found === undefined || found === '')
    throw invalid(`${part.where}${key} must be a string that is not empty.`);
  return found;
}

/** An object, or its JSON text in a string; absent or empty: no arguments. */
function argumentsOf({ bytes, members, where }: Part, key: string): Buffer {
  const span = valueOf(members, key);
  if (!span) return Buffer.from('{}');
  const json = isStringAt(bytes, span) ? Buffer.from(stringAt(bytes, span)) : sliceOf(bytes, span);
  if (json.toString().trim() === '') return Buffer.from('{}');
  const problem = `${where}${key} must be a JSON object, or a string that holds one`;
  try {
    const root = checkJson(json);
    if (!isObjectAt(json, root)) throw invalid(`${problem}.`);
    uniqueMembersOf(json, root, `${where}${key}`);
    return json;
  } catch (error) {
    if (error instanceof GatewayError && error.code !== 'JSON_INVALID') throw error;
    throw invalid(`${problem}: ${(error as Error).message}`);
  }
}

const FORMAT_WORDS: Readonly<Record<string, Format>> = {
  mcp: 'mcp',
  chat: 'chat',
  openai: 'chat',
  responses: 'responses',
  anthropic: 'anthropic',
};

function givenFormat(part: Part, query: URLSearchParams): Format | undefined {
  const word = optionalText(part, 'format') ?? query.get('format') ?? undefined;
  if (word === undefined || word === '') return undefined;
  if (Object.hasOwn(FORMAT_WORDS, word)) return FORMAT_WORDS[word];
  throw invalid(`format must be one of ${FORMATS.join(', ')}, got ${JSON.stringify(word)}.`);
}

/** The shape says which API it was written for. */
function shapeOf(part: Part): Format {
  const { members } = part;
  if (valueOf(members, 'function')) return 'chat';
  const type = optionalText(part, 'type');
  if (type === 'tool_use') return 'anthropic';
  return type === 'function_call' || valueOf(members, 'call_id') ? 'responses' : 'mcp';
}

const ID_OF: Readonly<Record<Format, string>> = {
  mcp: '',
  chat: 'id',
  responses: 'call_id',
  anthropic: 'id',
};

function wantedOf(shape: Format, part: Part): ExecuteBody['wanted'] {
  const { bytes, members } = part;
  if (shape !== 'chat') {
    const key = shape === 'anthropic' ? 'input' : 'arguments';
    return { kind: 'call', name: text(part, 'name'), arguments: argumentsOf(part, key) };
  }
  const span = valueOf(members, 'function')!;
  if (!isObjectAt(bytes, span)) throw invalid('function must be an object.');
  const inner: Part = {
    bytes,
    members: uniqueMembersOf(bytes, span, 'function'),
    where: 'function.',
  };
  return { kind: 'call', name: text(inner, 'name'), arguments: argumentsOf(inner, 'arguments') };
}

/** @throws GatewayError JSON_INVALID, REQUEST_INVALID, PARAMS_INVALID */
export function readExecuteBody(bytes: Buffer, query: URLSearchParams): ExecuteBody {
  const root = checkJson(bytes);
  if (!isObjectAt(bytes, root)) throw invalid('The body must be a JSON object.');
  const part: Part = { bytes, members: uniqueMembersOf(bytes, root, 'the body'), where: '' };
  const given = givenFormat(part, query);
  const isApproval = valueOf(part.members, 'approvalId') !== undefined;
  const shape = isApproval ? (given ?? 'mcp') : shapeOf(part);
  const format = given ?? shape;
  const id = optionalText(part, ID_OF[shape] || 'id') ?? optionalText(part, 'call_id') ?? '';
  const wanted = isApproval
    ? ({ kind: 'approval', approvalId: text(part, 'approvalId') } as const)
    : wantedOf(shape, part);
  return { format, id: JSON.stringify(id), wanted };
}
