import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'jsonc-parser';
import { createHome, ECHO_COMMAND } from './toolgate.ts';
import type { Home } from './toolgate.ts';

const serversOf = async (home: Home): Promise<Record<string, unknown>> =>
  (parse(await home.read('servers.json')) as { mcpServers: Record<string, unknown> }).mcpServers;

test('init writes a file that works, once', async () => {
  await using home = await createHome();
  const first = await home.toolgate('init');
  assert.equal(first.code, 0);
  assert.match(first.out, /Wrote .*servers\.json\. .*toolgate add/);
  const text = await home.read('servers.json');
  const again = await home.toolgate('init');
  assert.equal(again.code, 1);
  assert.match(again.err, /exists already/);
  assert.equal(await home.read('servers.json'), text);
  const check = await home.toolgate('check');
  assert.equal(check.code, 0);
  assert.match(check.err, /No server is configured.*toolgate add/);
});

test('add takes a command with its arguments and variables', async () => {
  await using home = await createHome();
  await home.toolgate('init');
  const { code, out } = await home.toolgate(
    ...['add', 'echo', '-e', 'A=b=c', '-e', 'EMPTY=', '--', ...ECHO_COMMAND, '--name', 'x y'],
  );
  assert.equal(code, 0);
  assert.match(out, /Added "echo" to .*servers\.json/);
  assert.deepEqual(await serversOf(home), {
    echo: {
      command: 'node',
      args: [...ECHO_COMMAND.slice(1), '--name', 'x y'],
      env: { A: 'b=c', EMPTY: '' },
    },
  });
  assert.match(await home.read('servers.json'), /\/\/ A server that runs elsewhere/);
});

test('add takes a URL with its headers, and HTTP+SSE when told', async () => {
  await using home = await createHome();
  await home.toolgate('init');
  const url = 'https://mcp.example.com/mcp';
  await home.toolgate('add', 'web', url, '-H', 'Authorization: Bearer ${TOKEN}', '-H', 'X-A: b: c');
  await home.toolgate('add', 'old', '--sse', 'http://127.0.0.1:1/sse');
  assert.deepEqual(await serversOf(home), {
    web: { url, headers: { Authorization: 'Bearer ${TOKEN}', 'X-A': 'b: c' } },
    old: { type: 'sse', url: 'http://127.0.0.1:1/sse' },
  });
});

test('add refuses what it would have to guess, and leaves the file alone', async () => {
  await using home = await createHome({ taken: { command: 'x' } });
  const before = await home.read('servers.json');
  const wrong: [args: string[], pattern: RegExp][] = [
    [['taken', 'x'], /has a server "taken" already/],
    [['a', '-e', 'NOPE', '--', 'x'], /--env must look like "Name=value"/],
    [['a', 'https://x.example', '-H', 'NOPE'], /--header must look like "Name:value"/],
    [['a', 'https://x.example', '-e', 'A=b'], /--env is for a command/],
    [['a', 'https://x.example', 'b'], /a URL takes no arguments, got "b"/],
    [['a', '-H', 'A: b', '--', 'x'], /--header is for a URL/],
    [['a', '--sse', 'x'], /--sse is for a URL/],
    [['a', 'https://user:pw@x.example'], /expected a URL without user and password/],
  ];
  for (const [args, pattern] of wrong) {
    const { code, out, err } = await home.toolgate('add', ...args);
    assert.deepEqual([code, out], [1, ''], args.join(' '));
    assert.match(err, pattern);
  }
  assert.equal(await home.read('servers.json'), before);
});

test('disable, enable and remove edit one entry', async () => {
  await using home = await createHome({ a: { command: 'x' }, b: { command: 'y' } });
  const disabled = await home.toolgate('disable', 'a');
  assert.match(disabled.out, /^Disabled "a" in .*servers\.json\.\n$/);
  assert.deepEqual(await serversOf(home), {
    a: { command: 'x', disabled: true },
    b: { command: 'y' },
  });
  const enabled = await home.toolgate('enable', 'a');
  assert.match(enabled.out, /^Enabled "a"/);
  assert.deepEqual(await serversOf(home), { a: { command: 'x' }, b: { command: 'y' } });
  const removed = await home.toolgate('remove', 'a');
  assert.match(removed.out, /^Removed "a" from/);
  assert.deepEqual(await serversOf(home), { b: { command: 'y' } });
  for (const command of ['remove', 'enable', 'disable']) {
    const { code, err } = await home.toolgate(command, 'a');
    assert.equal(code, 1);
    assert.match(err, /has no server "a"\. It has b\./);
  }
});
