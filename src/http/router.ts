// Builds Express from declared routes, and from nothing else: what is not declared is not there, and what is
// declared cannot be reached without the role it names.
import type { IncomingMessage } from 'node:http';
import type { Express, Request, Response } from 'express';
import { GatewayError } from '../core/errors.ts';
import type { Principal, Role } from '../core/principal.ts';
import { readBody } from './body.ts';
import type { Answer, Asked, Route, Taken } from './route.ts';

/** @throws GatewayError CREDENTIAL_MISSING, CREDENTIAL_INVALID */
export type Authenticate = (headers: IncomingMessage['headers']) => Principal;

const RANK: Readonly<Record<Role, number>> = { caller: 0, approver: 1, admin: 2 };

export function addRoutes(
  app: Express,
  routes: readonly Route[],
  authenticate: Authenticate,
): void {
  for (const route of routes) {
    const method = route.method.toLowerCase() as Lowercase<Route['method']>;
    app[method](route.path, async (req: Request, res: Response) => {
      send(res, await answer(route, req, res, authenticate));
    });
  }
}

/** Who asks is settled before a byte of the body is read. */
async function answer(
  route: Route,
  req: Request,
  res: Response,
  authenticate: Authenticate,
): Promise<Answer | Taken> {
  if (route.access === 'anyone') return route.handle(await askedOf(route, req, res));
  const principal = authenticate(req.headers);
  assertRole(principal, route.access);
  return route.handle({ ...(await askedOf(route, req, res)), principal });
}

/** @throws GatewayError ROLE_MISSING */
function assertRole({ name, role }: Principal, needed: Role): void {
  if (RANK[role] >= RANK[needed]) return;
  throw new GatewayError(
    'ROLE_MISSING',
    `This needs a key with the role ${needed}; "${name}" has the role ${role}.`,
    { data: { needed, role } },
  );
}

async function askedOf(route: Route, req: Request, res: Response): Promise<Asked> {
  const controller = new AbortController();
  res.on('close', () => {
    if (!res.writableFinished)
      controller.abort(new GatewayError('CALL_CANCELLED', 'The caller left.'));
  });
  const { maxBodyBytes } = route;
  const at = req.originalUrl.indexOf('?');
  return {
    params: Object.fromEntries(
      Object.entries(req.params).filter(
        (pair): pair is [string, string] => typeof pair[1] === 'string',
      ),
    ),
    query: new URLSearchParams(at < 0 ? '' : req.originalUrl.slice(at)),
    headers: req.headers,
    body:
      maxBodyBytes === undefined ? Buffer.alloc(0) : await readBody(req, maxBodyBytes, route.form),
    signal: controller.signal,
  };
}

function send(res: Response, answered: Answer | Taken): void {
  if ('take' in answered) return answered.take(res);
  const { status, body, headers } = answered;
  const bytes =
    body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  res.writeHead(status, {
    'cache-control': 'no-store',
    ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
    ...headers,
  });
  res.end(bytes);
}
