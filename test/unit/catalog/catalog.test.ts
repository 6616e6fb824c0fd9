import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Catalog } from '../../../src/catalog/catalog.ts';
import type { CatalogChange } from '../../../src/catalog/catalog.ts';
import type { Log } from '../../../src/core/log.ts';
import { resource, source, template, tool } from './listing.ts';
import type { FakeSource } from './listing.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const NAMING = { mode: 'prefix', maxLength: 49 } as const;
const ALL = { key: '', narrowed: false, permits: () => true };

function catalogOf(...sources: FakeSource[]): Catalog {
  const catalog = new Catalog(NAMING, silent);
  catalog.setSources(
    sources.map((one) => ({ source: one, prefix: undefined, overrides: new Map() })),
    NAMING,
  );
  return catalog;
}

const names = (catalog: Catalog): string[] =>
  catalog.entries('tools', undefined).map(({ exposed }) => exposed);

/** The next change that the catalog tells of. */
const nextChange = (catalog: Catalog): Promise<CatalogChange> =>
  new Promise((resolve) => {
    const watch = catalog.changed.on((change) => {
      watch[Symbol.dispose]();
      resolve(change);
    });
  });

test('lists are in the order of the servers’ names, whatever order the file has', () => {
  const a = source('a', { tools: [tool('z'), tool('y')] });
  const b = source('b', { tools: [tool('x')] });
  using forth = catalogOf(a, b);
  using back = catalogOf(b, a);
  assert.deepEqual(names(forth), ['a__z', 'a__y', 'b__x']);
  assert.deepEqual(names(back), names(forth));
});

test('one server alone is shown under its own names', () => {
  using catalog = catalogOf(
    source('a', { tools: [tool('x')] }),
    source('b', { tools: [tool('x')] }),
  );
  const list = JSON.parse(catalog.list('tools', 'modern', 'a', ALL).toString());
  assert.deepEqual(
    list.tools.map((one: { name: string }) => one.name),
    ['x'],
  );
  assert.equal(catalog.find('tools', 'x', 'b')!.source.name, 'b');
  assert.equal(catalog.find('tools', 'b__x', 'b'), undefined);
  assert.equal(catalog.find('tools', 'x', undefined), undefined);
  assert.equal(catalog.find('tools', 'b__x', undefined)!.name, 'x');
});

test('a modern list carries the least ttl and the most private scope; a stale server’s is worth nothing', () => {
  const hints = (...sources: FakeSource[]) => {
    using catalog = catalogOf(...sources);
    const { ttlMs, cacheScope } = JSON.parse(
      catalog.list('tools', 'modern', undefined, ALL).toString(),
    );
    return [ttlMs, cacheScope];
  };
  const kept = source('a', {}, { ttlMs: 500, cacheScope: 'public' });
  assert.deepEqual(hints(kept), [500, 'public']);
  assert.deepEqual(hints(kept, source('b', {}, { ttlMs: 100 })), [100, 'private']);
  assert.deepEqual(hints(kept, source('b', {}, { ttlMs: 900, stale: true })), [0, 'private']);
  assert.deepEqual(hints(), [0, 'private']);
  using catalog = catalogOf(kept);
  assert.equal(catalog.list('tools', 'legacy', undefined, ALL).toString(), '{"tools":[]}');
});

test('changes of several servers become one event, of the kinds that did change', async () => {
  const a = source('a', { tools: [tool('x')] });
  const b = source('b', { tools: [tool('x')], prompts: [tool('p')] });
  using catalog = catalogOf(a, b);
  const change = nextChange(catalog);
  a.say({ items: { ...a.snapshot.items, tools: [tool('x'), tool('new')] } });
  b.say({ items: { ...b.snapshot.items, tools: [tool('y')] } });
  assert.deepEqual(names(catalog), ['a__x', 'a__new', 'b__y'], 'read before anybody is told');
  const { kinds, servers } = await change;
  assert.deepEqual([kinds, servers.toSorted()], [['tools'], ['a', 'b']]);
});

test('a server that says the same again changes nothing; one that goes takes its tools along', async () => {
  const a = source('a', { tools: [tool('x')] });
  const b = source('b', { tools: [tool('x')] });
  using catalog = catalogOf(a, b);
  const change = nextChange(catalog);
  a.say({ items: { ...a.snapshot.items } });
  catalog.setSources([{ source: a, prefix: 'z', overrides: new Map() }], NAMING);
  assert.deepEqual((await change).kinds, ['tools']);
  assert.deepEqual(names(catalog), ['z__x']);
  assert.equal(catalog.source('b'), undefined);
});

test('a resource is looked for by its table, then by template, then wherever it might be', () => {
  const a = source('a', { resources: [resource('x://1'), resource('x://both')] });
  const b = source('b', {
    resources: [resource('x://both')],
    resourceTemplates: [template('logs://{day}')],
  });
  const c = source('c', { resourceTemplates: [template('{any}')], tools: [tool('t')] });
  const d = source('d', { tools: [tool('t')] });
  using catalog = catalogOf(a, b, c, d);
  const found = (uri: string, scope?: string) =>
    catalog
      .findResource(uri, scope, () => true)
      .map(({ source: { name }, name: own }) => `${name} ${own}`);
  assert.deepEqual(found('x://1'), ['a x://1']);
  assert.deepEqual(found('toolgate://b/x://both'), ['b x://both']);
  assert.deepEqual(found('logs://today'), ['b logs://today']);
  assert.deepEqual(found('other://'), ['c other://']);
  assert.deepEqual(found('x://both', 'a'), ['a x://both']);
  assert.deepEqual(found('toolgate://d/any'), ['d any']);
  using without = catalogOf(a, d);
  assert.deepEqual(
    without.findResource('other://', undefined, () => true).map(({ source: { name } }) => name),
    ['a'],
    'a server without resources is not asked',
  );
});
