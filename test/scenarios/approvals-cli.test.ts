// A person at the terminal: sees what waits, decides, takes a standing yes back, and asks why.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { program, startGatewayProcess } from '../support/gateway.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { restOf } from '../support/rest.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const cli = ({ configFile }: GatewayProcess, ...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [MAIN, ...args, '--config', configFile], (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });

test('the queue at the terminal', async () => {
  await using gateway = await startGatewayProcess({
    servers: { up: { ...program('echo.ts'), autoExecute: [] } },
    config: { approvals: { waitSeconds: 0 } },
  });
  const agent = restOf(new URL(gateway.url).origin, gateway.key);
  const execute = (args: object) =>
    agent('POST', '/v1/mcp/tool/execute', { name: 'up__echo', arguments: args });
  const waiting = async (args: object) => (await execute(args)).json.approval.id as string;
  assert.match((await cli(gateway, 'approvals')).err, /Nothing waits/);
  const first = await waiting({ path: 'a\u202eb', token: 'hush' });
  const listed = await cli(gateway, 'approvals', 'list');
  assert.match(listed.out, new RegExp(`${first} +pending +up +echo +local`));
  const shown = await cli(gateway, 'approvals', 'show', first);
  assert.match(shown.out, /path: "a\\u\{202e\}b"/);
  assert.match(shown.out, /token: \[hidden\]/);
  assert.match(shown.out, /Gives back its arguments/);
  const approved = await cli(gateway, 'approvals', 'approve', first);
  assert.match(approved.out, /Approved once: echo of up, for local/);
  assert.equal((await execute({ path: 'a\u202eb', token: 'hush' })).status, 200);
  assert.match((await cli(gateway, 'approvals', 'approve', first)).err, /APPROVAL_DECIDED/);
  const second = await waiting({ n: 2 });
  assert.match((await cli(gateway, 'approvals', 'deny', second)).out, /Denied: echo/);
  const third = await waiting({ n: 3 });
  assert.equal((await cli(gateway, 'approvals', 'approve', third, '--hour', '--always')).code, 1);
  await cli(gateway, 'approvals', 'approve', third, '--hour');
  assert.equal((await execute({ n: 4 })).status, 200);
  const grant = /gr_\S+/.exec((await cli(gateway, 'grants')).out)![0];
  assert.match((await cli(gateway, 'grants', 'revoke', grant)).out, /Revoked/);
  assert.equal((await execute({ n: 5 })).status, 202);
  const why = await cli(gateway, 'why', 'local', 'up__echo', '{"n":1}');
  assert.equal(why.code, 0);
  assert.match(why.out, /\(ask\)/);
  assert.match(why.out, /autoExecute/);
  assert.match((await cli(gateway, 'why', 'nobody', 'up__echo')).err, /KEY_NOT_FOUND/);
});

test('--watch shows each call that comes to wait', async () => {
  await using gateway = await startGatewayProcess({
    servers: { up: { ...program('echo.ts'), autoExecute: [] } },
  });
  const child = spawn(process.execPath, [
    MAIN,
    'approvals',
    '--watch',
    '--config',
    gateway.configFile,
  ]);
  let out = '';
  const found = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    if (/toolgate approvals approve ap_/.test(out)) found.resolve();
  });
  await once(child.stderr, 'data');
  const agent = restOf(new URL(gateway.url).origin, gateway.key);
  await agent('POST', '/v1/mcp/tool/execute', { name: 'up__echo', arguments: { a: 1 } });
  await found.promise;
  assert.match(out, /echo of up, for local/);
  child.kill();
  await once(child, 'exit');
});
