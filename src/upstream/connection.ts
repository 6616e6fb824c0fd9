// What one open connection to an upstream can do, whatever its transport.
import type { Cancellation } from '../core/cancellation.ts';
import type { Era, Message } from '../core/call.ts';
import type { GatewayError } from '../core/errors.ts';

/** A request on its way to an upstream. */
export interface Outgoing {
  readonly method: string;
  /** The bytes to send. The id, an integer, serves as progress token too. */
  build(id: string): Buffer;
  /** The headers that mirror the body; asked for over HTTP in the modern era only. */
  headers(): Readonly<Record<string, string>>;
  readonly signal: Cancellation;
  /** Hears progress and log messages of this request, in the upstream's terms, until it is answered. */
  readonly onNotification?: (notification: Message) => void;
}

export interface Connection extends AsyncDisposable {
  readonly era: Era;
  readonly version: string;
  /**
   * @returns the response, a result or an error of the upstream's, under the id that was sent.
   * @throws GatewayError; the signal's reason when it aborts
   */
  request(out: Outgoing): Promise<Message>;
  notify(message: Buffer): void;
}

export interface ConnectionEvents {
  /** A notification that belongs to no request in flight. */
  onNotification(notification: Message): void;
  /** The connection has ended by itself; it is not called after a dispose. */
  onClose(reason: GatewayError): void;
}

/** What a server said of itself at the handshake. */
export interface Greeting {
  readonly era: Era;
  readonly version: string;
  /** A modern server that takes `initialize` too. */
  readonly servesLegacy: boolean;
  /** Parsed capabilities: small, and only the gateway reads them. */
  readonly capabilities: ServerCapabilities;
  readonly instructions: string;
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
}

interface ListCapability {
  readonly listChanged?: boolean;
  readonly subscribe?: boolean;
}

export interface ServerCapabilities {
  readonly tools?: ListCapability;
  readonly prompts?: ListCapability;
  readonly resources?: ListCapability;
  readonly completions?: object;
  readonly logging?: object;
}
