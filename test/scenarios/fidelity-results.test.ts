// What an upstream answers reaches the caller as it was written, through every door, transport and pair of eras.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  AWKWARD_PROMPTS,
  AWKWARD_RESOURCES,
  assertSameJson,
  awkwardResults,
} from '../support/awkward.ts';
import { textAt } from '../support/json-text.ts';
import type { RawClient } from '../support/raw-client.ts';
import { mirrorDefinitions } from '../support/upstreams/mirror.ts';
import { type North, type Road, type South, eraOf, openRoad } from './fidelity/road.ts';
import { asWritten, edit, expectedAtCaller, expectedError } from './fidelity/rules.ts';

const HUGE_BYTES = 4096;
const RESULTS = awkwardResults({ hugeBytes: HUGE_BYTES });

/** Results that concern the rules of an era. */
const ERA_RESULTS = [
  '{"content":[],"resultType":"complete","ttlMs":1.0,"cacheScope":"x-odd"}',
  '{"content":[],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m","x":1.0}}}',
  '{"content":[],"_meta":{"a":-0,"io.modelcontextprotocol/serverInfo":{"name":"m"},"b":1e400}}',
  '{"content":[],"_meta":{}}',
  '{"content":[],"structuredContent":{"result":[1.0]}}',
];

interface Pair {
  readonly client: RawClient;
  readonly north: North;
  readonly south: South;
}

interface Asking {
  readonly what: string;
  readonly method: string;
  readonly params: string;
  /** The result as the fixture was told to write it, without what its era adds. */
  readonly result: string;
  readonly definition?: string;
}

function toolResults({ name }: South): Asking[] {
  const method = 'tools/call';
  const say = (tool: string, what: string, args: object, result: string): Asking => ({
    what: `${tool}: ${what}`,
    method,
    params: JSON.stringify({ name: `${name}__${tool}`, arguments: args }),
    result,
    definition: mirrorDefinitions(name).tools.find((text) => text.includes(`"name":"${tool}"`))!,
  });
  const structured = ['{"a":1.0}', '[-0]', 'null', '"\\uD800"', '1e400'];
  const wrapped = ['output_schema', 'output_schema_array', 'ref_output', 'null_output'];
  return [
    ...RESULTS.map(({ name: what, json }) =>
      say('say', what, { case: what, hugeBytes: HUGE_BYTES }, json),
    ),
    ...ERA_RESULTS.map((json) => say('say', json, { json }, json)),
    ...wrapped.flatMap((tool) =>
      structured.map((text) => {
        const json = `{"content":[],"structuredContent":${text},"x-after":-0}`;
        return say(tool, text, { json }, json);
      }),
    ),
  ];
}

function otherResults({ name }: South): Asking[] {
  const completion =
    '{"x-top":1.0,"completion":{"values":["\\uD800",""],"total":12345678901234567890,"hasMore":false,"x-c":-0},"_meta":{"__proto__":{"a":1e400}}}';
  const uriOf = (what: string): string => `mirror-${name}://say/${encodeURIComponent(what)}`;
  return [
    ...AWKWARD_PROMPTS.map(({ name: what, json }) => ({
      what,
      method: 'prompts/get',
      params: JSON.stringify({ name: `${name}__say`, arguments: { case: what } }),
      result: json,
    })),
    ...AWKWARD_RESOURCES.map(({ name: what, json }) => ({
      what,
      method: 'resources/read',
      params: JSON.stringify({ uri: uriOf(what) }),
      result: json.replace('"URI"', JSON.stringify(uriOf(what))),
    })),
    {
      what: 'a completion',
      method: 'completion/complete',
      params: JSON.stringify({
        ref: { type: 'ref/prompt', name: `${name}__say` },
        argument: { name: 'say', value: completion },
      }),
      result: completion,
    },
  ];
}

async function compareResult({ client, north, south }: Pair, asking: Asking): Promise<void> {
  const { what, method, params, result: told, definition } = asking;
  const { result, message } = await client.request(method, params);
  assert.ok(result, `${what}: ${message.slice(0, 1000)}`);
  const era = eraOf(south, north.era);
  const written = asWritten(told, era, method);
  const crossing = { north: north.era, south: era };
  assertSameJson(result, expectedAtCaller(written, method, crossing, definition), what);
}

const ERRORS = [
  '{"code":-32000,"message":"\\uD800 \\u0041","data":{"n":12345678901234567890,"__proto__":[-0]},"x-e":1e400}',
  '{"code":-32602,"message":"no","data":"\\/"}',
  '{"code":-32002,"message":"missing","data":{"uri":"x:y"}}',
  '{"code":-32042,"message":"ask","data":{"elicitations":[{"x":1.0}]}}',
  '{"code":-32021,"message":"capability","data":{"requiredCapabilities":{"sampling":{}}}}',
  '{"code":4711,"message":"","data":null}',
];

const BEFORE = '"x-first":{"n":-0},';
const AFTER = ',"x-last":[12345678901234567890,1e400],"__proto__":{"a":1}';

const answerParams = (name: string, text: string): string =>
  JSON.stringify({ name: `${name}__answer`, arguments: { text } });

/** Whole messages, with members that JSON-RPC does not know. */
async function compareMessages({ client, north, south }: Pair): Promise<void> {
  const era = eraOf(south, north.era);
  const crossing = { north: north.era, south: era };
  const stamp = era === 'modern' ? '"resultType":"complete",' : '';
  const said = `{${BEFORE}"jsonrpc":"2.0","id":"ID","result":{${stamp}"content":[]}${AFTER}}`;
  const { message } = await client.request('tools/call', answerParams(south.name, said), '"me"');
  const result = expectedAtCaller(textAt(said, 'result')!, 'tools/call', crossing);
  assertSameJson(message, edit(said, { id: '"me"', result }), 'members beside the result');
  for (const error of ERRORS) {
    const failed = `{"error":${error},${BEFORE}"id":"ID","jsonrpc":"2.0"${AFTER}}`;
    const reply = await client.request('tools/call', answerParams(south.name, failed), '"e"');
    const expected = edit(failed, { id: '"e"', error: expectedError(error, crossing) });
    assertSameJson(reply.message, expected, error);
  }
}

const INPUT_REQUIRED =
  '{"inputRequests":{"\\u0041":{"method":"elicitation/create","params":{"x":1e400}}},"requestState":"\\uD800=","resultType":"input_required","x-r":-0}';

/** A question passes between modern sides alone; a legacy caller is told that it cannot be asked. */
async function compareQuestion({ client, north, south }: Pair): Promise<void> {
  if (eraOf(south, north.era) === 'legacy') return;
  const args = JSON.stringify({ json: INPUT_REQUIRED });
  const params = `{"name":"${south.name}__say","arguments":${args},"inputResponses":{"\\u0041":{"x":-0}},"requestState":"\\uD800="}`;
  const { result = '', message } = await client.request('tools/call', params);
  if (north.era === 'modern') assertSameJson(result, INPUT_REQUIRED);
  else assert.equal(textAt(result, 'isError'), 'true', message);
}

describe('results', () => {
  let road: Road;
  const clients = new Map<string, RawClient>();

  before(async () => {
    road = await openRoad();
    for (const north of road.norths) clients.set(north.name, await north.open());
  });
  after(async () => {
    await Promise.all([...clients.values()].map((client) => client[Symbol.asyncDispose]()));
    await road[Symbol.asyncDispose]();
  });

  it('arrive as they were written', async (t) => {
    for (const north of road.norths) {
      for (const south of road.souths) {
        await t.test(`${south.name} to ${north.name}`, async () => {
          const pair = { client: clients.get(north.name)!, north, south };
          for (const one of [...toolResults(south), ...otherResults(south)]) {
            await compareResult(pair, one);
          }
          await compareMessages(pair);
          await compareQuestion(pair);
        });
      }
    }
  });
});
