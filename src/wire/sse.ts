// Server-sent events, read and written as bytes.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
import { GatewayError } from '../core/errors.ts';
import { createByteList, createEnds, HEAD_BYTES } from './frames.ts';
import type { Ends, Oversize } from './frames.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const NEWLINE = Buffer.from('\n');
const DATA = Buffer.from('data: ');

/** No field that matters has a longer name than `event` and `retry`. */
const MAX_NAME_BYTES = 5;

/** A comment, which keeps proxies and clients from taking a quiet stream for a dead one. */
export const KEEP_ALIVE: Buffer = Buffer.from(': keep-alive\n\n');

export interface ServerEvent {
  /** `message` when the server names no other. */
  readonly event: string;
  /** The data lines, joined by LF. Empty when there was an empty `data` line only. */
  readonly data: Buffer;
  /** The id that this event carries itself. */
  readonly id: string | undefined;
  /** Milliseconds to wait before the next connection, when this event says so. */
  readonly retry: number | undefined;
}

export interface EventReaderOptions {
  /** Largest data of one event, in bytes. */
  readonly maxBytes: number;
  /**
   * Hears every event that has data. Data of one line in one chunk is a part of that chunk, so
   * chunks must not be written to after `push`. Must not throw.
   */
  readonly onEvent: (event: ServerEvent) => void;
  /** Hears of an event that was skipped for its size, once, at its end. Must not throw. */
  readonly onOversize: (info: Oversize) => void;
}

/** Takes the bytes of one stream, in order, however they are cut. */
export interface EventReader {
  readonly push: (chunk: Buffer) => void;
  /** The stream is over: an event without its empty line is dropped, as the specification asks. */
  readonly end: () => void;
  /** The id to resume from: the last one said, by an event with data or without. */
  readonly lastEventId: string | undefined;
  /** Milliseconds: the last `retry` said, by an event with data or without. */
  readonly retryMs: number | undefined;
}

interface Line {
  /** The line, or its beginning when it was cut. */
  readonly bytes: Buffer;
  /** The size of the whole line. */
  readonly size: number;
  /** The end of a line that was cut. */
  readonly tail: Buffer | undefined;
}

/** Puts the lines of events together. */
class EventBuilder {
  readonly #options: EventReaderOptions;
  readonly #data = createByteList();
  #ends: Ends | undefined;
  #dataLines = 0;
  #dataBytes = 0;
  #event = '';
  #id: string | undefined;
  #retry: number | undefined;
  lastEventId: string | undefined;
  retryMs: number | undefined;

  constructor(options: EventReaderOptions) {
    this.#options = options;
  }

  /** So much of a line is worth holding, given the data before it. */
  get maxLineBytes(): number {
    return DATA.length + Math.max(this.#options.maxBytes - this.#dataBytes, HEAD_BYTES);
  }

  addLine({ bytes, size, tail }: Line): void {
    if (size === 0) return this.#dispatch();
    const colon = bytes.subarray(0, MAX_NAME_BYTES + 1).indexOf(COLON);
    if (colon === 0 || (colon < 0 && size > MAX_NAME_BYTES)) return;
    const name = bytes.toString('latin1', 0, colon < 0 ? bytes.length : colon);
    const nameEnd = colon < 0 ? bytes.length : colon + 1;
    const start = bytes[nameEnd] === SPACE ? nameEnd + 1 : nameEnd;
    if (name === 'data') this.#addData(bytes.subarray(start), size - start, tail);
    // A name or an id so long that it was cut would be a wrong one.
    else if (size === bytes.length) this.#setField(name, bytes.toString('utf8', start));
  }

  reset(): void {
    this.#data.take();
    this.#dataLines = this.#dataBytes = 0;
    this.#event = '';
    this.#ends = undefined;
    this.#id = undefined;
    this.#retry = undefined;
  }

  #addData(value: Buffer, size: number, tail: Buffer | undefined): void {
    this.#dataBytes += this.#dataLines === 0 ? size : size + 1;
    this.#dataLines++;
    if (this.#dataBytes > this.#options.maxBytes) {
      this.#ends ??= createEnds();
      this.#data.drain(this.#ends.add);
    }
    const to = this.#ends ?? this.#data;
    if (this.#dataLines > 1) to.add(NEWLINE);
    to.add(value);
    if (tail) to.add(tail);
  }

  #setField(name: string, value: string): void {
    if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^[0-9]{1,15}$/.test(value)) {
      this.#retry = this.retryMs = Number(value);
    }
  }

  #dispatch(): void {
    const { onEvent, onOversize } = this.#options;
    const [event, id, retry, ends] = [this.#event || 'message', this.#id, this.#retry, this.#ends];
    if (id !== undefined) this.lastEventId = id;
    const skipped = ends && { head: ends.head, tail: ends.tail(), bytes: this.#dataBytes };
    const done = this.#dataLines > 0 && { event, data: this.#data.take(), id, retry };
    this.reset();
    if (skipped) onOversize(skipped);
    else if (done) onEvent(done);
  }
}

/** Takes the byte order mark off the start of a stream, however it is cut. */
function createBomFilter() {
  let seen: Buffer | undefined = Buffer.alloc(0);
  return (chunk: Buffer): Buffer => {
    if (!seen) return chunk;
    const start = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    if (start.length < BOM.length && BOM.subarray(0, start.length).equals(start)) {
      seen = start;
      return Buffer.alloc(0);
    }
    seen = undefined;
    return BOM.equals(start.subarray(0, BOM.length)) ? start.subarray(BOM.length) : start;
  };
}

/**
 * Reads a `text/event-stream`, in linear time. At most `maxBytes` of data and one chunk are held;
 * the rest of a larger event is skipped, and the next one is read as usual.
 */
export function createEventReader(options: EventReaderOptions): EventReader {
  const builder = new EventBuilder(options);
  const withoutBom = createBomFilter();
  const held = createByteList();
  let ends: Ends | undefined;
  let lineBytes = 0;
  let afterCr = false;

  const hold = (piece: Buffer) => {
    if (piece.length === 0) return;
    lineBytes += piece.length;
    if (lineBytes <= builder.maxLineBytes) return held.add(piece);
    ends ??= createEnds(HEAD_BYTES + DATA.length);
    held.drain(ends.add);
    ends.add(piece);
  };

  const endLine = () => {
    const line = { bytes: ends ? ends.head : held.take(), size: lineBytes, tail: ends?.tail() };
    lineBytes = 0;
    ends = undefined;
    builder.addLine(line);
  };

  return {
    push(raw) {
      const chunk = withoutBom(raw);
      if (chunk.length === 0) return;
      let start = afterCr && chunk[0] === LF ? 1 : 0;
      // Both are looked for once only: a stream without CR is not searched for it again at each
      // line.
      let lf = chunk.indexOf(LF, start);
      let cr = chunk.indexOf(CR, start);
      for (;;) {
        if (lf >= 0 && lf < start) lf = chunk.indexOf(LF, start);
        if (cr >= 0 && cr < start) cr = chunk.indexOf(CR, start);
        const end = lf < 0 || cr < 0 ? Math.max(lf, cr) : Math.min(lf, cr);
        if (end < 0) break;
        hold(chunk.subarray(start, end));
        endLine();
        start = end === cr && chunk[end + 1] === LF ? end + 2 : end + 1;
      }
      afterCr = chunk[chunk.length - 1] === CR;
      hold(chunk.subarray(start));
    },
    end() {
      held.take();
      ends = undefined;
      lineBytes = 0;
      builder.reset();
    },
    get lastEventId() {
      return builder.lastEventId;
    },
    get retryMs() {
      return builder.retryMs;
    },
  };
}

const fieldLine = (name: string, value: string | undefined): string => {
  if (value === undefined) return '';
  if (/[\r\n\0]/.test(value)) {
    throw new GatewayError('INTERNAL', `The ${name} of an event has a line break or NUL in it.`);
  }
  return `${name}: ${value}\n`;
};

/**
 * One event, ready to send. Raw line breaks in `data` make several `data` lines, which a reader
 * joins by LF.
 * @throws GatewayError INTERNAL for an `event` or `id` with a line break or NUL
 */
export function formatEvent(
  data: Buffer,
  options: { readonly event?: string; readonly id?: string } = {},
): Buffer {
  const fields = fieldLine('event', options.event) + fieldLine('id', options.id);
  const text = createByteList();
  text.add(Buffer.from(fields));
  let start = 0;
  let lf = data.indexOf(LF);
  let cr = data.indexOf(CR);
  for (;;) {
    if (lf >= 0 && lf < start) lf = data.indexOf(LF, start);
    if (cr >= 0 && cr < start) cr = data.indexOf(CR, start);
    const end = lf < 0 || cr < 0 ? Math.max(lf, cr) : Math.min(lf, cr);
    text.add(DATA);
    text.add(data.subarray(start, end < 0 ? data.length : end));
    text.add(NEWLINE);
    if (end < 0) break;
    start = end === cr && data[end + 1] === LF ? end + 2 : end + 1;
  }
  text.add(NEWLINE);
  return text.take();
}
