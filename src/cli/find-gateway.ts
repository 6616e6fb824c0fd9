// The gateway that a command talks to: one elsewhere, the one that runs here, or one made for the moment.
import { createApp } from '../app.ts';
import { environment } from '../config/load.ts';
import { GatewayError } from '../core/errors.ts';
import { loadLocalKey } from '../identity/local-key.ts';
import { readGatewayFile } from '../storage/data-directory.ts';
import { loadFor } from './config-file.ts';
import type { ConfigOption } from './config-file.ts';
import { logFor } from './log.ts';
import { isAlive } from './probe.ts';
import type { Terminal } from './terminal.ts';

export interface GatewayOption extends ConfigOption {
  readonly url?: string;
  readonly key?: string;
}

export interface Found extends AsyncDisposable {
  /** Of the MCP endpoint. */
  readonly url: string;
  readonly key: string;
}

const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** Of a gateway elsewhere; without a path it means the merged endpoint. @throws GatewayError PARAMS_INVALID */
export function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new GatewayError(
      'PARAMS_INVALID',
      '--url must be an address such as http://127.0.0.1:8931/mcp.',
    );
  }
  if (url.pathname === '/') url.pathname = '/mcp';
  return url.href;
}

export async function findGateway(options: GatewayOption, terminal: Terminal): Promise<Found> {
  const own = environment();
  const given = options.key ?? own.key;
  if (options.url !== undefined) {
    if (given === undefined) {
      throw new GatewayError(
        'CREDENTIAL_MISSING',
        `--url needs a key: set TOOLGATE_KEY or give --key.`,
      );
    }
    return { url: endpointOf(options.url), key: given, ...nothing };
  }
  const loaded = await loadFor(options, terminal);
  const { dataDirectory } = loaded.config.gateway;
  const running = await readGatewayFile(dataDirectory);
  if (running && (await isAlive(running.url))) {
    return {
      url: `${running.url}/mcp`,
      key: given ?? (await loadLocalKey(dataDirectory)),
      ...nothing,
    };
  }
  terminal.err(terminal.dim('No gateway runs here; one is started for this command.'));
  const log = logFor(loaded.config, terminal, 'error');
  const app = await createApp({ loaded, environment: own, log, storage: 'memory', port: 0 });
  await app.ready;
  return { url: app.url, key: app.key, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}
