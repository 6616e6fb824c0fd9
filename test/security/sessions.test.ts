// A session id is no credential: it works for the key that opened the session, at the door that opened it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { rawLegacy, requestText } from '../support/raw-client.ts';
import { type Headers, openStream, rawPost, send } from '../support/raw-http.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { startDoor } from '../unit/mcp/support.ts';

const ALICE = { authorization: 'Bearer alice' };
const BOB = { authorization: 'Bearer bob' };
const LIST = requestText('1', 'tools/list', '{}');

async function statusesOf(url: string, headers: Headers): Promise<number[]> {
  const posted = await rawPost(url, LIST, headers);
  const got = await send(url, { headers: { ...headers, accept: 'text/event-stream' } });
  got.destroy();
  const deleted = await send(url, { method: 'DELETE', headers });
  deleted.resume();
  return [posted.status, got.statusCode ?? 0, deleted.statusCode ?? 0];
}

describe('a session over HTTP', () => {
  it('is unknown to another key', async () => {
    await using door = await startDoor();
    const url = `${door.url}/mcp`;
    const { sessionId } = await rawLegacy(url, { headers: ALICE });
    const session = { 'mcp-session-id': sessionId };
    assert.deepEqual(await statusesOf(url, { ...BOB, ...session }), [404, 404, 404]);
    const made = { ...BOB, 'mcp-session-id': `${sessionId.slice(0, -1)}_` };
    const unknown = await rawPost(url, LIST, made);
    const foreign = await rawPost(url, LIST, { ...BOB, ...session });
    assert.equal(String(foreign.body), String(unknown.body), 'both read alike');
    assert.deepEqual(await statusesOf(url, session), [401, 401, 401]);
    const own = await rawPost(url, LIST, { ...ALICE, ...session });
    assert.equal(own.status, 200);
  });

  it('is unknown at the endpoint of one server, and the other way round', async () => {
    await using upstream = await startHttpUpstream(echoOptions());
    await using gateway = await startGateway({ servers: { a: { url: upstream.url } } });
    const { headers, url } = gateway;
    const whole = { ...headers, 'mcp-session-id': (await rawLegacy(url, { headers })).sessionId };
    const one = `${url}/a`;
    const scoped = { ...headers, 'mcp-session-id': (await rawLegacy(one, { headers })).sessionId };
    assert.deepEqual(await statusesOf(one, whole), [404, 404, 404]);
    assert.deepEqual(await statusesOf(url, scoped), [404, 404, 404]);
    const keyless = { 'mcp-session-id': whole['mcp-session-id'] };
    assert.deepEqual(await statusesOf(url, keyless), [401, 401, 401]);
  });

  it('has an id that nobody guesses', async () => {
    await using door = await startDoor();
    const ids = new Set<string>();
    for (let n = 0; n < 20; n++) {
      const { sessionId } = await rawLegacy(`${door.url}/mcp`, { headers: ALICE });
      assert.match(sessionId, /^[\w-]{32}$/);
      ids.add(sessionId);
    }
    assert.equal(ids.size, 20);
  });
});

describe('a session over HTTP+SSE', () => {
  it('takes messages of its own key alone', async () => {
    await using door = await startDoor();
    await using stream = await openStream(`${door.url}/sse`, { headers: ALICE });
    const { data } = await stream.until(({ event }) => event === 'endpoint');
    const target = new URL(data, door.url).href;
    assert.equal((await rawPost(target, LIST, BOB)).status, 404);
    assert.equal((await rawPost(target, LIST)).status, 401);
    const id = new URL(target).searchParams.get('sessionId') ?? '';
    assert.ok(id.length >= 32);
    const elsewhere = await rawPost(`${door.url}/mcp`, LIST, { ...ALICE, 'mcp-session-id': id });
    assert.equal(elsewhere.status, 404);
    assert.equal(stream.events.length, 1, 'the owner hears nothing of it');
  });
});
