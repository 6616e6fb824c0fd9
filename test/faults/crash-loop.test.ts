// A server that dies again and again: at its start, or as soon as it has come up. It costs little, and says why.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { count, program, startGateway, temporaryDirectory } from '../support/gateway.ts';
import { LAST_WORDS } from '../support/upstreams/crash.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { readLedger } from '../support/upstreams/ledger.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, modernClient, mustCall, until } from './support.ts';

/** So many starts, with full jitter and delays that double, take far longer than the time watched. */
const WATCH_MS = count(30_000, 8_000);
const MOST_STARTS = count(12, 9);

for (const [what, processes, ...flags] of [
  // It may be a legacy server that takes no other request than initialize, so it is tried with that as well.
  ['at its start', 2],
  ['as soon as it has listed', 1, '--after-lists', '1'],
] as const) {
  it(`a server that dies ${what} is started less and less often`, async (t) => {
    const directory = await temporaryDirectory();
    t.after(() => rm(directory, { recursive: true, force: true }));
    const ledger = join(directory, 'ledger');
    await using sound = await startHttpUpstream(echoOptions());
    await using gateway = await startGateway({
      servers: {
        dying: program('crash.ts', '--ledger', ledger, ...flags),
        sound: { url: sound.url },
      },
    });
    const client = modernClient(gateway);
    const endsAt = performance.now() + WATCH_MS;
    await until(
      'the end of the watch',
      async () => {
        await mustCall(client, 'sound__delay', { ms: 100 });
        return performance.now() >= endsAt;
      },
      WATCH_MS + 5_000,
    );
    const starts = readLedger(ledger).filter(({ event }) => event === 'started').length;
    t.diagnostic(`${starts} starts in ${WATCH_MS / 1000} s`);
    assert.ok(starts >= 2 && starts < MOST_STARTS * processes, `${starts} starts`);
    const { state, reason } = gateway.app.statuses().find(({ name }) => name === 'dying')!;
    assert.notEqual(state, 'ready');
    assert.match(String(reason), new RegExp(LAST_WORDS));
  });
}

it('a server that dies in each call ends that call with its last words, and serves the next', async () => {
  await using gateway = await startGateway({
    servers: { dying: program('crash.ts', '--after-calls', '1') },
  });
  const client = modernClient(gateway);
  for (let n = 0; n < count(20, 3); n++) {
    const { code, text, ms } = await until('an answer from it', async () => {
      const outcome = await callTool(client, 'dying__work', { key: `k${n}` });
      return outcome.code !== 'UPSTREAM_DOWN' && outcome;
    });
    assert.equal(code, 'UPSTREAM_LOST', text);
    assert.match(text, new RegExp(`exited with code 3, saying: ${LAST_WORDS}`));
    assert.ok(ms < 5_000, `it took ${ms} ms`);
  }
});
