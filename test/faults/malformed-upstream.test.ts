// SECURITY R06: what an upstream sends that is no proper answer costs at most the call that it answers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorCode } from '../../src/core/errors.ts';
import { type TestGateway, count, program, startGateway } from '../support/gateway.ts';
import type { RawClient } from '../support/raw-client.ts';
import { LIES, lieOptions } from '../support/upstreams/lie.ts';
import { type HttpUpstreamOptions, startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, inTime, modernClient, mustCall, until, workers } from './support.ts';

const SEED = 4_711;
const COUNT = count(10_000, 600);
const AT_ONCE = 20;
const TIMEOUT_MS = 1_000;
/** A broken answer under a known id ends its call so soon, not at the deadline. */
const AT_ONCE_MS = 100;
const timed = { toolTimeouts: { lie: TIMEOUT_MS / 1000 } };
/** Far above the deadline: a call that hung would take longer. */
const HUNG_MS = 10_000;

interface Lying extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly client: RawClient;
}

async function overStdio(era: 'legacy' | 'modern'): Promise<Lying> {
  const entry = program('lie.ts', '--era', era);
  const gateway = await startGateway({ servers: { target: { ...entry, ...timed } } });
  const client = modernClient(gateway);
  return { gateway, client, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

async function overHttp(options: Partial<HttpUpstreamOptions>): Promise<Lying> {
  const upstream = await startHttpUpstream({ ...lieOptions(), record: false, ...options });
  const entry = { url: upstream.url, type: options.transport ?? 'http' };
  const gateway = await startGateway({ servers: { target: { ...entry, ...timed } } });
  return {
    gateway,
    client: modernClient(gateway),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Transports on which many calls share one channel find an answer by its id alone. */
const CHANNELS: Readonly<Record<string, () => Promise<Lying>>> = {
  'stdio, modern': () => overStdio('modern'),
  'stdio, legacy': () => overStdio('legacy'),
  'HTTP+SSE': () => overHttp({ transport: 'sse' }),
};

const POSTS: Readonly<Record<string, () => Promise<Lying>>> = {
  'HTTP, modern, JSON': () => overHttp({ era: 'modern', respond: 'auto' }),
  'HTTP, modern, stream': () => overHttp({ era: 'modern', respond: 'sse' }),
  'HTTP, legacy, JSON': () => overHttp({ era: 'legacy', respond: 'auto' }),
  'HTTP, legacy, stream': () => overHttp({ era: 'legacy', respond: 'sse' }),
};

/** These end the program. */
const DEADLY = 'half a line, then the end';

const INVALID_AT_ONCE = [
  'malformed',
  'invalid UTF-8',
  'trailing junk',
  'result and error',
  'neither result nor error',
  'no jsonrpc',
  'result is a string',
  'result is null',
  'error is a string',
  'too deep',
];

/** Where nothing says whose answer it is, the call waits for its deadline. */
const NO_ANSWER = ['wrong id', 'id null', 'id missing', 'malformed without id', 'not JSON'];

const TRUE_ALL_THE_SAME = [
  'wrong id, then right',
  'malformed, then right',
  'answered twice',
  'a request with the same id',
  'an unknown request',
  'progress with an unknown token',
  'progress without params',
  'progress with a key twice',
  'an update with a key twice',
  'a change with odd params',
  'many malformed, then right',
  'empty lines, then right',
];

function assertOne(how: string, code: ErrorCode | undefined, text: string): void {
  if (code !== undefined) {
    assert.match(code, /^UPSTREAM_(?:INVALID|LOST|TIMEOUT|REFUSED)$/, `${how}: ${text}`);
    assert.match(text, /"target"/, `${how}: the error names the server`);
  }
}

// Mostly they wait for deadlines, so they may do it together.
describe(
  'each lie ends in a result or a clear error, and the next call goes well',
  { concurrency: true },
  () => {
    for (const [kind, start] of Object.entries(CHANNELS)) {
      it(kind, async () => {
        await using lying = await start();
        const { client } = lying;
        for (const how of Object.keys(LIES)) {
          if (how === DEADLY) continue;
          const { code, text, ms } = await callTool(client, 'target__lie', { how });
          assertOne(how, code, text);
          assert.ok(ms < HUNG_MS, `${how}: it took ${ms} ms`);
          if (TRUE_ALL_THE_SAME.includes(how)) assert.equal(code, undefined, `${how}: ${text}`);
          if (NO_ANSWER.includes(how)) assert.equal(code, 'UPSTREAM_TIMEOUT', how);
          await mustCall(client, 'target__good');
        }
      });
    }
    for (const [kind, start] of Object.entries(POSTS)) {
      it(kind, async () => {
        await using lying = await start();
        const { client } = lying;
        for (const how of Object.keys(LIES)) {
          if (how === DEADLY) continue;
          const { code, text } = await callTool(client, 'target__lie', { how });
          assertOne(how, code, text);
          if (INVALID_AT_ONCE.includes(how))
            assert.equal(code, 'UPSTREAM_INVALID', `${how}: ${text}`);
          await mustCall(client, 'target__good');
        }
      });
    }
  },
);

for (const [kind, start] of Object.entries(CHANNELS)) {
  it(`${kind}: a malformed answer fails its call at once, and no other call`, async () => {
    await using lying = await start();
    const { client } = lying;
    await mustCall(client, 'target__good');
    for (const how of INVALID_AT_ONCE) {
      const bystander = callTool(client, 'target__lie', { how: 'wrong id, then right' });
      const run = () => callTool(client, 'target__lie', { how });
      const { code, text, ms } = await inTime((took) => took < AT_ONCE_MS, run);
      assert.equal(code, 'UPSTREAM_INVALID', `${how}: ${text}`);
      assert.ok(ms < AT_ONCE_MS, `${how}: it took ${ms} ms`);
      assert.equal((await bystander).code, undefined);
    }
  });
}

const KINDS = { ...CHANNELS, ...POSTS };

for (const [n, [kind, start]] of Object.entries(KINDS).entries()) {
  const each = Math.ceil(COUNT / Object.keys(KINDS).length);
  const from = SEED + n * each;
  it(
    `${each} malformed answers over ${kind}, seeds from ${from}`,
    { timeout: 600_000 },
    async () => {
      await using lying = await start();
      const { client } = lying;
      let next = from;
      await workers(AT_ONCE, async () => {
        for (let seed = next++; seed < from + each; seed = next++) {
          const args = { how: 'malformed somehow', seed };
          const { code, text } = await callTool(client, 'target__lie', args);
          assertOne(`seed ${seed}`, code, text);
        }
      });
      await mustCall(client, 'target__good');
    },
  );
}

it('a server that dies in the middle of its answer is started again', async () => {
  await using lying = await overStdio('modern');
  const { client } = lying;
  const { code } = await callTool(client, 'target__lie', { how: DEADLY });
  assert.equal(code, 'UPSTREAM_LOST');
  await until(
    'the restart',
    async () => (await callTool(client, 'target__good')).code === undefined,
  );
});
