// Waits for what no event tells of.
import { setTimeout as wait } from 'node:timers/promises';

/** Between two looks. */
const LOOK_MS = 2;

/** Resolves with the first value that is neither undefined nor false; throws when it is too late. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  deadlineMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await wait(LOOK_MS);
  }
}
