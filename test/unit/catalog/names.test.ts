import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignNames } from '../../../src/catalog/names.ts';
import type { Nameable, Naming, NamingMode } from '../../../src/catalog/names.ts';
import { count } from '../../support/gateway.ts';

const naming = (mode: NamingMode, maxLength = 49): Naming => ({ mode, maxLength });

const thing = (server: string, name: string, prefix?: string): Nameable => ({
  server,
  prefix,
  name,
});

const namesOf = (things: readonly Nameable[], how: Naming): string[] =>
  assignNames(things, how).names.map(({ exposed }) => exposed);

test('prefix: the server always goes before the name', () => {
  const things = [thing('files', 'read'), thing('git', 'read', 'g'), thing('bare', 'list', '')];
  assert.deepEqual(namesOf(things, naming('prefix')), ['files__read', 'g__read', 'list']);
});

test('on-collision: only names that two servers have get their server', () => {
  const things = [thing('a', 'read'), thing('b', 'read'), thing('b', 'write')];
  assert.deepEqual(namesOf(things, naming('on-collision')), ['a__read', 'b__read', 'write']);
});

test('verbatim: names stay as they are, however long; of two alike the later is told apart', () => {
  const long = 'x'.repeat(200);
  const { names, diagnostics } = assignNames(
    [thing('a', long), thing('a', 'read'), thing('b', 'read')],
    naming('verbatim'),
  );
  assert.deepEqual(
    names.slice(0, 2).map(({ exposed }) => exposed),
    [long, 'read'],
  );
  assert.match(names[2]!.exposed, /^read_[0-9a-f]{8}$/);
  assert.equal(diagnostics.length, 1);
  assert.match(diagnostics[0]!, /"read" of server "b" and "read" of server "a".*"prefix"/);
});

test('a name that is too long keeps its beginning and ends in a hash that never changes', () => {
  const [exposed] = namesOf([thing('server', 'n'.repeat(60))], naming('prefix', 32));
  assert.equal(exposed, 'server__nnnnnnnnnnnnnnn_23e4a498');
  const [exact] = namesOf([thing('s', 'n'.repeat(29))], naming('prefix', 32));
  assert.equal(exact, `s__${'n'.repeat(29)}`);
});

test('a cut never splits a character', () => {
  for (let length = 16; length < 26; length++) {
    const [exposed] = namesOf([thing('s', '😀'.repeat(30))], naming('prefix', length));
    assert.ok(exposed!.isWellFormed(), `${length}: ${JSON.stringify(exposed)}`);
    assert.ok(exposed!.length <= length);
  }
});

test('one server that says a name many times still gets as many names', () => {
  const things = Array.from({ length: 5 }, () => thing('a', 'read'));
  for (const mode of ['prefix', 'on-collision', 'verbatim'] as const) {
    assert.equal(new Set(namesOf(things, naming(mode))).size, 5, mode);
  }
});

test('a server cannot take the name that another one would be told apart by', () => {
  const told = namesOf([thing('a', 'read'), thing('b', 'read')], naming('verbatim'))[1]!;
  const things = [thing('a', told), thing('a', 'read'), thing('b', 'read')];
  assert.equal(new Set(namesOf(things, naming('verbatim'))).size, 3);
});

/** A seeded generator, so that a failure can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('names are injective, within the limit and stable', () => {
  const next = random(5);
  const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
  const servers = ['a', 'b', 'a_b', 'server', 's'.repeat(40)];
  const bits = ['a', 'b', '_', '__', 'read', 'x'.repeat(30), 'é', '😀', '.', '-'];
  for (let left = count(100_000, 10_000); left > 0;) {
    const things = Array.from({ length: 1 + next(40) }, () => {
      const name = Array.from({ length: 1 + next(4) }, () => pick(bits)).join('');
      return thing(pick(servers), name, pick([undefined, undefined, '', 'p', 'a']));
    });
    left -= things.length;
    const how = naming(pick(['prefix', 'on-collision', 'verbatim']), 16 + next(50));
    const names = namesOf(things, how);
    assert.equal(new Set(names).size, things.length, JSON.stringify({ things, how, names }));
    assert.deepEqual(namesOf(structuredClone(things), how), names);
    for (const name of names) {
      assert.ok(name.isWellFormed(), name);
      if (how.mode !== 'verbatim') assert.ok(name.length <= how.maxLength, name);
    }
  }
});
