// Listed is a subset of callable, callable is exactly what is allowed, and nothing else is reachable under any
// other name. What is forbidden and what is not there read alike.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Principal } from '../../src/core/principal.ts';
import { ITEM_KINDS } from '../../src/core/source.ts';
import { createAccess } from '../../src/policy/access.ts';
import { call, checkAll, listed, OMNIPOTENT } from './filter-checks.ts';
import type { DoorView, View } from './filter-checks.ts';
import { createRandom, createWorld, pick, SERVERS } from './filter-world.ts';

/** The counts that are named for the full run, or smaller ones. */
const count = (full: number, quick: number): number =>
  process.env['TOOLGATE_TEST_FULL'] === '1' ? full : quick;

const DOORS: readonly DoorView[] = [
  { door: 'http', era: 'modern', scope: undefined },
  { door: 'http', era: 'legacy', scope: undefined },
  { door: 'sse', era: 'legacy', scope: undefined },
  { door: 'rest', era: 'modern', scope: undefined },
  { door: 'http', era: 'modern', scope: 'files' },
];

const NARROWS: readonly (readonly (readonly string[])[])[] = [
  [],
  [],
  [],
  [['files/*', '@one']],
  [['*'], ['git/*', 'files/re*']],
  [[]],
];
const NOBODY: Principal = {
  ...OMNIPOTENT,
  id: 'nobody',
  allowance: { tools: [], deny: [], prompts: undefined, resources: undefined },
};

describe('filters', () => {
  it('tell a key that may nothing of no server at all', async () => {
    const world = await createWorld(createRandom(99), 20, 1);
    for (const door of DOORS) {
      const view: View = { ...door, principal: NOBODY, narrow: [] };
      for (const scope of [...SERVERS, 'nosuch']) {
        const scoped = { ...view, scope };
        const error = { code: 'SERVER_NOT_FOUND', message: `No server is named "${scope}".` };
        assert.throws(() => world.gateway.list('tools', scoped), error);
        assert.throws(() => world.gateway.describe(scoped), error);
        assert.throws(() => world.gateway.subscribe(scoped, 'file:///pub/shared', () => {}), error);
        const answer = await call(world, scoped, 'tools', 'read_file');
        assert.match(answer, /SERVER_NOT_FOUND/);
      }
      assert.equal(world.gateway.describe({ ...view, scope: undefined }).instructions, '');
      for (const kind of ITEM_KINDS) {
        assert.deepEqual(listed(world, kind, { ...view, scope: undefined }), []);
      }
    }
  });

  it('hold for lists that are kept, also when the policy changes', async () => {
    const world = await createWorld(createRandom(7), 20, 1);
    const view: View = { ...DOORS[0]!, principal: OMNIPOTENT, narrow: [] };
    const before = listed(world, 'tools', view);
    assert.ok(before.length > 0);
    assert.deepEqual(listed(world, 'tools', { ...view, narrow: [[]] }), []);
    assert.deepEqual(listed(world, 'tools', view), before);
    const closed = {
      ...world.config,
      servers: world.config.servers.map((server) => ({
        ...server,
        tools: { ...server.tools, deny: ['*'] },
      })),
    };
    let told = 0;
    world.gateway.listChanged.on(() => (told += 1));
    world.gateway.apply({ access: createAccess(closed, closed.servers), interceptors: [] });
    assert.equal(told, 1);
    assert.deepEqual(listed(world, 'tools', view), []);
  });

  const worlds = count(3, 4);
  for (let seed = 1; seed <= worlds; seed += 1) {
    it(`hold for every door and key, whatever a thing is called (seed ${seed})`, async () => {
      const random = createRandom(seed);
      const world = await createWorld(random, count(200, 50), count(20, 5));
      for (const door of DOORS) {
        for (const principal of [...world.keys, OMNIPOTENT]) {
          const view: View = { ...door, principal, narrow: pick(random, NARROWS) };
          await checkAll(world, view, random);
        }
      }
    });
  }
});
