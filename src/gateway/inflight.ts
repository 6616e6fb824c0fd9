// Calls in flight: each has a deadline, can be cancelled, and is waited for when the gateway drains.
import { Canceller } from '../core/cancellation.ts';
import type { Call, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Target } from '../core/source.ts';

/** How often deadlines are looked at: one timer for all calls, well within the 250 ms that are promised. */
const TICK_MS = 50;

interface Flight {
  readonly control: Canceller;
  readonly call: Call;
  readonly target: Target;
  readonly timeoutMs: number;
  /** When it has had enough time in all. */
  readonly endsAt: number;
  /** When it has been silent for too long. */
  expiresAt: number;
}

export class Inflight {
  readonly #flights = new Set<Flight>();
  #ticker: NodeJS.Timeout | undefined;
  #draining = false;
  #empty: (() => void) | undefined;

  get size(): number {
    return this.#flights.size;
  }

  /** Runs a call under its deadline: so long without progress, so long in all. */
  async run(call: Call, target: Target, next: (call: Call) => Promise<Message>): Promise<Message> {
    if (this.#draining) throw shuttingDown();
    if (call.signal.aborted) throw cancelled(call.signal.reason);
    const { timeoutMs, maxTimeoutMs } = target.source.timeouts(target.name);
    const now = performance.now();
    const control = new Canceller();
    const endsAt = now + maxTimeoutMs;
    const expiresAt = Math.min(now + timeoutMs, endsAt);
    const flight: Flight = { control, call, target, timeoutMs, endsAt, expiresAt };
    const onAbort = () => control.abort(cancelled(call.signal.reason));
    call.signal.addEventListener('abort', onAbort, { once: true });
    this.#flights.add(flight);
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS).unref();
    try {
      return await next({
        ...call,
        signal: control,
        onNotification: (notification) => {
          if (control.aborted) return;
          flight.expiresAt = Math.min(performance.now() + timeoutMs, endsAt);
          call.onNotification(notification);
        },
      });
    } finally {
      call.signal.removeEventListener('abort', onAbort);
      this.#flights.delete(flight);
      if (this.#flights.size === 0) this.#empty?.();
    }
  }

  #tick(): void {
    if (this.#flights.size === 0) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
      return;
    }
    const now = performance.now();
    for (const { control, call, target, timeoutMs, endsAt, expiresAt } of this.#flights) {
      if (now >= expiresAt) control.abort(timedOut(call, target, timeoutMs, now >= endsAt));
    }
  }

  /** Takes no new calls and waits for those in flight; after the deadline they end in an error. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    if (this.#flights.size === 0) return;
    const empty = Promise.withResolvers<void>();
    this.#empty = empty.resolve;
    const timer = setTimeout(() => {
      for (const { control } of this.#flights) control.abort(shuttingDown());
    }, deadlineMs);
    await empty.promise;
    clearTimeout(timer);
  }
}

const shuttingDown = (): GatewayError =>
  new GatewayError('SHUTTING_DOWN', 'The gateway is stopping. Call again once it is back.');

const cancelled = (reason: unknown): unknown =>
  reason instanceof GatewayError
    ? reason
    : new GatewayError('CALL_CANCELLED', 'The call was cancelled by its caller.');

function timedOut(
  call: Call,
  { source, name }: Target,
  timeoutMs: number,
  total: boolean,
): GatewayError {
  const limit = total ? 'maxTimeoutSeconds' : 'timeoutSeconds';
  const spent = total ? 'in all' : `within ${timeoutMs / 1000} s`;
  return new GatewayError(
    'UPSTREAM_TIMEOUT',
    `Server "${source.name}" did not answer ${call.method} "${name}" ${spent} (${limit}). ` +
      'It was told to cancel; it may have run.',
    { data: { server: source.name, limit } },
  );
}
