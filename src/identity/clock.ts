/** The time, and being told when it comes. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs once it is `at` or later, within a second, unless disposed before. */
  wake(at: number, run: () => void): Disposable;
}

/** A timer does not count while the machine sleeps, and the clock may be set: so it is looked at often. */
const MAX_SLEEP_MS = 1_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  wake(at, run) {
    let timer: NodeJS.Timeout | undefined;
    const step = () => {
      const left = at - Date.now();
      if (left <= 0) return run();
      timer = setTimeout(step, Math.min(left, MAX_SLEEP_MS)).unref();
    };
    timer = setTimeout(step, Math.min(Math.max(at - Date.now(), 0), MAX_SLEEP_MS)).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
