// No credential crosses the gateway: the caller's never goes to an upstream, the upstream's never to a caller.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type GatewayProcess, program, startGatewayProcess } from '../support/gateway.ts';
import {
  type RawClient,
  type RawLegacyClient,
  rawLegacy,
  rawModern,
  rawSse,
  rawStdio,
} from '../support/raw-client.ts';
import { type Headers, bodyOf, send } from '../support/raw-http.ts';
import { mirrorOptions } from '../support/upstreams/mirror.ts';
import {
  type HttpUpstream,
  type HttpUpstreamOptions,
  startHttpUpstream,
} from '../support/upstreams/raw.ts';

const MAIN = join(fileURLToPath(new URL('../..', import.meta.url)), 'src/main.ts');
/** Headers of a host that an upstream has no business with. */
const CANARIES: Headers = {
  cookie: 'session=canary-cookie',
  'x-canary': 'canary-header',
  forwarded: 'for=canary-forwarded',
  'x-forwarded-for': '203.0.113.77',
  referer: 'http://localhost/canary-referer',
  'last-event-id': 'canary-event',
  'user-agent': 'canary-agent',
};
const KEY_HEADERS = ['authorization', 'x-api-key', 'x-toolgate-key', 'x-goog-api-key', 'x-bf-vk'];

async function openDoors(gateway: GatewayProcess): Promise<Record<string, RawClient>> {
  const { url, key, configFile } = gateway;
  const sse = new URL('/sse', url).href;
  const headersOf = (name: string): Headers => ({
    ...CANARIES,
    [name]: name === 'authorization' ? `Bearer ${key}` : key,
  });
  const doors: Record<string, RawClient> = {};
  for (const name of KEY_HEADERS) {
    const headers = headersOf(name);
    doors[`modern HTTP with ${name}`] = rawModern(url, { headers });
    doors[`legacy HTTP with ${name}`] = await rawLegacy(url, { headers });
    doors[`SSE with ${name}`] = await rawSse(sse, { headers });
  }
  const args = [MAIN, 'stdio', '--config', configFile];
  for (const era of ['legacy', 'modern'] as const) {
    doors[`${era} stdio`] = await rawStdio({ command: process.execPath, args, era });
  }
  return doors;
}

async function useAll(client: RawClient, server: string): Promise<string[]> {
  const uri = `mirror-${server}://seen/x`;
  const replies = [
    await client.request('tools/call', `{"name":"${server}__seen","arguments":{}}`),
    await client.request('prompts/get', `{"name":"${server}__seen"}`),
    await client.request('resources/read', `{"uri":"${uri}"}`),
    await client.request(
      'completion/complete',
      `{"ref":{"type":"ref/prompt","name":"${server}__seen"},"argument":{"name":"a","value":""}}`,
    ),
  ];
  return replies.map(({ message }) => message);
}

const wireOf = ({ received }: HttpUpstream): string =>
  received
    .map(({ path, headers, body }) => `${path}\n${JSON.stringify(headers)}\n${body.toString()}`)
    .join('\n');

describe('the key of a caller', () => {
  it('goes to no upstream, nor does anything else that its host sends along', async () => {
    await using legacy = await startHttpUpstream({ ...mirrorOptions('legacy'), era: 'legacy' });
    await using modern = await startHttpUpstream({ ...mirrorOptions('modern'), era: 'modern' });
    await using sse = await startHttpUpstream({ ...mirrorOptions('sse'), transport: 'sse' });
    const web = { legacy, modern, sse };
    const servers: Record<string, Readonly<Record<string, unknown>>> = {
      child: program('mirror.ts', '--name', 'child'),
    };
    for (const [name, { url }] of Object.entries(web)) {
      servers[name] = { url, type: name === 'sse' ? 'sse' : 'http', headers: { 'x-south': 'own' } };
    }
    await using gateway = await startGatewayProcess({ servers, gateway: { logLevel: 'trace' } });
    const doors = await openDoors(gateway);
    const secrets = [gateway.key, gateway.key.slice(-43), ...Object.values(CANARIES)];
    for (const client of Object.values(doors)) {
      const { sessionId } = client as Partial<RawLegacyClient>;
      if (sessionId !== undefined) secrets.push(sessionId);
    }
    for (const [door, client] of Object.entries(doors)) {
      for (const server of Object.keys(servers)) {
        const answers = await useAll(client, server);
        // The mirror shows what it saw: the only way to look into a child's pipe.
        for (const answer of answers) assert.ok(answer.includes('"result"'), `${door}: ${answer}`);
        for (const secret of secrets) assert.ok(!answers.join().includes(secret), door);
      }
      await client[Symbol.asyncDispose]();
    }
    for (const [name, upstream] of Object.entries(web)) {
      const wire = wireOf(upstream);
      assert.ok(wire.includes('"x-south":"own"'), 'the upstream gets its own headers');
      for (const secret of secrets) assert.ok(!wire.includes(secret), `${name} got ${secret}`);
    }
    // The host's part of a key may stand in a log; the secret may not.
    assert.ok(!gateway.log().includes(gateway.key));
  });
});

const SOUTH = 'south-secret-value';

/** Fails once told so, with what it was sent, as a careless server's error page does. */
const reflecting = (status: number, isBroken: () => boolean): HttpUpstreamOptions => ({
  ...mirrorOptions(`fails-${status}`),
  intercept(request, response) {
    if (!isBroken()) return false;
    const headers = { 'content-type': 'application/json', 'x-echo': SOUTH };
    const said = { error: request.headers, message: JSON.stringify(request.headers) };
    response.writeHead(status, headers).end(JSON.stringify(said));
    return true;
  },
});

async function readAll(gateway: GatewayProcess): Promise<string> {
  const headers = { authorization: `Bearer ${gateway.key}` };
  const client = rawModern(gateway.url, { headers });
  const texts = [await bodyOf(await send(new URL('/readyz', gateway.url).href))].map(String);
  for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/list']) {
    texts.push((await client.request(method)).message);
  }
  for (const server of ['good', 'bad', 'worse', 'none']) {
    const params = `{"name":"${server}__seen","arguments":{}}`;
    texts.push((await client.request('tools/call', params)).message);
    const one = rawModern(`${gateway.url}/${server}`, { headers });
    texts.push((await one.request('tools/call', '{"name":"seen"}')).message);
    texts.push((await one.request('resources/read', '{"uri":"x:y"}')).message);
  }
  return texts.join('\n');
}

describe('the headers of an upstream', () => {
  it('are in no list, error, state or log line', async () => {
    let broken = false;
    await using good = await startHttpUpstream(mirrorOptions('good'));
    await using bad = await startHttpUpstream(reflecting(401, () => broken));
    await using worse = await startHttpUpstream(reflecting(500, () => broken));
    const gone = await startHttpUpstream(mirrorOptions('gone'));
    const urls = { good: good.url, bad: bad.url, worse: worse.url, none: gone.url };
    await gone[Symbol.asyncDispose]();
    const headers = { authorization: `Bearer ${SOUTH}`, 'x-static': SOUTH };
    const servers = Object.fromEntries(
      Object.entries(urls).map(([name, url]) => [name, { url, type: 'http', headers }]),
    );
    await using gateway = await startGatewayProcess({ servers, gateway: { logLevel: 'trace' } });
    await readAll(gateway);
    broken = true;
    const north = await readAll(gateway);
    assert.ok(wireOf(good).includes(SOUTH));
    assert.ok(north.includes('HTTP status 401') && north.includes('HTTP status 500'));
    assert.ok(!north.includes(SOUTH), north.slice(Math.max(0, north.indexOf(SOUTH) - 500)));
    assert.ok(!gateway.log().includes(SOUTH), 'the log has it');
  });

  it('and what a child says when it fails is not told to who has no key', async () => {
    const fail = `process.stderr.write('${SOUTH}\\n'); process.exit(1)`;
    const servers = { crash: { command: 'node', args: ['-e', fail] } };
    await using gateway = await startGatewayProcess({ servers });
    const ready = await send(new URL('/readyz', gateway.url).href);
    const text = String(await bodyOf(ready));
    assert.match(text, /"crash"/);
    assert.ok(!text.includes(SOUTH), text);
  });
});
