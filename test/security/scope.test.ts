// The endpoint of one server leads to that server alone.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { textAt } from '../support/json-text.ts';
import { type RawClient, rawLegacy, rawModern } from '../support/raw-client.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { type HttpUpstreamOptions, startHttpUpstream } from '../support/upstreams/raw.ts';

/** A server with things of its own that the other lacks. */
function secretOptions(): HttpUpstreamOptions {
  const echo = echoOptions({ name: 'secret' });
  return {
    ...echo,
    tools: { hidden: { definition: '{"name":"hidden"}', call: () => '{"content":[]}' } },
    prompts: { hidden: { definition: '{"name":"hidden"}', get: () => '{"messages":[]}' } },
    resources: {
      'hidden://a': {
        definition: '{"uri":"hidden://a","name":"a"}',
        read: () => '{"contents":[]}',
      },
    },
    templates: [
      {
        definition: '{"uriTemplate":"hidden://t/{x}","name":"t"}',
        matches: (uri) => uri.startsWith('hidden://t/'),
        read: () => '{"contents":[]}',
      },
    ],
  };
}

const ASKED = [
  ...['hidden', 'secret__hidden', 'secret/hidden', 'open__hidden', '../secret/hidden'].flatMap(
    (name) => [
      ['tools/call', JSON.stringify({ name, arguments: {} })],
      ['prompts/get', JSON.stringify({ name })],
      [
        'completion/complete',
        JSON.stringify({ ref: { type: 'ref/prompt', name }, argument: { name: 'a', value: '' } }),
      ],
    ],
  ),
  ...['hidden://a', 'toolgate://secret/hidden://a', 'hidden://t/x'].flatMap((uri) => [
    ['resources/read', JSON.stringify({ uri })],
    [
      'completion/complete',
      JSON.stringify({ ref: { type: 'ref/resource', uri }, argument: { name: 'x', value: '' } }),
    ],
  ]),
] as const;

describe('/mcp/<server>', () => {
  it('neither lists nor reaches what another server has', async () => {
    await using open = await startHttpUpstream(echoOptions({ name: 'open' }));
    await using secret = await startHttpUpstream(secretOptions());
    const servers = {
      open: { url: open.url, type: 'http' },
      secret: { url: secret.url, type: 'http' },
    };
    await using gateway = await startGateway({ servers });
    const url = `${gateway.url}/open`;
    const { headers } = gateway;
    await using legacy = await rawLegacy(url, { headers });
    const clients: RawClient[] = [rawModern(url, { headers }), legacy];
    const calls = () =>
      secret.received.filter(({ body }) =>
        /"(?:tools\/call|prompts\/get|resources\/read|resources\/subscribe|completion)/.test(
          String(body),
        ),
      );
    for (const client of clients) {
      for (const method of [
        'tools/list',
        'prompts/list',
        'resources/list',
        'resources/templates/list',
      ]) {
        const { result = '' } = await client.request(method);
        assert.ok(!result.includes('hidden'), result.slice(0, 500));
      }
      for (const [method, params] of ASKED) {
        const { message } = await client.request(method!, params);
        // The open server completes whatever it is asked for; that answer is its own.
        const own = textAt(message, 'result', 'completion', 'values') === '["","open"]';
        assert.ok(own || textAt(message, 'error'), `${method} ${params} got ${message}`);
      }
      assert.equal(calls().length, 0);
    }
    await legacy.request('resources/subscribe', '{"uri":"hidden://a"}');
    await legacy.request('resources/subscribe', '{"uri":"toolgate://secret/hidden://a"}');
    assert.ok(!secret.received.some(({ body }) => body.includes('hidden://a')));
  });

  it('tells of its own changes alone', async () => {
    await using open = await startHttpUpstream(echoOptions({ name: 'open' }));
    await using secret = await startHttpUpstream(secretOptions());
    await using gateway = await startGateway({
      servers: { open: { url: open.url, type: 'http' }, secret: { url: secret.url, type: 'http' } },
      impatient: true,
    });
    const { headers } = gateway;
    const listed = new Set<string>();
    gateway.app.gateway.listChanged.on(({ servers }) => {
      for (const server of servers) listed.add(server);
    });
    await until(() => listed.size === 2, 'the news of the start');
    await using whole = await rawLegacy(gateway.url, { headers });
    await using wholeStream = await whole.listen();
    await using one = await rawLegacy(`${gateway.url}/open`, { headers });
    await using stream = await one.listen();
    secret.setTool('more', { definition: '{"name":"more"}', call: () => '{"content":[]}' });
    await wholeStream.until(({ data }) => data.includes('tools/list_changed'));
    open.setTool('more', { definition: '{"name":"more"}', call: () => '{"content":[]}' });
    await stream.until(({ data }) => data.includes('tools/list_changed'));
    assert.equal(stream.events.length, 1);
  });
});
