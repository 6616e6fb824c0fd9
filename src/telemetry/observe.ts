// One log line for each call: who, what, how it ended, how long it took. No arguments, no results.
import type { Call, Message } from '../core/call.ts';
import { isGatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Target } from '../core/source.ts';

export type Observe = (
  call: Call,
  target: Target,
  next: (call: Call) => Promise<Message>,
) => Promise<Message>;

export function createObserve(log: Log): Observe {
  return async (call, target, next) => {
    const startedAt = performance.now();
    const facts = (outcome: string) => ({
      call: call.id,
      principal: call.principal.id,
      door: call.door,
      era: call.client.era,
      method: call.method,
      server: target.source.name,
      name: target.name,
      outcome,
      ms: Math.round((performance.now() - startedAt) * 10) / 10,
    });
    try {
      const response = await next(call);
      log.debug(facts(response.error ? 'error' : 'result'), 'call');
      return response;
    } catch (error) {
      const code = isGatewayError(error) ? error.code : 'INTERNAL';
      log.info({ ...facts(code), reason: (error as Error).message }, 'call failed');
      throw error;
    }
  };
}
