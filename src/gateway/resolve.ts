// From what the caller asked for to the server that has it.
import type { Call } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Target } from '../core/source.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { parseAt, valueOf } from '../wire/json.ts';
import { readParams } from '../wire/message.ts';

const notFound = (code: ErrorCode, what: string, name: string): GatewayError =>
  new GatewayError(code, `Unknown ${what}: ${JSON.stringify(name)}`, { data: { name } });

const missing = (method: string, member: string): GatewayError =>
  new GatewayError('PARAMS_INVALID', `${method} needs the parameter "${member}", a string.`);

/**
 * The candidates for a call, never empty: one, but for a resource that no server lists.
 * @throws GatewayError PARAMS_INVALID, METHOD_NOT_FOUND, …_NOT_FOUND
 */
export function resolve(call: Call, catalog: Catalog): readonly Target[] {
  const { method, name, scope } = call;
  if (scope !== undefined && !catalog.source(scope)) {
    throw new GatewayError('SERVER_NOT_FOUND', `No server is named "${scope}".`);
  }
  switch (method) {
    case 'tools/call': {
      const target = catalog.find('tools', name, scope);
      if (!target) throw unfound(call, 'TOOL_NOT_FOUND', 'tool');
      return [target];
    }
    case 'prompts/get': {
      const target = catalog.find('prompts', name, scope);
      if (!target) throw unfound(call, 'PROMPT_NOT_FOUND', 'prompt');
      return [target];
    }
    case 'resources/read': {
      const targets = catalog.findResource(name, scope);
      if (targets.length === 0) throw unfound(call, 'RESOURCE_NOT_FOUND', 'resource');
      return targets;
    }
    case 'completion/complete':
      return reference(call, catalog);
    default:
      throw new GatewayError('METHOD_NOT_FOUND', `Method not found: ${method}`);
  }
}

/** Only for what is not found is it asked whether a name was given at all. */
const unfound = ({ message, method, name }: Call, code: ErrorCode, what: string): GatewayError =>
  readParams(message).nameSpan ? notFound(code, what, name) : missing(method, nameMember(method));

function nameMember(method: string): string {
  if (method === 'resources/read') return 'uri';
  return method === 'completion/complete' ? 'ref' : 'name';
}

function reference(call: Call, catalog: Catalog): readonly Target[] {
  const { members, nameSpan } = readParams(call.message);
  if (!nameSpan) throw missing(call.method, nameMember(call.method));
  const ref = parseAt(call.message.bytes, valueOf(members, 'ref')!) as { type?: unknown };
  const isPrompt = ref.type === 'ref/prompt';
  if (!isPrompt && ref.type !== 'ref/resource') {
    throw new GatewayError(
      'PARAMS_INVALID',
      'params.ref.type must be "ref/prompt" or "ref/resource".',
    );
  }
  const targets = catalog
    .findReference(call.name, isPrompt, call.scope)
    .filter(({ source }) => source.snapshot.completions || source.snapshot.stale);
  const code = isPrompt ? 'PROMPT_NOT_FOUND' : 'RESOURCE_NOT_FOUND';
  if (targets.length === 0) throw notFound(code, 'completion reference', call.name);
  return targets;
}
