// What zod found, in the words "expected X, got Y".
import { findNodeAtLocation } from 'jsonc-parser';
import type { JSONPath } from 'jsonc-parser';
import type { z } from 'zod';

import type { Document, Problem } from './document.ts';
import { didYouMean } from './nearest.ts';

type Issue = z.core.$ZodIssue;

const NOUNS: Readonly<Record<string, string>> = {
  array: 'an array',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
};

/** Values here may be secrets: only their type is ever told. */
const SECRET_KEYS: ReadonlySet<unknown> = new Set([
  'env',
  'headers',
  'args',
  'url',
  'command',
  'secret',
  'const',
]);

function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return NOUNS[issue.expected] ?? issue.expected;
    case 'invalid_value': {
      const values = issue.values.map((value) => JSON.stringify(value));
      return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
    }
    case 'too_small':
      if (issue.origin === 'string') {
        return Number(issue.minimum) > 1
          ? `a string of at least ${issue.minimum} characters`
          : 'a string that is not empty';
      }
      return `a number of ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `a number of at most ${issue.maximum}`;
    case 'invalid_union':
      return issue.path.includes('env') ? 'a string or a number' : 'a JSON value';
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'another key';
    default:
      return issue.message;
  }
}

/** What stands in the file, not what variables made of it. */
function got({ root }: Document, path: JSONPath, issue: Issue): string {
  const node = findNodeAtLocation(root, path);
  if (node === undefined) return 'nothing';
  if (issue.code === 'invalid_key') return 'this key';
  const isSecret = path.some((part) => SECRET_KEYS.has(part));
  if (node.type === 'string') {
    const text = String(node.value);
    if (text === '') return 'an empty string';
    const isHarmless = issue.code === 'invalid_value' || path[0] === 'gateway';
    return isHarmless && !isSecret && text.length <= 100 ? JSON.stringify(text) : 'a string';
  }
  if (node.type === 'number' || node.type === 'boolean') {
    return isSecret ? `a ${node.type}` : String(node.value);
  }
  return node.type === 'null' ? 'null' : `an ${node.type}`;
}

/**
 * @param base where the checked value stands in the file.
 * @param keysAt the keys to suggest for an unknown one, by its path under `base`.
 */
export function problemsOf(
  document: Document,
  base: JSONPath,
  issues: readonly Issue[],
  keysAt: (path: JSONPath) => readonly string[],
): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const inner = issue.path.filter((part) => typeof part !== 'symbol');
    const path = [...base, ...inner];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key],
        text: `expected a known key, got "${key}"${didYouMean(key, keysAt(inner))}`,
        atKey: true,
      }));
    }
    const atKey = issue.code === 'invalid_key';
    return [
      { path, text: `expected ${expected(issue)}, got ${got(document, path, issue)}`, atKey },
    ];
  });
}
