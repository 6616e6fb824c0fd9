// The stdio bridge as hosts start it: it joins the gateway that runs, becomes it, and takes over from one that has gone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  configText,
  program,
  startGateway,
  startGatewayProcess,
  temporaryDirectory,
} from '../support/gateway.ts';
import { textAt } from '../support/json-text.ts';
import {
  type RawClient,
  type RawStdioClient,
  type RawStdioOptions,
  rawModern,
  rawStdio,
} from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { readLedger, runsOf } from '../support/upstreams/ledger.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src/main.ts');
const ERAS = ['legacy', 'modern'] as const;

interface Setting extends AsyncDisposable {
  readonly directory: string;
  readonly configFile: string;
}

/** A configuration with a child server, in a directory of its own; no gateway runs yet. */
async function createSetting(...flags: string[]): Promise<Setting> {
  const directory = await temporaryDirectory();
  const configFile = join(directory, 'servers.json');
  const servers = { child: program('echo.ts', ...flags) };
  const gateway = { logLevel: 'error' };
  await writeFile(configFile, configText({ servers, gateway }, directory));
  const dispose = () => rm(directory, { recursive: true, force: true, maxRetries: 5 });
  return { directory, configFile, [Symbol.asyncDispose]: dispose };
}

const startBridge = (
  args: readonly string[],
  era: RawStdioOptions['era'] = 'legacy',
  options: Partial<RawStdioOptions> = {},
): Promise<RawStdioClient> =>
  rawStdio({ command: process.execPath, args: [MAIN, 'stdio', ...args], era, ...options });

/** Process id of the upstream's child: one for each gateway. */
async function childOf(client: RawClient): Promise<number> {
  const { result, message } = await client.request('tools/call', '{"name":"child__whoami"}');
  const { content } = JSON.parse(result ?? '{}') as { content?: { text: string }[] };
  assert.ok(content, message);
  return (JSON.parse(content[0]!.text) as { pid: number }).pid;
}

/** Process id of the gateway that is announced; undefined when none is. */
async function ownerOf({ directory }: { directory: string }): Promise<number | undefined> {
  const text = await readFile(join(directory, 'gateway.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { pid: number }).pid;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the stdio bridge', () => {
  for (const era of ERAS) {
    it(`joins the gateway that runs (${era})`, async () => {
      const servers = { child: program('echo.ts') };
      await using gateway = await startGatewayProcess({ servers, gateway: { logLevel: 'error' } });
      await using bridge = await startBridge(['--config', gateway.configFile], era);
      const headers = { authorization: `Bearer ${gateway.key}` };
      const direct = await childOf(rawModern(gateway.url, { headers }));
      assert.equal(await childOf(bridge), direct);
      assert.equal(await ownerOf(gateway), gateway.child.pid);
    });

    it(`becomes the gateway when none runs, and ends with its host (${era})`, async () => {
      await using setting = await createSetting();
      const bridge = await startBridge(['--config', setting.configFile], era);
      const child = await childOf(bridge);
      const { result = '' } = await bridge.request('tools/list');
      assert.ok(result.includes('child__echo'));
      assert.equal(await ownerOf(setting), bridge.pid);
      await bridge[Symbol.asyncDispose]();
      assert.equal(await bridge.exited, 0);
      assert.equal(await ownerOf(setting), undefined);
      await until(() => !isAlive(child), 'the end of the child');
    });
  }

  it('joins the one that another host has started', async () => {
    await using setting = await createSetting();
    const args = ['--config', setting.configFile];
    await using first = await startBridge(args, 'legacy');
    await using second = await startBridge(args, 'modern');
    assert.equal(await childOf(second), await childOf(first));
    assert.equal(await ownerOf(setting), first.pid);
  });

  it('is one gateway though hosts start at the same time', async () => {
    await using setting = await createSetting();
    const args = ['--config', setting.configFile];
    const bridges = await Promise.all(ERAS.map((era) => startBridge(args, era)));
    const [first, second] = await Promise.all(bridges.map(childOf));
    assert.equal(first, second);
    await Promise.all(bridges.map((bridge) => bridge[Symbol.asyncDispose]()));
  });
});

const GONE: Readonly<Record<string, (bridge: RawStdioClient) => Promise<unknown>>> = {
  exits: async (bridge) => bridge[Symbol.asyncDispose](),
  'is killed': async (bridge) => {
    process.kill(bridge.pid, 'SIGKILL');
    await bridge.exited;
  },
};

describe('taking over', () => {
  for (const [how, end] of Object.entries(GONE)) {
    it(`is done by one of the others when the first ${how}`, async () => {
      await using setting = await createSetting();
      const args = ['--config', setting.configFile];
      const first = await startBridge(args, 'legacy');
      const before = await childOf(first);
      await using second = await startBridge(args, 'legacy');
      await using third = await startBridge(args, 'modern');
      assert.equal(await childOf(second), before);
      assert.equal(await childOf(third), before);
      await end(first);
      const [two, three] = await Promise.all([childOf(second), childOf(third)]);
      assert.equal(two, three);
      assert.notEqual(two, before);
      const owner = await ownerOf(setting);
      assert.ok(owner === second.pid || owner === third.pid, `the owner is ${owner}`);
      await until(() => !isAlive(before), 'the end of the first child');
    });
  }

  it('never sends a call again that may have run', async () => {
    await using setting = await createSetting('--ledger', 'ledger');
    const ledger = join(setting.directory, 'ledger');
    const args = ['--config', setting.configFile];
    const first = await startBridge(args, 'legacy');
    await using second = await startBridge(args, 'modern');
    const params = '{"name":"child__count","arguments":{"key":"k","ms":60000}}';
    const call = second.request('tools/call', params);
    await until(() => readLedger(ledger).length > 0, 'the call at the upstream');
    process.kill(first.pid, 'SIGKILL');
    const { result, message } = await call;
    assert.equal(textAt(result ?? '', 'isError'), 'true', message);
    assert.match(message, /may have run/);
    await childOf(second);
    assert.deepEqual([...runsOf(ledger)], [['k', 1]]);
  });
});

describe('--url', () => {
  it('bridges to any gateway, with --key or TOOLGATE_KEY', async () => {
    await using gateway = await startGateway({ servers: { child: program('echo.ts') } });
    const { url, key } = gateway;
    await using first = await startBridge(['--url', url, '--key', key], 'modern');
    const env = { ...process.env, TOOLGATE_KEY: key };
    await using second = await startBridge(['--url', url], 'legacy', { env });
    assert.equal(await childOf(first), await childOf(second));
    await using one = await startBridge(['--url', `${url}/child`, '--key', key], 'modern');
    const { result } = await one.request('tools/call', '{"name":"whoami"}');
    assert.ok(result);
  });

  it('says what to do about a wrong key', async () => {
    await using gateway = await startGateway({ servers: {} });
    const args = ['--url', gateway.url, '--key', 'tg_wrong'];
    await using bridge = await startBridge(args, 'modern');
    const { message } = await bridge.request('tools/list');
    assert.match(message, /CREDENTIAL_INVALID/);
    assert.match(message, /TOOLGATE_KEY/);
  });
});

interface Snippet {
  readonly mcpServers: {
    readonly toolgate: { readonly command: string; readonly args: readonly string[] };
  };
}

describe('the snippet for Claude Desktop', () => {
  for (const era of ERAS) {
    it(`starts in / with a bare environment (${era})`, async () => {
      await using setting = await createSetting();
      const { directory: HOME, configFile } = setting;
      const echo = program('echo.ts')['args'];
      const servers = { child: { command: 'node', args: echo, autoExecute: ['*'] } };
      // No data directory is named: it is found by HOME alone.
      await writeFile(configFile, JSON.stringify({ mcpServers: servers, gateway: { port: 0 } }));
      const printed = await promisify(execFile)(
        process.execPath,
        [MAIN, 'snippet', 'claude-desktop', '--config', configFile],
        { env: { HOME } },
      );
      const text = printed.stdout.slice(printed.stdout.indexOf('{'));
      const { command, args } = (JSON.parse(text) as Snippet).mcpServers.toolgate;
      await using bridge = await rawStdio({ command, args, cwd: '/', env: { HOME }, era });
      assert.ok((await childOf(bridge)) > 0);
      assert.equal(await ownerOf({ directory: join(HOME, '.local/state/toolgate') }), bridge.pid);
    });
  }
});
