import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import {
  checkJson,
  editObject,
  elementsOf,
  isArrayAt,
  isObjectAt,
  isStringAt,
  MAX_DEPTH,
  membersOf,
  parseAt,
  skipSpace,
  sliceOf,
  splice,
  stringAt,
  uniqueMembersOf,
  valueOf,
} from '../../../src/wire/json.ts';
import { count } from '../../support/gateway.ts';

const invalidJson = (error: unknown): boolean =>
  isGatewayError(error) && error.code === 'JSON_INVALID';

const whole = (bytes: Buffer) => ({ start: 0, end: bytes.length });

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const accepts = (text: string): boolean => {
  try {
    checkJson(Buffer.from(text));
    return true;
  } catch (error) {
    assert.ok(invalidJson(error), `${JSON.stringify(text)}: ${String(error)}`);
    return false;
  }
};

/** A seeded generator, so that a failure can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const VALUES = [
  ...['null', 'true', 'false', '0', '-0', '1', '-1', '0.5', '1e400', '1E+5', '1e-5', '-1.25e10'],
  ...['12345678901234567890', '""', '"a"', '"\\u0041"', '"\\ud800"', '"\\\\\\"\\/\\b\\f\\n\\r\\t"'],
  ...[
    '[]',
    '{}',
    '[ ]',
    '{ }',
    '[1,2]',
    '[[[]]]',
    '{"a":1}',
    '{"a":{"b":[{}]}}',
    ' 1 ',
    '\t\n\r 1',
  ],
  ...['{"__proto__":1}', '{"a":1,"a":2}', '"é"', '"😀"', '"\u007f"', '"\u2028"'],
];
const INVALID = [
  ...[
    '',
    ' ',
    'nul',
    'True',
    'nullx',
    '01',
    '-',
    '-a',
    '1.',
    '.5',
    '1e',
    '1e+',
    '+1',
    '0x1',
    '1_0',
  ],
  ...['NaN', 'Infinity', '"', '"a', '"\\', '"\\x"', '"\\u12"', '"\\u12g4"', '"\n"', '"\t"', "'a'"],
  ...['[', '[1', '[1,', '[1,]', '[,1]', '[1 2]', ']', '{', '{"a"', '{"a":', '{"a":1', '{"a":1,}'],
  ...['{a:1}', '{"a" 1}', '{1:1}', '{,}', '1 2', '{}{}', '// c\n1', '/**/1', '\u00a01', '\ufeff1'],
];

test('takes the same texts as JSON.parse', () => {
  for (const text of VALUES) {
    assert.ok(isJson(text), text);
    assert.ok(accepts(text), JSON.stringify(text));
  }
  for (const text of INVALID) {
    assert.ok(!isJson(text), text);
    assert.ok(!accepts(text), JSON.stringify(text));
  }
});

test('takes the same texts as JSON.parse, however they are spoilt', () => {
  const next = random(20_260_728);
  const alphabet = '{}[]",:\\0123456789.eE+-truefalsn \n\u0001é'.split('');
  for (let i = 0; i < count(200_000, 20_000); i++) {
    const parts = Array.from({ length: 1 + next(3) }, () => VALUES[next(VALUES.length)]!);
    let text = `{"a":[${parts.join(',')}]}`;
    for (let edits = next(3); edits > 0; edits--) {
      const at = next(text.length);
      text = text.slice(0, at) + alphabet[next(alphabet.length)] + text.slice(at + next(3));
    }
    assert.equal(accepts(text), isJson(text), JSON.stringify(text));
  }
});

test('refuses what is not UTF-8, and says at which byte JSON ends', () => {
  assert.throws(() => checkJson(Buffer.from([0x22, 0xff, 0x22])), /UTF-8/);
  assert.throws(() => checkJson(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), /UTF-8/);
  assert.throws(() => checkJson(Buffer.from('{"a":1,}')), /at byte 7/);
  assert.throws(() => checkJson(Buffer.from('{"a":é}')), /at byte 5/);
});

test('counts levels of nesting, and stops before the stack does', () => {
  const nested = (depth: number): Buffer => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
  checkJson(nested(MAX_DEPTH));
  assert.throws(() => checkJson(nested(MAX_DEPTH + 1)), /nesting/);
  assert.throws(() => checkJson(Buffer.from('['.repeat(1_000_000))), /nesting/);
  assert.throws(() => checkJson(Buffer.from('{"a":'.repeat(1_000_000))), /nesting/);
});

test('reads members, elements and strings where they lie', () => {
  const bytes = Buffer.from(' { "a" : [1, "x" ,{"b":[]}] , "\\u0062": "\\ud83d\\ude00é" } ');
  const span = checkJson(bytes);
  assert.deepEqual([span.start, span.end], [1, bytes.length - 1]);
  const members = membersOf(bytes, span);
  assert.deepEqual(
    members.map(({ key }) => key),
    ['a', 'b'],
  );
  const list = valueOf(members, 'a')!;
  assert.ok(isArrayAt(bytes, list) && !isObjectAt(bytes, list));
  assert.deepEqual(
    elementsOf(bytes, list).map((one) => sliceOf(bytes, one).toString()),
    ['1', '"x"', '{"b":[]}'],
  );
  const text = valueOf(members, 'b')!;
  assert.ok(isStringAt(bytes, text));
  assert.equal(stringAt(bytes, text), '😀é');
  assert.deepEqual(parseAt(bytes, list), [1, 'x', { b: [] }]);
  assert.deepEqual(membersOf(bytes, list), []);
  assert.deepEqual(elementsOf(bytes, text), []);
  assert.equal(skipSpace(bytes, 0), 1);
});

test('keys are compared as text, and a key that stands twice is refused or the last one counts', () => {
  const bytes = Buffer.from('{"id":1,"\\u0069d":2,"__proto__":3}');
  const members = membersOf(bytes, whole(bytes));
  assert.equal(sliceOf(bytes, valueOf(members, 'id')!).toString(), '2');
  assert.equal(sliceOf(bytes, valueOf(members, '__proto__')!).toString(), '3');
  assert.equal(valueOf(members, 'toString'), undefined);
  assert.throws(
    () => uniqueMembersOf(bytes, whole(bytes), 'the message'),
    (error) =>
      isGatewayError(error) && error.code === 'REQUEST_INVALID' && /"id"/.test(error.message),
  );
});

test('splices edits in any order and leaves all other bytes', () => {
  const bytes = Buffer.from('{"a":1e400,"é":-0,"c":12345678901234567890}');
  const members = membersOf(bytes, whole(bytes));
  const edits = [
    { ...valueOf(members, 'c')!, text: '"ü"' },
    { ...valueOf(members, 'a')!, text: Buffer.from('0') },
  ];
  assert.equal(splice(bytes, edits).toString(), '{"a":0,"é":-0,"c":"ü"}');
  assert.equal(splice(bytes, []).toString(), bytes.toString());
  const insertion = [{ start: 1, end: 1, text: '"z":0,' }];
  assert.equal(splice(Buffer.from('{"a":1}'), insertion).toString(), '{"z":0,"a":1}');
});

test('sets and removes members of an object', () => {
  const edit = (text: string, changes: Record<string, string | null>): string => {
    const bytes = Buffer.from(text);
    const edited = editObject(
      bytes,
      membersOf(bytes, whole(bytes)),
      new Map(Object.entries(changes)),
    );
    checkJson(edited);
    return edited.toString();
  };
  assert.equal(edit('{}', {}), '{}');
  assert.equal(edit('{}', { a: '1' }), '{"a":1}');
  assert.equal(edit('{ "a" : 1 }', { a: null }), '{}');
  assert.equal(edit('{"a": 1e2, "b": 2,"c":3}', { b: null, a: '"x"' }), '{"a": "x","c":3}');
  assert.equal(edit('{"a":1}', { 'n"ew': '[]', gone: null }), '{"n\\"ew":[],"a":1}');
});
