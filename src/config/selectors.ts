// Checks what the configuration names: groups, servers, teams and customers, each with the nearest that is there.
import type { JSONPath } from 'jsonc-parser';

import type { Problem } from './document.ts';
import { didYouMean } from './nearest.ts';

export interface Names {
  readonly groups: ReadonlyMap<string, unknown>;
  readonly servers: readonly string[];
  readonly report: (problem: Problem) => void;
  /** Hears of what may be meant and probably is not. */
  readonly warn: (path: JSONPath, text: string) => void;
}

export const quote = (text: string): string => JSON.stringify(text.slice(0, 200));

/** Checks one selector; `inGroup`: it stands in a group itself. */
export function checkSelector(text: string, path: JSONPath, names: Names, inGroup = false): void {
  const { groups, servers, report, warn } = names;
  if (text.startsWith('@')) {
    const group = text.slice(1);
    if (inGroup) {
      report({
        path,
        text: `expected "server/tool" or "*" (a group holds no groups), got ${quote(text)}`,
      });
    } else if (!groups.has(group)) {
      const near = didYouMean(group, groups.keys()).replace('"', '"@');
      report({ path, text: `expected a group of "groups", got ${quote(text)}${near}` });
    }
    return;
  }
  if (/^\*+$/.test(text)) return;
  const slash = text.indexOf('/');
  const server = text.slice(0, Math.max(0, slash));
  if (slash <= 0 || slash === text.length - 1) {
    const near = servers.includes(text.replace(/\/$/, ''))
      ? `; did you mean "${text.replace(/\/$/, '')}/*"?`
      : '';
    report({ path, text: `expected "server/tool", "*" or "@group", got ${quote(text)}${near}` });
  } else if (!server.includes('*') && !servers.includes(server)) {
    warn(path, `no server is called ${quote(server)}${didYouMean(server, servers)}`);
  }
}

export function checkSelectors(
  texts: readonly string[] | undefined,
  path: JSONPath,
  names: Names,
  inGroup = false,
): void {
  for (const [index, text] of (texts ?? []).entries()) {
    checkSelector(text, [...path, index], names, inGroup);
  }
}

/** Checks that a name is one of those under `section`. */
export function checkName(
  name: string | undefined,
  path: JSONPath,
  known: Iterable<string>,
  what: string,
  { report }: Names,
): void {
  if (name === undefined) return;
  const names = [...known];
  if (names.includes(name)) return;
  report({ path, text: `expected ${what}, got ${quote(name)}${didYouMean(name, names)}` });
}
