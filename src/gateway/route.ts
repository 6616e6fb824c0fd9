// Hands a resolved call to its server, with the exposed URIs put back into what comes from there.
import { toAbortSignal } from '../core/cancellation.ts';
import type { Call, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Target } from '../core/source.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { rewriteResult } from '../catalog/rewrite.ts';
import { resourceNotFound } from './resolve.ts';

/** @throws GatewayError UPSTREAM_… */
export async function route(call: Call, target: Target, catalog: Catalog): Promise<Message> {
  const { source } = target;
  const response = await source.call(call, target);
  if (call.scope !== undefined) return response;
  const qualifiedRead = call.method === 'resources/read' && call.name !== target.name;
  if (!catalog.rewrites && !qualifiedRead) return response;
  const expose = catalog.exposeUri(source.name);
  return rewriteResult(response, (uri) => (uri === target.name ? call.name : expose(uri)));
}

/**
 * Asks all servers that may have a resource; the first that has it answers. A read may be sent to several
 * since it changes nothing.
 */
export async function ask(
  call: Call,
  targets: readonly Target[],
  one: (call: Call, target: Target) => Promise<Message>,
): Promise<Message> {
  if (targets.length === 1) return one(call, targets[0]!);
  const control = new AbortController();
  const signal = AbortSignal.any([toAbortSignal(call.signal), control.signal]);
  try {
    return await Promise.any(
      targets.map(async (target) => {
        const response = await one({ ...call, signal }, target);
        if (response.error) throw new GatewayError('RESOURCE_NOT_FOUND', 'not here');
        return response;
      }),
    );
  } catch {
    throw resourceNotFound(call.name);
  } finally {
    control.abort(new GatewayError('CALL_CANCELLED', 'Another server has answered.'));
  }
}
