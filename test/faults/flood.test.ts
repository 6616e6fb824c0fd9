// SECURITY R17, R23: an upstream that sends without end what nobody asked for.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { count, program, startGatewayProcess } from '../support/gateway.ts';
import { rawPost } from '../support/raw-http.ts';
import { requestText, withEnvelope, mirrorHeaders } from '../support/raw-client.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { FLOOD_KINDS, floodOptions } from '../support/upstreams/flood.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, headersOf, modernClient, mustCall, residentBytes, until } from './support.ts';

/** Calls of the neighbour that must go well under the flood. */
const CALLS = count(1_000, 40);
/** Far more than they need, and far less than a deadline that somebody else has used up. */
const SLOW_MS = 5_000;
const MIB = 1024 * 1024;
/** Over a garbage collector's ease, which is no leak. */
const MAX_GROWTH = 250 * MIB;

for (const kind of FLOOD_KINDS) {
  it(
    `a child that floods with ${kind} from its start spoils no other server`,
    { timeout: 300_000 },
    async (t) => {
      await using sound = await startHttpUpstream({ ...echoOptions(), record: false });
      await using gateway = await startGatewayProcess({
        servers: { flood: program('flood.ts', '--kind', kind), sound: { url: sound.url } },
        gateway: { startSeconds: 3, logLevel: 'debug' },
      });
      const client = modernClient(gateway);
      const before = residentBytes(gateway.child.pid!) ?? 0;
      const { servers } = (await (await fetch(new URL('/readyz', gateway.url))).json()) as {
        servers: Record<string, { state: string }>;
      };
      assert.equal(servers['sound']?.state, 'ready');
      let worst = 0;
      for (let n = 0; n < CALLS; n++) {
        const { code, text, ms } = await callTool(client, 'sound__echo', { n });
        assert.equal(code, undefined, text);
        worst = Math.max(worst, ms);
      }
      const grown = (residentBytes(gateway.child.pid!) ?? 0) - before;
      const logged = gateway.log().length;
      t.diagnostic(
        `slowest ${worst.toFixed(0)} ms, ${grown / MIB} MiB more, ${logged} characters of log`,
      );
      assert.ok(worst < SLOW_MS, `a call took ${worst} ms`);
      assert.ok(grown < MAX_GROWTH, `it grew by ${grown / MIB} MiB`);
      assert.ok(logged < 5 * MIB, `${logged} characters of log`);
    },
  );
}

const SENT = count(100_000, 10_000);
const ASKED_KINDS = count(5, 3);

for (const transport of ['stdio', 'http', 'sse'] as const) {
  const kinds = ['progress', 'stdout', 'changes', 'log', 'notifications'] as const;
  for (const kind of kinds.slice(0, ASKED_KINDS)) {
    if (kind === 'stdout' && transport !== 'stdio') continue;
    it(
      `${transport}: a call that sends ${SENT} of ${kind} before its result gets through`,
      { timeout: 300_000 },
      async () => {
        await using upstream = await startHttpUpstream({
          ...floodOptions(),
          record: false,
          transport: transport === 'sse' ? 'sse' : 'http',
        });
        const url = { url: upstream.url, type: transport };
        const flood = transport === 'stdio' ? program('flood.ts') : url;
        await using sound = await startHttpUpstream({ ...echoOptions(), record: false });
        await using gateway = await startGatewayProcess({
          servers: { flood, sound: { url: sound.url } },
        });
        const client = modernClient(gateway);
        const before = residentBytes(gateway.child.pid!) ?? 0;
        const progress = { isOver: false };
        const args = JSON.stringify({ kind, count: SENT, bytes: 100 });
        const params = `{"name":"flood__flood","arguments":${args},"_meta":{"progressToken":"p"}}`;
        const body = requestText('1', 'tools/call', withEnvelope(params));
        const headers = { ...headersOf(gateway), ...mirrorHeaders('tools/call', params) };
        const flooded = rawPost(gateway.url, body, headers).finally(() => {
          progress.isOver = true;
        });
        while (!progress.isOver) await mustCall(client, 'sound__echo');
        const { messages } = await flooded;
        assert.match(messages.at(-1)!, new RegExp(`"${SENT} sent"`));
        if (kind === 'progress') assert.ok(messages.length > 1, 'progress is passed on');
        const grown = (residentBytes(gateway.child.pid!) ?? 0) - before;
        assert.ok(grown < MAX_GROWTH, `it grew by ${grown / MIB} MiB`);
        await until(
          'the next call',
          async () => (await callTool(client, 'flood__quick')).code === undefined,
        );
      },
    );
  }
}
