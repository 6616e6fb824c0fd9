import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Call, Message } from '../../../src/core/call.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import type { Log } from '../../../src/core/log.ts';
import type { Target } from '../../../src/core/source.ts';
import {
  checkArguments,
  compileSchema,
  createArgumentCheck,
  schemaReport,
} from '../../../src/policy/arguments.ts';
import type { ArgumentFault, Checked } from '../../../src/policy/arguments.ts';
import { readMessage } from '../../../src/wire/message.ts';

function checked(schema: string, json: string): Checked {
  const compiled = compileSchema(Buffer.from(schema));
  assert.ok(compiled.rule, compiled.unsupported.join());
  const bytes = Buffer.from(json);
  return checkArguments(compiled, bytes, { start: 0, end: bytes.length });
}

const faultsOf = (schema: string, json: string): readonly ArgumentFault[] =>
  checked(schema, json).faults;

describe('faults name path, expected and got', () => {
  const table: readonly (readonly [
    string,
    string,
    readonly (readonly [string, string, string])[],
  ])[] = [
    [
      '{"properties":{"a":{"items":{"properties":{"b":{"type":"integer"}}}}}}',
      '{"a":[{"b":"x"},{"b":1}]}',
      [['$.a[0].b', 'integer', 'string "x"']],
    ],
    [
      '{"required":["a"],"properties":{"a":{"type":"string"}}}',
      '{}',
      [['$.a', 'string (required)', 'nothing']],
    ],
    ['{"required":["odd key"]}', '{}', [['$["odd key"]', 'a value (required)', 'nothing']]],
    [
      '{"properties":{"a":{}},"additionalProperties":false}',
      '{"b":[1]}',
      [['$.b', 'no such property; there are "a"', 'array of 1']],
    ],
    [
      '{"properties":{"n":{"maximum":5}}}',
      '{"n":12345678901234567890}',
      [['$.n', 'a number of at most 5', 'number 12345678901234567890']],
    ],
    [
      '{"properties":{"e":{"enum":["a","b"]}}}',
      '{"e":"c"}',
      [['$.e', 'one of "a", "b"', 'string "c"']],
    ],
    [
      '{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}}}',
      '{"a":1}',
      [['$.a', 'string or null', 'number 1']],
    ],
    [
      '{"anyOf":[{"properties":{"t":{"const":"x"},"v":{"type":"string"}}},{"properties":{"t":{"const":"y"},"v":{"type":"integer"}}}]}',
      '{"t":"y","v":"1"}',
      [['$.v', 'integer', 'string "1"']],
    ],
    ['{"type":"object"}', '[1]', [['$', 'object', 'array of 1']]],
    [
      '{"properties":{"a":{"minLength":3}}}',
      '{"a":"é"}',
      [['$.a', 'at least 3 characters', 'string "é"']],
    ],
    ['{}', '{"a":{"b":1,"b":2}}', [['$.a.b', 'each key once', 'the key twice']]],
    [
      '{"properties":{"a":{"type":"null"}}}',
      '{"a":"x\\u202ey"}',
      [['$.a', 'null', 'string "x\\u202ey"']],
    ],
  ];
  for (const [schema, json, expected] of table) {
    test(`${schema} with ${json}`, () => {
      const faults = faultsOf(schema, json).map(({ path, expected: wanted, got }) => [
        path,
        wanted,
        got,
      ]);
      assert.deepEqual(faults, expected);
    });
  }

  test('ten faults are told, no more', () => {
    const json = `[${Array.from({ length: 500 }, () => '"x"').join()}]`;
    assert.equal(faultsOf('{"items":{"type":"integer"}}', json).length, 10);
  });

  test('long values and secrets are not repeated', () => {
    const long = `{"a":"${'s'.repeat(5_000)}"}`;
    const [fault] = faultsOf('{"properties":{"a":{"type":"integer"}}}', long);
    assert.ok(fault!.got.length < 80, fault!.got);
    for (const json of [
      '{"apiKey":"hunter2hunter2"}',
      '{"auth":{"password":{"x":"hunter2"}}}',
      '{"x":"sk-hunter2"}',
      '{"token":7777}',
    ]) {
      const faults = faultsOf('{"additionalProperties":{"type":"null"}}', json);
      assert.doesNotMatch(JSON.stringify(faults), /hunter2|7777/);
    }
    const nested = faultsOf(
      '{"properties":{"password":{"properties":{"x":{"type":"null"}}}}}',
      '{"password":{"x":"hunter2"}}',
    );
    assert.deepEqual(
      nested.map(({ got }) => got),
      ['string [hidden]'],
    );
  });
});

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

function targetOf(schema: string, hash = 'h1'): Target {
  const raw = Buffer.from(`{"name":"t","inputSchema":${schema}}`);
  return {
    source: { name: 's' } as Target['source'],
    name: 't',
    item: { name: 't', raw },
    exposed: 's__t',
    definitionHash: hash,
  };
}

function callOf(args: string | undefined): Call {
  const member = args === undefined ? '' : `,"arguments":${args}`;
  const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__t"${member}}}`;
  const message: Message = readMessage(Buffer.from(text));
  return { method: 'tools/call', name: 's__t', message } as Call;
}

const answer = readMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}'));

describe('the interceptor', () => {
  const schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}';

  test('lets through what fits and refuses what does not, with all facts', async () => {
    const check = createArgumentCheck({ log: silent });
    let ran = 0;
    const next = async () => {
      ran++;
      return answer;
    };
    await check(callOf('{"n":12345678901234567890}'), targetOf(schema), next);
    assert.equal(ran, 1);
    for (const args of ['{"n":"1"}', '{}', undefined, '[]', 'null']) {
      await assert.rejects(check(callOf(args), targetOf(schema), next), (error) => {
        assert.ok(error instanceof GatewayError);
        assert.equal(error.code, 'ARGUMENTS_INVALID');
        assert.match(error.message, /"s__t" do not fit its schema\. \$.*: expected .*, got /);
        assert.ok(Array.isArray(error.data?.['faults']));
        return true;
      });
    }
    assert.equal(ran, 1);
  });

  test('judges by the definition it is given, whatever the hash', async () => {
    const check = createArgumentCheck({ log: silent });
    const next = async () => answer;
    await assert.rejects(check(callOf('{"n":"1"}'), targetOf(schema), next));
    await check(callOf('{"n":"1"}'), targetOf('{"type":"object"}'), next);
    await assert.rejects(check(callOf('{"n":"1"}'), targetOf(schema), next));
  });

  test('what takes too much is left to the upstream, and said once', async () => {
    const told: string[] = [];
    const check = createArgumentCheck({
      log: { ...silent, warn: (_facts, message) => void told.push(message) },
    });
    const deep = `{"a":${'['.repeat(900)}1${']'.repeat(900)}}`;
    const target = targetOf(
      '{"properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"items":{"$ref":"#/$defs/x"},"type":"array"}}}',
    );
    for (let i = 0; i < 3; i++) await check(callOf(deep), target, async () => answer);
    assert.deepEqual(told, [
      'the arguments take more than the check allows; the upstream judges them',
    ]);
  });

  test('other methods and unknown definitions pass', async () => {
    const check = createArgumentCheck({ log: silent });
    await check({ ...callOf('{}'), method: 'prompts/get' }, targetOf(schema), async () => answer);
    await check(callOf('{}'), { ...targetOf(schema), item: undefined }, async () => answer);
  });
});

test('the report says what is left to the upstream', () => {
  assert.deepEqual(schemaReport(Buffer.from('{"name":"t","inputSchema":{"type":"object"}}')), []);
  assert.match(schemaReport(Buffer.from('{"name":"t"}')).join(), /no inputSchema/);
  const report = schemaReport(
    Buffer.from('{"name":"t","inputSchema":{"properties":{"a":{"pattern":"(a)\\\\1"}}}}'),
  );
  assert.match(report.join(), /^\$\.properties\.a\.pattern: the pattern refers back/);
});
