/**
 * What of an AbortSignal the data path needs. An AbortSignal is one, and so is a Canceller, which costs a
 * fraction of it: an AbortController for each step of each call was a third of the processor time of a call.
 */
export interface Cancellation {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(
    type: 'abort',
    listener: () => void,
    options?: { readonly once?: boolean },
  ): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Cancels once; each listener hears of it once. */
export class Canceller implements Cancellation {
  #reason: unknown = undefined;
  #aborted = false;
  // Nearly always there is one listener, so a set would be a waste.
  #listener: (() => void) | undefined;
  #more: Set<() => void> | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#more ??= new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#more?.delete(listener);
  }

  abort(reason?: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = [this.#listener, ...(this.#more ?? [])];
    this.#listener = undefined;
    this.#more = undefined;
    for (const listener of listeners) listener?.();
  }
}

/** The same as a real AbortSignal, for what takes nothing else. */
export function toAbortSignal(cancellation: Cancellation): AbortSignal {
  if (cancellation instanceof AbortSignal) return cancellation;
  const control = new AbortController();
  if (cancellation.aborted) control.abort(cancellation.reason);
  else
    cancellation.addEventListener('abort', () => control.abort(cancellation.reason), {
      once: true,
    });
  return control.signal;
}
