// The rounds of one call (MRTR): the gateway's own question and state are taken off before the upstream sees the
// request, and the upstream's state travels inside the gateway's (law 3: all else keeps its bytes).
import type { Call, Message } from '../core/call.ts';
import { resultTypeOf } from '../wire/era.ts';
import {
  editObject,
  isStringAt,
  membersOf,
  parseAt,
  sliceOf,
  splice,
  stringAt,
  valueOf,
} from '../wire/json.ts';
import type { Member, Text } from '../wire/json.ts';
import { readMessage, readParams } from '../wire/message.ts';

/** Key of the gateway's question among `inputRequests`. */
export const QUESTION = 'toolgate_approval';

function edited(call: Call, changes: ReadonlyMap<string, Text | null>): Call {
  const { bytes, params } = call.message;
  const text = editObject(bytes, readParams(call.message).members, changes);
  return { ...call, message: readMessage(splice(bytes, [{ ...params!, text }])) };
}

/** The text of `requestState`, when it is one. */
export function stateOf({ message }: Call): string | undefined {
  const span = valueOf(readParams(message).members, 'requestState');
  return span && isStringAt(message.bytes, span) ? stringAt(message.bytes, span) : undefined;
}

/** The call without the gateway's own state, and its own answer. */
export function withoutOwnRound(call: Call): Call {
  const { bytes } = call.message;
  const responses = valueOf(readParams(call.message).members, 'inputResponses');
  const inner: readonly Member[] = responses ? membersOf(bytes, responses) : [];
  const changes = new Map<string, Text | null>([['requestState', null]]);
  if (valueOf(inner, QUESTION)) {
    const rest = editObject(bytes, inner, new Map([[QUESTION, null]]));
    changes.set('inputResponses', rest.length > 2 ? rest : null);
  }
  return edited(call, changes);
}

/** What the client answered to the gateway's question in this round. */
export function ownAnswer(call: Call): unknown {
  const { bytes } = call.message;
  const responses = valueOf(readParams(call.message).members, 'inputResponses');
  const own = responses ? valueOf(membersOf(bytes, responses), QUESTION) : undefined;
  return own ? parseAt(bytes, own) : undefined;
}

/** The call with the upstream's own state back in place. @param upstream its JSON text; empty: it had given none */
export const withState = (call: Call, upstream: string): Call =>
  edited(call, new Map([['requestState', upstream === '' ? null : upstream]]));

/** The JSON text of the state of an upstream's question, empty without one; undefined when the response is final. */
export function questionState(response: Message): string | undefined {
  if (!response.result || resultTypeOf(response) !== 'input_required') return undefined;
  const span = valueOf(membersOf(response.bytes, response.result), 'requestState');
  return span ? sliceOf(response.bytes, span).toString() : '';
}

/** A question of the upstream under another state. */
export function withQuestionState(response: Message, state: string): Message {
  const { bytes, result } = response;
  const changes = new Map([['requestState', JSON.stringify(state)]]);
  const text = editObject(bytes, membersOf(bytes, result!), changes);
  return readMessage(splice(bytes, [{ ...result!, text }]));
}
