import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createByteList, createFrameReader, frame } from '../../../src/wire/frames.ts';
import type { Oversize } from '../../../src/wire/frames.ts';

/** Park and Miller: numbers from 0 up to, not including, 1, the same ones for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Cuts bytes into chunks of up to `maxBytes`, some of them empty. */
function cut(bytes: Buffer, random: () => number, maxBytes: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + Math.floor(random() * (maxBytes + 1));
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

interface Heard {
  readonly frames: string[];
  readonly oversize: Oversize[];
}

function read(chunks: readonly (Buffer | string)[], maxBytes = 1_000_000): Heard {
  const heard: Heard = { frames: [], oversize: [] };
  const reader = createFrameReader({
    maxBytes,
    onFrame: (bytes) => heard.frames.push(bytes.toString('latin1')),
    onOversize: (info) => heard.oversize.push(info),
  });
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  reader.end();
  return heard;
}

test('splits lines, tolerates CRLF and skips empty lines', () => {
  assert.deepEqual(read(['{"a":1}\n\n\r\n{"b":', '2}\r', '\n{"c":3}']).frames, [
    '{"a":1}',
    '{"b":2}',
    '{"c":3}',
  ]);
});

test('the end is a line end only when something is left', () => {
  assert.deepEqual(read(['a\n']).frames, ['a']);
  assert.deepEqual(read(['a\nb\r']).frames, ['a', 'b']);
  assert.deepEqual(read([]).frames, []);
});

test('a frame in one chunk is a part of that chunk', () => {
  const chunk = Buffer.from('{"a":1}\n{"b":2}\n');
  const frames: Buffer[] = [];
  const reader = createFrameReader({
    maxBytes: 100,
    onFrame: (bytes) => frames.push(bytes),
    onOversize: () => assert.fail(),
  });
  reader.push(chunk);
  assert.equal(frames.length, 2);
  for (const bytes of frames) assert.equal(bytes.buffer, chunk.buffer);
  assert.equal(frames[1]!.byteOffset, chunk.byteOffset + 8);
});

test('the cap counts neither LF nor CRLF', () => {
  for (const line of ['12345\n', '12345\r\n']) {
    assert.deepEqual(read([line], 5).frames, ['12345']);
    assert.deepEqual(read(line.split(''), 5).frames, ['12345']);
    assert.equal(read([line], 4).oversize[0]?.bytes, 5);
    assert.equal(read(line.split(''), 4).oversize[0]?.bytes, 5);
  }
});

test('an oversized line is told once, at its end, and the next one is read', () => {
  const line = `{"id":7,${'x'.repeat(20_000)},"end":8}`;
  for (const size of [1, 7, 1000, 100_000]) {
    const chunks = cut(Buffer.from(`{"a":1}\n${line}\r\n{"b":2}\n`), () => 0.999, size);
    const { frames, oversize } = read(chunks, 9000);
    assert.deepEqual(frames, ['{"a":1}', '{"b":2}']);
    assert.equal(oversize.length, 1);
    assert.equal(oversize[0]!.bytes, line.length);
    assert.equal(oversize[0]!.head.toString(), line.slice(0, 4096));
    assert.equal(oversize[0]!.tail.toString(), line.slice(-256));
  }
});

test('an oversized line is not held', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const oversize: Oversize[] = [];
  const reader = createFrameReader({
    maxBytes: 200_000,
    onFrame: () => assert.fail(),
    onOversize: (info) => oversize.push(info),
  });
  const chunks: WeakRef<ArrayBufferLike>[] = [];
  for (let i = 0; i < 100; i++) {
    const chunk = Buffer.alloc(65_536, 0x78);
    chunks.push(new WeakRef(chunk.buffer));
    reader.push(chunk);
  }
  // What a weak reference was made for is kept until the turn is over.
  await nextTurn();
  gc();
  const held = chunks.filter((chunk) => chunk.deref() !== undefined);
  reader.end();
  assert.equal(oversize[0]?.bytes, 100 * 65_536);
  assert.ok(held.length <= 1, `${held.length} chunks are held`);
});

test('reads the same frames however the stream is cut', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const maxBytes = 1 + Math.floor(random() * 6000);
    const lines = Array.from({ length: 12 }, () =>
      String.fromCharCode(97 + Math.floor(random() * 26)).repeat(Math.floor(random() * 9000)),
    );
    const text = lines.map((line) => line + (random() < 0.5 ? '\n' : '\r\n')).join('');
    const stream = random() < 0.5 ? text : text.trimEnd();
    const { frames, oversize } = read(cut(Buffer.from(stream), random, 1 + seed * 31), maxBytes);
    const full = lines.filter((line) => line !== '');
    assert.deepEqual(
      frames,
      full.filter((line) => line.length <= maxBytes),
      `seed ${seed}`,
    );
    assert.deepEqual(
      oversize.map(({ head, tail, bytes }) => [head.toString(), tail.toString(), bytes]),
      full
        .filter((line) => line.length > maxBytes)
        .map((line) => [line.slice(0, 4096), line.slice(-256), line.length]),
      `seed ${seed}`,
    );
  }
});

test('a long line in small chunks is joined once', () => {
  const bytes = 50 * 1024 * 1024;
  for (const size of [65_536, 100]) {
    const chunk = Buffer.alloc(size, 0x61);
    let total = 0;
    const reader = createFrameReader({
      maxBytes: bytes,
      onFrame: (line) => (total = line.length),
      onOversize: () => assert.fail(),
    });
    for (let sent = 0; sent < bytes; sent += size) {
      reader.push(sent + size > bytes ? chunk.subarray(0, bytes - sent) : chunk);
    }
    reader.push(Buffer.from('\n'));
    assert.equal(total, bytes);
  }
});

test('a byte list keeps order across small and large pieces', () => {
  const random = createRandom(5);
  const whole = Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(random() * 256)));
  const list = createByteList();
  for (const piece of cut(whole, random, 9000)) list.add(piece);
  assert.equal(list.length, whole.length);
  assert.ok(list.take().equals(whole));
  assert.equal(list.length, 0);
  for (const piece of cut(whole, random, 50)) list.add(piece);
  const pieces: Buffer[] = [];
  list.drain((piece) => pieces.push(piece));
  assert.ok(Buffer.concat(pieces).equals(whole));
  assert.equal(list.take().length, 0);
});

test('frame makes one line and leaves its argument alone', () => {
  const text = Buffer.from('{\r\n  "a": "x\\n",\n\r"b": 2\n}');
  const before = text.toString();
  const line = frame(text);
  assert.equal(line.toString(), '{    "a": "x\\n",  "b": 2 }\n');
  assert.deepEqual(JSON.parse(line.toString()), JSON.parse(before));
  assert.equal(text.toString(), before);
  assert.equal(frame(Buffer.from('{}')).toString(), '{}\n');
  assert.equal(frame(Buffer.from('{}\n\n')).toString(), '{}  \n');
});

test('frame does not copy what is a line already', () => {
  const line = Buffer.from('{"a":1}\n');
  assert.equal(frame(line), line);
});
