// The composition root: the only file that knows every room. createApp(config) → start, reload, dispose.
import type { Logger } from 'pino';
import { openApprovalRoom } from './app-approvals.ts';
import type { ApprovalRoom, Rules } from './app-approvals.ts';
import { assertBind, tellWhatNeedsRestart } from './app-checks.ts';
import { openKeyring, openStores } from './app-stores.ts';
import { openPinRoom } from './app-pinning.ts';
import type { PinRoom } from './app-pinning.ts';
import { Catalog } from './catalog/catalog.ts';
import type { Config, LoadedConfig } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { createGateway } from './gateway/gateway.ts';
import type { Gateway, GatewayPolicy } from './gateway/gateway.ts';
import { apiRoutes } from './http/api/route-table.ts';
import { createServerDesk } from './http/api/server-desk.ts';
import type { Readiness } from './http/ops.ts';
import { startHttpServer } from './http/server.ts';
import type { HttpServer, HttpServerOptions } from './http/server.ts';
import { createAuthenticator } from './identity/authenticate.ts';
import type { Authenticate } from './identity/authenticate.ts';
import { loadLocalKey } from './identity/local-key.ts';
import type { Keyring } from './identity/virtual-keys.ts';
import { createMcpDoor } from './mcp/endpoint.ts';
import type { McpDoor } from './mcp/endpoint.ts';
import { createAccess } from './policy/access.ts';
import { createArgumentCheck } from './policy/arguments.ts';
import { createModes } from './policy/modes.ts';
import {
  openDataDirectory,
  removeGatewayFile,
  writeGatewayFile,
} from './storage/data-directory.ts';
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

/** What changes while the gateway runs. */
interface Live {
  config: Config;
  rules: Rules;
  /** Of the listener, without a path. */
  url: string;
  isReady: boolean;
}

async function compose(options: AppOptions, stack: AsyncDisposableStack): Promise<App> {
  assertBind(options);
  const { log } = options;
  const { config } = options.loaded;
  const live: Live = { config, rules: rulesOf(config, log), url: '', isReady: false };
  const rooms = await openRooms(options, live, stack);
  const { gateway, policy, room } = await buildRoad(options, live, rooms, stack);
  const { fleet, catalog, pins, keyring, authenticate } = rooms;
  const door = stack.use(openDoor(options, gateway, authenticate));
  stack.use(followKeys(keyring, door));
  const apply = () => {
    fleet.apply(servers.applyTo(live.config));
    catalog.setSources(withOverrides(fleet, live.config, pins), live.config.naming);
  };
  const servers = createServerDesk({ statuses: () => fleet.statuses, turned: apply });
  const api = apiRoutes({ gateway, keys: keyring, servers, pins: pins.pinning });
  const server = await listen(options, {
    mcp: (request, response) => door.handle(request, response),
    readiness: () => readinessOf(live.isReady, fleet),
    authenticate,
    routes: [...api, ...room.routes(gateway)],
  });
  stack.use(server);
  live.url = server.url;
  stack.defer(() => room.endStreams());
  apply();
  const settled = whenReady(fleet, config.gateway.startMs).then(async () => {
    await pins.pinning.settled();
    live.isReady = true;
  });
  if (options.storage === 'disk') await announce(config.gateway.dataDirectory, server.url, stack);
  return {
    url: `${server.url}/mcp`,
    key: rooms.key,
    ready: settled,
    gateway,
    get config() {
      return live.config;
    },
    statuses: () => fleet.statuses,
    diagnostics: () => catalog.diagnostics,
    reload(loaded) {
      const before = live.config;
      tellWhatNeedsRestart(before, loaded.config, log);
      servers.reload(before, loaded.config);
      live.config = { ...loaded.config, gateway: before.gateway };
      live.rules = rulesOf(live.config, log);
      gateway.apply(policy());
      // After the policy: what is open under a changed key is judged by both.
      keyring.reload(live.config.keys);
      apply();
      pins.reloaded(before);
    },
    drain: () => drain(options, live, { door, gateway, room }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface Leaving {
  readonly door: McpDoor;
  readonly gateway: Gateway;
  readonly room: ApprovalRoom;
}

async function drain(
  { storage }: AppOptions,
  live: Live,
  { door, gateway, room }: Leaving,
): Promise<void> {
  const { dataDirectory, drainMs } = live.config.gateway;
  live.isReady = false;
  // Hosts that start now shall not join a gateway that is leaving.
  if (storage === 'disk') await removeGatewayFile(dataDirectory);
  room.endStreams();
  await Promise.all([door.drain(drainMs), gateway.drain(drainMs)]);
}

/** What is kept, who may come in, and what there is to call. */
async function openRooms(options: AppOptions, live: Live, stack: AsyncDisposableStack) {
  const { log } = options;
  const { config } = live;
  const { dataDirectory } = config.gateway;
  await openDataDirectory(dataDirectory);
  const stores = stack.use(await openStores(options));
  const key = await loadLocalKey(dataDirectory);
  const keyring = stack.use(await openKeyring(options, stores, key));
  const fleet = new Fleet(config, {
    store: stores.catalog,
    info: { name: 'toolgate', version: VERSION },
    logFor: (server) => log.child({ server }),
  });
  stack.use(fleet);
  await fleet.load();
  const catalog = stack.use(new Catalog(config.naming, log));
  const pinOptions = { store: stores.pins, catalog, config: () => live.config, log };
  const pins = stack.use(await openPinRoom(pinOptions));
  return {
    stores,
    key,
    keyring,
    fleet,
    catalog,
    pins,
    authenticate: createAuthenticator({ keyring }),
  };
}

/** The road of a call: what every call passes, in order. */
async function buildRoad(
  { log }: AppOptions,
  live: Live,
  rooms: Awaited<ReturnType<typeof openRooms>>,
  stack: AsyncDisposableStack,
) {
  const { stores, catalog, keyring, authenticate, pins } = rooms;
  const { pinning } = pins;
  const now = { config: () => live.config, rules: () => live.rules, url: () => live.url };
  const roomOptions = { stores, catalog, keyring, authenticate, pinning, ...now, log };
  const room = await openApprovalRoom(roomOptions, stack);
  pins.guard(room.approvals);
  const observe = createObserve(log, (call) => stores.calls.record(call));
  const checkArguments = createArgumentCheck({ log });
  const policy = (): GatewayPolicy => ({
    access: live.rules.access,
    interceptors: [observe, ...pins.around([checkArguments, room.interceptor])],
  });
  return { room, policy, gateway: createGateway({ catalog, ...policy() }) };
}

/** What a key has opened ends with it, and follows when it changes. */
const followKeys = (keyring: Keyring, door: McpDoor): Disposable =>
  keyring.changed.on(({ id, ended }) => {
    const principal = keyring.principal(id);
    if (ended || !principal) door.endPrincipal(id);
    else door.renewPrincipal(principal);
  });

function openDoor(
  { loaded, log }: AppOptions,
  gateway: Gateway,
  authenticate: Authenticate,
): McpDoor {
  const { maxRequestBytes, sessionMs, maxSessions } = loaded.config.gateway;
  return createMcpDoor({
    gateway,
    authenticate,
    config: { maxRequestBytes, sessionSeconds: sessionMs / 1000, maxSessions },
    log,
    version: VERSION,
  });
}

function listen(
  { loaded, log, port }: AppOptions,
  rooms: Pick<HttpServerOptions, 'mcp' | 'readiness' | 'authenticate' | 'routes'>,
): Promise<HttpServer> {
  const { gateway } = loaded.config;
  return startHttpServer({
    host: gateway.host,
    port: port ?? gateway.port,
    publicUrl: gateway.publicUrl,
    allowOrigins: gateway.allowOrigins,
    ...rooms,
    log,
  });
}

/** What decides who may call what, and what has to be asked for. */
const rulesOf = (config: Config, log: Logger): Rules => ({
  access: createAccess(config, config.servers),
  modes: createModes(config, config.servers, log),
});

const readinessOf = (ready: boolean, fleet: Fleet): Readiness => ({
  ready,
  ...(ready ? {} : { reason: 'servers are still connecting, or the gateway is stopping' }),
  servers: Object.fromEntries(
    // Without the reasons: anybody may ask, and they can quote a server.
    fleet.statuses.map(({ name, state }) => [name, { state }]),
  ),
});

const withOverrides = (fleet: Fleet, config: Config, pins: PinRoom) => {
  const servers = new Map(config.servers.map((server) => [server.name, server]));
  return fleet.upstreams.map((source) => {
    const server = servers.get(source.name);
    const overrides = server?.tools.overrides ?? new Map<never, never>();
    return { source, prefix: server?.prefix, overrides, shown: pins.shown(source.name) };
  });
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
