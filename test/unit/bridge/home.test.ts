import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GatewayError, isGatewayError } from '../../../src/core/errors.ts';
import { createHome } from '../../../src/bridge/home.ts';
import type { Home } from '../../../src/bridge/home.ts';
import { createHttpClient } from '../../../src/net/http-client.ts';
import { readGatewayFile, writeGatewayFile } from '../../../src/storage/data-directory.ts';
import { acquireLock } from '../../../src/storage/lock.ts';
import { initialize, modern, startHost } from './host.ts';
import { startTinyGateway } from './tiny-gateway.ts';

const KEY = 'tg_local';

async function openPlace() {
  const stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'toolgate-home-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const http = stack.use(createHttpClient());
  const started: string[] = [];
  return {
    directory,
    started,
    /** What `toolgate stdio` makes in each process. */
    home: (name: string, deadlineMs = 10_000): Home =>
      createHome({
        directory,
        http,
        deadlineMs,
        readKey: async () => KEY,
        become: async () => {
          started.push(name);
          const gateway = await startTinyGateway(directory, name);
          return { url: gateway.url, key: KEY, [Symbol.asyncDispose]: gateway.stop };
        },
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('the first one becomes the gateway, those that come later join it', async () => {
  await using place = await openPlace();
  const { directory } = place;
  await using first = place.home('first');
  await using second = place.home('second');
  const [a, b, c] = await Promise.all([first.endpoint(), first.endpoint(), second.endpoint()]);
  assert.equal(a, b);
  assert.deepEqual({ url: c.url, key: c.key }, { url: a.url, key: KEY });
  assert.deepEqual([first.isOwner, second.isOwner], [true, false]);
  assert.deepEqual(place.started, ['first']);
  assert.ok(await readGatewayFile(directory));
});

test('when it exits, exactly one of the others takes over', async () => {
  await using place = await openPlace();
  const first = place.home('first');
  await first.endpoint();
  await using second = place.home('second');
  await using third = place.home('third');
  await Promise.all([second.endpoint(), third.endpoint()]);
  await first[Symbol.asyncDispose]();
  const [a, b] = await Promise.all([second.endpoint(), third.endpoint()]);
  assert.equal(a.url, b.url);
  assert.equal(place.started.length, 2);
  assert.notEqual(second.isOwner, third.isOwner);
});

test('a file that a killed gateway left behind misleads nobody', async () => {
  await using place = await openPlace();
  const left = { url: 'http://127.0.0.1:9', pid: 1, startedAt: '', version: '0' };
  await writeGatewayFile(place.directory, left);
  await using home = place.home('new');
  assert.notEqual((await home.endpoint()).url, 'http://127.0.0.1:9/mcp');
});

test('a lock whose owner never answers is an error that says so', async () => {
  await using place = await openPlace();
  await using _lock = await acquireLock(place.directory);
  await using home = place.home('late', 50);
  const isSilence = (error: unknown) =>
    isGatewayError(error) &&
    error.code === 'GATEWAY_NOT_RUNNING' &&
    error.message.includes('has not started');
  await assert.rejects(home.endpoint(), isSilence);
});

test('a gateway that cannot start frees the lock', async () => {
  await using place = await openPlace();
  const { directory } = place;
  await using http = createHttpClient();
  await using home = createHome({
    directory,
    http,
    readKey: async () => KEY,
    become: async () => {
      throw new GatewayError('PORT_IN_USE', 'no port');
    },
  });
  await assert.rejects(
    home.endpoint(),
    (error) => isGatewayError(error) && error.code === 'PORT_IN_USE',
  );
  await using lock = await acquireLock(directory);
  assert.ok(lock);
});

test('two bridges: the one that is left takes over and its host notices only a change of lists', async () => {
  await using place = await openPlace();
  const first = place.home('first');
  await using second = place.home('second');
  const hostA = startHost({ endpoint: first.endpoint });
  await initialize(hostA);
  await using legacy = startHost({ endpoint: second.endpoint });
  await initialize(legacy);
  await using newer = startHost({ endpoint: second.endpoint });
  newer.send(modern('sub', 'subscriptions/listen', { notifications: { toolsListChanged: true } }));
  await newer.line((message) => message.method?.endsWith('acknowledged'));
  legacy.send({ id: 1, method: 'tools/call', params: { name: 'who' } });
  assert.equal((await legacy.answer(1)).result.gateway, 'first');

  await hostA[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await legacy.line((message) => message.method === 'notifications/tools/list_changed');
  await newer.line((message) => message.method === 'notifications/tools/list_changed');
  assert.ok(second.isOwner);
  legacy.send({ id: 2, method: 'tools/call', params: { name: 'who' } });
  newer.send(modern(3, 'tools/call', { name: 'who' }));
  assert.equal((await legacy.answer(2)).result.gateway, 'second');
  assert.equal((await newer.answer(3)).result.gateway, 'second');
});

/** A process that becomes the gateway of a directory, and then waits to be killed. */
const OWNER = `
  const [home, tiny, net] = await Promise.all(process.argv.slice(3).map((url) => import(url)));
  const directory = process.argv[2];
  const own = home.createHome({
    directory,
    http: net.createHttpClient(),
    readKey: async () => 'tg_local',
    become: async () => {
      const gateway = await tiny.startTinyGateway(directory, 'killed');
      return { url: gateway.url, key: 'tg_local', [Symbol.asyncDispose]: gateway.stop };
    },
  });
  await own.endpoint();
  process.send('ready');
`;

test('a gateway killed with SIGKILL during a call: the call ends, another process takes over', async () => {
  await using place = await openPlace();
  const script = join(place.directory, 'owner.mjs');
  await writeFile(script, OWNER);
  const modules = [
    '../../../src/bridge/home.ts',
    './tiny-gateway.ts',
    '../../../src/net/http-client.ts',
  ];
  const urls = modules.map((path) => new URL(path, import.meta.url).href);
  const child = fork(script, [place.directory, ...urls], { stdio: 'inherit' });
  await once(child, 'message');
  await using home = place.home('heir');
  await using host = startHost({ endpoint: home.endpoint });
  await initialize(host);
  host.send({ id: 1, method: 'tools/call', params: { name: 'who' } });
  assert.equal((await host.answer(1)).result.gateway, 'killed');
  host.send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
  await host.line((message) => message.method === 'notifications/progress');
  child.kill('SIGKILL');
  const { result } = await host.answer(2);
  assert.equal(result._meta['io.toolgate/error'].code, 'UPSTREAM_LOST');
  await host.line((message) => message.method === 'notifications/tools/list_changed');
  host.send({ id: 3, method: 'tools/call', params: { name: 'who' } });
  assert.equal((await host.answer(3)).result.gateway, 'heir');
});
