// SECURITY R19: legacy sessions that are opened and dropped end by themselves, and free what they held.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { count, startGateway } from '../support/gateway.ts';
import { type RawLegacyClient } from '../support/raw-client.ts';
import { rawPost } from '../support/raw-http.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, legacyClient, mustCall, until, workers } from './support.ts';

const SESSIONS = count(2_000, 200);
const TTL_S = count(20, 2);
const AT_ONCE = 20;

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

/** Opens sessions as hosts do that vanish: some have called, some listen, none says goodbye. */
async function openAll(gateway: { url: string; key: string }): Promise<RawLegacyClient[]> {
  const clients: RawLegacyClient[] = [];
  await workers(AT_ONCE, async (worker) => {
    while (clients.length < SESSIONS) {
      const client = await legacyClient(gateway);
      if (clients.push(client) % 3 === worker % 3) {
        await client.request('resources/subscribe', '{"uri":"fixture://live"}');
        (await client.listen()).close();
      }
    }
  });
  return clients;
}

const statusOf = async (url: string, { headers }: RawLegacyClient): Promise<number> =>
  (await rawPost(url, PING, headers)).status;

it(`${SESSIONS} sessions are dropped and end after ${TTL_S} s`, { timeout: 300_000 }, async (t) => {
  await using upstream = await startHttpUpstream({ ...echoOptions(), record: false });
  await using gateway = await startGateway({
    servers: { target: { url: upstream.url } },
    gateway: { sessionSeconds: TTL_S, maxSessions: SESSIONS + AT_ONCE },
  });
  const dropped = await openAll(gateway);
  const openedAt = performance.now();
  assert.equal(await statusOf(gateway.url, dropped.at(-1)!), 200);
  const more = () =>
    rawPost(
      gateway.url,
      '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}',
      gateway.headers,
    );
  // All places are taken by now: the number of sessions is what tells when they have gone.
  const statuses = await Promise.all(Array.from({ length: 2 * AT_ONCE }, more));
  assert.ok(
    statuses.some(({ status }) => status === 503),
    'there is a limit',
  );
  await until(
    'the places to be free',
    async () => (await more()).status === 200,
    TTL_S * 2_000 + 1_000,
  );
  const ms = performance.now() - openedAt;
  t.diagnostic(`the first place was free after ${ms.toFixed(0)} ms`);
  await until(
    'the end of the sessions',
    async () => {
      // Asking keeps a session alive, so each is asked once, when its time is over.
      if (performance.now() - openedAt < TTL_S * 1_500) return false;
      const found = await Promise.all(dropped.map((client) => statusOf(gateway.url, client)));
      return found.every((status) => status === 404);
    },
    TTL_S * 2_000 + 5_000,
  );
  await using fresh = await legacyClient(gateway);
  await mustCall(fresh, 'target__echo');
});

it('a session that is used, or has a call in flight, or a stream, does not end', async () => {
  await using upstream = await startHttpUpstream({ ...echoOptions(), record: false });
  await using gateway = await startGateway({
    servers: { target: { url: upstream.url } },
    gateway: { sessionSeconds: 0.5 },
  });
  await using calling = await legacyClient(gateway);
  await using listening = await legacyClient(gateway);
  const idle = await legacyClient(gateway);
  await using stream = await listening.listen();
  assert.equal((await callTool(calling, 'target__delay', { ms: 1_500 })).code, undefined);
  assert.equal(await statusOf(gateway.url, calling), 200);
  assert.equal(await statusOf(gateway.url, listening), 200);
  assert.equal(await statusOf(gateway.url, idle), 404);
  stream.close();
});
