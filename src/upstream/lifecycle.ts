// The life of one upstream's connection: made, watched, lost, made again. Never gives up.
import type { Cancellation } from '../core/cancellation.ts';
import { toAbortSignal } from '../core/cancellation.ts';
import type { Era, Message } from '../core/call.ts';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ServerConfig } from '../config/config.ts';
import type { HttpClient } from '../net/http-client.ts';
import { createBackoff } from './backoff.ts';
import { connect } from './connect.ts';
import type { Opened } from './connect.ts';
import type { ClientInfo } from './handshake.ts';
import { causeOf } from './failure.ts';
import { watchHealth } from './health.ts';
import { HttpConnection } from './http.ts';

export type UpstreamState = 'connecting' | 'ready' | 'degraded' | 'down' | 'disabled';

export interface LifecycleOptions {
  readonly config: ServerConfig;
  readonly client: HttpClient;
  readonly info: ClientInfo;
  readonly log: Log;
  /** As found last time; undefined: probe. */
  readonly knownEra: Era | undefined;
  readonly isBusy: () => boolean;
  readonly onNotification: (message: Message) => void;
  /** A connection is open. @returns what could not be listed, as sentences */
  readonly onOpened: (opened: Opened) => Promise<readonly string[]>;
  readonly onClosed: () => void;
}

/** A first start may have to download a package (npx), so it is given time. */
const CONNECT_MS = 60_000;
/** A call waits this long for a connection that is being made. */
const CALL_WAIT_MS = 5_000;
/** A call to a server that is down makes one attempt, but not more than one in this time. */
const RETRY_MS = 1_000;
/** A connection that has lasted for so long was a good one: after its end the delays start anew. */
const STABLE_MS = 60_000;

export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #backoff = createBackoff();
  readonly #disposed = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  #opened: Opened | undefined;
  #attempt: Promise<void> | undefined;
  #lastAttemptAt = -Infinity;
  #attachedAt = -Infinity;
  #retryTimer: NodeJS.Timeout | undefined;
  /** Ends the health checks of the connection. */
  #attended: AbortController | undefined;
  #isSick = false;
  #knownEra: Era | undefined;
  #state: UpstreamState = 'connecting';
  #reason: string | undefined;
  #since = Date.now();

  constructor(options: LifecycleOptions) {
    this.#options = options;
    this.#knownEra = options.knownEra;
  }

  get opened(): Opened | undefined {
    return this.#opened;
  }

  get state(): UpstreamState {
    return this.#state;
  }

  /** Why it is not ready. */
  get reason(): string | undefined {
    return this.#reason;
  }

  get since(): number {
    return this.#since;
  }

  /** Settles once the server has listed or failed for the first time. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Aborts when the upstream is disposed. */
  get signal(): AbortSignal {
    return this.#disposed.signal;
  }

  #enter(state: UpstreamState, reason?: string): void {
    if (this.#state !== state) this.#since = Date.now();
    this.#state = state;
    this.#reason = reason;
  }

  /** One attempt at a time; it ends in a connection or in `down` with the next attempt scheduled. */
  start(): Promise<void> {
    this.#attempt ??= this.#open().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #open(): Promise<void> {
    clearTimeout(this.#retryTimer);
    const startedAt = performance.now();
    this.#lastAttemptAt = startedAt;
    this.#enter('connecting', this.#reason);
    const { config, client, info, log, onNotification } = this.#options;
    let ended: GatewayError | undefined;
    const events = {
      onNotification,
      onClose: (reason: GatewayError) => {
        ended = reason;
        this.#lost(reason);
      },
    };
    const signal = AbortSignal.any([this.#disposed.signal, AbortSignal.timeout(CONNECT_MS)]);
    try {
      const opened = await connect({
        config,
        client,
        events,
        signal,
        info,
        log,
        knownEra: this.#knownEra,
      });
      if (this.#disposed.signal.aborted) await opened.connection[Symbol.asyncDispose]();
      this.#disposed.signal.throwIfAborted();
      if (ended) throw ended;
      this.#attach(opened);
    } catch (error) {
      throw this.#failed(error, startedAt);
    }
  }

  #attach(opened: Opened): void {
    this.#opened = opened;
    this.#attachedAt = performance.now();
    this.#knownEra = opened.greeting.era;
    this.#watch(opened);
    void this.#options.onOpened(opened).then((faults) => {
      if (this.#opened === opened) {
        if (faults.length === 0) this.#enter('ready');
        else this.#enter('degraded', faults.join(' '));
        const { era, version } = opened.greeting;
        this.#options.log.info({ state: this.#state, era, version }, 'server is connected');
      }
      this.#settled.resolve();
    });
  }

  #watch(opened: Opened): void {
    this.#attended = new AbortController();
    const { info, isBusy } = this.#options;
    void watchHealth({
      connection: opened.connection,
      info,
      signal: this.#attended.signal,
      isBusy,
      onWell: () => {
        if (this.#isSick && this.#state === 'degraded') this.#enter('ready');
        this.#isSick = false;
      },
      onSick: (reason) => {
        this.#isSick = true;
        // A child may be busy with work of its own; a socket that answers nothing is of no use.
        if (opened.transport === 'stdio') this.#enter('degraded', reason);
        else void this.reset(reason);
      },
    });
  }

  #failed(error: unknown, startedAt: number): GatewayError {
    // A wrong era of last time must not keep us out for ever.
    this.#knownEra = undefined;
    const timedOut = (error as Error | undefined)?.name === 'TimeoutError';
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const reason = timedOut
      ? `it did not complete the handshake within ${seconds} s`
      : causeOf(error);
    this.#down(reason);
    // Nothing but a handshake was lost: no call has run.
    const isTold = isGatewayError(error) && error.code !== 'UPSTREAM_LOST';
    return isTold ? error : this.unavailable(reason, error);
  }

  unavailable(reason: string, cause?: unknown): GatewayError {
    const server = this.#options.config.name;
    const text = `Server "${server}" is not available: ${reason}`;
    return new GatewayError('UPSTREAM_DOWN', text, { cause, data: { server } });
  }

  #detach(): void {
    // One that comes up and dies again and again is a crash loop like any other.
    if (this.#opened && performance.now() - this.#attachedAt >= STABLE_MS) this.#backoff.reset();
    this.#opened = undefined;
    this.#attended?.abort(new Error('detached'));
    this.#options.onClosed();
  }

  #lost(reason: GatewayError): void {
    this.#detach();
    // It forgot us but answers: the next call may ask for a session at once.
    if (HttpConnection.isSessionLost(reason)) this.#lastAttemptAt = -Infinity;
    this.#down(causeOf(reason));
  }

  #down(reason: string): void {
    this.#settled.resolve();
    if (this.#disposed.signal.aborted) return;
    this.#enter('down', reason);
    const delayMs = this.#backoff.next();
    this.#options.log.warn({ reason, delayMs }, 'server is down');
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#retry(), delayMs).unref();
  }

  #retry(): void {
    this.start().catch(() => {
      // The state tells, and the next attempt is scheduled.
    });
  }

  /** The connection, made now if there is none; a server that is down fails fast with its reason. */
  async connected(signal: Cancellation): Promise<Opened> {
    if (this.#opened) return this.#opened;
    if (!this.#attempt && performance.now() - this.#lastAttemptAt < RETRY_MS) {
      throw this.unavailable(this.#reason ?? 'it is not connected');
    }
    const limit = AbortSignal.timeout(CALL_WAIT_MS);
    const stop = AbortSignal.any([toAbortSignal(signal), limit]);
    try {
      await new Promise<void>((resolve, reject) => {
        stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true });
        this.start().then(resolve, reject);
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (limit.aborted) throw this.unavailable('it is still connecting; call again shortly.');
      throw error;
    }
    if (!this.#opened) throw this.unavailable(this.#reason ?? 'it ended at once');
    return this.#opened;
  }

  /** Drops a connection that has proved useless; the next call or the timer makes another. */
  async reset(reason: string): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    this.#detach();
    this.#knownEra = undefined;
    this.#lastAttemptAt = -Infinity;
    this.#down(reason);
    await opened.connection[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed.signal.aborted) return;
    this.#disposed.abort(this.unavailable('it was removed or the gateway is stopping'));
    clearTimeout(this.#retryTimer);
    this.#settled.resolve();
    this.#enter('disabled');
    const opened = this.#opened;
    const attempt = this.#attempt;
    this.#detach();
    await opened?.connection[Symbol.asyncDispose]();
    await attempt?.catch(() => {
      // It failed because of the disposal; its own clean-up has run.
    });
  }
}
