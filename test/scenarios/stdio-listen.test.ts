// A host goes on hearing of changes although the gateway it was joined to has gone.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configText, count, program, temporaryDirectory } from '../support/gateway.ts';
import { textAt } from '../support/json-text.ts';
import { type RawStdioClient, rawStdio } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

const MAIN = join(fileURLToPath(new URL('../..', import.meta.url)), 'src/main.ts');
const LIVE = 'fixture://live';
const SIGNALS = count(2, 1) === 1 ? (['SIGKILL'] as const) : (['SIGTERM', 'SIGKILL'] as const);

const startBridge = (config: string, era: 'legacy' | 'modern'): Promise<RawStdioClient> =>
  rawStdio({ command: process.execPath, args: [MAIN, 'stdio', '--config', config], era });

const methodsIn = (client: RawStdioClient, from: number): string[] =>
  client.seen.slice(from).flatMap((text) => JSON.parse(textAt(text, 'method') ?? '[]') as string);

/** Listens in the way of its era. */
async function listen(client: RawStdioClient): Promise<void> {
  if (client.era === 'legacy') {
    await client.request('resources/subscribe', JSON.stringify({ uri: LIVE }));
    return;
  }
  const notifications = { toolsListChanged: true, resourceSubscriptions: [LIVE] };
  const params = JSON.stringify({ notifications });
  client.request('subscriptions/listen', params, '"ear"').catch(() => {});
  await until(
    () => methodsIn(client, 0).includes('notifications/subscriptions/acknowledged'),
    'the acknowledgement',
  );
}

async function change(client: RawStdioClient, tool: string): Promise<void> {
  const { result, message } = await client.request('tools/call', `{"name":"child__${tool}"}`);
  assert.ok(result !== undefined && textAt(result, 'isError') === undefined, message);
}

/** Changes are made until one is heard: nothing tells when all have found the new gateway. */
async function hears(all: readonly RawStdioClient[]): Promise<void> {
  const from = all.map((client) => client.seen.length);
  let turn = 0;
  const isHeard = (method: string) =>
    all.every((client, n) => methodsIn(client, from[n]!).includes(method));
  await until(async () => {
    await change(all[0]!, turn++ % 2 === 0 ? 'add_tool' : 'remove_tool');
    await change(all[0]!, 'update_resource');
    return (
      isHeard('notifications/tools/list_changed') && isHeard('notifications/resources/updated')
    );
  }, 'both notifications at both hosts');
}

describe('a host that listens', () => {
  for (const signal of SIGNALS) {
    it(`is told by the next gateway after a ${signal} of the first`, async () => {
      const directory = await temporaryDirectory();
      try {
        const file = join(directory, 'servers.json');
        const servers = { child: program('echo.ts') };
        const gateway = { logLevel: 'error', drainSeconds: 1 };
        await writeFile(file, configText({ servers, gateway }, directory));
        const first = await startBridge(file, 'modern');
        await first.request('tools/list');
        await using legacy = await startBridge(file, 'legacy');
        await using modern = await startBridge(file, 'modern');
        await Promise.all([listen(legacy), listen(modern)]);
        await hears([legacy, modern]);
        process.kill(first.pid, signal);
        await first.exited;
        await hears([legacy, modern]);
      } finally {
        await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      }
    });
  }
});
