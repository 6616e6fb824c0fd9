// The papers say what the program does.
import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { VERSION } from '../src/version.ts';
import { renewed } from './docs/generated.ts';
import { createHome } from './unit/cli/toolgate.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

const readme = await read('README.md');

/** The row of the commands' table that begins with a command. */
const rowOf = (command: string): string => {
  const rows = readme
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes(`\`toolgate ${command}`));
  return rows.join('\n');
};

describe('README.md', () => {
  it('has the tables that the code makes', () => {
    assert.equal(readme, renewed(readme), 'The tables are old. "npm run docs" renews them.');
  });

  it('notices when they are old', () => {
    const old = readme.replace('| `JSON_INVALID` | 400 ', '| `JSON_INVALID` | 418 ');
    assert.notEqual(old, readme);
    assert.equal(renewed(old), readme);
    assert.equal(renewed(readme.replace(/^\| `gateway\.port`.*\n/m, '')), readme);
  });

  it('tells of every command and every option', async () => {
    await using home = await createHome();
    const { out } = await home.toolgate('--help');
    const commands = [...out.matchAll(/^ {2}([a-z]+)\b(?= \[| <| {2,})/gm)].map(
      ([, name]) => name!,
    );
    assert.ok(commands.length >= 12, commands.join());
    for (const command of commands) {
      const row = rowOf(command);
      assert.notEqual(row, '', `toolgate ${command} is not in the table`);
      if (command === 'help') continue;
      const help = await home.toolgate(command, '--help');
      for (const [, option] of help.out.matchAll(/^ {2}(?:-\w, )?(--[a-z]+)/gm)) {
        if (option === '--help') continue;
        assert.ok(
          row.includes(`\`${option}`),
          `${option} of toolgate ${command} is not in its row`,
        );
      }
      for (const [, given] of row.matchAll(/`(--[a-z]+)/g)) {
        assert.ok(help.out.includes(given!), `toolgate ${command} has no ${given}`);
      }
    }
  });

  it('begins with the two commands that CI runs', async () => {
    assert.match(
      readme,
      /^# Toolgate\n\n```sh\nnpm ci && npm start .*\nnpm ci && npm test .*\n```\n/,
    );
    assert.match(await read('.ci/run'), /\nnpm ci && npm test\n$/);
  });
});

describe('the version', () => {
  it('is one in package.json, in the program and at the top of CHANGELOG.md', async () => {
    assert.equal((JSON.parse(await read('package.json')) as { version: string }).version, VERSION);
    assert.equal(/^## \[([^\]]+)\]/m.exec(await read('CHANGELOG.md'))?.[1], VERSION);
  });
});

describe('links', () => {
  for (const paper of ['README.md', 'src/README.md', 'CHANGELOG.md']) {
    it(`of ${paper} lead to files that exist`, async () => {
      const text = (await read(paper)).replaceAll(/```[^]*?```/g, '');
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
        await access(join(ROOT, dirname(paper), target!));
      }
    });
  }

  it('of the code in src/README.md name files that exist', async () => {
    const text = await read('src/README.md');
    const paths = [...text.matchAll(/`((?:[a-z0-9-]+\/)+[a-z0-9-]+\.ts)`/g)].map(
      ([, path]) => path!,
    );
    assert.ok(paths.length > 20, `only ${paths.length} paths were found`);
    for (const path of paths)
      await access(join(ROOT, path.startsWith('test/') ? '.' : 'src', path));
  });
});
