import { readFileSync, readdirSync } from 'node:fs';

interface Entry {
  readonly pid: number;
  readonly parent: number;
}

function entryOf(name: string): Entry[] {
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'latin1');
    // proc_pid_stat(5): pid (name) state ppid …, and the name may hold anything.
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? [] : [{ pid: Number(name), parent: Number(parent) }];
  } catch {
    return [];
  }
}

/** All processes below this one that run; empty where there is no /proc. */
export function descendantsOf(pid: number): number[] {
  if (process.platform !== 'linux') return [];
  const entries = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(entryOf);
  const found: number[] = [];
  let parents = [pid];
  while (parents.length > 0) {
    const above = new Set(parents);
    parents = entries.filter(({ parent }) => above.has(parent)).map((entry) => entry.pid);
    found.push(...parents);
  }
  return found;
}
