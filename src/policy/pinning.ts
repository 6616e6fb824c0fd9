// A tool is what it was when it was accepted: its definition is pinned, and a change of it is noticed before
// anything runs under an old yes (DESIGN §8 `pinning`, SECURITY T41).
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import { GatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Item } from '../core/source.ts';
import type { PinStore, StoredPin } from '../core/store.ts';
import { newShelf, shownItems, toPin } from './pinning-shelf.ts';
import type { PinningMode, Seen, Shelf } from './pinning-shelf.ts';
import { definitionDiff, oddCharacters } from './pinning-text.ts';
import type { PinChange, PinEvent, PinJudgement, PinState } from './pinning-state.ts';

export type { PinningMode } from './pinning-shelf.ts';
export { oddCharacters } from './pinning-text.ts';
export type { OddCharacter } from './pinning-text.ts';

export interface PinningOptions {
  readonly store: PinStore;
  readonly modeOf: (server: string) => PinningMode;
  readonly hashOf: (definition: Buffer) => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** Pins of one server; more are not made by themselves, so that names without end cannot push out old ones. */
export const MAX_PINS = 10_000;
const FIRST_SIGHT = 'first sight';

export class Pinning {
  /** A change was noticed or accepted. On `changed`, old grants and approvals of the tool can be ended for good. */
  readonly events: Emitter<PinEvent>;
  /** What is shown of this server may differ from before. */
  readonly changed: Emitter<string>;
  readonly #options: PinningOptions;
  readonly #servers = new Map<string, Shelf>();
  /** Hashes by definition: a listing that stays the same is not hashed again. */
  readonly #hashes = new WeakMap<Buffer, string>();
  #saving: Promise<void> | undefined;
  #isLoaded = false;

  constructor(options: PinningOptions) {
    this.#options = options;
    const onFault = (error: unknown) => options.log.error({ error }, 'a listener failed');
    this.events = createEmitter(onFault);
    this.changed = createEmitter(onFault);
  }

  /** Reads what was accepted. Before that nothing may be seen, or it would be accepted anew. */
  async load(): Promise<void> {
    for (const stored of await this.#options.store.load()) this.#put(stored);
    this.#isLoaded = true;
  }

  #shelf(server: string): Shelf {
    let shelf = this.#servers.get(server);
    if (!shelf) {
      shelf = newShelf();
      this.#servers.set(server, shelf);
    }
    return shelf;
  }

  #put(stored: StoredPin): void {
    const shelf = this.#shelf(stored.server);
    shelf.pins.set(stored.tool, toPin(stored));
    shelf.unsaved.delete(stored.tool);
    shelf.answer = undefined;
  }

  #hash(raw: Buffer): string {
    let hash = this.#hashes.get(raw);
    if (hash === undefined) {
      hash = this.#options.hashOf(raw);
      this.#hashes.set(raw, hash);
    }
    return hash;
  }

  /**
   * Takes what a server lists now, and accepts what was never seen of it.
   * @returns what may be shown: the same list where nothing is kept back
   */
  apply(server: string, items: readonly Item[]): readonly Item[] {
    if (!this.#isLoaded)
      throw new GatewayError('INTERNAL', 'Pins are asked for before they are loaded.');
    const shelf = this.#shelf(server);
    const mode = this.#options.modeOf(server);
    const { answer } = shelf;
    if (answer?.items === items && answer.mode === mode && shelf.unsaved.size === 0)
      return answer.shown;
    const before = shelf.seen;
    shelf.seen = new Map(items.map((item) => [item.name, { item, hash: this.#hash(item.raw) }]));
    if (mode !== 'off') this.#compare(server, shelf, before);
    const shown = shownItems(mode, shelf, items);
    shelf.answer = { items, mode, shown };
    return shown;
  }

  #compare(server: string, shelf: Shelf, before: ReadonlyMap<string, Seen>): void {
    for (const [tool, seen] of shelf.seen) {
      const pin = shelf.pins.get(tool);
      if (pin)
        this.#tell(
          server,
          tool,
          before.get(tool)?.hash ?? pin.definitionHash,
          pin.definitionHash,
          seen.hash,
        );
      else this.#firstSight(server, shelf, tool, seen);
    }
    if (shelf.unsaved.size > 0) this.#save();
  }

  #tell(server: string, tool: string, from: string, accepted: string, to: string): void {
    if (from === to) return;
    const kind = to === accepted ? 'restored' : 'changed';
    this.#options.log.warn({ server, tool, from, to }, `the definition of a tool was ${kind}`);
    this.events.emit({ kind, server, tool, from, to });
  }

  /** The first one counts: what the server says a moment later is a change. */
  #firstSight(server: string, shelf: Shelf, tool: string, seen: Seen): void {
    if (shelf.unsaved.has(tool)) return;
    if (shelf.pins.size + shelf.unsaved.size < MAX_PINS) {
      shelf.unsaved.set(tool, this.#pinOf(server, tool, seen, FIRST_SIGHT));
      return;
    }
    if (!shelf.isFull)
      this.#options.log.warn(
        { server, MAX_PINS },
        'a server has named too many tools; new ones wait',
      );
    shelf.isFull = true;
  }

  #pinOf(server: string, tool: string, { item, hash }: Seen, by: string): StoredPin {
    return {
      server,
      tool,
      definitionHash: hash,
      definition: item.raw.toString(),
      acceptedAt: this.#options.now(),
      acceptedBy: by,
    };
  }

  #save(): void {
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = undefined;
    });
  }

  /** In batches: what comes while one is written is in the next. */
  async #saveAll(): Promise<void> {
    for (;;) {
      const batch = [...this.#servers.values()].flatMap(({ unsaved }) => [...unsaved.values()]);
      if (batch.length === 0) return;
      try {
        await this.#options.store.save(batch);
      } catch (error) {
        // They stay new, and are tried again when the server lists the next time.
        this.#options.log.error({ error: reasonOf(error) }, 'definitions could not be pinned');
        return;
      }
      for (const pin of batch) this.#put(pin);
      for (const server of new Set(batch.map((pin) => pin.server))) this.changed.emit(server);
    }
  }

  /** Until all first sights are durable, or could not be made so. */
  async settled(): Promise<void> {
    while (this.#saving) await this.#saving;
  }

  state(server: string, tool: string): PinState {
    const mode = this.#options.modeOf(server);
    if (mode === 'off') return 'accepted';
    const shelf = this.#servers.get(server);
    const pin = shelf?.pins.get(tool);
    const seen = shelf?.seen.get(tool);
    if (!pin) return 'new';
    if (!seen || seen.hash === pin.definitionHash) return 'accepted';
    if (mode === 'hold') return 'held';
    return mode === 'quarantine' ? 'quarantined' : 'changed';
  }

  /** How a call of the tool is to be judged now. */
  judge(server: string, tool: string): PinJudgement {
    const state = this.state(server, tool);
    const isKept = state === 'new' && this.#options.modeOf(server) !== 'ask';
    return {
      state,
      hash: this.#servers.get(server)?.seen.get(tool)?.hash ?? '',
      isCallable: state !== 'quarantined' && !isKept,
      mustAsk: state === 'changed' || state === 'new',
    };
  }

  /**
   * What a person who decides about a call must know of a change; empty: nothing.
   * @param isForClient it is shown by a client, which must not see what is held back
   */
  notice(server: string, tool: string, isForClient = false): string {
    const state = this.state(server, tool);
    if (state !== 'changed' && state !== 'held') return '';
    const what =
      state === 'held'
        ? `Server "${server}" now defines this tool otherwise. Clients still see the accepted definition.`
        : `Server "${server}" has changed this tool since it was accepted:`;
    return isForClient && state === 'held' ? what : `${what}\n${this.diff(server, tool)}`;
  }

  /** Readable lines: what was accepted and what the server says now. Empty when they are the same. */
  diff(server: string, tool: string): string {
    const shelf = this.#servers.get(server);
    const seen = shelf?.seen.get(tool);
    if (!seen) return '';
    const pin = shelf?.pins.get(tool);
    if (pin?.definitionHash === seen.hash) return '';
    return definitionDiff(pin?.item.raw ?? Buffer.from('{}'), seen.item.raw);
  }

  /**
   * Accepts what the server says now, durably.
   * @param hash what the person has seen; another one is refused, since the server may change it again meanwhile
   * @throws GatewayError TOOL_NOT_FOUND, DEFINITION_CHANGED
   */
  async accept(server: string, tool: string, by: string, hash?: string): Promise<void> {
    const shelf = this.#servers.get(server);
    const seen = shelf?.seen.get(tool);
    if (!shelf || !seen) {
      throw new GatewayError(
        'TOOL_NOT_FOUND',
        `Server "${server}" lists no tool ${JSON.stringify(tool)} now.`,
      );
    }
    if (hash !== undefined && hash !== seen.hash) {
      throw new GatewayError(
        'DEFINITION_CHANGED',
        `The definition of ${JSON.stringify(tool)} has changed again since it was looked at. Look at it anew.`,
        { data: { server, tool, currentHash: seen.hash } },
      );
    }
    await this.settled();
    const from = shelf.pins.get(tool)?.definitionHash ?? '';
    const pin = this.#pinOf(server, tool, seen, by);
    await this.#options.store.save([pin]);
    this.#put(pin);
    this.events.emit({ kind: 'accepted', server, tool, from, to: seen.hash });
    this.changed.emit(server);
  }

  /** All tools whose definition now is not the accepted one. */
  list(): readonly PinChange[] {
    const changes: PinChange[] = [];
    for (const [server, shelf] of this.#servers) {
      for (const [tool, seen] of shelf.seen) {
        const state = this.state(server, tool);
        if (state === 'accepted') continue;
        const pin = shelf.pins.get(tool);
        changes.push({
          server,
          tool,
          state,
          acceptedHash: pin?.definitionHash ?? '',
          currentHash: seen.hash,
          acceptedAt: pin?.acceptedAt,
          acceptedBy: pin?.acceptedBy,
          oddCharacters: oddCharacters(seen.item.raw),
        });
      }
    }
    return changes;
  }

  /** The server is no longer configured. Its pins stay: to come back is no way to be accepted anew. */
  drop(server: string): void {
    const shelf = this.#servers.get(server);
    if (!shelf) return;
    shelf.seen = new Map();
    shelf.answer = undefined;
  }

  /** Forgets what was accepted of a server, because somebody says so. */
  async forget(server: string): Promise<void> {
    await this.settled();
    await this.#options.store.remove(server);
    this.#servers.delete(server);
    this.changed.emit(server);
  }
}

export const createPinning = (options: PinningOptions): Pinning => new Pinning(options);
