import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHome, ECHO_SERVER } from './toolgate.ts';

test('check shows every server, and ends with 0 when all are ready', async () => {
  await using home = await createHome({
    echo: ECHO_SERVER,
    off: { ...ECHO_SERVER, disabled: true },
  });
  const { code, out, err } = await home.toolgate('check');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^SERVER +STATE +ERA +VERSION +TRANSPORT +TOOLS +PROMPTS +RESOURCES$/m);
  assert.match(out, /^echo +ready +modern +2026-07-28 +stdio +\d+ +2 +4$/m);
  assert.match(out, /^off +disabled +- +- +stdio +0 +0 +0$/m);
});

test('check ends with 1 and a reason when one is not', async () => {
  await using home = await createHome({
    echo: ECHO_SERVER,
    gone: { command: 'no-such-program' },
    far: { url: 'http://127.0.0.1:1/mcp' },
  });
  const { code, out, err } = await home.toolgate('check');
  assert.equal(code, 1);
  assert.match(out, /^echo +ready/m);
  assert.match(out, /^gone +down/m);
  assert.match(err, /^gone: .*"no-such-program" cannot be started.*PATH/m);
  assert.match(err, /^far: .*cannot be reached: ECONNREFUSED/m);
});

test('check --json is for scripts: all facts on stdout, warnings in their place', async () => {
  await using home = await createHome({
    two__parts: ECHO_SERVER,
    gone: { command: 'no-such-program' },
  });
  const { code, out } = await home.toolgate('check', '--json');
  assert.equal(code, 1);
  const { file, servers, warnings, diagnostics } = JSON.parse(out);
  assert.equal(file, `${home.path}/servers.json`);
  assert.deepEqual(
    servers.map(({ name, state, transport }: Record<string, unknown>) => [name, state, transport]),
    [
      ['two_parts', 'ready', 'stdio'],
      ['gone', 'down', 'stdio'],
    ],
  );
  assert.match(servers[1].reason, /no-such-program/);
  assert.match(warnings.join(), /"two__parts" is called "two_parts"/);
  assert.deepEqual(diagnostics, []);
});

test('check tells of a wrong file by path, expected and got, before any server starts', async () => {
  await using home = await createHome();
  await home.write('servers.json', '{\n  "mcpServers": { "a": { "comand": "x" } }\n}\n');
  const { code, out, err } = await home.toolgate('check');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /servers\.json:2:\d+ mcpServers\.a\.comand: .*did you mean "command"/);
});
