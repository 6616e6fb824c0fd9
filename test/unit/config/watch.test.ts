import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { LoadedConfig } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { watchConfig } from '../../../src/config/watch.ts';
import type { WatchOptions } from '../../../src/config/watch.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import { openFolder } from './folder.ts';

type Result = LoadedConfig | GatewayError;

const text = (port: number | string): string =>
  `{ "mcpServers": {}, "gateway": { "port": ${port} } }`;

const told = (result: Result): number | string =>
  result instanceof GatewayError ? 'error' : result.config.gateway.port;

/** Hears the events; `until` waits for the one that is wanted and returns all since the last wait. */
function listen(file: string, options: WatchOptions = {}) {
  const heard: (number | string)[] = [];
  const waiting = new Set<() => void>();
  // Without polling, so that what is heard came from an event.
  const watching = watchConfig(
    file,
    (result) => {
      heard.push(told(result));
      for (const wake of waiting) wake();
    },
    { pollMs: 1_000_000, debounceMs: 20, variables: {}, ...options },
  );
  return {
    heard,
    async until(wanted: number | string): Promise<(number | string)[]> {
      while (!heard.includes(wanted)) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
      return heard.splice(0);
    },
    [Symbol.asyncDispose]: () => watching[Symbol.asyncDispose](),
  };
}

// A watcher alone would not keep the process alive.
const alive = { timeout: 20_000 };

describe('watchConfig', alive, () => {
  it('tells of a write, and of nothing when the content is the same', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', text(1));
    await using watching = listen(file);
    await writeFile(file, text(1));
    await folder.write('other.json', text(9));
    await writeFile(file, text(2));
    assert.deepEqual(await watching.until(2), [2]);
  });

  it('follows editors that write by rename', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', text(1));
    await using watching = listen(file);
    for (const port of [2, 3, 4]) {
      await rename(await folder.write('servers.json.swp', text(port)), file);
      assert.deepEqual(await watching.until(port), [port]);
    }
  });

  it('tells of a bad file and of the good one after it', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', text(1));
    await using watching = listen(file);
    await writeFile(file, text('"x"'));
    assert.deepEqual(await watching.until('error'), ['error']);
    await writeFile(file, text(1));
    assert.deepEqual(await watching.until(1), [1]);
  });

  it('tells of a file that vanishes and comes back as it was', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', text(1));
    await using watching = listen(file);
    await rm(file);
    assert.deepEqual(await watching.until('error'), ['error']);
    await writeFile(file, text(1));
    assert.deepEqual(await watching.until(1), [1]);
  });

  it('follows links as Kubernetes sets them', async () => {
    await using folder = await openFolder();
    await folder.write('..2001/servers.json', text(1));
    await folder.write('..2002/servers.json', text(2));
    const data = join(folder.path, '..data');
    const file = join(folder.path, 'servers.json');
    await symlink('..2001', data);
    await symlink(join('..data', 'servers.json'), file);
    await using watching = listen(file);
    await symlink('..2002', `${data}_tmp`);
    await rename(`${data}_tmp`, data);
    assert.deepEqual(await watching.until(2), [2]);
  });

  it('sees a change in the folder that a link leads to', async () => {
    await using folder = await openFolder();
    const target = await folder.write('shared/real.json', text(1));
    const file = join(folder.path, 'servers.json');
    await symlink(join('shared', 'real.json'), file);
    await using watching = listen(file, { since: 'something else' });
    // By the first event the links have been followed.
    assert.deepEqual(await watching.until(1), [1]);
    await writeFile(target, text(2));
    assert.deepEqual(await watching.until(2), [2]);
  });

  it('sees by polling what no event tells of', async () => {
    await using folder = await openFolder();
    const inner = join(folder.path, 'inner');
    const file = join(inner, 'servers.json');
    await using watching = listen(file, { pollMs: 10, variables: {} });
    await mkdir(inner);
    await writeFile(file, text(1));
    assert.equal((await watching.until(1)).at(-1), 1);
    await rm(inner, { recursive: true });
    await watching.until('error');
    await mkdir(inner);
    await writeFile(file, text(2));
    assert.equal((await watching.until(2)).at(-1), 2);
  });

  it('misses nothing between loading and watching', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', text(1));
    const { digest } = await loadConfig(file);
    await writeFile(file, text(2));
    await using watching = listen(file, { since: digest });
    assert.deepEqual(await watching.until(2), [2]);
  });

  for (const count of [200, 1000]) {
    it(`survives ${count} rapid writes and tells of the last`, async () => {
      await using folder = await openFolder();
      const file = await folder.write('servers.json', text(1));
      await using watching = listen(file);
      for (let port = 2; port <= count; port += 1) {
        writeFileSync(file, text(port));
        // Some at once, some after what is due has had its turn.
        if (port % 50 === 0) await rename(await folder.write('new.json', text(port)), file);
      }
      const heard = await watching.until(count);
      assert.equal(heard.at(-1), count);
      const ports = heard.filter((one) => typeof one === 'number');
      assert.deepEqual(
        ports,
        ports.toSorted((a, b) => a - b),
      );
    });
  }

  it('is silent once disposed', async () => {
    await using folder = await openFolder();
    const file = await folder.write('servers.json', text(1));
    const watching = listen(file);
    await writeFile(file, text(2));
    await watching.until(2);
    await watching[Symbol.asyncDispose]();
    await using other = listen(file);
    await writeFile(file, text(3));
    await other.until(3);
    assert.deepEqual(watching.heard, []);
  });
});
