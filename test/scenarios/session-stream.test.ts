// What a legacy server tells of a call elsewhere than on the call's own stream, and what one caller's wishes do to another.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { textAt } from '../support/json-text.ts';
import { rawModern, rawSse } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { type HttpUpstreamOptions, startHttpUpstream } from '../support/upstreams/raw.ts';
import { textResult } from '../support/upstreams/raw/call.ts';

/** Tells of each call on the session's GET stream, as servers on SDK v1 do unless told otherwise. */
function asideOptions(released: Promise<void>): HttpUpstreamOptions {
  return {
    era: 'legacy',
    tools: {
      aside: {
        definition: '{"name":"aside","inputSchema":{"type":"object"}}',
        async call(call) {
          const token = textAt(call.params, '_meta', 'progressToken');
          const send = (method: string, params: string) =>
            call.peer.outlet?.send(`{"jsonrpc":"2.0","method":"${method}","params":${params}}`);
          send('notifications/progress', `{"progressToken":${token},"progress":1}`);
          send('notifications/progress', '{"progressToken":4711,"progress":2}');
          send('notifications/message', '{"level":"error","data":"aside"}');
          await released;
          return textResult('done');
        },
      },
    },
  };
}

describe('a call of a legacy server over HTTP', () => {
  it('hears progress and logs that come on the stream of the session', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using upstream = await startHttpUpstream(asideOptions(promise));
    await using gateway = await startGateway({ servers: { s: { url: upstream.url } } });
    await upstream.until(({ listeners }) => listeners === 1);
    await using client = await rawSse(`${gateway.base}/sse`, { headers: gateway.headers });
    const params = '{"name":"s__aside","_meta":{"progressToken":"mine"}}';
    const call = client.request('tools/call', params);
    const heard = (part: string) => client.seen.some((text) => text.includes(part));
    await until(() => heard('"progressToken":"mine"'), 'progress').finally(resolve);
    await until(() => heard('"aside"'), 'a log message');
    assert.match((await call).message, /done/);
    assert.ok(!heard('4711') && !heard('"progress":2'), 'what belongs to no call is for nobody');
  });
});

const logCall = (level: string, meta = ''): string =>
  `{"name":"s__log","arguments":{"level":"${level}"}${meta}}`;

describe('log levels', () => {
  it('of one caller take no messages from another', async () => {
    await using upstream = await startHttpUpstream({ ...echoOptions(), era: 'legacy' });
    await using gateway = await startGateway({ servers: { s: { url: upstream.url } } });
    const { headers } = gateway;
    await using quiet = await rawSse(`${gateway.base}/sse`, { headers });
    const logs = async () => {
      const { notifications } = await quiet.request('tools/call', logCall('info'));
      return notifications.filter((text) => text.includes('notifications/message')).length;
    };
    assert.equal(await logs(), 1);
    const strict = ',"_meta":{"io.modelcontextprotocol/logLevel":"error"}';
    const modern = rawModern(gateway.url, { headers });
    const { notifications } = await modern.request('tools/call', logCall('info', strict));
    assert.deepEqual(notifications, []);
    assert.equal(await logs(), 1);
    await using other = await rawSse(`${gateway.base}/sse`, { headers });
    await other.request('logging/setLevel', '{"level":"emergency"}');
    assert.equal(await logs(), 1);
  });
});
