// SECURITY R07, R09, R10: an upstream that never answers, and callers that give up.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type GatewayOptions,
  program,
  startGateway,
  temporaryDirectory,
} from '../support/gateway.ts';
import { type RawClient, requestText, withEnvelope, mirrorHeaders } from '../support/raw-client.ts';
import { POST_HEADERS, send } from '../support/raw-http.ts';
import { floodOptions } from '../support/upstreams/flood.ts';
import { hangOptions } from '../support/upstreams/hang.ts';
import { readLedger } from '../support/upstreams/ledger.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import {
  callTool,
  headersOf,
  inTime,
  legacyClient,
  modernClient,
  mustCall,
  sseClient,
  until,
  within,
} from './support.ts';

const TIMEOUT_MS = 700;
const TOLERANCE_MS = 250;
/** From the caller's cancellation to the upstream's hearing of it. */
const HEARD_MS = 500;
const timed = { timeoutSeconds: TIMEOUT_MS / 1000 };

/** A hanging upstream and a ledger of what its calls saw. */
interface Hanging extends AsyncDisposable {
  readonly entry: GatewayOptions['servers'][string];
  readonly saw: (event: 'started' | 'cancelled', key: string) => boolean;
}

async function stdioHang(): Promise<Hanging> {
  const directory = await temporaryDirectory();
  const ledger = join(directory, 'ledger');
  return {
    entry: program('hang.ts', '--ledger', ledger),
    saw: (event, key) => readLedger(ledger).some((one) => one.event === event && one.key === key),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

const httpHang =
  (transport: 'http' | 'sse', era: 'legacy' | 'modern') => async (): Promise<Hanging> => {
    const directory = await temporaryDirectory();
    const ledger = join(directory, 'ledger');
    const upstream = await startHttpUpstream({ ...hangOptions({ ledger }), transport, era });
    return {
      entry: { url: upstream.url, type: transport },
      saw: (event, key) => readLedger(ledger).some((one) => one.event === event && one.key === key),
      async [Symbol.asyncDispose]() {
        await upstream[Symbol.asyncDispose]();
        await rm(directory, { recursive: true, force: true });
      },
    };
  };

const KINDS: Readonly<Record<string, () => Promise<Hanging>>> = {
  stdio: stdioHang,
  'HTTP, modern': httpHang('http', 'modern'),
  'HTTP, legacy': httpHang('http', 'legacy'),
  'HTTP+SSE': httpHang('sse', 'legacy'),
};

for (const [kind, start] of Object.entries(KINDS)) {
  test(`${kind}: a call without an answer ends at its deadline and is cancelled`, async () => {
    await using upstream = await start();
    await using gateway = await startGateway({
      servers: { target: { ...upstream.entry, ...timed } },
    });
    const client = modernClient(gateway);
    const onTime = (ms: number) => Math.abs(ms - TIMEOUT_MS) <= TOLERANCE_MS;
    const run = () => callTool(client, 'target__hang', { key: 'late' });
    const { code, ms, text } = await inTime(onTime, run);
    assert.equal(code, 'UPSTREAM_TIMEOUT');
    assert.match(text, /"target".*timeoutSeconds/);
    assert.ok(onTime(ms), `it ended after ${ms} ms`);
    await until('the cancel', () => upstream.saw('cancelled', 'late'), HEARD_MS);
    await mustCall(client, 'target__quick');
  });

  test(`${kind}: a caller's own cancellation goes on to the upstream`, async () => {
    await using upstream = await start();
    await using gateway = await startGateway({ servers: { target: upstream.entry } });
    for (const era of ['modern', 'legacy'] as const) {
      const heard = until('the start', () => upstream.saw('started', era));
      const cancel = await (era === 'modern' ? modernHang : legacyHang)(gateway, era);
      await heard;
      await cancel();
      await until(`${era}: the cancel`, () => upstream.saw('cancelled', era), HEARD_MS);
    }
  });
}

interface Reachable {
  readonly url: string;
  readonly key: string;
}

/** Starts a call that hangs. @returns what cancels it: a modern client closes its stream */
async function modernHang(gateway: Reachable, key: string): Promise<() => Promise<void>> {
  const params = `{"name":"target__hang","arguments":{"key":"${key}"}}`;
  const body = requestText('1', 'tools/call', withEnvelope(params));
  const headers = {
    ...POST_HEADERS,
    ...mirrorHeaders('tools/call', params),
    ...headersOf(gateway),
  };
  const closing = new AbortController();
  const gone = assert.rejects(
    send(gateway.url, { method: 'POST', headers, body, signal: closing.signal }),
  );
  return async () => {
    closing.abort();
    await gone;
  };
}

/** The same in a session, where `notifications/cancelled` does it. */
async function legacyHang(gateway: Reachable, key: string): Promise<() => Promise<void>> {
  const client = await legacyClient(gateway);
  const params = `{"name":"target__hang","arguments":{"key":"${key}"}}`;
  // No answer is due to a call that was cancelled: the stream ends without one.
  const gone = assert.rejects(client.request('tools/call', params, '"mine"'), /No answer/);
  return async () => {
    await client.notify('notifications/cancelled', '{"requestId":"mine"}');
    await within(HEARD_MS, 'the end of the cancelled exchange', gone);
    await client[Symbol.asyncDispose]();
  };
}

test('a legacy caller that is cut off has not cancelled', async () => {
  await using upstream = await stdioHang();
  await using gateway = await startGateway({
    servers: { target: { ...upstream.entry, ...timed } },
  });
  await using client = await legacyClient(gateway);
  const params = '{"name":"target__hang","arguments":{"key":"cut"}}';
  const closing = new AbortController();
  const headers = { ...POST_HEADERS, ...client.headers };
  const body = requestText('"cut"', 'tools/call', params);
  const startedAt = performance.now();
  const gone = assert.rejects(
    send(gateway.url, { method: 'POST', headers, body, signal: closing.signal }),
  );
  await until('the start', () => upstream.saw('started', 'cut'));
  closing.abort();
  await gone;
  await until('the deadline', () => upstream.saw('cancelled', 'cut'));
  const ms = performance.now() - startedAt;
  assert.ok(ms >= TIMEOUT_MS, `it was cancelled after ${ms} ms, before its deadline`);
});

test('over HTTP+SSE the notification cancels as well', async () => {
  await using upstream = await stdioHang();
  await using gateway = await startGateway({ servers: { target: upstream.entry } });
  await using client = await sseClient(gateway);
  const params = '{"name":"target__hang","arguments":{"key":"sse"}}';
  // Nothing comes for it any more, so nobody waits for it.
  client.request('tools/call', params, '77').catch(() => {});
  await until('the start', () => upstream.saw('started', 'sse'));
  await client.notify('notifications/cancelled', '{"requestId":77}');
  await until('the cancel', () => upstream.saw('cancelled', 'sse'), HEARD_MS);
});

const progress = (ms: number, steps: number) => ({ name: 'target__progress', args: { ms, steps } });

const stepping = async (client: RawClient, { name, args }: ReturnType<typeof progress>) =>
  callTool(client, name, args, ',"_meta":{"progressToken":"p"}');

test('progress puts the deadline off', async () => {
  await using gateway = await startGateway({
    servers: { target: { ...program('echo.ts'), ...timed } },
  });
  // Longer than the timeout in all, never longer without a word.
  const { code, text, ms } = await stepping(modernClient(gateway), progress(TIMEOUT_MS / 5, 10));
  assert.equal(code, undefined, text);
  assert.ok(ms > TIMEOUT_MS);
});

for (const transport of ['stdio', 'http', 'sse'] as const) {
  test(`${transport}: progress for ever ends at maxTimeoutSeconds`, async () => {
    await using upstream = await startHttpUpstream({
      ...floodOptions(),
      transport: transport === 'sse' ? 'sse' : 'http',
    });
    const entry =
      transport === 'stdio' ? program('echo.ts') : { url: upstream.url, type: transport };
    // Progress comes every 50 ms, but a busy machine may hold it up.
    const limits = { timeoutSeconds: 1.9, maxTimeoutSeconds: 2 };
    await using gateway = await startGateway({ servers: { target: { ...entry, ...limits } } });
    const client = modernClient(gateway);
    const onTime = (ms: number) => Math.abs(ms - 2_000) <= TOLERANCE_MS;
    const { code, text, ms } = await inTime(onTime, () =>
      transport === 'stdio'
        ? stepping(client, progress(50, 1_000))
        : callTool(client, 'target__flood', { bytes: 10 }, ',"_meta":{"progressToken":1}'),
    );
    assert.equal(code, 'UPSTREAM_TIMEOUT');
    assert.match(text, /maxTimeoutSeconds/);
    assert.ok(onTime(ms), `it ended after ${ms} ms`);
  });
}
