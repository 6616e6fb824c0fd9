import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { createHome, ECHO_SERVER, MAIN } from './toolgate.ts';
import type { Home } from './toolgate.ts';

describe('commands that ask a gateway', () => {
  let home: Home;
  let gateway: ReturnType<typeof spawn>;
  let banner = '';

  before(async () => {
    home = await createHome({ echo: ECHO_SERVER });
    const child = spawn(process.execPath, [MAIN, 'serve'], {
      cwd: home.path,
      env: home.environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    gateway = child;
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`serve ended with ${code}`)));
      child.stdout.on('data', (chunk: Buffer) => {
        banner += chunk.toString();
        if (banner.includes('Ctrl+C')) resolve();
      });
    });
  });

  after(async () => {
    const exited = new Promise((resolve) => gateway.once('exit', resolve));
    gateway.kill('SIGTERM');
    await exited;
    await home[Symbol.asyncDispose]();
  });

  const keyOf = (): string => /Key {2}(\S+)/.exec(banner)![1]!;
  const urlOf = (): string => /URL {2}(\S+)/.exec(banner)![1]!;

  it('serve prints servers, URL, key and next steps', () => {
    assert.match(banner, /^Toolgate is ready\.$/m);
    assert.match(banner, /^ {2}echo {2}ready {2}modern {2}\d+ tools$/m);
    assert.match(urlOf(), /^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    assert.match(keyOf(), /^tg_[a-z0-9]{8}_[\w-]{43}$/);
    assert.match(banner, /snippet claude-code/);
  });

  it('a second one on the same data directory says who is there', async () => {
    const { code, err } = await home.toolgate('serve');
    assert.equal(code, 1);
    assert.match(
      err,
      new RegExp(`GATEWAY_RUNNING: .*${new URL(urlOf()).origin}, process ${gateway.pid}`),
    );
  });

  it('tools lists names with arguments, filtered, and raw with --json', async () => {
    const { code, out, err } = await home.toolgate('tools', 'GIVES BACK');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^echo__echo\(\)\n {4}Gives back its arguments, letter by letter\.$/m);
    assert.doesNotMatch(out, /echo__fail/);
    const raw = await home.toolgate('tools', 'delay', '--json');
    assert.deepEqual(
      JSON.parse(raw.out).map((tool: { name: string }) => tool.name),
      ['echo__delay'],
    );
    const none = await home.toolgate('tools', 'nosuchtool');
    assert.deepEqual([none.code, none.out], [0, '']);
    assert.match(none.err, /No tool matches "nosuchtool"/);
  });

  it('call prints the result, and numbers keep their digits', async () => {
    const json = '{"a":12345678901234567890,"b":1e400,"c":-0}';
    const text = await home.toolgate('call', 'echo__echo', json);
    assert.deepEqual(text, { code: 0, out: `${json}\n`, err: '' });
    const raw = await home.toolgate('call', 'echo__echo', json, '--json');
    assert.ok(raw.out.includes(`"structuredContent":{"echo":${json}}`), raw.out);
  });

  it('call shows progress and logs on stderr', async () => {
    const { code, out, err } = await home.toolgate('call', 'echo__progress', '{"steps":2}');
    assert.deepEqual([code, out], [0, '2 steps\n']);
    assert.equal(err, '… 1 of 2 step 1\n… 2 of 2 step 2\n');
    const logged = await home.toolgate('call', 'echo__log', '{"data":"\\u001b[31mred"}');
    assert.match(logged.err, /^\[info\] \{"n":1,"x-data":"\\u001b\[31mred"\}$/m);
  });

  it('call ends with 1 when the tool says that it failed, its words made harmless', async () => {
    const { code, out, err } = await home.toolgate(
      'call',
      'echo__fail',
      '{"message":"\\u001b[31mno"}',
    );
    assert.deepEqual([code, out, err], [1, '', '\\u001b[31mno\n']);
    const raw = await home.toolgate('call', 'echo__fail', '--json');
    assert.deepEqual([raw.code, JSON.parse(raw.out).isError], [1, true]);
  });

  it('call tells apart what is wrong', async () => {
    const wrong: [args: string[], pattern: RegExp][] = [
      [['nosuch'], /TOOL_NOT_FOUND: Unknown tool: "nosuch".*"toolgate tools" lists/],
      [['echo__echo', '[1]'], /PARAMS_INVALID: The arguments must be a JSON object/],
      [['echo__echo', '{'], /PARAMS_INVALID: The arguments are no JSON/],
      [['echo__refuse'], /UPSTREAM_REFUSED: .*error -32000: refused/],
    ];
    for (const [args, pattern] of wrong) {
      const { code, out, err } = await home.toolgate('call', ...args);
      assert.deepEqual([code, out], [1, ''], args.join(' '));
      assert.match(err, pattern);
    }
  });

  it('--url and --key reach a gateway from anywhere; a wrong key is told of', async () => {
    await using elsewhere = await createHome();
    const there = await elsewhere.toolgate(
      'call',
      'echo__echo',
      '{}',
      '--url',
      urlOf(),
      '--key',
      keyOf(),
    );
    assert.deepEqual(there, { code: 0, out: '{}\n', err: '' });
    const bare = await elsewhere.toolgateWith(
      { TOOLGATE_KEY: keyOf() },
      'tools',
      'echo',
      '--url',
      urlOf(),
    );
    assert.equal(bare.code, 0);
    const wrong = await elsewhere.toolgate('tools', '--url', urlOf(), '--key', 'tg_wrong');
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /CREDENTIAL_INVALID/);
  });

  it('snippet names the gateway that runs, its key and absolute paths', async () => {
    const cursor = await home.toolgate('snippet', 'cursor');
    assert.equal(cursor.code, 0);
    const { mcpServers } = JSON.parse(cursor.out.slice(cursor.out.indexOf('{')));
    assert.deepEqual(mcpServers.toolgate, {
      url: urlOf(),
      headers: { Authorization: `Bearer ${keyOf()}` },
    });
    const desktop = await home.toolgate('snippet', 'claude-desktop');
    const { toolgate } = JSON.parse(desktop.out.slice(desktop.out.indexOf('{'))).mcpServers;
    assert.equal(toolgate.command, process.execPath);
    assert.match(toolgate.args[0], /^\/.*\/bin\/toolgate\.js$/);
    assert.deepEqual(toolgate.args.slice(1), ['stdio', '--config', `${home.path}/servers.json`]);
    assert.ok(!desktop.out.includes(keyOf()));
  });
});

describe('commands where no gateway runs', () => {
  it('tools and call start one for the moment, and leave no note of it', async () => {
    await using home = await createHome({ echo: ECHO_SERVER });
    const { code, out, err } = await home.toolgate('call', 'echo__echo', '{"x":1}');
    assert.deepEqual([code, out], [0, '{"x":1}\n']);
    assert.match(err, /No gateway runs here; one is started for this command/);
    await assert.rejects(home.read('data/gateway.json'));
  });
});
