// The stdio door: joins a host's stdin and stdout to the `/mcp` endpoint of a gateway. Message bytes pass
// unchanged both ways; the era is settled by how the host opens.
import type { Readable, Writable } from 'node:stream';
import type { Message } from '../core/call.ts';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpClient } from '../net/http-client.ts';
import { createFrameReader } from '../wire/frames.ts';
import type { Oversize } from '../wire/frames.ts';
import { isArrayAt, skipSpace, sliceOf, valueOf } from '../wire/json.ts';
import {
  errorMessage,
  readBatch,
  readMessage,
  readParams,
  salvageId,
  toRpcError,
} from '../wire/message.ts';
import { Exchange, oversizeId } from './bridge-exchange.ts';
import type { BridgeContext } from './bridge-exchange.ts';
import { LegacyBridge } from './bridge-legacy.ts';
import { createLink, within } from './bridge-link.ts';
import type { Endpoint } from './bridge-link.ts';
import { createModernBridge, hasEnvelope } from './bridge-modern.ts';
import { subscriptionEnd } from './bridge-subscription.ts';
import { createLineWriter } from './stdio-lines.ts';

export interface StdioBridgeOptions {
  /** Usually stdin. */
  readonly input: Readable;
  /** Usually stdout: nothing else may write there. */
  readonly output: Writable;
  /** Finds the gateway, or becomes it. Asked again when the one it named has gone. */
  readonly endpoint: () => Promise<Endpoint>;
  readonly http: Pick<HttpClient, 'request'>;
  /** Must not write to the output, which is the protocol's. */
  readonly log: Log;
  /** Ends the bridge as the end of the input does. */
  readonly signal: AbortSignal;
  /** Largest message, in bytes, in either direction. */
  readonly maxMessageBytes: number;
  /** Milliseconds that calls in flight get to finish once the input has ended. Default 5,000. */
  readonly drainMs?: number;
  /** Milliseconds before a stream that broke is opened again; doubled each time. Default 100. */
  readonly reopenMs?: number;
}

/** Requests of the host that may be under way at once. */
const MAX_EXCHANGES = 4096;
const DEFAULT_DRAIN_MS = 5_000;
const DEFAULT_REOPEN_MS = 100;
const FLUSH_DEADLINE_MS = 1_000;

/** Runs until the input ends or the signal comes; the session is closed when it settles. */
export async function runStdioBridge(options: StdioBridgeOptions): Promise<void> {
  const { input, signal } = options;
  const bridge = createBridge(options);
  const reader = createFrameReader({
    maxBytes: options.maxMessageBytes,
    onFrame: bridge.take,
    onOversize: bridge.refuseOversize,
  });
  const onData = (chunk: Buffer | string) => reader.push(Buffer.from(chunk as string));
  const ended = Promise.withResolvers<void>();
  const end = () => ended.resolve();
  input.on('data', onData).once('end', end).once('close', end).once('error', end);
  // A host that reads no more can be told nothing more.
  options.output.on('error', end).once('close', end);
  signal.addEventListener('abort', end, { once: true });
  try {
    if (!signal.aborted) await ended.promise;
    input.off('data', onData).pause();
    if (!signal.aborted) reader.end();
    await bridge.finish();
  } finally {
    signal.removeEventListener('abort', end);
    options.output.off('error', end).off('close', end);
    input.off('end', end).off('close', end).off('error', end);
  }
}

function createBridge(options: StdioBridgeOptions) {
  const over = new AbortController();
  const lines = createLineWriter(options.output, over.signal);
  const context: BridgeContext = {
    link: createLink(options),
    write: (message) => lines.write(message),
    log: options.log,
    maxMessageBytes: options.maxMessageBytes,
    reopenMs: options.reopenMs ?? DEFAULT_REOPEN_MS,
    signal: over.signal,
  };
  const eras = { legacy: new LegacyBridge(context), modern: createModernBridge(context) };
  const exchanges = new Map<Exchange, Promise<void>>();
  const errands = new Set<Promise<void>>();
  let isModern = false;

  /** What has no answer: a failure is for the log. */
  const runErrand = (work: Promise<void>) => {
    const errand = work.catch((error: unknown) =>
      options.log.warn({ reason: reasonOf(error) }, 'a message of the host was not passed on'),
    );
    errands.add(errand);
    void errand.finally(() => errands.delete(errand));
  };
  const tell = (id: string, error: GatewayError) =>
    runErrand(context.write(errorMessage(id, toRpcError(error))));

  const startRequest = (message: Message, modern: boolean) => {
    const exchange = new Exchange(message, modern ? 'modern' : 'legacy', context);
    const run =
      exchanges.size >= MAX_EXCHANGES
        ? exchange.fail(tooMany())
        : (modern ? eras.modern : eras.legacy).request(exchange);
    const done = run
      .catch((error: unknown) => exchange.fail(error))
      .catch((error: unknown) =>
        options.log.warn({ reason: reasonOf(error) }, 'no answer was taken'),
      )
      .finally(() => exchanges.delete(exchange));
    exchanges.set(exchange, done);
  };

  const cancel = (notification: Message) => {
    const id = valueOf(readParams(notification).members, 'requestId');
    const text = id ? sliceOf(notification.bytes, id).toString() : '';
    const exchange = exchanges.keys().find((each) => each.id === text && each.isOpen);
    if (!exchange) return;
    if (exchange.era === 'modern') exchange.cancel();
    else runErrand(eras.legacy.cancel(exchange, notification));
  };

  const dispatch = (message: Message) => {
    if (message.kind === 'response') return runErrand(eras.legacy.respond(message));
    if (message.method === 'notifications/cancelled') return cancel(message);
    const opensLegacy = message.method === 'initialize';
    const modern =
      !opensLegacy && (hasEnvelope(readParams(message)) || (isModern && !eras.legacy.isOpen));
    if (modern) isModern = true;
    if (message.kind === 'request') return startRequest(message, modern);
    return runErrand((modern ? eras.modern : eras.legacy).notify(message));
  };

  const takeOne = (bytes: Buffer) => {
    try {
      dispatch(readMessage(bytes));
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      tell(salvageId(bytes), error);
    }
  };

  return {
    take(bytes: Buffer) {
      if (skipSpace(bytes, 0) === bytes.length) return;
      for (const each of batchOf(bytes)) takeOne(each);
    },
    refuseOversize(oversize: Oversize) {
      tell(oversizeId(oversize), oversized(oversize.bytes, options.maxMessageBytes));
    },
    async finish() {
      const drainMs = options.output.destroyed ? 0 : (options.drainMs ?? DEFAULT_DRAIN_MS);
      await endSubscriptions(exchanges);
      await settle([...exchanges.values(), ...errands], drainMs);
      await settle(
        [...exchanges.keys()].map((each) => each.abandon(stopped())),
        FLUSH_DEADLINE_MS,
      );
      await eras.legacy[Symbol.asyncDispose]();
      await settle([lines.flush()], FLUSH_DEADLINE_MS);
      over.abort(stopped());
      await Promise.allSettled([...exchanges.values(), ...errands]);
    },
  };
}

/** 2025-03-26 knew arrays of messages; each is answered by a line of its own. */
function batchOf(bytes: Buffer): readonly Buffer[] {
  const start = skipSpace(bytes, 0);
  if (!isArrayAt(bytes, { start, end: bytes.length })) return [bytes];
  try {
    const batch = readBatch(bytes) ?? [];
    return batch.length > 0 ? batch : [bytes];
  } catch {
    return [bytes];
  }
}

/** The server's end of the stream is this bridge: it ends in the way the specification asks of a server. */
async function endSubscriptions(exchanges: ReadonlyMap<Exchange, unknown>): Promise<void> {
  for (const exchange of exchanges.keys()) {
    if (!exchange.isSubscription) continue;
    const told = exchange.answer(subscriptionEnd(exchange.id));
    exchange.cancel();
    await settle([told], FLUSH_DEADLINE_MS);
  }
}

async function settle(work: readonly Promise<unknown>[], deadlineMs: number): Promise<void> {
  const never = new AbortController().signal;
  await within(Promise.allSettled(work), deadlineMs, never, stopped).catch(() => {});
}

const stopped = (): GatewayError =>
  new GatewayError(
    'SHUTTING_DOWN',
    'The bridge was stopped before the answer came. The call may have run.',
  );

const tooMany = (): GatewayError =>
  new GatewayError(
    'UPSTREAM_BUSY',
    `More than ${MAX_EXCHANGES} requests are under way. Wait for some of them to end.`,
  );

const oversized = (bytes: number, maxBytes: number): GatewayError =>
  new GatewayError(
    'BODY_TOO_LARGE',
    `The message has ${bytes} bytes; the bridge takes at most ${maxBytes}. Send less at once.`,
    { data: { bytes, maxBytes } },
  );
