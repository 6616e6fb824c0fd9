// `toolgate serve`: the gateway in the foreground.
import type { Logger } from 'pino';
import { createApp } from '../app.ts';
import type { App } from '../app.ts';
import type { LoadedConfig } from '../config/config.ts';
import { environment } from '../config/load.ts';
import { watchConfig } from '../config/watch.ts';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import { openDataDirectory, readGatewayFile } from '../storage/data-directory.ts';
import { acquireLock } from '../storage/lock.ts';
import type { Lock } from '../storage/lock.ts';
import { loadFor } from './config-file.ts';
import type { ConfigOption } from './config-file.ts';
import { logFor } from './log.ts';
import { ownCommand } from './own-command.ts';
import { untilStopped } from './signals.ts';
import { safe, table } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ServeOptions extends ConfigOption {
  readonly port?: string;
}

export async function serve(options: ServeOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadFor(options, terminal);
  const log = logFor(loaded.config, terminal);
  await using _lock = await lockOf(loaded.config.gateway.dataDirectory);
  const port = options.port === undefined ? undefined : portOf(options.port);
  // Before anything is started, so that a signal never leaves a child behind.
  const stopped = untilStopped(log);
  await using app = await createApp({
    loaded,
    environment: environment(),
    log,
    storage: 'disk',
    ...(port === undefined ? {} : { port }),
  });
  await using _watch = watchFile(loaded, app, log);
  await Promise.race([app.ready, stopped]);
  printBanner(app, loaded.file, terminal);
  await stopped;
  await app.drain();
  log.info({}, 'stopped');
  return 0;
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new GatewayError(
    'CONFIG_INVALID',
    `--port must be a number from 0 to 65535, got "${text}".`,
  );
}

/** One gateway for each data directory. @throws GatewayError GATEWAY_RUNNING */
export async function lockOf(directory: string): Promise<Lock> {
  await openDataDirectory(directory);
  const lock = await acquireLock(directory);
  if (lock) return lock;
  const other = await readGatewayFile(directory);
  throw new GatewayError(
    'GATEWAY_RUNNING',
    `A gateway already runs on the data directory ${directory}` +
      (other ? ` (${other.url}, process ${other.pid}). ` : '. ') +
      'Stop it, or set another "gateway.data".',
  );
}

/** A saved file counts at once; a bad one changes nothing and says why. */
export function watchFile({ file, digest }: LoadedConfig, app: App, log: Logger): AsyncDisposable {
  const onEvent = (result: LoadedConfig | GatewayError) => {
    if (isGatewayError(result)) {
      log.error({ file, reason: result.message }, 'the saved configuration is not used');
      return;
    }
    for (const warning of result.warnings) log.warn({ warning }, 'configuration');
    app.reload(result);
    log.info({ servers: app.config.servers.length }, 'configuration reloaded');
  };
  return watchConfig(file, onEvent, { since: digest });
}

function printBanner(app: App, file: string, terminal: Terminal): void {
  const rows = app
    .statuses()
    .map(({ name, state, era, counts, reason }) => [
      `  ${name}`,
      state,
      era ?? '-',
      `${counts.tools} tools`,
      reason ? safe(reason).slice(0, 160) : '',
    ]);
  const command = ownCommand(file);
  terminal.out(
    [
      terminal.bold(`Toolgate is ready.`),
      '',
      table(rows),
      '',
      `  URL  ${app.url}`,
      `  Key  ${app.key}`,
      '',
      'Add it to a host: this prints what to paste, and where.',
      `  ${command('snippet claude-code')}     (or cursor, vscode, codex, claude-desktop)`,
      'Try it here:',
      `  ${command('tools')}`,
      '',
      terminal.dim('Ctrl+C stops it. Saving the configuration file reloads it.'),
    ].join('\n'),
  );
}
