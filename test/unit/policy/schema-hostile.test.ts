// Schemas that want to use up the gateway: every one ends at a cap that has a name, and none refuses wrongly.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  checkArguments,
  compileSchema,
  MAX_ARGUMENT_VALUES,
} from '../../../src/policy/arguments.ts';
import type { Checked } from '../../../src/policy/arguments.ts';
import { MAX_STEPS } from '../../../src/policy/schema/run.ts';
import { toPattern } from '../../../src/policy/schema/pattern.ts';

function run(schema: string, json: string): Checked {
  const compiled = compileSchema(Buffer.from(schema));
  assert.ok(compiled.rule, compiled.unsupported.join());
  const bytes = Buffer.from(json);
  const checked = checkArguments(compiled, bytes, { start: 0, end: bytes.length });
  // What is over the budget is at most one keyword's worth.
  assert.ok(checked.steps <= MAX_STEPS * 2 || checked.givenUp !== '', `${checked.steps} steps`);
  return checked;
}

const nothingOf = (schema: string): string => {
  const compiled = compileSchema(Buffer.from(schema));
  assert.equal(compiled.rule, undefined);
  return compiled.unsupported.join();
};

describe('patterns', () => {
  const long = `${'a'.repeat(10_000)}!`;
  for (const pattern of [
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '(a+a+)+b',
    '(.*)*=.*',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(a*)*b',
    '^(a?){50}a{50}$',
  ]) {
    test(`${pattern} on 10,000 characters is answered`, () => {
      const { givenUp, faults } = run(JSON.stringify({ pattern }), JSON.stringify(long));
      assert.ok(
        givenUp !== '' ||
          faults.length === (new RegExp('^(a?){50}a{50}$').source === pattern ? faults.length : 1),
      );
    });
  }

  for (const pattern of [
    'a{1000}{1000}',
    '((a{100}){100}){100}',
    '(a{1,1000}){1,1000}',
    '('.repeat(300) + ')'.repeat(300),
    'a{1001}',
    `[${'\\p{L}'.repeat(200)}]`,
    'a'.repeat(6_000),
    '(?<=a)b',
    '(a)\\1',
    '(?i)a',
    '\\A',
    '\\Z',
    'a**',
    '[b-a]',
    'a)',
    '(a',
    '[a',
    '\\',
    '\\p{Foo}',
    '\\p{constructor}',
    '\\u{110000}',
    '\\ud83d',
    'x{',
    '(?P<n>a)',
  ]) {
    test(`${pattern.slice(0, 40)} is not taken`, () => {
      assert.equal(typeof toPattern(pattern), 'string');
      const { unsupported } = compileSchema(Buffer.from(JSON.stringify({ pattern })));
      assert.equal(unsupported.length, 1);
    });
  }

  test('thousands of patterns stop being compiled', () => {
    const patternProperties = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, i) => [`^a{900}${i}$`, {}]),
    );
    const compiled = compileSchema(Buffer.from(JSON.stringify({ patternProperties })));
    assert.match(compiled.unsupported.join(), /all patterns have more than/);
  });

  test('mean what ECMA-262 says, on texts of all sorts', () => {
    const patterns = [
      '^\\s+$',
      '\\S',
      '^.$',
      '^[^]$',
      '[]',
      '^[\\w-]+$',
      '^[\\w-.]+$',
      '\\bfoo\\b',
      'a$',
      '^\\d+(?:\\.\\d+)?$',
      '[\\s\\S]',
      '^[^\\s]+$',
      '\\cJ',
      '[\\b]',
      '\\x41',
      '\\u0041',
      '\\u{1F600}',
      '\\ud83d\\ude00',
      '^a{2,3}?$',
      '^(?:a|b)*?c$',
      '\\/\\-\\@',
      '^\\p{Lu}\\P{Lu}$',
      '\\p{Script=Greek}',
      '[\\p{L}\\d]',
      'a|^$',
      '\\0',
      '^[+--]$',
      '^\\W$',
      '^[\\D]$',
      '(?<year>\\d{4})',
      '^$',
      '[^a-z\\d]',
    ];
    const texts = [
      '',
      'a',
      'aa',
      'aaa',
      'aaaa',
      'ab',
      'abc',
      'abac',
      'A',
      'Aa',
      '\n',
      'a\n',
      '\r',
      '\u2028',
      '\u00a0',
      '\ufeff',
      '\u180e',
      ' ',
      '\t\v\f',
      'foo',
      'a foo b',
      'food',
      '12',
      '12.5',
      '٣',
      '😀',
      'é',
      'É',
      'Éa',
      'α',
      '-',
      '.',
      '+',
      ',',
      '_',
      '\b',
      '\0',
      '/-@',
      '2026',
      'x-y',
      'x.y',
      '\x7f',
    ];
    for (const source of patterns) {
      const pattern = toPattern(source);
      assert.ok(typeof pattern !== 'string', `${source}: ${String(pattern)}`);
      const flags = /\\[pP]|\\u\{/.test(source)
        ? 'u'
        : source === '^.$' || source === '^[^]$' || /[SWD^]/.test(source)
          ? /\\-|\\@|w-/.test(source)
            ? ''
            : 'u'
          : '';
      const expected = new RegExp(source, flags);
      for (const text of texts) {
        assert.equal(
          pattern.test(text),
          expected.test(text),
          `${source} on ${JSON.stringify(text)}`,
        );
      }
    }
  });
});

describe('sizes', () => {
  test('an enum of 10,000 members costs as much as one of two', () => {
    const list = Array.from({ length: 10_000 }, (_, i) => `value ${i}`);
    assert.deepEqual(run(JSON.stringify({ enum: list }), '"value 9999"').faults, []);
    const { faults, steps } = run(JSON.stringify({ enum: list }), '"other"');
    assert.equal(faults.length, 1);
    assert.ok(faults[0]!.expected.length < 300, faults[0]!.expected);
    assert.ok(steps < 10, `${steps}`);
  });

  test('towers of allOf and anyOf end at the depth cap', () => {
    for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
      assert.match(
        nothingOf(`${`{"${keyword}":[`.repeat(300)}{}${']}'.repeat(300)}`),
        /more than 128 levels/,
      );
      assert.deepEqual(run(`${`{"${keyword}":[`.repeat(60)}{}${']}'.repeat(60)}`, '1').faults, []);
    }
  });

  test('10,000 levels, a megabyte, and broken JSON', () => {
    assert.match(
      nothingOf(`${'{"not":'.repeat(10_000)}{}${'}'.repeat(10_000)}`),
      /levels of nesting/,
    );
    assert.match(nothingOf(`{"title":"${'x'.repeat(1_000_000)}"}`), /more than 262144 bytes/);
    assert.match(nothingOf(`{"enum":[${'1,'.repeat(60_000)}1]}`), /more than 50000 values/);
    assert.match(nothingOf('{"type":'), /no valid JSON/);
  });

  test('more subschemas than the cap are left alone', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 6_000 }, (_, i) => [`p${i}`, { type: 'string' }]),
    );
    const schema = JSON.stringify({ properties });
    assert.match(compileSchema(Buffer.from(schema)).unsupported.join(), /more than 2000 schemas/);
    assert.equal(run(schema, '{"p0":1,"p5999":1}').faults.length, 1);
  });

  test("more argument values than the cap are the upstream's", () => {
    const { givenUp } = run(
      '{"items":{"type":"string"}}',
      `[${'1,'.repeat(MAX_ARGUMENT_VALUES)}1]`,
    );
    assert.match(givenUp, /more than 100000 values/);
  });
});

describe('time', () => {
  const double = (keyword: string, levels: number, leaf: string): string => {
    const defs = Array.from(
      { length: levels },
      (_, i) =>
        `"d${i}":{"${keyword}":[{"$ref":"#/$defs/d${i + 1}"},{"$ref":"#/$defs/d${i + 1}"}]}`,
    );
    return `{"$ref":"#/$defs/d0","$defs":{${defs.join()},"d${levels}":${leaf}}}`;
  };

  test('branches that double at every level are given up, and refuse nothing', () => {
    for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
      const { givenUp, faults } = run(
        double(keyword, 30, '{"type":"string"}'),
        keyword === 'allOf' ? '"a"' : '1',
      );
      assert.match(givenUp, /more than 400000 steps/);
      assert.deepEqual(faults, []);
    }
    assert.deepEqual(run(double('anyOf', 30, '{"type":"string"}'), '"a"').givenUp, '');
  });

  test('references that lead to themselves end', () => {
    for (const schema of [
      '{"$ref":"#"}',
      '{"allOf":[{"$ref":"#"}]}',
      '{"not":{"$ref":"#"}}',
      '{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}',
      '{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}',
      '{"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"}}',
      '{"unevaluatedProperties":{"$ref":"#"},"anyOf":[{"$ref":"#"}]}',
      '{"propertyNames":{"$ref":"#"},"dependentSchemas":{"a":{"$ref":"#"}},"properties":{"a":{"$ref":"#"}}}',
    ]) {
      assert.deepEqual(run(schema, '{"a":{"a":1}}').faults, [], schema);
    }
  });

  test('many patterns over many long keys, and deep equal values', () => {
    const patternProperties = Object.fromEntries(
      Array.from({ length: 800 }, (_, i) => [`^(a+)+${i}$`, { type: 'null' }]),
    );
    const keys = Array.from({ length: 500 }, (_, i) => `"${'a'.repeat(100)}${i}x":1`);
    assert.match(run(JSON.stringify({ patternProperties }), `{${keys.join()}}`).givenUp, /steps/);
    const deep = `${'['.repeat(900)}"${'x'.repeat(200_000)}"${']'.repeat(900)}`;
    const unique = '{"uniqueItems":true,"items":{"$ref":"#"}}';
    assert.match(run(unique, deep).givenUp, /steps|schemas inside/);
  });

  test('numbers of a million digits are compared or given up', () => {
    const long = '9'.repeat(1_000_000);
    assert.equal(run('{"maximum":5}', long).faults.length, 1);
    assert.deepEqual(run('{"multipleOf":7}', long).faults, []);
    assert.deepEqual(run('{"multipleOf":7}', `1e${'9'.repeat(11)}`).faults.length, 1);
    assert.deepEqual(run('{"maximum":5}', `1e${long}`).faults, []);
    assert.deepEqual(run('{"type":"integer"}', `1${'0'.repeat(500_000)}1.0`).faults, []);
  });
});
