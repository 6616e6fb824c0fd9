// Sources for tests of the catalog: what a server would have said, without a server.
import type { Call, Message } from '../../../src/core/call.ts';
import { createEmitter } from '../../../src/core/emitter.ts';
import type { Item, ItemKind, Snapshot, Source } from '../../../src/core/source.ts';

export interface FakeSource extends Source {
  /** Changes what the server has, and tells of it. */
  say(more: Partial<Snapshot>): void;
}

const ITEMS = { tools: [], prompts: [], resources: [], resourceTemplates: [] };

export const tool = (name: string, more: object = {}): Item => ({
  name,
  raw: Buffer.from(JSON.stringify({ name, inputSchema: { type: 'object' }, ...more })),
});

export const resource = (uri: string, more: object = {}): Item => ({
  name: uri,
  raw: Buffer.from(JSON.stringify({ uri, name: 'r', ...more })),
});

export const template = (uriTemplate: string): Item => ({
  name: uriTemplate,
  raw: Buffer.from(JSON.stringify({ uriTemplate, name: 'r' })),
});

export function source(
  name: string,
  items: Partial<Record<ItemKind, readonly Item[]>>,
  more: Partial<Snapshot> = {},
): FakeSource {
  const changed = createEmitter<readonly ItemKind[]>();
  let snapshot: Snapshot = {
    items: { ...ITEMS, ...items },
    era: 'modern',
    instructions: '',
    completions: false,
    logging: false,
    subscribe: false,
    ttlMs: 0,
    cacheScope: 'private',
    stale: false,
    ...more,
  };
  return {
    name,
    get snapshot() {
      return snapshot;
    },
    changed,
    updated: createEmitter(),
    timeouts: () => ({ timeoutMs: 1000, maxTimeoutMs: 1000 }),
    call: (_call: Call): Promise<Message> => Promise.reject(new Error('not called in these tests')),
    subscribe: () => ({ [Symbol.asyncDispose]: () => Promise.resolve() }),
    lowerLogLevel: () => Promise.resolve(),
    say(next) {
      snapshot = { ...snapshot, ...next };
      changed.emit(Object.keys(next.items ?? {}) as ItemKind[]);
    },
  };
}
