import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createGlob } from '../../../src/core/glob.ts';

describe('createGlob', () => {
  const rows: [string, string[], string[]][] = [
    ['read', ['read'], ['Read', 'reads', '', 'rea']],
    ['read_*', ['read_', 'read_file'], ['read', 'xread_', 'READ_file']],
    ['*_file', ['_file', 'read_file'], ['_files', 'file']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcbc', 'abcc'], ['ab', 'acb', 'abcd', 'ac']],
    ['*a*', ['a', 'xax'], ['', 'b']],
    ['aa*aa', ['aaaa', 'aaxaa'], ['aaa', 'aa']],
    ['a**b', ['ab', 'axb'], ['a']],
    ['*', ['', 'anything', 'a/b'], []],
    ['', [''], ['a']],
    // Nothing else has a meaning.
    ['a?[b].{c}\\', ['a?[b].{c}\\'], ['ab.c', 'axb']],
    ['é', ['é'], ['e\u0301']],
  ];
  for (const [pattern, yes, no] of rows) {
    it(JSON.stringify(pattern), () => {
      const glob = createGlob(pattern);
      assert.deepEqual(
        yes.filter((text) => !glob(text)),
        [],
      );
      assert.deepEqual(
        no.filter((text) => glob(text)),
        [],
      );
    });
  }

  it('agrees with a plain matcher on random patterns', () => {
    let seed = 7;
    const next = (limit: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * limit);
    };
    const word = (letters: string, length: number) =>
      Array.from({ length }, () => letters[next(letters.length)]).join('');
    for (let i = 0; i < 5000; i += 1) {
      const [pattern, text] = [word('ab*', next(7)), word('ab', next(9))];
      const plain = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`).test(text);
      assert.equal(createGlob(pattern)(text), plain, `${pattern} on ${text}`);
    }
  });
});
