import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseDocument, valueOf } from '../../../src/config/document.ts';
import { removeProperty, setProperty } from '../../../src/config/splice.ts';

const rootOf = (text: string) => parseDocument('f', text).root;
const plain = (text: string): unknown => JSON.parse(JSON.stringify(valueOf(rootOf(text))));
const commentsOf = (text: string): string[] => (text.match(/c\d+/g) ?? []).toSorted();

/** A generator of numbers below `limit` that gives the same ones each time. */
function numbers(seed: number) {
  let state = seed;
  return (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** An object of `count` properties with white space and comments wherever they may stand. */
function write(next: (limit: number) => number, count: number): string {
  let comments = 0;
  const gap = (): string => {
    const kinds = ['', ' ', '\n  ', '\n', ` /* c${comments} */ `, ` // c${comments}\n  `];
    const kind = next(kinds.length);
    if (kind > 3) comments += 1;
    return kinds[kind] ?? '';
  };
  let text = `${gap()}{${gap()}`;
  for (let index = 0; index < count; index += 1) {
    const value =
      next(2) === 0 ? String(index) : `{${gap()}"x"${gap()}:${gap()}[1,${gap()}2]${gap()}}`;
    const isLast = index === count - 1;
    text += `"k${index}"${gap()}:${gap()}${value}${gap()}`;
    text += isLast && next(2) === 0 ? '' : `,${gap()}`;
  }
  return `${text}}${gap()}`;
}

describe('edits of a text', () => {
  it('keep it valid, every other value and every comment', () => {
    for (let seed = 1; seed <= 3000; seed += 1) {
      const next = numbers(seed);
      const count = next(4);
      const text = write(next, count);
      const before = plain(text) as Record<string, unknown>;
      const added = setProperty(text, rootOf(text), [], 'new', { a: [1] });
      assert.deepEqual(
        plain(added),
        { ...before, new: { a: [1] } },
        `${seed}: ${text}\n→ ${added}`,
      );
      assert.deepEqual(commentsOf(added), commentsOf(text), `${seed}: ${text}\n→ ${added}`);
      if (count === 0) continue;
      const key = `k${next(count)}`;
      const { [key]: value, ...rest } = before;
      const removed = removeProperty(text, rootOf(text), [key]);
      assert.deepEqual(plain(removed), rest, `${seed}: ${text}\n→ ${removed}`);
      if (typeof value === 'number') {
        const kept = commentsOf(removed).length;
        // Those between key and value go with them.
        assert.ok(kept >= commentsOf(text).length - 2, `${seed}: ${text}\n→ ${removed}`);
      }
      const changed = setProperty(text, rootOf(text), [], key, true);
      assert.deepEqual(plain(changed), { ...before, [key]: true });
    }
  });

  it('leave no empty line and no comma behind', () => {
    const text = '{\n  "a": 1,\n  "b": 2, // two\n  "c": 3\n}';
    const without = (key: string): string => removeProperty(text, rootOf(text), [key]);
    assert.equal(without('a'), '{\n  "b": 2, // two\n  "c": 3\n}');
    assert.equal(
      without('b'),
      '{\n  "a": 1,\n  // two\n  "c": 3\n}'.replace('  // two', '   // two'),
    );
    assert.equal(without('c'), '{\n  "a": 1,\n  "b": 2 // two\n}');
  });

  it('put a new property after the comment of the last', () => {
    const text = '{\n  "a": 1 // one\n}';
    assert.equal(setProperty(text, rootOf(text), [], 'b', 2), '{\n  "a": 1, // one\n  "b": 2\n}');
    const inline = '{ "a": 1 }';
    assert.equal(
      setProperty(inline, rootOf(inline), [], 'b', { c: 2 }),
      '{ "a": 1, "b": {"c":2} }',
    );
  });
});
