// Pins over a store in memory that outlives "restarts".
import type { Log } from '../../../src/core/log.ts';
import type { Item } from '../../../src/core/source.ts';
import type { PinStore, StoredPin } from '../../../src/core/store.ts';
import { createPinning } from '../../../src/policy/pinning.ts';
import type { Pinning, PinningMode } from '../../../src/policy/pinning.ts';
import { definitionHash } from '../../../src/wire/canonical.ts';

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export class MemoryPins implements PinStore {
  readonly rows = new Map<string, StoredPin>();
  saves = 0;
  /** While set, a save waits for it: a rejection is a full disk. */
  hold: Promise<void> | undefined;

  load(): Promise<readonly StoredPin[]> {
    return Promise.resolve([...this.rows.values()]);
  }

  async save(pins: readonly StoredPin[]): Promise<void> {
    this.saves++;
    await this.hold;
    for (const pin of pins) this.rows.set(`${pin.server}/${pin.tool}`, pin);
  }

  remove(server: string): Promise<void> {
    for (const [key, pin] of this.rows) if (pin.server === server) this.rows.delete(key);
    return Promise.resolve();
  }
}

export const tool = (name: string, description = 'does it'): Item => ({
  name,
  raw: Buffer.from(JSON.stringify({ name, description, inputSchema: { type: 'object' } })),
});

export async function openPinning(
  store: PinStore,
  mode: PinningMode | (() => PinningMode),
): Promise<Pinning> {
  const modeOf = typeof mode === 'string' ? () => mode : mode;
  const pinning = createPinning({
    store,
    modeOf,
    hashOf: definitionHash,
    now: () => 1_000,
    log: silent,
  });
  await pinning.load();
  return pinning;
}

/** A server that has shown these tools and had them accepted. */
export async function acquainted(
  store: PinStore,
  mode: PinningMode,
  items: readonly Item[],
): Promise<Pinning> {
  const pinning = await openPinning(store, mode);
  pinning.apply('s', items);
  await pinning.settled();
  return pinning;
}

export const textOf = (items: readonly Item[]): string =>
  items.map(({ raw }) => raw.toString()).join('\n');
