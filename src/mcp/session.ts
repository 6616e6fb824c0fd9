// One legacy session: what initialize settled, the calls it has in flight and what it listens to.
import type { Canceller } from '../core/cancellation.ts';
import type { Client, Door, LogLevel, Message } from '../core/call.ts';
import { isGatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { View } from '../gateway/gateway.ts';
import type { ListChanged } from './listen.ts';
import { Questions } from './questions.ts';
import type { EventStream } from './stream.ts';
import { notificationMessage } from '../wire/message.ts';

export interface SessionOptions {
  readonly id: string;
  readonly principal: Principal;
  readonly scope: string | undefined;
  readonly narrow: View['narrow'];
  readonly door: Door;
  readonly log: Log;
}

export class Session implements AsyncDisposable {
  readonly id: string;
  /** Of the request that came last: who may see what is settled by each request anew. */
  view: View;
  readonly door: Door;
  /** Undefined until initialize, which over HTTP+SSE comes after the session is made. */
  client: Client | undefined;
  /** As logging/setLevel has it; undefined: whatever the servers send. */
  logLevel: LogLevel | undefined;
  usedAt = performance.now();
  /** What its client is being asked. */
  readonly questions = new Questions();
  readonly #log: Log;
  readonly #calls = new Map<string, Canceller | undefined>();
  readonly #subscriptions = new Map<string, AsyncDisposable>();
  /** List changes that came while there was no stream to tell them on. */
  readonly #missed = new Set<ListChanged>();
  #stream: EventStream | undefined;
  #ended = false;

  constructor({ id, principal, scope, narrow, door, log }: SessionOptions) {
    this.id = id;
    this.view = { principal, era: 'legacy', scope, narrow };
    this.door = door;
    this.#log = log;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get stream(): EventStream | undefined {
    return this.#stream?.closed ? undefined : this.#stream;
  }

  get busy(): boolean {
    return this.#calls.size > 0 || this.stream !== undefined;
  }

  touch(): void {
    this.usedAt = performance.now();
  }

  /** @param key of the request's id, as `requestKey` has it */
  isInUse(key: string): boolean {
    return this.#calls.has(key);
  }

  /** Keeps the id from being used again until `endCall`. */
  beginCall(key: string): void {
    this.#calls.set(key, undefined);
  }

  setCanceller(key: string, controller: Canceller): void {
    if (this.#calls.has(key)) this.#calls.set(key, controller);
    // The session ended while the call was started.
    if (this.#ended) controller.abort();
  }

  endCall(key: string): void {
    this.#calls.delete(key);
    this.touch();
  }

  cancel(key: string): void {
    this.#calls.get(key)?.abort();
  }

  /**
   * Takes a stream for what concerns no single request. The newest stays: whoever opens another one has lost
   * the first, perhaps unseen by this side, and each message may go on one stream only.
   */
  attach(stream: EventStream): void {
    const before = this.#stream;
    this.#stream = stream;
    before?.end();
    for (const list of this.#missed) this.tellListChanged(list);
    this.#missed.clear();
  }

  detach(stream: EventStream): void {
    if (this.#stream === stream) this.#stream = undefined;
    this.touch();
  }

  tellListChanged(list: ListChanged): void {
    const method = `notifications/${list}/list_changed`;
    const { stream } = this;
    if (stream) stream.send(notificationMessage(method), { key: method });
    else this.#missed.add(list);
  }

  isSubscribed(uri: string): boolean {
    return this.#subscriptions.has(uri);
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  addSubscription(uri: string, subscription: AsyncDisposable): void {
    this.#subscriptions.set(uri, subscription);
  }

  tellUpdated(uri: string, update: Message): void {
    this.stream?.send(update.bytes, { key: uri });
  }

  async removeSubscription(uri: string): Promise<void> {
    const subscription = this.#subscriptions.get(uri);
    this.#subscriptions.delete(uri);
    await subscription?.[Symbol.asyncDispose]();
  }

  /** Subscribes anew to all that it is subscribed to; what is refused is dropped without a word. */
  async resubscribe(
    subscribe: (uri: string, hear: (update: Message) => void) => AsyncDisposable,
  ): Promise<void> {
    const before = [...this.#subscriptions];
    this.#subscriptions.clear();
    for (const [uri] of before) {
      try {
        this.addSubscription(
          uri,
          subscribe(uri, (update) => this.tellUpdated(uri, update)),
        );
      } catch (error) {
        if (!isGatewayError(error)) throw error;
      }
    }
    await Promise.all(before.map(([, subscription]) => subscription[Symbol.asyncDispose]()));
  }

  /** Cancels its calls, closes its stream and ends its subscriptions. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.questions.end();
    for (const controller of this.#calls.values()) controller?.abort();
    this.#stream?.end();
    const results = await Promise.allSettled(
      [...this.#subscriptions.keys()].map((uri) => this.removeSubscription(uri)),
    );
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      this.#log.warn(
        { err: result.reason as unknown },
        'a resource subscription did not end cleanly',
      );
    }
  }
}
