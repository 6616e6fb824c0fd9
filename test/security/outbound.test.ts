// Where the gateway may be led to: no metadata service, no address that an answer names.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { type TestGateway, startGateway } from '../support/gateway.ts';
import { rawModern } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/upstreams/raw.ts';

const GUARDED = [
  'http://169.254.169.254/latest/meta-data',
  'http://169.254.1.1/mcp',
  'http://2852039166/mcp',
  'http://0xa9.0xfe.0xa9.0xfe/mcp',
  'http://0251.0376.0251.0376/mcp',
  'http://100.100.100.200/mcp',
  'http://[fe80::1]/mcp',
  'http://[fd00:ec2::254]/mcp',
  'http://[::ffff:169.254.169.254]/mcp',
  'http://[::ffff:a9fe:a9fe]/mcp',
  'http://[64:ff9b::a9fe:a9fe]/mcp',
];

const TRANSPORTS = ['http', 'sse', undefined] as const;

async function reasonOf(gateway: TestGateway, name: string): Promise<string> {
  return until(
    () => gateway.app.statuses().find((one) => one.name === name && one.state === 'down')?.reason,
    `the failure of ${name}`,
  );
}

describe('a link-local or metadata address', () => {
  for (const type of TRANSPORTS) {
    it(`is refused (${type ?? 'no type given'})`, async () => {
      const entries = GUARDED.map((url, n) => [`s${n}`, { url, ...(type ? { type } : {}) }]);
      await using gateway = await startGateway({ servers: Object.fromEntries(entries) });
      for (const [n, url] of GUARDED.entries()) {
        const reason = await reasonOf(gateway, `s${n}`);
        assert.match(reason, /link-local or metadata address/, url);
      }
    });
  }

  it('is tried when the entry allows it, alone or in a range', async () => {
    const url = 'http://169.254.7.7:1/mcp';
    const servers = {
      alone: { url, type: 'http', allowAddresses: ['169.254.7.7'] },
      range: { url, type: 'http', allowAddresses: ['169.254.7.0/24'] },
      other: { url, type: 'http', allowAddresses: ['169.254.8.0/24', '169.254.7.8'] },
    };
    await using gateway = await startGateway({ servers, impatient: true });
    assert.match(await reasonOf(gateway, 'other'), /link-local/);
    for (const name of ['alone', 'range']) {
      const status = gateway.app.statuses().find((one) => one.name === name);
      assert.doesNotMatch(status?.reason ?? '', /link-local/, `${name}: ${status?.reason}`);
    }
  });
});

/** Sends every request on to another server, as long as it is told to. */
function redirecting(status: number, target: string, isOn: () => boolean) {
  return (_request: unknown, response: ServerResponse): boolean => {
    if (!isOn()) return false;
    response.writeHead(status, { location: target }).end();
    return true;
  };
}

const HEADERS = { authorization: 'Bearer south' };

async function startPair(status: number, transport: 'http' | 'sse', isOn: () => boolean) {
  const target = await startHttpUpstream({ ...echoOptions(), transport });
  const intercept = redirecting(status, target.url, isOn);
  const upstream = await startHttpUpstream({ ...echoOptions(), transport, intercept });
  const stack = new AsyncDisposableStack();
  stack.use(target);
  stack.use(upstream);
  return { target, upstream, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const entryOf = (upstream: HttpUpstream, type: string) => ({
  url: upstream.url,
  type,
  headers: HEADERS,
});

describe('a redirect', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const type of ['http', 'sse'] as const) {
      it(`${status} is not followed to connect (${type})`, async () => {
        await using pair = await startPair(status, type, () => true);
        const servers = { led: entryOf(pair.upstream, type) };
        await using gateway = await startGateway({ servers });
        assert.match(
          await reasonOf(gateway, 'led'),
          new RegExp(`HTTP status ${status}.*redirects`),
        );
        assert.equal(pair.target.received.length, 0);
      });
    }
  }

  it('is not followed by a call', async () => {
    let on = false;
    await using pair = await startPair(307, 'http', () => on);
    await using gateway = await startGateway({ servers: { led: entryOf(pair.upstream, 'http') } });
    on = true;
    const client = rawModern(gateway.url, { headers: gateway.headers });
    const { message } = await client.request('tools/call', '{"name":"led__echo","arguments":{}}');
    assert.match(message, /UPSTREAM_REFUSED/);
    assert.equal(pair.target.received.length, 0);
  });

  it('nor is the endpoint of another origin that an event stream names', async () => {
    await using target = await startHttpUpstream({ ...echoOptions(), transport: 'sse' });
    const foreign = new URL('/messages?sessionId=x', target.url).href;
    await using upstream = await startHttpUpstream({
      ...echoOptions(),
      transport: 'sse',
      intercept(_request, response) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`event: endpoint\ndata: ${foreign}\n\n`);
        return true;
      },
    });
    await using gateway = await startGateway({ servers: { led: entryOf(upstream, 'sse') } });
    assert.match(await reasonOf(gateway, 'led'), /foreign endpoint/);
    assert.equal(target.received.length, 0);
  });
});
