// A server-sent-events stream of whole JSON-RPC messages that can be broken off and resumed.
import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Outlet } from './call.ts';

/** One event; a message with line breaks between its tokens takes several data lines. */
export function sseEvent(
  message: string | Buffer,
  id?: string,
  event = 'message',
): string | Buffer {
  const head = `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}`;
  if (typeof message === 'string') {
    const lines =
      message.includes('\n') || message.includes('\r') ? message.split(/\r\n|\r|\n/) : [message];
    return `${head}${lines.map((line) => `data: ${line}\n`).join('')}\n`;
  }
  return Buffer.concat([Buffer.from(`${head}data: `), message, Buffer.from('\n\n')]);
}

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

export class SseStream implements Outlet {
  /** Set where the client may resume: events then carry ids and are kept. */
  readonly #id: string | undefined;
  readonly #kept: (string | Buffer)[] = [];
  #response: ServerResponse | undefined;
  #ended = false;

  constructor(resumableId?: string) {
    this.#id = resumableId;
  }

  /** Starts to write to a response; after a break, from the event that follows `after`. */
  attach(response: ServerResponse, headers: Record<string, string> = {}, after?: number): void {
    this.#response = response;
    response.writeHead(200, { ...SSE_HEADERS, ...headers });
    response.flushHeaders();
    if (this.#id !== undefined && after === undefined) {
      response.write(`id: ${this.#id}_0\nretry: 100\ndata: \n\n`);
    }
    for (const [index, message] of this.#kept.entries()) {
      if (index + 1 > (after ?? 0)) response.write(sseEvent(message, `${this.#id}_${index + 1}`));
    }
    if (this.#ended) response.end();
    response.once('close', () => {
      if (this.#response === response) this.#response = undefined;
    });
  }

  get isOpen(): boolean {
    return this.#response !== undefined;
  }

  send(message: string | Buffer): boolean {
    if (this.#id !== undefined) this.#kept.push(message);
    const id = this.#id === undefined ? undefined : `${this.#id}_${this.#kept.length}`;
    return this.#response?.write(sseEvent(message, id)) ?? true;
  }

  async drained(): Promise<void> {
    const response = this.#response;
    if (response === undefined || !response.writableNeedDrain) return;
    await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }

  breakOff(): void {
    this.#response?.end();
    this.#response = undefined;
  }

  end(): void {
    this.#ended = true;
    this.#response?.end();
  }
}
