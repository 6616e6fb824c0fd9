// A clock that a test moves.
import type { Clock } from '../../../src/identity/clock.ts';

export interface TestClock extends Clock {
  /** Lets so much time pass; what is due runs at its time. */
  advance(ms: number): void;
}

export function createTestClock(start = 1_000_000): TestClock {
  let now = start;
  const alarms = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    wake(at, run) {
      const alarm = { at, run };
      alarms.add(alarm);
      return { [Symbol.dispose]: () => void alarms.delete(alarm) };
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...alarms].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
        if (!next) break;
        alarms.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = end;
    },
  };
}
