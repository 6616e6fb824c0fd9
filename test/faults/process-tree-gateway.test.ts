// SECURITY R22, through the gateway: trees of processes that ignore SIGTERM go with their server, and with the gateway.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type GatewayProcess,
  type Servers,
  configText,
  count,
  program,
  startGatewayProcess,
} from '../support/gateway.ts';
import { isAlive } from '../support/processes/alive.ts';
import { descendantsOf } from '../support/processes/descendants.ts';
import { until, within } from './support.ts';

const tree = fileURLToPath(new URL('../support/processes/tree.mjs', import.meta.url));
const TREES = count(8, 4);
const ROUNDS = count(25, 1);
/** Leader, shell and grandchild. */
const SIZE = 3;
/** Each of the three steps of a stop waits two seconds; the machine may be busy. */
const GONE_MS = 20_000;
const skip = process.platform !== 'linux' && 'it looks into /proc';

const stubborn = (how: string): Servers[string] => ({
  command: 'node',
  args: [tree, 'leader', how],
});

/** Trees of two kinds: the leader goes with its stdin and leaves the rest, or all stay. */
const trees = (enabled: boolean): Servers =>
  Object.fromEntries(
    Array.from({ length: TREES }, (_, n) => [
      `tree${n}`,
      { ...stubborn(n % 2 ? 'quits' : 'stays'), enabled },
    ]),
  );

async function save(gateway: GatewayProcess, servers: Servers): Promise<void> {
  const { configFile, directory } = gateway;
  await writeFile(`${configFile}.new`, configText({ servers }, directory));
  await rename(`${configFile}.new`, configFile);
}

const treesOf = ({ child }: GatewayProcess, size: number): Promise<number[]> =>
  until(
    'the trees',
    () => {
      const pids = descendantsOf(child.pid!);
      return pids.length >= size && pids;
    },
    30_000,
  );

const untilGone = (pids: readonly number[]) =>
  until('the end of all of them', () => !pids.some(isAlive), GONE_MS);

const gateway = { startSeconds: 0.1, drainSeconds: 1 };

it(`${ROUNDS * TREES} enabled and disabled again`, { skip, timeout: 900_000 }, async () => {
  await using running = await startGatewayProcess({ servers: trees(false), gateway });
  for (let round = 0; round < ROUNDS; round++) {
    await save(running, trees(true));
    const pids = await treesOf(running, SIZE * TREES);
    await save(running, trees(false));
    await untilGone(pids);
  }
  assert.deepEqual(descendantsOf(running.child.pid!), []);
});

it('none stays after SIGTERM of the gateway', { skip }, async () => {
  await using running = await startGatewayProcess({ servers: trees(true), gateway });
  const pids = await treesOf(running, SIZE * TREES);
  running.child.kill('SIGTERM');
  const [code] = (await within(GONE_MS, 'the exit', once(running.child, 'exit'))) as [number];
  assert.equal(code, 0);
  assert.deepEqual(pids.filter(isAlive), []);
});

it(
  'none that heeds the end of its stdin stays after SIGKILL of the gateway',
  { skip },
  async () => {
    const servers = Object.fromEntries(
      Array.from({ length: TREES }, (_, n) => [`server${n}`, program('echo.ts')]),
    );
    await using running = await startGatewayProcess({
      servers,
      gateway: { ...gateway, startSeconds: 10 },
    });
    const pids = await treesOf(running, TREES);
    running.child.kill('SIGKILL');
    await untilGone(pids);
  },
);
