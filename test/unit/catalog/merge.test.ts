import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merge } from '../../../src/catalog/merge.ts';
import type { Naming } from '../../../src/catalog/names.ts';
import { rewriteDefinition, rewriteResult, rewriteUpdate } from '../../../src/catalog/rewrite.ts';
import { readMessage } from '../../../src/wire/message.ts';
import { resource, source, template, tool } from './listing.ts';

const NAMING: Naming = { mode: 'prefix', maxLength: 49 };

const listed = (...sources: ReturnType<typeof source>[]) =>
  sources.map((one) => ({ source: one, prefix: undefined, overrides: new Map() }));

test('tools lead back to their server under its own name, definitions change in the name alone', () => {
  const raw = Buffer.from(
    '{ "x-vendor": 1e400, "name" : "re\\u0061d", "inputSchema": {"maximum":-0} }',
  );
  const files = source('files', { tools: [{ name: 'read', raw }], prompts: [tool('ask')] });
  const { entries, byName, diagnostics } = merge(listed(files), NAMING);
  const entry = byName.tools.get('files__read')!;
  assert.equal(entry.source, files);
  assert.equal(entry.name, 'read');
  assert.equal(
    entry.raw.toString(),
    '{ "x-vendor": 1e400, "name" : "files__read", "inputSchema": {"maximum":-0} }',
  );
  assert.equal(entry.item.raw, raw);
  assert.deepEqual(
    entries.prompts.map(({ exposed }) => exposed),
    ['files__ask'],
  );
  assert.deepEqual(diagnostics, []);
});

test('resources stay verbatim, but for those that two servers have', () => {
  const a = source('a', { resources: [resource('x://1'), resource('x://2')] });
  const b = source('b', {
    resources: [resource('x://2')],
    resourceTemplates: [template('t://{id}')],
  });
  const { entries, byName, shared, diagnostics } = merge(listed(a, b), NAMING);
  assert.deepEqual(
    entries.resources.map(({ exposed }) => exposed),
    ['x://1', 'toolgate://a/x://2', 'toolgate://b/x://2'],
  );
  assert.deepEqual([...shared], ['x://2']);
  assert.equal(byName.resources.get('toolgate://b/x://2')!.name, 'x://2');
  assert.equal(
    JSON.parse(byName.resources.get('toolgate://b/x://2')!.raw.toString()).uri,
    'toolgate://b/x://2',
  );
  assert.equal(byName.resourceTemplates.get('t://{id}')!.source, b);
  assert.equal(diagnostics.length, 1);
});

test('the merge depends on the order it is given and on nothing else', () => {
  const all = listed(
    source('a', { tools: [tool('x'), tool('y')] }),
    source('b', { tools: [tool('x'), tool('z'.repeat(80))] }),
  );
  const names = () =>
    merge(all, { mode: 'on-collision', maxLength: 20 }).entries.tools.map((e) => e.exposed);
  assert.deepEqual(names(), names());
  assert.deepEqual(names().slice(0, 3), ['a__x', 'y', 'b__x']);
});

const expose = (uri: string): string => (uri.startsWith('x://') ? `toolgate://a/${uri}` : uri);

test('URIs in a result are exposed wherever they name a resource, and nowhere else', () => {
  const result = {
    content: [
      { type: 'text', text: 'x://1', uri: 'x://1' },
      { type: 'resource', resource: { uri: 'x://1', text: 'x://1' } },
      { type: 'resource_link', uri: 'x://2', _meta: { ui: { resourceUri: 'x://3' } } },
      { type: 'resource_link', uri: 'y://2' },
    ],
    structuredContent: { uri: 'x://1' },
    _meta: { 'ui/resourceUri': 'x://4' },
  };
  const text = `{"jsonrpc":"2.0","id":1,"result":${JSON.stringify(result)}}`;
  const message = readMessage(Buffer.from(text));
  const { result: got } = JSON.parse(rewriteResult(message, expose).bytes.toString());
  assert.deepEqual(got.content[0], { type: 'text', text: 'x://1', uri: 'toolgate://a/x://1' });
  assert.deepEqual(got.content[1].resource, { uri: 'toolgate://a/x://1', text: 'x://1' });
  assert.equal(got.content[2].uri, 'toolgate://a/x://2');
  assert.equal(got.content[2]._meta.ui.resourceUri, 'toolgate://a/x://3');
  assert.deepEqual(got.content[3], result.content[3]);
  assert.deepEqual(got.structuredContent, result.structuredContent);
  assert.equal(got._meta['ui/resourceUri'], 'toolgate://a/x://4');
  assert.equal(
    rewriteResult(message, (uri) => uri),
    message,
  );
});

test('definitions and update notifications are rewritten alike', () => {
  const raw = tool('t', { _meta: { ui: { resourceUri: 'x://1' } }, description: 'x://1' }).raw;
  const rewritten = JSON.parse(rewriteDefinition(raw, expose).toString());
  assert.equal(rewritten._meta.ui.resourceUri, 'toolgate://a/x://1');
  assert.equal(rewritten.description, 'x://1');
  assert.equal(
    rewriteDefinition(raw, (uri) => uri),
    raw,
  );
  const update = readMessage(
    Buffer.from(
      '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://1","n":-0}}',
    ),
  );
  assert.match(rewriteUpdate(update, 'z://1').bytes.toString(), /"uri":"z:\/\/1","n":-0/);
  assert.equal(rewriteUpdate(update, 'x://1'), update);
});
