// The only writer of bodies that may be large or long: it goes no faster than the reader takes it, holds
// little for one that does not read, and closes one that has stopped.
import type { ServerResponse } from 'node:http';
import type { Log } from '../core/log.ts';
import { formatEvent, KEEP_ALIVE } from '../wire/sse.ts';

/** What may wait for a slow reader beyond the message being written; what may be dropped, is then. */
export const MAX_BACKLOG_BYTES = 1024 * 1024;
/** Written at once: small enough to see a reader's progress by, large enough to cost little. */
const CHUNK_BYTES = 256 * 1024;

export interface StreamTiming {
  /** Between two comments on a quiet event stream. */
  readonly keepAliveMs: number;
  /** A reader that takes nothing for so long is closed. */
  readonly stallMs: number;
}

interface Piece {
  readonly bytes: Buffer;
  readonly droppable: boolean;
  readonly key: string | undefined;
}

/** Puts bytes into a response whose head has been written. */
export class Outlet {
  readonly #res: ServerResponse;
  readonly #stallMs: number;
  readonly #log: Log;
  #queue: Piece[] = [];
  #queuedBytes = 0;
  #offset = 0;
  #blocked = false;
  #ending = false;
  #closed = false;
  #dropped = 0;
  #stall: NodeJS.Timeout | undefined;

  constructor(res: ServerResponse, stallMs: number, log: Log) {
    this.#res = res;
    this.#stallMs = stallMs;
    this.#log = log;
    this.#closed = res.destroyed || res.writableEnded;
    res.on('drain', this.#onDrain);
    res.on('close', this.#onClose);
    // A broken socket is told by 'close'; without a listener it would end the process.
    res.on('error', () => undefined);
  }

  get closed(): boolean {
    return this.#closed || this.#ending;
  }

  /** Nothing waits for the reader. */
  get idle(): boolean {
    return !this.#blocked && this.#queue.length === 0;
  }

  /** What waits beyond the message being written. */
  get backlogBytes(): number {
    const begun = this.#offset > 0 ? this.#queue[0]!.bytes.length - this.#offset : 0;
    return this.#queuedBytes - begun;
  }

  /**
   * @param options droppable: left out when the reader is too far behind;
   *   key: left out when a piece of the same key still waits whole
   */
  write(bytes: Buffer, options: { droppable?: boolean; key?: string } = {}): void {
    if (this.closed) return;
    const { droppable = false, key } = options;
    if (this.#blocked) {
      if (droppable && this.backlogBytes + bytes.length > MAX_BACKLOG_BYTES) {
        this.#dropped++;
        return;
      }
      const begun = this.#offset > 0 ? 1 : 0;
      if (key !== undefined && this.#queue.some((p, i) => i >= begun && p.key === key)) return;
    }
    this.#queue.push({ bytes, droppable, key });
    this.#queuedBytes += bytes.length;
    this.#pump();
  }

  end(last?: Buffer): void {
    if (this.closed) return;
    if (last) this.write(last);
    this.#ending = true;
    this.#pump();
  }

  #pump(): void {
    while (!this.#blocked && !this.#closed) {
      const piece = this.#queue[0];
      if (!piece) break;
      const { bytes } = piece;
      const start = this.#offset;
      const end = Math.min(start + CHUNK_BYTES, bytes.length);
      if (end === bytes.length) {
        this.#queue.shift();
        this.#offset = 0;
      } else {
        this.#offset = end;
      }
      this.#queuedBytes -= end - start;
      const whole = start === 0 && end === bytes.length;
      if (!this.#res.write(whole ? bytes : bytes.subarray(start, end))) this.#block();
    }
    if (!this.#ending || this.#blocked || this.#closed || this.#queue.length > 0) return;
    if (!this.#res.writableEnded) this.#res.end();
    watchLast(this.#res, this.#stallMs, this.#log);
  }

  #block(): void {
    this.#blocked = true;
    this.#stall = setTimeout(
      () => destroyStalled(this.#res, this.#stallMs, this.#log),
      this.#stallMs,
    );
    this.#stall.unref();
  }

  readonly #onDrain = (): void => {
    clearTimeout(this.#stall);
    this.#blocked = false;
    this.#pump();
  };

  readonly #onClose = (): void => {
    clearTimeout(this.#stall);
    this.#closed = true;
    this.#queue = [];
    this.#queuedBytes = this.#offset = 0;
    if (this.#dropped > 0) {
      const facts = { dropped: this.#dropped };
      this.#log.info(facts, 'a slow reader missed notifications');
    }
  };
}

function destroyStalled(res: ServerResponse, stallMs: number, log: Log): void {
  log.warn({ stallMs }, 'a reader took nothing for too long and was closed');
  res.destroy();
}

/** Sees to it that the end of a response does not wait for ever in the socket. */
export function watchLast(res: ServerResponse, stallMs: number, log: Log): void {
  if (res.writableFinished || res.destroyed || !res.socket || res.socket.writableLength === 0)
    return;
  const timer = setTimeout(() => destroyStalled(res, stallMs, log), stallMs);
  timer.unref();
  res.once('close', () => clearTimeout(timer));
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  // Tells nginx and its like to pass events on at once.
  'x-accel-buffering': 'no',
} as const;

export interface SendOptions {
  readonly droppable?: boolean;
  readonly key?: string;
}

/** A response that is a stream of events, each one message. */
export class EventStream {
  readonly #res: ServerResponse;
  readonly #outlet: Outlet;
  readonly #ticker: NodeJS.Timeout;

  constructor(res: ServerResponse, timing: StreamTiming, log: Log) {
    this.#res = res;
    res.writeHead(200, STREAM_HEADERS);
    this.#outlet = new Outlet(res, timing.stallMs, log);
    this.#ticker = setInterval(() => {
      if (this.#outlet.idle) this.#outlet.write(KEEP_ALIVE);
    }, timing.keepAliveMs);
    this.#ticker.unref();
    res.on('close', () => clearInterval(this.#ticker));
  }

  get closed(): boolean {
    return this.#outlet.closed;
  }

  get backlogBytes(): number {
    return this.#outlet.backlogBytes;
  }

  /** Hears that the client, or this side, has closed it. */
  onClose(listener: () => void): void {
    this.#res.once('close', listener);
  }

  /** Lets the client see the head before there is a first message. */
  open(): this {
    this.#res.flushHeaders();
    return this;
  }

  send(message: Buffer, options?: SendOptions): void {
    this.sendEvent('message', message, options);
  }

  sendEvent(event: string, data: Buffer, options?: SendOptions): void {
    if (!this.closed) this.#outlet.write(formatEvent(data, { event }), options);
  }

  end(last?: Buffer): void {
    clearInterval(this.#ticker);
    this.#outlet.end(last && formatEvent(last, { event: 'message' }));
  }
}
