// A call on the road → the mode it runs in.
import type { Call } from '../core/call.ts';
import type { Target } from '../core/source.ts';
import { sliceOf, valueOf } from '../wire/json.ts';
import { readParams } from '../wire/message.ts';
import type { Decision, Modes } from './modes.ts';
import type { PinJudgement } from './pinning-state.ts';

export interface CallDecision extends Decision {
  readonly definitionHash: string;
}

/** The same for a tool whose definition is pinned: a yes is bound to what its server says now. */
export function judgePinned(
  decision: CallDecision,
  target: Target,
  pin: PinJudgement,
): CallDecision {
  const { rule, mode } = decision;
  const bound = { ...decision, definitionHash: pin.hash };
  if (!pin.mustAsk || mode !== 'auto') return bound;
  return {
    ...bound,
    mode: 'ask',
    rule: `pinning: the definition is not the accepted one (else ${rule})`,
    suggestion: `toolgate tools --accept ${target.source.name}/${target.name} (once you have read what changed)`,
  };
}

/** @param call resolved: with the arguments that will be sent */
export function judgeCall(modes: Modes, call: Call, target: Target): CallDecision {
  const span = valueOf(readParams(call.message).members, 'arguments');
  const decision = modes.decide({
    principal: call.principal,
    server: target.source.name,
    tool: target.name,
    definition: target.item?.raw,
    argumentsBytes: span && sliceOf(call.message.bytes, span),
  });
  return { ...decision, definitionHash: target.definitionHash };
}
