import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { diffServers } from '../../../src/config/diff.ts';
import { load, openFolder } from './folder.ts';
import { loadConfig } from '../../../src/config/load.ts';

const names = (servers: readonly { name: string }[]): string[] => servers.map(({ name }) => name);

describe('diffServers', () => {
  it('tells servers apart by what the change means for them', async () => {
    await using folder = await openFolder();
    const read = async (mcpServers: object) => {
      const file = await folder.write('servers.json', JSON.stringify({ mcpServers }));
      const { config } = await loadConfig(file, { variables: {} });
      return config;
    };
    const same = { command: 'x', env: { A: '1', B: '2' } };
    const before = await read({
      same,
      gone: { command: 'x' },
      args: { command: 'x' },
      header: { url: 'http://h', headers: { A: '1' } },
      limits: { command: 'x' },
      off: { command: 'x' },
    });
    const after = await read({
      fresh: { command: 'x' },
      off: { command: 'x', disabled: true },
      limits: { command: 'x', timeoutSeconds: 1, autoExecute: ['a'], maxConcurrent: 2 },
      header: { url: 'http://h', headers: { A: '2' } },
      args: { command: 'x', args: ['-v'] },
      same: { env: { B: '2', A: '1' }, command: 'x' },
    });
    const diff = diffServers(before, after);
    assert.deepEqual(names(diff.added), ['fresh']);
    assert.deepEqual(names(diff.removed), ['gone']);
    assert.deepEqual(names(diff.restarted), ['header', 'args']);
    assert.deepEqual(names(diff.adjusted), ['off', 'limits']);
    assert.deepEqual(names(diff.unchanged), ['same']);
    assert.equal(diff.adjusted[1]?.timeoutMs, 1000);
  });

  it('starts anew for whatever the connection is made of', async () => {
    const stdio = { command: 'x' };
    const http = { url: 'http://h' };
    const changes: [object, object][] = [
      [stdio, { command: 'y' }],
      [stdio, { command: 'x', cwd: '/srv' }],
      [stdio, { command: 'x', env: { A: '1' } }],
      [stdio, { command: 'x', era: 'legacy' }],
      [stdio, { command: 'x', maxMessageBytes: 5000 }],
      [stdio, http],
      [http, { url: 'http://i' }],
      [http, { url: 'http://h', type: 'http' }],
      [http, { url: 'http://h', allowAddresses: ['169.254.1.1'] }],
    ];
    for (const [one, other] of changes) {
      const [before, after] = [
        await load({ mcpServers: { a: one } }),
        await load({ mcpServers: { a: other } }),
      ];
      assert.deepEqual(names(diffServers(before.config, after.config).restarted), ['a']);
    }
  });

  it('keeps the digest over a start from another terminal', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', '{"mcpServers":{"a":{"command":"x"}}}');
    const [one, other] = [
      await loadConfig(file, { variables: { TERM: 'xterm' } }),
      await loadConfig(file, { variables: { TERM: 'dumb' } }),
    ];
    assert.equal(one.config.servers[0]?.fingerprint, other.config.servers[0]?.fingerprint);
  });
});
