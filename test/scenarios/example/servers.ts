// The servers of servers.example.json and one more, from wherever the test runs, on files of their own.
import { cp, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'jsonc-parser';
import type { Servers } from '../../support/gateway.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const THINKING = 'node_modules/@modelcontextprotocol/server-sequential-thinking/dist/index.js';

interface Entry {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Copies the example's files into `directory` and points the servers at them. */
export async function exampleServers(directory: string): Promise<Servers> {
  await cp(join(ROOT, 'examples'), join(directory, 'examples'), { recursive: true });
  const text = await readFile(join(ROOT, 'servers.example.json'), 'utf8');
  const { mcpServers } = parse(text) as { mcpServers: Record<string, Entry> };
  const moved = (path: string): string => {
    if (path.startsWith('examples/')) return join(directory, path);
    return existsSync(join(ROOT, path)) ? join(ROOT, path) : path;
  };
  const entries = Object.entries(mcpServers).map(([name, { args, env = {}, ...rest }]) => {
    const own = Object.entries(env).map(([key, value]) => [
      key,
      value.replace('${workspaceFolder}', directory),
    ]);
    return [name, { ...rest, args: args.map(moved), env: Object.fromEntries(own) }];
  });
  const thinking = { command: 'node', args: [join(ROOT, THINKING)] };
  return { ...Object.fromEntries(entries), thinking };
}
