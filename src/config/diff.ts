import { isDeepStrictEqual } from 'node:util';

import type { Config, ServerConfig } from './config.ts';

/** Servers by what a new configuration means for them. All but `removed` are as they are after it. */
export interface ServersDiff {
  readonly added: readonly ServerConfig[];
  readonly removed: readonly ServerConfig[];
  /** They need a new connection. */
  readonly restarted: readonly ServerConfig[];
  /** Something else changed, `enabled` included. */
  readonly adjusted: readonly ServerConfig[];
  readonly unchanged: readonly ServerConfig[];
}

type Fate = keyof ServersDiff;

function fateOf(before: ServerConfig | undefined, after: ServerConfig): Fate {
  if (before === undefined) return 'added';
  if (before.fingerprint !== after.fingerprint) return 'restarted';
  return isDeepStrictEqual(before, after) ? 'unchanged' : 'adjusted';
}

export function diffServers(before: Config, after: Config): ServersDiff {
  const old = new Map(before.servers.map((server) => [server.name, server]));
  const kept = new Set(after.servers.map((server) => server.name));
  const diff: Record<Fate, ServerConfig[]> = {
    added: [],
    removed: before.servers.filter((server) => !kept.has(server.name)),
    restarted: [],
    adjusted: [],
    unchanged: [],
  };
  for (const server of after.servers) diff[fateOf(old.get(server.name), server)].push(server);
  return diff;
}
