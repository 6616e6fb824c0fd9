// The one road: every door turns a request into a Call and hands it to `call`; nothing else reaches a server.
import type { Call, Era, LogLevel, Message } from '../core/call.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { ItemKind, Source, Target } from '../core/source.ts';
import type { Catalog, CatalogChange } from '../catalog/catalog.ts';
import { rewriteUpdate } from '../catalog/rewrite.ts';
import { headerParameters } from '../wire/headers.ts';
import type { HeaderParameter } from '../wire/headers.ts';
import { mergeInstructions } from './describe.ts';
import type { Description } from './describe.ts';
import { Inflight } from './inflight.ts';
import { resolve } from './resolve.ts';
import { ask, route } from './route.ts';

/** Who looks, in which era, and at which endpoint. */
export interface View {
  readonly principal: Principal;
  readonly era: Era;
  /** The one server of `/mcp/<server>`; undefined at the merged endpoint. */
  readonly scope: string | undefined;
}

export type ListChange = CatalogChange;

/** Runs around every call, outermost first: it may refuse, watch, or change what goes on. */
export type Interceptor = (
  call: Call,
  target: Target,
  next: (call: Call) => Promise<Message>,
) => Promise<Message>;

export interface Gateway {
  /**
   * Runs one call. The answer is in the caller's era; its id is not the caller's.
   * @throws GatewayError
   */
  call(call: Call): Promise<Message>;
  /** Raw JSON of the whole list result in the view's era, from memory. @throws SERVER_NOT_FOUND */
  list(kind: ItemKind, view: View): Buffer;
  /** @throws GatewayError SERVER_NOT_FOUND */
  describe(view: View): Description;
  /** The parameters of a tool that modern HTTP clients mirror into headers; none for an unknown tool. */
  mirrored(view: View, tool: string): readonly HeaderParameter[];
  readonly listChanged: Emitter<ListChange>;
  /**
   * Hears `notifications/resources/updated` for an exposed URI, with that URI in it, until disposed.
   * @throws GatewayError RESOURCE_NOT_FOUND
   */
  subscribe(view: View, uri: string, onUpdate: (notification: Message) => void): AsyncDisposable;
  /** Asks all servers of the view for log messages from this level on. */
  lowerLogLevel(view: View, level: LogLevel): Promise<void>;
  /** Takes no new calls and waits for those in flight, at most so long. */
  drain(deadlineMs: number): Promise<void>;
}

export interface GatewayOptions {
  readonly catalog: Catalog;
  readonly interceptors: readonly Interceptor[];
}

const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
} as const;

export function createGateway({ catalog, interceptors }: GatewayOptions): Gateway {
  const inflight = new Inflight();
  const listChanged = createEmitter<ListChange>();
  catalog.changed.on((change) => listChanged.emit(change));
  const chain: readonly Interceptor[] = [
    ...interceptors,
    (call, target, next) => inflight.run(call, target, next),
  ];
  const run = (call: Call, target: Target, at = 0): Promise<Message> => {
    const interceptor = chain[at];
    if (!interceptor) return route(call, target, catalog);
    return interceptor(call, target, (next) => run(next, target, at + 1));
  };
  const assertScope = (scope: string | undefined): void => {
    if (scope !== undefined && !catalog.source(scope)) {
      throw new GatewayError('SERVER_NOT_FOUND', `No server is named "${scope}".`);
    }
  };
  const sourcesOf = (scope: string | undefined): readonly Source[] =>
    catalog.sources.filter(({ name }) => scope === undefined || name === scope);
  return {
    listChanged,
    async call(call) {
      const { logLevel, client, scope } = call;
      // A modern caller asks for logs with its request; a legacy server must be told before it.
      if (logLevel !== undefined && client.era === 'modern') {
        await lowerLogLevels(sourcesOf(scope), logLevel);
      }
      return ask(call, resolve(call, catalog), (one, target) => run(one, target));
    },
    list(kind, { era, scope }) {
      assertScope(scope);
      return catalog.list(kind, era, scope);
    },
    describe({ scope }) {
      assertScope(scope);
      const sources = sourcesOf(scope);
      return { capabilities: CAPABILITIES, instructions: mergeInstructions(sources) };
    },
    mirrored({ scope }, tool) {
      const target = catalog.find('tools', tool, scope);
      const parameters = target?.item ? headerParameters(target.item.raw) : [];
      return typeof parameters === 'string' ? [] : parameters;
    },
    subscribe: (view, uri, onUpdate) => subscribe(catalog, view, uri, onUpdate),
    lowerLogLevel: ({ scope }, level) => lowerLogLevels(sourcesOf(scope), level),
    drain: (deadlineMs) => inflight.drain(deadlineMs),
  };
}

async function lowerLogLevels(sources: readonly Source[], level: LogLevel): Promise<void> {
  await Promise.all(sources.map((source) => source.lowerLogLevel(level)));
}

function subscribe(
  catalog: Catalog,
  { scope }: View,
  uri: string,
  onUpdate: (notification: Message) => void,
): AsyncDisposable {
  const targets = catalog.findResource(uri, scope);
  if (targets.length === 0) {
    throw new GatewayError('RESOURCE_NOT_FOUND', `Unknown resource: ${JSON.stringify(uri)}`, {
      data: { uri },
    });
  }
  const parts = targets.map(({ source, name }) => ({
    watch: source.updated.on((update) => {
      if (update.uri === name) onUpdate(rewriteUpdate(update.notification, uri));
    }),
    subscription: source.subscribe(name),
  }));
  return {
    async [Symbol.asyncDispose]() {
      for (const { watch } of parts) watch[Symbol.dispose]();
      await Promise.all(parts.map(({ subscription }) => subscription[Symbol.asyncDispose]()));
    },
  };
}
