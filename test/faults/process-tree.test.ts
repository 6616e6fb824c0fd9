// SECURITY R22: a tree of processes that ignores SIGTERM is gone after each stop.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { isAlive } from '../support/processes/alive.ts';
import { startChild } from '../support/processes/start.ts';

const CYCLES = process.env.TOOLGATE_TEST_FULL === '1' ? 200 : 15;
const AT_ONCE = 4;
const tree = fileURLToPath(new URL('../support/processes/tree.mjs', import.meta.url));

/** How the first process meets the end of its stdin, and by what the stop comes about. */
const WAYS = ['stays', 'quits', 'dies', 'killed'] as const;
type Way = (typeof WAYS)[number];

async function cycle(way: Way): Promise<void> {
  const started = await startChild([tree, 'leader', way], { graceMs: 50 });
  await using _ = started;
  const { child, exited, said } = started;
  const pids = [child.pid];
  if (way === 'dies') {
    await exited;
    const told = started.stdout().matchAll(/(?:shell|grandchild) (\d+)/g);
    pids.push(...Array.from(told, (match) => Number(match[1])));
  } else {
    for (const role of [/shell (\d+)\n/, /grandchild (\d+)\n/]) {
      pids.push(Number((await said(role))[1]));
    }
    for (const pid of pids) assert.ok(isAlive(pid), `${way}: ${pid} runs`);
  }
  assert.equal(pids.length, 3);
  await (way === 'killed' ? child.kill() : child.stop());
  for (const pid of pids) assert.ok(!isAlive(pid), `${way}: ${pid} is gone`);
  const { code, signal } = await exited;
  assert.deepEqual([code, signal], way === 'quits' ? [0, null] : [null, 'SIGKILL']);
}

test(`${CYCLES} start and stop cycles leave no process`, { timeout: 300_000 }, async () => {
  const before = process.listenerCount('exit');
  let next = 0;
  const worker = async () => {
    while (next < CYCLES) await cycle(WAYS[next++ % WAYS.length]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  assert.equal(process.listenerCount('exit'), before);
});
