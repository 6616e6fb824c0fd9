// `toolgate stdio`: the bridge for hosts that speak only stdio. stdout is the protocol; nothing else goes there.
import type { Logger } from 'pino';
import { createApp } from '../app.ts';
import type { App } from '../app.ts';
import type { LoadedConfig } from '../config/config.ts';
import { environment } from '../config/load.ts';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import { loadLocalKey } from '../identity/local-key.ts';
import { createHome } from '../bridge/home.ts';
import type { OwnGateway } from '../bridge/home.ts';
import { runStdioBridge } from '../bridge/bridge.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { HttpClient } from '../net/http-client.ts';
import { openDataDirectory } from '../storage/data-directory.ts';
import { createLogger } from '../telemetry/logger.ts';
import { loadFor } from './config-file.ts';
import { endpointOf } from './find-gateway.ts';
import type { GatewayOption } from './find-gateway.ts';
import { logFor } from './log.ts';
import { watchFile } from './serve.ts';
import { untilStopped } from './signals.ts';
import type { Terminal } from './terminal.ts';

const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

export async function stdio(options: GatewayOption, terminal: Terminal): Promise<number> {
  // Each request under way holds a connection; answers and cancellations must never queue behind them.
  await using http = createHttpClient({ connections: 8192 });
  if (options.url !== undefined) {
    const key = options.key ?? environment().key;
    if (key === undefined) {
      throw new GatewayError(
        'CREDENTIAL_MISSING',
        '--url needs a key: set TOOLGATE_KEY or give --key.',
      );
    }
    const url = endpointOf(options.url);
    const log = createLogger({
      level: 'info',
      readable: terminal.isInteractive,
      color: terminal.color,
    });
    await bridge(() => Promise.resolve({ url, key }), http, log);
    return 0;
  }
  const loaded = await loadFor(options, terminal);
  const log = logFor(loaded.config, terminal);
  const directory = await openDataDirectory(loaded.config.gateway.dataDirectory);
  await using home = createHome({
    directory,
    become: () => become(loaded, log),
    readKey: async () => options.key ?? environment().key ?? loadLocalKey(directory),
    http,
  });
  await bridge(() => home.endpoint(), http, log);
  return 0;
}

async function bridge(
  endpoint: () => Promise<{ url: string; key: string }>,
  http: HttpClient,
  log: Logger,
): Promise<void> {
  const stop = new AbortController();
  void untilStopped(log).then(() => stop.abort());
  await runStdioBridge({
    input: process.stdin,
    output: process.stdout,
    endpoint,
    http,
    log,
    signal: stop.signal,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  });
}

/** This process becomes the gateway of its data directory, its listener for later hosts included. */
async function become(loaded: LoadedConfig, log: Logger): Promise<OwnGateway> {
  const stack = new AsyncDisposableStack();
  const app = stack.use(await startOnAnyPort(loaded, log));
  stack.use(watchFile(loaded, app, log));
  // With nothing known from last time the host's first list would be empty.
  const isKnown = app.statuses().some(({ counts }) => counts.tools > 0);
  if (!isKnown) await app.ready;
  return {
    url: app.url,
    key: app.key,
    async [Symbol.asyncDispose]() {
      await app.drain();
      await stack.disposeAsync();
    },
  };
}

/** The configured port may belong to the gateway of another data directory. */
async function startOnAnyPort(loaded: LoadedConfig, log: Logger): Promise<App> {
  const options = { loaded, environment: environment(), log, storage: 'disk' as const };
  try {
    return await createApp(options);
  } catch (error) {
    if (!isGatewayError(error) || error.code !== 'PORT_IN_USE') throw error;
    log.warn({ port: loaded.config.gateway.port }, 'the port is in use; another one is taken');
    return createApp({ ...options, port: 0 });
  }
}
