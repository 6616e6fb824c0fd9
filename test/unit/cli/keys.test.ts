// `toolgate keys` as its user runs it: with a gateway, without one, and at one elsewhere.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDuration, parseExpiry, parseModes } from '../../../src/cli/keys.ts';
import { loadAdminKey } from '../../../src/identity/local-key.ts';
import { configText, startGatewayProcess, temporaryDirectory } from '../../support/gateway.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'keys', ...args], (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

/** The whole life of a key by commands; where they find the gateway is in `where`. */
async function live(where: readonly string[]): Promise<string> {
  const made = await run(
    'create',
    'ci',
    '--tools',
    'files/*',
    'git/log',
    '--mode',
    'files/write=review',
    '--team',
    'core',
    '--execute',
    '--expires',
    '90d',
    '--notes',
    'for the build',
    ...where,
  );
  assert.equal(made.code, 0, made.err);
  const secret = /^ {2}(tg_[a-z0-9]{8}_[\w-]{43})$/m.exec(made.out)?.[1] ?? assert.fail(made.out);
  assert.match(made.out, /shown this once[^]*Authorization: Bearer/);
  const json = async (...args: string[]) =>
    JSON.parse((await run(...args, '--json', ...where)).out);
  const shown = await json('show', 'ci');
  const { id, name, tools, modes, team, execute, notes, expiresAt } = shown;
  assert.deepEqual(
    { name, tools, modes, team, execute, notes },
    {
      name: 'ci',
      tools: ['files/*', 'git/log'],
      modes: { 'files/write': 'review' },
      team: 'core',
      execute: true,
      notes: 'for the build',
    },
  );
  assert.ok(Math.abs(expiresAt - Date.now() - 90 * 86_400_000) < 600_000);
  const listed = await run('list', ...where);
  assert.match(listed.out, /^ID +NAME/);
  assert.match(listed.out, new RegExp(`^${id} +ci +caller, execute +core +enabled`, 'm'));
  assert.ok(!listed.out.includes(secret));
  const rotated = await run('rotate', id, '--overlap', '1h', ...where);
  assert.match(rotated.out, /tg_[^]*The one before counts until/);
  const revoked = await run('revoke', 'ci', ...where);
  assert.match(revoked.out, /is revoked/);
  const gone = await run('show', 'ci', ...where);
  assert.deepEqual([gone.code, gone.err.includes('KEY_NOT_FOUND')], [1, true]);
  return secret;
}

test('with a gateway that runs here, as its admin', async () => {
  await using gateway = await startGatewayProcess({ servers: {} });
  const secret = await live(['--config', gateway.configFile]);
  const { out } = await run(
    'create',
    'used',
    '--tools',
    '*',
    '--json',
    '--config',
    gateway.configFile,
  );
  const used = JSON.parse(out) as { secret: string };
  const ask = (key: string) =>
    fetch(`${new URL(gateway.url).origin}/v1/mcp/tools`, { headers: { 'x-api-key': key } });
  assert.deepEqual([(await ask(used.secret)).status, (await ask(secret)).status], [200, 401]);
  assert.ok(!gateway.log().includes(used.secret));
  const admin = await loadAdminKey(gateway.directory);
  const [elsewhere, local, twice, odd, bare] = await Promise.all([
    run('list', '--url', gateway.url, '--key', admin),
    run('list', '--url', gateway.url, '--key', gateway.key),
    run('create', 'used', '--config', gateway.configFile),
    run('create', 'odd', '--role', 'root', '--config', gateway.configFile),
    run('create', 'bare', '--config', gateway.configFile),
  ]);
  assert.match(elsewhere.out, /used/);
  assert.deepEqual([local.code, local.err.includes('ROLE_MISSING')], [1, true]);
  assert.deepEqual([twice.code, twice.err.includes('KEY_EXISTS')], [1, true]);
  assert.deepEqual([odd.code, odd.err.includes('role')], [1, true]);
  assert.match(bare.err, /may call nothing/);
});

test('without one, in its store; the gateway that starts later knows the keys', async () => {
  const directory = await temporaryDirectory();
  try {
    const config = join(directory, 'servers.json');
    await writeFile(config, configText({ servers: {} }, directory));
    await live(['--config', config]);
    const { out } = await run('create', 'offline', '--tools', '*', '--json', '--config', config);
    const { secret } = JSON.parse(out) as { secret: string };
    assert.ok(
      !(await readFile(join(directory, 'toolgate.db'), 'latin1')).includes(secret.slice(12)),
    );
    await using gateway = await startGatewayProcess({ servers: {}, directory });
    const response = await fetch(`${new URL(gateway.url).origin}/v1/mcp/tools`, {
      headers: { 'x-bf-vk': secret },
    });
    assert.equal(response.status, 200);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('times and modes as a person writes them', () => {
  assert.deepEqual(
    ['90s', '1.5h', '2w', '0s'].map((text) => parseDuration(text, '--x')),
    [90, 5400, 1_209_600, 0],
  );
  for (const bad of ['', '5', '5 m', '-1h', '1y', 'h'])
    assert.throws(() => parseDuration(bad, '--x'), /--x/);
  assert.equal(parseExpiry('1h', 1000), 3_601_000);
  assert.equal(parseExpiry('2030-01-01', 0), Date.UTC(2030, 0, 1));
  assert.throws(() => parseExpiry('2001-01-01', Date.now()), /past/);
  assert.deepEqual(parseModes(['a/*=auto', 'b/x=y=ask']), { 'a/*': 'auto', 'b/x=y': 'ask' });
  assert.throws(() => parseModes(['auto']), /--mode/);
});
