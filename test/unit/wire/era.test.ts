import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, Era } from '../../../src/core/call.ts';
import {
  errorCodeOf,
  META,
  resultTypeOf,
  toCaller,
  toolToLegacy,
  toolToModern,
  toUpstream,
} from '../../../src/wire/era.ts';
import type { Addressed } from '../../../src/wire/era.ts';
import { readMessage, readParams } from '../../../src/wire/message.ts';

const read = (text: string) => readMessage(Buffer.from(text));

const client = (era: Era): Client => ({
  era,
  protocolVersion: era === 'modern' ? '2026-07-28' : '2025-11-25',
  info: Buffer.from('{"name":"c","version":"1","x":1e400}'),
  capabilities: Buffer.from('{"sampling":{}}'),
});

const addressed = (from: Era, to: Era, more: Partial<Addressed> = {}): Addressed => ({
  era: to,
  version: to === 'modern' ? '2026-07-28' : '2025-11-25',
  id: '77',
  name: undefined,
  progressToken: '"t1"',
  client: client(from),
  logLevel: undefined,
  ...more,
});

function send(params: string | undefined, to: Addressed, method = 'tools/call'): string {
  const tail = params === undefined ? '' : `,"params":${params}`;
  const message = read(`{"jsonrpc":"2.0","id":"a","x-vendor":-0,"method":"${method}"${tail}}`);
  return toUpstream(message, readParams(message), to).toString();
}

const ENVELOPE = [
  `"${META.protocolVersion}":"2026-07-28"`,
  `"${META.clientInfo}":{"name":"x","version":"2"}`,
  `"${META.clientCapabilities}":{}`,
].join(',');

test('within one era only id, name and progress token change', () => {
  const to = addressed('legacy', 'legacy', { name: 'own"name' });
  const params = '{ "name":"s__n","arguments":{"n":1e400}, "_meta":{"progressToken":5,"v":-0} }';
  assert.equal(
    send(params, to),
    '{"jsonrpc":"2.0","id":77,"x-vendor":-0,"method":"tools/call","params":' +
      '{ "name":"own\\"name","arguments":{"n":1e400}, "_meta":{"progressToken":"t1","v":-0} }}',
  );
});

test('a tools/call without arguments gets empty ones', () => {
  const to = addressed('legacy', 'legacy');
  assert.match(send('{"name":"n"}', to), /"params":\{"arguments":\{\},"name":"n"\}/);
  assert.doesNotMatch(send('{"name":"n"}', to, 'prompts/get'), /arguments/);
  const both = send('{"name":"n"}', addressed('legacy', 'modern'));
  assert.match(both, /"params":\{"arguments":\{\},"_meta":\{.*\},"name":"n"\}/);
  JSON.parse(both);
});

test('a legacy request becomes a modern one: with an envelope that declares nothing', () => {
  const sent = JSON.parse(
    send('{"name":"n","arguments":{},"_meta":{"progressToken":1,"vendor":1}}', {
      ...addressed('legacy', 'modern'),
      logLevel: 'warning',
    }),
  );
  assert.deepEqual(sent.params._meta, {
    [META.protocolVersion]: '2026-07-28',
    [META.clientInfo]: { name: 'c', version: '1', x: Infinity },
    [META.clientCapabilities]: {},
    [META.logLevel]: 'warning',
    vendor: 1,
    progressToken: 't1',
  });
});

test('a legacy request without params or _meta gets the envelope too', () => {
  const sent = JSON.parse(send('{}', addressed('legacy', 'modern'), 'resources/read'));
  assert.equal(sent.params._meta[META.protocolVersion], '2026-07-28');
});

test('a _meta that is no object is replaced, not doubled', () => {
  const sent = send('{"name":"n","arguments":{},"_meta":[]}', addressed('legacy', 'modern'));
  assert.equal(sent.split('"_meta"').length, 2);
  assert.equal(JSON.parse(sent).params._meta[META.protocolVersion], '2026-07-28');
});

test('a modern request becomes a legacy one: the envelope goes, the rest of _meta stays', () => {
  const to = addressed('modern', 'legacy');
  const kept = send(
    `{"name":"n","arguments":{},"_meta":{${ENVELOPE},"v":-0,"progressToken":1}}`,
    to,
  );
  assert.match(kept, /"_meta":\{"v":-0,"progressToken":"t1"\}/);
  const bare = '{"jsonrpc":"2.0","id":77,"x-vendor":-0,"method":"tools/call","params":';
  assert.equal(
    send(`{"_meta":{${ENVELOPE}},"name":"n","arguments":{}}`, to),
    `${bare}{"name":"n","arguments":{}}}`,
  );
  assert.equal(
    send(`{"name":"n","arguments":{},"_meta":{${ENVELOPE}}}`, to),
    `${bare}{"name":"n","arguments":{}}}`,
  );
});

const answer = (
  result: string,
  method: string,
  from: Era,
  to: Era,
  definition?: string,
): unknown => {
  const message = read(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
  const bytes = definition === undefined ? undefined : Buffer.from(definition);
  return JSON.parse(toCaller(message, method, from, to, bytes).bytes.toString()).result;
};

test('a legacy result becomes a modern one: complete, and a read may not be kept', () => {
  assert.deepEqual(answer('{"content":[]}', 'tools/call', 'legacy', 'modern'), {
    resultType: 'complete',
    content: [],
  });
  assert.deepEqual(answer('{"contents":[]}', 'resources/read', 'legacy', 'modern'), {
    resultType: 'complete',
    ttlMs: 0,
    cacheScope: 'private',
    contents: [],
  });
});

test('what a modern server says of itself stays, but for what it forgot', () => {
  const said = '{"resultType":"complete","contents":[],"ttlMs":5,"cacheScope":"public"}';
  assert.deepEqual(answer(said, 'resources/read', 'modern', 'modern'), JSON.parse(said));
  const asks = '{"resultType":"input_required","inputRequests":{}}';
  assert.deepEqual(answer(asks, 'resources/read', 'modern', 'modern'), JSON.parse(asks));
  const response = read(`{"jsonrpc":"2.0","id":1,"result":${said}}`);
  assert.equal(toCaller(response, 'resources/read', 'modern', 'modern'), response);
});

test('a modern result becomes a legacy one: without the members of its era', () => {
  const meta = `{"${META.serverInfo}":{"name":"s"},"v":1}`;
  const modern = `{"resultType":"complete","ttlMs":1,"cacheScope":"public","content":[],"_meta":${meta}}`;
  assert.deepEqual(answer(modern, 'tools/call', 'modern', 'legacy'), {
    content: [],
    _meta: { v: 1 },
  });
  const only = `{"content":[],"_meta":{"${META.serverInfo}":{}}}`;
  assert.deepEqual(answer(only, 'tools/call', 'modern', 'legacy'), { content: [] });
});

test('structuredContent that is no object is wrapped for a legacy caller, as the schema is', () => {
  const array = '{"name":"t","outputSchema":{"type":"array"}}';
  const result = '{"content":[],"structuredContent":[1,-0]}';
  const wrapped = { content: [], structuredContent: { result: [1, -0] } };
  assert.deepEqual(answer(result, 'tools/call', 'modern', 'legacy', array), wrapped);
  assert.deepEqual(answer(result, 'tools/call', 'modern', 'legacy'), wrapped);
  const either = '{"name":"t","outputSchema":{"anyOf":[{"type":"object"},{"type":"null"}]}}';
  assert.deepEqual(
    answer('{"content":[],"structuredContent":{"a":1}}', 'tools/call', 'modern', 'legacy', either),
    { content: [], structuredContent: { result: { a: 1 } } },
  );
  const object = '{"name":"t","outputSchema":{"type":"object"}}';
  const plain = '{"content":[],"structuredContent":{"a":1}}';
  assert.deepEqual(answer(plain, 'tools/call', 'modern', 'legacy', object), JSON.parse(plain));
});

test('a legacy definition says object where the modern one says something else', () => {
  const array = Buffer.from(
    '{"name":"t","outputSchema":{"type":"array","items":{"$ref":"#/$defs/a"}}}',
  );
  const legacy = JSON.parse(toolToLegacy(array).toString());
  assert.equal(legacy.outputSchema.type, 'object');
  assert.deepEqual(legacy.outputSchema.required, ['result']);
  assert.match(legacy.outputSchema.properties.result.$id, /^urn:toolgate:[0-9a-f]{16}$/);
  for (const same of ['{"name":"t"}', '{"name":"t","outputSchema":{"type":"object"}}']) {
    const raw = Buffer.from(same);
    assert.equal(toolToLegacy(raw), raw);
  }
});

test('a modern definition has no task support', () => {
  const one = '{"name":"t","execution":{"taskSupport":"optional"}}';
  assert.equal(toolToModern(Buffer.from(one)).toString(), '{"name":"t"}');
  const two = '{"name":"t","execution":{"taskSupport":"optional","x":1}}';
  assert.equal(toolToModern(Buffer.from(two)).toString(), '{"name":"t","execution":{"x":1}}');
  const raw = Buffer.from('{"name":"t","description":"taskSupport"}');
  assert.equal(toolToModern(raw), raw);
});

test('error codes that the caller must not see are told as others', () => {
  const code = (value: number, from: Era, to: Era): number =>
    errorCodeOf(
      toCaller(read(`{"jsonrpc":"2.0","id":1,"error":{"code":${value}}}`), 'x', from, to),
    );
  assert.equal(code(-32002, 'legacy', 'modern'), -32602);
  assert.equal(code(-32042, 'legacy', 'modern'), -32602);
  assert.equal(code(-32020, 'modern', 'legacy'), -32603);
  assert.equal(code(-32022, 'modern', 'legacy'), -32603);
  assert.equal(code(-32002, 'legacy', 'legacy'), -32002);
  assert.equal(code(-32602, 'modern', 'legacy'), -32602);
  assert.equal(code(7, 'modern', 'legacy'), 7);
});

test('reads result type and error code, whatever stands there', () => {
  assert.equal(resultTypeOf(read('{"jsonrpc":"2.0","id":1,"result":{}}')), 'complete');
  assert.equal(resultTypeOf(read('{"jsonrpc":"2.0","id":1,"result":{"resultType":"x"}}')), 'x');
  assert.equal(
    resultTypeOf(read('{"jsonrpc":"2.0","id":1,"result":{"resultType":7}}')),
    'complete',
  );
  assert.equal(errorCodeOf(read('{"jsonrpc":"2.0","id":1,"error":{"code":"7"}}')), 0);
  assert.equal(errorCodeOf(read('{"jsonrpc":"2.0","id":1,"error":{}}')), 0);
});
