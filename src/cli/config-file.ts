// Which configuration file a command means.
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/config.ts';
import { environment, loadConfig } from '../config/load.ts';
import type { Terminal } from './terminal.ts';

export interface ConfigOption {
  readonly config?: string;
}

export const configFile = ({ config }: ConfigOption): string =>
  resolve(config ?? environment().configFile ?? 'servers.json');

/** Loads it and prints its warnings. @throws GatewayError CONFIG_INVALID */
export async function loadFor(options: ConfigOption, terminal: Terminal): Promise<LoadedConfig> {
  const loaded = await loadConfig(configFile(options));
  for (const warning of loaded.warnings) terminal.err(`${terminal.yellow('warning')} ${warning}`);
  return loaded;
}
