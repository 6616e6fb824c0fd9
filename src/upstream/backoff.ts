export interface BackoffOptions {
  /** Bound of the first delay. Default 1000. */
  readonly minMs?: number;
  /** Bound of every delay. Default 60,000. */
  readonly maxMs?: number;
  /** From 0 up to, not including, 1. Default Math.random. */
  readonly random?: () => number;
}

export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(): number;
  /** An attempt went well: the delays start from the beginning. */
  reset(): void;
}

/**
 * Exponential delays with full jitter: each lies anywhere between 0 and a bound that doubles, so
 * that many clients of one server that came back do not come all at once.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function createBackoff(options: BackoffOptions = {}): Backoff {
  const { minMs = 1000, maxMs = 60_000, random = Math.random } = options;
  const firstMs = Math.min(minMs, maxMs);
  let boundMs = firstMs;
  return {
    next() {
      const delayMs = Math.floor(random() * (boundMs + 1));
      boundMs = Math.min(boundMs * 2, maxMs);
      return delayMs;
    },
    reset() {
      boundMs = firstMs;
    },
  };
}
