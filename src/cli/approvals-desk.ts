// Where `toolgate approvals` and `toolgate why` ask: the gateway that runs, as its admin. Without one nothing waits.
import { GatewayError } from '../core/errors.ts';
import { loadFor } from './config-file.ts';
import type { GatewayOption } from './find-gateway.ts';
import { joinLocal, joinRemote } from './rest-client.ts';
import type { RestClient } from './rest-client.ts';
import type { Terminal } from './terminal.ts';

/** @throws GatewayError GATEWAY_NOT_RUNNING, CREDENTIAL_MISSING */
export async function joinGateway(options: GatewayOption, terminal: Terminal): Promise<RestClient> {
  if (options.url !== undefined) return joinRemote(options.url, options.key);
  const loaded = await loadFor(options, terminal);
  const running = await joinLocal(loaded.config.gateway.dataDirectory, options.key);
  if (running) return running;
  throw new GatewayError(
    'GATEWAY_NOT_RUNNING',
    'No gateway runs on this data directory. Start it with: toolgate serve',
  );
}
