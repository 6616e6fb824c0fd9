// Every route of the house × everybody who may come, against the table that was agreed on (routes.json).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { test } from 'node:test';
import { houseRoutes } from '../../src/http/server.ts';
import type { Route } from '../../src/http/route.ts';
import { openHouse } from '../unit/http/house.ts';
import type { House } from '../unit/http/house.ts';

interface Agreed {
  readonly access: string;
  /** Status for each caller. */
  readonly statuses: Readonly<Record<string, number>>;
}

type Table = Readonly<Record<string, Agreed>>;

const TABLE = new URL('routes.json', import.meta.url);

const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`;

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle?: { readonly stack?: readonly Layer[] };
}

/** What Express itself would answer, whoever put it there. */
function routesOf(layers: readonly Layer[]): string[] {
  return layers.flatMap(({ route, handle }) => {
    if (handle?.stack && !route) return routesOf(handle.stack);
    if (!route) return [];
    const methods = Object.keys(route.methods).map((method) => method.toUpperCase());
    return route.methods['_all'] || methods.length > 10
      ? [`ALL ${route.path}`]
      : methods.map((method) => `${method} ${route.path}`);
  });
}

/** A request that its handler would take: what is not there is refused by the handler with 404. */
const pathOf = (path: string): string =>
  path
    .replace(':id', 'zzzzzzzz')
    .replace(':name', 'files')
    .replace('{/*path}', '')
    .replace('/{*path}', '/x');

async function callers(house: House): Promise<Record<string, string | undefined>> {
  const make = async (name: string, fields = {}) =>
    (await house.keyring.create({ name, ...fields })).secret;
  return {
    'no key': undefined,
    'wrong key': 'tg_aaaaaaaa_'.padEnd(55, 'x'),
    'narrow key': await make('narrow'),
    'other tenant': await make('other', { customer: 'other', tools: ['*'], execute: true }),
    approver: await make('approver', { role: 'approver', tools: ['*'] }),
    local: house.local,
    admin: house.admin,
  };
}

async function observe(
  house: House,
  { method, path, access }: Route,
  who: Record<string, string | undefined>,
) {
  const statuses: Record<string, number> = {};
  for (const [name, key] of Object.entries(who)) {
    const verb = method === 'ALL' ? 'POST' : method;
    const body = verb === 'GET' || verb === 'DELETE' ? undefined : {};
    statuses[name] = (await house.request(verb, pathOf(path), key, body)).status;
  }
  return { access, statuses };
}

test('the house has the routes of the table, each open to those it says', async () => {
  await using house = await openHouse();
  const declared = houseRoutes(house.options);
  const { stack } = house.express.router as unknown as { stack: readonly Layer[] };
  assert.deepEqual(routesOf(stack).toSorted(), declared.map(nameOf).toSorted());
  const who = await callers(house);
  const seen: Record<string, Agreed> = {};
  for (const route of declared) seen[nameOf(route)] = await observe(house, route, who);
  assert.deepEqual(seen, JSON.parse(await readFile(TABLE, 'utf8')) as Table);
});

test('only what says so is open without a key, and admins’ routes to nobody else', async () => {
  const table = JSON.parse(await readFile(TABLE, 'utf8')) as Table;
  for (const [route, { access, statuses }] of Object.entries(table)) {
    if (access === 'anyone') {
      assert.ok(!route.includes('/v1/'), route);
      continue;
    }
    assert.deepEqual([statuses['no key'], statuses['wrong key']], [401, 401], route);
    if (access !== 'admin') continue;
    for (const name of ['narrow key', 'other tenant', 'approver', 'local']) {
      assert.equal(statuses[name], 403, `${route} ${name}`);
    }
  }
});

/** Sends the request line and Host as they are; fetch would tidy them up. */
function rawStatus(url: string, method: string, path: string, host: string): Promise<number> {
  const { port, hostname } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('end', () => resolve(Number(text.split(' ')[1])));
  socket.on('error', reject);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: close',
    'Content-Length: 0',
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return promise;
}

test('hundreds of ways to write an admin’s path or host open nothing without a key', async () => {
  await using house = await openHouse();
  const { host } = new URL(house.url);
  const bases = [
    '/v1/mcp/keys',
    '/v1/mcp/keys/local',
    '/v1/mcp/servers',
    '/v1/mcp/servers/files/enable',
  ];
  const bend: ((path: string) => string)[] = [
    (path) => path,
    (path) => `${path}/`,
    (path) => `/${path}`,
    (path) => `http://${host}${path}`,
    (path) => path.toUpperCase(),
    (path) => path.replace('/mcp', '/%6dcp'),
    (path) => path.replace('/mcp/', '/mcp//'),
    (path) => path.replace('/mcp/', '/mcp/./'),
    (path) => path.replace('/mcp/', '/x/../mcp/'),
    (path) => path.replace('/mcp/', '/%2e%2e/mcp/'),
    (path) => path.replace('/mcp/', '/mcp%2f'),
    (path) => path.replace('/mcp/', '/mcp\\'),
    (path) => `${path};a=b`,
    (path) => `${path}%00`,
    (path) => `${path}%`,
    (path) => `${path}?x-api-key=${house.admin}`,
    (path) => `/livez/..${path}`,
    (path) => `/livez${path}`,
    (path) => `/mcp${path}`,
    (path) => `${path}/livez`,
    (path) => `${path}?/livez`,
    (path) => `${path}#/livez`,
  ];
  const statuses = new Set<number>();
  for (const base of bases) {
    for (const change of bend) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
        statuses.add(await rawStatus(house.url, method, change(base), host));
      }
    }
    for (const odd of [
      'evil.example',
      `${host}/livez`,
      `${host}?`,
      `${host}#`,
      `x@${host}`,
      `${host} `,
      '',
    ]) {
      statuses.add(await rawStatus(house.url, 'GET', base, odd));
    }
  }
  // 418 is the door of MCP, which asks for a key itself.
  for (const status of statuses)
    assert.ok([400, 401, 403, 404, 418].includes(status), String(status));
  assert.deepEqual(house.ran, []);
  assert.equal(house.keyring.list().length, 2);
});

test('methods that are not declared are not there', async () => {
  await using house = await openHouse();
  for (const [method, path] of [
    ['PUT', '/v1/mcp/keys'],
    ['DELETE', '/v1/mcp/keys'],
    ['POST', '/v1/mcp/tools'],
    ['GET', '/v1/mcp/servers/files/enable'],
    ['OPTIONS', '/v1/mcp/keys'],
    ['GET', '/v1/mcp/secrets'],
    ['GET', '/v1/'],
  ] as const) {
    const answer = await house.request(method, path, house.admin);
    assert.deepEqual([answer.status, answer.json().code], [404, 'NOT_FOUND'], `${method} ${path}`);
  }
});
