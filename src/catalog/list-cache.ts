// Lists as raw JSON, by who sees them, in bounded memory.

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_LISTS = 2_000;

export class ListCache {
  readonly #lists = new Map<string, Buffer>();
  #bytes = 0;

  /** The list of this key, made if need be. Those asked for longest ago make room. */
  get(key: string, make: () => Buffer): Buffer {
    const known = this.#lists.get(key);
    if (known) {
      this.#lists.delete(key);
      this.#lists.set(key, known);
      return known;
    }
    const list = make();
    this.#lists.set(key, list);
    this.#bytes += list.length;
    for (const [oldest, { length }] of this.#lists) {
      if (this.#bytes <= MAX_BYTES && this.#lists.size <= MAX_LISTS) break;
      this.#lists.delete(oldest);
      this.#bytes -= length;
    }
    return list;
  }

  clear(): void {
    this.#lists.clear();
    this.#bytes = 0;
  }
}
