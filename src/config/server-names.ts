import { createHash } from 'node:crypto';

import { isPlainName } from './schema.ts';

/**
 * The name a server goes by: its key in the file, trimmed, or when that does not fit into tool names, the
 * key made to fit.
 *
 * @returns undefined for a key of white space only.
 */
export function serverNameOf(key: string): string | undefined {
  const name = key.trim();
  if (name === '') return undefined;
  if (isPlainName(name)) return name;
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/_{2,}/g, '_')
    .replace(/^[_-]+|[_-]+$/g, '');
  if (isPlainName(slug)) return slug;
  return `server-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
