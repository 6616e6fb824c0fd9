// SECURITY R06: whatever a client sends, each message that can have an answer gets one, and the doors live.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '../../src/core/errors.ts';
import { type TestGateway, count, startGateway, startGatewayProcess } from '../support/gateway.ts';
import { malformedMessages } from '../support/malformed.ts';
import { rawStdio, requestText, withEnvelope } from '../support/raw-client.ts';
import { type RawAnswer, openStream, rawPost } from '../support/raw-http.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import {
  headersOf,
  legacyClient,
  modernClient,
  mustCall,
  until,
  within,
  workers,
} from './support.ts';

const SEED = 815;
/** For each of the four doors. */
const EACH = count(2_500, 150);
const AT_ONCE = 16;
/** An answer takes no longer. */
const ANSWER_MS = 5_000;
const FIRST_ID = 1_000_000;

const call = (id: number): string =>
  requestText(String(id), 'tools/call', `{"name":"target__echo","arguments":{"n":${id}}}`);

/** What there is to change, in turn. */
function wellFormed(n: number): string {
  const id = FIRST_ID + n;
  switch (n % 6) {
    case 0:
      return requestText(String(id), 'tools/list', '{}');
    case 1:
      return requestText(`"${id}"`, 'resources/read', '{"uri":"fixture://static"}');
    case 2:
      return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`;
    case 3:
      return `[${call(id)}]`;
    default:
      return call(id);
  }
}

function modernForm(n: number): string {
  const id = FIRST_ID + n;
  const params = withEnvelope(`{"name":"target__echo","arguments":{"n":${id}}}`);
  return requestText(String(id), 'tools/call', params);
}

/** The id of a request that any JSON parser would take for one; undefined where no answer is due to an id. */
function dueId(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const { jsonrpc, id, method } = JSON.parse(text) as Record<string, unknown>;
    const isId = typeof id === 'string' || Number.isSafeInteger(id);
    return jsonrpc === '2.0' && typeof method === 'string' && isId ? JSON.stringify(id) : undefined;
  } catch {
    return undefined;
  }
}

const idIn = (message: string): string | undefined => {
  const { id } = JSON.parse(message) as { id?: unknown };
  return id === undefined ? undefined : JSON.stringify(id);
};

const RPC_CODES = new Set<number>(Object.values(ERRORS).map(({ rpc }) => rpc));

/** An HTTP answer that a client can act on. */
function assertAnswer({ status, messages }: RawAnswer, sent: Buffer, where: string): void {
  assert.ok([200, 202, 400, 404, 406, 413].includes(status), `${where}: status ${status}`);
  const due = dueId(sent);
  if (status === 202) return assert.equal(due, undefined, `${where}: a request was not answered`);
  assert.ok(messages.length > 0, `${where}: status ${status} and nothing in it`);
  const last = messages.at(-1)!;
  const { error } = JSON.parse(last) as { error?: { code: number; message: string } };
  if (error) assert.ok(RPC_CODES.has(error.code) && error.message !== '', `${where}: ${last}`);
  if (due !== undefined) assert.equal(idIn(last), due, `${where}: ${last}`);
}

async function echoing(): Promise<AsyncDisposable & { readonly gateway: TestGateway }> {
  const upstream = await startHttpUpstream({ ...echoOptions(), record: false });
  const gateway = await startGateway({ servers: { target: { url: upstream.url } } });
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

type Headers = Readonly<Record<string, string>>;

/** Posts malformed messages, and looks at each answer. */
async function postAll(
  url: string,
  headers: Headers,
  seed: number,
  message: (n: number) => string,
  check: (answer: RawAnswer, sent: Buffer, where: string) => void,
): Promise<void> {
  const all = [...malformedMessages(seed, EACH, message)].entries();
  await workers(AT_ONCE, async () => {
    for (const [n, bytes] of all) {
      const where = `seed ${seed}, message ${n} (${bytes.toString('latin1', 0, 200)})`;
      check(await within(ANSWER_MS, where, rawPost(url, bytes, headers)), bytes, where);
    }
  });
}

it(`${EACH} malformed messages to the modern endpoint, seed ${SEED}`, async () => {
  await using door = await echoing();
  const { gateway } = door;
  const headers = {
    ...headersOf(gateway),
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'target__echo',
  };
  await postAll(gateway.url, headers, SEED, modernForm, assertAnswer);
  await mustCall(modernClient(gateway), 'target__echo');
});

it(`${EACH} malformed messages in a legacy session, seed ${SEED + 1}`, async () => {
  await using door = await echoing();
  await using client = await legacyClient(door.gateway);
  await postAll(door.gateway.url, client.headers, SEED + 1, wellFormed, assertAnswer);
  await mustCall(client, 'target__echo');
});

it(`${EACH} malformed messages over HTTP+SSE, seed ${SEED + 2}`, async () => {
  await using door = await echoing();
  const { gateway } = door;
  const headers = headersOf(gateway);
  await using stream = await openStream(new URL('/sse', gateway.url).href, { headers });
  const { data } = await stream.until(({ event }) => event === 'endpoint');
  const url = new URL(data, gateway.url).href;
  const ids: string[] = [];
  const answered = (): Set<string | undefined> =>
    new Set(stream.events.filter(({ event }) => event === 'message').map((one) => idIn(one.data)));
  const initialize = `{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"a","version":"1"}}`;
  await rawPost(url, requestText('0', 'initialize', initialize), headers);
  await postAll(url, headers, SEED + 2, wellFormed, (answer, sent, where) => {
    const due = dueId(sent);
    if (answer.status === 202 && due !== undefined) ids.push(due);
    else if (answer.status !== 202) assertAnswer(answer, sent, where);
  });
  await until('an answer on the stream to each request taken', () => {
    const seen = answered();
    return ids.every((id) => seen.has(id));
  });
  await rawPost(url, requestText('"last"', 'ping', '{}'), headers);
  await stream.until((event) => event.event === 'message' && idIn(event.data) === '"last"');
});

it(`${EACH} malformed lines to the stdio bridge, seed ${SEED + 3}`, async () => {
  await using upstream = await startHttpUpstream({ ...echoOptions(), record: false });
  await using gateway = await startGatewayProcess({ servers: { target: { url: upstream.url } } });
  const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src/main.ts');
  await using bridge = await rawStdio({
    command: process.execPath,
    args: [main, 'stdio', '--url', gateway.url, '--key', gateway.key],
    era: 'legacy',
  });
  const lines = [...malformedMessages(SEED + 3, EACH, wellFormed)];
  for (const line of lines) bridge.write(Buffer.concat([line, Buffer.from('\n')]));
  const due = lines.map(dueId).filter((id) => id !== undefined);
  const seen = (): Set<string | undefined> => new Set(bridge.seen.map(idIn));
  await until(
    'an answer to each request',
    () => {
      const ids = seen();
      return due.every((id) => ids.has(id));
    },
    30_000,
  );
  for (const message of bridge.seen) JSON.parse(message);
  await mustCall(bridge, 'target__echo');
});

it('a body that is no text at all, or empty, is refused at every door', async () => {
  await using door = await echoing();
  const { gateway } = door;
  for (const path of ['/mcp', '/mcp/target', '/messages?sessionId=x']) {
    for (const body of ['', '\0', Buffer.from([0xff, 0xfe]), ' ', '\n']) {
      const answer = await rawPost(new URL(path, gateway.url).href, body, headersOf(gateway));
      assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`);
      const { error } = JSON.parse(answer.body.toString()) as { error?: { code: number } };
      assert.ok(error && RPC_CODES.has(error.code), `${path}: ${answer.body.toString()}`);
    }
  }
});
