import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../../src/version.ts';
import { createHome, MAIN, run } from './toolgate.ts';

test('--version and --help go to stdout and end with 0', async () => {
  await using home = await createHome();
  assert.deepEqual(await home.toolgate('--version'), { code: 0, out: `${VERSION}\n`, err: '' });
  const { code, out, err } = await home.toolgate('--help');
  assert.deepEqual([code, err], [0, '']);
  for (const command of ['serve', 'stdio', 'snippet', 'check', 'tools', 'call', 'init', 'add']) {
    assert.match(out, new RegExp(`^  ${command}\\b`, 'm'));
  }
  const help = await home.toolgate('call', '--help');
  assert.equal(help.code, 0);
  assert.match(help.out, /^Usage: toolgate call \[options\] <tool> \[json\]$/m);
});

test('a wrong command line ends with 2, says what is wrong and where help is', async () => {
  await using home = await createHome();
  const wrong: [args: string[], pattern: RegExp][] = [
    [['nosuch'], /unknown command 'nosuch'/],
    [['tols'], /did you mean "tools"/],
    [['serve', '--nosuch'], /unknown option '--nosuch'/],
    [['--prot', '1'], /unknown option '--prot'/],
    [['call'], /missing required argument 'tool'/],
    [['check', 'x', 'y'], /too many arguments/],
    [['add', 'x', 'npx', '-y', 'y'], /unknown option '-y'/],
  ];
  for (const [args, pattern] of wrong) {
    const { code, out, err } = await home.toolgate(...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, pattern);
    assert.match(err, /toolgate --help/);
  }
});

test('an error goes to stderr, with its code and a next step', async () => {
  await using home = await createHome();
  const wrong: [args: string[], pattern: RegExp][] = [
    [
      ['check'],
      /CONFIG_INVALID: .*servers\.json: there is no such file\. `toolgate init` writes one/,
    ],
    [['snippet', 'emacs'], /PARAMS_INVALID: .*"emacs".*claude-desktop, claude-code/],
    [['tools', '--url', 'http://127.0.0.1:1/mcp'], /CREDENTIAL_MISSING: .*TOOLGATE_KEY.*--key/],
    [
      ['tools', '--url', 'nowhere', '--key', 'k'],
      /PARAMS_INVALID: .*http:\/\/127\.0\.0\.1:8931\/mcp/,
    ],
    [
      ['tools', '--url', 'http://127.0.0.1:1/mcp', '--key', 'k'],
      /GATEWAY_NOT_RUNNING: .*toolgate serve/,
    ],
  ];
  for (const [args, pattern] of wrong) {
    const { code, out, err } = await home.toolgate(...args);
    assert.deepEqual([code, out], [1, ''], args.join(' '));
    assert.match(err, pattern);
    assert.doesNotMatch(err, /^ {4}at /m, 'no stack');
  }
});

test('a wrong environment is told of too', async () => {
  await using home = await createHome({});
  const { code, err } = await home.toolgateWith({ TOOLGATE_ALLOW_ANY_HOST: 'maybe' }, 'check');
  assert.equal(code, 1);
  assert.match(
    err,
    /CONFIG_INVALID: TOOLGATE_ALLOW_ANY_HOST must be true, false, 1 or 0, got "maybe"/,
  );
});

test('TOOLGATE_CONFIG names the file, and --config goes over it', async () => {
  await using home = await createHome();
  await home.write('other.json', { mcpServers: {} });
  const named = await home.toolgateWith({ TOOLGATE_CONFIG: 'other.json' }, 'check', '--json');
  assert.match(JSON.parse(named.out).file, /other\.json$/);
  const over = await home.toolgateWith(
    { TOOLGATE_CONFIG: 'no.json' },
    'check',
    '--json',
    '-c',
    'other.json',
  );
  assert.match(JSON.parse(over.out).file, /other\.json$/);
});

test('colours are for terminals only', { skip: process.platform !== 'linux' }, async () => {
  await using home = await createHome();
  const escape = '\u001b[';
  const plain = await home.toolgate('check');
  assert.ok(!plain.err.includes(escape));
  // `script` runs its command on a terminal of its own.
  const onTerminal = (variables: Record<string, string>) =>
    run(
      'script',
      ['-qec', `'${process.execPath}' '${MAIN}' check`, '/dev/null'],
      home.path,
      home.environment({ TERM: 'xterm', ...variables }),
    );
  const colourful = await onTerminal({});
  assert.equal(colourful.code, 1);
  assert.ok(colourful.out.includes(`${escape}31merror${escape}39m CONFIG_INVALID`), colourful.out);
  const sober = await onTerminal({ NO_COLOR: '1' });
  assert.ok(!sober.out.includes(escape), sober.out);
});
