// The exposed name of every tool and prompt: injective, short enough for the hosts, stable over restarts.
import { createHash } from 'node:crypto';

export type NamingMode = 'prefix' | 'on-collision' | 'verbatim';

export interface Naming {
  readonly mode: NamingMode;
  /** Longest exposed name. Models allow 64, and hosts add up to 15. */
  readonly maxLength: number;
}

/** One thing to be named. */
export interface Nameable {
  readonly server: string;
  /** Stands before the name; undefined: the server's name; empty: nothing. */
  readonly prefix: string | undefined;
  readonly name: string;
}

export interface Named<T> {
  readonly exposed: string;
  readonly thing: T;
}

const SEPARATOR = '__';
const HASH_LENGTH = 8;

/** A digest of server and name: the same in every process, other for every pair and every attempt. */
const hashOf = ({ server, name }: Nameable, attempt: number): string =>
  createHash('sha256')
    .update(`${server}\0${name}${attempt === 0 ? '' : `\0${attempt}`}`)
    .digest('hex')
    .slice(0, HASH_LENGTH);

/** The beginning of a text, with no character cut in two. */
const beginningOf = (text: string, length: number): string => {
  const isSplit = /^[\ud800-\udbff][\udc00-\udfff]/.test(
    text.slice(Math.max(length - 1, 0), length + 1),
  );
  return text.slice(0, isSplit ? length - 1 : length);
};

const withHash = (text: string, thing: Nameable, maxLength: number, attempt = 0): string =>
  `${beginningOf(text, maxLength - HASH_LENGTH - 1)}_${hashOf(thing, attempt)}`;

const prefixed = ({ server, prefix = server, name }: Nameable): string =>
  prefix === '' ? name : `${prefix}${SEPARATOR}${name}`;

const shortened = (text: string, thing: Nameable, maxLength: number): string =>
  text.length <= maxLength ? text : withHash(text, thing, maxLength);

/** How often each bare name stands. */
function countNames(things: readonly Nameable[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of things) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function wish(thing: Nameable, { mode, maxLength }: Naming, counts: Map<string, number>): string {
  if (mode === 'verbatim') return thing.name;
  const bare = mode === 'on-collision' && counts.get(thing.name) === 1;
  return shortened(bare ? thing.name : prefixed(thing), thing, maxLength);
}

/**
 * Names all things, in the order given. Two of one name get different ones: the later is told apart by a
 * hash of its server, and a diagnostic says so.
 */
export function assignNames<T extends Nameable>(
  things: readonly T[],
  naming: Naming,
): { names: Named<T>[]; diagnostics: string[] } {
  const counts = countNames(things);
  const owners = new Map<string, T>();
  const diagnostics: string[] = [];
  const names = things.map((thing) => {
    const wished = wish(thing, naming, counts);
    const other = owners.get(wished);
    let exposed = wished;
    // A server may have given a tool the very name that another one would be told apart by.
    for (let attempt = 0; owners.has(exposed); attempt++) {
      exposed = withHash(wished, thing, naming.maxLength, attempt);
    }
    if (other) {
      diagnostics.push(
        `"${thing.name}" of server "${thing.server}" and "${other.name}" of server "${other.server}" ` +
          `would share one name; the former is shown as "${exposed}". Set another "prefix" for one of them.`,
      );
    }
    owners.set(exposed, thing);
    return { exposed, thing };
  });
  return { names, diagnostics };
}

/** A thing that may be called otherwise than its server calls it. */
export interface Wished {
  readonly own: string;
  readonly wished: string | undefined;
}

/**
 * The names of one server's own endpoint: those wished for, but for a wish that another name stands in the
 * way of. Giving one up may stand in the way of the next, so it is done until nothing changes.
 */
export function settleNames(
  things: readonly Wished[],
  onRefused: (thing: Wished) => void,
): string[] {
  const names = things.map(({ own, wished }) => wished ?? own);
  for (let changed = true; changed;) {
    changed = false;
    const counts = countNames(names.map((name) => ({ server: '', prefix: '', name })));
    for (const [index, thing] of things.entries()) {
      if (names[index] === thing.own || counts.get(names[index]!) === 1) continue;
      names[index] = thing.own;
      onRefused(thing);
      changed = true;
    }
  }
  return names;
}
