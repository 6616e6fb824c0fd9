// Is the process alive, and may it be sent work: for supervisors and load balancers, without a key.
import type { Route } from './route.ts';

export interface ServerStatus {
  /** connecting, ready, degraded, down, needs-login or disabled. */
  readonly state: string;
  /** Why it is in this state, in words; absent when there is nothing to tell. */
  readonly reason?: string | undefined;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why the gateway is not ready; absent when it is. */
  readonly reason?: string | undefined;
  readonly servers: Readonly<Record<string, ServerStatus>>;
}

/** `/livez`: 200 while the process answers. `/readyz`: 200 or 503, with the state of each server. */
export const opsRoutes = (readiness: () => Readiness): readonly Route[] => [
  {
    method: 'GET',
    path: '/livez',
    access: 'anyone',
    handle: () => ({ status: 200, body: { status: 'alive' } }),
  },
  {
    method: 'GET',
    path: '/readyz',
    access: 'anyone',
    handle: () => {
      const { ready, reason, servers } = readiness();
      const status = ready ? 'ready' : 'not ready';
      const body = { status, ...(reason ? { reason } : {}), servers };
      return { status: ready ? 200 : 503, body };
    },
  },
];
