// One log line for each call: who, what, how it ended, how long it took. No arguments, no results.
import type { Call, CallDecision, Message } from '../core/call.ts';
import { isGatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Target } from '../core/source.ts';
import type { StoredCall } from '../core/store.ts';

export type Observe = (
  call: Call,
  target: Target,
  next: (call: Call) => Promise<Message>,
) => Promise<Message>;

/** @param record keeps a row of each call; it must not throw */
export function createObserve(log: Log, record?: (call: StoredCall) => void): Observe {
  return async (call, target, next) => {
    const startedAt = performance.now();
    const at = Date.now();
    const decision: CallDecision = { mode: '', rule: '', approval: undefined };
    const keep = (outcome: string) =>
      record?.({
        id: call.id,
        at,
        principal: call.principal.id,
        door: call.door,
        era: call.client.era,
        method: call.method,
        server: target.source.name,
        name: target.name,
        decision: decision.mode,
        rule: decision.rule,
        approval: decision.approval,
        outcome,
        ms: performance.now() - startedAt,
      });
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
      const response = await next({ ...call, decision });
      const outcome = response.error ? 'error' : 'result';
      log.debug(facts(outcome), 'call');
      keep(outcome);
      return response;
    } catch (error) {
      const code = isGatewayError(error) ? error.code : 'INTERNAL';
      keep(code);
      log.info({ ...facts(code), reason: (error as Error).message }, 'call failed');
      throw error;
    }
  };
}
