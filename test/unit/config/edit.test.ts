import assert from 'node:assert/strict';
import { chmod, lstat, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { addServer, initConfig, removeServer, setEnabled } from '../../../src/config/edit.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Folder } from './folder.ts';
import { openFolder } from './folder.ts';

const START = `{
    // the servers
    "mcpServers": {
        "files": { "command": "npx" }, // keep me
        /* and me */
        "memory": {
            "command": "npx", // inside
            "args": ["-y"],
        },
    },
    "gateway": { "port": 1 } /* end */
}
`;

const edited = async (folder: Folder, edit: (file: string) => Promise<void>, text = START) => {
  const file = await folder.write('servers.json', text);
  await edit(file);
  await loadConfig(file, { variables: {} });
  return await readFile(file, 'utf8');
};

describe('edits of the file', () => {
  it('adds a server and leaves the rest alone', async () => {
    await using folder = await openFolder();
    const text = await edited(folder, (file) =>
      addServer(file, 'new', { url: 'https://${HOST:-h}' }),
    );
    const added = '\n        "new": {\n            "url": "https://${HOST:-h}"\n        }';
    assert.ok(text.includes(added), text);
    assert.equal(text.replace(`${added},`, ''), START);
  });

  it('removes servers, the last one too', async () => {
    await using folder = await openFolder();
    const text = await edited(folder, (file) => removeServer(file, 'files'));
    assert.ok(
      text.includes('// the servers') && text.includes('// inside') && text.includes('/* end */'),
    );
    const none = await edited(folder, async (file) => {
      await removeServer(file, 'memory');
      await removeServer(file, 'files');
      await addServer(file, 'again', { command: 'x' });
    });
    assert.ok(none.includes('"again"') && none.includes('/* end */'), none);
  });

  it('switches servers off and on', async () => {
    await using folder = await openFolder();
    const off = await edited(folder, (file) => setEnabled(file, 'memory', false));
    assert.ok(off.includes('"disabled": true') && off.includes('// inside'), off);
    const on = await edited(folder, (file) => setEnabled(file, 'memory', true), off);
    assert.equal(on, START);
    const own = '{"mcpServers":{"a":{"command":"x","enabled":false}}}';
    assert.match(
      await edited(folder, (file) => setEnabled(file, 'a', true), own),
      /"enabled":\s*true/,
    );
    const file = await folder.write('servers.json', START);
    const before = (await stat(file)).ino;
    await setEnabled(file, 'files', true);
    assert.equal((await stat(file)).ino, before);
  });

  it('uses the key, the indentation and the line ends that the file has', async () => {
    await using folder = await openFolder();
    const text = '{\r\n\t"servers": {\r\n\t\t"a": { "command": "x" }\r\n\t}\r\n}\r\n';
    const out = await edited(folder, (file) => addServer(file, 'b', { command: 'y' }), text);
    assert.equal(
      out,
      '{\r\n\t"servers": {\r\n\t\t"a": { "command": "x" },\r\n\t\t"b": {\r\n\t\t\t"command": "y"\r\n\t\t}\r\n\t}\r\n}\r\n',
    );
    const empty = await edited(folder, (file) => addServer(file, 'b', { command: 'y' }), '{}');
    assert.deepEqual(JSON.parse(empty), { mcpServers: { b: { command: 'y' } } });
  });

  it('finds a server by the name it goes by', async () => {
    await using folder = await openFolder();
    const text = '{"mcpServers":{"my files":{"command":"x"},"__proto__":{"command":"y"}}}';
    assert.doesNotMatch(
      await edited(folder, (file) => removeServer(file, 'my-files'), text),
      /my files/,
    );
    assert.match(
      await edited(folder, (file) => setEnabled(file, 'proto', false), text),
      /"disabled": ?true/,
    );
  });

  it('keeps the mode and the link, and leaves nothing behind', async () => {
    await using folder = await openFolder();
    const target = await folder.write('real.json', START);
    await chmod(target, 0o640);
    const file = join(folder.path, 'servers.json');
    await symlink('real.json', file);
    await addServer(file, 'new', { command: 'x' });
    assert.ok((await lstat(file)).isSymbolicLink());
    assert.equal((await stat(target)).mode & 0o777, 0o640);
    assert.match(await readFile(target, 'utf8'), /"new"/);
    assert.deepEqual((await readdir(folder.path)).toSorted(), ['real.json', 'servers.json']);
  });

  it('says why it does not', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', START);
    const refuses = (edit: Promise<void>, message: string): Promise<void> =>
      assert.rejects(edit, { code: 'CONFIG_INVALID', message });
    await refuses(
      addServer(file, 'files', { command: 'x' }),
      `${file} has a server "files" already. Remove it first or take another name.`,
    );
    await refuses(addServer(file, ' ', { command: 'x' }), 'A server needs a name.');
    await refuses(
      addServer(file, 'b', { command: 'x', tmeout: 1 } as never),
      'The server "b" cannot be added: mcpServers.b.tmeout: expected a known key, got "tmeout"; did you mean "timeout"?',
    );
    await refuses(
      removeServer(file, 'memry'),
      `${file} has no server "memry". It has files, memory. Did you mean "memory"?`,
    );
    await refuses(
      removeServer(`${file}.no`, 'a'),
      `${file}.no: there is no such file. \`toolgate init\` writes one.`,
    );
    assert.equal(await readFile(file, 'utf8'), START);
    await writeFile(file, '{');
    await refuses(setEnabled(file, 'a', true), `${file}:1:2: expected a closing brace.`);
  });

  it('writes a file to start from, once', async () => {
    await using folder = await openFolder();
    const file = join(folder.path, 'deep', 'servers.json');
    assert.equal(await initConfig(file), file);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const { config, warnings } = await loadConfig(file, { variables: {} });
    assert.deepEqual([config.servers, warnings], [[], []]);
    await addServer(file, 'files', { command: 'npx' });
    assert.equal((await loadConfig(file, { variables: {} })).config.servers.length, 1);
    await assert.rejects(initConfig(file), {
      message: `${file} exists already. It stays as it is.`,
    });
  });
});
