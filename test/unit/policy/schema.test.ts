import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { checkArguments, compileSchema } from '../../../src/policy/arguments.ts';
import { FALSE, Run, TRUE } from '../../../src/policy/schema/run.ts';
import { readTree } from '../../../src/policy/schema/value.ts';
import { CASES } from './schema-cases.ts';

function verdictOf(schema: string, json: string): number {
  const compiled = compileSchema(Buffer.from(schema));
  assert.ok(compiled.rule, compiled.unsupported.join());
  const bytes = Buffer.from(json);
  return new Run().check(
    compiled.rule,
    readTree(bytes, { start: 0, end: bytes.length }, 1e5)!.root,
  );
}

for (const [keyword, cases] of Object.entries(CASES)) {
  test(`${keyword}: what fits and what does not`, () => {
    for (const { schema, fits, fails } of cases) {
      for (const json of fits)
        assert.equal(verdictOf(schema, json), TRUE, `${schema} takes ${json}`);
      for (const json of fails)
        assert.equal(verdictOf(schema, json), FALSE, `${schema} refuses ${json}`);
    }
  });
}

describe('what cannot be decided is never a refusal', () => {
  const look = '{"pattern":"^(?!x)"}';
  const table: readonly (readonly [string, string])[] = [
    [look, '"x"'],
    [`{"not":${look}}`, '"a"'],
    [`{"oneOf":[${look},{"type":"integer"}]}`, '"x"'],
    [`{"anyOf":[${look},{"type":"integer"}]}`, '"x"'],
    [`{"if":${look},"then":false}`, '"a"'],
    [`{"patternProperties":{"(?=a)":{"type":"string"}},"additionalProperties":false}`, '{"a":"b"}'],
    [`{"allOf":[{"patternProperties":{"(?=a)":{}}}],"unevaluatedProperties":false}`, '{"a":"b"}'],
    [`{"anyOf":[{"$ref":"other.json"}],"unevaluatedProperties":false}`, '{"a":"b"}'],
    ['{"$ref":"https://e.example/schema.json"}', '1'],
    ['{"not":{"$ref":"file:///etc/passwd"}}', '1'],
    ['{"contains":{"$ref":"#/nowhere"}}', '[1]'],
    ['{"minLength":"5"}', '"a"'],
    ['{"type":"strng"}', '1'],
    ['{"required":true}', '{}'],
    ['{"not":{"items":7}}', '[1]'],
    ['{"const":1e99999999999999}', '1'],
    ['{"minimum":1}', '-1e99999999999999'],
    ['{"type":"string","nullable":true}', 'null'],
    ['{"$recursiveRef":"#","type":"string"}', '"a"'],
  ];
  for (const [schema, json] of table) {
    test(`${schema} with ${json}`, () => {
      const compiled = compileSchema(Buffer.from(schema));
      assert.ok(compiled.rule);
      const bytes = Buffer.from(json);
      assert.deepEqual(checkArguments(compiled, bytes, { start: 0, end: bytes.length }).faults, []);
    });
  }

  test('and it is reported with its place', () => {
    const report = (schema: string) => compileSchema(Buffer.from(schema)).unsupported.join();
    assert.match(
      report('{"properties":{"a":{"pattern":"^(?!x)"}}}'),
      /\$\.properties\.a\.pattern: .*ahead/,
    );
    assert.match(
      report('{"items":{"$ref":"http://169.254.169.254/x"}}'),
      /\$\.items\["\$ref"\]|\$\.items\.\$ref/,
    );
    assert.match(report('{"$schema":"https://e.example/mine"}'), /\$schema is not known/);
  });
});

interface Oracle {
  compile(schema: unknown): (value: unknown) => boolean;
}

/**
 * Ajv comes with a development dependency; with none, the table above has to do. It is asked in both of its ways,
 * and not about prefixItems with contains: it takes [] for {oneOf: [{prefixItems: [false], contains: {…}}, false]}.
 */
function oracles(): readonly Oracle[] {
  try {
    const require = createRequire(import.meta.url);
    const Ajv = require('ajv/dist/2020.js') as { default: new (options: object) => Oracle };
    const options = { strict: false, validateFormats: false, logger: false };
    return [new Ajv.default(options), new Ajv.default({ ...options, allErrors: true })];
  } catch {
    return [];
  }
}

/** @returns undefined when they do not agree */
function agreed(
  validators: readonly ((value: unknown) => boolean)[],
  value: unknown,
): boolean | undefined {
  try {
    const [one, other] = validators.map((validate) => validate(value));
    return one === other ? one : undefined;
  } catch {
    return undefined;
  }
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

type Pick = <T>(list: readonly T[]) => T;

function makeValue(pick: Pick, depth: number): unknown {
  const leaf = () =>
    pick<unknown>([0, 1, 2, 3.5, -1, 10, '', 'a', 'ab', 'b1', 'abc', '😀', null, true, false]);
  if (depth === 0) return leaf();
  switch (pick([0, 1, 2, 3])) {
    case 0:
      return Array.from({ length: pick([0, 1, 2, 3]) }, () => makeValue(pick, depth - 1));
    case 1:
    case 2: {
      const keys = ['a', 'b', 'c', 'x1'].filter(() => pick([true, false]));
      return Object.fromEntries(keys.map((key) => [key, makeValue(pick, depth - 1)]));
    }
    default:
      return leaf();
  }
}

function makeSchema(pick: Pick, depth: number): unknown {
  if (depth === 0)
    return pick<unknown>([true, false, {}, { type: 'string' }, { type: 'integer' }, { const: 1 }]);
  const sub = () => makeSchema(pick, depth - 1);
  const subs = () => Array.from({ length: pick([1, 2, 3]) }, sub);
  const map = () =>
    Object.fromEntries(
      ['a', 'b', 'c'].filter(() => pick([true, false])).map((key) => [key, sub()]),
    );
  const makers: Readonly<Record<string, () => unknown>> = {
    type: () =>
      pick<unknown>([
        'string',
        'number',
        'integer',
        'object',
        'array',
        'null',
        ['string', 'integer'],
        ['object', 'array'],
      ]),
    enum: () => [makeValue(pick, 1), makeValue(pick, 0), makeValue(pick, 0)],
    const: () => makeValue(pick, 1),
    minimum: () => pick([0, 1, 2.5]),
    exclusiveMaximum: () => pick([1, 3.5, 10]),
    multipleOf: () => pick([1, 2, 0.5]),
    minLength: () => pick([0, 1, 2]),
    maxLength: () => pick([1, 2]),
    pattern: () => pick(['^a', 'b$', '^[a-z]+$', '\\d', '^.$', '^(a|b)*$']),
    items: sub,
    prefixItems: subs,
    minItems: () => pick([1, 2]),
    maxItems: () => pick([1, 2]),
    uniqueItems: () => pick([true, false]),
    contains: sub,
    minContains: () => pick([0, 1, 2]),
    properties: map,
    patternProperties: () => ({ [pick(['^a', '1$', '[bc]'])]: sub() }),
    additionalProperties: sub,
    required: () => ['a', 'b', 'c'].filter(() => pick([true, false])),
    minProperties: () => pick([1, 2]),
    maxProperties: () => pick([1, 2]),
    propertyNames: sub,
    dependentRequired: () => ({ a: ['b'] }),
    dependentSchemas: map,
    allOf: subs,
    anyOf: subs,
    oneOf: subs,
    not: sub,
    if: sub,
    // oxlint-disable-next-line unicorn/no-thenable
    then: sub,
    else: sub,
    $ref: () => pick(['#/$defs/one', '#/$defs/two']),
    // Not unevaluated…: Ajv counts what failed branches and `contains` have looked at, which 2020-12 does not.
  };
  const names = Object.keys(makers);
  return Object.fromEntries(
    Array.from({ length: pick([1, 2, 3, 4]) }, () => pick(names)).map((name) => [
      name,
      makers[name]!(),
    ]),
  );
}

test('decides as Ajv does, over random schemas and values', (t) => {
  const ajvs = oracles();
  if (ajvs.length === 0) return t.skip('ajv is not installed');
  const next = random(20_260_728);
  const pick: Pick = (list) => list[Math.floor(next() * list.length)]!;
  let [compared, refused] = [0, 0];
  for (let i = 0; i < 400; i++) {
    const made = makeSchema(pick, 3);
    if (typeof made === 'boolean') continue;
    const schema = {
      ...(made as object),
      $defs: { one: makeSchema(pick, 1), two: makeSchema(pick, 2) },
    };
    // References in the definitions may lead to themselves for ever, which Ajv does not survive.
    if (JSON.stringify(schema.$defs).includes('$ref')) continue;
    const text = JSON.stringify(schema);
    if (text.includes('"contains"') && text.includes('"prefixItems"')) continue;
    const validators = ajvs.map((ajv) => ajv.compile(schema));
    for (let j = 0; j < 8; j++) {
      const value = makeValue(pick, 3);
      const answer = agreed(validators, value);
      if (answer === undefined) continue;
      const expected = answer ? TRUE : FALSE;
      assert.equal(
        verdictOf(text, JSON.stringify(value)),
        expected,
        `${text}\n${JSON.stringify(value)}`,
      );
      compared++;
      if (expected === FALSE) refused++;
    }
  }
  assert.ok(refused > compared / 10 && refused < compared * 0.95, `${refused} of ${compared}`);
  t.diagnostic(`${compared} compared, ${refused} refused`);
});
