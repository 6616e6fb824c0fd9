// SECURITY R12: the configuration is saved again and again under load, sometimes with a mistake in it.
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import {
  type GatewayOptions,
  type GatewayProcess,
  configText,
  count,
  program,
  startGatewayProcess,
} from '../support/gateway.ts';
import { seededRandom } from '../support/malformed.ts';
import type { RawClient } from '../support/raw-client.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, legacyClient, modernClient, pidOf, residentBytes, until } from './support.ts';

const SEED = 1_212;
const RELOADS = count(1_000, 40);
const CALLERS = count(16, 6);
/** One in ten is wrong. */
const WRONG_EVERY = 10;
const MIB = 1024 * 1024;

const MISTAKES: readonly ((text: string) => string)[] = [
  (text) => text.slice(0, text.length / 2),
  (text) => text.replace('"autoExecute"', '"autoExecutee"'),
  (text) => text.replace('"mcpServers"', '"mcpServer"'),
  (text) => text.replace('"port":0', '"port":"none"'),
  () => '',
  () => 'null',
];

/** As an editor saves: a new file takes the place of the old one. */
async function save({ configFile }: GatewayProcess, text: string): Promise<void> {
  await writeFile(`${configFile}.new`, text);
  await rename(`${configFile}.new`, configFile);
}

/** How often the log has it so far. */
const told = (gateway: GatewayProcess, what: string): number =>
  gateway.log().split(what).length - 1;

async function caller(client: RawClient, stopped: () => boolean): Promise<number> {
  for (let n = 0; ; n++) {
    if (stopped()) return n;
    const tool = n % 2 ? 'still__delay' : 'web__delay';
    const { code, text } = await callTool(client, tool, { ms: n % 7 });
    assert.equal(code, undefined, `call ${n} of ${tool}: ${text}`);
  }
}

it(`${RELOADS} reloads, seed ${SEED}`, { timeout: 1_800_000 }, async (t) => {
  await using web = await startHttpUpstream({ ...echoOptions({ name: 'web' }), record: false });
  const still = program('echo.ts');
  const servers = (changed: GatewayOptions['servers'][string]) => ({
    servers: { still, web: { url: web.url }, changing: changed },
  });
  const changing = (n: number) =>
    servers(
      n % 2 ? program('echo.ts', '--name', `n${n}`) : { url: web.url, headers: { n: `${n}` } },
    );
  await using gateway = await startGatewayProcess(changing(0));
  await using legacy = await legacyClient(gateway);
  const client = modernClient(gateway);
  const pid = await pidOf(client, 'still__whoami');
  let stopped = false;
  const load = Promise.all(
    Array.from({ length: CALLERS }, (_, n) => caller(n % 2 ? client : legacy, () => stopped)),
  );
  load.catch(() => {});
  const random = seededRandom(SEED);
  let early: number | undefined;
  for (let n = 1; n <= RELOADS; n++) {
    const text = configText(changing(n), gateway.directory);
    if (n % WRONG_EVERY === 0) {
      const before = told(gateway, 'the saved configuration is not used');
      const mistake = MISTAKES[Math.floor(random() * MISTAKES.length)]!;
      await save(gateway, mistake(text));
      const isTold = () => told(gateway, 'the saved configuration is not used') > before;
      await Promise.race([until(`reload ${n}: the complaint`, isTold), load]);
      // The servers of the last good file still serve; the changed one may just be coming up.
      const serves = async () => (await callTool(client, 'changing__echo')).code === undefined;
      await until(`reload ${n}: the servers before it`, serves);
    } else {
      const before = told(gateway, 'configuration reloaded');
      await save(gateway, text);
      const isTold = () => told(gateway, 'configuration reloaded') > before;
      await Promise.race([until(`reload ${n}`, isTold), load]);
    }
    if (n === Math.ceil(RELOADS / 4)) early = residentBytes(gateway.child.pid!);
  }
  stopped = true;
  const calls = (await load).reduce((sum, one) => sum + one, 0);
  assert.equal(await pidOf(client, 'still__whoami'), pid, 'the unchanged server was left alone');
  const late = residentBytes(gateway.child.pid!);
  t.diagnostic(`${calls} calls; memory ${(early ?? 0) / MIB} MiB, then ${(late ?? 0) / MIB} MiB`);
  if (early !== undefined && late !== undefined) {
    assert.ok(late - early < 100 * MIB, `it grew by ${(late - early) / MIB} MiB`);
  }
});
