// Asks an idle upstream now and then whether it is still there. Any answer will do, an error too.
import { setTimeout as delay } from 'node:timers/promises';
import { isGatewayError } from '../core/errors.ts';
import type { Connection } from './connection.ts';
import { ownRequest } from './handshake.ts';
import type { ClientInfo } from './handshake.ts';

const INTERVAL_MS = 30_000;
const ANSWER_MS = 10_000;

export interface HealthOptions {
  readonly connection: Connection;
  readonly info: ClientInfo;
  /** Ends the checks. */
  readonly signal: AbortSignal;
  /** A server with calls in flight may be busy: it is left alone. */
  readonly isBusy: () => boolean;
  readonly onWell: () => void;
  readonly onSick: (reason: string) => void;
  readonly intervalMs?: number;
}

/** Checks until the signal comes. Never throws. */
export async function watchHealth(options: HealthOptions): Promise<void> {
  const { connection, info, signal, intervalMs = INTERVAL_MS } = options;
  const method = connection.era === 'modern' ? 'server/discover' : 'ping';
  while (!signal.aborted) {
    try {
      await delay(intervalMs, undefined, { signal, ref: false });
      if (options.isBusy()) continue;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      await connection.request(ownRequest(connection.era, method, {}, limit, info));
      options.onWell();
    } catch (error) {
      if (signal.aborted) return;
      const reason = isGatewayError(error)
        ? error.message
        : `no answer within ${ANSWER_MS / 1000} s`;
      options.onSick(`the health check (${method}) failed: ${reason}`);
    }
  }
}
