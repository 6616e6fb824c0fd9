// SECURITY R11: SIGTERM under load.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import {
  type GatewayOptions,
  type GatewayProcess,
  count,
  program,
  startGatewayProcess,
  temporaryDirectory,
} from '../support/gateway.ts';
import { textAt } from '../support/json-text.ts';
import { isAlive } from '../support/processes/alive.ts';
import { descendantsOf } from '../support/processes/descendants.ts';
import { type RawClient, mirrorHeaders, requestText, withEnvelope } from '../support/raw-client.ts';
import { openStream, send } from '../support/raw-http.ts';
import { readLedger } from '../support/upstreams/ledger.ts';
import {
  type Outcome,
  callTool,
  headersOf,
  legacyClient,
  modernClient,
  pidOf,
  sseClient,
  until,
  within,
} from './support.ts';

const CALLERS = count(50, 12);
const DRAIN_S = 4;

const exitOf = async ({ child }: GatewayProcess): Promise<number | null> => {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
};

const start = (servers: GatewayOptions['servers'], drainSeconds = DRAIN_S) =>
  startGatewayProcess({ servers, gateway: { drainSeconds, startSeconds: 2 } });

async function readiness({ url }: GatewayProcess): Promise<number> {
  const response = await send(new URL('/readyz', url).href);
  response.resume();
  return response.statusCode ?? 0;
}

/** Calls one after the other until the gateway takes no more. */
async function caller(client: RawClient, n: number, tell: (outcome: Outcome) => void) {
  for (;;) {
    let outcome: Outcome;
    try {
      outcome = await callTool(client, 'target__delay', { ms: 50 + n * 7, key: `c${n}` });
    } catch (error) {
      // The listener closes at the end: nothing that it had taken is refused.
      assert.match(String((error as NodeJS.ErrnoException).code), /^ECONN(?:REFUSED|RESET)$/);
      return;
    }
    tell(outcome);
    if (outcome.code !== undefined) {
      assert.equal(outcome.code, 'SHUTTING_DOWN', outcome.text);
      return;
    }
  }
}

async function ledgerDirectory(): Promise<AsyncDisposable & { readonly ledger: string }> {
  const directory = await temporaryDirectory();
  return {
    ledger: join(directory, 'ledger'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

it('calls in flight finish, readiness goes off, streams end properly, and no child stays', async () => {
  await using directory = await ledgerDirectory();
  await using gateway = await start({ target: program('echo.ts', '--ledger', directory.ledger) });
  const client = modernClient(gateway);
  // Its goodbye would find no gateway.
  const legacy = await legacyClient(gateway);
  const pid = await pidOf(client, 'target__whoami');
  assert.equal(await readiness(gateway), 200);
  const body = requestText(
    '"ears"',
    'subscriptions/listen',
    withEnvelope('{"notifications":{"toolsListChanged":true}}'),
  );
  const headers = { ...headersOf(gateway), ...mirrorHeaders('subscriptions/listen', '{}') };
  await using listening = await openStream(gateway.url, { headers, body });
  await listening.until(({ data }) => data.includes('acknowledged'));
  await using unasked = await legacy.listen();
  const outcomes: Outcome[] = [];
  const load = Array.from({ length: CALLERS }, (_, n) =>
    caller(n % 2 ? client : legacy, n, (outcome) => outcomes.push(outcome)),
  );
  await until('the load', () => outcomes.length > 2 * CALLERS);
  // In flight when the signal comes, and long enough to be in flight for a while after it.
  const args = { ms: 1_500, key: 'long' };
  const long = [client, legacy].map((one) => callTool(one, 'target__delay', args));
  await until('the long calls', () => {
    const started = readLedger(directory.ledger).filter((entry) => entry.event === 'started');
    return started.filter(({ key }) => key === 'long').length === long.length;
  });
  const held = until('the drain', async () => (await readiness(gateway)) === 503);
  gateway.child.kill('SIGTERM');
  const signalledAt = performance.now();
  await held;
  for (const { code, text } of await Promise.all(long)) assert.equal(code, undefined, text);
  await Promise.all(load);
  assert.equal(await within(DRAIN_S * 1000 + 1_000, 'the exit', exitOf(gateway)), 0);
  assert.ok(performance.now() - signalledAt < DRAIN_S * 1000, 'it waits no longer than it has to');
  await listening.ended;
  const told = listening.messages;
  assert.ok(
    told.some((text) => textAt(text, 'method') === '"notifications/cancelled"'),
    `${told}`,
  );
  assert.equal(textAt(told.at(-1)!, 'id'), '"ears"');
  assert.equal(textAt(told.at(-1)!, 'result', 'resultType'), '"complete"');
  await unasked.ended;
  assert.equal(isAlive(pid), false, 'the child has gone');
});

it('calls longer than the deadline end in a clear error, and the exit is in time', async () => {
  await using gateway = await start({ target: program('hang.ts') }, 1);
  // Its goodbye would find no gateway.
  const legacy = await legacyClient(gateway);
  await using sse = await sseClient(gateway);
  const clients = [modernClient(gateway), legacy, sse];
  const calls = Promise.all(clients.map((client) => callTool(client, 'target__hang')));
  await until(
    'the calls',
    async () => (await callTool(clients[0]!, 'target__quick')).code === undefined,
  );
  gateway.child.kill('SIGTERM');
  const signalledAt = performance.now();
  for (const { code, at, text } of await calls) {
    assert.equal(code, 'SHUTTING_DOWN', text);
    const ms = at - signalledAt;
    assert.ok(ms >= 750 && ms <= 1_250, `it ended ${ms} ms after the signal`);
  }
  assert.equal(await within(2_000, 'the exit', exitOf(gateway)), 0);
});

it('a second SIGTERM ends at once, and takes the children along', async () => {
  const tree = new URL('../support/processes/tree.mjs', import.meta.url).pathname;
  await using gateway = await start(
    { target: program('hang.ts'), stubborn: { command: 'node', args: [tree, 'leader', 'stays'] } },
    60,
  );
  const client = modernClient(gateway);
  callTool(client, 'target__hang').catch(() => {});
  await until('the call', async () => (await callTool(client, 'target__quick')).code === undefined);
  gateway.child.kill('SIGTERM');
  await until('the drain', async () => (await readiness(gateway)) === 503);
  const below = descendantsOf(gateway.child.pid!);
  gateway.child.kill('SIGTERM');
  const code = await within(1_000, 'the exit', exitOf(gateway));
  assert.equal(code, 1);
  await until('the end of all children', () => !below.some(isAlive));
});
