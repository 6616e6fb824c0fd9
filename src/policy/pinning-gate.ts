// Keeps what is not accepted from being called.
import type { Call } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Interceptor } from '../core/interceptor.ts';
import type { Target } from '../core/source.ts';
import type { Pinning } from './pinning.ts';

export interface PinGate {
  /**
   * Before anything is judged: refuses what is kept back, as if it were not there; a tool that is seen for the first
   * time waits until that is durable. @throws GatewayError TOOL_NOT_FOUND
   */
  readonly before: Interceptor;
  /**
   * Last before the call goes out: a yes is written before its call runs, and the definition may change in that time.
   * @throws GatewayError DEFINITION_CHANGED
   */
  readonly last: Interceptor;
}

export function createPinGate(pinning: Pinning): PinGate {
  /** The definition under which each call on its way is judged, by the call's id. */
  const judged = new Map<string, string>();
  const hashOf = ({ source, name }: Target) => pinning.judge(source.name, name).hash;
  return {
    async before(call, target, next) {
      if (call.method !== 'tools/call') return next(call);
      const { name, source } = target;
      if (pinning.state(source.name, name) === 'new') await pinning.settled();
      if (!pinning.judge(source.name, name).isCallable) throw unknown(call);
      judged.set(call.id, hashOf(target));
      try {
        return await next(call);
      } finally {
        judged.delete(call.id);
      }
    },
    async last(call, target, next) {
      if (call.method !== 'tools/call' || judged.get(call.id) === hashOf(target)) return next(call);
      throw new GatewayError(
        'DEFINITION_CHANGED',
        `The definition of ${JSON.stringify(call.name)} changed while the call was on its way. Call again.`,
        { data: { name: call.name } },
      );
    },
  };
}

const unknown = ({ name }: Call): GatewayError =>
  new GatewayError('TOOL_NOT_FOUND', `Unknown tool: ${JSON.stringify(name)}`, { data: { name } });
