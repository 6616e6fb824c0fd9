// What is said of a pinned tool.
import type { OddCharacter } from './pinning-text.ts';

/**
 * accepted: as it was accepted (or not watched). new: never accepted, since that is not durable yet. The others:
 * the server says otherwise now, and the server's mode is ask, hold or quarantine.
 */
export type PinState = 'accepted' | 'changed' | 'held' | 'quarantined' | 'new';

export interface PinChange {
  readonly server: string;
  readonly tool: string;
  readonly state: PinState;
  /** Empty: none was ever accepted. */
  readonly acceptedHash: string;
  /** What is accepted by `accept` with this hash. */
  readonly currentHash: string;
  readonly acceptedAt: number | undefined;
  readonly acceptedBy: string | undefined;
  /** In the definition that waits. */
  readonly oddCharacters: readonly OddCharacter[];
}

export interface PinJudgement {
  readonly state: PinState;
  /**
   * What a yes is bound to: the definition that the server has now, whatever is shown of it. Empty when it does
   * not list the tool.
   */
  readonly hash: string;
  readonly isCallable: boolean;
  /** It does not run unasked, whatever the modes say. */
  readonly mustAsk: boolean;
}

export interface PinEvent {
  readonly kind: 'changed' | 'restored' | 'accepted';
  readonly server: string;
  readonly tool: string;
  readonly from: string;
  readonly to: string;
}
