// Mutated bodies: each gets an answer, and the door lives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../support/gateway.ts';
import { startDoor } from './support.ts';
import {
  envelope,
  initializeBody,
  modernHeaders,
  openSession,
  send,
  sendModern,
} from './requests.ts';

const COUNT = count(10_000, 1000);

/** A small generator of numbers (mulberry32), so that a failure can be repeated. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  'null',
  '\\u0000',
  '1e400',
  '"id":1,',
  '"jsonrpc":"2.0",',
];

function mutate(text: string, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(text);
  for (let i = 0; i <= random(4); i++) {
    const at = random(bytes.length + 1);
    const rest = bytes.subarray(at);
    switch (random(5)) {
      case 0:
        bytes = Buffer.concat([bytes.subarray(0, at), rest.subarray(1 + random(8))]);
        break;
      case 1:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([random(256)]),
          rest.subarray(1),
        ]);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1), at), rest]);
        break;
      default:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(PIECES[random(PIECES.length)]!),
          rest,
        ]);
    }
  }
  return bytes;
}

test(`${COUNT} mutated messages are each answered`, { timeout: 120_000 }, async () => {
  await using door = await startDoor();
  const session = await openSession(door.url, '2025-03-26');
  const call = {
    jsonrpc: '2.0',
    id: 42,
    method: 'tools/call',
    params: { name: 'echo', arguments: { a: [1] } },
  };
  const modern = { ...call, params: { ...call.params, _meta: envelope() } };
  const seeds = [
    [modern, modernHeaders('tools/call', { name: 'echo' })],
    [{ ...call }, session.headers],
    [
      [call, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 42 } }],
      session.headers,
    ],
    [initializeBody('2025-06-18'), {}],
  ] as const;
  const random = createRandom(20_260_728);
  const statuses = new Map<number, number>();
  for (let i = 0; i < COUNT; i++) {
    const [body, headers] = seeds[random(seeds.length)]!;
    const bytes = mutate(JSON.stringify(body), random);
    const response = await send(`${door.url}/mcp`, bytes, headers);
    const text = await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    assert.notEqual(response.status, 500, `${i}: ${bytes.toString('latin1')} → ${text}`);
    if (response.headers.get('content-type') === 'application/json') JSON.parse(text);
    else assert.ok(response.status === 202 || response.status === 200);
  }
  assert.ok((statuses.get(400) ?? 0) > COUNT / 2);
  assert.equal((await sendModern(door.url, 'tools/list')).status, 200);
  assert.equal(door.log.lines.filter(({ level }) => level === 'error').length, 0);
});

test('a broken message is answered under its id, where that can be read', async () => {
  await using door = await startDoor();
  const cases: [string, unknown][] = [
    ['{"jsonrpc":"2.0","id":7,"method":"ping"', 7],
    ['{"jsonrpc":"2.0","id":"x","method":3}', 'x'],
    ['{"id":1,"method":"ping"}', 1],
    ['{"jsonrpc":"2.0","id":1,"id":1,"method":"ping"}', 1],
    ['', undefined],
    ['nonsense', undefined],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', undefined],
  ];
  for (const [text, id] of cases) {
    const response = await send(`${door.url}/mcp`, text);
    assert.equal(response.status, 400, text);
    const body = (await response.json()) as { id?: unknown; error: { code: number } };
    assert.equal(body.id, id, text);
    assert.ok([-32700, -32600].includes(body.error.code));
  }
});

test('a body that breaks off leaves nothing behind', async () => {
  await using door = await startDoor();
  const stop = new AbortController();
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"jsonrpc"'));
      setImmediate(() => stop.abort());
    },
  });
  const init = { body, duplex: 'half', signal: stop.signal } as RequestInit;
  await assert.rejects(send(`${door.url}/mcp`, '', {}, init));
  assert.equal((await sendModern(door.url, 'tools/list')).status, 200);
  assert.equal(door.log.lines.filter(({ level }) => level === 'error').length, 0);
});
