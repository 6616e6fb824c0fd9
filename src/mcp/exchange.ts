// One POST and its one response: JSON, or an event stream once something is told before the answer.
import type { ServerResponse } from 'node:http';
import type { Message } from '../core/call.ts';
import { withId } from '../wire/message.ts';
import type { Context, Reply } from './context.ts';
import { renderError, statusOfAnswer, toGatewayError } from './reply.ts';
import type { Asked } from './reply.ts';
import { EventStream, Outlet, watchLast } from './stream.ts';

/** A larger body is written piece by piece, as its reader takes it. */
const WRITTEN_AT_ONCE_BYTES = 64 * 1024;

export class Exchange implements Reply {
  readonly res: ServerResponse;
  readonly asked: Asked;
  readonly #context: Context;
  #stream: EventStream | undefined;

  constructor(res: ServerResponse, asked: Asked, context: Context) {
    this.res = res;
    this.asked = asked;
    this.#context = context;
  }

  get era(): Asked['era'] {
    return this.asked.era;
  }

  notify(notification: Message): void {
    this.stream()?.send(notification.bytes, { droppable: true });
  }

  tell(message: Buffer, onGone?: () => void): boolean {
    const stream = this.stream();
    stream?.send(message);
    if (onGone) stream?.onClose(onGone);
    return stream !== undefined && !stream.closed;
  }

  get gone(): boolean {
    return this.res.destroyed || this.res.closed;
  }

  answer(answer: Message): void {
    if (this.#stream) return this.#stream.end(withId(answer, this.asked.id));
    const status = statusOfAnswer(answer, this.asked.era);
    const { bytes, id } = answer;
    if (!id || bytes.length <= WRITTEN_AT_ONCE_BYTES) {
      return this.respond(status, withId(answer, this.asked.id));
    }
    // A large result is not copied for the sake of its id.
    const own = Buffer.from(this.asked.id);
    this.#write(status, [bytes.subarray(0, id.start), own, bytes.subarray(id.end)]);
  }

  respond(status: number, bytes: Buffer): void {
    if (this.#stream) return this.#stream.end(bytes);
    if (bytes.length > WRITTEN_AT_ONCE_BYTES) return this.#write(status, [bytes]);
    this.#partIfDraining();
    sendJson(this.res, status, bytes);
    watchLast(this.res, this.#context.timing.stallMs, this.#context.log);
  }

  #write(status: number, pieces: readonly Buffer[]): void {
    if (isOver(this.res)) return;
    this.#partIfDraining();
    const { timing, log } = this.#context;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.res.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
    const outlet = new Outlet(this.res, timing.stallMs, log);
    for (const piece of pieces) outlet.write(piece);
    outlet.end();
  }

  // Else the client would send its next request on a connection that is about to be closed.
  #partIfDraining(): void {
    if (this.#context.calls.draining) this.res.shouldKeepAlive = false;
  }

  fail(thrown: unknown): void {
    const { log, serverInfo } = this.#context;
    const error = toGatewayError(thrown, log, { method: this.asked.method });
    const { status, bytes } = renderError(error, this.asked, serverInfo);
    this.respond(status, bytes);
  }

  // A stream without an answer says that none comes; the client that cancelled waits for none.
  drop(): void {
    this.stream()?.end();
  }

  linger(): void {
    this.stream()?.open();
  }

  /** The response as an event stream from now on; undefined when it is over. */
  stream(): EventStream | undefined {
    if (this.#stream) return this.#stream;
    if (isOver(this.res)) return undefined;
    const { timing, log } = this.#context;
    this.#stream = new EventStream(this.res, timing, log);
    return this.#stream;
  }
}

const isOver = (res: ServerResponse): boolean => res.headersSent || res.destroyed;

export function sendJson(
  res: ServerResponse,
  status: number,
  bytes: Buffer,
  headers?: Readonly<Record<string, string>>,
): void {
  if (isOver(res)) return;
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...headers,
  });
  // As a string it goes out with the head in one write; Latin-1 has a character for each byte.
  res.end(bytes.toString('latin1'), 'latin1');
}

/** 202, for what is taken and has no answer here. */
export function sendAccepted(res: ServerResponse): void {
  if (!isOver(res)) res.writeHead(202, { 'content-length': 0 }).end();
}
