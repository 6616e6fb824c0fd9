// `toolgate check`: is the file right, and does every server answer?
import { createApp } from '../app.ts';
import { environment } from '../config/load.ts';
import type { UpstreamStatus } from '../upstream/upstream.ts';
import { loadFor } from './config-file.ts';
import type { ConfigOption } from './config-file.ts';
import { logFor } from './log.ts';
import { safe, table } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface CheckOptions extends ConfigOption {
  readonly json?: boolean;
}

/** A server may have to be downloaded first. */
const CHECK_MS = 65_000;

/** @returns 0 when every enabled server is ready, else 1 */
export async function check(options: CheckOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadFor(options, terminal);
  const { config } = loaded;
  const patient = { ...config, gateway: { ...config.gateway, startMs: CHECK_MS } };
  await using app = await createApp({
    loaded: { ...loaded, config: patient },
    environment: environment(),
    log: logFor(config, terminal, 'silent'),
    storage: 'memory',
    port: 0,
  });
  await app.ready;
  const statuses = app.statuses();
  const diagnostics = app.diagnostics();
  const failed = statuses.filter(({ state }) => state !== 'ready' && state !== 'disabled');
  if (options.json) {
    const servers = statuses.map(({ since: _, ...status }) => status);
    terminal.out(
      JSON.stringify(
        { file: loaded.file, servers, warnings: loaded.warnings, diagnostics },
        null,
        2,
      ),
    );
  } else {
    terminal.out(table([HEADER, ...statuses.map(row)]));
    for (const { name, reason } of failed) {
      terminal.err(`${terminal.red(name)}: ${safe(reason ?? 'not ready')}`);
    }
    for (const text of diagnostics) terminal.err(`${terminal.yellow('warning')} ${safe(text)}`);
    if (statuses.length === 0) {
      terminal.err('No server is configured. Add one with "toolgate add <name> -- <command>".');
    }
  }
  return failed.length === 0 ? 0 : 1;
}

const HEADER = ['SERVER', 'STATE', 'ERA', 'VERSION', 'TRANSPORT', 'TOOLS', 'PROMPTS', 'RESOURCES'];

const row = ({ name, state, era, version, transport, counts }: UpstreamStatus): string[] => [
  name,
  state,
  era ?? '-',
  version ?? '-',
  transport,
  String(counts.tools),
  String(counts.prompts),
  String(counts.resources + counts.resourceTemplates),
];
