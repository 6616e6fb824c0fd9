// Calls in flight: each has a deadline, can be cancelled, and is waited for when the gateway drains.
import type { Call, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Target } from '../core/source.ts';

interface Flight {
  readonly control: AbortController;
}

export class Inflight {
  readonly #flights = new Set<Flight>();
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
    const control = new AbortController();
    const flight = { control };
    const endsAt = performance.now() + maxTimeoutMs;
    const expire = () =>
      control.abort(timedOut(call, target, timeoutMs, performance.now() >= endsAt - 1));
    let timer = setTimeout(expire, timeoutMs);
    const onAbort = () => control.abort(cancelled(call.signal.reason));
    call.signal.addEventListener('abort', onAbort, { once: true });
    this.#flights.add(flight);
    try {
      return await next({
        ...call,
        signal: control.signal,
        onNotification: (notification) => {
          if (control.signal.aborted) return;
          clearTimeout(timer);
          timer = setTimeout(expire, Math.min(timeoutMs, Math.max(0, endsAt - performance.now())));
          call.onNotification(notification);
        },
      });
    } finally {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', onAbort);
      this.#flights.delete(flight);
      if (this.#flights.size === 0) this.#empty?.();
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
