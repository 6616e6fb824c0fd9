// A client that stops reading: what it costs, and how it ends.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { MODERN_VERSION } from '../../../src/wire/era.ts';
import { MAX_BACKLOG_BYTES, Outlet } from '../../../src/mcp/stream.ts';
import { createTestLog } from './log.ts';
import { startDoor } from './support.ts';
import type { TestDoor } from './support.ts';
import { allEventsOf, envelope, sendModern } from './requests.ts';

/** Sends a modern call by hand and reads nothing. */
async function callWithoutReading(door: TestDoor, name: string, args: object) {
  const params = { name, arguments: args, _meta: envelope({ progressToken: 1 }) };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const head = [
    'POST /mcp HTTP/1.1',
    'host: 127.0.0.1',
    'authorization: Bearer alice',
    'content-type: application/json',
    `mcp-protocol-version: ${MODERN_VERSION}`,
    'mcp-method: tools/call',
    `mcp-name: ${name}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  const socket = connect({ port: door.port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.pause();
  const closed = new Promise<void>((resolve) =>
    door.server.once('connection', (peer) => peer.once('close', resolve)),
  );
  const peer = new Promise<number>((resolve) =>
    door.server.once('connection', (own) => {
      // What waits in this process for the client, the kernel's buffers aside.
      door.gateway.called(1).then(
        () => setImmediate(() => resolve(own.writableLength)),
        () => undefined,
      );
    }),
  );
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  await door.gateway.called(1);
  return { socket, closed, waiting: await peer };
}

test('progress beyond 1 MiB is dropped, told once in the log, and the reader closed in the end', async () => {
  await using door = await startDoor({ timing: { stallMs: 300 } });
  // 64 MB of progress.
  const { closed, waiting } = await callWithoutReading(door, 'flood', { times: 64_000 });
  assert.ok(waiting < MAX_BACKLOG_BYTES, `${waiting} bytes wait in the socket`);
  await closed;
  await door.gateway.cancelled(1);
  const told = door.log.lines.filter(({ message }) => message.includes('slow reader'));
  assert.equal(told.length, 1);
  const { dropped } = told[0]!.facts as { dropped: number };
  assert.ok(dropped > 1000, `${dropped} were dropped`);
});

test('what may not be dropped waits, once for each key; the message being written is not counted', async () => {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((_req, res) => resolve(res));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const res = await promise;
  const outlet = new Outlet(res, 60_000, createTestLog());
  const large = Buffer.alloc(64 * 1024 * 1024);
  outlet.write(large);
  assert.equal(outlet.backlogBytes, 0);
  assert.ok(res.socket!.writableLength <= MAX_BACKLOG_BYTES);
  for (let i = 0; i < 10_000; i++) outlet.write(Buffer.alloc(1000), { droppable: true });
  const full = outlet.backlogBytes;
  assert.ok(full <= MAX_BACKLOG_BYTES && full > MAX_BACKLOG_BYTES - 1000);
  for (let i = 0; i < 1000; i++) outlet.write(Buffer.alloc(100), { key: `k${i % 2}` });
  assert.equal(outlet.backlogBytes, full + 200);
  const closed = new Promise((resolveClosed) => res.once('close', resolveClosed));
  socket.destroy();
  await closed;
  assert.equal(outlet.backlogBytes, 0);
  await new Promise((resolveClosed) => server.close(resolveClosed));
});

test('a result that nobody reads is let go after a while', async () => {
  await using door = await startDoor({ timing: { stallMs: 50 } });
  const { closed } = await callWithoutReading(door, 'big', { bytes: 64 * 1024 * 1024 });
  await closed;
  assert.ok(door.log.lines.some(({ message }) => message.includes('took nothing for too long')));
});

test('a reader that keeps up misses nothing, however much comes at once', async () => {
  await using door = await startDoor();
  const response = await sendModern(door.url, 'tools/call', {
    params: { name: 'flood', arguments: { times: 700 } },
    meta: { progressToken: 1 },
  });
  door.gateway.release();
  const events = await allEventsOf(response);
  assert.equal(events.length, 701);
});
