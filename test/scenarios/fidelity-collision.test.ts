// Where two servers have one URI, the URI is all that changes in what they answer.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AWKWARD_PROMPTS,
  AWKWARD_RESOURCES,
  assertSameJson,
  awkwardResults,
} from '../support/awkward.ts';
import { startGateway } from '../support/gateway.ts';
import { type RawClient, rawModern } from '../support/raw-client.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { asWritten } from './fidelity/rules.ts';

const HUGE_BYTES = 4096;
const OWN = '"uri":"fixture://static"';
const EXPOSED = '"uri":"toolgate://a/fixture://static"';

async function resultOf(client: RawClient, method: string, params: object): Promise<string> {
  const { result, message } = await client.request(method, JSON.stringify(params));
  assert.ok(result, message.slice(0, 1000));
  return result;
}

const cases = {
  async 'tools/call'(client: RawClient, method: string) {
    for (const { name, json } of awkwardResults({ hugeBytes: HUGE_BYTES })) {
      const args = { case: name, hugeBytes: HUGE_BYTES };
      const result = await resultOf(client, method, { name: 'a__raw', arguments: args });
      assertSameJson(result, asWritten(json, 'modern', method).replaceAll(OWN, EXPOSED), name);
    }
  },
  async 'prompts/get'(client: RawClient, method: string) {
    for (const { name, json } of AWKWARD_PROMPTS) {
      const params = { name: 'a__raw_prompt', arguments: { case: name } };
      assertSameJson(await resultOf(client, method, params), asWritten(json, 'modern', method));
    }
  },
  async 'resources/read'(client: RawClient, method: string) {
    for (const { name, json } of AWKWARD_RESOURCES) {
      const uri = `toolgate://a/fixture://awkward/${encodeURIComponent(name)}`;
      const expected = json.replace('"URI"', JSON.stringify(uri));
      assertSameJson(
        await resultOf(client, method, { uri }),
        asWritten(expected, 'modern', method),
      );
    }
  },
};

describe('with a collision of URIs', () => {
  for (const [method, compare] of Object.entries(cases)) {
    it(`nothing else changes in ${method}`, async () => {
      await using a = await startHttpUpstream({ ...echoOptions({ name: 'a' }), era: 'modern' });
      await using b = await startHttpUpstream({ ...echoOptions({ name: 'b' }), era: 'modern' });
      const servers = { a: { url: a.url }, b: { url: b.url } };
      await using gateway = await startGateway({ servers });
      await compare(rawModern(gateway.url, { headers: gateway.headers }), method);
    });
  }
});
