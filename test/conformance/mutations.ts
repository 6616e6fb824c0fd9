// Requests at the edge between the two eras: a table of plain ones, and seeded mutations of them.

export interface Probe {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Mutant extends Probe {
  /** The request that was changed, and how many times. */
  readonly base: Probe;
  readonly changes: number;
}

export type Random = <T>(choices: readonly T[]) => T;

/** Mulberry32: the same choices for the same seed, on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (choices) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    const fraction = ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    return choices[Math.floor(fraction * choices.length)]!;
  };
}

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
const INFO_KEY = 'io.modelcontextprotocol/clientInfo';
const LEVEL_KEY = 'io.modelcontextprotocol/logLevel';

const envelope = { [VERSION_KEY]: MODERN, [CAPABILITIES_KEY]: {} };

const modern = (method: string, params: object = {}, headers: object = {}): Probe => ({
  headers: { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...headers },
  body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: envelope } },
});

const legacy = (method: string, params: object = {}, version: string = LEGACY): Probe => ({
  headers: { 'mcp-protocol-version': version },
  body: { jsonrpc: '2.0', id: 1, method, params },
});

const bare = (body: unknown, headers: Record<string, string> = {}): Probe => ({ headers, body });

const hello = {
  protocolVersion: LEGACY,
  capabilities: {},
  clientInfo: { name: 'a', version: '1' },
};

export const TABLE: readonly Probe[] = [
  modern('server/discover'),
  modern('tools/list'),
  modern('tools/call', { name: 'echo', arguments: {} }, { 'mcp-name': 'echo' }),
  modern('no/such-method'),
  modern('initialize'),
  modern('ping'),
  legacy('initialize', hello),
  legacy('initialize', { ...hello, protocolVersion: MODERN }),
  legacy('initialize', hello, MODERN),
  legacy('tools/list'),
  legacy('ping', {}, '2024-11-05'),
  legacy('server/discover'),
  legacy('tools/list', {}, MODERN),
  legacy('tools/list', {}, '2027-01-01'),
  bare({ jsonrpc: '2.0', id: 'a', method: 'tools/list' }),
  bare({ jsonrpc: '2.0', id: 'a', method: 'server/discover', params: { _meta: envelope } }),
  bare({ jsonrpc: '2.0', method: 'notifications/initialized' }),
  bare({ jsonrpc: '2.0', method: 'notifications/initialized' }, { 'mcp-protocol-version': MODERN }),
  bare(
    {
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 1, _meta: envelope },
    },
    { 'mcp-protocol-version': MODERN, 'mcp-method': 'notifications/cancelled' },
  ),
  bare({ jsonrpc: '2.0', id: 1, result: {} }),
  bare({ jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'x' } }),
  bare([]),
  bare([{ jsonrpc: '2.0', id: 1, method: 'ping' }]),
  bare([{ jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: envelope } }]),
  bare([{ nonsense: true }]),
  bare(null),
  bare('text'),
  bare({}),
];

const VERSIONS = [MODERN, LEGACY, '2025-03-26', '2027-01-01', '1.0', '', 7, null] as const;
const HEADER_VERSIONS = [undefined, MODERN, LEGACY, '2025-03-26', '2027-01-01', 'x', ` ${MODERN} `];
const METHODS = ['server/discover', 'tools/list', 'initialize', 'no/such-method', '', 7] as const;
const OTHER_VALUES = [undefined, null, {}, [], 'x', 7, true] as const;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sets a member, or takes it away where the value is undefined. */
function put(object: Json, key: string, value: unknown): void {
  if (value === undefined) delete object[key];
  else object[key] = structuredClone(value);
}

type Mutation = (probe: { headers: Record<string, string>; body: unknown }, random: Random) => void;

const onBody =
  (change: (body: Json, random: Random) => void): Mutation =>
  ({ body }, random) => {
    if (isObject(body)) change(body, random);
  };

const onMeta = (change: (meta: Json, random: Random) => void): Mutation =>
  onBody((body, random) => {
    const params = isObject(body['params']) ? body['params'] : {};
    const meta = isObject(params['_meta']) ? params['_meta'] : {};
    body['params'] = { ...params, _meta: meta };
    change(meta, random);
  });

const header =
  (name: string, values: readonly (string | undefined)[]): Mutation =>
  ({ headers }, random) =>
    put(headers, name, random(values));

const MUTATIONS: readonly Mutation[] = [
  header('mcp-protocol-version', HEADER_VERSIONS),
  header('mcp-method', [undefined, 'server/discover', 'tools/call', 'Tools/Call', ' tools/list ']),
  header('mcp-name', [undefined, 'echo', 'other', '=?base64?ZWNobw==?=', '=?base64?%%?=', '']),
  onBody((body, random) => put(body, 'jsonrpc', random(['1.0', 2, undefined, '2.0']))),
  onBody((body, random) => put(body, 'id', random([2, 'b', '', -1, 1.5, ...OTHER_VALUES]))),
  onBody((body, random) => put(body, 'method', random([...METHODS, undefined]))),
  onBody((body, random) => put(body, 'params', random(OTHER_VALUES))),
  onBody((body, random) => put(body, random(['result', 'error', 'vendor']), random(OTHER_VALUES))),
  onBody((body, random) => {
    if (isObject(body['params'])) put(body['params'], '_meta', random(OTHER_VALUES));
  }),
  onMeta((meta, random) => put(meta, VERSION_KEY, random([...VERSIONS, undefined]))),
  onMeta((meta, random) => put(meta, CAPABILITIES_KEY, random(OTHER_VALUES))),
  onMeta((meta, random) => put(meta, INFO_KEY, random([hello.clientInfo, ...OTHER_VALUES]))),
  onMeta((meta, random) => put(meta, LEVEL_KEY, random(['info', 'loud', ...OTHER_VALUES]))),
  (probe, random) => {
    if (random([true, false, false])) probe.body = [probe.body];
  },
];

/** A request of the table with one to three things changed. */
export function mutate(random: Random): Mutant {
  const base = random(TABLE);
  const probe = { headers: { ...base.headers }, body: structuredClone(base.body) };
  const count = random([1, 1, 2, 3]);
  for (let i = 0; i < count; i++) random(MUTATIONS)(probe, random);
  return { ...probe, base, changes: count };
}
