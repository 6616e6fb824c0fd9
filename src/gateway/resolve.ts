// From what the caller asked for to the server that has it: the canonical item first, then whether the caller
// may have it. What is not there and what is forbidden get the same answer.
import type { Call } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { ItemKind, Target } from '../core/source.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { parseAt, valueOf } from '../wire/json.ts';
import { readParams } from '../wire/message.ts';

/** @param name the server's own name or URI */
export type Permits = (
  kind: ItemKind,
  server: string,
  name: string,
  definition?: Buffer,
) => boolean;

export interface Resolved {
  /** With the arguments that the server is sent. */
  readonly call: Call;
  /** Never empty: one, but for a resource that no server lists. */
  readonly targets: readonly Target[];
}

export const notFound = (code: ErrorCode, what: string, name: string): GatewayError =>
  new GatewayError(code, `Unknown ${what}: ${JSON.stringify(name)}`, { data: { name } });

export const resourceNotFound = (uri: string): GatewayError =>
  notFound('RESOURCE_NOT_FOUND', 'resource', uri);

export const serverNotFound = (scope: string): GatewayError =>
  new GatewayError('SERVER_NOT_FOUND', `No server is named "${scope}".`);

const missing = (method: string, member: string): GatewayError =>
  new GatewayError('PARAMS_INVALID', `${method} needs the parameter "${member}", a string.`);

/** @throws GatewayError PARAMS_INVALID, METHOD_NOT_FOUND, …_NOT_FOUND */
export function resolve(call: Call, catalog: Catalog, permits: Permits): Resolved {
  const { method, name, scope } = call;
  const params = readParams(call.message);
  if (!params.nameSpan) throw missing(method, nameMember(method));
  switch (method) {
    case 'tools/call': {
      const target = permitted('tools', catalog.find('tools', name, scope), permits);
      if (!target) throw notFound('TOOL_NOT_FOUND', 'tool', name);
      return { call: catalog.withArguments(call, target), targets: [target] };
    }
    case 'prompts/get': {
      const target = permitted('prompts', catalog.find('prompts', name, scope), permits);
      if (!target) throw notFound('PROMPT_NOT_FOUND', 'prompt', name);
      return { call, targets: [target] };
    }
    case 'resources/read': {
      const targets = resources(name, scope, catalog, permits);
      if (targets.length === 0) throw resourceNotFound(name);
      return { call, targets };
    }
    case 'completion/complete':
      return { call, targets: reference(call, catalog, permits) };
    default:
      throw new GatewayError('METHOD_NOT_FOUND', `Method not found: ${method}`);
  }
}

export function permitted(
  kind: ItemKind,
  target: Target | undefined,
  permits: Permits,
): Target | undefined {
  if (!target) return undefined;
  return permits(kind, target.source.name, target.name, target.item?.raw) ? target : undefined;
}

export const resources = (
  uri: string,
  scope: string | undefined,
  catalog: Catalog,
  permits: Permits,
): readonly Target[] =>
  catalog.findResource(uri, scope, (server, own) => permits('resources', server, own));

function nameMember(method: string): string {
  if (method === 'resources/read') return 'uri';
  return method === 'completion/complete' ? 'ref' : 'name';
}

function reference(call: Call, catalog: Catalog, permits: Permits): readonly Target[] {
  const { name, scope } = call;
  const { members } = readParams(call.message);
  const ref = parseAt(call.message.bytes, valueOf(members, 'ref')!) as { type?: unknown };
  const isPrompt = ref.type === 'ref/prompt';
  if (!isPrompt && ref.type !== 'ref/resource') {
    throw new GatewayError(
      'PARAMS_INVALID',
      'params.ref.type must be "ref/prompt" or "ref/resource".',
    );
  }
  const one = isPrompt
    ? permitted('prompts', catalog.find('prompts', name, scope), permits)
    : permitted('resourceTemplates', catalog.findTemplate(name, scope), permits);
  const others = isPrompt ? [] : resources(name, scope, catalog, permits);
  const targets = (one ? [one] : others).filter(
    ({ source }) => source.snapshot.completions || source.snapshot.stale,
  );
  const code = isPrompt ? 'PROMPT_NOT_FOUND' : 'RESOURCE_NOT_FOUND';
  if (targets.length === 0) throw notFound(code, 'completion reference', name);
  return targets;
}
