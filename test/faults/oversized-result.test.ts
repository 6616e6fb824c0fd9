// SECURITY R05: a result of 50 MiB while other calls run, above and below the cap.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Servers, count, program, startGateway } from '../support/gateway.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { type HttpUpstreamOptions, startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, legacyClient, modernClient, mustCall, pidOf, sseClient } from './support.ts';

const MIB = 1024 * 1024;
const SIZE = count(50, 20);
const BYTES = SIZE * MIB;
const OTHERS = 20;

interface Upstream extends AsyncDisposable {
  readonly entry: Servers[string];
}

const stdio = async (...args: string[]): Promise<Upstream> => ({
  entry: program('echo.ts', ...args),
  [Symbol.asyncDispose]: async () => {},
});

async function http(options: Partial<HttpUpstreamOptions>): Promise<Upstream> {
  const upstream = await startHttpUpstream({ ...echoOptions(), record: false, ...options });
  return {
    entry: { url: upstream.url, type: options.transport ?? 'http' },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

const KINDS: Readonly<Record<string, () => Promise<Upstream>>> = {
  'stdio, modern': () => stdio(),
  'stdio, legacy': () => stdio('--era', 'legacy'),
  'HTTP, JSON': () => http({}),
  'HTTP, stream': () => http({ respond: 'sse' }),
  'HTTP, legacy, stream': () => http({ era: 'legacy', respond: 'sse' }),
  'HTTP+SSE': () => http({ transport: 'sse' }),
};

for (const [kind, start] of Object.entries(KINDS)) {
  for (const [cap, code] of [
    [64 * MIB, undefined],
    [MIB, 'RESULT_TOO_LARGE'],
  ] as const) {
    it(`${kind}: ${SIZE} MiB under a cap of ${cap / MIB} MiB`, async () => {
      await using upstream = await start();
      const target = { ...upstream.entry, maxMessageBytes: cap, timeoutSeconds: 60 };
      await using gateway = await startGateway({ servers: { target } });
      const client = modernClient(gateway);
      await using legacy = await legacyClient(gateway);
      const pid = await pidOf(client, 'target__whoami');
      const one = (n: number) =>
        callTool(n % 2 ? client : legacy, 'target__delay', { ms: n * 20, key: `k${n}` });
      const before = Array.from({ length: OTHERS / 2 }, (_, n) => one(n));
      const big = callTool(client, 'target__big', { bytes: BYTES });
      const after = Array.from({ length: OTHERS / 2 }, (_, n) => one(n));
      for (const other of await Promise.all([...before, ...after])) {
        assert.equal(other.code, undefined, other.text);
      }
      const result = await big;
      assert.equal(result.code, code);
      if (code === undefined) assert.equal(result.text.length, BYTES);
      else assert.match(result.text, new RegExp(`"target".*maxMessageBytes \\(${cap}\\)`));
      assert.equal(await pidOf(client, 'target__whoami'), pid, 'the same process still serves');
    });
  }
}

it('a large result reaches clients of every door whole', async () => {
  await using upstream = await stdio();
  await using gateway = await startGateway({ servers: { target: upstream.entry } });
  await using legacy = await legacyClient(gateway);
  await using sse = await sseClient(gateway);
  for (const client of [modernClient(gateway), legacy, sse]) {
    const text = await mustCall(client, 'target__big', { bytes: 8 * MIB });
    assert.equal(text.length, 8 * MIB);
  }
});
