// The calls in flight through this door: hands each to the gateway, and ends them all when the door closes.
import { Canceller } from '../core/cancellation.ts';
import { randomBytes } from 'node:crypto';
import type { Call, Client, Door, LogLevel, Message } from '../core/call.ts';
import { isLogLevel, LOG_LEVELS } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { isObjectAt, isStringAt, membersOf, stringAt, valueOf } from '../wire/json.ts';
import type { Params } from '../wire/message.ts';
import type { Reply } from './context.ts';

export interface Incoming {
  readonly principal: Principal;
  readonly door: Door;
  readonly client: Client;
  readonly scope: string | undefined;
  /** As in Call. */
  readonly narrow: Call['narrow'];
  readonly message: Message;
  readonly params: Params;
  readonly logLevel: LogLevel | undefined;
  /** As in Call; absent for a client that is never asked so. */
  readonly ask?: Call['ask'];
}

interface Flight {
  readonly reply: Reply;
  readonly controller: Canceller;
  readonly startedAt: number;
  lingering: boolean;
  done: boolean;
}

const shuttingDown = (): GatewayError =>
  new GatewayError('SHUTTING_DOWN', 'The gateway is stopping. Call again once it is back.');

/** The methods that go to the gateway as a Call, with the parameter that names what is asked for. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'completion/complete': 'ref',
};

export const isCallMethod = (method: string): boolean => Object.hasOwn(NAMED_BY, method);

export class Calls {
  readonly #gateway: Gateway;
  readonly #streamAfterMs: number;
  readonly #flights = new Set<Flight>();
  readonly #idPrefix = randomBytes(6).toString('hex');
  #count = 0;
  #ticker: NodeJS.Timeout | undefined;
  #draining = false;
  #onIdle: (() => void) | undefined;

  constructor(gateway: Gateway, streamAfterMs: number) {
    this.#gateway = gateway;
    this.#streamAfterMs = streamAfterMs;
  }

  get size(): number {
    return this.#flights.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** @throws GatewayError SHUTTING_DOWN */
  assertOpen(): void {
    if (this.#draining) throw shuttingDown();
  }

  /**
   * Starts a call; its answer or failure goes to `reply`.
   * @param onEnd hears that the call is over, before it is answered
   * @returns what cancels it
   * @throws GatewayError PARAMS_INVALID, SHUTTING_DOWN
   */
  start(incoming: Incoming, reply: Reply, onEnd?: () => void): Canceller {
    this.assertOpen();
    assertCallParams(incoming.message, incoming.params);
    const controller = new Canceller();
    const flight = {
      reply,
      controller,
      startedAt: performance.now(),
      lingering: false,
      done: false,
    };
    this.#flights.add(flight);
    this.#ticker ??= this.#startTicker();
    const { message, params, principal, door, client, scope, narrow, logLevel } = incoming;
    const call: Call = {
      id: `${this.#idPrefix}-${(++this.#count).toString(36)}`,
      principal,
      door,
      client,
      scope,
      narrow,
      method: message.method,
      name: params.name,
      message,
      logLevel,
      signal: controller,
      onNotification: (notification) => {
        if (!flight.done && isWanted(notification, incoming)) reply.notify(notification);
      },
      isGone: () => flight.done || reply.gone,
      ask: incoming.ask,
    };
    void this.#run(flight, call, onEnd);
    return controller;
  }

  async #run(flight: Flight, call: Call, onEnd: (() => void) | undefined): Promise<void> {
    let answer: Message | undefined;
    let thrown: unknown;
    try {
      answer = await this.#gateway.call(call);
    } catch (error) {
      thrown = error;
    }
    this.#flights.delete(flight);
    onEnd?.();
    if (!flight.done) {
      flight.done = true;
      try {
        // Who cancelled expects no answer, however the call ended.
        if (call.signal.aborted) flight.reply.drop();
        else if (answer) flight.reply.answer(answer);
        else flight.reply.fail(thrown);
      } catch (error) {
        flight.reply.fail(error);
      }
    }
    if (this.#flights.size === 0) this.#idle();
  }

  #idle(): void {
    this.#onIdle?.();
    this.#onIdle = undefined;
  }

  // One timer for all calls: a timer each would cost every short call.
  #startTicker(): NodeJS.Timeout {
    const period = Math.max(10, Math.min(this.#streamAfterMs / 3, 1000));
    const ticker = setInterval(() => {
      if (this.#flights.size === 0) {
        clearInterval(ticker);
        this.#ticker = undefined;
        return;
      }
      const before = performance.now() - this.#streamAfterMs;
      for (const flight of this.#flights) {
        // In the order of their start.
        if (flight.startedAt > before) break;
        if (flight.lingering) continue;
        flight.lingering = true;
        flight.reply.linger();
      }
    }, period);
    return ticker.unref();
  }

  /** Takes no more calls; waits for those in flight, and ends at the deadline what is left of them. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    if (this.#flights.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onIdle = resolve;
      const timer = setTimeout(resolve, deadlineMs);
      await promise;
      clearTimeout(timer);
    }
    this.abortAll();
  }

  abortAll(): void {
    this.#draining = true;
    clearInterval(this.#ticker);
    for (const flight of this.#flights) {
      if (flight.done) continue;
      flight.done = true;
      flight.reply.fail(shuttingDown());
      flight.controller.abort(shuttingDown());
    }
  }
}

function assertCallParams({ bytes, method }: Message, params: Params): void {
  if (!params.nameSpan) {
    const what =
      method === 'completion/complete'
        ? 'params.ref must have a "name" or a "uri" that is a string'
        : `params.${NAMED_BY[method]} must be a string`;
    throw new GatewayError('PARAMS_INVALID', `${method}: ${what}.`);
  }
  const args = valueOf(params.members, 'arguments');
  if (args && !isObjectAt(bytes, args)) {
    throw new GatewayError('PARAMS_INVALID', `${method}: params.arguments must be an object.`);
  }
  const { progressToken: token } = params;
  if (
    token &&
    !isStringAt(bytes, token) &&
    !/^-?\d/.test(bytes.toString('latin1', token.start, token.end))
  ) {
    const text = `${method}: params._meta.progressToken must be a string or a number.`;
    throw new GatewayError('PARAMS_INVALID', text);
  }
}

/** Progress under the caller's token, and log messages of the level it wants; nothing else. */
function isWanted(notification: Message, incoming: Incoming): boolean {
  const { bytes, method, params } = notification;
  if (!params) return false;
  if (method === 'notifications/progress') {
    const wanted = incoming.params.progressToken;
    const token = wanted && valueOf(membersOf(bytes, params), 'progressToken');
    if (!token) return false;
    const ours = incoming.message.bytes.subarray(wanted.start, wanted.end);
    return bytes.subarray(token.start, token.end).equals(ours);
  }
  if (method !== 'notifications/message') return false;
  const { logLevel, client } = incoming;
  if (!logLevel) return client.era === 'legacy';
  const span = valueOf(membersOf(bytes, params), 'level');
  const level = span && isStringAt(bytes, span) ? stringAt(bytes, span) : undefined;
  return isLogLevel(level) && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(logLevel);
}
