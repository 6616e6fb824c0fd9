import type { Log } from '../core/log.ts';

/**
 * Settles at the first SIGTERM or SIGINT, so that the gateway can drain; the second one ends the process at
 * once.
 */
export function untilStopped(log: Log): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals++;
    if (signals > 1) process.exit(1);
    log.info({ signal }, 'stopping; calls in flight may finish. Once more ends at once');
    stopped.resolve();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return stopped.promise;
}
