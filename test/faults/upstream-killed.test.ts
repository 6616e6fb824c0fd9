// SECURITY R01: a stdio upstream is killed at random points under many callers.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { count, program, startGateway, temporaryDirectory } from '../support/gateway.ts';
import { seededRandom } from '../support/malformed.ts';
import type { RawClient } from '../support/raw-client.ts';
import { readLedger, runsOf } from '../support/upstreams/ledger.ts';
import {
  type Outcome,
  callTool,
  legacyClient,
  modernClient,
  pidOf,
  until,
  within,
} from './support.ts';

const SEED = 20_260_901;
const KILLS = count(100, 8);
const CALLERS = count(50, 10);
/** After a kill every call has ended by then. */
const END_MS = 1_000;

/** Callers that go on until told to stop; one whose call failed waits until the upstream is back. */
class Load {
  /** Calls that have not been answered, by their keys. */
  readonly flights = new Map<string, Promise<Outcome>>();
  /** How the calls ended, by the keys they carried. */
  readonly outcomes = new Map<string, string>();
  readonly #random: () => number;
  #back = Promise.withResolvers<void>();
  #stopped = false;

  constructor(random: () => number) {
    this.#random = random;
    this.#back.resolve();
  }

  down(): void {
    this.#back = Promise.withResolvers<void>();
  }

  back(): void {
    this.#back.resolve();
  }

  stop(): void {
    this.#stopped = true;
    this.back();
  }

  async caller(client: RawClient, name: string): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const key = `${name}-${n}`;
      const flight = callTool(client, 'target__count', {
        key,
        ms: Math.floor(this.#random() * 20),
      });
      this.flights.set(key, flight);
      const { code, text } = await flight.finally(() => this.flights.delete(key));
      this.outcomes.set(key, code ?? 'result');
      if (code === undefined) continue;
      assert.match(code, /^UPSTREAM_(?:LOST|DOWN)$/, text);
      await this.#back.promise;
    }
  }
}

/**
 * Calls end in time. One that reached the gateway only after the kill may have waited for the restart: then it was
 * run by the new process, or by none.
 */
async function endSoon(
  flights: readonly (readonly [string, Promise<Outcome>])[],
  killed: number,
  ledger: string,
): Promise<void> {
  const endIt = ([key, flight]: (typeof flights)[number]) =>
    within(END_MS, key, flight).then(
      () => [],
      () => [{ key, flight }],
    );
  const late = (await Promise.all(flights.map(endIt))).flat();
  for (const { key, flight } of late) {
    const { code, text } = await within(10_000, key, flight);
    if (code !== undefined) assert.equal(code, 'UPSTREAM_DOWN', text);
    const ran = readLedger(ledger).filter((entry) => entry.key === key);
    assert.ok(
      !ran.some(({ pid }) => pid === killed),
      `${key} was in flight and took over ${END_MS} ms`,
    );
  }
}

test(`${KILLS} kills under ${CALLERS} callers`, { timeout: 600_000 }, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const directory = await temporaryDirectory();
  t.after(() => rm(directory, { recursive: true, force: true }));
  const ledger = join(directory, 'ledger');
  await using gateway = await startGateway({
    servers: { target: program('echo.ts', '--ledger', ledger) },
  });
  await using legacy = await legacyClient(gateway);
  const modern = modernClient(gateway);
  const random = seededRandom(SEED);
  const load = new Load(random);
  const callers = Promise.all(
    Array.from({ length: CALLERS }, (_, n) => load.caller(n % 2 ? modern : legacy, `c${n}`)),
  );
  const aborted = callers.then(() => assert.fail('the callers ended'));
  aborted.catch(() => {});

  for (let n = 0; n < KILLS; n++) {
    const pid = await pidOf(modern, 'target__whoami');
    const goal = load.outcomes.size + Math.floor(random() * 3 * CALLERS);
    await Promise.race([until(`${goal} answers`, () => load.outcomes.size >= goal), aborted]);
    load.down();
    process.kill(pid, 'SIGKILL');
    await endSoon([...load.flights], pid, ledger);
    const isBack = async () => (await callTool(modern, 'target__whoami')).code === undefined;
    await until('the upstream to be back', isBack, 10_000);
    load.back();
  }
  load.stop();
  await callers;

  const ran = runsOf(ledger);
  const twice = [...ran].filter(([, times]) => times > 1);
  assert.deepEqual(twice, [], 'no tool runs twice');
  const results = [...load.outcomes].filter(([, outcome]) => outcome === 'result');
  for (const [key] of results) assert.equal(ran.get(key), 1, `${key} was answered and did not run`);
  const lost = load.outcomes.size - results.length;
  t.diagnostic(`${results.length} results, ${lost} errors, ${ran.size} runs`);
  assert.ok(lost >= KILLS / 2, 'the kills hit calls in flight');
});
