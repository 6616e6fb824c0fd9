// Hosts that get a 401 look for OAuth. There is none, so these paths say in OAuth's own words what to do,
// and the host shows that to its user.
import type { Route } from './route.ts';

const DESCRIPTION =
  'This gateway takes a key, not OAuth. Send the header `Authorization: Bearer tg_…`; ' +
  '`toolgate snippet <host>` prints settings that carry it.';

const at = (path: string): Route => ({
  method: 'ALL',
  path,
  access: 'anyone',
  handle: () => ({
    status: 404,
    body: { error: 'invalid_request', error_description: DESCRIPTION },
  }),
});

/** RFC 8414 and RFC 9728 put the path of the resource after the name, and some clients before it. */
const DOCUMENTS = [
  'oauth-protected-resource',
  'oauth-authorization-server',
  'openid-configuration',
] as const;

export const WELL_KNOWN_ROUTES: readonly Route[] = [
  ...DOCUMENTS.flatMap((name) => [
    at(`/.well-known/${name}{/*path}`),
    at(`/{*path}/.well-known/${name}`),
  ]),
  ...['/register', '/authorize', '/token'].map(at),
];
