// What is known of one server's tools: what was accepted, and what the server says now.
import type { Item } from '../core/source.ts';
import type { StoredPin } from '../core/store.ts';

/** What becomes of a changed tool: asked for, shown as it was, taken away, or nothing at all. */
export type PinningMode = 'ask' | 'hold' | 'quarantine' | 'off';

export interface Pin extends StoredPin {
  /** What clients are shown while it is held. */
  readonly item: Item;
}

/** What a server says of a tool now. */
export interface Seen {
  readonly item: Item;
  readonly hash: string;
}

/** Pins and tools of one server, by the tool's name. */
export interface Shelf {
  readonly pins: Map<string, Pin>;
  seen: Map<string, Seen>;
  /** First sights that are not durable yet. */
  readonly unsaved: Map<string, StoredPin>;
  isFull: boolean;
  /** The last answer, while nothing has changed. */
  answer:
    | {
        readonly items: readonly Item[];
        readonly mode: PinningMode;
        readonly shown: readonly Item[];
      }
    | undefined;
}

export const newShelf = (): Shelf => ({
  pins: new Map(),
  seen: new Map(),
  unsaved: new Map(),
  isFull: false,
  answer: undefined,
});

export const toPin = (stored: StoredPin): Pin => ({
  ...stored,
  item: { name: stored.tool, raw: Buffer.from(stored.definition) },
});

/** What clients see of a server's tools: the same list where nothing is kept back. */
export function shownItems(
  mode: PinningMode,
  { pins, seen }: Shelf,
  items: readonly Item[],
): readonly Item[] {
  if (mode === 'off' || mode === 'ask') return items;
  const list: Item[] = [];
  for (const item of items) {
    const pin = pins.get(item.name);
    // One that is not pinned yet follows in a moment, when `changed` says so.
    if (!pin) continue;
    if (pin.definitionHash === seen.get(item.name)?.hash) list.push(item);
    else if (mode === 'hold') list.push(pin.item);
  }
  return list.length === items.length && list.every((item, i) => item === items[i]) ? items : list;
}
