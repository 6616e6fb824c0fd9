// The one road: every door turns a request into a Call and hands it to `call`; nothing else reaches a server.
import type { Call, Era, LogLevel, Message } from '../core/call.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import type { Interceptor } from '../core/interceptor.ts';
import type { Principal } from '../core/principal.ts';
import { ITEM_KINDS } from '../core/source.ts';
import type { ItemKind, Target } from '../core/source.ts';
import type { Catalog, CatalogChange } from '../catalog/catalog.ts';
import { rewriteUpdate } from '../catalog/rewrite.ts';
import type { Access } from '../policy/access.ts';
import { headerParameters } from '../wire/headers.ts';
import type { HeaderParameter } from '../wire/headers.ts';
import { mergeInstructions } from './describe.ts';
import type { Description } from './describe.ts';
import { Inflight } from './inflight.ts';
import { permitted, resolve, resourceNotFound, resources } from './resolve.ts';
import type { Permits } from './resolve.ts';
import { ask, route } from './route.ts';
import { createSight } from './sight.ts';

/** Who looks, in which era, and at which endpoint. */
export interface View {
  readonly principal: Principal;
  readonly era: Era;
  /** The one server of `/mcp/<server>`; undefined at the merged endpoint. */
  readonly scope: string | undefined;
  /** As in Call. */
  readonly narrow: readonly (readonly string[])[];
}

export type ListChange = CatalogChange;

/** What decides who may call what, and what every call passes. */
export interface GatewayPolicy {
  readonly access: Access;
  /** Outermost first. They run once the call is resolved and permitted. */
  readonly interceptors: readonly Interceptor[];
}

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
  /** The policy for everything from now on; calls in flight end under the one they began with. */
  apply(policy: GatewayPolicy): void;
  /** Takes no new calls and waits for those in flight, at most so long. */
  drain(deadlineMs: number): Promise<void>;
}

export interface GatewayOptions extends GatewayPolicy {
  readonly catalog: Catalog;
}

const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
} as const;

export function createGateway({ catalog, ...first }: GatewayOptions): Gateway {
  const inflight = new Inflight();
  const listChanged = createEmitter<ListChange>();
  catalog.changed.on((change) => listChanged.emit(change));
  let policy: GatewayPolicy = first;
  const sight = createSight(catalog, () => policy.access);
  const { permitsOf, assertScope } = sight;
  return {
    listChanged,
    async call(call) {
      const { interceptors } = policy;
      assertScope(call, call.scope);
      const { call: resolved, targets } = resolve(call, catalog, permitsOf(call));
      await lowerFor(call, targets);
      const run = (next: Call, target: Target, at = 0): Promise<Message> => {
        const interceptor = interceptors[at];
        if (interceptor) return interceptor(next, target, (one) => run(one, target, at + 1));
        return inflight.run(next, target, (one) => route(one, target, catalog));
      };
      return ask(resolved, targets, run);
    },
    list(kind, view) {
      assertScope(view, view.scope);
      return catalog.list(kind, view.era, view.scope, sight.listView(view));
    },
    describe(view) {
      assertScope(view, view.scope);
      const sources = sight.sourcesOf(view, view.scope);
      return { capabilities: CAPABILITIES, instructions: mergeInstructions(sources) };
    },
    mirrored(view, tool) {
      const target = permitted('tools', catalog.find('tools', tool, view.scope), permitsOf(view));
      // Of what is shown: a fixed argument is no caller's to mirror.
      const definition = target && catalog.shown(target);
      const parameters = definition ? headerParameters(definition) : [];
      return typeof parameters === 'string' ? [] : parameters;
    },
    subscribe: (view, uri, onUpdate) => {
      assertScope(view, view.scope);
      return subscribe(catalog, view, uri, () => permitsOf(view), onUpdate);
    },
    async lowerLogLevel(view, level) {
      const sources = sight.sourcesOf(view, view.scope);
      await Promise.all(sources.map((source) => source.lowerLogLevel(level)));
    },
    apply(next) {
      policy = next;
      const servers = catalog.sources.map(({ name }) => name);
      listChanged.emit({ kinds: ITEM_KINDS, servers });
    },
    drain: (deadlineMs) => inflight.drain(deadlineMs),
  };
}

/** A modern caller asks for logs with its request; a legacy server must be told before it. */
async function lowerFor({ logLevel, client }: Call, targets: readonly Target[]): Promise<void> {
  if (logLevel === undefined || client.era !== 'modern') return;
  await Promise.all(targets.map(({ source }) => source.lowerLogLevel(logLevel)));
}

/** @param permits by the policy in force when it is asked for: what is subscribed to may be forbidden later */
function subscribe(
  catalog: Catalog,
  { scope }: View,
  uri: string,
  permits: () => Permits,
  onUpdate: (notification: Message) => void,
): AsyncDisposable {
  const targets = resources(uri, scope, catalog, permits());
  if (targets.length === 0) throw resourceNotFound(uri);
  const parts = targets.map(({ source, name }) => ({
    watch: source.updated.on((update) => {
      if (update.uri !== name || !permits()('resources', source.name, name)) return;
      onUpdate(rewriteUpdate(update.notification, uri));
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
