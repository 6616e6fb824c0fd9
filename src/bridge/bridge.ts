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
import { Exchange, oversizeId } from './exchange.ts';
import type { BridgeContext } from './exchange.ts';
import { LegacyBridge } from './legacy.ts';
import { createLink, within } from './link.ts';
import type { Endpoint } from './link.ts';
import { hasEnvelope, ModernBridge } from './modern.ts';
import { subscriptionEnd } from './subscription.ts';
import { createLineWriter } from './lines.ts';
import type { LineWriter } from './lines.ts';

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
  const { input, output, signal } = options;
  const bridge = new Bridge(options);
  const reader = createFrameReader({
    maxBytes: options.maxMessageBytes,
    onFrame: (bytes) => bridge.take(bytes),
    onOversize: (oversize) => bridge.refuse(oversize),
  });
  const onData = (chunk: Buffer | string) => reader.push(Buffer.from(chunk as string));
  const ended = Promise.withResolvers<void>();
  const end = () => ended.resolve();
  input.on('data', onData).once('end', end).once('close', end).on('error', end);
  // A host that reads no more can be told nothing more.
  output.on('error', end).once('close', end);
  signal.addEventListener('abort', end, { once: true });
  try {
    if (!signal.aborted) await ended.promise;
    input.off('data', onData).pause();
    if (!signal.aborted) reader.end();
    await bridge[Symbol.asyncDispose]();
  } finally {
    signal.removeEventListener('abort', end);
    output.off('error', end).off('close', end);
    input.off('end', end).off('close', end).off('error', end);
  }
}

/** What goes on between one host and its gateway. */
class Bridge {
  readonly #options: StdioBridgeOptions;
  readonly #over = new AbortController();
  readonly #lines: LineWriter;
  readonly #context: BridgeContext;
  readonly #legacy: LegacyBridge;
  readonly #modern: ModernBridge;
  readonly #exchanges = new Map<Exchange, Promise<void>>();
  /** Messages under way that have no answer. */
  readonly #errands = new Set<Promise<void>>();
  #isModern = false;

  constructor(options: StdioBridgeOptions) {
    this.#options = options;
    this.#lines = createLineWriter(options.output, this.#over.signal);
    this.#context = {
      link: createLink(options),
      write: (message) => this.#lines.write(message),
      log: options.log,
      maxMessageBytes: options.maxMessageBytes,
      reopenMs: options.reopenMs ?? DEFAULT_REOPEN_MS,
      signal: this.#over.signal,
    };
    this.#legacy = new LegacyBridge(this.#context);
    this.#modern = new ModernBridge(this.#context);
  }

  /** Takes a line of the host. */
  take(line: Buffer): void {
    if (skipSpace(line, 0) === line.length) return;
    for (const bytes of messagesIn(line)) {
      try {
        this.#dispatch(readMessage(bytes));
      } catch (error) {
        this.#tell(salvageId(bytes), isGatewayError(error) ? error : broken(error));
      }
    }
  }

  refuse(oversize: Oversize): void {
    this.#tell(oversizeId(oversize), oversized(oversize.bytes, this.#options.maxMessageBytes));
  }

  /** Lets the calls in flight finish for a while, answers the rest, and ends the session. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { output, drainMs = DEFAULT_DRAIN_MS } = this.#options;
    await endSubscriptions(this.#exchanges.keys());
    const underWay = [...this.#exchanges.values(), ...this.#errands];
    await settle(underWay, output.destroyed ? 0 : drainMs);
    const left = [...this.#exchanges.keys()].map((exchange) => exchange.abandon(stopped()));
    await settle(left, FLUSH_DEADLINE_MS);
    await this.#legacy[Symbol.asyncDispose]();
    await settle([this.#lines.flush()], FLUSH_DEADLINE_MS);
    this.#over.abort(stopped());
    await Promise.allSettled([...this.#exchanges.values(), ...this.#errands]);
  }

  #dispatch(message: Message): void {
    const { kind, method } = message;
    if (kind === 'response') return this.#run(this.#legacy.respond(message));
    if (method === 'notifications/cancelled') return this.#cancel(message);
    const isModern = this.#settleEra(message);
    if (kind === 'request') return this.#start(message, isModern);
    return this.#run((isModern ? this.#modern : this.#legacy).notify(message));
  }

  /** A message says its era itself; one that does not is of the era that the host has opened in. */
  #settleEra(message: Message): boolean {
    if (message.method === 'initialize') return false;
    const isModern = hasEnvelope(readParams(message)) || (this.#isModern && !this.#legacy.isOpen);
    this.#isModern ||= isModern;
    return isModern;
  }

  #start(message: Message, isModern: boolean): void {
    const exchange = new Exchange(message, isModern ? 'modern' : 'legacy', this.#context);
    const era = isModern ? this.#modern : this.#legacy;
    const isFull = this.#exchanges.size >= MAX_EXCHANGES;
    const done = (isFull ? exchange.fail(tooMany()) : era.request(exchange))
      .catch((error: unknown) => exchange.fail(error))
      .catch((error: unknown) => this.#note(error))
      .finally(() => this.#exchanges.delete(exchange));
    this.#exchanges.set(exchange, done);
  }

  #cancel(notification: Message): void {
    const id = valueOf(readParams(notification).members, 'requestId');
    const text = id ? sliceOf(notification.bytes, id).toString() : '';
    const exchange = this.#exchanges.keys().find((each) => each.id === text && each.isOpen);
    // None is under way by that id: the answer and the cancellation have crossed.
    if (!exchange) return;
    if (exchange.era === 'modern') exchange.cancel();
    else this.#run(this.#legacy.cancel(exchange, notification));
  }

  #tell(id: string, error: GatewayError): void {
    this.#run(this.#context.write(errorMessage(id, toRpcError(error))));
  }

  /** Something that has no answer: a failure is for the log. */
  #run(work: Promise<void>): void {
    const errand = work
      .catch((error: unknown) => this.#note(error))
      .finally(() => this.#errands.delete(errand));
    this.#errands.add(errand);
  }

  #note(error: unknown): void {
    this.#options.log.warn({ reason: reasonOf(error) }, 'a message could not be passed on');
  }
}

/** 2025-03-26 knew arrays of messages; each is answered by a line of its own. */
function messagesIn(bytes: Buffer): readonly Buffer[] {
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
async function endSubscriptions(exchanges: Iterable<Exchange>): Promise<void> {
  for (const exchange of exchanges) {
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

const broken = (cause: unknown): GatewayError =>
  new GatewayError('INTERNAL', `The bridge failed at this message: ${reasonOf(cause)}.`, { cause });

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
