// The usual MCP methods of both eras, over a raw server's tables.
import { textAt } from '../../json-text.ts';
import {
  type Handler,
  LEGACY_VERSIONS,
  MODERN_VERSION,
  type RawCall,
  type Reply,
  isObject,
  metaKey,
} from './call.ts';
import type { EraChoice, RawServer } from './server.ts';

const notFound = (code: number, message: string, data?: unknown): Reply => ({
  error: { code, message, data },
});

const supportedVersions = (era: EraChoice): string[] => [
  ...(era === 'legacy' ? [] : [MODERN_VERSION]),
  ...(era === 'modern' ? [] : LEGACY_VERSIONS),
];

const serverInfo = (server: RawServer): string =>
  server.options.serverInfo ?? '{"name":"fixture","version":"1.0.0"}';

function capabilities(server: RawServer): string {
  const { options } = server;
  if (options.capabilities !== undefined) return options.capabilities;
  const listed = { listChanged: true };
  return JSON.stringify({
    logging: {},
    tools: listed,
    ...(options.prompts === undefined ? {} : { prompts: listed }),
    ...(options.resources === undefined && options.templates === undefined
      ? {}
      : { resources: { subscribe: true, listChanged: true } }),
    ...(options.complete === undefined ? {} : { completions: {} }),
  });
}

const instructions = (server: RawServer): string =>
  server.options.instructions === undefined
    ? ''
    : `,"instructions":${JSON.stringify(server.options.instructions)}`;

/** `,"ttlMs":…,"cacheScope":…` for the modern era; empty for legacy and for the sloppy. */
function cacheHints(server: RawServer, call: RawCall): string {
  const cache = server.options.cache ?? { ttlMs: 60_000, cacheScope: 'public' };
  if (call.era === 'legacy' || cache === 'omit') return '';
  return `,"ttlMs":${cache.ttlMs},"cacheScope":${JSON.stringify(cache.cacheScope)}`;
}

function initialize(server: RawServer, call: RawCall): Reply {
  const asked = call.parsed['protocolVersion'];
  const version = LEGACY_VERSIONS.find((known) => known === asked) ?? LEGACY_VERSIONS[0]!;
  const declared = call.parsed['capabilities'];
  call.peer.capabilities = isObject(declared) ? declared : {};
  call.peer.protocolVersion = version;
  return `{"protocolVersion":"${version}","capabilities":${capabilities(server)},"serverInfo":${serverInfo(server)}${instructions(server)}}`;
}

function discover(server: RawServer, call: RawCall): Reply {
  const meta = `"_meta":{${JSON.stringify(metaKey('serverInfo'))}:${serverInfo(server)}}`;
  const versions = supportedVersions(server.options.announceAll === true ? 'dual' : 'modern');
  return `{"supportedVersions":${JSON.stringify(versions)},"capabilities":${capabilities(server)},${meta}${instructions(server)}${cacheHints(server, call)}}`;
}

/** Cursors are offsets under a name of their own, so that a client that reads meaning into one is caught. */
const CURSOR = /^page~(\d+)~$/;

function list(server: RawServer, call: RawCall, key: string, definitions: string[]): Reply {
  const { cursor } = call.parsed;
  let from = 0;
  if (cursor !== undefined) {
    const offset = CURSOR.exec(String(cursor))?.[1];
    if (offset === undefined) return notFound(-32602, 'Unknown cursor');
    from = Number(offset);
  }
  const to = from + (server.options.pageSize ?? Infinity);
  const next = to < definitions.length ? `,"nextCursor":"page~${to}~"` : '';
  const page = definitions.slice(from, to).join(',');
  return `{"${key}":[${page}]${next}${cacheHints(server, call)}}`;
}

async function read(server: RawServer, call: RawCall): Promise<Reply> {
  const { uri } = call;
  const resource =
    server.resources.get(uri) ??
    server.options.templates?.find((template) => template.matches(uri));
  if (resource === undefined) {
    return notFound(call.era === 'modern' ? -32602 : -32002, 'Resource not found', { uri });
  }
  const reply = await resource.read(call);
  if (typeof reply !== 'string' || textAt(reply, 'resultType') !== undefined) return reply;
  if (textAt(reply, 'ttlMs') !== undefined) return reply;
  const hints = cacheHints(server, call);
  return hints === '' ? reply : `${reply.trimEnd().slice(0, -1)}${hints}}`;
}

function subscribe(call: RawCall, on: boolean): Reply {
  if (on) call.peer.subscriptions.add(call.uri);
  else call.peer.subscriptions.delete(call.uri);
  return '{}';
}

function setLevel(call: RawCall): Reply {
  call.peer.logLevel = String(call.parsed['level']);
  return '{}';
}

/** Keeps a method to one era; in the other it is unknown. */
const only =
  (era: 'legacy' | 'modern', handler: Handler): Handler =>
  (call) =>
    call.era === era ? handler(call) : notFound(-32601, 'Method not found');

export function baseMethods(server: RawServer): Record<string, Handler> {
  const definitions = (table: ReadonlyMap<string, { readonly definition: string }>): string[] =>
    [...table.values()].map((entry) => entry.definition);
  return {
    initialize: only('legacy', (call) => initialize(server, call)),
    ping: only('legacy', () => '{}'),
    'logging/setLevel': only('legacy', setLevel),
    'resources/subscribe': only('legacy', (call) => subscribe(call, true)),
    'resources/unsubscribe': only('legacy', (call) => subscribe(call, false)),
    'server/discover': only('modern', (call) => discover(server, call)),
    'subscriptions/listen': only('modern', (call) => server.subscriptions.serve(call)),
    'tools/list': (call) => list(server, call, 'tools', definitions(server.tools)),
    'tools/call': (call) =>
      server.tools.get(call.name)?.call(call) ??
      (server.tools.has(call.name) ? undefined : notFound(-32602, `Unknown tool: ${call.name}`)),
    ...(server.options.prompts === undefined
      ? {}
      : {
          'prompts/list': (call) => list(server, call, 'prompts', definitions(server.prompts)),
          'prompts/get': (call) =>
            server.prompts.get(call.name)?.get(call) ??
            notFound(-32602, `Unknown prompt: ${call.name}`),
        }),
    ...(server.options.resources === undefined && server.options.templates === undefined
      ? {}
      : {
          'resources/list': (call) =>
            list(server, call, 'resources', definitions(server.resources)),
          'resources/templates/list': (call) => {
            const templates = (server.options.templates ?? []).map((entry) => entry.definition);
            return list(server, call, 'resourceTemplates', templates);
          },
          'resources/read': (call) => read(server, call),
        }),
    ...(server.options.complete === undefined
      ? {}
      : { 'completion/complete': server.options.complete }),
  };
}
