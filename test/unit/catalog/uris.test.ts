import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQualified, qualified, templateFit } from '../../../src/catalog/uris.ts';

test('a qualified URI is taken apart into what it was made of', () => {
  for (const uri of ['file:///a', 'a', '', 'toolgate://b/c', 'x://y/z?q#f', 'é /']) {
    for (const server of ['files', 'a.b-c_d']) {
      assert.deepEqual(parseQualified(qualified(server, uri)), { server, uri });
    }
  }
  for (const uri of ['file:///a', 'toolgate://', 'toolgate://server', 'TOOLGATE://a/b', '']) {
    assert.equal(parseQualified(uri), undefined, uri);
  }
});

const FITS: readonly (readonly [template: string, uri: string, fit: number])[] = [
  ['file:///a', 'file:///a', 9],
  ['file:///a', 'file:///ab', -1],
  ['file:///{path}', 'file:///a/b', 8],
  ['file:///{path}', 'file:///', -1],
  ['file:///{path}', 'http:///a', -1],
  ['{uri}', 'anything', 0],
  ['{uri}', '', -1],
  ['a/{x}/b', 'a/1/b', 4],
  ['a/{x}/b', 'a//b', -1],
  ['a/{x}/b/{y}', 'a/1/b/2', 5],
  ['a/{x}/b/{y}', 'a/1/c/2', -1],
  ['a{x}a', 'aa', -1],
  ['a{x}a', 'aba', 2],
  ['{x}-{y}', 'a-b', 1],
  ['{x}-{y}', '-b', -1],
  ['{x}-{y}', 'a-', -1],
  ['git://{repo}{?ref,path}', 'git://a?ref=b', 6],
  ['a/{x', 'a/{x', 4],
];

test('a URI fits a template by its literals', () => {
  for (const [template, uri, fit] of FITS) {
    assert.equal(templateFit(template, uri), fit, `${template} ${uri}`);
  }
});

test('the longer literals fit better', () => {
  const uri = 'file:///logs/today';
  assert.ok(templateFit('file:///logs/{name}', uri) > templateFit('file:///{path}', uri));
  assert.ok(templateFit('file:///{path}', uri) > templateFit('{any}', uri));
});

test('no template stalls: the time grows with the text, not with its powers', () => {
  const template = `${'{a}b'.repeat(5_000)}c`;
  assert.equal(templateFit(template, 'b'.repeat(20_000)), -1);
  const odd = '{'.repeat(20_000);
  assert.equal(templateFit(odd, odd), odd.length);
});
