// ${NAME} in the strings of the file.
import { basename, sep } from 'node:path';
import type { JSONPath } from 'jsonc-parser';

import type { Problem } from './document.ts';

export interface VariableScope {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Folder of the configuration file. */
  readonly folder: string;
  readonly home: string;
}

interface Expansion {
  readonly value: string;
  readonly problem?: string;
}

const expandTo = (value: string): Expansion => ({ value });
const fail = (problem: string): Expansion => ({ value: '', problem });

function fromHost(name: string, { folder, home }: VariableScope): string | undefined {
  switch (name) {
    case 'workspaceFolder':
      return folder;
    case 'workspaceFolderBasename':
      return basename(folder);
    case 'userHome':
      return home;
    case 'pathSeparator':
    case '/':
      return sep;
    default:
      return undefined;
  }
}

function ofInput(id: string): Expansion {
  const name = id.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase() || 'SECRET';
  return fail(
    `expected no \${input:${id}}, for nobody can be asked here: set an environment variable, ` +
      `for example ${name}, and write \${${name}}`,
  );
}

function expandOne(inner: string, scope: VariableScope): Expansion {
  const known = fromHost(inner, scope);
  if (known !== undefined) return expandTo(known);
  if (inner.startsWith('input:')) return ofInput(inner.slice('input:'.length));
  const match = /^(?:env:)?(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<fallback>.*))?$/s.exec(inner);
  const { name, fallback } = match?.groups ?? {};
  if (name === undefined) {
    return fail(
      `expected \${NAME}, \${env:NAME} or \${NAME:-default}, got \${${inner}} ` +
        `(write $\${ for a plain \${)`,
    );
  }
  if (name.toUpperCase().startsWith('TOOLGATE_')) {
    return fail(
      `expected a variable of yours, got \${${name}}: TOOLGATE_ names stay in the gateway`,
    );
  }
  const value = Object.hasOwn(scope.variables, name) ? scope.variables[name] : undefined;
  // As in a shell: an empty variable takes the default too.
  if (fallback !== undefined) return expandTo(value || fallback);
  if (value !== undefined) return expandTo(value);
  return fail(
    `expected the environment variable ${name}, got nothing: set it or write \${${name}:-default}`,
  );
}

/**
 * Puts variables into every string of a value; a value that came from a variable is not looked at again.
 * `$${` stands for a plain `${`.
 *
 * @param report hears of unset and unknown variables; an empty string stands in for them.
 */
export function expandVariables(
  value: unknown,
  path: JSONPath,
  scope: VariableScope,
  report: (problem: Problem) => void,
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\$\{|\$\{([^{}]*)\}/g, (whole, inner: string | undefined) => {
      if (inner === undefined) return whole.slice(1);
      const expansion = expandOne(inner, scope);
      if (expansion.problem !== undefined) report({ path, text: expansion.problem });
      return expansion.value;
    });
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => expandVariables(item, [...path, index], scope, report));
  }
  if (typeof value !== 'object' || value === null) return value;
  const expanded: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    expanded[key] = expandVariables(item, [...path, key], scope, report);
  }
  return expanded;
}
