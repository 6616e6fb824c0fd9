import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import type { Oversize } from '../../../src/wire/frames.ts';
import { createEventReader, formatEvent, KEEP_ALIVE } from '../../../src/wire/sse.ts';
import type { ServerEvent } from '../../../src/wire/sse.ts';

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

interface Told {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
  readonly retry: number | undefined;
}

function read(chunks: readonly (Buffer | string)[], maxBytes = 1_000_000) {
  const events: Told[] = [];
  const oversize: Oversize[] = [];
  const reader = createEventReader({
    maxBytes,
    onEvent: (event) => events.push({ ...event, data: event.data.toString() }),
    onOversize: (info) => oversize.push(info),
  });
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  const { lastEventId, retryMs } = reader;
  reader.end();
  return { events, oversize, lastEventId, retryMs };
}

const told = (data: string, more: Partial<Told> = {}): Told => ({
  event: 'message',
  data,
  id: undefined,
  retry: undefined,
  ...more,
});

/** The specification's steps as they stand there, over a whole text. */
function reference(text: string): Told[] {
  const events: Told[] = [];
  let now: { event?: string; data?: string; id?: string; retry?: number } = {};
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      const { event, data, id, retry } = now;
      if (data !== undefined) events.push(told(data, { event: event || 'message', id, retry }));
      now = {};
      continue;
    }
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (name === 'event') now.event = value;
    else if (name === 'data') now.data = now.data === undefined ? value : `${now.data}\n${value}`;
    else if (name === 'id' && !value.includes('\0')) now.id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) now.retry = Number(value);
  }
  return events;
}

test('the examples of the specification', () => {
  assert.deepEqual(read(['data: YHOO\ndata: +2\ndata: 10\n\n']).events, [told('YHOO\n+2\n10')]);
  const stream =
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n';
  assert.deepEqual(read([stream, '\n']).events, [
    told('first event', { id: '1' }),
    told('second event', { id: '' }),
    told(' third event'),
  ]);
  assert.deepEqual(read(['data\n\ndata\ndata\n\ndata:']).events, [told(''), told('\n')]);
  assert.deepEqual(read(['data:test\n\ndata: test\n\n']).events, [told('test'), told('test')]);
});

test('event, id, retry and unknown fields', () => {
  const { events } = read([
    'event: endpoint\nid: a b\nretry: 250\nEvent: no\neventual: no\ndata: /x\n\n',
    'id: x\0y\nretry: 1s\nretry:\nevent:\ndata: 2\n\n',
  ]);
  assert.deepEqual(events, [told('/x', { event: 'endpoint', id: 'a b', retry: 250 }), told('2')]);
});

test('an event without data is none, but its id and retry count', () => {
  const { events, lastEventId, retryMs } = read([
    'id: 5\nretry: 70\nevent: x\n\nid: 6\ndata: lost\n',
  ]);
  assert.deepEqual(events, []);
  assert.equal(lastEventId, '5');
  assert.equal(retryMs, 70);
});

test('a byte order mark is dropped once, even when it is cut', () => {
  const mark = Buffer.from('\ufeffdata: a\n\n');
  for (const size of [1, 2, 3, 100]) {
    assert.deepEqual(read(cut(mark, () => 0.999, size)).events, [told('a')]);
  }
  assert.deepEqual(read([Buffer.from([0xef, 0xbb]), 'x\ndata: a\n\n']).events, [told('a')]);
  assert.deepEqual(read(['data: a\n\n', '\ufeffdata: b\n\ndata: c\n\n']).events, [
    told('a'),
    told('c'),
  ]);
});

test('CR, LF and CRLF, cut anywhere', () => {
  for (const eol of ['\r', '\n', '\r\n']) {
    const stream = Buffer.from(['id: 1', 'data: a', 'data: b', '', 'data: c', '', ''].join(eol));
    for (const size of [1, 2, 3, 5, 100]) {
      assert.deepEqual(
        read(cut(stream, () => 0.999, size)).events,
        [told('a\nb', { id: '1' }), told('c')],
        `${JSON.stringify(eol)} in chunks of ${size}`,
      );
    }
  }
});

test('an event is told at its CR, without waiting for an LF', () => {
  assert.deepEqual(read(['data: a\r\r']).events, [told('a')]);
  assert.deepEqual(read(['data: a\r', '', '\n\r', '\ndata: b\n\n']).events, [told('a'), told('b')]);
});

test('data of one line in one chunk is a part of that chunk', () => {
  const chunk = Buffer.from('id: 1\ndata: {"a":1}\n\n');
  let event: ServerEvent | undefined;
  const reader = createEventReader({
    maxBytes: 100,
    onEvent: (heard) => (event = heard),
    onOversize: () => assert.fail(),
  });
  reader.push(chunk);
  assert.equal(event?.data.buffer, chunk.buffer);
  assert.equal(event.data.byteOffset, chunk.byteOffset + 12);
});

test('an oversized event is told once, at its end, and the next one is read', () => {
  const data = `{"id":7,${'x'.repeat(20_000)},"end":8}`;
  const streams = {
    'one line': `data: ${data}\n\n`,
    'two lines': `data: ${data.slice(0, 8000)}\ndata: ${data.slice(8001)}\n\n`,
    'with an id': `data:${data}\nid: 3\n\n`,
  };
  for (const [name, stream] of Object.entries(streams)) {
    for (const size of [1, 7, 1000, 100_000]) {
      const whole = Buffer.from(`data: a\n\n${stream}data: b\n\n`);
      const { events, oversize } = read(
        cut(whole, () => 0.999, size),
        9000,
      );
      assert.deepEqual(events, [told('a'), told('b')], name);
      assert.equal(oversize.length, 1, name);
      assert.equal(oversize[0]!.bytes, data.length, name);
      assert.equal(oversize[0]!.head.toString(), data.slice(0, 4096), name);
      assert.equal(oversize[0]!.tail.toString(), data.slice(-256), name);
    }
  }
});

test('the cap counts the data alone', () => {
  assert.deepEqual(read(['id: 123456\ndata: 12345\n\n'], 5).events, [
    told('12345', { id: '123456' }),
  ]);
  assert.deepEqual(read(['data: 12\ndata: 45\n\n'], 5).events, [told('12\n45')]);
  assert.equal(read(['data: 12\ndata: 456\n\n'], 5).oversize[0]?.bytes, 6);
  assert.deepEqual(read([`: ${'x'.repeat(50_000)}\ndata: 1\n\n`], 5).events, [told('1')]);
});

test('reads the same events however the stream is cut', () => {
  const words = [
    'data',
    'data: ',
    'data:',
    'id: 7',
    'event: e',
    'retry: 5',
    'id: \0',
    ': c',
    'x: y',
    '',
    '',
  ];
  const ends = ['\n', '\r', '\r\n'];
  for (let seed = 1; seed <= 500; seed++) {
    const random = createRandom(seed);
    const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!;
    let text = random() < 0.2 ? '\ufeff' : '';
    for (let i = 0; i < 60; i++) {
      const word = pick(words);
      text += word;
      if (word.startsWith('data:')) text += 'é'.repeat(Math.floor(random() * seed));
      text += pick(ends);
    }
    // Two separately drawn ends may read as one CRLF; the reference sees the same text.
    const chunks = cut(Buffer.from(text), random, 1 + Math.floor(random() * 300));
    assert.deepEqual(read(chunks).events, reference(text), `seed ${seed}`);
  }
});

test('a long data line in small chunks is joined once', () => {
  const bytes = 50 * 1024 * 1024;
  for (const size of [65_536, 100]) {
    const chunk = Buffer.alloc(size, 0x61);
    let total = 0;
    const reader = createEventReader({
      maxBytes: bytes + size,
      onEvent: ({ data }) => (total = data.length),
      onOversize: () => assert.fail(),
    });
    reader.push(Buffer.from('data: '));
    let sent = 0;
    for (; sent < bytes; sent += size) reader.push(chunk);
    reader.push(Buffer.from('\r\n\r\n'));
    assert.equal(total, sent);
  }
});

test('formatEvent writes what the reader reads', () => {
  assert.equal(formatEvent(Buffer.from('{}')).toString(), 'data: {}\n\n');
  assert.equal(
    formatEvent(Buffer.from('a\r\nb\rc\nd'), { event: 'endpoint', id: '9' }).toString(),
    'event: endpoint\nid: 9\ndata: a\ndata: b\ndata: c\ndata: d\n\n',
  );
  assert.equal(formatEvent(Buffer.alloc(0), { id: '' }).toString(), 'id: \ndata: \n\n');
  const text = formatEvent(Buffer.from(' a\n\n'), { event: 'x', id: '1' });
  assert.deepEqual(read([KEEP_ALIVE, text, KEEP_ALIVE]).events, [
    told(' a\n\n', { event: 'x', id: '1' }),
  ]);
});

test('formatEvent refuses fields that would start another line', () => {
  for (const options of [{ event: 'a\nb' }, { id: 'a\rb' }, { id: 'a\0' }]) {
    assert.throws(
      () => formatEvent(Buffer.from('1'), options),
      (error: unknown) => isGatewayError(error) && error.code === 'INTERNAL',
    );
  }
});
