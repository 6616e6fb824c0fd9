import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError, isGatewayError } from '../../../src/core/errors.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { sliceOf } from '../../../src/wire/json.ts';
import {
  errorMessage,
  idOf,
  notificationMessage,
  readBatch,
  readMessage,
  readParams,
  requestMessage,
  resultAnswer,
  resultMessage,
  salvageId,
  toRpcError,
  withId,
} from '../../../src/wire/message.ts';

const read = (text: string) => readMessage(Buffer.from(text));

const withCode = (code: ErrorCode) => (error: unknown) =>
  isGatewayError(error) && error.code === code;

test('tells requests, notifications and responses apart', () => {
  const request = read('{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{"name":"x"}}');
  assert.equal(request.kind, 'request');
  assert.equal(request.method, 'tools/call');
  assert.equal(idOf(request), '"7"');
  assert.equal(read('{"jsonrpc":"2.0","method":"notifications/initialized"}').kind, 'notification');
  const result = read('{"jsonrpc":"2.0","id":7,"result":{"a":1}}');
  assert.equal(result.kind, 'response');
  assert.equal(sliceOf(result.bytes, result.result!).toString(), '{"a":1}');
  const error = read('{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no"}}');
  assert.equal(error.kind, 'response');
  assert.equal(error.result, undefined);
  assert.equal(idOf(read('{"jsonrpc":"2.0","error":{}}')), '');
});

test('refuses what is no JSON-RPC 2.0 message of MCP', () => {
  const wrong = [
    '[]',
    '"text"',
    '{}',
    '{"jsonrpc":"1.0","id":1,"method":"ping"}',
    '{"jsonrpc":2.0,"id":1,"method":"ping"}',
    '{"id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":7}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}',
    '{"jsonrpc":"2.0","id":null,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1e2,"method":"ping"}',
    '{"jsonrpc":"2.0","id":{},"method":"ping"}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    '{"jsonrpc":"2.0","id":1,"result":[]}',
    '{"jsonrpc":"2.0","id":1,"error":"no"}',
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","\\u006dethod":"tools/call"}',
  ];
  for (const text of wrong) assert.throws(() => read(text), withCode('REQUEST_INVALID'), text);
  assert.throws(() => read('{"jsonrpc":'), withCode('JSON_INVALID'));
});

test('an id keeps its source text, whatever a number type would make of it', () => {
  for (const id of ['0', '-1', '12345678901234567890', '""', '"1"', '"\\u00e9"', '"a\\"b"']) {
    const message = read(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
    assert.equal(idOf(message), id);
    const other = withId(message, '99').toString();
    assert.equal(other, '{"jsonrpc":"2.0","id":99,"method":"ping"}');
    assert.equal(withId(readMessage(Buffer.from(other)), id).toString(), message.bytes.toString());
  }
});

test('the id of a spoilt message is found where one can be read', () => {
  const salvaged = (text: string) => salvageId(Buffer.from(text));
  assert.equal(salvaged('{"jsonrpc":"2.0","id": 17, "method":'), '17');
  assert.equal(salvaged('{"id":"a\\"b","method"'), '"a\\"b"');
  assert.equal(salvaged('{"id":1.5}'), 'null');
  assert.equal(salvaged('{"id":{"id'), 'null');
  assert.equal(salvaged(''), 'null');
  assert.equal(salvaged(`{"x":"${'"id'.repeat(5000)}`), 'null');
  assert.equal(salvaged('{"id":"é😀",'), '"é😀"');
});

test('an id that is no JSON itself is not sent back', () => {
  for (const id of ['"\\x"', '"\\u12"', '"a\nb"', '"\u0001"', '007']) {
    assert.equal(salvageId(Buffer.from(`{"id":${id},"method"`)), 'null', id);
  }
  const cut = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  assert.equal(salvageId(cut), 'null');
});

test('batches are taken apart', () => {
  const batch = readBatch(Buffer.from(' [ {"a":1} , 2,[3] ] '))!;
  assert.deepEqual(batch.map(String), ['{"a":1}', '2', '[3]']);
  assert.equal(readBatch(Buffer.from('{}')), undefined);
  assert.deepEqual(readBatch(Buffer.from('[]')), []);
});

test('reads of params what the gateway needs, method by method', () => {
  const nameOf = (method: string, params: string) =>
    readParams(read(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`)).name;
  assert.equal(nameOf('tools/call', '{"name":"a"}'), 'a');
  assert.equal(nameOf('prompts/get', '{"name":"b"}'), 'b');
  assert.equal(nameOf('resources/read', '{"uri":"c:/d"}'), 'c:/d');
  assert.equal(nameOf('resources/subscribe', '{"uri":"c:/d"}'), 'c:/d');
  assert.equal(nameOf('completion/complete', '{"ref":{"type":"ref/prompt","name":"p"}}'), 'p');
  assert.equal(nameOf('completion/complete', '{"ref":{"type":"ref/resource","uri":"u"}}'), 'u');
  assert.equal(nameOf('tools/call', '{"name":7}'), '');
  assert.equal(nameOf('tools/list', '{"name":"a"}'), '');
  assert.equal(nameOf('tools/call', '{}'), '');
});

test('reads _meta and the progress token, and refuses keys that stand twice', () => {
  const message = (params: string) =>
    read(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);
  const { progressToken, meta } = readParams(
    message('{"name":"a","_meta":{"progressToken":1e2,"x":1}}'),
  );
  assert.deepEqual(
    meta.map(({ key }) => key),
    ['progressToken', 'x'],
  );
  assert.equal(progressToken!.end - progressToken!.start, 3);
  const noObject = readParams(message('{"name":"a","_meta":[]}'));
  assert.deepEqual([noObject.metaSpan, noObject.meta.length], [undefined, 0]);
  for (const twice of [
    '{"name":"a","name":"b"}',
    '{"name":"a","_meta":{"progressToken":1,"progressToken":2}}',
  ]) {
    assert.throws(() => readParams(message(twice)), withCode('REQUEST_INVALID'), twice);
  }
});

test('writes messages that it reads', () => {
  assert.equal(
    resultMessage('"é"', '{"a":1}').toString(),
    '{"jsonrpc":"2.0","id":"é","result":{"a":1}}',
  );
  assert.equal(
    resultMessage(Buffer.from('7'), Buffer.from('{}')).toString(),
    '{"jsonrpc":"2.0","id":7,"result":{}}',
  );
  assert.equal(resultAnswer('{}').kind, 'response');
  assert.equal(readMessage(requestMessage(1, 'ping', {})).kind, 'request');
  assert.equal(readMessage(notificationMessage('notifications/x')).kind, 'notification');
  const error = new GatewayError('UPSTREAM_DOWN', 'It is down.', { data: { server: 'a' } });
  assert.deepEqual(JSON.parse(errorMessage('7', toRpcError(error)).toString()), {
    jsonrpc: '2.0',
    id: 7,
    error: {
      code: -31012,
      message: 'It is down.',
      data: { server: 'a', code: 'UPSTREAM_DOWN', retryable: true },
    },
  });
});
