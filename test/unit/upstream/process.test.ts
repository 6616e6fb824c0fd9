import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isGatewayError } from '../../../src/core/errors.ts';
import { createBackoff } from '../../../src/upstream/backoff.ts';
import { toCmdLine } from '../../../src/upstream/command.ts';
import { createStderrReader } from '../../../src/upstream/stderr.ts';
import { isAlive } from '../../support/processes/alive.ts';
import { startChild } from '../../support/processes/start.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../support/processes/${name}`, import.meta.url));

async function createFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'toolgate-')));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function writeProgram(path: string, text: string, mode = 0o755): Promise<void> {
  await writeFile(path, text);
  await chmod(path, mode);
}

const isDown = (pattern: RegExp) => (error: unknown) => {
  assert.ok(isGatewayError(error), String(error));
  assert.equal(error.code, 'UPSTREAM_DOWN');
  assert.match(error.message, pattern);
  return true;
};

test('gives the child its stdin, environment, folder and a group of its own', async () => {
  await using folder = await createFolder();
  const code = `
    console.log(JSON.stringify([process.execPath, process.env, process.cwd(), process.argv[1]]));
    process.stdin.pipe(process.stdout);
  `;
  await using started = await startChild(['-e', code, 'a b"c$HOME'], {
    env: { GIVEN: '1' },
    cwd: folder.path,
  });
  const { child, exited, said } = started;
  const [line] = await said(/^.*\n/);
  assert.deepEqual(JSON.parse(line), [process.execPath, { GIVEN: '1' }, folder.path, 'a b"c$HOME']);
  process.kill(-child.pid, 0);
  assert.equal(child.write(Buffer.from('{"id":1}\n')), true);
  await said(/\{"id":1\}\n/);
  await child.stop();
  assert.deepEqual(await exited, { code: 0, signal: null, stderrTail: '' });
});

test('looks bare names up on PATH, then in the usual folders', async () => {
  await using folder = await createFolder();
  const bin = join(folder.path, '.local', 'bin');
  const own = join(folder.path, 'own');
  await mkdir(bin, { recursive: true });
  await mkdir(own);
  await writeProgram(join(bin, 'tg-test'), '#!/bin/sh\necho "local $PATH"\n');
  const env = { HOME: folder.path, PATH: `${own}:/usr/bin:/bin` };
  {
    await using started = await startChild([], { command: 'tg-test', env });
    const [, path] = await started.said(/local (.*)\n/);
    assert.ok(path!.startsWith(`${env.PATH}:`));
    assert.ok(path!.split(':').includes(bin));
  }
  await writeProgram(join(own, 'tg-test'), '#!/bin/sh\necho "own $PATH"\n');
  await using started = await startChild([], { command: 'tg-test', env });
  assert.equal((await started.said(/own (.*)\n/))[1], env.PATH);
});

test('paths are taken from the working folder, PATH entries are not', async () => {
  await using folder = await createFolder();
  await writeProgram(join(folder.path, 'tg-test'), '#!/bin/sh\necho here\n');
  const options = { cwd: folder.path, env: { PATH: '.::/usr/bin', HOME: folder.path } };
  await assert.rejects(startChild([], { ...options, command: 'tg-test' }), isDown(/not found/));
  await using started = await startChild([], { ...options, command: './tg-test' });
  await started.said(/here/);
});

test('says why a program cannot be started, and what to do', async () => {
  await using folder = await createFolder();
  const { path } = folder;
  await writeProgram(join(path, 'denied'), '#!/bin/sh\n', 0o644);
  await writeProgram(join(path, 'headless'), '#!/no/such/program\n');
  const cases: [string, string, RegExp][] = [
    ['tg-none', path, /"tg-none" cannot be started in .*not found on PATH.*Install it/],
    ['/no/such/file', path, /"\/no\/such\/file" .*there is no such file/],
    [path, path, /there is no such file/],
    ['./denied', path, /permission denied.*chmod/],
    ['./headless', path, /first line/],
    ['node', join(path, 'none'), /"node" .*none: the working folder does not exist/],
  ];
  for (const [command, cwd, pattern] of cases) {
    await assert.rejects(startChild([], { command, cwd }), isDown(pattern));
  }
  await assert.rejects(startChild(['a\0b']), isDown(/ERR_INVALID_ARG_VALUE/));
});

test('a dead child takes no more and throws nothing', async () => {
  await using started = await startChild(['-e', 'process.stdin.resume()']);
  const { child, exited } = started;
  process.kill(child.pid, 'SIGKILL');
  for (let i = 0; i < 100; i++) child.write(Buffer.alloc(1000));
  assert.deepEqual(await exited, { code: null, signal: 'SIGKILL', stderrTail: '' });
  assert.equal(child.write(Buffer.from('x')), false);
  await child.stop();
});

test('a child that closes its stdin or stdout is ended', async () => {
  const idle = 'setInterval(() => {}, 60_000)';
  await using deaf = await startChild(['-e', `fs.closeSync(0); console.log('deaf'); ${idle}`]);
  await deaf.said(/deaf/);
  deaf.child.write(Buffer.from('x'));
  assert.equal((await deaf.exited).signal, 'SIGTERM');
  await using dumb = await startChild(['-e', `fs.closeSync(1); ${idle}`]);
  assert.equal((await dumb.exited).signal, 'SIGTERM');
});

test('counts the bytes that a child does not read', async () => {
  await using started = await startChild(['-e', 'setInterval(() => {}, 60_000)']);
  const { child } = started;
  assert.equal(child.pendingBytes, 0);
  child.write(Buffer.alloc(10_000_000));
  assert.ok(child.pendingBytes > 1_000_000);
});

test('what the child wrote last reaches the caller before its end does', async () => {
  const code = `
    process.stdout.write('x'.repeat(300_000) + 'end');
    process.stderr.write('\\x1b[31mred\\x1b[0m\\x07 \\x1b]0;title\\x07fault\\r\\nsecond\\n');
    process.exitCode = 3;
  `;
  await using started = await startChild(['-e', code]);
  const exit = await started.exited;
  assert.deepEqual(exit, { code: 3, signal: null, stderrTail: 'red fault\nsecond' });
  assert.equal(started.stdout().length, 300_003);
  assert.deepEqual(started.stderrLines, ['red fault', 'second']);
});

test('the tail of stderr is short, and lines are capped', () => {
  const lines: string[] = [];
  const reader = createStderrReader({ onLine: (line) => lines.push(line) });
  reader.push(Buffer.from('a'.repeat(5000)));
  reader.push(Buffer.from(`${'é'.repeat(5000)}\n`));
  for (const byte of Buffer.from('last\n')) reader.push(Buffer.from([byte]));
  reader.end();
  assert.equal(lines.length, 2);
  assert.ok(Buffer.byteLength(lines[0]!) <= 8192 + 3);
  assert.match(lines[0]!, /^a{5000}é+.?…$/u);
  assert.equal(lines[1], 'last');
  assert.ok(Buffer.byteLength(reader.tail()) <= 2048);
  assert.match(reader.tail(), /^é{1000,}\nlast$/);
});

for (const lineBytes of [2, 80, 1_000_000]) {
  test(`a flood of stderr in lines of ${lineBytes} bytes stalls nobody`, async () => {
    await using started = await startChild([fixture('flood.mjs'), String(lineBytes)]);
    const { child, said, exited, stderrLines } = started;
    const written = Number((await said(/wrote (\d+)\n/))[1]);
    await child.stop();
    const { stderrTail } = await exited;
    const told = stderrLines.map((line) => /^\((\d+) more lines/.exec(line)?.[1]);
    const counted = told.reduce((sum, number) => sum + Number(number ?? 1), 0);
    assert.equal(counted, written);
    assert.ok(stderrTail.length >= 1024 && stderrTail.length <= 2048);
    for (const line of stderrLines) assert.ok(line.length <= 8192);
  });
}

test('stop is one stop, and kill does not wait', async () => {
  const stubborn = `
    process.on('SIGTERM', () => {});
    process.stdin.resume();
    console.log('up');
    setInterval(() => {}, 60_000);
  `;
  await using started = await startChild(['-e', stubborn], { graceMs: 300_000 });
  const { child, said, exited } = started;
  await said(/up/);
  const stopping = child.stop();
  assert.equal(child.stop(), stopping);
  assert.equal(child.write(Buffer.from('x')), false);
  await child.kill();
  await stopping;
  assert.equal((await exited).signal, 'SIGKILL');
  assert.ok(!isAlive(child.pid));
  await child.kill();
});

test('starts more children than Node warns of, and forgets them', async () => {
  const listeners = process.listenerCount('exit');
  const limit = process.getMaxListeners();
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const start = () => startChild(['-e', 'process.stdin.resume()']);
  const all = await Promise.all(Array.from({ length: 12 }, start));
  await Promise.all(all.map(({ child }) => child.stop()));
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
  assert.equal(process.listenerCount('exit'), listeners);
  assert.equal(process.getMaxListeners(), limit);
});

for (const how of ['exit', 'crash']) {
  test(`no child outlives the gateway after its ${how}`, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const gateway = spawn(process.execPath, [fixture('gateway.ts'), String(port), how], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const [socket] = (await once(server, 'connection')) as [Socket];
    await once(socket, 'data');
    const ended = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
    gateway.stdin.write('now\n');
    await once(gateway, 'exit');
    await ended;
    server.close();
  });
}

test('cmd.exe lines are quoted throughout, and what cannot be is refused', () => {
  assert.equal(
    toCmdLine('C:\\Program Files\\npx.cmd', ['-y', 'a&calc|b^c>d', '', 'C:\\dir\\']),
    '""C:\\Program Files\\npx.cmd" "-y" "a&calc|b^c>d" "" "C:\\dir\\\\""',
  );
  for (const bad of ['%PATH%', 'a"&calc', 'a\nb', 'a\rb', 'a\0']) {
    assert.equal(toCmdLine('x.cmd', [bad]), undefined);
  }
});

test('backoff doubles its bound up to a limit, with full jitter', () => {
  const most = createBackoff({ random: () => 0.999_999_9 });
  const delays = Array.from({ length: 8 }, () => most.next());
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  most.reset();
  assert.equal(most.next(), 1000);
  assert.equal(createBackoff({ random: () => 0 }).next(), 0);
  const half = createBackoff({ minMs: 10, maxMs: 30, random: () => 0.5 });
  assert.deepEqual([half.next(), half.next(), half.next(), half.next()], [5, 10, 15, 15]);
});
