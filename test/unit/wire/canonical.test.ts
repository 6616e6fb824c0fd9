import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { canonicalJson, definitionHash } from '../../../src/wire/canonical.ts';
import { checkJson } from '../../../src/wire/json.ts';

function canonical(text: string): string {
  const bytes = Buffer.from(text);
  return canonicalJson(bytes, checkJson(bytes)).toString();
}

describe('canonicalJson', () => {
  const rows: [string, string][] = [
    [' { "b" : [ 1 , 2 ] ,\n "a" : { } , "c":[ ]} ', '{"a":{},"b":[1,2],"c":[]}'],
    ['[1,1.0,1e0,-0,12345678901234567890,1E400]', '[1,1.0,1e0,-0,12345678901234567890,1E400]'],
    ['"\\u0061\\/\\u00e9"', '"a/é"'],
    ['["\\ud800","\\u0000","\\u2028"]', '["\\ud800","\\u0000","\u2028"]'],
    ['{"\\u0061":1,"\\uffff":2,"\\ud83d\\ude00":3}', '{"a":1,"😀":3,"\uffff":2}'],
    ['{"a":2,"a":1}', '{"a":2,"a":1}'],
    ['{"__proto__":{"b":null,"a":true}}', '{"__proto__":{"a":true,"b":null}}'],
    ['["}",",","\\"","\\\\"]', '["}",",","\\"","\\\\"]'],
  ];
  for (const [text, expected] of rows) {
    it(text, () => assert.equal(canonical(text), expected));
  }

  it('keeps apart what strings do not share: forms of Unicode, and numbers by their text', () => {
    const texts = [
      '"é"',
      '"e\u0301"',
      '1',
      '1.0',
      '"1"',
      '10',
      '1e1',
      'null',
      '"null"',
      '[]',
      '{}',
    ];
    assert.equal(new Set(texts.map(canonical)).size, texts.length);
  });

  it('takes deep and long values in one pass', () => {
    const deep = `${'['.repeat(999)}${' '.repeat(100_000)}${']'.repeat(999)}`;
    assert.equal(canonical(deep), `${'['.repeat(999)}${']'.repeat(999)}`);
  });
});

describe('definitionHash', () => {
  const hash = (text: string) => definitionHash(Buffer.from(text));

  it('is of what a client or a person reads, as the server sent it', () => {
    const first = hash('{"name":"a","inputSchema":{"type":"object","x":1},"description":"d"}');
    assert.equal(
      hash(
        '{ "description" : "d", "inputSchema":{"x":1,"type":"object"}, "name":"a", "icons":[] }',
      ),
      first,
    );
    const others = [
      '{"name":"a","inputSchema":{"type":"object","x":1.0},"description":"d"}',
      '{"name":"a","inputSchema":{"type":"object","x":1},"description":"d\u200b"}',
      '{"name":"a","inputSchema":{"type":"object","x":1},"description":"d","_meta":{}}',
      '{"name":"a","inputSchema":{"type":"object","x":1},"description":"d","annotations":{}}',
      '{"name":"a","inputSchema":{"type":"object","x":1},"description":"e","description":"d"}',
    ];
    assert.equal(new Set([first, ...others.map(hash)]).size, others.length + 1);
  });
});
