// Is the process alive, and may it be sent work: for supervisors and load balancers, without a key.
import { Router } from 'express';

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
export function opsRoutes(readiness: () => Readiness): Router {
  const router = Router();
  router.use((_req, res, next) => {
    res.set('cache-control', 'no-store');
    next();
  });
  router.get('/livez', (_req, res) => {
    res.json({ status: 'alive' });
  });
  router.get('/readyz', (_req, res) => {
    const { ready, reason, servers } = readiness();
    const status = ready ? 'ready' : 'not ready';
    res.status(ready ? 200 : 503).json({ status, ...(reason ? { reason } : {}), servers });
  });
  return router;
}
