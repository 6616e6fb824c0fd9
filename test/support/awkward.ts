// Messages that a careless proxy changes, as raw JSON texts: what the fidelity suite sends and expects back.
export { assertSameJson } from './json-text.ts';

export interface AwkwardCase {
  readonly name: string;
  /** Raw JSON. */
  readonly json: string;
}

export interface AwkwardOptions {
  /** Length of the huge string; 1 MiB unless told. */
  readonly hugeBytes?: number;
  /** Levels of nesting; 500 unless told. */
  readonly levels?: number;
}

const arrays = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

const objects = (levels: number): string => `${'{"n":'.repeat(levels)}1${'}'.repeat(levels)}`;

const mixed = (levels: number): string =>
  `${'[{"n":'.repeat(levels / 2)}null${'}]'.repeat(levels / 2)}`;

/** Values that JSON.parse and JSON.stringify, or a string handled as text, would change. */
function values({ hugeBytes = 1 << 20, levels = 500 }: AwkwardOptions): AwkwardCase[] {
  return [
    { name: 'a 64-bit integer', json: '12345678901234567890' },
    { name: 'the least 64-bit integer', json: '-9223372036854775808' },
    { name: 'an integer just past the safe ones', json: '9007199254740993' },
    { name: 'a number too great for a double', json: '1e400' },
    { name: 'a number too small for a double', json: '-1E-400' },
    { name: 'minus zero', json: '-0' },
    { name: 'minus zero with a fraction', json: '-0.0' },
    { name: 'a whole number with a fraction', json: '1.0' },
    { name: 'an exponent with a capital', json: '1E5' },
    { name: 'an exponent with a plus', json: '1.50e+05' },
    { name: 'more digits than a double holds', json: '0.1000000000000000055511151231257827' },
    { name: 'an empty string', json: '""' },
    { name: 'a huge string', json: `"${'x'.repeat(hugeBytes)}"` },
    { name: 'a huge string of escapes', json: `"${'\\n'.repeat(hugeBytes >> 1)}"` },
    { name: 'a lone high surrogate', json: '"\\uD800"' },
    { name: 'a lone low surrogate between letters', json: '"a\\uDC00b"' },
    { name: 'surrogates the wrong way round', json: '"\\udE00\\uD83d"' },
    { name: 'a surrogate pair as escapes', json: '"\\uD83D\\uDE00"' },
    { name: 'an emoji of several code points', json: '"👩‍👩‍👧‍👦 🏳️‍🌈"' },
    { name: 'text beyond Latin', json: '"日本語 العربية नमस्ते"' },
    { name: 'line and paragraph separators', json: '"a\u2028b\u2029c"' },
    { name: 'a byte order mark inside', json: '"\uFEFFx"' },
    { name: 'letters as escapes', json: '"\\u0041\\u0062"' },
    { name: 'the null character', json: '"a\\u0000b"' },
    { name: 'escaped slashes', json: '"<\\/script>\\/\\b\\f\\n\\r\\t\\"\\\\"' },
    { name: 'an escaped backslash before a quote', json: '"\\\\\\\\\\""' },
    { name: 'line breaks as a stream would have them', json: '"\\r\\ndata: x\\n\\nevent: y"' },
    { name: 'unnormalised accents', json: '["é","e\u0301"]' },
    { name: 'a key __proto__', json: '{"__proto__":{"polluted":true},"a":1}' },
    {
      name: 'keys of Object.prototype',
      json: '{"constructor":{"prototype":{"x":1}},"toString":null,"hasOwnProperty":0}',
    },
    { name: 'keys that look like indices', json: '{"10":"a","2":"b","1":"c","x":"d","-1":"e"}' },
    { name: 'an empty key', json: '{"":{"":""}}' },
    { name: 'keys with escapes', json: '{"\\u0061":1,"\\"":2,"\\uD800":3}' },
    { name: 'empty arrays and objects', json: '[[],{},[{}],{"a":[]}]' },
    { name: 'null, true and false', json: '[null,true,false]' },
    { name: 'unusual white space', json: '{ \n\t"a"\r\n:\t[ 1 ,\n2\t]\r,"b" :\n{ } }' },
    { name: 'deeply nested arrays', json: arrays(levels) },
    { name: 'deeply nested objects', json: objects(levels) },
    { name: 'deeply nested, both kinds', json: mixed(levels) },
    { name: 'a field that looks like a message', json: '{"jsonrpc":"2.0","id":1,"method":"ping"}' },
  ];
}

/** Values for `params.arguments` of the echo tool, each one whole object. */
export function awkwardArguments(options: AwkwardOptions = {}): AwkwardCase[] {
  return [
    { name: 'empty arguments', json: '{}' },
    { name: 'keys __proto__ and constructor on top', json: '{"__proto__":1,"constructor":2}' },
    { name: 'keys of the envelope', json: '{"name":"x","arguments":{},"_meta":{"a":1},"id":7}' },
    ...values(options).map(({ name, json }) => ({ name, json: `{"value":${json}}` })),
  ];
}

const content = (block: string): string => `{"content":[${block}]}`;

const TEXT = '{"type":"text","text":"ok"}';

/** Results of a tools/call: the `raw` tool answers with the one that its argument `case` names. */
export function awkwardResults(options: AwkwardOptions = {}): AwkwardCase[] {
  return [
    { name: 'no content', json: '{"content":[]}' },
    {
      name: 'unknown fields at every level',
      json: '{"x-top":{"n":1e400},"content":[{"x-block":[-0],"type":"text","text":"a","annotations":{"audience":["user"],"x-annotation":{"deep":12345678901234567890}},"_meta":{"com.example/block":1.0}}],"isError":false}',
    },
    {
      name: 'vendor _meta',
      json: `{"_meta":{"com.example/trace":{"id":12345678901234567890},"progressToken":"mine","":null},"content":[${TEXT}]}`,
    },
    {
      name: 'an unknown content type',
      json: content('{"type":"x-hologram","voxels":[1.0,-0,1e400]}'),
    },
    { name: 'content without a type', json: content('{"text":"no type"}') },
    { name: 'content that is no object', json: content('"just text",null,7') },
    {
      name: 'a resource link with unknown fields',
      json: content(
        '{"type":"resource_link","uri":"fixture://static","name":"s","size":9007199254740993,"icons":[{"src":"https://example.com/i.png","x-scale":2.0}],"x-extra":{}}',
      ),
    },
    {
      name: 'an embedded resource with unknown fields',
      json: content(
        '{"type":"resource","x-outer":1,"resource":{"uri":"fixture://static","text":"t","x-inner":{"a":-0},"_meta":{"v":1.0}}}',
      ),
    },
    {
      name: 'a structured result that is an array',
      json: `{"content":[${TEXT}],"structuredContent":[1.0,-0]}`,
    },
    {
      name: 'a structured result that is null',
      json: `{"content":[${TEXT}],"structuredContent":null}`,
    },
    {
      name: 'an error with structure',
      json: `{"isError":true,"content":[${TEXT}],"structuredContent":{"code":1e400,"__proto__":{"x":1}}}`,
    },
    {
      name: 'white space around everything',
      json: ' {\n"content" : [ ]\t,\r\n"structuredContent":{ } } ',
    },
    ...values(options).map(({ name, json }) => ({
      name,
      json: `{"content":[${TEXT}],"structuredContent":{"value":${json}}}`,
    })),
  ];
}

/** Results of a prompts/get. */
export const AWKWARD_PROMPTS: readonly AwkwardCase[] = [
  {
    name: 'unknown fields at every level',
    json: '{"x-top":-0,"description":"d","messages":[{"role":"user","x-message":1.0,"content":{"type":"text","text":"\\uD800","x-block":1e400}}],"_meta":{"com.example/a":[]}}',
  },
  {
    name: 'an unknown role and content type',
    json: '{"messages":[{"role":"x-critic","content":{"type":"x-scent","n":12345678901234567890}}]}',
  },
];

/** Results of a resources/read; `uri` stands in for the one that was asked for. */
export const AWKWARD_RESOURCES: readonly AwkwardCase[] = [
  {
    name: 'unknown fields at every level',
    json: '{"x-top":{"a":-0},"contents":[{"uri":"URI","text":"\\u0041\\/","x-content":1e400,"_meta":{"com.example/etag":1.0}}],"_meta":{"__proto__":2}}',
  },
  { name: 'neither text nor blob', json: '{"contents":[{"uri":"URI","x-stream":"elsewhere"}]}' },
];

const PLAIN_SCHEMA = '{"type":"object"}';

/** Tool definitions for a list. Names are unique; the echo upstream offers them when told `awkward`. */
export const AWKWARD_TOOLS: readonly AwkwardCase[] = [
  {
    name: 'full_schema',
    json: `{"name":"full_schema","title":"Full schema","description":"A schema with $defs, $ref, $anchor and conditions","inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/schemas/full","type":"object","$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"zip":{"type":"integer","maximum":12345678901234567890}}},"tree":{"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#/$defs/tree"}}}}},"properties":{"home":{"$ref":"#/$defs/address"},"work":{"$ref":"#addressDef"},"far":{"$ref":"https://example.com/schemas/far.json"},"tree":{"$ref":"#/$defs/tree"},"kind":{"enum":["a",1.0,null]},"__proto__":{"type":"string"}},"allOf":[{"anyOf":[{"required":["home"]},{"required":["work"]}]}],"if":{"properties":{"kind":{"const":"a"}},"required":["kind"]},"then":{"required":["home"]},"else":{"required":["work"]},"patternProperties":{"^x-":{"type":"number","multipleOf":1e-7}},"unevaluatedProperties":false,"additionalProperties":false}}`,
  },
  {
    name: 'output_schema',
    json: `{"name":"output_schema","inputSchema":${PLAIN_SCHEMA},"outputSchema":{"type":"object","properties":{"value":{"type":"number","default":-0},"list":{"type":"array","prefixItems":[{"type":"string"}],"items":false}},"required":["value"],"x-output":1e400}}`,
  },
  {
    name: 'output_schema_array',
    json: `{"name":"output_schema_array","inputSchema":${PLAIN_SCHEMA},"outputSchema":{"type":"array","items":{"type":"string"}}}`,
  },
  {
    name: 'icons',
    json: `{"name":"icons","inputSchema":${PLAIN_SCHEMA},"icons":[{"src":"data:image\\/png;base64,AA==","mimeType":"image/png","sizes":["48x48","any"],"theme":"dark","x-dpi":2.0}]}`,
  },
  {
    name: 'vendor_fields',
    json: `{"x-vendor":{"price":12345678901234567890},"name":"vendor_fields","inputSchema":{"type":"object","x-form":{"order":["b","a"]}},"annotations":{"readOnlyHint":true,"x-unknown-hint":{"level":1.0}},"securitySchemes":[{"type":"oauth2","scopes":["a"]}],"_meta":{"com.example/cost":-0,"ui":{"resourceUri":"ui://fixture/view"}}}`,
  },
  {
    name: 'text_odd',
    json: `{"name":"text_odd","title":"","description":"\\uD800 \\u0041 \\/ \u2028 👩‍👧","inputSchema":{"type":"object","description":"${'d'.repeat(20_000)}"}}`,
  },
  {
    name: 'spaced',
    json: '{ "name" : "spaced" ,\n\t"inputSchema" : {\r\n "type" : "object" } }',
  },
  {
    name: 'mcp_header',
    json: '{"name":"mcp_header","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"count":{"type":"integer","x-mcp-header":"Count"},"nested":{"type":"object","properties":{"flag":{"type":"boolean","x-mcp-header":"Flag"}}}}}}',
  },
];
