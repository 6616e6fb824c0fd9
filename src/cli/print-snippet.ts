// `toolgate snippet <host>`: what to paste, and where.
import { environment } from '../config/load.ts';
import { GatewayError } from '../core/errors.ts';
import { loadLocalKey } from '../identity/local-key.ts';
import { openDataDirectory, readGatewayFile } from '../storage/data-directory.ts';
import { configFile, loadFor } from './config-file.ts';
import type { ConfigOption } from './config-file.ts';
import { programFile } from './own-command.ts';
import { snippet, SNIPPET_HOSTS } from './snippet.ts';
import type { SnippetHost } from './snippet.ts';
import type { Terminal } from './terminal.ts';

const isHost = (text: string): text is SnippetHost =>
  (SNIPPET_HOSTS as readonly string[]).includes(text);

export async function printSnippet(
  host: string,
  options: ConfigOption,
  terminal: Terminal,
): Promise<number> {
  if (!isHost(host)) {
    throw new GatewayError(
      'PARAMS_INVALID',
      `There is no snippet for "${host}"; there are: ${SNIPPET_HOSTS.join(', ')}.`,
    );
  }
  const { config } = await loadFor(options, terminal);
  const { dataDirectory, host: address, port, publicUrl } = config.gateway;
  await openDataDirectory(dataDirectory);
  const running = await readGatewayFile(dataDirectory);
  const base = publicUrl ?? running?.url ?? `http://${address}:${port}`;
  terminal.out(
    snippet(host, {
      node: process.execPath,
      program: programFile(),
      config: configFile(options),
      url: `${base}/mcp`,
      key: await loadLocalKey(dataDirectory),
      platform: process.platform,
      ...(environment().movesData ? { dataDirectory } : {}),
    }),
  );
  return 0;
}
