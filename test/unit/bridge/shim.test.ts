// The npm bin, and the command that Claude Desktop is given to start it with.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, parse } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { snippet } from '../../../src/cli/snippet.ts';

const run = promisify(execFile);
const SHIM = fileURLToPath(new URL('../../../bin/toolgate.js', import.meta.url));
const ROOT = parse(SHIM).root;

/** A package whose program prints where it lies and what it was given. */
async function openPackage(...programs: readonly string[]) {
  const root = await mkdtemp(join(tmpdir(), 'toolgate "shim" '));
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  await cp(SHIM, join(root, 'bin', 'toolgate.js'));
  for (const program of programs) {
    const path = join(root, program);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, `console.log(JSON.stringify(['${program}', ...process.argv.slice(2)]));`);
  }
  return {
    bin: join(root, 'bin', 'toolgate.js'),
    root,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/** A Node on the PATH that is too old, if there is one. */
async function findOldNode(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
    const version = await run(path, ['--version']).then(
      ({ stdout }) => stdout,
      () => '',
    );
    if (version && Number.parseInt(version.slice(1), 10) < 24) return path;
  }
  return undefined;
}

const started = (text: string): string[] => JSON.parse(text);

test('a checkout runs its sources, a package its build', async () => {
  await using checkout = await openPackage('src/main.ts');
  const fromSource = await run(process.execPath, [checkout.bin, 'serve']);
  assert.deepEqual(started(fromSource.stdout), ['src/main.ts', 'serve']);
  await using built = await openPackage('src/main.ts', 'dist/src/main.js');
  assert.deepEqual(started((await run(process.execPath, [built.bin])).stdout), [
    'dist/src/main.js',
  ]);
});

test('a fault of the program is not taken for a missing build', async () => {
  await using place = await openPackage('src/main.ts', 'dist/src/main.js');
  await writeFile(join(place.root, 'dist/src/main.js'), "import './missing.js';");
  await assert.rejects(run(process.execPath, [place.bin]), /missing\.js/);
});

test('a Node that is too old is told what is needed', async (context) => {
  const node = await findOldNode();
  if (!node) return context.skip('no older Node on the PATH');
  await assert.rejects(
    run(node, [SHIM, 'stdio']),
    (error: { code: number; stdout: string; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.equal(error.stdout, '');
      assert.match(
        error.stderr,
        /needs Node\.js 24 or newer, but Node\.js \d+\.\d+\.\d+ \(.*\) ran it/,
      );
      assert.match(error.stderr, /https:\/\/nodejs\.org/);
      return true;
    },
  );
});

test("Claude Desktop's command works in the root folder with a bare environment", async () => {
  await using place = await openPackage('src/main.ts');
  const config = join(place.root, 'my servers.json');
  const text = snippet('claude-desktop', {
    node: process.execPath,
    program: place.bin,
    config,
    url: '',
    key: '',
    platform: process.platform,
  });
  const { command, args } = JSON.parse(text.slice(text.indexOf('{'))).mcpServers.toolgate;
  const { stdout } = await run(command, args, { cwd: ROOT, env: {} });
  assert.deepEqual(started(stdout), ['src/main.ts', 'stdio', '--config', config]);
});
