// One request as a raw upstream sees it: its texts as they came, and the ways to answer.
import { textAt } from '../../json-text.ts';

export type Era = 'legacy' | 'modern';

export const MODERN_VERSION = '2026-07-28';
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const META = 'io.modelcontextprotocol/';
export const metaKey = (name: string): string => `${META}${name}`;

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export interface RawError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
  /** HTTP status, where it is not the era's usual one. */
  readonly status?: number;
}

/**
 * What a handler gives: raw JSON of the result, an error, a whole message in raw bytes (for lies), or
 * undefined for no answer at all.
 */
export type Reply =
  | string
  | { readonly error: RawError }
  | { readonly message: string | Buffer; readonly status?: number }
  | undefined;

export type Handler = (call: RawCall) => Reply | Promise<Reply>;

/** Where messages go: a response stream, standard output, a GET stream. */
export interface Outlet {
  /** @returns false when the other side is slow to read. */
  send(message: string | Buffer): boolean;
  /** Resolves when the other side has read enough for more. */
  drained(): Promise<void>;
  /** Closes the connection without ending the stream; the client may resume it. */
  breakOff?(): void;
}

export type JsonObject = Record<string, unknown>;
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The other end of a connection or legacy session; over modern HTTP, of a single request. */
export class Peer {
  outlet: Outlet | undefined;
  protocolVersion = '';
  capabilities: JsonObject = {};
  logLevel: string | undefined;
  readonly subscriptions = new Set<string>();
  /** Requests not answered yet, by the raw JSON of their ids. */
  readonly running = new Map<string, AbortController>();
  /** Questions to the client that wait for an answer, by the raw JSON of their ids. */
  readonly asked = new Map<string, (message: string) => void>();
  #nextQuestion = 1;

  questionId(): string {
    return `"q${this.#nextQuestion++}"`;
  }

  close(reason: string): void {
    for (const controller of this.running.values()) controller.abort(new Error(reason));
    this.outlet = undefined;
  }
}

export interface RawCallParts {
  readonly era: Era;
  readonly message: string;
  readonly method: string;
  readonly id: string;
  readonly params: string;
  readonly peer: Peer;
  readonly outlet: Outlet;
  readonly signal: AbortSignal;
}

export class RawCall {
  readonly era: Era;
  /** The whole request as it came. */
  readonly message: string;
  readonly method: string;
  /** Raw JSON of the request's id. */
  readonly id: string;
  /** Raw JSON of the params, `{}` where there were none. */
  readonly params: string;
  readonly peer: Peer;
  readonly outlet: Outlet;
  /** Aborted when the client cancels, or goes away where that cancels. */
  readonly signal: AbortSignal;
  #parsed: JsonObject | undefined;

  constructor(parts: RawCallParts) {
    this.era = parts.era;
    this.message = parts.message;
    this.method = parts.method;
    this.id = parts.id;
    this.params = parts.params;
    this.peer = parts.peer;
    this.outlet = parts.outlet;
    this.signal = parts.signal;
  }

  /** The params as JavaScript has them; where exactness counts, read `params`. */
  get parsed(): JsonObject {
    this.#parsed ??= JSON.parse(this.params) as JsonObject;
    return this.#parsed;
  }

  get name(): string {
    return String(this.parsed['name']);
  }

  get uri(): string {
    return String(this.parsed['uri']);
  }

  /** Raw JSON of `params.arguments`; undefined where it is absent. */
  get rawArguments(): string | undefined {
    return textAt(this.params, 'arguments');
  }

  get args(): JsonObject {
    const args = this.parsed['arguments'];
    return isObject(args) ? args : {};
  }

  get meta(): JsonObject {
    const meta = this.parsed['_meta'];
    return isObject(meta) ? meta : {};
  }

  get capabilities(): JsonObject {
    if (this.era === 'legacy') return this.peer.capabilities;
    const capabilities = this.meta[metaKey('clientCapabilities')];
    return isObject(capabilities) ? capabilities : {};
  }

  /** Sends a notification that belongs to this request, on its own stream. */
  notify(method: string, params: string): void {
    this.outlet.send(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params}}`);
  }

  /** Nothing is sent when the client gave no progress token. */
  progress(progress: number, total?: number, message?: string): void {
    const token = textAt(this.params, '_meta', 'progressToken');
    if (token === undefined) return;
    const rest = JSON.stringify({ progress, total, message }).slice(1);
    this.notify('notifications/progress', `{"progressToken":${token},${rest}`);
  }

  /** Sends a log message when the client wants that level; `data` is raw JSON. */
  log(level: string, data: string, logger = 'fixture'): void {
    const least =
      this.era === 'legacy' ? (this.peer.logLevel ?? 'debug') : this.meta[metaKey('logLevel')];
    if (typeof least !== 'string' || LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const head = `"level":${JSON.stringify(level)},"logger":${JSON.stringify(logger)}`;
    this.notify('notifications/message', `{${head},"data":${data}}`);
  }

  /** Legacy only: asks the client something on this request's stream. @returns the answer's message. */
  ask(method: string, params: string): Promise<string> {
    const id = this.peer.questionId();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.peer.asked.set(id, resolve);
    this.signal.addEventListener('abort', () => reject(this.signal.reason as Error), {
      once: true,
    });
    this.outlet.send(
      `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`,
    );
    return promise;
  }
}

/** Waits, unless the call is cancelled first. @returns false when it was. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Waits until the call is cancelled. */
export const cancelled = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

export const textResult = (text: string): string =>
  `{"content":[{"type":"text","text":${JSON.stringify(text)}}]}`;
