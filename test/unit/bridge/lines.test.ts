import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createLineWriter } from '../../../src/bridge/lines.ts';

test('lines are whole, in order, and no faster than the reader', async () => {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  const output = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk.toString());
      waiting.push(done);
    },
  });
  const lines = createLineWriter(output, new AbortController().signal);
  const first = lines.write(Buffer.from('{"a":\n1}'));
  let isSecondTaken = false;
  const second = lines.write(Buffer.from('{"b":2}')).then(() => {
    isSecondTaken = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    taken.map((line) => line.trim()),
    ['{"a": 1}'],
  );
  waiting.shift()!();
  await first;
  assert.equal(isSecondTaken, false);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    taken.map((line) => line.trim()),
    ['{"a": 1}', '{"b":2}'],
  );
  assert.ok(taken.every((line) => line.indexOf('\n') === line.length - 1));
  waiting.shift()!();
  await second;
  await lines.flush();
});

test('nobody waits for a host that has gone', async () => {
  const controller = new AbortController();
  const output = new Writable({ highWaterMark: 1, write() {} });
  const lines = createLineWriter(output, controller.signal);
  const stuck = assert.rejects(lines.write(Buffer.from('{}')));
  const behind = assert.rejects(lines.write(Buffer.from('{}')));
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await Promise.all([stuck, behind]);
});
