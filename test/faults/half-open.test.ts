// Below MCP: an HTTP server that stalls, breaks off, refuses, or answers with something else.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../src/core/errors.ts';
import { createHttpClient } from '../../src/net/http-client.ts';
import { SseConnection } from '../../src/upstream/sse.ts';
import { startGateway } from '../support/gateway.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import {
  type Intercept,
  answerWith,
  cutMidBody,
  neverRespond,
  onlyCalls,
  resetAtOnce,
  stallMidBody,
} from '../support/upstreams/http-faults.ts';
import { type HttpUpstreamOptions, startHttpUpstream } from '../support/upstreams/raw.ts';
import { callTool, legacyClient, modernClient, mustCall, until, within } from './support.ts';

const TIMEOUT_MS = 400;
const json = { 'content-type': 'application/json' };
const good = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';

interface Fault {
  readonly intercept: Intercept;
  readonly code: ErrorCode;
  /** What the error says besides the server's name. */
  readonly says: RegExp;
}

const fault = (intercept: Intercept, code: ErrorCode, says: RegExp): Fault => ({
  intercept,
  code,
  says,
});
const status = (number: number, says = new RegExp(`HTTP status ${number}`)): Fault =>
  fault(answerWith(number, { 'content-type': 'text/html' }, '<p>no</p>'), 'UPSTREAM_REFUSED', says);

const FAULTS: Readonly<Record<string, Fault>> = {
  'never answers': fault(neverRespond, 'UPSTREAM_TIMEOUT', /timeoutSeconds/),
  'stalls in the body': fault(stallMidBody, 'UPSTREAM_TIMEOUT', /timeoutSeconds/),
  'cuts in the body': fault(cutMidBody, 'UPSTREAM_LOST', /may have run/),
  'resets at once': fault(resetAtOnce, 'UPSTREAM_LOST', /may have run/),
  'ends a stream without an answer': fault(
    answerWith(200, { 'content-type': 'text/event-stream' }, ': nothing\n\n'),
    'UPSTREAM_LOST',
    /ended before the answer/,
  ),
  'status 500': status(500),
  'status 503': status(503),
  'status 429': status(429),
  'status 400': status(400),
  'status 401': status(401, /401.*credential/),
  'status 403': status(403, /403.*credential/),
  'a redirect': fault(
    answerWith(307, { location: 'http://127.0.0.1:9/elsewhere' }, ''),
    'UPSTREAM_REFUSED',
    /redirects/,
  ),
  'a web page': fault(
    answerWith(200, { 'content-type': 'text/html' }, '<html></html>'),
    'UPSTREAM_INVALID',
    /JSON/,
  ),
  'an empty body': fault(answerWith(200, json, ''), 'UPSTREAM_INVALID', /empty/),
  'no content': fault(answerWith(204, {}, ''), 'UPSTREAM_REFUSED', /204/),
  'accepted, and no more': fault(answerWith(202, {}, ''), 'UPSTREAM_INVALID', /empty/),
  'a compressed body': fault(
    answerWith(200, { ...json, 'content-encoding': 'gzip' }, gzipSync(good)),
    'UPSTREAM_INVALID',
    /compressed/,
  ),
};

for (const era of ['modern', 'legacy'] as const) {
  describe(`a ${era} server that`, () => {
    for (const [what, { intercept, code, says }] of Object.entries(FAULTS)) {
      it(what, async () => {
        let isFaulty = true;
        const options: HttpUpstreamOptions = {
          ...echoOptions(),
          era,
          intercept: (...parts) => isFaulty && onlyCalls(intercept)(...parts),
        };
        await using upstream = await startHttpUpstream(options);
        const target = { url: upstream.url, timeoutSeconds: TIMEOUT_MS / 1000 };
        await using gateway = await startGateway({ servers: { target } });
        const client = modernClient(gateway);
        const outcome = await callTool(client, 'target__echo');
        assert.equal(outcome.code, code, outcome.text);
        assert.match(outcome.text, says);
        assert.match(outcome.text, /"target"/);
        const posts = upstream.received.filter(({ body }) => body.includes('"tools/call"'));
        assert.equal(posts.length, 1, 'it was sent once');
        isFaulty = false;
        await until(
          'the next call to go well',
          async () => (await callTool(client, 'target__echo')).code === undefined,
        );
      });
    }
  });
}

it('a session that the server forgot is made anew, and the call sent once more', async () => {
  await using upstream = await startHttpUpstream({ ...echoOptions(), era: 'legacy' });
  await using gateway = await startGateway({ servers: { target: { url: upstream.url } } });
  await using legacy = await legacyClient(gateway);
  for (const client of [modernClient(gateway), legacy]) {
    upstream.dropSessions();
    const before = upstream.received.length;
    await mustCall(client, 'target__echo', { n: 1 });
    const since = upstream.received.slice(before);
    const sent = since.filter(({ body }) => body.includes('"tools/call"'));
    assert.equal(sent.length, 2, 'once under the old session, once under the new one');
    assert.notEqual(sent[0]!.headers['mcp-session-id'], sent[1]!.headers['mcp-session-id']);
  }
});

it('many calls that find their session gone share a new one', async () => {
  await using upstream = await startHttpUpstream({ ...echoOptions(), era: 'legacy' });
  await using gateway = await startGateway({ servers: { target: { url: upstream.url } } });
  const client = modernClient(gateway);
  upstream.dropSessions();
  const calls = Array.from({ length: 20 }, (_, n) => callTool(client, 'target__echo', { n }));
  for (const { code, text } of await Promise.all(calls)) assert.equal(code, undefined, text);
  assert.equal(upstream.sessions, 1);
});

it('a server that forgets every session ends the call after one more try', async () => {
  const intercept = onlyCalls(answerWith(404, json, '{"error":"gone"}'));
  await using upstream = await startHttpUpstream({ ...echoOptions(), era: 'legacy', intercept });
  await using gateway = await startGateway({ servers: { target: { url: upstream.url } } });
  const { code, text } = await callTool(modernClient(gateway), 'target__echo');
  assert.equal(code, 'UPSTREAM_LOST', text);
  const sent = upstream.received.filter(({ body }) => body.includes('"tools/call"'));
  assert.equal(sent.length, 2);
});

it('a port where nobody listens is told at once, and tried again when somebody does', async () => {
  const first = await startHttpUpstream(echoOptions());
  const { port } = first;
  await using gateway = await startGateway({ servers: { target: { url: first.url } } });
  const client = modernClient(gateway);
  await mustCall(client, 'target__echo');
  await first[Symbol.asyncDispose]();
  const { code, text, ms } = await callTool(client, 'target__echo');
  assert.match(String(code), /^UPSTREAM_(?:DOWN|LOST)$/, text);
  assert.ok(ms < 1_000, `it took ${ms} ms`);
  await using _ = await startHttpUpstream({ ...echoOptions(), port });
  await until(
    'its return',
    async () => (await callTool(client, 'target__echo')).code === undefined,
  );
});

it('a server that accepts and says nothing from the start holds up nobody else', async () => {
  const mute = createServer();
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { port } = mute.address() as AddressInfo;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => void mute.close());
  const upstream = stack.use(await startHttpUpstream(echoOptions()));
  const servers = { mute: { url: `http://127.0.0.1:${port}/mcp` }, sound: { url: upstream.url } };
  const gateway = stack.use(await startGateway({ servers, gateway: { startSeconds: 0.5 } }));
  await mustCall(modernClient(gateway), 'sound__echo');
});

it('the time to connect over HTTP+SSE does not end a stream that has opened', async () => {
  await using upstream = await startHttpUpstream({ ...echoOptions(), transport: 'sse' });
  await using client = createHttpClient();
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const heard = Promise.withResolvers<void>();
  const deadline = new AbortController();
  await using _ = await SseConnection.open(
    {
      server: 'target',
      url: upstream.url,
      headers: {},
      maxBytes: 1024,
      client,
      log: silent,
      events: { onNotification: () => heard.resolve(), onClose: heard.reject },
    },
    deadline.signal,
  );
  deadline.abort(new Error('late'));
  upstream.emitChanged('tools');
  await within(1_000, 'what comes on the stream afterwards', heard.promise);
});
