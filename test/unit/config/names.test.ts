import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { nearest } from '../../../src/config/nearest.ts';
import { serverNameOf } from '../../../src/config/server-names.ts';
import { load } from './folder.ts';

describe('server names', () => {
  const names: [string, string | undefined][] = [
    ['files', 'files'],
    ['a.b-c_d', 'a.b-c_d'],
    [' files ', 'files'],
    ['My Server!', 'My-Server'],
    ['a__b', 'a_b'],
    ['_a_', 'a'],
    ['Bücher', 'Bucher'],
    ['a/b', 'a-b'],
    ['__proto__', 'proto'],
    ['constructor', 'constructor'],
    ['', undefined],
    [' \t', undefined],
  ];
  for (const [key, name] of names) {
    it(`calls ${JSON.stringify(key)} ${name}`, () => assert.equal(serverNameOf(key), name));
  }

  it('finds a name for what has no letter of ours', () => {
    for (const key of ['日本', '..', '!', '___'])
      assert.match(serverNameOf(key) ?? '', /^server-[0-9a-f]{8}$/);
    assert.notEqual(serverNameOf('日本'), serverNameOf('中国'));
  });

  it('warns of a name that it changes', async () => {
    const { warnings, file, server } = await load({ mcpServers: { 'my files': { command: 'x' } } });
    assert.equal(server('my-files').name, 'my-files');
    assert.deepEqual(warnings, [`${file}: the server "my files" is called "my-files" here.`]);
  });

  it('takes names of the prototype as names', async () => {
    const { config, server } = await load(
      '{"mcpServers":{"__proto__":{"command":"p"},"constructor":{"command":"c"},"toString":{"command":"t","toolTimeouts":{"constructor":1}}}}',
    );
    assert.deepEqual(
      config.servers.map(({ name }) => name),
      ['proto', 'constructor', 'toString'],
    );
    assert.equal(({} as Record<string, unknown>)['command'], undefined);
    assert.equal(server('toString').toolTimeoutsMs['constructor'], 1000);
    assert.equal(server('toString').toolTimeoutsMs['valueOf'], undefined);
    assert.equal(server('proto').toolTimeoutsMs['__proto__'], undefined);
  });
});

describe('nearest', () => {
  it('finds slips and leaves other words alone', () => {
    const keys = ['command', 'args', 'url', 'timeoutSeconds'];
    assert.equal(nearest('comand', keys), 'command');
    assert.equal(nearest('Args', keys), 'args');
    assert.equal(nearest('timeoutSecond', keys), 'timeoutSeconds');
    assert.equal(nearest('frobnicate', keys), undefined);
    assert.equal(nearest('a'.repeat(10_000), keys), undefined);
  });
});
