// What the parts of the MCP door share.
import type { Era, Message } from '../core/call.ts';
import type { Log } from '../core/log.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Calls } from './calls.ts';
import type { StreamTiming } from './stream.ts';

export interface DoorConfig {
  /** Largest request body, in bytes. */
  readonly maxRequestBytes: number;
  /** A legacy session that is not used for so long ends. */
  readonly sessionSeconds: number;
  readonly maxSessions: number;
}

export interface DoorTiming extends StreamTiming {
  /** A call that takes longer is answered on an event stream, so that nobody on the way gives up. */
  readonly streamAfterMs: number;
}

export const DEFAULT_TIMING: DoorTiming = {
  keepAliveMs: 15_000,
  stallMs: 30_000,
  streamAfterMs: 15_000,
};

export interface Context {
  readonly gateway: Gateway;
  readonly log: Log;
  readonly config: DoorConfig;
  readonly timing: DoorTiming;
  /** Raw JSON of the gateway's own `serverInfo`. */
  readonly serverInfo: string;
  readonly calls: Calls;
}

/** Where notifications and the one answer of a request go. After the answer nothing is taken. */
export interface Reply {
  readonly era: Era;
  /** A progress or log notification; may be left out for a reader that is far behind. */
  notify(notification: Message): void;
  /**
   * A message that must not be left out.
   * @param onGone hears that the client has closed the stream
   * @returns false: there is no stream to send it on
   */
  tell(message: Buffer, onGone?: () => void): boolean;
  /** Nobody is there to hear the answer. */
  readonly gone: boolean;
  /** An answer with another id than the request's. */
  answer(answer: Message): void;
  /** A whole message, id included. */
  respond(status: number, bytes: Buffer): void;
  fail(thrown: unknown): void;
  /** No answer is due: the request was cancelled. */
  drop(): void;
  /** The answer takes its time: sees to it that the connection is not quiet. */
  linger(): void;
}
