import type { Log } from '../../src/core/log.ts';

/** For rooms whose log the test does not look at. */
export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
