// Reads HTTP answers as MCP messages: one JSON text, or an event stream with a message an event.
import type { Readable } from 'node:stream';
import { GatewayError } from '../core/errors.ts';
import type { HttpResponse, ResponseHeaders } from '../net/http-client.ts';
import { createByteList } from '../wire/frames.ts';
import type { Oversize } from '../wire/frames.ts';
import { createEventReader } from '../wire/sse.ts';
import type { ServerEvent } from '../wire/sse.ts';

export const JSON_TYPE = 'application/json';
export const EVENTS_TYPE = 'text/event-stream';

/** A failure has no reason to be larger. */
const MAX_FAILURE_BYTES = 1_048_576;

/** So long a stream may go on after its answer. */
const LINGER_MS = 1_000;

/** A message, or one that was too large to be held. */
export type Received =
  | { readonly bytes: Buffer; readonly oversize?: undefined }
  | { readonly oversize: Oversize; readonly bytes?: undefined };

/** What is needed to take up an event stream where it broke. */
export interface Resumption {
  lastEventId: string | undefined;
  retryMs: number | undefined;
}

export const single = (headers: ResponseHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
};

export const isEventStream = ({ headers }: HttpResponse): boolean =>
  mediaType(headers) === EVENTS_TYPE;

const mediaType = (headers: ResponseHeaders): string =>
  (single(headers, 'content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();

/**
 * The messages of a successful answer, in order. Taking them slowly slows the sender down.
 * @param resumption is kept up to date, also when the stream breaks
 * @throws the socket's error when the stream breaks
 */
export async function* messagesOf(
  response: HttpResponse,
  maxBytes: number,
  resumption: Resumption = { lastEventId: undefined, retryMs: undefined },
): AsyncGenerator<Received> {
  try {
    if (isEventStream(response)) yield* eventsOf(response.body, maxBytes, resumption);
    else {
      const body = await readBody(response.body, maxBytes);
      if (body.oversize || body.bytes.length > 0) yield body;
    }
  } finally {
    release(response.body);
  }
}

/** Lets a stream whose answer has come run to its end, so that the connection can be used again. */
function release(body: Readable): void {
  if (body.destroyed || body.readableEnded) return;
  const timer = setTimeout(() => body.destroy(), LINGER_MS);
  timer.unref();
  body
    .on('error', () => {})
    .once('close', () => clearTimeout(timer))
    .resume();
}

/** As `for await` has it, but leaving the loop does not close the connection. */
const chunksOf = (body: Readable): AsyncIterable<Buffer> =>
  body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;

async function* eventsOf(
  body: Readable,
  maxBytes: number,
  resumption: Resumption,
): AsyncGenerator<Received> {
  let ready: Received[] = [];
  const reader = createEventReader({
    maxBytes,
    onEvent: ({ event, data }: ServerEvent) => {
      // Empty data is the first event of a stream that can be resumed; other kinds are not MCP's.
      if (data.length > 0 && event === 'message') ready.push({ bytes: data });
    },
    onOversize: (oversize) => ready.push({ oversize }),
  });
  for await (const chunk of chunksOf(body)) {
    reader.push(chunk);
    resumption.lastEventId = reader.lastEventId ?? resumption.lastEventId;
    resumption.retryMs = reader.retryMs ?? resumption.retryMs;
    const received = ready;
    ready = [];
    yield* received;
  }
}

async function readBody(body: Readable, maxBytes: number): Promise<Received> {
  const list = createByteList();
  for await (const chunk of chunksOf(body)) {
    list.add(chunk);
    if (list.length > maxBytes) {
      const none = Buffer.alloc(0);
      return { oversize: { head: none, tail: none, bytes: list.length } };
    }
  }
  return { bytes: list.take() };
}

/** The body of a failure. One that breaks off is taken as far as it came. */
export async function readFailureBody({ body }: HttpResponse): Promise<Buffer> {
  const list = createByteList();
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      list.add(chunk);
      if (list.length > MAX_FAILURE_BYTES) break;
    }
  } catch {
    // The status says enough.
  }
  return list.take().subarray(0, MAX_FAILURE_BYTES);
}

/** Frees the connection of an answer whose body is of no use. */
export const discard = (response: HttpResponse): Promise<unknown> => readFailureBody(response);

export const tooLarge = (bytes: number, maxBytes: number): GatewayError =>
  new GatewayError(
    'RESULT_TOO_LARGE',
    `The answer is larger than the ${maxBytes} bytes that the bridge takes (it has at least ${bytes}). ` +
      'Ask for less at once, or raise the limit.',
    { data: { bytes, maxBytes } },
  );
