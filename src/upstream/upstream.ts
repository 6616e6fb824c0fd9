// One upstream server: a Source of the catalog, made of its connection's life and its last known listing.
import type { Call, Era, LogLevel, Message } from '../core/call.ts';
import { LOG_LEVELS } from '../core/call.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import { GatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { ITEM_KINDS } from '../core/source.ts';
import type {
  ItemKind,
  ResourceUpdate,
  Snapshot,
  Source,
  Target,
  Timeouts,
} from '../core/source.ts';
import type { CatalogStore, StoredServer } from '../core/store.ts';
import type { ServerConfig } from '../config/config.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readParams } from '../wire/message.ts';
import { Companion } from './companion.ts';
import type { Opened } from './connect.ts';
import { forward } from './forward.ts';
import { ownRequest } from './handshake.ts';
import type { ClientInfo } from './handshake.ts';
import { Lifecycle } from './lifecycle.ts';
import type { UpstreamState } from './lifecycle.ts';
import { Notices } from './notices.ts';
import { Shelf } from './shelf.ts';

export interface UpstreamStatus {
  readonly name: string;
  readonly state: UpstreamState;
  readonly era: Era | undefined;
  readonly version: string | undefined;
  readonly transport: string;
  /** Why it is not ready. */
  readonly reason: string | undefined;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly counts: Readonly<Record<ItemKind, number>>;
}

export interface UpstreamOptions {
  readonly config: ServerConfig;
  readonly stored: StoredServer | undefined;
  /** What the server had under its former configuration, in this run of the gateway. */
  readonly last: Snapshot | undefined;
  readonly store: CatalogStore;
  readonly client: HttpClient;
  readonly info: ClientInfo;
  readonly log: Log;
}

/** What servers send unasked is at least of this level; asking for more severe ones alone would silence them. */
const USUAL_LEVEL: LogLevel = 'info';
/** An era that was found stays for this long; then it is probed again. */
const ERA_MS = 24 * 3_600_000;
const LOG_LEVEL_MS = 5_000;

export class Upstream implements Source {
  readonly name: string;
  readonly changed: Emitter<readonly ItemKind[]>;
  readonly updated: Emitter<ResourceUpdate>;
  readonly #options: UpstreamOptions;
  readonly #shelf: Shelf;
  readonly #notices: Notices;
  readonly #life: Lifecycle;
  readonly #companion: Companion;
  #config: ServerConfig;
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
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
    this.#companion = new Companion({
      ...options,
      onOpened: (opened) => this.#tellLogLevel(opened),
    });
    const isFresh = stored && Date.now() - stored.eraProbedAt < ERA_MS;
    this.#life = new Lifecycle({
      ...options,
      knownEra: isFresh ? stored.era : undefined,
      isBusy: () => this.#inFlight > 0,
      onNotification: (message) => this.#notified(message),
      onOpened: (opened) => {
        this.#notices.attach(opened.connection, opened.greeting.capabilities);
        void this.#tellLogLevel(opened);
        return this.#shelf.fill(opened);
      },
      onClosed: () => {
        this.#notices.detach();
        this.#shelf.markStale();
      },
    });
  }

  get snapshot(): Snapshot {
    return this.#shelf.snapshot;
  }

  /** Settles once the server has listed or failed for the first time. */
  get settled(): Promise<void> {
    return this.#life.settled;
  }

  get status(): UpstreamStatus {
    const { items } = this.snapshot;
    const { opened, state, reason, since } = this.#life;
    return {
      name: this.name,
      state,
      era: opened?.greeting.era,
      version: opened?.greeting.version,
      transport: opened?.transport ?? this.#config.transport,
      reason,
      since,
      counts: {
        tools: items.tools.length,
        prompts: items.prompts.length,
        resources: items.resources.length,
        resourceTemplates: items.resourceTemplates.length,
      },
    };
  }

  start(): void {
    this.#life.start().catch(() => {
      // The state tells, and the next attempt is scheduled.
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

  #notified(message: Message): void {
    switch (message.method) {
      case 'notifications/tools/list_changed':
        return this.#shelf.refresh(['tools']);
      case 'notifications/prompts/list_changed':
        return this.#shelf.refresh(['prompts']);
      case 'notifications/resources/list_changed':
        return this.#shelf.refresh(['resources', 'resourceTemplates']);
      case 'notifications/subscriptions/acknowledged':
        return this.#notices.acknowledged() ? this.#shelf.refresh(ITEM_KINDS) : undefined;
      case 'notifications/resources/updated':
        return this.updated.emit({ uri: readParams(message).name, notification: message });
      default:
        return undefined;
    }
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
        connected: async () =>
          this.#companion.match(await this.#life.connected(call.signal), call.client.era),
        relist: () => this.#shelf.relist(),
        definition: (name) => this.#shelf.tool(name),
        reprobe: () => this.#life.reset('it no longer speaks the protocol version it spoke'),
        unreachable: (error) => this.#life.reset(error.message),
      });
    } finally {
      if (--this.#inFlight === 0) this.#onIdle?.();
    }
  }

  /** Nothing new comes here any more: waits for the calls in flight, at most so long. */
  async retire(deadlineMs: number): Promise<void> {
    // What it lists from now on is of no interest, and must not be kept in its successor's place.
    this.#shelf.dispose();
    if (this.#inFlight === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const timer = setTimeout(resolve, deadlineMs);
    await promise;
    clearTimeout(timer);
  }

  subscribe(uri: string): AsyncDisposable {
    return this.#notices.subscribe(uri);
  }

  async lowerLogLevel(level: LogLevel): Promise<void> {
    const rank = (value: LogLevel) => LOG_LEVELS.indexOf(value);
    if (this.#logLevel && rank(this.#logLevel) <= rank(level)) return;
    // A server that was told no level sends what it likes; others may count on that. Each caller's own
    // level is kept at its door.
    this.#logLevel = rank(level) < rank(USUAL_LEVEL) ? level : USUAL_LEVEL;
    await Promise.all(
      [this.#life.opened, this.#companion.opened].map((one) => this.#tellLogLevel(one)),
    );
  }

  async #tellLogLevel(opened: Opened | undefined): Promise<void> {
    const level = this.#logLevel;
    // Modern servers get the level with each request.
    if (!level || opened?.greeting.era !== 'legacy' || !opened.greeting.capabilities.logging)
      return;
    const { info, log } = this.#options;
    const signal = AbortSignal.any([this.#life.signal, AbortSignal.timeout(LOG_LEVEL_MS)]);
    try {
      await opened.connection.request(
        ownRequest('legacy', 'logging/setLevel', { level }, signal, info),
      );
    } catch (error) {
      log.warn({ server: this.name, error: reasonOf(error) }, 'the log level could not be set');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shelf.dispose();
    await Promise.all([this.#life[Symbol.asyncDispose](), this.#companion[Symbol.asyncDispose]()]);
  }
}
