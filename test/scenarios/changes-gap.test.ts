// Changes that happen while the connection that would tell of them is broken.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type TestGateway, startGateway } from '../support/gateway.ts';
import { textAt } from '../support/json-text.ts';
import { rawLegacy, rawModern } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import {
  type HttpUpstream,
  type HttpUpstreamOptions,
  startHttpUpstream,
} from '../support/upstreams/raw.ts';

const WAYS: Readonly<Record<string, HttpUpstreamOptions>> = {
  'http-legacy': { era: 'legacy' },
  'http-modern': { era: 'modern' },
  'sse-legacy': { transport: 'sse' },
};

const BREAKS: Readonly<Record<string, (upstream: HttpUpstream) => void>> = {
  'the connections break': (upstream) => upstream.dropConnections(),
  'the sessions are forgotten': (upstream) => {
    upstream.dropSessions();
    upstream.dropConnections();
  },
};

const LIVE = 'fixture://live';

async function lists(gateway: TestGateway, name: string): Promise<boolean> {
  const client = rawModern(gateway.url, { headers: gateway.headers });
  const { result = '' } = await client.request('tools/list');
  return textAt(result, 'tools')?.includes(JSON.stringify(name)) === true;
}

/** Whether the upstream has somebody to tell of the resource. */
const isWatched = ({ server }: HttpUpstream): boolean =>
  server.subscriptions.size > 0 ||
  [...server.peers].some((peer) => peer.outlet !== undefined && peer.subscriptions.has(LIVE));

describe('when the connection to an upstream breaks', () => {
  for (const [way, options] of Object.entries(WAYS)) {
    for (const [what, cut] of Object.entries(BREAKS)) {
      it(`${way}: ${what}, and nothing is missed`, async () => {
        await using upstream = await startHttpUpstream({ ...echoOptions(), ...options });
        const servers = { s: { url: upstream.url, type: options.transport ?? 'http' } };
        await using gateway = await startGateway({ servers });
        await using client = await rawLegacy(gateway.url, { headers: gateway.headers });
        await using stream = await client.listen();
        await client.request('resources/subscribe', JSON.stringify({ uri: LIVE }));
        await upstream.until(isWatched);
        assert.ok(await lists(gateway, 's__echo'));
        cut(upstream);
        // Nobody is told of this one.
        const definition = '{"name":"unseen","inputSchema":{"type":"object"}}';
        upstream.server.tools.set('unseen', { definition, call: () => '{"content":[]}' });
        await until(() => lists(gateway, 's__unseen'), 'the tool that came meanwhile');
        await stream.until(({ data }) => data.includes('tools/list_changed'));
        await upstream.until(isWatched);
        upstream.emitUpdated(LIVE);
        const { data } = await stream.until((event) => event.data.includes('resources/updated'));
        assert.equal(textAt(data, 'params', 'uri'), JSON.stringify(LIVE));
      });
    }
  }
});
