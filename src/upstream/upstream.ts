// One upstream server: its state, its connection, its last known listing. A Source of the catalog.
import type { Call, Era, LogLevel, Message } from '../core/call.ts';
import { LOG_LEVELS } from '../core/call.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ItemKind, ResourceUpdate, Snapshot, Source, Target, Timeouts } from '../core/source.ts';
import type { CatalogStore, StoredServer } from '../core/store.ts';
import type { ServerConfig } from '../config/config.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readParams } from '../wire/message.ts';
import { createBackoff } from './backoff.ts';
import { forward } from './forward.ts';
import { connect } from './connect.ts';
import type { Opened } from './connect.ts';
import type { Connection } from './connection.ts';
import { ownRequest } from './handshake.ts';
import type { ClientInfo } from './handshake.ts';
import { Notices } from './notices.ts';
import { Shelf } from './shelf.ts';

export type UpstreamState = 'connecting' | 'ready' | 'degraded' | 'down' | 'disabled';

export interface UpstreamStatus {
  readonly name: string;
  readonly state: UpstreamState;
  readonly era: Era | undefined;
  readonly version: string | undefined;
  readonly transport: string;
  /** Why it is not ready. */
  readonly reason: string | undefined;
  readonly since: number;
  readonly counts: Readonly<Record<ItemKind, number>>;
}

export interface UpstreamOptions {
  readonly config: ServerConfig;
  readonly stored: StoredServer | undefined;
  readonly store: CatalogStore;
  readonly client: HttpClient;
  readonly info: ClientInfo;
  readonly log: Log;
}

/** A first start may have to download a package (npx), so it is given time. */
const CONNECT_MS = 60_000;
/** A call waits this long for a connection that is being made. */
const CALL_WAIT_MS = 5_000;
/** A call to a server that is down makes one attempt, but not more than one in this time. */
const RETRY_MS = 1_000;
/** An era that was found stays for this long; then it is probed again. */
const ERA_MS = 24 * 3_600_000;

export class Upstream implements Source {
  readonly name: string;
  readonly changed: Emitter<readonly ItemKind[]>;
  readonly updated: Emitter<ResourceUpdate>;
  readonly #options: UpstreamOptions;
  readonly #shelf: Shelf;
  readonly #notices: Notices;
  readonly #backoff = createBackoff();
  readonly #disposed = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  #config: ServerConfig;
  #opened: Opened | undefined;
  #attempt: Promise<Connection> | undefined;
  #lastAttemptAt = -Infinity;
  #retryTimer: NodeJS.Timeout | undefined;
  #state: UpstreamState = 'connecting';
  #reason: string | undefined;
  #since = Date.now();
  #knownEra: Era | undefined;
  #inFlight = 0;
  #logLevel: LogLevel | undefined;

  constructor(options: UpstreamOptions) {
    const { config, stored, info, log } = options;
    this.name = config.name;
    this.#options = options;
    this.#config = config;
    const onFault = (error: unknown) => log.error({ error: reasonOf(error) }, 'a listener failed');
    this.changed = createEmitter<readonly ItemKind[]>(onFault);
    this.updated = createEmitter<ResourceUpdate>(onFault);
    this.#notices = new Notices(info, log);
    this.#shelf = new Shelf({ ...options, notices: this.#notices, changed: this.changed });
    const fresh = stored && Date.now() - stored.eraProbedAt < ERA_MS;
    this.#knownEra = fresh ? stored.era : undefined;
  }

  get snapshot(): Snapshot {
    return this.#shelf.snapshot;
  }

  /** Settles once the server has listed or failed for the first time. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get status(): UpstreamStatus {
    const { items } = this.snapshot;
    return {
      name: this.name,
      state: this.#state,
      era: this.#opened?.greeting.era,
      version: this.#opened?.greeting.version,
      transport: this.#opened?.transport ?? this.#config.transport,
      reason: this.#reason,
      since: this.#since,
      counts: {
        tools: items.tools.length,
        prompts: items.prompts.length,
        resources: items.resources.length,
        resourceTemplates: items.resourceTemplates.length,
      },
    };
  }

  start(): void {
    this.#connect().catch(() => {
      // The state tells; the next attempt is scheduled.
    });
  }

  /** Takes over settings that need no new connection. */
  adjust(config: ServerConfig): void {
    this.#config = config;
    this.#shelf.adjust(config);
  }

  timeouts(name: string): Timeouts {
    const { timeoutMs, maxTimeoutMs, toolTimeoutsMs } = this.#config;
    const own = Object.hasOwn(toolTimeoutsMs, name) ? toolTimeoutsMs[name] : undefined;
    return { timeoutMs: own ?? timeoutMs, maxTimeoutMs: Math.max(maxTimeoutMs, own ?? 0) };
  }

  get config(): ServerConfig {
    return this.#config;
  }

  #enter(state: UpstreamState, reason?: string): void {
    if (this.#state !== state) this.#since = Date.now();
    this.#state = state;
    this.#reason = reason;
  }

  /** One attempt at a time; it ends in a connection or in `down` with the next attempt scheduled. */
  #connect(): Promise<Connection> {
    this.#attempt ??= this.#open().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #open(): Promise<Connection> {
    clearTimeout(this.#retryTimer);
    this.#lastAttemptAt = performance.now();
    this.#enter('connecting', this.#reason);
    const { client, info, log } = this.#options;
    let ended: GatewayError | undefined;
    const events = {
      onNotification: (message: Message) => this.#notified(message),
      onClose: (reason: GatewayError) => {
        ended = reason;
        this.#lost(reason);
      },
    };
    const signal = AbortSignal.any([this.#disposed.signal, AbortSignal.timeout(CONNECT_MS)]);
    try {
      const opened = await connect({
        config: this.#config,
        client,
        events,
        signal,
        info,
        knownEra: this.#knownEra,
        log,
      });
      if (ended) throw ended;
      this.#disposed.signal.throwIfAborted();
      this.#attached(opened);
      return opened.connection;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #attached(opened: Opened): void {
    const { connection, greeting } = opened;
    this.#opened = opened;
    this.#knownEra = greeting.era;
    this.#notices.attach(connection, greeting.capabilities);
    if (this.#logLevel) this.#sendLogLevel(this.#logLevel);
    void this.#shelf.fill(opened).then((faults) => {
      if (this.#opened !== opened) return;
      if (faults.length === 0) {
        this.#backoff.reset();
        this.#enter('ready');
      } else this.#enter('degraded', faults.join(' '));
      this.#options.log.info({ ...this.status }, 'server is connected');
      this.#settled.resolve();
    });
  }

  #failed(error: unknown): GatewayError {
    // A wrong era of last time must not keep us out for ever.
    this.#knownEra = undefined;
    const reason = this.#timedOut(error)
      ? `it did not complete the handshake within ${CONNECT_MS / 1000} s`
      : reasonOf(error);
    this.#down(reason);
    if (isGatewayError(error) && !this.#timedOut(error)) return error;
    return this.#unavailable(reason, error);
  }

  #timedOut = (error: unknown): boolean => (error as Error | undefined)?.name === 'TimeoutError';

  #unavailable(reason: string, cause?: unknown): GatewayError {
    return new GatewayError('UPSTREAM_DOWN', `Server "${this.name}" is not available: ${reason}`, {
      cause,
      data: { server: this.name },
    });
  }

  #lost(reason: GatewayError): void {
    this.#opened = undefined;
    this.#notices.detach();
    if (!this.#disposed.signal.aborted) this.#down(reason.message);
  }

  #down(reason: string): void {
    this.#settled.resolve();
    if (this.#disposed.signal.aborted) return;
    this.#enter('down', reason);
    this.#shelf.markStale();
    const delayMs = this.#backoff.next();
    this.#options.log.warn({ server: this.name, reason, delayMs }, 'server is down');
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.start(), delayMs).unref();
  }

  #notified(message: Message): void {
    switch (message.method) {
      case 'notifications/tools/list_changed':
        return this.#shelf.refresh(['tools']);
      case 'notifications/prompts/list_changed':
        return this.#shelf.refresh(['prompts']);
      case 'notifications/resources/list_changed':
        return this.#shelf.refresh(['resources', 'resourceTemplates']);
      case 'notifications/resources/updated':
        return this.updated.emit({ uri: readParams(message).name, notification: message });
      default:
        return undefined;
    }
  }

  /** The connection, made now if there is none; a server that is down fails fast with its reason. */
  async #connected(signal: AbortSignal): Promise<Opened> {
    if (this.#opened) return this.#opened;
    if (!this.#attempt && performance.now() - this.#lastAttemptAt < RETRY_MS) {
      throw this.#unavailable(this.#reason ?? 'it is not connected');
    }
    const limit = AbortSignal.timeout(CALL_WAIT_MS);
    const stop = AbortSignal.any([signal, limit]);
    await new Promise<void>((resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true });
      this.#connect().then(() => resolve(), reject);
    }).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      if (limit.aborted) throw this.#unavailable('it is still connecting; call again shortly.');
      throw error;
    });
    if (!this.#opened) throw this.#unavailable(this.#reason ?? 'it ended at once');
    return this.#opened;
  }

  async call(call: Call, target: Target): Promise<Message> {
    const { maxConcurrent } = this.#config;
    if (this.#inFlight >= maxConcurrent) {
      throw new GatewayError(
        'UPSTREAM_BUSY',
        `Server "${this.name}" has ${maxConcurrent} calls in flight (maxConcurrent). Call again later.`,
        { data: { server: this.name, maxConcurrent } },
      );
    }
    this.#inFlight++;
    try {
      return await forward(call, target, {
        server: this.name,
        connected: () => this.#connected(call.signal),
        relist: () => this.#shelf.relist(),
        definition: (name) => this.#shelf.tool(name),
        reprobe: () => this.#reset('it no longer speaks the protocol version it spoke'),
        unreachable: (error) => this.#reset(error.message),
      });
    } finally {
      this.#inFlight--;
    }
  }

  /** Drops a connection that has proved useless; the next call or the timer makes another. */
  async #reset(reason: string): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    this.#opened = undefined;
    this.#knownEra = undefined;
    this.#lastAttemptAt = -Infinity;
    this.#notices.detach();
    this.#down(reason);
    await opened.connection[Symbol.asyncDispose]();
  }

  subscribe(uri: string): AsyncDisposable {
    return this.#notices.subscribe(uri);
  }

  async lowerLogLevel(level: LogLevel): Promise<void> {
    const rank = (value: LogLevel) => LOG_LEVELS.indexOf(value);
    if (this.#logLevel && rank(this.#logLevel) <= rank(level)) return;
    this.#logLevel = level;
    await this.#sendLogLevel(level);
  }

  async #sendLogLevel(level: LogLevel): Promise<void> {
    const opened = this.#opened;
    // Modern servers get the level with each request.
    if (opened?.greeting.era !== 'legacy' || !opened.greeting.capabilities.logging) return;
    const { info, log } = this.#options;
    const signal = AbortSignal.any([this.#disposed.signal, AbortSignal.timeout(CALL_WAIT_MS)]);
    try {
      await opened.connection.request(ownRequest('legacy', 'logging/setLevel', { level }, signal, info));
    } catch (error) {
      log.warn({ server: this.name, error: reasonOf(error) }, 'the log level could not be set');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed.signal.aborted) return;
    this.#disposed.abort(this.#unavailable('it was removed or the gateway is stopping'));
    clearTimeout(this.#retryTimer);
    this.#settled.resolve();
    this.#enter('disabled');
    this.#shelf.dispose();
    this.#notices.detach();
    const attempt = this.#attempt;
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.connection[Symbol.asyncDispose]();
    await attempt?.catch(() => {
      // It failed because of the disposal; its own clean-up has run.
    });
  }
}
