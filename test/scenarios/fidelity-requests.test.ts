// What a caller sends reaches the upstream as it was sent, through every door, transport and pair of eras.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertSameJson, awkwardArguments } from '../support/awkward.ts';
import { textAt } from '../support/json-text.ts';
import { type RawClient, requestText, withEnvelope } from '../support/raw-client.ts';
import { type North, type Road, type South, eraOf, openRoad } from './fidelity/road.ts';
import { expectedAtUpstream } from './fidelity/rules.ts';

interface Sending {
  readonly what: string;
  readonly method: string;
  readonly params: string;
  /** The upstream's own name of the tool or prompt. */
  readonly own?: string;
  readonly beside?: string;
}

const NOT_HUGE = awkwardArguments({ hugeBytes: 4096 });
const BESIDE =
  '"x-beside":{"n":12345678901234567890,"__proto__":[-0]},"__proto__":{"a":1},"result ":1e400';
const META =
  '"_meta":{"com.example/trace":1.0,"traceparent":"00-a-b-01","__proto__":{"x":-0},"progressToken":TOKEN,"":1e400}';

function toolCalls({ name }: South): Sending[] {
  const call = (what: string, rest: string, beside?: string): Sending => ({
    what,
    method: 'tools/call',
    params: `{"name":"${name}__seen"${rest}}`,
    own: '"seen"',
    ...(beside === undefined ? {} : { beside }),
  });
  return [
    ...NOT_HUGE.map((one) => call(one.name, `,"arguments":${one.json}`)),
    call('no arguments', ''),
    call('no arguments, but _meta', `,${META.replace('TOKEN', '7')}`),
    call('empty _meta', ',"_meta":{},"arguments":{}'),
    call('a token with escapes', `,"arguments":{},${META.replace('TOKEN', '"t\\u0041\\uD800"')}`),
    call('unknown params', ',"x-a":[1.0,{"b":-0}],"arguments":{"a":1},"task":{"ttl":1e400}'),
    call('unknown members beside params', ',"arguments":{}', BESIDE),
    {
      what: 'a name with escapes, _meta first',
      method: 'tools/call',
      params: `{ ${META.replace('TOKEN', '"a"')} , "name" : "${name}_\\u005fseen" , "arguments" : { } }`,
      own: '"seen"',
    },
  ];
}

function otherRequests({ name }: South): Sending[] {
  const prompt = `"name":"${name}__seen"`;
  const ref = `"ref":{"type":"ref/prompt","x-r":1.0,${prompt},"title":"\\u0041"}`;
  const argument = '"argument":{"name":"a","value":"\\uD800","x-a":-0}';
  const template = `mirror-${name}://seen/{x}`;
  return [
    ...NOT_HUGE.map((one) => ({
      what: `prompt: ${one.name}`,
      method: 'prompts/get',
      params: `{${prompt},"arguments":${one.json}}`,
      own: '"seen"',
    })),
    {
      what: 'prompt without arguments',
      method: 'prompts/get',
      params: `{"x-p":1.0,${prompt},${META.replace('TOKEN', '1')}}`,
      own: '"seen"',
      beside: BESIDE,
    },
    {
      what: 'resource with escapes',
      method: 'resources/read',
      params: `{"uri":"mirror-${name}:\\/\\/seen/\\u0041%20b","x-p":-0,${META.replace('TOKEN', '"b"')}}`,
      beside: BESIDE,
    },
    {
      what: 'completion of a prompt',
      method: 'completion/complete',
      params: `{${argument},${ref},"context":{"arguments":{"__proto__":"x"},"x-c":1e400}}`,
      own: '"seen"',
      beside: BESIDE,
    },
    {
      what: 'completion of a template',
      method: 'completion/complete',
      params: `{"ref":{"type":"ref/resource","uri":${JSON.stringify(template)},"x-r":-0},${argument}}`,
    },
  ];
}

/** The request as the mirror saw it, which it shows as a text within its answer. */
function seenIn(message: string): string {
  const places = [
    ['content', 'text'],
    ['messages', 'content', 'text'],
    ['contents', 'text'],
  ];
  const result = JSON.parse(textAt(message, 'result') ?? 'null') as Record<string, unknown> | null;
  assert.ok(result, message.slice(0, 1000));
  const { completion } = result as { completion?: { values: string[] } };
  if (completion !== undefined) return completion.values[0]!;
  for (const [list, ...path] of places) {
    let value: unknown = (result[list!] as unknown[] | undefined)?.[0];
    for (const key of path) value = (value as Record<string, unknown> | undefined)?.[key];
    if (typeof value === 'string') return value;
  }
  throw new Error(`Nothing is shown in ${message.slice(0, 1000)}`);
}

async function send(client: RawClient, north: North, south: South, one: Sending): Promise<void> {
  const { what, method, params, own, beside } = one;
  const { message } = await client.request(method, params, undefined, beside);
  const seen = seenIn(message);
  const id = textAt(seen, 'id')!;
  assert.match(id, /^\d+$/, `${what}: the gateway counts its own requests`);
  const enveloped = north.era === 'modern' ? withEnvelope(params) : params;
  const sent = requestText('0', method, enveloped, beside);
  const crossing = { north: north.era, south: eraOf(south, north.era) };
  assertSameJson(seen, expectedAtUpstream(sent, seen, crossing, own), what);
}

describe('requests', () => {
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

  it('arrive as they were sent', async (t) => {
    for (const north of road.norths) {
      for (const south of road.souths) {
        await t.test(`${north.name} to ${south.name}`, async () => {
          const client = clients.get(north.name)!;
          for (const one of [...toolCalls(south), ...otherRequests(south)]) {
            await send(client, north, south, one);
          }
        });
      }
    }
  });
});
