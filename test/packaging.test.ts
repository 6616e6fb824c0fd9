// What would be published: the right files, and a program that runs from them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { VERSION } from '../src/version.ts';

const ROOT = join(import.meta.dirname, '..');
const execute = promisify(execFile);

const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

describe('the package', () => {
  let parent: string;
  let folder: string;

  before(async () => {
    parent = await realpath(await mkdtemp(join(tmpdir(), 'toolgate-package-')));
    folder = join(parent, 'package');
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const build = ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')];
    await execute(process.execPath, [tsc, ...build]);
    for (const name of ['package.json', ...manifest.files.filter((one) => one !== 'dist')]) {
      await cp(join(ROOT, name), join(folder, name), { recursive: true });
    }
    await symlink(join(ROOT, 'node_modules'), join(parent, 'node_modules'), 'junction');
  });

  after(() => rm(parent, { recursive: true, force: true }));

  it('holds the program and its papers, and no source or test', async () => {
    const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = await execute('npm', pack, {
      cwd: folder,
      shell: process.platform === 'win32',
    });
    const [{ files }] = Object.values(JSON.parse(stdout)) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const path of [
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'servers.schema.json',
      'bin/toolgate.js',
      'dist/src/main.js',
      'dist/src/wire/json.js',
    ]) {
      assert.ok(paths.includes(path), `${path} is missing`);
    }
    const rest = paths.filter(
      (path) => path.includes('/') && !/^(?:bin|dist\/src)\/.+\.js$/.test(path),
    );
    assert.deepEqual(rest, []);
    assert.ok(!paths.includes('dist/src/config/write-schema.js'), 'a script of the repository');
  });

  it('runs from what was built', async () => {
    const bin = join(folder, 'bin/toolgate.js');
    const { stdout } = await execute(process.execPath, [bin, '--version'], { cwd: tmpdir() });
    assert.equal(stdout, `${VERSION}\n`);
    const file = join(parent, 'servers.json');
    const environment = { ...process.env, TOOLGATE_DATA: join(parent, 'data') };
    await execute(process.execPath, [bin, 'init', '--config', file]);
    const snippet = ['snippet', 'claude-desktop', '--config', file];
    const desktop = await execute(process.execPath, [bin, ...snippet], { env: environment });
    assert.ok(desktop.stdout.includes(JSON.stringify(bin)), desktop.stdout);
  });

  it('is what publint asks for', async () => {
    const { messages } = await publint({ pkgDir: folder, strict: true, pack: false });
    assert.deepEqual(messages, []);
  });

  it('pins every version exactly', () => {
    const versions = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const [name, version] of Object.entries(versions)) {
      assert.match(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, name);
    }
  });
});

describe('the lock file', () => {
  it('names no registry, and agrees with package.json', async () => {
    const text = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
    assert.doesNotMatch(text, /"resolved"/);
    const { packages } = JSON.parse(text) as { packages: Record<string, { version: string }> };
    assert.equal(packages['']!.version, VERSION);
  });
});
