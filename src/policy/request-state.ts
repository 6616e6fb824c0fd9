// The gateway's own `requestState`: sealed, bound to principal, request and expiry, and around the upstream's
// (2026-07-28, basic/patterns/mrtr, "Server Requirements").
import { createHash } from 'node:crypto';
import type { Call } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Seal } from '../core/seal.ts';

export interface RequestState {
  readonly approval: string;
  /** JSON text of the state of the upstream whose question is under way; empty when it gave none. */
  readonly upstream?: string;
  /** Which round of the call may go on from here; it may once. */
  readonly round?: string;
}

interface Sealed extends RequestState {
  readonly principal: string;
  readonly request: string;
  readonly expiresAt: number;
}

const PREFIX = 'tg1.';
const CONTEXT = 'requestState';

/** Cheaply, whether a request may carry a state of a gateway such as this. */
export const mayHaveState = ({ client, message }: Call): boolean =>
  client.era === 'modern' && message.bytes.includes(PREFIX);

/** Method, name and canonical arguments: a state counts for this request alone. */
const requestDigest = ({ method, name, scope }: Call, argumentsDigest: string): string =>
  createHash('sha256')
    .update(JSON.stringify([method, name, scope ?? '', argumentsDigest]))
    .digest('hex');

export function sealState(
  seal: Seal,
  call: Call,
  argumentsDigest: string,
  state: RequestState,
  expiresAt: number,
): string {
  const sealed: Sealed = {
    ...state,
    principal: call.principal.id,
    request: requestDigest(call, argumentsDigest),
    expiresAt,
  };
  return PREFIX + seal.seal(JSON.stringify(sealed), CONTEXT);
}

/**
 * @param seals the call's own state must be sealed here. Without it a state that does not open passes as the
 * upstream's own, since that may be a gateway too.
 * @returns undefined for a state that is not the gateway's: an upstream's own, which passes unchanged
 * @throws GatewayError STATE_INVALID for one of the gateway's that was altered, is another's, or has expired
 */
export function openState(
  seal: Seal,
  call: Call,
  argumentsDigest: string,
  text: string,
  seals: boolean,
): RequestState | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const opened = seal.open(text.slice(PREFIX.length), CONTEXT);
  if (opened === undefined && !seals) return undefined;
  const state = opened === undefined ? undefined : (JSON.parse(opened) as Sealed);
  if (
    !state ||
    state.principal !== call.principal.id ||
    state.request !== requestDigest(call, argumentsDigest) ||
    state.expiresAt <= Date.now()
  ) {
    throw new GatewayError(
      'STATE_INVALID',
      'The requestState does not belong to this request, or has expired. Call again without it.',
    );
  }
  return state;
}
