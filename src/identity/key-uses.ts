// When keys were last used, written together: a crash forgets the uses of the last seconds.
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { KeyStore } from '../core/store.ts';
import type { Clock } from './clock.ts';
import type { Entry } from './key-fields.ts';

const WRITE_MS = 15_000;

export class KeyUses implements AsyncDisposable {
  readonly #store: KeyStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #used = new Set<Entry>();
  #timer: Disposable | undefined;

  constructor(store: KeyStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  add(entry: Entry, now: number): void {
    entry.lastUsedAt = now;
    if (entry.origin !== 'store') return;
    this.#used.add(entry);
    this.#timer ??= this.#clock.wake(now + WRITE_MS, () => void this.#write());
  }

  /** What stands for a key has been replaced. It may have been used meanwhile. */
  move(before: Entry, after: Entry): void {
    after.lastUsedAt = before.lastUsedAt;
    if (this.#used.delete(before)) this.#used.add(after);
  }

  forget(entry: Entry): void {
    this.#used.delete(entry);
  }

  async #write(): Promise<void> {
    this.#timer = undefined;
    const uses = new Map([...this.#used].map(({ id, lastUsedAt = 0 }) => [id, lastUsedAt]));
    this.#used.clear();
    if (uses.size === 0) return;
    try {
      await this.#store.touch(uses);
    } catch (error) {
      this.#log.warn({ error: reasonOf(error) }, 'the last uses of keys were not written');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#write();
  }
}
