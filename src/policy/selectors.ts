// Selectors name tools as `server/name`, with `*` in either part, `*` for all, or `@group`. A narrowing header
// may also write `server-name` or `server__name`.
import { createGlob, isEveryGlob } from '../core/glob.ts';
import type { Glob } from '../core/glob.ts';

/** One selector, its groups resolved. It compares what the server itself calls the thing. */
export interface Selector {
  /** As it was written. */
  readonly text: string;
  readonly server: Glob;
  readonly name: Glob;
  /** Every name of the servers it matches. */
  readonly isWhole: boolean;
}

export interface SelectorScope {
  /** They hold no groups themselves. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Names of the servers, for the forms without a slash. */
  readonly servers: readonly string[];
}

/** Everything, of every server. */
const EVERY = '*/*';

/** A selector with its slash; undefined for `@group` and for what has none. */
export function parseSelector(text: string): Selector | undefined {
  const whole = isEveryGlob(text) ? EVERY : text;
  const slash = whole.indexOf('/');
  if (slash <= 0 || whole.startsWith('@') || slash === whole.length - 1) return undefined;
  const name = whole.slice(slash + 1);
  return {
    text,
    server: createGlob(whole.slice(0, slash)),
    name: createGlob(name),
    isWhole: isEveryGlob(name),
  };
}

export const groupOf = (text: string): string | undefined =>
  text.startsWith('@') ? text.slice(1) : undefined;

/** `unknown` lists what is no selector, or names a group that is not there. */
export interface Selection {
  readonly selectors: readonly Selector[];
  readonly unknown: readonly string[];
}

/** Compiles a list of selectors as a configuration or a stored key has it. */
export function compileSelectors(
  texts: readonly string[],
  { groups }: Pick<SelectorScope, 'groups'>,
): Selection {
  const unknown: string[] = [];
  const selectors: Selector[] = [];
  for (const text of texts) {
    const group = groupOf(text);
    const members = group === undefined ? [text] : groups.get(group);
    for (const member of members ?? []) {
      const selector = parseSelector(member);
      if (selector) selectors.push(group === undefined ? selector : { ...selector, text });
      else unknown.push(member);
    }
    if (!members) unknown.push(text);
  }
  return { selectors, unknown };
}

/** Compiles a list of a narrowing header. What names nothing that is there allows nothing. */
export function compileNarrow(texts: readonly string[], scope: SelectorScope): readonly Selector[] {
  return texts.flatMap((text) => {
    const { selectors } = compileSelectors([text], scope);
    if (selectors.length > 0 || text.includes('/') || text.startsWith('@')) return selectors;
    // Where it can be read in two ways (server a, tool b-c; server a-b, tool c) both count, as in Bifrost.
    return scope.servers.flatMap((server) =>
      ['__', '-'].flatMap((separator) => {
        const name = text.startsWith(server + separator)
          ? text.slice(server.length + separator.length)
          : '';
        const glob = createGlob(name);
        const only = (one: string): boolean => one === server;
        return name === '' ? [] : [{ text, server: only, name: glob, isWhole: isEveryGlob(name) }];
      }),
    );
  });
}

export const matches = (selector: Selector, server: string, name: string): boolean =>
  selector.server(server) && selector.name(name);
