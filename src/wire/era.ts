// What must change in a message that crosses from one protocol era to the other, and nothing else.
import { createHash } from 'node:crypto';
import type { Client, Era, LogLevel, Message, Span } from '../core/call.ts';
import {
  editObject,
  isObjectAt,
  membersOf,
  parseAt,
  sliceOf,
  splice,
  stringAt,
  valueOf,
} from './json.ts';
import type { Edit, Member, Text } from './json.ts';
import { readMessage } from './message.ts';
import type { Params } from './message.ts';

export const MODERN_VERSION = '2026-07-28';
/** Newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export const NEWEST_LEGACY = LEGACY_VERSIONS[0];

export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const;

const ENVELOPE_KEYS = [
  META.protocolVersion,
  META.clientInfo,
  META.clientCapabilities,
  META.logLevel,
] as const;

/** JSON-RPC codes that only a modern server sends, all about how it was asked. */
export const MODERN_ERRORS: ReadonlySet<number> = new Set([-32020, -32021, -32022]);

/** How a request is put to one upstream. */
export interface Addressed {
  readonly era: Era;
  readonly version: string;
  readonly id: string;
  /** The upstream's own name for what is asked for; undefined: as the caller wrote it. */
  readonly name: string | undefined;
  /** Replaces the caller's progress token, where it gave one. */
  readonly progressToken: string;
  readonly client: Client;
  readonly logLevel: LogLevel | undefined;
}

/** The caller's request as the upstream gets it: other id, name and token, and its era's envelope. */
export function toUpstream(message: Message, params: Params, to: Addressed): Buffer {
  const { bytes } = message;
  const edits: Edit[] = [{ ...message.id!, text: to.id }];
  if (params.nameSpan && to.name !== undefined && to.name !== params.name) {
    edits.push({ ...params.nameSpan, text: JSON.stringify(to.name) });
  }
  if (to.client.era === to.era) {
    if (params.progressToken) edits.push({ ...params.progressToken, text: to.progressToken });
  } else {
    edits.push(metaEdit(message, params, to));
  }
  // Some servers on SDK v1 fail without it (PROTOCOL.md S12).
  const start = message.params?.start;
  if (
    message.method === 'tools/call' &&
    start !== undefined &&
    !valueOf(params.members, 'arguments')
  ) {
    const first = edits.find((edit) => edit.start === start + 1);
    const text = `"arguments":{}${params.members.length > 0 ? ',' : ''}`;
    if (first) edits[edits.indexOf(first)] = { ...first, text: `${text}${first.text.toString()}` };
    else edits.push({ start: start + 1, end: start + 1, text });
  }
  return splice(bytes, edits);
}

/** The edit that gives params the `_meta` of the upstream's era. */
function metaEdit(message: Message, params: Params, to: Addressed): Edit {
  const changes = new Map<string, Text | null>();
  for (const key of ENVELOPE_KEYS) changes.set(key, null);
  if (to.era === 'modern') {
    changes.set(META.protocolVersion, JSON.stringify(to.version));
    if (to.client.info) changes.set(META.clientInfo, to.client.info);
    // A legacy caller cannot be asked through a modern server's questions yet, so none are declared.
    changes.set(META.clientCapabilities, '{}');
    if (to.logLevel) changes.set(META.logLevel, JSON.stringify(to.logLevel));
  }
  if (params.progressToken) changes.set('progressToken', to.progressToken);
  const meta = editObject(message.bytes, params.meta, changes);
  // Where it is no object it is replaced all the same: two of one key would be worse.
  const present = valueOf(params.members, '_meta');
  if (present) {
    if (meta.length > 2) return { ...present, text: meta };
    return removal(params.members, '_meta');
  }
  const at = message.params!.start + 1;
  return {
    start: at,
    end: at,
    text: `"_meta":${meta.toString()}${params.members.length > 0 ? ',' : ''}`,
  };
}

/** The edit that takes one member out of an object, with the comma that goes with it. */
function removal(members: readonly Member[], key: string): Edit {
  const index = members.findIndex((member) => member.key === key);
  const member = members[index]!;
  const next = members[index + 1];
  if (next) return { start: member.start, end: next.start, text: '' };
  const before = members[index - 1];
  return { start: before ? before.value.end : member.start, end: member.value.end, text: '' };
}

/**
 * An upstream's response as the caller's era has it.
 * @param definition of the tool that was called, when it is known
 */
export function toCaller(
  response: Message,
  method: string,
  from: Era,
  to: Era,
  definition?: Buffer,
): Message {
  if (response.error) return from === to ? response : errorToCaller(response, to);
  if (from === 'legacy' && to === 'legacy') return response;
  const { bytes, result } = response;
  const members = membersOf(bytes, result!);
  const changes = new Map<string, Text | null>();
  if (to === 'modern') addModernMembers(bytes, members, method, changes);
  else legacyChanges(bytes, members, definition, changes);
  if (changes.size === 0) return response;
  const edited = editObject(bytes, members, changes);
  return readMessage(splice(bytes, [{ ...result!, text: edited }]));
}

function addModernMembers(
  bytes: Buffer,
  members: readonly Member[],
  method: string,
  changes: Map<string, Text | null>,
): void {
  const type = valueOf(members, 'resultType');
  if (!type) changes.set('resultType', '"complete"');
  if (method !== 'resources/read') return;
  if (type && bytes.toString('utf8', type.start, type.end) !== '"complete"') return;
  if (!valueOf(members, 'ttlMs')) changes.set('ttlMs', '0');
  if (!valueOf(members, 'cacheScope')) changes.set('cacheScope', '"private"');
}

function legacyChanges(
  bytes: Buffer,
  members: readonly Member[],
  definition: Buffer | undefined,
  changes: Map<string, Text | null>,
): void {
  for (const key of ['resultType', 'ttlMs', 'cacheScope']) {
    if (valueOf(members, key)) changes.set(key, null);
  }
  const meta = valueOf(members, '_meta');
  const metaMembers = meta ? membersOf(bytes, meta) : [];
  if (valueOf(metaMembers, META.serverInfo)) {
    const text = editObject(bytes, metaMembers, new Map([[META.serverInfo, null]]));
    changes.set('_meta', text.length > 2 ? text : null);
  }
  const structured = valueOf(members, 'structuredContent');
  // Up to 2025-11-25 structuredContent is an object; the list wraps the schema alike.
  const wrap = definition && unwrappedSchema(definition);
  if (structured && (wrap || !isObjectAt(bytes, structured))) {
    const value = sliceOf(bytes, structured);
    changes.set(
      'structuredContent',
      Buffer.concat([Buffer.from('{"result":'), value, Buffer.from('}')]),
    );
  }
}

/** The resultType of a response, `complete` where it says none. */
export function resultTypeOf({ bytes, result }: Message): string {
  const span = result ? valueOf(membersOf(bytes, result), 'resultType') : undefined;
  return span && bytes[span.start] === 0x22 ? stringAt(bytes, span) : 'complete';
}

/** The code of an error response; 0 when it has none that is a number. */
export function errorCodeOf({ bytes, error }: Message): number {
  const span = error ? valueOf(membersOf(bytes, error), 'code') : undefined;
  const code = span ? parseAt(bytes, span) : 0;
  return typeof code === 'number' ? code : 0;
}

/** Codes that must not be sent in the caller's era. */
function errorToCaller(response: Message, to: Era): Message {
  const { bytes, error } = response;
  const code = valueOf(membersOf(bytes, error!), 'code');
  const value = errorCodeOf(response);
  let other: number | undefined;
  if (to === 'modern' && (value === -32002 || value === -32042)) other = -32602;
  // These describe the gateway's own envelope, not the caller's request.
  if (to === 'legacy' && MODERN_ERRORS.has(value)) other = -32603;
  if (!code || other === undefined) return response;
  return readMessage(splice(bytes, [{ ...code, text: String(other) }]));
}

/** The output schema of a tool that does not describe an object, with the members of its definition. */
function unwrappedSchema(raw: Buffer): { members: Member[]; schema: Span } | undefined {
  if (!raw.includes('outputSchema')) return undefined;
  const members = membersOf(raw, { start: 0, end: raw.length });
  const schema = valueOf(members, 'outputSchema');
  if (!schema) return undefined;
  const type = valueOf(membersOf(raw, schema), 'type');
  if (type && raw.toString('utf8', type.start, type.end) === '"object"') return undefined;
  return { members, schema };
}

/** A tool definition as a legacy client may read it: `outputSchema` describes an object. */
export function toolToLegacy(raw: Buffer): Buffer {
  const found = unwrappedSchema(raw);
  if (!found) return raw;
  const { members, schema } = found;
  const inner = membersOf(raw, schema);
  let own = sliceOf(raw, schema);
  if (own.includes('"$ref"') && isObjectAt(raw, schema) && !valueOf(inner, '$id')) {
    // Its own id keeps "#/$defs/…" pointing into it although it is no longer the root.
    const id = `urn:toolgate:${createHash('sha256').update(own).digest('hex').slice(0, 16)}`;
    own = editObject(raw, inner, new Map([['$id', JSON.stringify(id)]]));
  }
  const wrapped = `{"type":"object","properties":{"result":${own.toString()}},"required":["result"]}`;
  return editObject(raw, members, new Map([['outputSchema', wrapped]]));
}

/** A tool definition as a modern client may read it: without the task support of 2025-11-25. */
export function toolToModern(raw: Buffer): Buffer {
  if (!raw.includes('taskSupport')) return raw;
  const members = membersOf(raw, { start: 0, end: raw.length });
  const execution = valueOf(members, 'execution');
  const inner = execution ? membersOf(raw, execution) : [];
  if (!valueOf(inner, 'taskSupport')) return raw;
  const text = editObject(raw, inner, new Map([['taskSupport', null]]));
  return editObject(raw, members, new Map([['execution', text.length > 2 ? text : null]]));
}
