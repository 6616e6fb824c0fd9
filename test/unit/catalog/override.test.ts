import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { settleNames } from '../../../src/catalog/names.ts';
import { overrideArguments, overrideDefinition } from '../../../src/catalog/override.ts';
import type { ToolOverride } from '../../../src/config/config.ts';
import { readMessage } from '../../../src/wire/message.ts';

const override = (facts: Partial<ToolOverride>): ToolOverride => ({
  name: undefined,
  description: undefined,
  annotations: undefined,
  hidden: false,
  arguments: new Map(),
  ...facts,
});
const FIXED = override({
  arguments: new Map([
    ['owner', { const: '"acme"' }],
    ['debug', { const: undefined }],
  ]),
});

describe('overrideDefinition', () => {
  it('changes what it is told to, and keeps all other bytes', () => {
    const raw = Buffer.from(
      '{ "name":"a", "x" : 1.0, "description":"d","annotations":{"title":"T","readOnlyHint":false},' +
        '"inputSchema":{"properties":{"owner":{"type":"string"},"n":{"maximum":1e400},"debug":{}},' +
        '"required":["owner", "n"],"$defs":{}}}',
    );
    assert.equal(
      overrideDefinition(
        raw,
        override({
          ...FIXED,
          description: 'e',
          annotations: { readOnlyHint: true, idempotentHint: true },
        }),
      ).toString(),
      '{"name":"a","x" : 1.0,"description":"e","annotations":{"idempotentHint":true,"title":"T","readOnlyHint":true},' +
        '"inputSchema":{"properties":{"n":{"maximum":1e400}},"required":["n"],"$defs":{}}}',
    );
    assert.equal(overrideDefinition(raw, override({})), raw);
  });

  it('adds what is not there', () => {
    const raw = Buffer.from('{"name":"a"}');
    const shown = overrideDefinition(
      raw,
      override({ ...FIXED, description: 'e', annotations: { title: 'T' } }),
    );
    assert.deepEqual(JSON.parse(shown.toString()), {
      name: 'a',
      description: 'e',
      annotations: { title: 'T' },
    });
  });
});

describe('overrideArguments', () => {
  const rows: [string, string][] = [
    ['{"name":"t","arguments":{"n":1e400}}', '{"owner":"acme","n":1e400}'],
    ['{"name":"t","arguments":{}}', '{"owner":"acme"}'],
    ['{"name":"t"}', '{"owner":"acme"}'],
    ['{"name":"t","arguments":{"owner":"evil","debug":true,"n": -0}}', '{"owner":"acme","n": -0}'],
    [
      '{"name":"t","arguments":{"\\u006fwner":"evil","owner":"evil","n":1}}',
      '{"\\u006fwner":"acme","n":1}',
    ],
    ['{"name":"t","arguments":{"debu\\u0067":1,"debug":2}}', '{"owner":"acme"}'],
    ['{"name":"t","arguments":{"n":1,"n":2}}', '{"owner":"acme","n":1,"n":2}'],
  ];
  for (const [params, expected] of rows) {
    it(params, () => {
      const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
      const sent = overrideArguments(readMessage(Buffer.from(text)), FIXED).bytes.toString();
      const start = sent.indexOf('"arguments":') + '"arguments":'.length;
      assert.equal(sent.slice(start, start + expected.length + 1).replace(/[,}]$/, ''), expected);
      assert.ok(sent.includes('"name":"t"'));
      JSON.parse(sent);
    });
  }
});

describe('settleNames', () => {
  const settle = (things: [string, string | undefined][]) => {
    const refused: string[] = [];
    const names = settleNames(
      things.map(([own, wished]) => ({ own, wished })),
      ({ own }) => refused.push(own),
    );
    return { names, refused };
  };

  it('gives wished names, but for those that another has', () => {
    assert.deepEqual(
      settle([
        ['a', 'b'],
        ['c', undefined],
      ]),
      { names: ['b', 'c'], refused: [] },
    );
    assert.deepEqual(
      settle([
        ['a', 'b'],
        ['b', 'a'],
      ]),
      { names: ['b', 'a'], refused: [] },
    );
    assert.deepEqual(
      settle([
        ['a', 'c'],
        ['c', undefined],
      ]),
      { names: ['a', 'c'], refused: ['a'] },
    );
    // c keeps its name for d's sake, so b keeps its own for c's.
    const chain: [string, string | undefined][] = [
      ['b', 'c'],
      ['c', 'd'],
      ['d', undefined],
    ];
    assert.deepEqual(settle(chain), { names: ['b', 'c', 'd'], refused: ['c', 'b'] });
  });
});
