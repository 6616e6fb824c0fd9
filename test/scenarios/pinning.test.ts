// The rug pull: an upstream changes one character of a tool that was accepted.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadAdminKey } from '../../src/identity/local-key.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { rawLegacy, rawModern } from '../support/raw-client.ts';
import type { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import type { HttpUpstream } from '../support/upstreams/raw.ts';
import type { RawTool } from '../support/upstreams/raw/server.ts';
import { textResult } from '../support/upstreams/raw/call.ts';

const OLD = 'Reads a file.';
/** One character: a space that is none. */
const NEW = 'Reads a\u00a0file.';

interface World extends AsyncDisposable {
  readonly upstream: HttpUpstream;
  readonly gateway: TestGateway;
  /** How often the tool ran. */
  readonly runs: () => number;
  readonly change: (description: string) => Promise<void>;
  readonly clients: readonly RawClient[];
  readonly rest: (
    method: string,
    path: string,
    body?: object,
  ) => Promise<{ status: number; json: any }>;
}

/** @param entry of the server in the configuration */
async function open(entry: object): Promise<World> {
  const stack = new AsyncDisposableStack();
  let ran = 0;
  const tool = (description: string): RawTool => ({
    definition: JSON.stringify({ name: 'read', description, inputSchema: { type: 'object' } }),
    call: () => textResult(`ran ${++ran}`),
  });
  const upstream = stack.use(await startHttpUpstream({ tools: { read: tool(OLD) } }));
  const gateway = stack.use(
    await startGateway({
      servers: { files: { url: upstream.url, ...entry } },
      config: { approvals: { waitSeconds: 1 } },
    }),
  );
  const { headers, url } = gateway;
  const admin = await loadAdminKey(gateway.directory);
  const rest: World['rest'] = async (method, path, body) => {
    const response = await fetch(`${gateway.base}/v1/mcp/${path}`, {
      method,
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.status, json: await response.json() };
  };
  return {
    upstream,
    gateway,
    runs: () => ran,
    clients: [rawModern(url, { headers }), stack.use(await rawLegacy(url, { headers }))],
    rest,
    async change(description) {
      upstream.setTool('read', tool(description));
      const isSeen = async () => {
        const { json } = await rest('GET', 'pins');
        return json.pins.length > 0 === (description !== OLD);
      };
      await until(isSeen, 'the gateway sees the change');
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const call = async (client: RawClient) =>
  (await client.request('tools/call', '{"name":"files__read","arguments":{"path":"a"}}')).message;
const list = async (client: RawClient) => (await client.request('tools/list')).message;
const approvalIn = (text: string): string => /"id":"(ap_[\w-]+)"/.exec(text)?.[1] ?? '';

/** Accepts with the hash that is shown. */
async function accept({ rest }: World) {
  const { json } = await rest('GET', 'pins');
  const { server, tool, currentHash: hash } = json.pins[0];
  const answer = await rest('POST', 'pins/accept', { server, tool, hash });
  assert.equal(answer.status, 200, JSON.stringify(answer.json));
  assert.deepEqual((await rest('GET', 'pins')).json.pins, []);
}

describe('pinning', () => {
  it('ask: a changed tool shows and runs only after a yes, until it is accepted', async () => {
    await using world = await open({ autoExecute: ['*'] });
    const { clients, rest, runs } = world;
    for (const client of clients) assert.match(await call(client), /ran \d/);
    await world.change(NEW);
    const { json } = await rest('GET', 'pins');
    assert.equal(json.pins[0].state, 'changed');
    assert.match(json.pins[0].diff, /^-.*Reads a file\.[^]*^\+.*Reads a\\u/m);
    assert.equal(json.pins[0].oddCharacters[0].code, 'U+00A0');
    const before = runs();
    for (const client of clients) {
      assert.ok((await list(client)).includes(NEW), 'the change is passed on');
      const waiting = await call(client);
      const id = approvalIn(waiting);
      assert.match(waiting, /needs approval and has not run/);
      const shown = await rest('GET', `approvals/${id}`);
      assert.match(shown.json.approval.description, /has changed this tool[^]*- .*Reads a file/);
      assert.equal((await rest('POST', `approvals/${id}/approve`, {})).status, 200);
      const count = runs();
      assert.match(await call(client), /ran \d/);
      assert.equal(runs(), count + 1);
    }
    assert.equal(runs(), before + clients.length);
    await accept(world);
    for (const client of clients) assert.match(await call(client), /ran \d/);
  });

  it('ask: an approval and a grant of before do not count', async () => {
    await using world = await open({ autoExecute: [] });
    const { clients, rest, runs } = world;
    const id = approvalIn(await call(clients[0]!));
    assert.equal((await rest('POST', `approvals/${id}/approve`, { answer: 'always' })).status, 200);
    for (const client of clients) assert.match(await call(client), /ran \d/);
    assert.equal((await rest('GET', 'grants')).json.grants.length, 1);
    await world.change(NEW);
    const count = runs();
    const ids: string[] = [];
    for (const client of clients) {
      const waiting = await call(client);
      assert.match(waiting, /needs approval/);
      ids.push(approvalIn(waiting));
    }
    assert.equal(runs(), count);
    assert.deepEqual((await rest('GET', 'grants')).json.grants, []);
    // Approved now, and then it changes again.
    assert.equal((await rest('POST', `approvals/${ids[0]!}/approve`, {})).status, 200);
    world.upstream.setTool('read', {
      definition: '{"name":"read","description":"Sends a file.","inputSchema":{"type":"object"}}',
      call: () => textResult('sent'),
    });
    await until(async () => {
      const { json } = await rest('GET', `approvals/${ids[0]!}`);
      return json.approval.status === 'expired';
    }, 'the approval has ended');
    for (const client of clients) assert.match(await call(client), /needs approval/);
    assert.equal(runs(), count);
  });

  it('hold: clients keep the old text until it is accepted', async () => {
    await using world = await open({ autoExecute: ['*'], pinning: 'hold' });
    const { clients, rest } = world;
    await world.change(NEW);
    assert.equal((await rest('GET', 'pins')).json.pins[0].state, 'held');
    for (const client of clients) {
      const text = await list(client);
      assert.ok(text.includes(OLD) && !text.includes(NEW), text);
      assert.match(await call(client), /ran \d/);
    }
    await accept(world);
    for (const client of clients) assert.ok((await list(client)).includes(NEW));
  });

  it('hold: no question quotes the new text to its caller', async () => {
    await using world = await open({ autoExecute: [], pinning: 'hold' });
    const { clients, rest, gateway } = world;
    await world.change(NEW);
    const { headers, url } = gateway;
    const capabilities = '{"elicitation":{}}';
    const asked = rawModern(url, { headers, capabilities });
    const question = await call(asked);
    assert.match(question, /input_required[^]*now defines this tool otherwise/);
    assert.doesNotMatch(question, /Reads a(?:\u00a0|\\\\u)/);
    const id = approvalIn(await call(clients[0]!));
    const own = await fetch(`${gateway.base}/v1/mcp/approvals/${id}`, { headers });
    assert.doesNotMatch(await own.text(), /Reads a(?:\u00a0|\\\\u)/);
    const whole = (await rest('GET', `approvals/${id}`)).json.approval.description;
    assert.match(whole, /\+ .*Reads a\\u/);
  });

  it('quarantine: neither listed nor callable until it is accepted', async () => {
    await using world = await open({ autoExecute: ['*'], pinning: 'quarantine' });
    const { clients, rest, runs } = world;
    for (const client of clients) assert.match(await call(client), /ran \d/);
    await world.change(NEW);
    assert.equal((await rest('GET', 'pins')).json.pins[0].state, 'quarantined');
    const count = runs();
    for (const client of clients) {
      assert.ok(!(await list(client)).includes('files__read'));
      assert.match(await call(client), /Unknown tool/);
    }
    assert.equal(runs(), count);
    await accept(world);
    for (const client of clients) {
      assert.ok((await list(client)).includes(NEW));
      assert.match(await call(client), /ran \d/);
    }
  });

  it('accepts only what was shown', async () => {
    await using world = await open({ autoExecute: ['*'] });
    const { rest } = world;
    await world.change(NEW);
    const { server, tool, acceptedHash: hash } = (await rest('GET', 'pins')).json.pins[0];
    const refused = await rest('POST', 'pins/accept', { server, tool, hash });
    assert.equal(refused.json.code, 'DEFINITION_CHANGED');
    assert.equal((await rest('GET', 'pins')).json.pins.length, 1);
  });
});
