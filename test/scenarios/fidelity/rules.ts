// What may change in a message on its way through the gateway. All that is allowed stands here; whatever else
// differs is a fault. New members come first in their object, since the rest is passed on as a piece of text.
import { elementsOf, membersOf, textAt } from '../../support/json-text.ts';
import type { Era } from './road.ts';

const META = 'io.modelcontextprotocol/';
const ENVELOPE = ['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel'].map(
  (key) => META + key,
);
const CLIENT_INFO = '{"name":"raw","version":"1.0.0"}';

/** The object with members set to a text, or removed (undefined); those it lacks are put in front. */
export function edit(
  object: string,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const members = membersOf(object);
  const fresh = Object.entries(changes)
    .filter(([key, text]) => text !== undefined && !members.some((member) => member.key === key))
    .map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  const kept = members
    .filter(({ key }) => !Object.hasOwn(changes, key) || changes[key] !== undefined)
    .map(({ key, keyStart, start, end }) => {
      const text = Object.hasOwn(changes, key) ? changes[key]! : object.slice(start, end);
      return `${object.slice(keyStart, start)}${text}`;
    });
  return `{${[...fresh, ...kept].join(',')}}`;
}

const isEmpty = (object: string): boolean => membersOf(object).length === 0;

export interface Crossing {
  readonly north: Era;
  readonly south: Era;
}

/** The `_meta` of a request: its era's envelope comes or goes, and the progress token is the gateway's. */
function expectedMeta(
  meta: string | undefined,
  { north, south }: Crossing,
  token: string | undefined,
): string | undefined {
  let text = meta ?? '{}';
  if (token !== undefined) text = edit(text, { progressToken: token });
  if (north === 'modern' && south === 'legacy') {
    text = edit(text, Object.fromEntries(ENVELOPE.map((key) => [key, undefined])));
    if (isEmpty(text)) return undefined;
  }
  if (north === 'legacy' && south === 'modern') {
    const own = {
      [`${META}protocolVersion`]: '"2026-07-28"',
      [`${META}clientInfo`]: CLIENT_INFO,
      [`${META}clientCapabilities`]: '{}',
    };
    text = edit(text, own);
  }
  return text === '{}' ? meta : text;
}

/**
 * A request as the upstream must see it.
 * @param sent the whole message that the caller sent
 * @param seen the whole message that came, from which only the id and the progress token are taken
 * @param own the upstream's own name, where the message names a tool or prompt
 */
export function expectedAtUpstream(
  sent: string,
  seen: string,
  crossing: Crossing,
  own?: string,
): string {
  let params = textAt(sent, 'params')!;
  const meta = textAt(params, '_meta');
  const hasToken = meta !== undefined && textAt(meta, 'progressToken') !== undefined;
  const token = hasToken ? textAt(seen, 'params', '_meta', 'progressToken') : undefined;
  const newMeta = expectedMeta(meta, crossing, token);
  if (meta !== undefined || newMeta !== undefined) params = edit(params, { _meta: newMeta });
  if (own !== undefined) {
    const ref = textAt(params, 'ref');
    params =
      ref === undefined
        ? edit(params, { name: own })
        : edit(params, { ref: edit(ref, { name: own }) });
  }
  const isToolCall = textAt(sent, 'method') === '"tools/call"';
  if (isToolCall && textAt(params, 'arguments') === undefined) {
    params = edit(params, { arguments: '{}' });
  }
  return edit(sent, { id: textAt(seen, 'id')!, params });
}

const describesObject = (schema: string): boolean => textAt(schema, 'type') === '"object"';

/** Whether an era rule wraps what the tool returns: legacy clients take objects only. */
const isWrapped = (definition: string | undefined): boolean => {
  const schema = definition === undefined ? undefined : textAt(definition, 'outputSchema');
  return schema !== undefined && !describesObject(schema);
};

/**
 * A result as the caller must see it.
 * @param said the result as the upstream wrote it
 */
export function expectedAtCaller(
  said: string,
  method: string,
  { north, south }: Crossing,
  definition?: string,
): string {
  if (north === south) return said;
  if (north === 'modern') {
    const hints = method === 'resources/read' ? { ttlMs: '0', cacheScope: '"private"' } : {};
    return edit(said, { resultType: '"complete"', ...hints });
  }
  let text = edit(said, { resultType: undefined, ttlMs: undefined, cacheScope: undefined });
  const meta = textAt(text, '_meta');
  if (meta !== undefined && textAt(meta, `${META}serverInfo`) !== undefined) {
    const rest = edit(meta, { [`${META}serverInfo`]: undefined });
    text = edit(text, { _meta: isEmpty(rest) ? undefined : rest });
  }
  const structured = textAt(text, 'structuredContent');
  if (structured === undefined) return text;
  if (structured.startsWith('{') && !isWrapped(definition)) return text;
  return edit(text, { structuredContent: `{"result":${structured}}` });
}

/** Codes that one era does not know. All else of an error passes, its data above all. */
export function expectedError(said: string, { north, south }: Crossing): string {
  const code = textAt(said, 'code')!;
  if (north === south) return said;
  if (north === 'modern' && ['-32002', '-32042'].includes(code)) {
    return edit(said, { code: '-32602' });
  }
  if (north === 'legacy' && ['-32020', '-32021', '-32022'].includes(code)) {
    return edit(said, { code: '-32603' });
  }
  return said;
}

/** A definition in a list, under the name that the gateway shows. */
export function expectedDefinition(
  written: string,
  exposed: string | undefined,
  { north, south }: Crossing,
): string {
  let text = exposed === undefined ? written : edit(written, { name: JSON.stringify(exposed) });
  if (north === south) return text;
  if (north === 'modern') {
    const execution = textAt(text, 'execution');
    if (execution === undefined || textAt(execution, 'taskSupport') === undefined) return text;
    const rest = edit(execution, { taskSupport: undefined });
    return edit(text, { execution: isEmpty(rest) ? undefined : rest });
  }
  const schema = textAt(text, 'outputSchema');
  if (schema === undefined || describesObject(schema)) return text;
  // An id of its own keeps "#/…" pointing into a schema that is no longer the root.
  const given = textAt(wrappedSchemaOf(text), '$id');
  const own =
    schema.includes('"$ref"') && given === undefined ? edit(schema, { $id: '"ID"' }) : schema;
  text = edit(text, {
    outputSchema: `{"type":"object","properties":{"result":${own}},"required":["result"]}`,
  });
  return text;
}

const wrappedSchemaOf = (definition: string): string => textAt(definition, 'outputSchema') ?? '{}';

/** The gateway makes the id of a wrapped schema from its text; here it only has to be there and be a string. */
export function withoutOwnId(definition: string): string {
  const own = textAt(definition, 'outputSchema', 'properties', 'result', '$id');
  return own?.startsWith('"urn:toolgate:') === true ? definition.replace(own, '"ID"') : definition;
}

/** A notification of a call: the progress token is the caller's. */
export function expectedNotification(said: string, token: string): string {
  if (textAt(said, 'method') !== '"notifications/progress"') return said;
  return edit(said, { params: edit(textAt(said, 'params')!, { progressToken: token }) });
}

/** The modern fixture says what a result is, and for how long a read may be kept; this is what it writes. */
export function asWritten(result: string, era: Era, method: string): string {
  if (era === 'legacy') return result;
  const stamped = edit(result, { resultType: '"complete"' });
  if (method !== 'resources/read') return stamped;
  return `${stamped.slice(0, -1)},"ttlMs":60000,"cacheScope":"public"}`;
}

export const definitionsOf = (result: string, key: string): string[] =>
  elementsOf(textAt(result, key) ?? '');
