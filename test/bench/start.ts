// How long the gateway takes to be of use: with the three example servers, first and again on a known catalog.
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startGatewayProcess, temporaryDirectory } from '../support/gateway.ts';
import type { Servers } from '../support/gateway.ts';
import type { Row } from './stats.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Between two attempts to get a list. */
const LOOK_MS = 2;

const packaged = (name: string, ...args: string[]) => ({
  command: 'node',
  args: [join(ROOT, `node_modules/@modelcontextprotocol/${name}/dist/index.js`), ...args],
});

const exampleServers = (directory: string): Servers => ({
  everything: packaged('server-everything', 'stdio'),
  files: packaged('server-filesystem', join(ROOT, 'examples/files')),
  memory: {
    ...packaged('server-memory'),
    env: { MEMORY_FILE_PATH: join(directory, 'memory.jsonl') },
  },
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const LIST = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});

/** The number of tools listed; undefined while nobody answers. */
async function listedTools(port: number, key: string): Promise<number | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list',
        authorization: `Bearer ${key}`,
      },
      body: LIST,
    });
    const { result } = (await response.json()) as { result: { tools: unknown[] } };
    return result.tools.length;
  } catch {
    return undefined;
  }
}

interface Times {
  /** To the first list that holds all tools. */
  readonly listedMs: number;
  readonly readyMs: number;
  readonly tools: number;
}

interface Start {
  readonly directory: string;
  readonly key: string | undefined;
  /** How many there are, as the first start found. */
  readonly tools: number;
}

async function startOnce({ directory, key, tools }: Start): Promise<Times> {
  const port = await freePort();
  const startedAt = performance.now();
  const ready = startGatewayProcess({
    servers: exampleServers(directory),
    directory,
    gateway: { port },
  });
  const listed = async (): Promise<number> => {
    if (key === undefined) return Number.NaN;
    while ((await listedTools(port, key)) !== tools) await wait(LOOK_MS);
    return performance.now() - startedAt;
  };
  const [listedMs, readyMs] = await Promise.all([
    listed(),
    ready.then(() => performance.now() - startedAt),
  ]);
  await using gateway = await ready;
  return { listedMs, readyMs, tools: (await listedTools(port, gateway.key)) ?? 0 };
}

export async function benchStart(rounds: number): Promise<Row[]> {
  const cold: number[] = [];
  const warmListed: number[] = [];
  const warmReady: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const directory = await temporaryDirectory();
    try {
      const first = await startOnce({ directory, key: undefined, tools: 0 });
      cold.push(first.readyMs);
      const key = (await readFile(join(directory, 'local.key'), 'utf8')).trim();
      const again = await startOnce({ directory, key, tools: first.tools });
      warmListed.push(again.listedMs);
      warmReady.push(again.readyMs);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  const what = 'start with the 3 example servers';
  return [
    { what: `${what}, first: ready`, values: cold, unit: 'ms' },
    {
      what: `${what}, again: all tools listed, from the known catalog`,
      values: warmListed,
      unit: 'ms',
    },
    { what: `${what}, again: ready`, values: warmReady, unit: 'ms' },
  ];
}
