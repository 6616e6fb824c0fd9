// What the argument check costs: run by hand, `node test/bench/arguments.ts`.
import { checkArguments, compileSchema } from '../../src/policy/arguments.ts';

const SMALL = '{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}';
const ISSUE = JSON.stringify({
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    owner: { type: 'string', minLength: 1, maxLength: 39, pattern: '^[a-zA-Z0-9-]+$' },
    repo: { type: 'string', minLength: 1 },
    title: { type: 'string', maxLength: 256 },
    body: { type: 'string' },
    labels: { type: 'array', items: { type: 'string' }, uniqueItems: true, maxItems: 100 },
    milestone: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
    state: { enum: ['open', 'closed', 'all'] },
  },
  required: ['owner', 'repo', 'title'],
  additionalProperties: false,
});
const ISSUE_ARGUMENTS = JSON.stringify({
  owner: 'acme-corp',
  repo: 'widgets',
  title: 'It does not start',
  body: 'x'.repeat(2_000),
  labels: ['bug', 'help wanted', 'p1'],
  milestone: 12,
  state: 'open',
});
const properties = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string', maxLength: 10 }]),
  );

const CASES: readonly (readonly [string, string, string])[] = [
  ['one string', SMALL, '{"message":"hello"}'],
  ['create_issue', ISSUE, ISSUE_ARGUMENTS],
  ['a text of 1 MB', SMALL, JSON.stringify({ message: 'x'.repeat(1_000_000) })],
  [
    '10,000 numbers',
    '{"items":{"type":"integer","minimum":0}}',
    JSON.stringify(Array.from({ length: 10_000 }, (_, i) => i)),
  ],
  [
    'an enum of 10,000',
    JSON.stringify({ enum: Array.from({ length: 10_000 }, (_, i) => `v${i}`) }),
    '"v9999"',
  ],
  ['1,900 properties', JSON.stringify({ properties: properties(1_900) }), '{"p7":"x"}'],
  ['^(a+)+$ on 10,000', '{"pattern":"^(a+)+$"}', JSON.stringify(`${'a'.repeat(10_000)}!`)],
  [
    'worst pattern within the cap',
    '{"pattern":"^(a{1,600})*$"}',
    JSON.stringify(`${'a'.repeat(5_000)}!`),
  ],
  [
    'anyOf that doubles, to the step cap',
    `{"$ref":"#/$defs/d0","$defs":{${Array.from({ length: 30 }, (_, i) => `"d${i}":{"anyOf":[{"$ref":"#/$defs/d${i + 1}"},{"$ref":"#/$defs/d${i + 1}"}]}`).join()},"d30":{"type":"string"}}}`,
    '1',
  ],
  [
    '3,000 patterns, to the cap',
    JSON.stringify({
      patternProperties: Object.fromEntries(
        Array.from({ length: 3_000 }, (_, i) => [`^a{900}${i}$`, {}]),
      ),
    }),
    '{"a":1}',
  ],
];

/** Mean time of the processor, so that what else runs on the machine does not count. */
function cost(run: () => void): number {
  run();
  let rounds = 0;
  const start = process.threadCpuUsage();
  for (;;) {
    run();
    rounds++;
    const { user, system } = process.threadCpuUsage(start);
    if (user + system > 200_000) return (user + system) / rounds;
  }
}

for (const [name, schema, json] of CASES) {
  const raw = Buffer.from(schema);
  const bytes = Buffer.from(json);
  const compiled = compileSchema(raw);
  if (!compiled.rule) throw new Error(`${name}: ${compiled.unsupported.join()}`);
  const compileUs = cost(() => compileSchema(raw));
  const last = checkArguments(compiled, bytes, { start: 0, end: bytes.length });
  const checkUs = cost(() => checkArguments(compiled, bytes, { start: 0, end: bytes.length }));
  const outcome = last.givenUp || `${last.faults.length} faults`;
  process.stdout.write(
    `${name.padEnd(38)} compile ${compileUs.toFixed(1).padStart(9)} µs  check ${checkUs.toFixed(1).padStart(9)} µs  ${String(last.steps).padStart(7)} steps  ${outcome}\n`,
  );
}
