import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StoredServer } from '../../../src/core/store.ts';
import { createCatalogStore } from '../../../src/storage/catalog-store.ts';
import { createInlineWriter } from '../../../src/storage/writer.ts';
import { openDatabase } from '../../../src/storage/sqlite.ts';
import { temporaryFolder } from './folder.ts';

const stored = (server: string, more: Partial<StoredServer> = {}): StoredServer => ({
  server,
  fingerprint: 'f',
  era: 'modern',
  eraProbedAt: 1,
  items: { tools: ['{"name":"t","n":1e400}'], prompts: [], resources: [], resourceTemplates: [] },
  instructions: 'Ünd so',
  completions: true,
  logging: false,
  subscribe: false,
  ttlMs: 5,
  cacheScope: 'public',
  ...more,
});

test('what is saved is there after a restart, by name, until it is removed', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'toolgate.db');
  const first = openDatabase(file);
  const store = createCatalogStore(first, createInlineWriter(first));
  assert.deepEqual(await store.load(), []);
  await store.save(stored('b'));
  await store.save(stored('a'));
  await store.save(stored('b', { ttlMs: 9 }));
  first.close();
  const second = openDatabase(file);
  const again = createCatalogStore(second, createInlineWriter(second));
  assert.deepEqual(await again.load(), [stored('a'), stored('b', { ttlMs: 9 })]);
  await again.remove('a');
  await again.remove('unknown');
  assert.deepEqual(await again.load(), [stored('b', { ttlMs: 9 })]);
  second.close();
});

test('a row of another shape is left out, and the others are not', async () => {
  const database = openDatabase(':memory:');
  const store = createCatalogStore(database, createInlineWriter(database));
  await store.save(stored('good'));
  const insert = database.prepare('INSERT INTO catalog VALUES (?, ?, 0)');
  const odd = [
    '{}',
    'null',
    '7',
    '[]',
    'no JSON',
    '{"server":"x"}',
    '{"server":"x","items":{"tools":[]}}',
  ];
  for (const [i, text] of odd.entries()) insert.run(`odd${i}`, text);
  assert.deepEqual(
    (await store.load()).map(({ server }) => server),
    ['good'],
  );
  database.close();
});
