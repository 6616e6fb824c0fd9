// The part of the composition root that keeps tools what they were when they were accepted: pins, and the gate before calls.
import type { Catalog } from './catalog/catalog.ts';
import type { Config } from './config/config.ts';
import { reasonOf } from './core/errors.ts';
import type { Interceptor } from './core/interceptor.ts';
import type { Log } from './core/log.ts';
import type { Item } from './core/source.ts';
import type { PinStore } from './core/store.ts';
import type { Approvals } from './policy/approvals.ts';
import { createPinGate } from './policy/pinning-gate.ts';
import { createPinning } from './policy/pinning.ts';
import type { Pinning, PinningMode } from './policy/pinning.ts';
import { definitionHash } from './wire/canonical.ts';

export interface PinRoomOptions {
  readonly store: PinStore;
  readonly catalog: Catalog;
  readonly config: () => Config;
  readonly log: Log;
}

export interface PinRoom extends Disposable {
  readonly pinning: Pinning;
  /** The interceptors with the gate around them: first, and last before the server. */
  around(interceptors: readonly Interceptor[]): readonly Interceptor[];
  /** What may be shown of a server's tools. */
  shown(server: string): (items: readonly Item[]) => readonly Item[];
  /** Ends what was approved of a tool once its definition changes. */
  guard(approvals: Approvals): void;
  /** What was configured before and is no more. */
  reloaded(before: Config): void;
}

/** Nothing may list before this has settled: what was accepted would be accepted anew. */
export async function openPinRoom({
  store,
  catalog,
  config,
  log,
}: PinRoomOptions): Promise<PinRoom> {
  const stack = new DisposableStack();
  const modeOf = modesBy(config);
  const pinning = createPinning({ store, modeOf, hashOf: definitionHash, now: Date.now, log });
  await pinning.load();
  stack.use(pinning.changed.on((server) => catalog.touch(server)));
  const gate = createPinGate(pinning);
  return {
    pinning,
    around: (interceptors) => [gate.before, ...interceptors, gate.last],
    shown: (server) => (items) => pinning.apply(server, items),
    guard(approvals) {
      const watch = pinning.events.on(({ kind, server, tool, to }) => {
        if (kind === 'accepted') return;
        // A yes that is not ended here is bound to another definition all the same: it does not count.
        approvals.voidTool(server, tool, to).catch((error: unknown) => {
          log.error(
            { server, tool, error: reasonOf(error) },
            'old approvals of a tool could not be ended',
          );
        });
      });
      stack.use(watch);
    },
    reloaded(before) {
      const now = new Set(config().servers.map(({ name }) => name));
      for (const { name } of before.servers) if (!now.has(name)) pinning.drop(name);
    },
    [Symbol.dispose]: () => stack[Symbol.dispose](),
  };
}

/** Asked for every tool of every call, so it is not searched for in the configuration each time. */
function modesBy(config: () => Config): (server: string) => PinningMode {
  let of: Config | undefined;
  let modes = new Map<string, PinningMode>();
  return (server) => {
    const now = config();
    if (of !== now) {
      modes = new Map(now.servers.map((one) => [one.name, one.pinning ?? now.pinning]));
      of = now;
    }
    return modes.get(server) ?? now.pinning;
  };
}
