// A folder of its own for each test, and a configuration file in it.
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { mkdir } from 'node:fs/promises';

import type { LoadedConfig } from '../../../src/config/config.ts';
import type { HttpServer, ServerConfig, StdioServer } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { GatewayError } from '../../../src/core/errors.ts';

export interface Folder extends AsyncDisposable {
  readonly path: string;
  write(name: string, text: string): Promise<string>;
}

export async function openFolder(): Promise<Folder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'toolgate-config-')));
  return {
    path,
    async write(name, text) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export interface LoadedText extends LoadedConfig {
  readonly folder: string;
  readonly server: (name: string) => ServerConfig;
  readonly stdio: (name: string) => StdioServer;
  readonly http: (name: string) => HttpServer;
}

/** Loads a text or an object as the file `servers.json` of a new folder. */
export async function load(
  content: string | object,
  variables: Record<string, string> = {},
): Promise<LoadedText> {
  await using folder = await openFolder();
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const file = await folder.write('servers.json', text);
  const loaded = await loadConfig(file, { variables, home: '/home/somebody' });
  const server = (name: string): ServerConfig => {
    const found = loaded.config.servers.find((one) => one.name === name);
    if (found === undefined) throw new GatewayError('SERVER_NOT_FOUND', `No server ${name}.`);
    return found;
  };
  return {
    ...loaded,
    folder: folder.path,
    server,
    stdio: (name) => server(name) as StdioServer,
    http: (name) => server(name) as HttpServer,
  };
}

/** The lines of the error, without the path of the file: `3:5 mcpServers.a: expected …`. */
export async function problemsOf(
  content: string | object,
  variables: Record<string, string> = {},
): Promise<string[]> {
  try {
    await load(content, variables);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'CONFIG_INVALID') throw error;
    return error.message.split('\n').map((line) => line.replace(/^.*servers\.json:/, ''));
  }
  return [];
}
