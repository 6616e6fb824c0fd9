// Definitions in lists, and what an upstream tells during a call, through every door, transport and pair of eras.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertSameJson } from '../support/awkward.ts';
import { textAt } from '../support/json-text.ts';
import type { RawClient } from '../support/raw-client.ts';
import { mirrorDefinitions } from '../support/upstreams/mirror.ts';
import { type North, type Road, type South, openRoad } from './fidelity/road.ts';
import {
  type Crossing,
  definitionsOf,
  expectedDefinition,
  expectedNotification,
  withoutOwnId,
} from './fidelity/rules.ts';

const LISTS = [
  ['tools/list', 'tools', 'name'],
  ['prompts/list', 'prompts', 'name'],
  ['resources/list', 'resources', 'uri'],
  ['resources/templates/list', 'resourceTemplates', 'uriTemplate'],
] as const;

type Lists = ReadonlyMap<string, readonly string[]>;

async function fetchLists(client: RawClient): Promise<Lists> {
  const lists = new Map<string, readonly string[]>();
  for (const [method, key] of LISTS) {
    const { result = '' } = await client.request(method);
    lists.set(key, definitionsOf(result, key));
  }
  return lists;
}

function compareLists(lists: Lists, { name }: South, crossing: Crossing): void {
  const all = mirrorDefinitions(name);
  for (const [, key, named] of LISTS) {
    for (const written of all[key]) {
      const own = JSON.parse(textAt(written, named)!) as string;
      const exposed = named === 'name' ? `${name}__${own}` : own;
      const found = lists.get(key)!.find((text) => JSON.parse(textAt(text, named)!) === exposed);
      assert.ok(found, `${exposed} is not listed`);
      const expected = expectedDefinition(
        written,
        named === 'name' ? exposed : undefined,
        crossing,
      );
      assertSameJson(withoutOwnId(found), expected, exposed);
    }
    const mine = lists.get(key)!.filter((text) => isOf(name, JSON.parse(textAt(text, named)!)));
    assert.equal(mine.length, all[key].length, `${key} of ${name}`);
  }
}

const isOf = (server: string, exposed: unknown): boolean =>
  String(exposed).startsWith(`${server}__`) || String(exposed).startsWith(`mirror-${server}://`);

/** What is told before a result; TOKEN stands for the request's own progress token. */
const TOLD = [
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"TOKEN","progress":1.0,"total":1e400,"message":"\\uD800","x-p":{"__proto__":-0},"_meta":{"a":1.0}}}',
  '{"x-first":-0,"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","logger":"","data":{"n":12345678901234567890,"__proto__":{"a":1e400}},"x-m":1.0}}',
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":2,"_meta":{},"progressToken":"TOKEN"},"x-last":[1E5]}',
  '{"jsonrpc":"2.0","method":"notifications/message","params":{"data":null,"level":"warning"}}',
];

async function compareNotifications(client: RawClient, { name }: South): Promise<void> {
  const level = client.era === 'modern' ? ',"io.modelcontextprotocol/logLevel":"warning"' : '';
  const tokens = ['"t\\u0041\\/"', '"7"', '12345678901234567890'];
  for (const token of tokens) {
    const args = JSON.stringify({ texts: TOLD });
    const params = `{"name":"${name}__tell","arguments":${args},"_meta":{"progressToken":${token}${level}}}`;
    const { notifications, message } = await client.request('tools/call', params);
    assert.ok(message.includes('told'), message);
    assert.equal(notifications.length, TOLD.length, notifications.join('\n'));
    for (const [i, said] of TOLD.entries()) {
      assertSameJson(notifications[i]!, expectedNotification(said, token), `notification ${i}`);
    }
  }
}

describe('definitions and notifications', () => {
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

  const eachPair = async (
    t: { test: (name: string, run: () => Promise<void>) => Promise<void> },
    check: (client: RawClient, north: North, south: South) => Promise<void>,
  ): Promise<void> => {
    for (const north of road.norths) {
      for (const south of road.souths) {
        const client = clients.get(north.name)!;
        await t.test(`${south.name} to ${north.name}`, () => check(client, north, south));
      }
    }
  };

  it('definitions are listed as they were written', (t) =>
    eachPair(t, async (client, north, south) => {
      // A server of both eras is listed in the modern one, for all.
      const listed = south.era === 'dual' ? 'modern' : south.era;
      compareLists(await fetchLists(client), south, { north: north.era, south: listed });
    }));

  it('progress and log messages come as they were written', (t) =>
    eachPair(t, (client, _north, south) => compareNotifications(client, south)));
});
