// Many clients that all use the same request id: no answer reaches a wrong one.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { count, program, startGatewayProcess } from '../support/gateway.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { membersOf, textAt } from '../support/json-text.ts';
import { mirrorHeaders, requestText, withEnvelope } from '../support/raw-client.ts';
import { type RawClient, rawLegacy, rawSse, rawStdio } from '../support/raw-client.ts';
import { rawPost } from '../support/raw-http.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';

const CLIENTS = count(200, 40);
const CALLS = count(50_000, 2_000);
const STDIO_BRIDGES = 2;
const MAX_DELAY_MS = 20;
const SEED = 20_260_728;

const MAIN = join(fileURLToPath(new URL('../..', import.meta.url)), 'src/main.ts');

/** mulberry32: the same calls in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Caller {
  readonly name: string;
  /** @returns the whole message that answered */
  call(params: string): Promise<string>;
  close(): PromiseLike<void>;
}

/** Each request on a connection of the pool, as an agent of a host does. */
function modernCaller(name: string, url: string, key: string): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  return {
    name,
    async call(params) {
      const body = requestText('1', 'tools/call', withEnvelope(params));
      const headers = { ...mirrorHeaders('tools/call', params), authorization: `Bearer ${key}` };
      const { messages } = await rawPost(url, body, headers, { agent });
      assert.equal(messages.length, 1);
      return messages[0]!;
    },
    close: async () => agent.destroy(),
  };
}

const callerOf = (name: string, client: RawClient): Caller => ({
  name,
  call: async (params) => (await client.request('tools/call', params, '1')).message,
  close: () => client[Symbol.asyncDispose](),
});

async function openCaller(n: number, gateway: GatewayProcess): Promise<Caller> {
  const { url, key, configFile } = gateway;
  const headers = { authorization: `Bearer ${key}` };
  const name = `client-${n}`;
  if (n < STDIO_BRIDGES) {
    const args = [MAIN, 'stdio', '--config', configFile];
    const era = n % 2 === 0 ? 'legacy' : 'modern';
    const command = process.execPath;
    return callerOf(name, await rawStdio({ command, args, era }));
  }
  if (n % 3 === 0) return modernCaller(name, url, key);
  if (n % 3 === 1) return callerOf(name, await rawLegacy(url, { headers }));
  return callerOf(name, await rawSse(new URL('/sse', url).href, { headers }));
}

/** Calls one after the other: the id is always 1, as the specification allows once a request is answered. */
async function run(caller: Caller, calls: number, random: () => number): Promise<void> {
  for (let n = 0; n < calls; n++) {
    const server = random() < 0.5 ? 'child' : 'web';
    const identity = `${caller.name} call ${n} of ${server}`;
    const ms = Math.floor(random() * MAX_DELAY_MS);
    const args = JSON.stringify({ identity, ms });
    const message = await caller.call(`{"name":"${server}__delay","arguments":${args}}`);
    assert.equal(textAt(message, 'id'), '1');
    assert.equal(textAt(message, 'result', 'structuredContent', 'echo'), args, identity);
    const keys = membersOf(message).map(({ key }) => key);
    assert.deepEqual(keys, ['jsonrpc', 'id', 'result']);
  }
}

describe(`${CLIENTS} clients with one request id, ${CALLS} calls`, () => {
  it('get their own answers', async () => {
    await using web = await startHttpUpstream({ ...echoOptions({ name: 'web' }), record: false });
    await using gateway = await startGatewayProcess({
      servers: { child: program('echo.ts'), web: { url: web.url } },
      gateway: { logLevel: 'error' },
    });
    const numbers = Array.from({ length: CLIENTS }, (_, n) => n);
    const callers = await Promise.all(numbers.map((n) => openCaller(n, gateway)));
    try {
      const each = Math.ceil(CALLS / CLIENTS);
      await Promise.all(callers.map((caller, n) => run(caller, each, createRandom(SEED + n))));
    } finally {
      await Promise.all(callers.map((caller) => caller.close()));
    }
  });
});
