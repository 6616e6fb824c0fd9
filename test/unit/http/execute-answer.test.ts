// Texts, images, structured content and errors of a result in each format that an LLM's API takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toAnswer } from '../../../src/http/api/execute-answer.ts';
import { FORMATS, readExecuteBody } from '../../../src/http/api/execute-body.ts';
import type { Format } from '../../../src/http/api/execute-body.ts';

const rawAnswer = (format: Format, result: string): string =>
  toAnswer(Buffer.from(result), { format, id: '"id1"', name: 'up__tool' }).toString();

const answer = (format: Format, result: object): any =>
  JSON.parse(rawAnswer(format, JSON.stringify(result)));

const PNG = { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' };
const text = (value: string) => ({ type: 'text', text: value });

test('mcp is the result itself, byte by byte', () => {
  const odd = '{ "content" : [], "x" : 1.0, "__proto__": 1e400, "structuredContent": -0 }';
  assert.equal(rawAnswer('mcp', odd), odd);
});

test('a text keeps the bytes its server wrote, odd escapes included', () => {
  const odd = '"caf\\u00e9 \\/ \\ud800 \\u2028 é"';
  const result = `{"content":[{"type":"text","text":${odd}}]}`;
  assert.equal(
    rawAnswer('chat', result),
    `{"role":"tool","tool_call_id":"id1","name":"up__tool","content":${odd}}`,
  );
  assert.equal(
    rawAnswer('responses', result),
    `{"type":"function_call_output","call_id":"id1","output":${odd}}`,
  );
  assert.equal(
    rawAnswer('anthropic', result),
    `{"type":"tool_result","tool_use_id":"id1","content":[{"type":"text","text":${odd}}],"is_error":false}`,
  );
});

test('several texts are one string where the format has strings', () => {
  const result = { content: [text('a'), text('b')] };
  assert.equal(answer('chat', result).content, 'a\nb');
  assert.equal(answer('responses', result).output, 'a\nb');
  assert.deepEqual(answer('anthropic', result).content, [text('a'), text('b')]);
});

test('images go as images', () => {
  const result = { content: [text('see'), PNG] };
  const url = 'data:image/png;base64,iVBORw0KGgo=';
  assert.deepEqual(answer('chat', result).content, [
    text('see'),
    { type: 'image_url', image_url: { url } },
  ]);
  assert.deepEqual(answer('responses', result).output, [
    { type: 'input_text', text: 'see' },
    { type: 'input_image', image_url: url },
  ]);
  assert.deepEqual(answer('anthropic', result).content[1], {
    type: 'image',
    source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' },
  });
});

test('other files go as files, or as JSON where there are none', () => {
  const blob = {
    type: 'resource',
    resource: { uri: 'file:///a.pdf', mimeType: 'application/pdf', blob: 'JVBERi0=' },
  };
  const wav = { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' };
  const [pdf] = answer('anthropic', { content: [blob] }).content;
  assert.deepEqual(pdf.source, { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' });
  const [told] = answer('anthropic', { content: [wav] }).content;
  assert.equal(JSON.parse(told.text).data, 'UklGRg==');
  assert.equal(answer('chat', { content: [blob] }).content[0].file.filename, 'file:///a.pdf');
  assert.equal(answer('chat', { content: [wav] }).content[0].input_audio.format, 'wav');
  assert.equal(answer('responses', { content: [wav] }).output[0].type, 'input_file');
});

test('links, embedded texts and unknown types lose nothing', () => {
  for (const block of [
    { type: 'resource_link', uri: 'file:///a', name: 'a' },
    { type: 'resource', resource: { uri: 'file:///a', text: 'words' } },
    { type: 'x-vendor', anything: [1] },
    { type: 'text' },
  ]) {
    for (const format of ['chat', 'responses', 'anthropic'] as const) {
      const got = answer(format, { content: [block] });
      const words = got.content?.[0]?.text ?? got.content ?? got.output;
      assert.deepEqual(JSON.parse(words), block, format);
    }
  }
});

test('structured content is told once, with every digit', () => {
  const structured = '{"n":12345678901234567890,"x":1.0}';
  const alone = `{"content":[],"structuredContent":${structured}}`;
  assert.equal(JSON.parse(rawAnswer('chat', alone)).content, structured);
  // The text says the same in other words of JSON.
  const twice = `{"content":[{"type":"text","text":"{ \\"x\\": 1.0, \\"n\\": 12345678901234567890 }"}],"structuredContent":${structured}}`;
  assert.equal(
    JSON.parse(rawAnswer('chat', twice)).content,
    '{ "x": 1.0, "n": 12345678901234567890 }',
  );
  const other = `{"content":[{"type":"text","text":"done"}],"structuredContent":${structured}}`;
  assert.equal(JSON.parse(rawAnswer('responses', other)).output, `done\n${structured}`);
});

test('that it failed is said in each', () => {
  const result = { content: [text('no such file')], isError: true };
  assert.equal(answer('anthropic', result).is_error, true);
  assert.equal(answer('anthropic', result).content[0].text, 'no such file');
  assert.equal(answer('chat', result).content, 'Error: no such file');
  assert.equal(answer('responses', result).output, 'Error: no such file');
  assert.equal(
    answer('chat', { content: [text('Error 404')], isError: true }).content,
    'Error 404',
  );
  assert.equal(answer('chat', { content: [PNG], isError: true }).content.length, 2);
  assert.equal(answer('chat', { content: [], isError: true }).content, 'Error: the tool failed.');
});

test('the body’s shape decides the format, unless it says another', () => {
  const read = (body: object, query = '') =>
    readExecuteBody(Buffer.from(JSON.stringify(body)), new URLSearchParams(query));
  const bodies: Readonly<Record<Format, object>> = {
    mcp: { name: 't', arguments: { a: 1 } },
    chat: { id: 'i', type: 'function', function: { name: 't', arguments: '{"a":1}' } },
    responses: { call_id: 'i', name: 't', arguments: '{"a":1}' },
    anthropic: { type: 'tool_use', id: 'i', name: 't', input: { a: 1 } },
  };
  for (const format of FORMATS) {
    const { id, wanted, ...rest } = read(bodies[format]);
    assert.equal(rest.format, format);
    assert.equal(id, format === 'mcp' ? '""' : '"i"');
    assert.equal(wanted.kind === 'call' && wanted.arguments.toString(), '{"a":1}');
    assert.equal(read(bodies[format], 'format=openai').format, 'chat');
    assert.equal(read({ ...bodies[format], format: 'anthropic' }).format, 'anthropic');
  }
  assert.equal(read({ type: 'function_call', call_id: 'i', name: 't' }).format, 'responses');
  assert.equal(read({ approvalId: 'ap_1' }).format, 'mcp');
  assert.equal(read({ approvalId: 'ap_1', call_id: 'i', format: 'responses' }).id, '"i"');
  const empty = read({ name: 't', arguments: ' ' }).wanted;
  assert.equal(empty.kind === 'call' && empty.arguments.toString(), '{}');
});
