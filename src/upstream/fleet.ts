// All upstreams: starts them, applies a changed configuration, ends them.
import type { Config, ServerConfig } from '../config/config.ts';
import { diffServers } from '../config/diff.ts';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Snapshot } from '../core/source.ts';
import type { CatalogStore, StoredServer } from '../core/store.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { HttpClient } from '../net/http-client.ts';
import type { ClientInfo } from './handshake.ts';
import { Upstream } from './upstream.ts';
import type { UpstreamStatus } from './upstream.ts';

export interface FleetOptions {
  readonly store: CatalogStore;
  readonly info: ClientInfo;
  /** A logger whose lines carry the server's name. */
  readonly logFor: (server: string) => Log;
}

interface Member {
  readonly upstream: Upstream;
  readonly client: HttpClient;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  /** Those that are no longer configured and finish the calls they have. */
  readonly #retired = new Map<Member, Promise<void>>();
  #config: Config;
  #stored: ReadonlyMap<string, StoredServer> = new Map();

  constructor(config: Config, options: FleetOptions) {
    this.#options = options;
    this.#config = { ...config, servers: [] };
  }

  /** Reads what is known of last time; without it the fleet starts empty. */
  async load(): Promise<void> {
    const log = this.#options.logFor('');
    try {
      const stored = await this.#options.store.load();
      this.#stored = new Map(stored.map((one) => [one.server, one]));
    } catch (error) {
      log.error({ error: reasonOf(error) }, 'the stored catalog cannot be read; it is built anew');
    }
  }

  get upstreams(): readonly Upstream[] {
    return [...this.#members.values()].map(({ upstream }) => upstream);
  }

  /** All servers of the configuration, the disabled ones among them. */
  get statuses(): readonly UpstreamStatus[] {
    return this.#config.servers.map(
      (config) => this.#members.get(config.name)?.upstream.status ?? disabled(config),
    );
  }

  /** Starts, ends and adjusts what has changed; all else goes on untouched. Returns at once. */
  apply(config: Config): void {
    const enabled = (servers: readonly ServerConfig[]) => servers.filter((one) => one.enabled);
    const before = { ...this.#config, servers: enabled(this.#config.servers) };
    const diff = diffServers(before, { ...config, servers: enabled(config.servers) });
    this.#config = config;
    for (const { name } of diff.removed) {
      this.#end(name);
      this.#forget(name);
    }
    for (const server of diff.restarted) {
      // Until it lists anew its tools are those of before: a changed header must not empty the list.
      const last = this.#members.get(server.name)?.upstream.snapshot;
      this.#end(server.name);
      this.#start(server, last);
    }
    for (const server of diff.added) this.#start(server);
    for (const server of diff.adjusted) this.#members.get(server.name)?.upstream.adjust(server);
  }

  #start(config: ServerConfig, last?: Snapshot): void {
    const { store, info, logFor } = this.#options;
    const known = this.#stored.get(config.name);
    const client = createHttpClient({
      allowAddresses: config.transport === 'stdio' ? [] : config.allowAddresses,
    });
    const upstream = new Upstream({
      config,
      stored: known?.fingerprint === config.fingerprint ? known : undefined,
      last,
      store,
      client,
      info,
      log: logFor(config.name),
    });
    this.#members.set(config.name, { upstream, client });
    upstream.start();
  }

  #end(name: string): void {
    const member = this.#members.get(name);
    if (!member) return;
    this.#members.delete(name);
    const ending = this.#retire(name, member).finally(() => this.#retired.delete(member));
    this.#retired.set(member, ending);
  }

  async #retire(name: string, member: Member): Promise<void> {
    try {
      await member.upstream.retire(this.#config.gateway.drainMs);
      await end(member);
    } catch (error) {
      this.#options.logFor(name).error({ error: reasonOf(error) }, 'server did not end cleanly');
    }
  }

  #forget(name: string): void {
    this.#options.store.remove(name).catch((error: unknown) => {
      this.#options.logFor(name).error({ error: reasonOf(error) }, 'its catalog was not removed');
    });
  }

  /** Ends when every server has listed or failed. */
  async settled(): Promise<void> {
    await Promise.all(this.upstreams.map((upstream) => upstream.settled));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#members.keys()]) this.#end(name);
    const ending = [...this.#retired];
    // Calls that are still in flight end with their connections.
    await Promise.allSettled(ending.map(([{ upstream }]) => upstream[Symbol.asyncDispose]()));
    await Promise.all(ending.map(([, ended]) => ended));
  }
}

async function end({ upstream, client }: Member): Promise<void> {
  try {
    await upstream[Symbol.asyncDispose]();
  } finally {
    await client[Symbol.asyncDispose]();
  }
}

const disabled = ({ name, transport }: ServerConfig): UpstreamStatus => ({
  name,
  state: 'disabled',
  era: undefined,
  version: undefined,
  transport,
  reason: undefined,
  since: 0,
  counts: { tools: 0, prompts: 0, resources: 0, resourceTemplates: 0 },
});
