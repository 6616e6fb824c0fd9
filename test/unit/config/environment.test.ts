import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  childVariables,
  dataDirectoryOf,
  readEnvironment,
} from '../../../src/config/environment.ts';
import { environment, platformDataDirectory } from '../../../src/config/load.ts';
import { load, problemsOf } from './folder.ts';

describe('variables in the file', () => {
  const args = async (value: string, variables: Record<string, string> = {}) => {
    const { stdio } = await load({ mcpServers: { a: { command: 'x', args: [value] } } }, variables);
    return stdio('a').args[0];
  };

  it('fills in what is set, and defaults for what is not', async () => {
    assert.equal(await args('${A}-${env:B}', { A: '1', B: '2' }), '1-2');
    assert.equal(await args('${A:-x y}'), 'x y');
    assert.equal(await args('${env:A:-}'), '');
    assert.equal(await args('${A:-x}', { A: '' }), 'x');
    assert.equal(await args('${A}', { A: '' }), '');
    assert.equal(await args('${A:-http://h:1/}'), 'http://h:1/');
  });

  it('does not look again at what a variable held', async () => {
    assert.equal(await args('${A}', { A: '${B} $& $1' }), '${B} $& $1');
  });

  it('leaves other dollars alone and takes $${ as a plain ${', async () => {
    assert.equal(await args('$HOME $$ {x} $${A}'), '$HOME $$ {x} ${A}');
  });

  it('does not find names of the prototype', async () => {
    const lines = await problemsOf({ mcpServers: { a: { command: '${constructor}' } } });
    assert.match(lines[0] ?? '', /expected the environment variable constructor, got nothing/);
  });

  it('lets those of a server that is off be unset', async () => {
    const { stdio } = await load({
      mcpServers: { a: { command: 'x', args: ['${NOPE}', '${input:x}'], disabled: true } },
    });
    assert.equal(stdio('a').enabled, false);
  });

  it('reads them in the gateway’s settings too', async () => {
    const { config } = await load(
      { gateway: { publicUrl: 'https://${H}' } },
      { H: 'gate.example' },
    );
    assert.equal(config.gateway.publicUrl, 'https://gate.example');
  });
});

describe('the environment', () => {
  it('gives children an allow-listed part', async () => {
    const variables = {
      HOME: '/h',
      PATH: '/bin',
      LC_ALL: 'C',
      LANG: '() { :; }',
      TOOLGATE_KEY: 'secret',
      AWS_SECRET_ACCESS_KEY: 'secret',
      Path: 'other',
    };
    assert.deepEqual(childVariables(variables, 'linux'), { HOME: '/h', PATH: '/bin', LC_ALL: 'C' });
    assert.deepEqual(childVariables({ Path: 'C:\\', HOME: 'x', SystemRoot: 'C:\\W' }, 'win32'), {
      Path: 'C:\\',
      SystemRoot: 'C:\\W',
    });
    const { stdio } = await load(
      { mcpServers: { a: { command: 'x', env: { HOME: '/other', K: 'v' } } } },
      variables,
    );
    assert.equal(stdio('a').env['PATH'], '/bin');
    assert.equal(stdio('a').env['HOME'], '/other');
    assert.equal(stdio('a').env['TOOLGATE_KEY'], undefined);
    assert.equal(stdio('a').env['AWS_SECRET_ACCESS_KEY'], undefined);
  });

  it('reads switches strictly', () => {
    const at = (value?: string): boolean =>
      readEnvironment({ TOOLGATE_ALLOW_ANY_HOST: value }).allowAnyHost;
    assert.deepEqual(
      [at(), at('false'), at('0'), at('true'), at('1')],
      [false, false, false, true, true],
    );
    for (const value of ['', 'yes', 'TRUE', ' 1']) {
      assert.throws(() => at(value), {
        code: 'CONFIG_INVALID',
        message: /^TOOLGATE_ALLOW_ANY_HOST /,
      });
    }
  });

  it('hands out what else the program needs', () => {
    const read = readEnvironment({ TOOLGATE_KEY: 'k', TOOLGATE_CONFIG: 'c.json', NO_COLOR: '1' });
    assert.equal(read.key, 'k');
    assert.equal(read.configFile, 'c.json');
    assert.equal(read.noColor, true);
    assert.equal(readEnvironment({ NO_COLOR: '', TOOLGATE_KEY: '' }).noColor, false);
    assert.equal(readEnvironment({ TOOLGATE_KEY: '' }).key, undefined);
    assert.equal(environment().childEnvironment()['PATH'], process.env['PATH']);
  });

  it('finds the data directory', async () => {
    assert.equal(dataDirectoryOf({ TOOLGATE_DATA: '/d' }, 'linux', '/h'), '/d');
    assert.equal(dataDirectoryOf({}, 'linux', '/h'), '/h/.local/state/toolgate');
    assert.equal(dataDirectoryOf({ XDG_STATE_HOME: '/s' }, 'linux', '/h'), '/s/toolgate');
    assert.equal(
      dataDirectoryOf({ XDG_STATE_HOME: 's' }, 'linux', '/h'),
      '/h/.local/state/toolgate',
    );
    assert.equal(dataDirectoryOf({}, 'darwin', '/h'), '/h/Library/Application Support/Toolgate');
    assert.match(dataDirectoryOf({ LOCALAPPDATA: 'C:\\L' }, 'win32', '/h'), /^C:\\L.Toolgate$/);
    assert.match(platformDataDirectory(), /toolgate/i);
    const { config } = await load({}, { TOOLGATE_DATA: '/data' });
    assert.equal(config.gateway.dataDirectory, '/data');
    const other = await load({ gateway: { data: '/own' } }, { TOOLGATE_DATA: '/data' });
    assert.equal(other.config.gateway.dataDirectory, '/own');
  });
});
