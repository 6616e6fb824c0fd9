// Schemas with values that fit them and values that do not, as JSON texts.
export interface Case {
  readonly schema: string;
  readonly fits: readonly string[];
  readonly fails: readonly string[];
}

const one = (schema: string, fits: readonly string[], fails: readonly string[]): Case => ({
  schema,
  fits,
  fails,
});

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  type: [
    one('{"type":"string"}', ['""', '"a"'], ['1', 'null', '[]', '{}', 'true']),
    one(
      '{"type":"integer"}',
      ['1', '-0', '1.0', '1e3', '12345678901234567890', '10e-1'],
      ['1.5', '"1"', '1e-1', 'null'],
    ),
    one('{"type":"number"}', ['1', '1.5', '1e400'], ['"1"', 'null']),
    one('{"type":["string","null"]}', ['"a"', 'null'], ['0', 'false']),
    one('{"type":["integer","string"]}', ['1', '"a"'], ['1.5', '[]']),
    one('{"type":"boolean"}', ['true', 'false'], ['0', '"true"', 'null']),
    one('true', ['1', '{}'], []),
    one('false', [], ['1', '{}']),
    one('{}', ['1', 'null'], []),
  ],
  constants: [
    one(
      '{"enum":["a",1,null,{"x":[1,2]}]}',
      ['"a"', '1.0', '10e-1', 'null', '{"x":[1.0,2]}'],
      ['"b"', '2', '{"x":[2,1]}', 'false'],
    ),
    one(
      '{"const":{"a":1,"b":2}}',
      ['{"b":2,"a":1}', '{"a":1.0,"b":2e0}'],
      ['{"a":1}', '{"a":1,"b":"2"}'],
    ),
    one(
      '{"const":12345678901234567890}',
      ['12345678901234567890', '1234567890123456789e1'],
      ['12345678901234567891', '12345678901234567000'],
    ),
    one('{"const":false}', ['false'], ['0', 'null', '""']),
    one('{"const":"\\u00e9"}', ['"é"', '"\\u00e9"'], ['"e\\u0301"']),
    one('{"enum":[]}', [], ['1', 'null']),
  ],
  numbers: [
    one(
      '{"minimum":1.1}',
      ['1.1', '1.10', '2', '"x"', '1e400'],
      ['1.0999999999999999999999', '-5'],
    ),
    one(
      '{"maximum":9007199254740993}',
      ['9007199254740993', '9007199254740992'],
      ['9007199254740994', '9007199254740993.0000000001'],
    ),
    one('{"exclusiveMinimum":0}', ['0.0000001', '1e-400'], ['0', '-0', '-1e-400']),
    one('{"exclusiveMaximum":0}', ['-1e-400'], ['0', '1']),
    one('{"minimum":5,"exclusiveMinimum":true}', ['6', '5.1'], ['5', '4']),
    one('{"maximum":5,"exclusiveMaximum":true}', ['4.9'], ['5']),
    one('{"minimum":-10,"maximum":-1}', ['-10', '-1', '-5.5'], ['-11', '0', '-0.5']),
    one('{"multipleOf":0.01}', ['19.99', '0', '4.35', '1e300'], ['19.999', '0.001']),
    one(
      '{"multipleOf":3}',
      ['12345678901234567890', '9', '-9', '3e100'],
      ['12345678901234567891', '1e100'],
    ),
    one('{"multipleOf":1e-8}', ['12391239123', '1.5e-7'], ['1.5e-9']),
  ],
  strings: [
    one(
      '{"minLength":2,"maxLength":3}',
      ['"ab"', '"😀😀"', '"\\ud83d\\ude00b"', '"abc"'],
      ['"a"', '"😀"', '"abcd"', '"\\ud83d\\ude00"'],
    ),
    one('{"pattern":"^a+$"}', ['"aaa"', '1'], ['"b"', '""', '"aab"', '"a\\n"']),
    one('{"pattern":"b"}', ['"abc"'], ['"ac"']),
    one(
      '{"pattern":"^[\\\\w.-]+@\\\\w+\\\\.(?:com|org)$"}',
      ['"a.b@c.org"'],
      ['"a@b.net"', '"a b@c.com"'],
    ),
    one(
      '{"pattern":"^\\\\p{Lu}\\\\s?\\\\u{1F600}\\\\/$"}',
      ['"É😀/"', '"É\\u00a0😀/"'],
      ['"é😀/"'],
    ),
    one('{"pattern":"^(?<y>\\\\d{4})-(\\\\d{2})$"}', ['"2026-01"'], ['"26-01"', '"٢٠٢٦-01"']),
    one('{"format":"email"}', ['"no mail"'], []),
    one('{"minLength":1e400}', ['1'], ['"a"']),
  ],
  arrays: [
    one('{"items":{"type":"integer"}}', ['[]', '[1,2]', '"x"'], ['["a"]', '[1,null]']),
    one('{"prefixItems":[{"type":"string"}],"items":false}', ['[]', '["a"]'], ['[1]', '["a",1]']),
    one(
      '{"items":[{"type":"string"},{"type":"null"}],"additionalItems":{"type":"integer"}}',
      ['["a"]', '["a",null,1]'],
      ['["a",1]', '["a",null,"b"]'],
    ),
    one('{"minItems":1,"maxItems":2}', ['[1]', '[1,2]'], ['[]', '[1,2,3]']),
    one(
      '{"uniqueItems":true}',
      ['[1,"1",true]', '[{"a":1},{"a":2}]'],
      ['[1,1.0]', '[{"a":1,"b":2},{"b":2,"a":1}]', '[0,-0]'],
    ),
    one('{"uniqueItems":false}', ['[1,1]'], []),
    one('{"contains":{"const":1}}', ['[2,1]'], ['[]', '[2]']),
    one(
      '{"contains":{"const":1},"minContains":2,"maxContains":3}',
      ['[1,1]', '[1,1,1]'],
      ['[1]', '[1,1,1,1]'],
    ),
    one('{"contains":{"const":1},"minContains":0}', ['[]'], []),
    one('{"prefixItems":[{}],"unevaluatedItems":false}', ['[1]'], ['[1,2]']),
    one(
      '{"contains":{"type":"string"},"unevaluatedItems":{"type":"integer"}}',
      ['["a",1]'],
      ['["a",null]'],
    ),
  ],
  objects: [
    one(
      '{"properties":{"a":{"type":"string"}},"required":["a"]}',
      ['{"a":"x"}', '{"a":"x","b":1}', '[]'],
      ['{}', '{"a":1}'],
    ),
    one(
      '{"properties":{"a":{}},"additionalProperties":false}',
      ['{}', '{"a":1}'],
      ['{"b":1}', '{"a":1,"A":1}'],
    ),
    one(
      '{"patternProperties":{"^x-":{"type":"integer"}},"additionalProperties":{"type":"string"}}',
      ['{"x-a":1,"b":"c"}'],
      ['{"x-a":"1"}', '{"b":1}'],
    ),
    one(
      '{"properties":{"__proto__":{"type":"integer"},"constructor":{"type":"string"}},"required":["__proto__"]}',
      ['{"__proto__":1}'],
      ['{}', '{"__proto__":"a"}', '{"__proto__":1,"constructor":1}'],
    ),
    one('{"minProperties":1,"maxProperties":2}', ['{"a":1}'], ['{}', '{"a":1,"b":2,"c":3}']),
    one(
      '{"propertyNames":{"pattern":"^[a-z]+$","maxLength":3}}',
      ['{"abc":1}'],
      ['{"A":1}', '{"abcd":1}'],
    ),
    one('{"dependentRequired":{"a":["b"]}}', ['{"a":1,"b":1}', '{}'], ['{"a":1}']),
    one('{"dependentSchemas":{"a":{"required":["c"]}}}', ['{"a":1,"c":1}'], ['{"a":1}']),
    one(
      '{"dependencies":{"a":["b"],"c":{"properties":{"d":{"type":"null"}}}}}',
      ['{"a":1,"b":1}', '{"c":1,"d":null}'],
      ['{"a":1}', '{"c":1,"d":1}'],
    ),
  ],
  branches: [
    one('{"allOf":[{"minimum":1},{"maximum":3}]}', ['2'], ['0', '4']),
    one('{"anyOf":[{"type":"string"},{"minimum":3}]}', ['"a"', '4', 'null'], ['2']),
    one('{"oneOf":[{"type":"integer"},{"minimum":2}]}', ['1', '2.5'], ['3', '1.5']),
    one('{"not":{"type":"string"}}', ['1'], ['"a"']),
    one(
      '{"if":{"properties":{"k":{"const":"a"}}},"then":{"required":["x"]},"else":{"required":["y"]}}',
      ['{"k":"a","x":1}', '{"k":"b","y":1}', '{"x":1}'],
      ['{"k":"a"}', '{"k":"b"}'],
    ),
    one('{"if":{"minimum":5}}', ['1', '9'], []),
  ],
  references: [
    one(
      '{"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n","minimum":3}}}',
      ['{"a":3}'],
      ['{"a":2}', '{"a":"x"}'],
    ),
    one(
      '{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/definitions/n","minimum":3}}}',
      ['{"a":2}'],
      ['{"a":"x"}'],
    ),
    one(
      '{"$defs":{"x":{"$anchor":"here","type":"null"}},"items":{"$ref":"#here"}}',
      ['[null]'],
      ['[1]'],
    ),
    one(
      '{"$id":"https://e.example/root","$defs":{"x":{"$id":"leaf","type":"null"}},"items":{"$ref":"leaf"}}',
      ['[null]'],
      ['[1]'],
    ),
    one(
      '{"$id":"https://e.example/root","$defs":{"x":{"$id":"leaf","$defs":{"y":{"type":"boolean"}},"$ref":"#/$defs/y"}},"items":{"$ref":"https://e.example/leaf"}}',
      ['[true]'],
      ['[1]'],
    ),
    one(
      '{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}},"required":["v"]}',
      ['{"v":1,"next":{"v":2}}'],
      ['{"v":1,"next":{}}', '{"v":1,"next":{"v":1,"next":{"v":"x"}}}'],
    ),
    one(
      '{"properties":{"a":{"type":"string"},"b":{"$ref":"#/properties/a"}}}',
      ['{"b":"x"}'],
      ['{"b":1}'],
    ),
    one('{"$defs":{"a~b/c%":{"type":"null"}},"$ref":"#/$defs/a~0b~1c%25"}', ['null'], ['1']),
    one(
      '{"$dynamicAnchor":"node","properties":{"c":{"items":{"$dynamicRef":"#node"}},"v":{"type":"integer"}}}',
      ['{"c":[{"v":1}]}'],
      ['{"c":[{"v":"x"}]}'],
    ),
    one(
      '{"properties":{"$ref":{"type":"string"},"$id":{"type":"integer"}}}',
      ['{"$ref":"x","$id":1}'],
      ['{"$ref":1}', '{"$id":"x"}'],
    ),
  ],
  unevaluated: [
    one(
      '{"allOf":[{"properties":{"a":{}}}],"properties":{"b":{}},"unevaluatedProperties":false}',
      ['{"a":1,"b":2}'],
      ['{"c":1}'],
    ),
    one(
      '{"anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},{"properties":{"b":{"const":1}},"required":["b"]}],"unevaluatedProperties":false}',
      ['{"a":1}', '{"a":1,"b":1}'],
      ['{"a":1,"b":2}', '{"a":1,"c":1}'],
    ),
    one(
      '{"if":{"properties":{"k":{"const":"a"}},"required":["k"]},"then":{"properties":{"x":{}}},"unevaluatedProperties":{"type":"string"}}',
      ['{"k":"a","x":1}', '{"k":"b"}'],
      ['{"k":1}', '{"k":"b","x":1}'],
    ),
    one(
      '{"$defs":{"base":{"properties":{"a":{}}}},"$ref":"#/$defs/base","unevaluatedProperties":false}',
      ['{"a":1}'],
      ['{"b":1}'],
    ),
    one(
      '{"allOf":[{"properties":{"a":{}},"unevaluatedProperties":false}]}',
      ['{"a":1}'],
      ['{"b":1}'],
    ),
    one(
      '{"not":{"properties":{"a":{}},"required":["zz"]},"unevaluatedProperties":false}',
      ['{}'],
      ['{"a":1}'],
    ),
  ],
};
