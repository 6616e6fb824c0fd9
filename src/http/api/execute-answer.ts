// A tool's result as the API of an LLM takes it back. What a format has no word for goes into it as JSON text, so
// that nothing is lost; texts and numbers keep the bytes that the server wrote.
import { canonicalJson } from '../../wire/canonical.ts';
import {
  checkJson,
  elementsOf,
  isArrayAt,
  isStringAt,
  membersOf,
  sliceOf,
  stringAt,
  valueOf,
} from '../../wire/json.ts';
import type { Span } from '../../core/call.ts';
import type { Format } from './execute-body.ts';

/** A result taken apart: all texts are JSON. */
interface Result {
  readonly blocks: readonly Block[];
  readonly isError: boolean;
}

type Block =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'file';
      readonly mimeType: string;
      readonly data: string;
      readonly name: string;
    };

const TRUE = 'true';
/** What models are told to look at; all else is a file. */
const IMAGES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

const textBlock = (value: string): Block => ({ kind: 'text', text: JSON.stringify(value) });

/** @param json raw JSON of a CallToolResult */
function readResult(json: Buffer): Result {
  const members = membersOf(json, checkJson(json));
  const content = valueOf(members, 'content');
  const blocks = (content && isArrayAt(json, content) ? elementsOf(json, content) : []).map(
    (span) => blockOf(json, span),
  );
  const structured = valueOf(members, 'structuredContent');
  if (structured && !isToldIn(blocks, canonicalJson(json, structured).toString())) {
    blocks.push(textBlock(sliceOf(json, structured).toString()));
  }
  const flag = valueOf(members, 'isError');
  return { blocks, isError: flag !== undefined && sliceOf(json, flag).toString() === TRUE };
}

/** Servers repeat structured content as text; models need it once. */
function isToldIn(blocks: readonly Block[], canonical: string): boolean {
  return blocks.some((block) => {
    if (block.kind !== 'text') return false;
    try {
      const bytes = Buffer.from(JSON.parse(block.text) as string);
      return canonicalJson(bytes, checkJson(bytes)).toString() === canonical;
    } catch {
      return false; // Words, no JSON.
    }
  });
}

function blockOf(json: Buffer, span: Span): Block {
  const members = membersOf(json, span);
  const raw = (key: string, among = members): string | undefined => {
    const value = valueOf(among, key);
    return value && isStringAt(json, value) ? sliceOf(json, value).toString() : undefined;
  };
  const type = raw('type');
  const asJson = textBlock(sliceOf(json, span).toString());
  if (type === '"text"') {
    const text = raw('text');
    return text === undefined ? asJson : { kind: 'text', text };
  }
  const resource = type === '"resource"' ? valueOf(members, 'resource') : undefined;
  const inner = resource ? membersOf(json, resource) : members;
  const data = raw(resource ? 'blob' : 'data', inner);
  const mimeType = raw('mimeType', inner);
  if (data === undefined || mimeType === undefined) return asJson;
  const uri = valueOf(inner, 'uri');
  const name = uri && isStringAt(json, uri) ? stringAt(json, uri) : String(JSON.parse(type!));
  return {
    kind: 'file',
    mimeType: JSON.parse(mimeType) as string,
    data: JSON.parse(data) as string,
    name,
  };
}

const dataUrl = ({ mimeType, data }: { mimeType: string; data: string }): string =>
  `data:${mimeType};base64,${data}`;

const fileAsJson = (block: Block & { kind: 'file' }): string =>
  JSON.stringify(
    JSON.stringify({ type: 'file', name: block.name, mimeType: block.mimeType, data: block.data }),
  );

const join = (parts: readonly string[]): string => `[${parts.join(',')}]`;

/** All texts as one string, joined by line ends; undefined when there is more than text. */
function oneText(blocks: readonly Block[]): string | undefined {
  if (blocks.some(({ kind }) => kind !== 'text')) return undefined;
  const inner = blocks.map((block) => (block.kind === 'text' ? block.text.slice(1, -1) : ''));
  return `"${inner.join('\\n')}"`;
}

/** Formats that cannot say that it failed say it in the first words. */
function withFailure({ blocks, isError }: Result): readonly Block[] {
  if (!isError) return blocks;
  const [first] = blocks;
  if (first?.kind !== 'text') return [textBlock('Error: the tool failed.'), ...blocks];
  if (/^"(?:error|failed)\b/i.test(first.text)) return blocks;
  return [{ kind: 'text', text: `"Error: ${first.text.slice(1)}` }, ...blocks.slice(1)];
}

function chatPart(block: Block): string {
  if (block.kind === 'text') return `{"type":"text","text":${block.text}}`;
  const url = JSON.stringify(dataUrl(block));
  if (IMAGES.has(block.mimeType)) return `{"type":"image_url","image_url":{"url":${url}}}`;
  const audio = /^audio\/(?:x-)?(wav|mp3|mpeg)$/.exec(block.mimeType)?.[1];
  if (audio) {
    const input = { data: block.data, format: audio === 'wav' ? 'wav' : 'mp3' };
    return JSON.stringify({ type: 'input_audio', input_audio: input });
  }
  return `{"type":"file","file":{"filename":${JSON.stringify(block.name)},"file_data":${url}}}`;
}

function responsesPart(block: Block): string {
  if (block.kind === 'text') return `{"type":"input_text","text":${block.text}}`;
  const url = JSON.stringify(dataUrl(block));
  if (IMAGES.has(block.mimeType)) return `{"type":"input_image","image_url":${url}}`;
  return `{"type":"input_file","filename":${JSON.stringify(block.name)},"file_data":${url}}`;
}

function anthropicPart(block: Block): string {
  if (block.kind === 'text') return `{"type":"text","text":${block.text}}`;
  const { mimeType, data } = block;
  const source = { type: 'base64', media_type: mimeType, data };
  if (IMAGES.has(mimeType)) return JSON.stringify({ type: 'image', source });
  if (mimeType === 'application/pdf') return JSON.stringify({ type: 'document', source });
  return `{"type":"text","text":${fileAsJson(block)}}`;
}

export interface AnswerFacts {
  readonly format: Format;
  /** JSON text. */
  readonly id: string;
  /** As it was called. */
  readonly name: string;
}

/** @param json raw JSON of a CallToolResult */
export function toAnswer(json: Buffer, { format, id, name }: AnswerFacts): Buffer {
  if (format === 'mcp') return json;
  const result = readResult(json);
  if (format === 'anthropic') {
    const content = join(result.blocks.map(anthropicPart));
    return Buffer.from(
      `{"type":"tool_result","tool_use_id":${id},"content":${content},"is_error":${String(result.isError)}}`,
    );
  }
  const blocks = withFailure(result);
  const words = oneText(blocks);
  if (format === 'responses') {
    const output = words ?? join(blocks.map(responsesPart));
    return Buffer.from(`{"type":"function_call_output","call_id":${id},"output":${output}}`);
  }
  const content = words ?? join(blocks.map(chatPart));
  return Buffer.from(
    `{"role":"tool","tool_call_id":${id},"name":${JSON.stringify(name)},"content":${content}}`,
  );
}
