// The composition root: the only file that knows every room. createApp(config) → start, reload, dispose.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Catalog } from './catalog/catalog.ts';
import type { Config, LoadedConfig } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { GatewayError } from './core/errors.ts';
import { createGateway } from './gateway/gateway.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { Readiness } from './http/ops.ts';
import { startHttpServer } from './http/server.ts';
import type { HttpServer } from './http/server.ts';
import { createAuthenticator } from './identity/authenticate.ts';
import { loadLocalKey } from './identity/local-key.ts';
import { createMcpDoor } from './mcp/endpoint.ts';
import type { McpDoor } from './mcp/endpoint.ts';
import { createCatalogStore } from './storage/catalog-store.ts';
import {
  openDataDirectory,
  removeGatewayFile,
  writeGatewayFile,
} from './storage/data-directory.ts';
import { openDatabase } from './storage/sqlite.ts';
import { createObserve } from './telemetry/observe.ts';
import { Fleet } from './upstream/fleet.ts';
import type { UpstreamStatus } from './upstream/upstream.ts';
import { VERSION } from './version.ts';

export interface AppOptions {
  readonly loaded: LoadedConfig;
  readonly environment: Environment;
  readonly log: Logger;
  /**
   * Where the catalog is kept and the gateway is announced. `memory`: nothing is kept and nothing announced,
   * for commands that need a gateway for a moment.
   */
  readonly storage: 'disk' | 'memory';
  /** Takes the place of `gateway.port`. */
  readonly port?: number;
}

export interface App extends AsyncDisposable {
  /** Address of the merged MCP endpoint. */
  readonly url: string;
  readonly key: string;
  /** Settles when every server has listed or failed, or `startSeconds` is over. */
  readonly ready: Promise<void>;
  readonly gateway: Gateway;
  readonly config: Config;
  statuses(): readonly UpstreamStatus[];
  diagnostics(): readonly string[];
  reload(loaded: LoadedConfig): void;
  /** Takes no new work, waits for calls in flight up to `drainSeconds`, ends streams properly. */
  drain(): Promise<void>;
}

/** @throws GatewayError DATA_UNREADABLE, PORT_IN_USE */
export async function createApp(options: AppOptions): Promise<App> {
  const stack = new AsyncDisposableStack();
  try {
    const app = await compose(options, stack);
    return app;
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function compose(options: AppOptions, stack: AsyncDisposableStack): Promise<App> {
  const { log, storage } = options;
  assertBind(options);
  let { config } = options.loaded;
  const { dataDirectory } = config.gateway;
  await openDataDirectory(dataDirectory);
  const file = storage === 'disk' ? join(dataDirectory, 'toolgate.db') : ':memory:';
  const database = openDatabase(file);
  stack.defer(() => database.close());
  const key = await loadLocalKey(dataDirectory);
  const fleet = new Fleet(config, {
    store: createCatalogStore(database),
    info: { name: 'toolgate', version: VERSION },
    logFor: (server) => log.child({ server }),
  });
  stack.use(fleet);
  await fleet.load();
  const catalog = stack.use(new Catalog(config.naming, log));
  const gateway = createGateway({ catalog, interceptors: [createObserve(log)] });
  const door = openDoor(options, gateway, key);
  stack.use(door);
  let ready = false;
  const server = await listen(options, door, () => readinessOf(ready, fleet));
  stack.use(server);
  const apply = () => {
    fleet.apply(config);
    catalog.setSources(withPrefixes(fleet, config), config.naming);
  };
  apply();
  const settled = whenReady(fleet, config.gateway.startMs).then(() => {
    ready = true;
  });
  if (storage === 'disk') await announce(dataDirectory, server.url, stack);
  return {
    url: `${server.url}/mcp`,
    key,
    ready: settled,
    gateway,
    get config() {
      return config;
    },
    statuses: () => fleet.statuses,
    diagnostics: () => catalog.diagnostics,
    reload(loaded) {
      tellWhatNeedsRestart(config, loaded.config, log);
      config = { ...loaded.config, gateway: config.gateway };
      apply();
    },
    async drain() {
      ready = false;
      // Hosts that start now shall not join a gateway that is leaving.
      if (storage === 'disk') await removeGatewayFile(dataDirectory);
      const { drainMs } = config.gateway;
      await Promise.all([door.drain(drainMs), gateway.drain(drainMs)]);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function openDoor({ loaded, log }: AppOptions, gateway: Gateway, key: string): McpDoor {
  const { maxRequestBytes, sessionMs, maxSessions } = loaded.config.gateway;
  return createMcpDoor({
    gateway,
    authenticate: createAuthenticator({ localKey: key }),
    config: { maxRequestBytes, sessionSeconds: sessionMs / 1000, maxSessions },
    log,
    version: VERSION,
  });
}

function listen(
  { loaded, log, port }: AppOptions,
  door: McpDoor,
  readiness: () => Readiness,
): Promise<HttpServer> {
  const { gateway } = loaded.config;
  return startHttpServer({
    host: gateway.host,
    port: port ?? gateway.port,
    publicUrl: gateway.publicUrl,
    allowOrigins: gateway.allowOrigins,
    mcp: (request, response) => door.handle(request, response),
    readiness,
    log,
  });
}

const readinessOf = (ready: boolean, fleet: Fleet): Readiness => ({
  ready,
  ...(ready ? {} : { reason: 'servers are still connecting, or the gateway is stopping' }),
  servers: Object.fromEntries(
    // Without the reasons: anybody may ask, and they can quote a server.
    fleet.statuses.map(({ name, state }) => [name, { state }]),
  ),
});

/** Beyond loopback anybody who has the one local key may call every tool. */
function assertBind({ loaded, environment }: AppOptions): void {
  const { host } = loaded.config.gateway;
  if (isLoopback(host) || environment.allowAnyHost) return;
  throw new GatewayError(
    'CONFIG_INVALID',
    `gateway.host is "${host}", beyond loopback, and the local key is the only credential. ` +
      'Put a reverse proxy in front of 127.0.0.1, or set TOOLGATE_ALLOW_ANY_HOST=true if this is meant.',
  );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

const withPrefixes = (fleet: Fleet, config: Config) => {
  const prefixes = new Map(config.servers.map(({ name, prefix }) => [name, prefix]));
  return fleet.upstreams.map((source) => ({ source, prefix: prefixes.get(source.name) }));
};

async function whenReady(fleet: Fleet, startMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, startMs);
  await Promise.race([fleet.settled(), late.promise]);
  clearTimeout(timer);
}

async function announce(
  directory: string,
  url: string,
  stack: AsyncDisposableStack,
): Promise<void> {
  const startedAt = new Date().toISOString();
  await writeGatewayFile(directory, { url, pid: process.pid, startedAt, version: VERSION });
  stack.defer(() => removeGatewayFile(directory));
}

/** The listener and the data directory are made once. */
function tellWhatNeedsRestart(before: Config, after: Config, log: Logger): void {
  const fixed = Object.keys(before.gateway) as (keyof Config['gateway'])[];
  const changed = fixed.filter(
    (name) => JSON.stringify(before.gateway[name]) !== JSON.stringify(after.gateway[name]),
  );
  if (changed.length > 0)
    log.warn({ changed }, 'changes under "gateway" count from the next start on');
}
