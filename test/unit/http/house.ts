// The HTTP house on a real port, with a keyring and a gateway that has two servers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ItemKind } from '../../../src/core/source.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import type { View } from '../../../src/gateway/gateway.ts';
import { apiRoutes } from '../../../src/http/api/route-table.ts';
import { SERVER_ACTIONS } from '../../../src/http/api/servers.ts';
import type { ServerAction, ServerFacts } from '../../../src/http/api/servers.ts';
import { createExpress, startHttpServer } from '../../../src/http/server.ts';
import { createAuthenticator } from '../../../src/identity/authenticate.ts';
import { quietLog as log } from '../../support/log.ts';
import { openTestKeyring } from '../identity/keyring.ts';

/** Raw JSON of definitions by server, with numbers and members that no JSON.parse may touch. */
export const TOOLS: Readonly<Record<string, readonly string[]>> = {
  files: [
    '{"name":"files__read","description":"Reads a \\u0066ile \\"x\\"","inputSchema":{"type":"object","properties":{"max":{"type":"number","maximum":12345678901234567890,"multipleOf":1.0}},"x-vendor":[1e400,-0]},"annotations":{"readOnlyHint":true}}',
    '{"inputSchema":{"type":"object"},"name":"files__bare"}',
  ],
  git: ['{"name":"git__log","title":"Log","description":"","inputSchema":{"type":"object"}}'],
};

const facts = (name: string, state: string, reason?: string): ServerFacts => ({
  name,
  state,
  transport: 'stdio',
  era: undefined,
  version: undefined,
  reason,
  since: 1,
  counts: { tools: 9, prompts: 0, resources: 0, resourceTemplates: 0 },
});

/** Sees what its allowance names by server, as policy would have it. */
function list(kind: ItemKind, { principal, scope, narrow }: View): Buffer {
  if (scope === 'off') throw new GatewayError('SERVER_NOT_FOUND', 'off');
  const levels = [principal.allowance.tools, ...narrow];
  const allows = (server: string) =>
    levels.every((level) => level.some((text) => text === '*' || text.startsWith(`${server}/`)));
  const servers = Object.keys(TOOLS).filter((name) => (scope ?? name) === name && allows(name));
  const items = kind === 'tools' ? servers.flatMap((name) => TOOLS[name]!) : [];
  return Buffer.from(`{"${kind}":[${items.join(',')}],"resultType":"complete","ttlMs":0}`);
}

export async function openHouse() {
  const ring = await openTestKeyring();
  const { keyring } = ring;
  const ran: string[] = [];
  const actions = Object.fromEntries(
    SERVER_ACTIONS.map((action) => [
      action,
      async (name: string) => {
        if (!Object.hasOwn(TOOLS, name)) throw new GatewayError('SERVER_NOT_FOUND', `No ${name}.`);
        ran.push(`${action} ${name}`);
        return Promise.resolve();
      },
    ]),
  ) as Record<ServerAction, (name: string) => Promise<void>>;
  const pins = { list: () => [], diff: () => '', accept: async () => Promise.resolve() };
  const statuses = () => [
    facts('files', 'ready'),
    facts('git', 'down', 'secret path'),
    facts('off', 'disabled'),
  ];
  const options = {
    readiness: () => ({ ready: true, servers: {} }),
    authenticate: createAuthenticator({ keyring }),
    routes: apiRoutes({ gateway: { list }, keys: keyring, servers: { statuses, actions }, pins }),
    log,
  };
  const mcp = (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(418).end();
  const server = await startHttpServer({ ...options, host: '127.0.0.1', port: 0, mcp });
  return {
    ...ring,
    url: server.url,
    ran,
    /** The same house, to look into. */
    express: createExpress(options),
    options,
    async request(method: string, path: string, key?: string, body?: unknown, headers = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await fetch(server.url + path, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: text }),
      });
      const raw = await response.text();
      // oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes
      const json = () => JSON.parse(raw);
      return { status: response.status, headers: response.headers, raw, json };
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await ring[Symbol.asyncDispose]();
    },
  };
}

export type House = Awaited<ReturnType<typeof openHouse>>;
