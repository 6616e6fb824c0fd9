// Random servers, policies and keys, a gateway over them, and a second opinion on who may use what.
import { Catalog } from '../../src/catalog/catalog.ts';
import type { Config } from '../../src/config/config.ts';
import type { Call, Message } from '../../src/core/call.ts';
import { createEmitter } from '../../src/core/emitter.ts';
import type { Principal } from '../../src/core/principal.ts';
import type { Item, ItemKind, ResourceUpdate, Source } from '../../src/core/source.ts';
import { createGateway } from '../../src/gateway/gateway.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { createAccess } from '../../src/policy/access.ts';
import { notificationMessage, readMessage, resultAnswer } from '../../src/wire/message.ts';
import { load } from '../unit/config/folder.ts';

export type Random = (limit: number) => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * limit);
  };
}

export const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;
const some = <T>(random: Random, list: readonly T[], most: number): T[] =>
  Array.from({ length: random(most + 1) }, () => pick(random, list));

/** Names that are easily taken for each other. */
const WORDS = ['read', 'Read', 'rеad', 'read_', 'ｒead', 'delete', 'get', 'a__b', 'x.y', 'run-it'];
const NOUNS = ['file', 'FILE', 'ﬁle', 'file2', 'files', 'secret', 'sеcret', 'é', 'e\u0301', '*'];
export const SERVERS = ['files', 'files-2', 'Files', 'git', 'git.hub'];

export interface Hit {
  readonly kind: ItemKind;
  readonly server: string;
  readonly name: string;
}

export interface TestSource extends Source {
  readonly listeners: Set<string>;
  update(uri: string): void;
}

function createSource(name: string, items: Record<ItemKind, Item[]>, hits: Hit[]): TestSource {
  const updated = createEmitter<ResourceUpdate>();
  const listeners = new Set<string>();
  const kinds: Record<string, ItemKind> = {
    'tools/call': 'tools',
    'prompts/get': 'prompts',
    'resources/read': 'resources',
  };
  return {
    name,
    listeners,
    snapshot: {
      items,
      era: 'modern',
      instructions: `of ${name}`,
      completions: true,
      logging: true,
      subscribe: true,
      ttlMs: 1000,
      cacheScope: 'public',
      stale: false,
    },
    changed: createEmitter(),
    updated,
    timeouts: () => ({ timeoutMs: 10_000, maxTimeoutMs: 10_000 }),
    async call(call, target): Promise<Message> {
      const isTemplate = target.item !== undefined && items.resourceTemplates.includes(target.item);
      const ofReference = isTemplate
        ? 'resourceTemplates'
        : target.item && items.prompts.includes(target.item)
          ? 'prompts'
          : 'resources';
      hits.push({ kind: kinds[call.method] ?? ofReference, server: name, name: target.name });
      if (target.item || call.method !== 'resources/read') return resultAnswer('{"content":[]}');
      return readMessage(
        Buffer.from('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such thing"}}'),
      );
    },
    subscribe(uri) {
      listeners.add(uri);
      return { [Symbol.asyncDispose]: async () => void listeners.delete(uri) };
    },
    lowerLogLevel: () => Promise.resolve(),
    update(uri) {
      const notification = readMessage(
        notificationMessage('notifications/resources/updated', { uri }),
      );
      updated.emit({ uri, notification });
    },
  };
}

const item = (key: string, name: string, more: object = {}): Item => ({
  name,
  raw: Buffer.from(JSON.stringify({ [key]: name, ...more })),
});

function createItems(random: Random, server: string, tools: number): Record<ItemKind, Item[]> {
  const names = new Set<string>();
  while (names.size < tools) {
    const plain = `${pick(random, WORDS)}_${pick(random, NOUNS)}`;
    names.add(names.has(plain) ? `${plain}${random(1000)}` : plain);
  }
  const uris = [
    `file:///pub/${server}`,
    'file:///pub/shared',
    'file:///secret/a',
    `${server}://x/y`,
    'file:///pub/../secret/b',
  ];
  return {
    tools: [...names].map((name) =>
      item('name', name, {
        inputSchema: { type: 'object' },
        ...(random(2) ? { annotations: { readOnlyHint: random(2) === 1 } } : {}),
      }),
    ),
    prompts: ['greet', 'Greet', 'read_me', `${server}_only`].map((name) => item('name', name)),
    resources: uris.filter(() => random(4) > 0).map((uri) => item('uri', uri, { name: uri })),
    resourceTemplates: ['file:///pub/{path}', `${server}://{+path}`]
      .filter(() => random(3) > 0)
      .map((uri) => item('uriTemplate', uri, { name: uri })),
  };
}

export interface World {
  readonly gateway: Gateway;
  readonly config: Config;
  readonly sources: readonly TestSource[];
  readonly keys: readonly Principal[];
  /** What reached a server since it was last emptied. */
  readonly hits: Hit[];
}

interface LevelConfig {
  readonly tools?: string[];
  readonly deny: string[];
  readonly prompts?: string[];
  readonly resources?: string[];
}

/** Makes selectors and levels that hit often. */
function createPolicies(random: Random, sources: readonly TestSource[]) {
  const all = sources.flatMap(({ name, snapshot }) =>
    snapshot.items.tools.map((one) => `${name}/${one.name}`),
  );
  const globs = [...SERVERS.map((name) => `${name}/*`), '*/read_*', 'files/re*', 'git*/*_file'];
  const wide = [...globs, '*/*secret*', 'f*s/*'];
  const selectors = (most: number): string[] =>
    some(random, [...all, ...wide, ...wide, '*', '@one', '@two'], most);
  const prompts = () => some(random, ['*', 'files/gr*', 'git/*', '*/Greet'], 2);
  const resources = () => some(random, ['*', '*/file:///pub/*', 'files/*', 'git/file:*'], 2);
  const level = (): LevelConfig => ({
    ...(random(3) ? { tools: [...selectors(8), ...(random(2) ? ['*'] : [])] } : {}),
    deny: random(3) ? [] : selectors(2),
    ...(random(3) ? {} : { prompts: prompts() }),
    ...(random(3) ? {} : { resources: resources() }),
  });
  return { selectors, level };
}

function serverEntry(random: Random, { snapshot }: TestSource): object {
  const own = snapshot.items.tools.map((one) => one.name);
  const override = Object.fromEntries(
    some(random, own, 4).map((tool, place) => [
      tool,
      random(2) ? { hidden: true } : { name: `renamed_${place}_${random(99)}` },
    ]),
  );
  const allow = random(2) ? ['*'] : ['read*', 'get*', 'Read*'];
  const deny = random(2) ? [] : ['*secret'];
  return { command: 'x', trusted: random(2) === 1, tools: { allow, deny, override } };
}

async function createConfig(random: Random, sources: readonly TestSource[]): Promise<Config> {
  const { selectors, level } = createPolicies(random, sources);
  const group = () => selectors(6).filter((one) => !one.startsWith('@'));
  const { config } = await load({
    mcpServers: Object.fromEntries(
      sources.map((source) => [source.name, serverEntry(random, source)]),
    ),
    naming: { mode: pick(random, ['prefix', 'on-collision', 'verbatim']) },
    groups: { one: group(), two: group() },
    customers: { c1: level(), c2: level() },
    teams: { t1: { ...level(), customer: 'c1' }, t2: level() },
    environments: { prod: { ...level(), readOnly: some(random, SERVERS, 3) } },
  });
  return config;
}

function createKey(random: Random, id: string, sources: readonly TestSource[]): Principal {
  const { selectors, level } = createPolicies(random, sources);
  const { tools = selectors(10), deny, prompts, resources } = level();
  const maybe = (list: readonly string[]) => (random(2) ? pick(random, list) : undefined);
  return {
    id,
    name: id,
    role: 'caller',
    execute: false,
    team: maybe(['t1', 't2']),
    customer: maybe(['c1', 'c2']),
    environment: random(4) ? undefined : 'prod',
    modes: [],
    allowance: { tools, deny, prompts, resources },
  };
}

export async function createWorld(random: Random, tools: number, keyCount: number): Promise<World> {
  const hits: Hit[] = [];
  const each = Math.ceil(tools / SERVERS.length);
  const sources = SERVERS.map((name) => createSource(name, createItems(random, name, each), hits));
  const config = await createConfig(random, sources);
  const keys = Array.from({ length: keyCount }, (_, i) => createKey(random, `k${i}`, sources));
  // One at least whose environment decides.
  const allowance = { tools: ['*'], deny: [], prompts: undefined, resources: undefined };
  keys[0] = { ...keys[0]!, team: undefined, customer: undefined, environment: 'prod', allowance };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const catalog = new Catalog(config.naming, log);
  catalog.setSources(
    sources.map((source) => {
      const server = config.servers.find(({ name }) => name === source.name)!;
      return { source, prefix: server.prefix, overrides: server.tools.overrides };
    }),
    config.naming,
  );
  const access = createAccess(config, config.servers);
  const gateway = createGateway({ catalog, access, interceptors: [] });
  return { gateway, config, sources, keys, hits };
}

export function callOf(
  view: Pick<Call, 'principal' | 'scope' | 'narrow' | 'door'> & {
    readonly era: Call['client']['era'];
  },
  method: string,
  params: object,
): Call {
  const { principal, scope, narrow, door, era } = view;
  const message = readMessage(
    Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })),
  );
  const { name, uri, ref } = params as {
    name?: string;
    uri?: string;
    ref?: { name?: string; uri?: string };
  };
  return {
    id: 'call',
    principal,
    scope,
    narrow,
    door,
    client: { era, protocolVersion: '', info: undefined, capabilities: Buffer.from('{}') },
    method,
    name: name ?? uri ?? ref?.name ?? ref?.uri ?? '',
    message,
    logLevel: undefined,
    signal: new AbortController().signal,
    onNotification: () => undefined,
    isGone: () => false,
    ask: undefined,
  };
}
