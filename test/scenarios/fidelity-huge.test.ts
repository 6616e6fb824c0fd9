// Very long strings, through every door, transport and pair of eras, both ways.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertSameJson, awkwardArguments, awkwardResults } from '../support/awkward.ts';
import { count } from '../support/gateway.ts';
import { textAt } from '../support/json-text.ts';
import type { RawClient } from '../support/raw-client.ts';
import { type Road, type South, eraOf, openRoad } from './fidelity/road.ts';
import { asWritten, expectedAtCaller } from './fidelity/rules.ts';

const HUGE_BYTES = count(16, 1) * 1024 * 1024;
const PLAIN = 'a huge string';
const ESCAPES = 'a huge string of escapes';
const SENT = count(2, 1) === 1 ? [PLAIN] : [PLAIN, ESCAPES];
const ANSWERED = count(2, 1) === 1 ? [ESCAPES] : [PLAIN, ESCAPES];

async function sendHuge(client: RawClient, { name }: South): Promise<void> {
  for (const { name: what, json } of awkwardArguments({ hugeBytes: HUGE_BYTES })) {
    if (!SENT.includes(what)) continue;
    const params = `{"name":"${name}__seen","arguments":${json}}`;
    const { result, message } = await client.request('tools/call', params);
    assert.ok(result, message.slice(0, 1000));
    const { content } = JSON.parse(result) as { content: { text: string }[] };
    assertSameJson(textAt(content[0]!.text, 'params', 'arguments')!, json, what);
  }
}

async function receiveHuge(client: RawClient, south: South): Promise<void> {
  const { name } = south;
  const era = eraOf(south, client.era);
  const method = 'tools/call';
  for (const { name: what, json } of awkwardResults({ hugeBytes: HUGE_BYTES })) {
    if (!ANSWERED.includes(what)) continue;
    const args = { case: what, hugeBytes: HUGE_BYTES };
    const params = JSON.stringify({ name: `${name}__say`, arguments: args });
    const { result, message } = await client.request(method, params);
    assert.ok(result, message.slice(0, 1000));
    const crossing = { north: client.era, south: era };
    const expected = expectedAtCaller(asWritten(json, era, method), method, crossing);
    assertSameJson(result, expected, what);
  }
}

describe(`strings of ${HUGE_BYTES} bytes`, () => {
  let road: Road;
  before(async () => {
    road = await openRoad();
  });
  after(() => road[Symbol.asyncDispose]());

  it('pass as they are', async (t) => {
    for (const north of road.norths) {
      await t.test(north.name, async () => {
        // One client for each door, since those with a shared channel keep all that came.
        await using client = await north.open();
        for (const south of road.souths) {
          await sendHuge(client, south);
          await receiveHuge(client, south);
        }
      });
    }
  });
});
