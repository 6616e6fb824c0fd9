// What is wrong is told with its place, what was expected and what was there; secrets never are.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { loadConfig } from '../../../src/config/load.ts';
import { load, openFolder, problemsOf } from './folder.ts';

const entry = (body: string): string => `{\n  "mcpServers": {\n    "a": { ${body} }\n  }\n}`;

describe('problems of a file', () => {
  const cases: [what: string, text: string, ...lines: string[]][] = [
    ['an empty file', '', '1:1: expected a value.'],
    ['a missing comma', '{\n  "naming": {}\n  "gateway": {}\n}', '3:3: expected a comma.'],
    ['an unfinished file', '{ "mcpServers": {', '1:18: expected a closing brace.'],
    ['another kind of file', '[]', '1:1: expected an object, got array.'],
    [
      'an unknown key',
      '{\n  "gatway": {}\n}',
      '2:3 gatway: expected a known key, got "gatway"; did you mean "gateway"?',
    ],
    ['a key like no other', '{ "x": 1 }', '1:3 x: expected a known key, got "x"'],
    [
      'an unknown key of a server',
      entry('"command": "x", "comand": "y"'),
      '3:28 mcpServers.a.comand: expected a known key, got "comand"; did you mean "command"?',
    ],
    [
      'a key of a later version',
      entry('"command": "x", "codeMode": true'),
      '3:28 mcpServers.a.codeMode: expected a known key, got "codeMode"',
    ],
    [
      'an unknown key of the gateway',
      '{ "gateway": { "prot": 1 } }',
      '1:16 gateway.prot: expected a known key, got "prot"; did you mean "port"?',
    ],
    [
      'a wrong type',
      entry('"command": 7'),
      '3:23 mcpServers.a.command: expected a string, got a number',
    ],
    [
      'a wrong argument',
      entry('"command": "x", "args": ["a", 1]'),
      '3:42 mcpServers.a.args[1]: expected a string, got a number',
    ],
    [
      'a wrong entry',
      '{"mcpServers":{"a":"b"}}',
      '1:20 mcpServers.a: expected an object, got a string',
    ],
    [
      'a wrong list of servers',
      '{"mcpServers":[]}',
      '1:15 mcpServers: expected an object, got an array',
    ],
    [
      'both lists',
      '{"servers":{},"mcpServers":{}}',
      '1:2 servers: expected either "mcpServers" or "servers", got both',
    ],
    [
      'a word that is no choice',
      '{"naming":{"mode":"never"}}',
      '1:19 naming.mode: expected one of "prefix", "on-collision", "verbatim", got "never"',
    ],
    [
      'too little',
      '{"naming":{"maxLength":8}}',
      '1:24 naming.maxLength: expected a number of at least 16, got 8',
    ],
    [
      'too much',
      '{"gateway":{"port":70000}}',
      '1:20 gateway.port: expected a number of at most 65535, got 70000',
    ],
    [
      'a fraction',
      '{"gateway":{"port":1.5}}',
      '1:20 gateway.port: expected a whole number, got 1.5',
    ],
    [
      'a bad URL',
      entry('"url": "ftp://x"'),
      '3:19 mcpServers.a.url: expected an http:// or https:// URL, got a string',
    ],
    [
      'a bad origin',
      '{"gateway":{"allowOrigins":["https://a.b/c"]}}',
      '1:29 gateway.allowOrigins[0]: expected an origin such as https://app.example.com, got "https://a.b/c"',
    ],
    [
      'neither kind of server',
      entry('"args": []'),
      '3:5 mcpServers.a: expected either "command" or "url", got neither',
    ],
    [
      'both kinds of server',
      entry('"command": "x", "url": "http://x"'),
      '3:5 mcpServers.a: expected either "command" or "url", got both',
    ],
    [
      'a type that does not fit',
      entry('"command": "x", "type": "sse"'),
      '3:36 mcpServers.a.type: expected "stdio" with "command", got "sse"',
    ],
    [
      'a key of the other kind',
      entry('"url": "http://x", "args": []'),
      '3:31 mcpServers.a.args: expected "args" only beside "command", got it beside "url"',
    ],
    [
      'SSE in the modern era',
      entry('"url": "http://x", "type": "sse", "era": "modern"'),
      '3:53 mcpServers.a.era: expected "legacy" or "auto" with type "sse", got "modern"',
    ],
    [
      'limits that cross',
      entry('"command": "x", "timeoutSeconds": 60, "maxTimeoutSeconds": 5'),
      '3:71 mcpServers.a.maxTimeoutSeconds: expected at least the timeout of 60, got 5',
    ],
    [
      'on and off',
      entry('"command": "x", "enabled": true, "disabled": true'),
      '3:39 mcpServers.a.enabled: expected "enabled" and "disabled" to agree, got true for both',
    ],
    [
      'a header that is none',
      entry('"url": "http://x", "headers": { "a b": "c" }'),
      '3:44 mcpServers.a.headers["a b"]: expected an HTTP header name, got this key',
    ],
    [
      'a bad prefix',
      entry('"command": "x", "prefix": "a__b"'),
      '3:38 mcpServers.a.prefix: expected a name like a server’s, or "", got a string',
    ],
    [
      'a key given twice',
      '{\n"naming": {},\n"naming": {}\n}',
      '3:1 naming: expected each key once, got it again',
    ],
    [
      'a server given twice',
      '{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}',
      '1:36 mcpServers.a: expected each key once, got it again',
    ],
    [
      'an unknown variable',
      entry('"command": "${}"'),
      '3:23 mcpServers.a.command: expected ${NAME}, ${env:NAME} or ${NAME:-default}, got ${} (write $${ for a plain ${)',
    ],
    [
      'an unset variable',
      entry('"command": "x", "args": ["${NOPE}"]'),
      '3:37 mcpServers.a.args[0]: expected the environment variable NOPE, got nothing: set it or write ${NOPE:-default}',
    ],
    [
      'a variable of the gateway',
      entry('"command": "${env:TOOLGATE_KEY:-x}"'),
      '3:23 mcpServers.a.command: expected a variable of yours, got ${TOOLGATE_KEY}: TOOLGATE_ names stay in the gateway',
    ],
    [
      'a server without a name',
      '{"mcpServers":{" ":{"command":"x"}}}',
      '1:16 mcpServers[" "]: expected a server name, got white space',
    ],
    [
      'names that become alike',
      '{"mcpServers":{"a b":{"command":"x"},"a-b":{"command":"y"}}}',
      '1:38 mcpServers.a-b: expected names that stay different, got "a-b" and "a b", both "a-b"',
    ],
    [
      'a lost key',
      entry('"command": "x", "env": { "__proto__": "y" }'),
      '3:37 mcpServers.a.env.__proto__: expected a known key, got "__proto__"',
    ],
  ];
  for (const [what, text, ...lines] of cases) {
    it(`places ${what}`, async () => {
      assert.deepEqual(await problemsOf(text, { TOOLGATE_KEY: 'secret' }), lines);
    });
  }

  it('lists all problems, in the order of the file, with Windows line ends too', async () => {
    const text =
      '{\r\n"gateway": {"port": "x"},\r\n"mcpServers": {"b": {}, "a": {"command": ""}},\r\n"nope": 1}';
    assert.deepEqual(await problemsOf(text), [
      '2:21 gateway.port: expected a number, got "x"',
      '3:16 mcpServers.b: expected either "command" or "url", got neither',
      '3:42 mcpServers.a.command: expected a string that is not empty, got an empty string',
      '4:1 nope: expected a known key, got "nope"',
    ]);
  });

  it('never quotes what may be a secret', async () => {
    const lines = await problemsOf(
      {
        mcpServers: {
          a: { command: 'x', args: [{ k: 's3cret' }], env: { K: ['s3cret'], N: true } },
          b: { url: 's3cret', headers: { Authorization: 12_345, X: 'a\ns3cret' } },
          c: { url: 'https://me:s3cret@host/' },
          d: { url: 'https://host/', headers: { X: '${K}' } },
          e: { command: 'x', prefix: '${K}', era: '${K}' },
        },
      },
      { K: 's3cret\n' },
    );
    assert.ok(lines.length >= 9, lines.join('\n'));
    assert.doesNotMatch(lines.join('\n'), /s3cret|12345|true/);
  });

  it('says what to run when there is no file, and what is wrong with other bytes', async () => {
    await using folder = await openFolder();
    await assert.rejects(loadConfig(`${folder.path}/none.json`), {
      code: 'CONFIG_INVALID',
      message: `${folder.path}/none.json: there is no such file. \`toolgate init\` writes one.`,
    });
    await assert.rejects(loadConfig(folder.path), { code: 'CONFIG_INVALID' });
    const file = await folder.write('latin.json', '');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(file, Buffer.from([0x7b, 0xff, 0x7d]));
    await assert.rejects(loadConfig(file), {
      message: `${file}: the file is not UTF-8. Save it as UTF-8.`,
    });
  });

  it('tells of an envFile that is not there, unless the server is off', async () => {
    const text = entry('"command": "x", "envFile": "none.env"');
    const [line] = await problemsOf(text);
    assert.match(
      line ?? '',
      /^3:39 mcpServers\.a\.envFile: expected a file that can be read, got: ENOENT/,
    );
    const off = entry('"command": "x", "envFile": "none.env", "disabled": true');
    assert.deepEqual(await problemsOf(off), []);
  });

  it('tolerates a byte order mark, comments and trailing commas', async () => {
    const { server } = await load(
      '\uFEFF{ /* a */ "mcpServers": { "a": { "command": "x", }, }, // b\n}',
    );
    assert.equal(server('a').name, 'a');
  });

  it('refuses what is nested without end', async () => {
    await assert.rejects(load('['.repeat(200_000)), { code: 'CONFIG_INVALID' });
  });

  it('warns of a file without servers', async () => {
    const { warnings, config, file } = await load('{}');
    assert.deepEqual(config.servers, []);
    assert.deepEqual(warnings, [`${file}: there is no "mcpServers", so no server runs.`]);
  });
});
