// The words that doors, gateway and upstreams share about one request.
import type { Cancellation } from './cancellation.ts';
import type { Principal } from './principal.ts';

/** legacy: initialize and sessions, up to 2025-11-25; modern: stateless, from 2026-07-28 on. */
export type Era = 'legacy' | 'modern';

export type Door = 'http' | 'sse' | 'rest';

/** RFC 5424 severities, least severe first. */
export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const isLogLevel = (value: unknown): value is LogLevel =>
  LOG_LEVELS.includes(value as LogLevel);

/** A piece of a buffer: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * One JSON-RPC message as it came, and where its parts lie. The bytes are checked JSON; what the gateway
 * does not have to read stays bytes (law 3: opaque messages).
 */
export interface Message {
  readonly bytes: Buffer;
  readonly kind: 'request' | 'notification' | 'response';
  /** Empty for a response. */
  readonly method: string;
  readonly id: Span | undefined;
  readonly params: Span | undefined;
  readonly result: Span | undefined;
  readonly error: Span | undefined;
}

/** The program at the caller's end, by its own word: never a ground for a decision about access. */
export interface Client {
  readonly era: Era;
  readonly protocolVersion: string;
  /** Raw JSON of `clientInfo`, when it was given. */
  readonly info: Buffer | undefined;
  /** Raw JSON of the client's capabilities. */
  readonly capabilities: Buffer;
}

/** How a call was decided, for its record: filled in on the way. */
export interface CallDecision {
  mode: string;
  rule: string;
  approval: string | undefined;
}

/** One request on its way to a tool, prompt, resource or completion. Every door makes these. */
export interface Call {
  /** Unique in the life of the gateway; in every log line of the call. */
  readonly id: string;
  readonly principal: Principal;
  readonly door: Door;
  readonly client: Client;
  /** The one server that `/mcp/<server>` shows; undefined at the merged endpoint. */
  readonly scope: string | undefined;
  /**
   * Selectors that this request narrows itself to (`x-toolgate-tools`, `x-bf-mcp-include-…`): every list must
   * allow. Never part of who the caller is.
   */
  readonly narrow: readonly (readonly string[])[];
  /** tools/call, prompts/get, resources/read or completion/complete. */
  readonly method: string;
  /** Tool or prompt name, or resource URI, as the caller wrote it. */
  readonly name: string;
  readonly message: Message;
  /** The least level of log messages the caller wants for this call; undefined: its era's default. */
  readonly logLevel: LogLevel | undefined;
  /** Written by the rule that decides; the record of the call tells it. */
  readonly decision?: CallDecision;
  readonly signal: Cancellation;
  /**
   * Hears progress and log notifications of this call, in the caller's names and tokens, and never after
   * the answer.
   */
  readonly onNotification: (notification: Message) => void;
  /** The caller can no longer hear the answer; a legacy one may be gone without having cancelled. */
  readonly isGone: () => boolean;
  /**
   * Asks the caller's client something on the stream of this call (a legacy client that declared it), and
   * waits for its answer. Undefined: it cannot be asked so.
   */
  readonly ask:
    | ((method: string, params: object, signal: AbortSignal) => Promise<Message>)
    | undefined;
}
