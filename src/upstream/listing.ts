// Fetches the lists of an upstream, page by page and within caps. One sloppy item never costs the list.
import type { Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Item, ItemKind } from '../core/source.ts';
import {
  elementsOf,
  isObjectAt,
  isStringAt,
  membersOf,
  parseAt,
  sliceOf,
  stringAt,
  valueOf,
} from '../wire/json.ts';
import { headerParameters } from '../wire/headers.ts';
import type { Connection, Greeting } from './connection.ts';
import { cacheHints, ownRequest } from './handshake.ts';
import type { ClientInfo } from './handshake.ts';

/** Caps of one list of one server (SECURITY.md T48); each is named when it is hit. */
export const MAX_ITEMS = 5_000;
const MAX_PAGES = 200;
const MAX_LIST_BYTES = 32 * 1024 * 1024;

interface KindFacts {
  readonly method: string;
  /** Member of the result that holds the items. */
  readonly member: string;
  /** Member of an item that names it. */
  readonly key: string;
}

export const KINDS: Readonly<Record<ItemKind, KindFacts>> = {
  tools: { method: 'tools/list', member: 'tools', key: 'name' },
  prompts: { method: 'prompts/list', member: 'prompts', key: 'name' },
  resources: { method: 'resources/list', member: 'resources', key: 'uri' },
  resourceTemplates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
  },
};

export interface Listed extends Pick<Greeting, 'ttlMs' | 'cacheScope'> {
  readonly items: readonly Item[];
}

interface ListOptions {
  readonly server: string;
  readonly connection: Connection;
  readonly signal: AbortSignal;
  readonly info: ClientInfo;
  readonly log: Log;
}

/** @throws GatewayError when the server answers with an error or not at all */
export async function listAll(kind: ItemKind, options: ListOptions): Promise<Listed> {
  const { server, connection, signal, info, log } = options;
  const { method } = KINDS[kind];
  const items = new Map<string, Item>();
  const hints: Pick<Greeting, 'ttlMs' | 'cacheScope'>[] = [];
  let bytes = 0;
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const response = await connection.request(
      ownRequest(connection.era, method, params, signal, info),
    );
    if (response.error) throw listRefused(server, method, response);
    const { next, hint } = readPage(kind, response, items, options);
    hints.push(hint);
    bytes += response.bytes.length;
    if (next === undefined) break;
    if (
      next === cursor ||
      page + 1 >= MAX_PAGES ||
      items.size >= MAX_ITEMS ||
      bytes > MAX_LIST_BYTES
    ) {
      log.warn(
        { method, pages: page + 1, items: items.size, bytes, MAX_PAGES, MAX_ITEMS, MAX_LIST_BYTES },
        'the list is longer than the caps allow; the rest is left out',
      );
      break;
    }
    cursor = next;
  }
  return {
    items: [...items.values()],
    ttlMs: Math.min(...hints.map(({ ttlMs }) => ttlMs)),
    cacheScope: hints.every(({ cacheScope }) => cacheScope === 'public') ? 'public' : 'private',
  };
}

const listRefused = (server: string, method: string, { bytes, error }: Message): GatewayError =>
  new GatewayError(
    'UPSTREAM_INVALID',
    `Server "${server}" refused ${method}: ${bytes.toString('utf8', error!.start, Math.min(error!.end, error!.start + 300))}`,
    { data: { server } },
  );

function readPage(
  kind: ItemKind,
  response: Message,
  items: Map<string, Item>,
  { server, connection, log }: ListOptions,
): { next: string | undefined; hint: Pick<Greeting, 'ttlMs' | 'cacheScope'> } {
  const { bytes, result } = response;
  const members = membersOf(bytes, result!);
  const list = valueOf(members, KINDS[kind].member);
  for (const element of list ? elementsOf(bytes, list) : []) {
    if (items.size >= MAX_ITEMS) break;
    // A copy: a slice would keep the whole page in memory.
    const item = itemOf(kind, Buffer.from(sliceOf(bytes, element)));
    const fault = typeof item === 'string' ? item : faultOf(kind, item, connection);
    if (typeof item === 'string' || fault)
      log.warn({ server, kind, fault }, 'an item was left out');
    else if (items.has(item.name)) log.warn({ server, kind, name: item.name }, 'listed twice');
    else items.set(item.name, item);
  }
  const cursor = valueOf(members, 'nextCursor');
  const hintOf = (key: string) => {
    const span = valueOf(members, key);
    return span ? parseAt(bytes, span) : undefined;
  };
  return {
    next: cursor && isStringAt(bytes, cursor) ? stringAt(bytes, cursor) : undefined,
    hint: cacheHints({ ttlMs: hintOf('ttlMs'), cacheScope: hintOf('cacheScope') }),
  };
}

/** @returns the item, or why it is none. */
export function itemOf(kind: ItemKind, raw: Buffer): Item | string {
  const span = { start: 0, end: raw.length };
  const { key } = KINDS[kind];
  const name = isObjectAt(raw, span) ? valueOf(membersOf(raw, span), key) : undefined;
  if (!name || !isStringAt(raw, name)) return `it has no "${key}"`;
  const text = stringAt(raw, name);
  return text === '' ? `its "${key}" is empty` : { name: text, raw };
}

/** Over HTTP in the modern era a tool whose header annotations are wrong must be left out. */
function faultOf(kind: ItemKind, { name, raw }: Item, { era }: Connection): string | undefined {
  if (kind !== 'tools' || era !== 'modern') return undefined;
  const parameters = headerParameters(raw);
  return typeof parameters === 'string' ? `tool "${name}": ${parameters}` : undefined;
}
