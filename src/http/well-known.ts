// Hosts that get a 401 look for OAuth. There is none, so these paths say in OAuth's own words what to do,
// and the host shows that to its user.
import { Router } from 'express';
import type { RequestHandler } from 'express';

const DESCRIPTION =
  'This gateway takes a key, not OAuth. Send the header `Authorization: Bearer tg_…`; ' +
  '`toolgate snippet <host>` prints settings that carry it.';

const answer: RequestHandler = (_req, res) => {
  res.set('cache-control', 'no-store');
  res.status(404).json({ error: 'invalid_request', error_description: DESCRIPTION });
};

/** RFC 8414 and RFC 9728 put the path of the resource after the name, and some clients before it. */
const DOCUMENTS = [
  'oauth-protected-resource',
  'oauth-authorization-server',
  'openid-configuration',
] as const;

export function wellKnownRoutes(): Router {
  const router = Router();
  for (const name of DOCUMENTS) {
    router.all(`/.well-known/${name}{/*path}`, answer);
    router.all(`/{*path}/.well-known/${name}`, answer);
  }
  for (const path of ['/register', '/authorize', '/token']) router.all(path, answer);
  return router;
}
