import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { openStorage } from '../../../src/storage/storage.ts';
import { quietLog as log } from '../../support/log.ts';
import { count } from '../../support/gateway.ts';

const sealKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const module = (path: string): string => new URL(path, import.meta.url).href;

/** Writes without end, many at once, and prints each write once it was acknowledged. */
const WRITER = `
  const [, , storage, records, file] = process.argv;
  const { openStorage } = await import(storage);
  const { storedApproval, storedKey } = await import(records);
  const quiet = () => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const sealKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  const stores = openStorage({ file, sealKey, log });
  const say = (line) => process.stdout.write(line + '\\n');
  const run = Math.random().toString(36).slice(2);
  const work = async (lane) => {
    for (let i = 0; ; i++) {
      const id = run + '-' + lane + '-' + i;
      await stores.approvals.create(storedApproval(id));
      say('approval ' + id + ' pending');
      if (await stores.approvals.move(id, 'pending', 'approved', { decidedBy: 'me' })) say('approval ' + id + ' approved');
      await stores.keys.save(storedKey(id));
      say('key ' + id);
    }
  };
  for (let lane = 0; lane < 8; lane++) void work(lane);
`;

/** Kills it after so many acknowledged writes. @returns those that were heard */
async function runAndKill(script: string, file: string, after: number): Promise<string[]> {
  const args = [script, module('../../../src/storage/storage.ts'), module('./records.ts'), file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const heard: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    heard.push(line);
    if (heard.length === after) child.kill('SIGKILL');
  }
  await exited;
  return heard;
}

test('kill -9 loses no acknowledged write', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'toolgate-kill-'));
  try {
    const script = join(directory, 'writer.mjs');
    const file = join(directory, 'toolgate.db');
    await writeFile(script, WRITER);
    const rounds = count(100, 10);
    let total = 0;
    for (let round = 0; round < rounds; round++) {
      const heard = await runAndKill(script, file, 1 + ((round * 37) % 200));
      assert.ok(heard.length > 0);
      total += heard.length;
      await using stores = openStorage({ file, sealKey, log });
      const keys = new Set((await stores.keys.load()).map(({ id }) => id));
      for (const line of heard) {
        const [kind, id = '', status] = line.split(' ');
        if (kind === 'key') assert.ok(keys.has(id), line);
        else {
          const approval = await stores.approvals.get(id);
          const reached = status === 'pending' ? ['pending', 'approved'] : ['approved'];
          assert.ok(approval && reached.includes(approval.status), line);
        }
      }
    }
    assert.ok(total > rounds);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
