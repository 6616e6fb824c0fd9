// Rewrites the URIs of a server in what it answers, where its own ones are not those that are exposed.
import type { Message, Span } from '../core/call.ts';
import { elementsOf, isStringAt, membersOf, splice, stringAt, valueOf } from '../wire/json.ts';
import type { Edit, Member } from '../wire/json.ts';
import { readMessage } from '../wire/message.ts';

/** @returns the exposed URI of a server's own one, the same where it is not changed. */
export type ExposeUri = (uri: string) => string;

/** Members that hold a URI of a resource wherever they stand in content and `_meta`. */
const URI_KEYS: ReadonlySet<string> = new Set(['uri', 'resourceUri', 'ui/resourceUri']);
/** Members of a result in which resources are named; structuredContent is the tool's own. */
const PLACES = ['content', 'contents', 'messages', '_meta'];

function collect(b: Buffer, span: Span, expose: ExposeUri, edits: Edit[]): void {
  for (const element of elementsOf(b, span)) collect(b, element, expose, edits);
  for (const { key, value } of membersOf(b, span)) {
    if (!URI_KEYS.has(key) || !isStringAt(b, value)) collect(b, value, expose, edits);
    else editUri(b, value, expose, edits);
  }
}

function editUri(b: Buffer, span: Span, expose: ExposeUri, edits: Edit[]): void {
  const own = stringAt(b, span);
  const exposed = expose(own);
  if (exposed !== own) edits.push({ ...span, text: JSON.stringify(exposed) });
}

/** A response with the exposed URIs in its content, links and `_meta`. */
export function rewriteResult(message: Message, expose: ExposeUri): Message {
  const { bytes, result } = message;
  if (!result) return message;
  const members: Member[] = membersOf(bytes, result);
  const edits: Edit[] = [];
  for (const place of PLACES) {
    const span = valueOf(members, place);
    if (span) collect(bytes, span, expose, edits);
  }
  return edits.length === 0 ? message : readMessage(splice(bytes, edits));
}

/** A definition with the exposed URI in its `_meta`. */
export function rewriteDefinition(raw: Buffer, expose: ExposeUri): Buffer {
  const meta = valueOf(membersOf(raw, { start: 0, end: raw.length }), '_meta');
  const edits: Edit[] = [];
  if (meta) collect(raw, meta, expose, edits);
  return edits.length === 0 ? raw : splice(raw, edits);
}

/** A `resources/updated` notification under the exposed URI. */
export function rewriteUpdate(message: Message, uri: string): Message {
  const { bytes, params } = message;
  const span = params ? valueOf(membersOf(bytes, params), 'uri') : undefined;
  if (!span || stringAt(bytes, span) === uri) return message;
  return readMessage(splice(bytes, [{ ...span, text: JSON.stringify(uri) }]));
}
