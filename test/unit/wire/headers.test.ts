import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import {
  checkParameterHeaders,
  checkRequestHeaders,
  decodeHeaderValue,
  encodeHeaderValue,
  headerParameters,
  requestHeaders,
} from '../../../src/wire/headers.ts';
import type { HeaderParameter } from '../../../src/wire/headers.ts';
import { readMessage, readParams } from '../../../src/wire/message.ts';

const VERSION = '2026-07-28';

const mismatch = (error: unknown): boolean =>
  isGatewayError(error) && error.code === 'HEADER_MISMATCH';

function request(method: string, params: string) {
  const text = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
  const message = readMessage(Buffer.from(text));
  return { message, params: readParams(message) };
}

/** 2026-07-28, basic/transports/streamable-http, "Value Encoding", and the cases beside it. */
const ENCODED: readonly (readonly [value: string, header: string])[] = [
  ['us-west1', 'us-west1'],
  ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
  [' padded ', '=?base64?IHBhZGRlZCA=?='],
  ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
  ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
  ['two words', 'two words'],
  ['=?base64?open', '=?base64?open'],
  ['a\u007f', '=?base64?YX8=?='],
  ['a\0', '=?base64?YQA=?='],
  ['\t', '=?base64?CQ==?='],
  ['é', '=?base64?w6k=?='],
  ['', ''],
];

test('values are encoded as the specification has it, and decoded again', () => {
  for (const [value, header] of ENCODED) {
    assert.equal(encodeHeaderValue(value), header, JSON.stringify(value));
    assert.equal(decodeHeaderValue(header), value, header);
  }
});

test('every text survives the way through a header', () => {
  for (let code = 0; code < 0x3000; code++) {
    if (code >= 0xd800) break;
    for (const value of [String.fromCharCode(code), `a${String.fromCharCode(code)}b`]) {
      const header = encodeHeaderValue(value);
      assert.match(header, /^[\x20-\x7e\t]*$/);
      assert.equal(header, header.trim());
      assert.equal(decodeHeaderValue(header), value);
    }
  }
});

test('a sentinel with anything but Base64 of UTF-8 in it is no value', () => {
  for (const header of ['=?base64?a?=', '=?base64?%%%?=', '=?base64?_-8=?=', '=?base64?/w==?=']) {
    assert.equal(decodeHeaderValue(header), undefined, header);
  }
  assert.equal(decodeHeaderValue('=?BASE64?YQ==?='), '=?BASE64?YQ==?=');
});

const definition = (inputSchema: unknown): Buffer =>
  Buffer.from(JSON.stringify({ name: 't', inputSchema }));

const tagged = (header: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': header });
const properties = (inner: object) => ({ type: 'object', properties: inner });

test('finds the parameters that a tool wants mirrored, nested ones too', () => {
  assert.deepEqual(headerParameters(definition(properties({ a: { type: 'string' } }))), []);
  assert.deepEqual(headerParameters(Buffer.from('{"name":"t"}')), []);
  const schema = properties({
    region: tagged('Region'),
    size: tagged('Size', 'integer'),
    nested: properties({ 'dry.run': tagged('Dry-Run', 'boolean') }),
  });
  assert.deepEqual(headerParameters(definition(schema)), [
    { header: 'Region', path: ['region'] },
    { header: 'Size', path: ['size'] },
    { header: 'Dry-Run', path: ['nested', 'dry.run'] },
  ]);
});

test('a property may be called as the annotation is', () => {
  assert.deepEqual(
    headerParameters(definition(properties({ 'x-mcp-header': { type: 'string' } }))),
    [],
  );
  assert.deepEqual(headerParameters(definition(properties({ properties: tagged('P') }))), [
    { header: 'P', path: ['properties'] },
  ]);
});

test('a wrong annotation makes the definition invalid', () => {
  const wrong: Record<string, unknown> = {
    empty: properties({ a: tagged('') }),
    'no token': properties({ a: tagged('a b') }),
    'line break': properties({ a: tagged('a\r\nb') }),
    'no string': properties({ a: tagged(7) }),
    number: properties({ a: tagged('A', 'number') }),
    object: properties({ a: tagged('A', 'object') }),
    'two types': properties({ a: tagged('A', ['string', 'null']) }),
    'no type': properties({ a: { 'x-mcp-header': 'A' } }),
    twice: properties({ a: tagged('Region'), b: tagged('REGION') }),
    'at the root': { ...properties({}), 'x-mcp-header': 'A' },
    items: properties({ a: { type: 'array', items: tagged('A') } }),
    oneOf: properties({ a: { oneOf: [tagged('A')] } }),
    $defs: { ...properties({ a: { $ref: '#/$defs/a' } }), $defs: { a: tagged('A') } },
    additionalProperties: { type: 'object', additionalProperties: tagged('A') },
  };
  for (const [what, schema] of Object.entries(wrong)) {
    assert.equal(typeof headerParameters(definition(schema)), 'string', what);
  }
});

const MIRRORED: readonly HeaderParameter[] = [
  { header: 'Region', path: ['region'] },
  { header: 'Size', path: ['deep', 'size'] },
];

test('a request carries its method, its name and its mirrored arguments', () => {
  const { message, params } = request(
    'tools/call',
    '{"name":"größe","arguments":{"region":"us west","deep":{"size":12345678901234567890}}}',
  );
  assert.deepEqual(requestHeaders(message, params, VERSION, MIRRORED), {
    'mcp-protocol-version': VERSION,
    'mcp-method': 'tools/call',
    'mcp-name': '=?base64?Z3LDtsOfZQ==?=',
    'mcp-param-Region': 'us west',
    'mcp-param-Size': '12345678901234567890',
  });
  const list = request('tools/list', '{}');
  assert.deepEqual(requestHeaders(list.message, list.params, VERSION, MIRRORED), {
    'mcp-protocol-version': VERSION,
    'mcp-method': 'tools/list',
  });
});

test('an argument that is null, absent or no scalar has no header', () => {
  for (const args of [
    '{"region":null}',
    '{}',
    '{"region":["a"],"deep":7}',
    '{"deep":{"size":{}}}',
  ]) {
    const { message, params } = request('tools/call', `{"name":"t","arguments":${args}}`);
    const headers = requestHeaders(message, params, VERSION, MIRRORED);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.includes('param')),
      [],
      args,
    );
  }
});

test('what is mirrored is what is checked', () => {
  const { message, params } = request('resources/read', '{"uri":"file:///ä b"}');
  const headers = requestHeaders(message, params, VERSION, []);
  checkRequestHeaders(headers, message, params);
  checkRequestHeaders(
    { ...headers, 'mcp-name': encodeHeaderValue('file:///ä b') },
    message,
    params,
  );
  const wrong = [
    { ...headers, 'mcp-method': undefined },
    { ...headers, 'mcp-method': 'tools/call' },
    { ...headers, 'mcp-name': undefined },
    { ...headers, 'mcp-name': 'file:///other' },
    { ...headers, 'mcp-name': ['a', 'b'] },
    { ...headers, 'mcp-name': '=?base64?%?=' },
  ];
  for (const one of wrong) {
    assert.throws(() => checkRequestHeaders(one, message, params), mismatch, JSON.stringify(one));
  }
});

test('a body without a name is the fault of the body', () => {
  const { message, params } = request('tools/call', '{"name":7}');
  checkRequestHeaders({ 'mcp-method': 'tools/call' }, message, params);
});

test('parameter headers must agree with the arguments', () => {
  const check = (args: string, headers: Record<string, string | string[]>) => {
    const { message, params } = request('tools/call', `{"name":"t","arguments":${args}}`);
    checkParameterHeaders(headers, message, params, MIRRORED);
  };
  const size = '{"deep":{"size":42}}';
  check('{"region":"a"}', { 'mcp-param-region': 'a' });
  check('{"region":"ä"}', { 'mcp-param-region': encodeHeaderValue('ä') });
  check('{"region":null}', {});
  check('{}', { 'mcp-param-unknown': 'x' });
  check(size, { 'mcp-param-size': '42' });
  check(size, { 'mcp-param-size': '42.0' });
  check('{"deep":{"size":42.0}}', { 'mcp-param-size': '42' });
  const wrong: [string, Record<string, string | string[]>][] = [
    ['{"region":"a"}', {}],
    ['{"region":"a"}', { 'mcp-param-region': 'b' }],
    ['{"region":"a"}', { 'mcp-param-region': ['a', 'a'] }],
    ['{}', { 'mcp-param-region': 'a' }],
    ['{"region":null}', { 'mcp-param-region': 'null' }],
    [size, { 'mcp-param-size': '43' }],
    [size, { 'mcp-param-size': '0x2a' }],
    ['{"deep":{"size":9007199254740993}}', { 'mcp-param-size': '9007199254740992' }],
    ['{"region":"42"}', { 'mcp-param-region': '42.0' }],
  ];
  for (const [args, headers] of wrong) {
    assert.throws(() => check(args, headers), mismatch, `${args} ${JSON.stringify(headers)}`);
  }
});
