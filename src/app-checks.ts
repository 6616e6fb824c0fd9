// What the composition root checks before it starts, and when it is given another configuration.
import type { Logger } from 'pino';
import type { Config, LoadedConfig } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { GatewayError } from './core/errors.ts';

interface Bind {
  readonly loaded: LoadedConfig;
  readonly environment: Environment;
}

/** Beyond loopback anybody who has the one local key may call every tool. */
export function assertBind({ loaded, environment }: Bind): void {
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

/** The listener and the data directory are made once. */
export function tellWhatNeedsRestart(before: Config, after: Config, log: Logger): void {
  const fixed = Object.keys(before.gateway) as (keyof Config['gateway'])[];
  const changed = fixed.filter(
    (name) => JSON.stringify(before.gateway[name]) !== JSON.stringify(after.gateway[name]),
  );
  if (changed.length > 0)
    log.warn({ changed }, 'changes under "gateway" count from the next start on');
}
