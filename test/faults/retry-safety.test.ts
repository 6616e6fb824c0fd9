// SECURITY R15: wherever an exchange breaks, no call runs twice.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { POSITIONS, type Position, startFaultProxy } from '../support/fault-proxy.ts';
import { count, startGateway, temporaryDirectory } from '../support/gateway.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import {
  type Intercept,
  firstTimes,
  onlyCalls,
  answerWith,
} from '../support/upstreams/http-faults.ts';
import { runsOf } from '../support/upstreams/ledger.ts';
import { type HttpUpstreamOptions, startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, modernClient, until } from './support.ts';

const CALLS = count(200, 10);

/** Where a byte of the call cannot have reached the server. */
const BEFORE: readonly Position[] = ['at the connect', 'on a kept connection, before a byte'];
/** The server has all of it, and may be done. */
const AFTER: readonly Position[] = POSITIONS.slice(POSITIONS.indexOf('before the answer'));

async function ledgerFile(stack: AsyncDisposableStack): Promise<string> {
  const directory = await temporaryDirectory();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'ledger');
}

const KINDS = {
  'HTTP, modern': { era: 'modern' },
  'HTTP, modern, stream': { era: 'modern', respond: 'sse' },
  'HTTP, legacy': { era: 'legacy' },
} as const satisfies Readonly<Record<string, Partial<HttpUpstreamOptions>>>;

for (const [kind, options] of Object.entries(KINDS)) {
  it(
    `${kind}: ${CALLS} calls broken at each of ${POSITIONS.length} places`,
    { timeout: 900_000 },
    async () => {
      await using stack = new AsyncDisposableStack();
      const ledger = await ledgerFile(stack);
      const upstream = stack.use(
        await startHttpUpstream({ ...echoOptions({ ledger }), record: false, ...options }),
      );
      const proxy = stack.use(await startFaultProxy(upstream.port));
      const url = `http://127.0.0.1:${proxy.port}/mcp`;
      const gateway = stack.use(await startGateway({ servers: { target: { url } } }));
      const client = modernClient(gateway);
      for (const position of POSITIONS) {
        for (let n = 0; n < CALLS; n++) {
          const isWell = async () => (await callTool(client, 'target__echo')).code === undefined;
          await until(`${position}, ${n}: the server`, isWell);
          const before = proxy.broken;
          proxy.arm(position);
          const { code, text, ms } = await callTool(client, 'target__count', {
            key: `${position} ${n}`,
          });
          // Something else of the gateway's may have met the fault in the call's place.
          if (proxy.broken > before)
            assert.match(code ?? 'none', /^(?:UPSTREAM_(?:LOST|DOWN)|none)$/, text);
          assert.ok(ms < 5_000, `${position}: it took ${ms} ms`);
        }
      }
      const runs = runsOf(ledger);
      for (const [key, times] of runs) assert.equal(times, 1, `${key} ran ${times} times`);
      const ran = (position: Position): number =>
        [...runs.keys()].filter((key) => key.startsWith(position)).length;
      for (const position of AFTER)
        assert.ok(ran(position) > CALLS / 2, `${position}: ${ran(position)}`);
      for (const position of BEFORE)
        assert.ok(ran(position) < CALLS / 2, `${position}: ${ran(position)}`);
    },
  );
}

const rpcError =
  (status: number, code: number, data: object = {}): Intercept =>
  (request, response, body) => {
    const { id } = JSON.parse(body.toString()) as { id: number };
    const error = { code, message: 'refused', data };
    const type = { 'content-type': 'application/json' };
    return answerWith(status, type, JSON.stringify({ jsonrpc: '2.0', id, error }))(
      request,
      response,
      body,
    );
  };

/** Refusals that prove that the call did not run: it may be sent once more, and no third time. */
const PROOFS: Readonly<Record<string, Intercept>> = {
  'header mismatch': rpcError(400, -32020),
  'unsupported version': rpcError(400, -32022, { supported: ['2026-07-28'], requested: 'x' }),
};

for (const [what, refusal] of Object.entries(PROOFS)) {
  for (const times of [1, 2, 3]) {
    it(`${what}, ${times} times: the call is sent at most once more`, async () => {
      await using stack = new AsyncDisposableStack();
      const ledger = await ledgerFile(stack);
      const intercept = onlyCalls(firstTimes(times, refusal));
      const upstream = stack.use(
        await startHttpUpstream({ ...echoOptions({ ledger }), era: 'modern', intercept }),
      );
      const gateway = stack.use(await startGateway({ servers: { target: { url: upstream.url } } }));
      const params = '{"name":"target__count","arguments":{"key":"one"}}';
      const reply = await modernClient(gateway).request('tools/call', params);
      assert.equal(reply.error === undefined, times === 1, reply.message);
      const sent = upstream.received.filter(({ body }) => body.includes('"tools/call"'));
      assert.equal(sent.length, 2);
      assert.equal(runsOf(ledger).get('one') ?? 0, times === 1 ? 1 : 0);
    });
  }
}
